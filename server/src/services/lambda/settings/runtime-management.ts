// PutRuntimeManagementConfig, GetRuntimeManagementConfig:
// https://docs.aws.amazon.com/lambda/latest/api/API_PutRuntimeManagementConfig.html

import type {
  GetRuntimeManagementConfigRequest,
  GetRuntimeManagementConfigResponse,
  PutRuntimeManagementConfigRequest,
  PutRuntimeManagementConfigResponse,
  UpdateRuntimeOn,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { defineCollection } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { type FunctionReference, functionArn, LATEST, readFunctionName } from '../function-name.ts';

interface RuntimeManagementDocument {
  updateRuntimeOn: UpdateRuntimeOn;
  runtimeVersionArn?: string;
}

/** Keyed `name:version`. */
export const RUNTIME_MANAGEMENT = defineCollection<RuntimeManagementDocument>('lambda.runtime-management');

const RUNTIME_VERSION_ARN = /arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}::runtime:.+/;
const USER = { fields: { Type: 'User' } };

export function putRuntimeManagementConfig({ table }: LambdaDependencies) {
  return async (
    input: PutRuntimeManagementConfigRequest,
    context: RequestContext,
  ): Promise<PutRuntimeManagementConfigResponse> => {
    const reference = readVersion(input, context);
    const { UpdateRuntimeOn, RuntimeVersionArn } = input;
    checkConstraints([
      { at: 'updateRuntimeOn', value: UpdateRuntimeOn, oneOf: ['Auto', 'Manual', 'FunctionUpdate'] },
      { at: 'runtimeVersionArn', value: RuntimeVersionArn, min: 26, max: 2_048, pattern: RUNTIME_VERSION_ARN },
    ]);
    if (UpdateRuntimeOn === 'Manual' && RuntimeVersionArn === undefined) {
      throw invalid('RuntimeVersionArn is required when the UpdateRuntimeOn is set to Manual');
    }
    if (UpdateRuntimeOn !== 'Manual' && RuntimeVersionArn !== undefined) {
      throw invalid('RuntimeVersionArn is not allowed when the UpdateRuntimeOn is not Manual');
    }
    const { version } = await table.resolve(reference);
    // There is one version of each runtime here: the interpreter of this machine.
    if (RuntimeVersionArn !== undefined && !RuntimeVersionArn.endsWith(`:${version.runtimeVersionHash}`)) {
      throw invalid(`Runtime version ${RuntimeVersionArn} does not exist`);
    }
    const document: RuntimeManagementDocument = {
      updateRuntimeOn: UpdateRuntimeOn!,
      ...(RuntimeVersionArn === undefined ? {} : { runtimeVersionArn: RuntimeVersionArn }),
    };
    await table.write(reference, (_, tx) =>
      tx.documents.put(RUNTIME_MANAGEMENT, reference.scope, keyOf(reference), document),
    );
    return { ...show(document), FunctionArn: functionArn(reference, reference.qualifier ?? LATEST) };
  };
}

export function getRuntimeManagementConfig({ table, state }: LambdaDependencies) {
  return async (
    input: GetRuntimeManagementConfigRequest,
    context: RequestContext,
  ): Promise<GetRuntimeManagementConfigResponse> => {
    const reference = readVersion(input, context);
    await table.resolve(reference);
    const document = await state.documents.get(RUNTIME_MANAGEMENT, reference.scope, keyOf(reference));
    return {
      ...show(document ?? { updateRuntimeOn: 'Auto' }),
      FunctionArn: functionArn(reference, reference.qualifier ?? LATEST),
    };
  };
}

function readVersion(
  input: { FunctionName?: string | undefined; Qualifier?: string | undefined },
  context: RequestContext,
): FunctionReference {
  const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
  const { qualifier } = reference;
  if (qualifier !== undefined && qualifier !== LATEST && !/^\d+$/.test(qualifier)) {
    throw invalid('You must specify a version ARN or function name without a version.');
  }
  return reference;
}

function show({ updateRuntimeOn, runtimeVersionArn }: RuntimeManagementDocument) {
  return {
    UpdateRuntimeOn: updateRuntimeOn,
    ...(runtimeVersionArn === undefined ? {} : { RuntimeVersionArn: runtimeVersionArn }),
  };
}

function keyOf({ name, qualifier = LATEST }: FunctionReference): string {
  return `${name}:${qualifier}`;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, USER);
}
