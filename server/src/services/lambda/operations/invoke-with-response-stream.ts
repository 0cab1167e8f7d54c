// InvokeWithResponseStream: https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
// The runtimes answer whole, as handlers do that stream nothing: their answer is then a stream of one stretch.

import type {
  InvocationRequest,
  InvokeWithResponseStreamRequest,
  InvokeWithResponseStreamResponse,
  InvokeWithResponseStreamResponseEvent,
} from '@aws-sdk/client-lambda';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { invoke } from './invoke.ts';

const LARGEST_CHUNK_BYTES = 256 * 1024;

export function invokeWithResponseStream(dependencies: LambdaDependencies) {
  const whole = invoke(dependencies);
  return async (
    input: InvokeWithResponseStreamRequest,
    context: RequestContext,
  ): Promise<InvokeWithResponseStreamResponse> => {
    checkConstraints([{ at: 'invocationType', value: input.InvocationType, oneOf: ['RequestResponse', 'DryRun'] }]);
    const answer = await whole(input as InvocationRequest, context);
    const payload = (answer.Payload ?? new Uint8Array()) as Uint8Array;
    const failure =
      answer.FunctionError === undefined
        ? {}
        : { ErrorCode: answer.FunctionError, ErrorDetails: Buffer.from(payload).toString('utf8') };
    const end = { ...failure, ...(answer.LogResult === undefined ? {} : { LogResult: answer.LogResult }) };
    return {
      StatusCode: answer.StatusCode!,
      ResponseStreamContentType: 'application/vnd.amazon.eventstream',
      ...(answer.ExecutedVersion === undefined ? {} : { ExecutedVersion: answer.ExecutedVersion }),
      EventStream: events(answer.FunctionError === undefined ? payload : new Uint8Array(), end),
    };
  };
}

async function* events(payload: Uint8Array, end: object): AsyncGenerator<InvokeWithResponseStreamResponseEvent> {
  for (let offset = 0; offset < payload.length; offset += LARGEST_CHUNK_BYTES) {
    const chunk = payload.subarray(offset, offset + LARGEST_CHUNK_BYTES);
    yield { PayloadChunk: { Payload: chunk } } as InvokeWithResponseStreamResponseEvent;
  }
  yield { InvokeComplete: end } as InvokeWithResponseStreamResponseEvent;
}
