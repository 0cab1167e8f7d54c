// DeleteFunction: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html

import type { DeleteFunctionRequest, DeleteFunctionResponse } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { Orphan } from '#engines/durable-executions/durable-executions.ts';
import type { RequestContext } from '#wire/service.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { ALIASES, VERSIONS, versionKey } from '../documents.ts';
import {
  checkOwner,
  type FunctionReference,
  functionArn,
  LATEST,
  LATEST_PUBLISHED,
  readFunctionName,
} from '../function-name.ts';
import { unnamedPackages } from '../packages.ts';
import { deleteQualified } from '../qualified-documents.ts';

export function deleteFunction(dependencies: LambdaDependencies) {
  return async (input: DeleteFunctionRequest, context: RequestContext): Promise<DeleteFunctionResponse> => {
    const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
    checkOwner(reference, context);
    const { qualifier } = reference;
    if (qualifier === LATEST) throw invalid('$LATEST version cannot be deleted without deleting the function.');
    await dependencies.activation.settled(reference);
    if (qualifier === undefined) await deleteWhole(dependencies, reference);
    else if (/^\d+$/.test(qualifier) || qualifier === LATEST_PUBLISHED)
      await deleteVersion(dependencies, reference, qualifier);
    else throw invalid('Deletion of aliases is not currently supported.');
    return { StatusCode: 204 };
  };
}

async function deleteWhole(
  { table, asynchronous, invoker, garbage, provisioner, durable, managed }: LambdaDependencies,
  reference: FunctionReference,
): Promise<void> {
  const { scope, name } = reference;
  let orphans: Orphan[] = [];
  const { versions, result: dropped } = await table.delete(reference, async (tx, all) => {
    await asynchronous.purge(tx, reference);
    orphans = await durable.purge(tx, scope, name);
    await deleteQualified(tx, scope, name);
    return garbage.condemn(
      tx,
      [...new Set(all.map(({ code }) => code.objectId))].filter((id) => id !== ''),
    );
  });
  durable.forgetFunction(scope, name, orphans);
  for (const { version } of versions) await invoker.retire(reference, version);
  provisioner.forget(functionArn(reference));
  managed.forget(functionArn(reference));
  garbage.collect(dropped);
}

async function deleteVersion(
  { table, invoker, garbage, provisioner, managed }: LambdaDependencies,
  reference: FunctionReference,
  version: string,
): Promise<void> {
  const { scope, name } = reference;
  const dropped = await table.write({ scope, name }, async (_, tx) => {
    const found = await tx.documents.get(VERSIONS, scope, versionKey(name, version));
    // As AWS has it, a version that is not there counts as deleted.
    if (!found) return [];
    const aliases = await tx.documents.range(ALIASES, scope, { prefix: `${name}:` });
    const referring = aliases.filter(({ value }) => value.version === version || value.routing?.version === version);
    if (referring.length > 0) {
      throw new AwsError(
        'ResourceConflictException',
        `Unable to delete version because the following aliases reference it: [${referring.map(({ value }) => value.alias).join(', ')}]`,
        { fields: { Type: 'User' } },
      );
    }
    await tx.documents.delete(VERSIONS, scope, versionKey(name, version));
    await deleteQualified(tx, scope, name, version);
    return garbage.condemn(tx, await unnamedPackages(tx, scope, name, [found.code.objectId]));
  });
  await invoker.retire(reference, version);
  provisioner.forget(functionArn(reference, version));
  managed.forget(functionArn(reference, version));
  garbage.collect(dropped);
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
