// InvokeAsync, the deprecated way to queue an event: https://docs.aws.amazon.com/lambda/latest/api/API_InvokeAsync.html

import { buffer } from 'node:stream/consumers';
import type { InvokeAsyncRequest, InvokeAsyncResponse } from '@aws-sdk/client-lambda';
import type { RequestContext } from '#wire/service.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { readFunctionName } from '../function-name.ts';
import { invoke } from './invoke.ts';

export function invokeAsync(dependencies: LambdaDependencies) {
  const queue = invoke(dependencies);
  return async (input: InvokeAsyncRequest, context: RequestContext): Promise<InvokeAsyncResponse> => {
    readFunctionName(input.FunctionName!, context);
    const body = input.InvokeArgs as unknown as Uint8Array | NodeJS.ReadableStream;
    const Payload = (body instanceof Uint8Array ? body : await buffer(body)) as Uint8Array<ArrayBuffer>;
    await queue({ FunctionName: input.FunctionName, InvocationType: 'Event', Payload } as never, context);
    return { Status: 202 };
  };
}
