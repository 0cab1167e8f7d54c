// PutFunctionRecursionConfig, GetFunctionRecursionConfig:
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html

import type {
  GetFunctionRecursionConfigRequest,
  GetFunctionRecursionConfigResponse,
  PutFunctionRecursionConfigRequest,
  PutFunctionRecursionConfigResponse,
} from '@aws-sdk/client-lambda';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { readUnqualifiedName } from '../function-name.ts';

export function putFunctionRecursionConfig({ table }: LambdaDependencies) {
  return async (
    input: PutFunctionRecursionConfigRequest,
    context: RequestContext,
  ): Promise<PutFunctionRecursionConfigResponse> => {
    const reference = readUnqualifiedName(input.FunctionName!, context);
    const recursiveLoop = input.RecursiveLoop!;
    checkConstraints([{ at: 'recursiveLoop', value: recursiveLoop, oneOf: ['Terminate', 'Allow'] }]);
    await table.update(reference, (document) => ({ ...document, recursiveLoop }));
    return { RecursiveLoop: recursiveLoop };
  };
}

export function getFunctionRecursionConfig({ table }: LambdaDependencies) {
  return async (
    input: GetFunctionRecursionConfigRequest,
    context: RequestContext,
  ): Promise<GetFunctionRecursionConfigResponse> => {
    const { recursiveLoop } = await table.get(readUnqualifiedName(input.FunctionName!, context));
    return { RecursiveLoop: recursiveLoop ?? 'Terminate' };
  };
}
