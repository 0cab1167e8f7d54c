// DeleteFunction: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html

import type { DeleteFunctionRequest } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { LATEST, readFunctionName } from '../function-name.ts';

export function deleteFunction({ table, activation, asynchronous, invoker, objects }: LambdaDependencies) {
  return async (input: DeleteFunctionRequest, context: RequestContext): Promise<object> => {
    const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
    if (reference.qualifier === LATEST) {
      throw new AwsError(
        'InvalidParameterValueException',
        '$LATEST version cannot be deleted without deleting the function.',
      );
    }
    await activation.settled(reference);
    const { latest } = await table.delete(reference, (tx) => asynchronous.purge(tx, reference));
    await invoker.retire(reference, latest.version);
    await objects.remove([latest.code.objectId]);
    return {};
  };
}
