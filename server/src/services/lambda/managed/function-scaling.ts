// PutFunctionScalingConfig, GetFunctionScalingConfig: how many environments a published version has on Managed Instances.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionScalingConfig.html

import type {
  FunctionScalingConfig,
  GetFunctionScalingConfigRequest,
  GetFunctionScalingConfigResponse,
  PutFunctionScalingConfigRequest,
  PutFunctionScalingConfigResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { VERSIONS, versionKey } from '../documents.ts';
import { type FunctionReference, functionArn, functionNotFound, readFunctionName } from '../function-name.ts';
import { FUNCTION_SCALING, type FunctionScalingDocument } from './documents.ts';
import { DEFAULT_MINIMUM } from './managed-versions.ts';

const QUALIFIER = /(\$LATEST\.PUBLISHED|[0-9]+)/;
const MOST_ENVIRONMENTS = 15_000;

export function putFunctionScalingConfig({ table, managed }: LambdaDependencies) {
  return async (
    input: PutFunctionScalingConfigRequest,
    context: RequestContext,
  ): Promise<PutFunctionScalingConfigResponse> => {
    const reference = readVersion(input, context);
    const { MinExecutionEnvironments: minimum, MaxExecutionEnvironments: maximum } = input.FunctionScalingConfig ?? {};
    checkConstraints([
      { at: 'functionScalingConfig.minExecutionEnvironments', value: minimum, min: 0, max: MOST_ENVIRONMENTS },
      { at: 'functionScalingConfig.maxExecutionEnvironments', value: maximum, min: 0, max: MOST_ENVIRONMENTS },
    ]);
    if (maximum !== undefined && (minimum ?? Math.min(DEFAULT_MINIMUM, maximum)) > maximum) {
      throw invalid('MinExecutionEnvironments must not be greater than MaxExecutionEnvironments.');
    }
    const state = await table.write(reference, async (_, tx) => {
      const key = versionKey(reference.name, reference.qualifier!);
      const version = await tx.documents.get(VERSIONS, reference.scope, key);
      if (!version) throw functionNotFound(reference);
      checkIsManaged(version.managed);
      const document: FunctionScalingDocument = {
        ...(minimum === undefined ? {} : { minimum }),
        ...(maximum === undefined ? {} : { maximum }),
      };
      await tx.documents.put(FUNCTION_SCALING, reference.scope, keyOf(reference), document);
      const next = maximum === 0 ? 'Deactivating' : version.state === 'Active' ? 'Active' : 'Pending';
      if (next !== version.state) {
        const { stateReason: _, ...rest } = version;
        await tx.documents.put(VERSIONS, reference.scope, key, { ...rest, state: next });
      }
      return next;
    });
    managed.begin(reference);
    return { FunctionState: state };
  };
}

export function getFunctionScalingConfig({ table, state, managed }: LambdaDependencies) {
  return async (
    input: GetFunctionScalingConfigRequest,
    context: RequestContext,
  ): Promise<GetFunctionScalingConfigResponse> => {
    const reference = readVersion(input, context);
    const { version } = await table.resolve(reference);
    checkIsManaged(version.managed);
    const requested = await state.documents.get(FUNCTION_SCALING, reference.scope, keyOf(reference));
    const applied = managed.applied(functionArn(reference, reference.qualifier));
    return {
      FunctionArn: functionArn(reference, reference.qualifier),
      ...(applied ? { AppliedFunctionScalingConfig: show(applied) } : {}),
      ...(requested ? { RequestedFunctionScalingConfig: show(requested) } : {}),
    };
  };
}

function readVersion(
  input: { FunctionName?: string | undefined; Qualifier?: string | undefined },
  context: RequestContext,
): FunctionReference {
  checkConstraints([{ at: 'qualifier', value: input.Qualifier, min: 1, max: 128, pattern: QUALIFIER }]);
  return readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier, namespaced: false });
}

function keyOf({ name, qualifier }: FunctionReference): string {
  return `${name}:${qualifier}`;
}

function checkIsManaged(managed: unknown): void {
  if (!managed) throw invalid('FunctionScalingConfig is supported for Lambda Managed Instances functions only.');
}

function show({ minimum, maximum }: FunctionScalingDocument): FunctionScalingConfig {
  return {
    ...(minimum === undefined ? {} : { MinExecutionEnvironments: minimum }),
    ...(maximum === undefined ? {} : { MaxExecutionEnvironments: maximum }),
  };
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
