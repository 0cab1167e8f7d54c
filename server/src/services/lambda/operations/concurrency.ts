// PutFunctionConcurrency, GetFunctionConcurrency, DeleteFunctionConcurrency, GetAccountSettings:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html

import type {
  Concurrency,
  DeleteFunctionConcurrencyRequest,
  GetAccountSettingsRequest,
  GetAccountSettingsResponse,
  GetFunctionConcurrencyRequest,
  GetFunctionConcurrencyResponse,
  PutFunctionConcurrencyRequest,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { LARGEST_UNZIPPED_BYTES } from '#engines/functions/function-engine.ts';
import type { DocumentReader, Scope } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { LARGEST_ZIP_BYTES } from '../code-package.ts';
import { concurrencyLimit, LEAST_UNRESERVED } from '../concurrency-limit.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { FUNCTIONS, VERSIONS } from '../documents.ts';
import { functionNotFound, LATEST, readUnqualifiedName } from '../function-name.ts';
import { LAYERS } from '../layers/documents.ts';
import { refuseManaged } from '../managed/configuration.ts';
import { requestedInAll } from '../provisioned/documents.ts';

const LARGEST_CODE_BYTES = 80_530_636_800;

export function putFunctionConcurrency({ table, config }: LambdaDependencies) {
  return async (input: PutFunctionConcurrencyRequest, context: RequestContext): Promise<Concurrency> => {
    const reference = readUnqualifiedName(input.FunctionName!, context);
    const wanted = input.ReservedConcurrentExecutions!;
    // Said with $LATEST, and before the number is looked at.
    if (!(await table.find(reference.scope, reference.name))) {
      throw functionNotFound({ ...reference, qualifier: LATEST });
    }
    checkConstraints([{ at: 'reservedConcurrentExecutions', value: wanted, min: 0 }]);
    await table.update(reference, async (document, tx) => {
      refuseManaged(document.latest, 'Reserved concurrency');
      const provisioned = await requestedInAll(tx.documents, reference.scope, reference.name);
      if (wanted < provisioned) {
        throw new AwsError(
          'InvalidParameterValueException',
          ` ReservedConcurrentExecutions  ${wanted} should not be lower than function's total provisioned concurrency [${provisioned}].`,
        );
      }
      const reserved = await reservedInAll(tx.documents, reference.scope);
      const unreserved = concurrencyLimit(config) - reserved + (document.reservedConcurrency ?? 0) - wanted;
      if (unreserved < LEAST_UNRESERVED) {
        throw new AwsError(
          'InvalidParameterValueException',
          `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${LEAST_UNRESERVED}].`,
        );
      }
      return { ...document, reservedConcurrency: wanted };
    });
    return { ReservedConcurrentExecutions: wanted };
  };
}

export function getFunctionConcurrency({ table }: LambdaDependencies) {
  return async (
    input: GetFunctionConcurrencyRequest,
    context: RequestContext,
  ): Promise<GetFunctionConcurrencyResponse> => {
    const { reservedConcurrency } = await table.get(readUnqualifiedName(input.FunctionName!, context));
    return reservedConcurrency === undefined ? {} : { ReservedConcurrentExecutions: reservedConcurrency };
  };
}

export function deleteFunctionConcurrency({ table }: LambdaDependencies) {
  return async (input: DeleteFunctionConcurrencyRequest, context: RequestContext): Promise<object> => {
    const reference = readUnqualifiedName(input.FunctionName!, context);
    await table.update(reference, ({ reservedConcurrency: _, ...document }) => document);
    return {};
  };
}

export function getAccountSettings({ state, config }: LambdaDependencies) {
  return async (_: GetAccountSettingsRequest, context: RequestContext): Promise<GetAccountSettingsResponse> => {
    const scope = { account: context.account, region: context.region };
    const functions = await state.documents.range(FUNCTIONS, scope);
    const versions = await state.documents.range(VERSIONS, scope);
    const layers = await state.documents.range(LAYERS, scope);
    // A version counts also where it shares its package with $LATEST.
    const codes = [
      ...functions.map(({ value }) => value.latest.code),
      ...[...versions, ...layers].map(({ value }) => value.code),
    ];
    const limit = concurrencyLimit(config);
    return {
      AccountLimit: {
        TotalCodeSize: LARGEST_CODE_BYTES,
        CodeSizeUnzipped: LARGEST_UNZIPPED_BYTES,
        CodeSizeZipped: LARGEST_ZIP_BYTES,
        ConcurrentExecutions: limit,
        UnreservedConcurrentExecutions: limit - (await reservedInAll(state.documents, scope)),
      },
      AccountUsage: {
        TotalCodeSize: codes.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
        FunctionCount: functions.length,
      },
    };
  };
}

async function reservedInAll(documents: DocumentReader, scope: Scope): Promise<number> {
  const functions = await documents.range(FUNCTIONS, scope);
  return functions.reduce((total, { value }) => total + (value.reservedConcurrency ?? 0), 0);
}
