// Put, Get, Delete and ListProvisionedConcurrencyConfig(s):
// https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html

import type {
  DeleteProvisionedConcurrencyConfigRequest,
  GetProvisionedConcurrencyConfigRequest,
  GetProvisionedConcurrencyConfigResponse,
  ListProvisionedConcurrencyConfigsRequest,
  ListProvisionedConcurrencyConfigsResponse,
  PutProvisionedConcurrencyConfigRequest,
  PutProvisionedConcurrencyConfigResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { Transaction } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { concurrencyLimit, LEAST_UNRESERVED } from '../concurrency-limit.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { ALIASES } from '../documents.ts';
import { type FunctionReference, functionArn, LATEST, readFunctionName, targetNotFound } from '../function-name.ts';
import type { Target } from '../function-table.ts';
import { refuseManaged } from '../managed/configuration.ts';
import { makeMarker, readMarker } from '../marker.ts';
import { refuseTenancy } from '../tenancy.ts';
import { PROVISIONED, type ProvisionedDocument, requestedInAll } from './documents.ts';
import type { Provisioner } from './provisioner.ts';

const LARGEST_PAGE = 50;

export function putProvisionedConcurrencyConfig({ table, clock, provisioner, config }: LambdaDependencies) {
  return async (
    input: PutProvisionedConcurrencyConfigRequest,
    context: RequestContext,
  ): Promise<PutProvisionedConcurrencyConfigResponse> => {
    const requested = input.ProvisionedConcurrentExecutions!;
    checkConstraints([{ at: 'provisionedConcurrentExecutions', value: requested, min: 1 }]);
    const reference = readQualified(input, context);
    if (reference.qualifier === LATEST) {
      throw invalid('Provisioned Concurrency Configs cannot be applied to unpublished function versions.');
    }
    const target = await resolve({ table }, reference);
    refuseTenancy(target.document.latest, 'Provisioned Concurrency');
    refuseManaged(target.version, 'Provisioned Concurrency');
    if (target.alias?.routing) throw invalid('Alias with weights can not be used with Provisioned Concurrency');
    if (target.alias?.version === LATEST) {
      throw invalid('Provisioned Concurrency Configs cannot be applied to unpublished function versions.');
    }
    const document: ProvisionedDocument = {
      qualifier: reference.qualifier!,
      requested,
      lastModifiedMs: clock.now(),
    };
    const { scope, name, qualifier } = reference;
    const unreserved = concurrencyLimit(config) - (await table.reservedConcurrency(scope));
    await table.write(reference, async ({ reservedConcurrency }, tx) => {
      if (reservedConcurrency === undefined) checkUnreserved(requested, unreserved);
      else if (requested + (await requestedInAll(tx.documents, scope, name, qualifier)) > reservedConcurrency) {
        throw invalid(
          'Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function',
        );
      }
      await refuseTwins(tx, reference, target);
      await tx.documents.put(PROVISIONED, scope, keyOf(reference), document);
    });
    provisioner.begin(reference);
    return {
      ...show(document),
      AvailableProvisionedConcurrentExecutions: 0,
      AllocatedProvisionedConcurrentExecutions: 0,
      Status: 'IN_PROGRESS',
    };
  };
}

function checkUnreserved(requested: number, unreserved: number): void {
  if (requested > unreserved) {
    throw invalid(
      `Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [${unreserved}].`,
    );
  }
  if (unreserved - requested < LEAST_UNRESERVED) {
    throw invalid(
      `Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${LEAST_UNRESERVED}].`,
    );
  }
}

export function getProvisionedConcurrencyConfig({ table, state, provisioner }: LambdaDependencies) {
  return async (
    input: GetProvisionedConcurrencyConfigRequest,
    context: RequestContext,
  ): Promise<GetProvisionedConcurrencyConfigResponse> => {
    const reference = readPublished(input, context);
    await resolve({ table }, reference);
    const document = await state.documents.get(PROVISIONED, reference.scope, keyOf(reference));
    if (!document) {
      throw new AwsError(
        'ProvisionedConcurrencyConfigNotFoundException',
        'No Provisioned Concurrency Config found for this function',
        { fields: { Type: 'User' } },
      );
    }
    return describe(reference, document, provisioner);
  };
}

/** A configuration that is not there counts as deleted. */
export function deleteProvisionedConcurrencyConfig({ table, provisioner }: LambdaDependencies) {
  return async (input: DeleteProvisionedConcurrencyConfigRequest, context: RequestContext): Promise<object> => {
    const reference = readPublished(input, context);
    await resolve({ table }, reference);
    const was = await table.write(reference, (_, tx) =>
      tx.documents.delete(PROVISIONED, reference.scope, keyOf(reference)),
    );
    if (was) provisioner.begin(reference);
    return {};
  };
}

export function listProvisionedConcurrencyConfigs({ table, state, provisioner }: LambdaDependencies) {
  return async (
    input: ListProvisionedConcurrencyConfigsRequest,
    context: RequestContext,
  ): Promise<ListProvisionedConcurrencyConfigsResponse> => {
    checkConstraints([{ at: 'maxItems', value: input.MaxItems, min: 1, max: 50 }]);
    const { scope, name } = readFunctionName(input.FunctionName!, context, { namespaced: false });
    await table.get({ scope, name });
    const limit = input.MaxItems ?? LARGEST_PAGE;
    const found = await state.documents.range(PROVISIONED, scope, {
      prefix: `${name}:`,
      limit: limit + 1,
      ...(input.Marker ? { after: readMarker(input.Marker) } : {}),
    });
    const page = found.slice(0, limit);
    return {
      ProvisionedConcurrencyConfigs: page.map(({ value }) => ({
        FunctionArn: functionArn({ scope, name }, value.qualifier),
        ...describe({ scope, name, qualifier: value.qualifier }, value, provisioner),
      })),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.key) } : {}),
    };
  };
}

