// CreateAlias, GetAlias, UpdateAlias, DeleteAlias, ListAliases:
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html

import type {
  AliasConfiguration,
  CreateAliasRequest,
  DeleteAliasRequest,
  GetAliasRequest,
  ListAliasesRequest,
  ListAliasesResponse,
  UpdateAliasRequest,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { ALIASES, type AliasDocument } from '../documents.ts';
import { functionArn, functionNotFound, readFunctionName } from '../function-name.ts';
import { makeMarker, readMarker } from '../marker.ts';
import { PROVISIONED } from '../provisioned/documents.ts';
import { deleteQualified } from '../qualified-documents.ts';
import { checkRevision } from '../revision.ts';
import { checkAlias, checkVersions, readRouting, showAlias } from './aliases.ts';

const LARGEST_PAGE = 50;
const USER = { fields: { Type: 'User' } };

export function createAlias({ table }: LambdaDependencies) {
  return async (input: CreateAliasRequest, context: RequestContext): Promise<AliasConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkAlias(input);
    const routing = readRouting(input.RoutingConfig, input.FunctionVersion!);
    const alias: AliasDocument = {
      alias: input.Name!,
      description: input.Description ?? '',
      version: input.FunctionVersion!,
      ...(routing ? { routing } : {}),
      revisionId: uuid(),
    };
    if (!(await table.find(reference.scope, reference.name))) {
      throw functionNotFound({ ...reference, qualifier: alias.version });
    }
    await table.write(reference, async (_, tx) => {
      await checkVersions(tx, reference, alias);
      const key = `${reference.name}:${alias.alias}`;
      if (await tx.documents.get(ALIASES, reference.scope, key)) {
        const arn = functionArn(reference, alias.alias);
        throw new AwsError('ResourceConflictException', `Alias already exists: ${arn}`, USER);
      }
      await tx.documents.put(ALIASES, reference.scope, key, alias);
    });
    return showAlias(reference, alias);
  };
}

export function updateAlias({ table, provisioner }: LambdaDependencies) {
  return async (input: UpdateAliasRequest, context: RequestContext): Promise<AliasConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkAlias(input);
    let isProvisioned = false;
    const alias = await table.write(reference, async (_, tx) => {
      const key = `${reference.name}:${input.Name}`;
      const before = await tx.documents.get(ALIASES, reference.scope, key);
      if (!before) {
        const arn = functionArn(reference, input.Name);
        throw new AwsError('ResourceNotFoundException', `Alias not found: ${arn}`, USER);
      }
      checkRevision(input.RevisionId, before.revisionId);
      const version = input.FunctionVersion ?? before.version;
      const { routing: kept, ...rest } = before;
      const routing = input.RoutingConfig
        ? readRouting(input.RoutingConfig, version)
        : kept && readRouting({ AdditionalVersionWeights: { [kept.version]: kept.weight } }, version);
      const after: AliasDocument = {
        ...rest,
        version,
        description: input.Description ?? before.description,
        ...(routing ? { routing } : {}),
        revisionId: uuid(),
      };
      await checkVersions(tx, reference, after);
      await tx.documents.put(ALIASES, reference.scope, key, after);
      isProvisioned = (await tx.documents.get(PROVISIONED, reference.scope, key)) !== undefined;
      if (isProvisioned && routing) throw weightedAndProvisioned();
      return after;
    });
    if (isProvisioned) provisioner.begin({ ...reference, qualifier: alias.alias });
    return showAlias(reference, alias);
  };
}

export function getAlias({ table, state }: LambdaDependencies) {
  return async (input: GetAliasRequest, context: RequestContext): Promise<AliasConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkAlias(input);
    await table.get({ scope: reference.scope, name: reference.name });
    const alias = await state.documents.get(ALIASES, reference.scope, `${reference.name}:${input.Name}`);
    if (alias) return showAlias(reference, alias);
    const arn = functionArn(reference, input.Name);
    throw new AwsError('ResourceNotFoundException', `Cannot find alias arn: ${arn}`, USER);
  };
}

/** An alias that is not there counts as deleted. */
export function deleteAlias({ table, provisioner }: LambdaDependencies) {
  return async (input: DeleteAliasRequest, context: RequestContext): Promise<object> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkAlias(input);
    const { scope, name } = reference;
    await table.write(reference, async (_, tx) => {
      await tx.documents.delete(ALIASES, scope, `${name}:${input.Name}`);
      await deleteQualified(tx, scope, name, input.Name!);
    });
    provisioner.begin({ scope, name, qualifier: input.Name! });
    return {};
  };
}

export function listAliases({ table, state }: LambdaDependencies) {
  return async (input: ListAliasesRequest, context: RequestContext): Promise<ListAliasesResponse> => {
    const reference = readFunctionName(input.FunctionName!, context, { namespaced: false });
    checkConstraints([
      { at: 'functionVersion', value: input.FunctionVersion, min: 1, max: 1_024, pattern: /(\$LATEST|[0-9]+)/ },
      { at: 'maxItems', value: input.MaxItems, min: 1, max: 10_000 },
    ]);
    const { scope, name } = reference;
    await table.get({ scope, name });
    const limit = Math.min(input.MaxItems ?? LARGEST_PAGE, LARGEST_PAGE);
    const after = input.Marker ? `${name}:${readMarker(input.Marker)}` : undefined;
    const all = await state.documents.range(ALIASES, scope, {
      prefix: `${name}:`,
      ...(after === undefined ? {} : { after }),
    });
    const wanted = input.FunctionVersion;
    const found = all
      .map(({ value }) => value)
      .filter(({ version, routing }) => wanted === undefined || version === wanted || routing?.version === wanted);
    const page = found.slice(0, limit);
    return {
      Aliases: page.map((alias) => showAlias(reference, alias)),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.alias) } : {}),
    };
  };
}

function weightedAndProvisioned(): AwsError {
  return new AwsError(
    'InvalidParameterValueException',
    'Alias with weights can not be used with Provisioned Concurrency',
    USER,
  );
}
