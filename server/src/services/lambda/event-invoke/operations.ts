// Put, Update, Get, List and DeleteFunctionEventInvokeConfig:
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html

import type {
  DeleteFunctionEventInvokeConfigRequest,
  FunctionEventInvokeConfig,
  GetFunctionEventInvokeConfigRequest,
  ListFunctionEventInvokeConfigsRequest,
  ListFunctionEventInvokeConfigsResponse,
  PutFunctionEventInvokeConfigRequest,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { type FunctionReference, functionArn, LATEST, readFunctionName } from '../function-name.ts';
import { makeMarker, readMarker } from '../marker.ts';
import { checkDestinations } from './destinations.ts';
import { EVENT_INVOKE_CONFIGS, type EventInvokeDocument, eventInvokeKey } from './documents.ts';

const LARGEST_PAGE = 50;
const USER = { fields: { Type: 'User' } };

/** Replaces the configuration. */
export function putFunctionEventInvokeConfig(dependencies: LambdaDependencies) {
  return (input: PutFunctionEventInvokeConfigRequest, context: RequestContext) =>
    write(dependencies, input, context, () => ({}));
}

/** Changes what the request names and leaves the rest. */
export function updateFunctionEventInvokeConfig(dependencies: LambdaDependencies) {
  return (input: PutFunctionEventInvokeConfigRequest, context: RequestContext) =>
    write(dependencies, input, context, (before, reference) => {
      if (!before) throw unconfigured(reference);
      return before;
    });
}

async function write(
  { table, clock }: LambdaDependencies,
  input: PutFunctionEventInvokeConfigRequest,
  context: RequestContext,
  base: (before: EventInvokeDocument | undefined, reference: FunctionReference) => Partial<EventInvokeDocument>,
): Promise<FunctionEventInvokeConfig> {
  const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
  const { MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig } = input;
  checkConstraints([
    { at: 'maximumRetryAttempts', value: MaximumRetryAttempts, min: 0, max: 2 },
    { at: 'maximumEventAgeInSeconds', value: MaximumEventAgeInSeconds, min: 60, max: 21_600 },
  ]);
  if (MaximumRetryAttempts === undefined && MaximumEventAgeInSeconds === undefined && DestinationConfig === undefined) {
    throw new AwsError(
      'InvalidParameterValueException',
      'You must specify at least one of error handling or destination setting.',
      USER,
    );
  }
  await checkTarget({ table }, reference);
  await checkDestinations({ table }, reference, DestinationConfig);
  const document = await table.write(reference, async (_, tx) => {
    const key = eventInvokeKey(reference);
    const before = base(await tx.documents.get(EVENT_INVOKE_CONFIGS, reference.scope, key), reference);
    const after = applied(before, input, reference.qualifier ?? LATEST, clock.now());
    await tx.documents.put(EVENT_INVOKE_CONFIGS, reference.scope, key, after);
    return after;
  });
  return show(reference, document);
}

/** An empty destination removes the one before it. */
function applied(
  { onSuccessArn, onFailureArn, ...before }: Partial<EventInvokeDocument>,
  { MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig }: PutFunctionEventInvokeConfigRequest,
  qualifier: string,
  lastModifiedMs: number,
): EventInvokeDocument {
  const success = DestinationConfig?.OnSuccess?.Destination ?? onSuccessArn;
  const failure = DestinationConfig?.OnFailure?.Destination ?? onFailureArn;
  return {
    ...before,
    qualifier,
    lastModifiedMs,
    ...(MaximumRetryAttempts === undefined ? {} : { maximumRetries: MaximumRetryAttempts }),
    ...(MaximumEventAgeInSeconds === undefined ? {} : { maximumAgeS: MaximumEventAgeInSeconds }),
    ...(success ? { onSuccessArn: success } : {}),
    ...(failure ? { onFailureArn: failure } : {}),
  };
}

export function getFunctionEventInvokeConfig({ state }: LambdaDependencies) {
  return async (
    input: GetFunctionEventInvokeConfigRequest,
    context: RequestContext,
  ): Promise<FunctionEventInvokeConfig> => {
    const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
    const document = await state.documents.get(EVENT_INVOKE_CONFIGS, reference.scope, eventInvokeKey(reference));
    if (!document) throw unconfigured(reference);
    return show(reference, document);
  };
}

export function deleteFunctionEventInvokeConfig({ table }: LambdaDependencies) {
  return async (input: DeleteFunctionEventInvokeConfigRequest, context: RequestContext): Promise<object> => {
    const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
    if (!(await table.find(reference.scope, reference.name))) throw unconfigured(reference);
    await table.write(reference, async (_, tx) => {
      const isGone = await tx.documents.delete(EVENT_INVOKE_CONFIGS, reference.scope, eventInvokeKey(reference));
      if (!isGone) throw unconfigured(reference);
    });
    return {};
  };
}

export function listFunctionEventInvokeConfigs({ table, state }: LambdaDependencies) {
  return async (
    input: ListFunctionEventInvokeConfigsRequest,
    context: RequestContext,
  ): Promise<ListFunctionEventInvokeConfigsResponse> => {
    checkConstraints([{ at: 'maxItems', value: input.MaxItems, min: 1, max: 50 }]);
    const { scope, name } = readFunctionName(input.FunctionName!, context);
    if (!(await table.find(scope, name))) throw absent();
    const limit = input.MaxItems ?? LARGEST_PAGE;
    const found = await state.documents.range(EVENT_INVOKE_CONFIGS, scope, {
      prefix: `${name}:`,
      limit: limit + 1,
      ...(input.Marker ? { after: readMarker(input.Marker) } : {}),
    });
    const page = found.slice(0, limit);
    return {
      FunctionEventInvokeConfigs: page.map(({ value }) => show({ scope, name }, value)),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.key) } : {}),
    };
  };
}

/** Throws unless the function, and the version or alias, is there. */
async function checkTarget({ table }: Pick<LambdaDependencies, 'table'>, reference: FunctionReference): Promise<void> {
  if (!(await table.isThere(reference))) throw absent();
}

function absent(): AwsError {
  return new AwsError('ResourceNotFoundException', "The function doesn't exist.", USER);
}

function unconfigured(reference: FunctionReference): AwsError {
  const arn = functionArn(reference, reference.qualifier ?? LATEST);
  return new AwsError('ResourceNotFoundException', `The function ${arn} doesn't have an EventInvokeConfig`, USER);
}

function show(reference: Pick<FunctionReference, 'scope' | 'name'>, document: EventInvokeDocument) {
  const { qualifier, lastModifiedMs, maximumRetries, maximumAgeS, onSuccessArn, onFailureArn } = document;
  return {
    LastModified: new Date(lastModifiedMs),
    FunctionArn: functionArn(reference, qualifier),
    ...(maximumRetries === undefined ? {} : { MaximumRetryAttempts: maximumRetries }),
    ...(maximumAgeS === undefined ? {} : { MaximumEventAgeInSeconds: maximumAgeS }),
    DestinationConfig: {
      OnSuccess: onSuccessArn === undefined ? {} : { Destination: onSuccessArn },
      OnFailure: onFailureArn === undefined ? {} : { Destination: onFailureArn },
    },
  };
}
