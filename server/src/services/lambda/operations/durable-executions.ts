// GetDurableExecution, GetDurableExecutionHistory, ListDurableExecutionsByFunction, StopDurableExecution:
// https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecution.html

import type {
  DurableConfig,
  ErrorObject,
  GetDurableExecutionHistoryRequest,
  GetDurableExecutionHistoryResponse,
  GetDurableExecutionRequest,
  GetDurableExecutionResponse,
  ListDurableExecutionsByFunctionRequest,
  ListDurableExecutionsByFunctionResponse,
  StopDurableExecutionRequest,
  StopDurableExecutionResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { ExecutionDocument, ExecutionReference } from '#engines/durable-executions/documents.ts';
import { EXECUTION_ARN, executionArn, readExecutionArn } from '#engines/durable-executions/identifiers.ts';
import { LARGEST_ERROR_BYTES } from '#engines/durable-executions/limits.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { functionArn, readFunctionName } from '../function-name.ts';
import { makeMarker, readMarker } from '../marker.ts';

const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 1_000;
const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED'];
const EXECUTION_NAME = /[a-zA-Z0-9-_]+/;

export function getDurableExecution({ durable }: LambdaDependencies) {
  return async (input: GetDurableExecutionRequest, context: RequestContext): Promise<GetDurableExecutionResponse> => {
    checkArn(input.DurableExecutionArn!, context);
    const reference = await durable.reader.find(input.DurableExecutionArn!);
    const { arn, document, result } = await durable.reader.get(reference);
    const included = input.IncludeExecutionData ?? true;
    const payload = included ? await durable.reader.payload(reference, 'input') : undefined;
    return {
      DurableExecutionArn: arn,
      DurableExecutionName: document.name,
      FunctionArn: functionArnOf(reference, document),
      ...(payload === undefined ? {} : { InputPayload: payload }),
      ...(included && result !== undefined ? { Result: result } : {}),
      ...(included && document.error ? { Error: document.error } : {}),
      StartTimestamp: new Date(document.startedAtMs),
      Status: document.status,
      ...(document.endedAtMs === undefined ? {} : { EndTimestamp: new Date(document.endedAtMs) }),
      Version: document.version,
      ...(document.traceHeader === undefined ? {} : { TraceHeader: { XAmznTraceId: document.traceHeader } }),
      ExecutionDataIncluded: included,
      DurableConfig: showConfig(document),
    };
  };
}

export function getDurableExecutionHistory({ durable }: LambdaDependencies) {
  return async (
    input: GetDurableExecutionHistoryRequest,
    context: RequestContext,
  ): Promise<GetDurableExecutionHistoryResponse> => {
    checkArn(input.DurableExecutionArn!, context);
    const reference = await durable.reader.find(input.DurableExecutionArn!);
    const { events, after } = await durable.reader.history(reference, {
      withData: input.IncludeExecutionData ?? true,
      newestFirst: input.ReverseOrder ?? false,
      most: pageSize(input.MaxItems),
      after: input.Marker ? readNumber(input.Marker) : undefined,
    });
    return { Events: events, ...(after === undefined ? {} : { NextMarker: makeMarker(String(after)) }) };
  };
}

export function listDurableExecutionsByFunction({ durable, table }: LambdaDependencies) {
  return async (
    input: ListDurableExecutionsByFunctionRequest,
    context: RequestContext,
  ): Promise<ListDurableExecutionsByFunctionResponse> => {
    const named = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
    checkConstraints([
      { at: 'durableExecutionName', value: input.DurableExecutionName, min: 1, max: 64, pattern: EXECUTION_NAME },
      { at: 'statuses', values: input.Statuses, min: 1, max: 10, each: { oneOf: STATUSES } },
    ]);
    const { version } = await table.resolve(named);
    const { executions, after } = await durable.reader.list(named.scope, {
      functionName: named.name,
      version: named.qualifier === undefined ? undefined : version.version,
      name: input.DurableExecutionName,
      statuses: input.Statuses,
      startedAfterMs: input.StartedAfter?.getTime(),
      startedBeforeMs: input.StartedBefore?.getTime(),
      oldestFirst: input.ReverseOrder,
      most: pageSize(input.MaxItems),
      after: input.Marker ? readMarker(input.Marker) : undefined,
    });
    return {
      DurableExecutions: executions.map((document) => {
        const reference = { scope: named.scope, functionName: named.name, id: document.id };
        return {
          DurableExecutionArn: executionArn(reference, document),
          DurableExecutionName: document.name,
          FunctionArn: functionArnOf(reference, document),
          Status: document.status,
          StartTimestamp: new Date(document.startedAtMs),
          ...(document.endedAtMs === undefined ? {} : { EndTimestamp: new Date(document.endedAtMs) }),
          ...(document.kmsKeyArn === undefined ? {} : { KMSKeyArn: document.kmsKeyArn }),
        };
      }),
      ...(after === undefined ? {} : { NextMarker: makeMarker(after) }),
    };
  };
}

export function stopDurableExecution({ durable }: LambdaDependencies) {
  return async (input: StopDurableExecutionRequest, context: RequestContext): Promise<StopDurableExecutionResponse> => {
    checkArn(input.DurableExecutionArn!, context);
    const reference = await durable.reader.find(input.DurableExecutionArn!);
    checkError(input.Error);
    return { StopTimestamp: new Date(await durable.stopExecution(reference, input.Error)) };
  };
}

/** Throws as AWS does for what is no ARN of an execution in the caller's account and region. */
export function checkArn(arn: string, { account, region, principalArn }: RequestContext): void {
  checkConstraints([{ at: 'durableExecutionArn', value: arn, min: 1, max: 1_024, pattern: EXECUTION_ARN }]);
  const { scope } = readExecutionArn(arn)!;
  if (scope.region !== region) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Functions from '${scope.region}' are not reachable in this region ('${region}')`,
    );
  }
  if (scope.account === account) return;
  throw new AwsError('AccessDeniedException', `User: ${principalArn} is not authorized to access this resource`, {
    status: 403,
  });
}

export function checkError(error: ErrorObject | undefined): void {
  if (!error || Buffer.byteLength(JSON.stringify(error)) <= LARGEST_ERROR_BYTES) return;
  throw new AwsError(
    'InvalidParameterValueException',
    `Error object size must be less than ${LARGEST_ERROR_BYTES} bytes.`,
    { fields: { Type: 'User' } },
  );
}

/** 0 stands for the default. */
export function pageSize(maxItems: number | undefined): number {
  checkConstraints([{ at: 'maxItems', value: maxItems, min: 0, max: LARGEST_PAGE }]);
  return maxItems || DEFAULT_PAGE;
}

function readNumber(marker: string): number {
  const number = Number(readMarker(marker));
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new AwsError('InvalidParameterValueException', `Invalid marker: ${marker}`);
}

function functionArnOf({ scope, functionName }: ExecutionReference, { version }: ExecutionDocument): string {
  return functionArn({ scope, name: functionName }, version);
}

function showConfig({ timeoutS, retentionDays, kmsKeyArn }: ExecutionDocument): DurableConfig {
  return {
    ExecutionTimeout: timeoutS,
    RetentionPeriodInDays: retentionDays,
    ...(kmsKeyArn === undefined ? {} : { KMSKeyArn: kmsKeyArn }),
  };
}