function readQualified(
  input: { FunctionName?: string | undefined; Qualifier?: string | undefined },
  context: RequestContext,
): FunctionReference {
  return readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier, namespaced: false });
}

function readPublished(
  input: { FunctionName?: string | undefined; Qualifier?: string | undefined },
  context: RequestContext,
): FunctionReference {
  const reference = readQualified(input, context);
  if (reference.qualifier !== LATEST) return reference;
  throw invalid('The function resource provided must be an alias or a published version.');
}

async function resolve({ table }: Pick<LambdaDependencies, 'table'>, reference: FunctionReference): Promise<Target> {
  if (await table.isThere(reference)) return table.resolve(reference);
  throw targetNotFound(reference);
}

/** A version is provisioned by itself or by an alias, not by both. */
async function refuseTwins(tx: Transaction, { scope, name }: FunctionReference, target: Target): Promise<void> {
  const isProvisioned = (qualifier: string) => tx.documents.get(PROVISIONED, scope, `${name}:${qualifier}`);
  if (target.alias) {
    if (!(await isProvisioned(target.version.version))) return;
    throw conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version");
  }
  for (const { value } of await tx.documents.range(ALIASES, scope, { prefix: `${name}:` })) {
    if (value.version !== target.version.version || !(await isProvisioned(value.alias))) continue;
    throw conflict('Version is pointed by a Provisioned Concurrency alias');
  }
}

function describe(reference: FunctionReference, document: ProvisionedDocument, provisioner: Provisioner) {
  const { status, reason, allocated, inUse } = provisioner.allocation(functionArn(reference, reference.qualifier));
  return {
    ...show(document),
    AvailableProvisionedConcurrentExecutions: allocated - inUse,
    AllocatedProvisionedConcurrentExecutions: allocated,
    Status: status,
    ...(reason === undefined ? {} : { StatusReason: reason }),
  };
}

function show({ requested, lastModifiedMs }: ProvisionedDocument) {
  return {
    RequestedProvisionedConcurrentExecutions: requested,
    LastModified: `${new Date(lastModifiedMs).toISOString().slice(0, 19)}+0000`,
  };
}

function keyOf({ name, qualifier }: FunctionReference): string {
  return `${name}:${qualifier}`;
}

function conflict(message: string): AwsError {
  return new AwsError('ResourceConflictException', message, { fields: { Type: 'User' } });
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
