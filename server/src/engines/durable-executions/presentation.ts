// Operations and events as the API and the function's SDK see them.

import type { Event, Operation } from '@aws-sdk/client-lambda';
import type { ExecutionDocument, StoredEvent, StoredOperation } from './documents.ts';

/** The execution itself, which stands before all its operations. */
export function showExecutionOperation(document: ExecutionDocument, input: string | undefined): Operation {
  return {
    Id: document.id,
    Name: document.name,
    Type: 'EXECUTION',
    StartTimestamp: new Date(document.startedAtMs),
    ...(document.endedAtMs === undefined ? {} : { EndTimestamp: new Date(document.endedAtMs) }),
    Status: document.status === 'RUNNING' ? 'STARTED' : document.status,
    ExecutionDetails: input === undefined ? {} : { InputPayload: input },
  };
}

export function showOperation(operation: StoredOperation): Operation {
  const { result, error, callback } = operation;
  const outcome = { ...(result === undefined ? {} : { Result: result }), ...(error ? { Error: error } : {}) };
  return {
    Id: operation.id,
    ...(operation.parentId === undefined ? {} : { ParentId: operation.parentId }),
    ...(operation.name === undefined ? {} : { Name: operation.name }),
    Type: operation.type,
    ...(operation.subType === undefined ? {} : { SubType: operation.subType }),
    StartTimestamp: new Date(operation.startedAtMs),
    ...(operation.endedAtMs === undefined ? {} : { EndTimestamp: new Date(operation.endedAtMs) }),
    Status: operation.status,
    ...(operation.type === 'STEP'
      ? {
          StepDetails: {
            ...(operation.attempt === undefined ? {} : { Attempt: operation.attempt }),
            ...(operation.status === 'PENDING' ? { NextAttemptTimestamp: new Date(operation.dueAtMs!) } : {}),
            ...outcome,
          },
        }
      : {}),
    ...(operation.type === 'WAIT' && operation.dueAtMs !== undefined
      ? { WaitDetails: { ScheduledEndTimestamp: new Date(operation.dueAtMs) } }
      : {}),
    ...(operation.type === 'CONTEXT'
      ? {
          ContextDetails: {
            ...(operation.replayChildren === undefined ? {} : { ReplayChildren: operation.replayChildren }),
            ...outcome,
          },
        }
      : {}),
    ...(callback ? { CallbackDetails: { CallbackId: callback.id, ...outcome } } : {}),
    ...(operation.type === 'CHAINED_INVOKE' ? { ChainedInvokeDetails: outcome } : {}),
  };
}

/** What a replay needs: without the children of contexts that ended and keep their result to themselves. */
export function replayed(operations: Iterable<StoredOperation>): StoredOperation[] {
  const all = [...operations];
  const byId = new Map(all.map((operation) => [operation.id, operation]));
  const left = new Set<string>();
  return all.filter(({ id, parentId }) => {
    const parent = parentId === undefined ? undefined : byId.get(parentId);
    const hidden =
      parent !== undefined &&
      (left.has(parent.id) ||
        ((parent.status === 'SUCCEEDED' || parent.status === 'FAILED') && !parent.replayChildren));
    if (hidden) left.add(id);
    return !hidden;
  });
}

export interface HistorySources {
  document: ExecutionDocument;
  operations: ReadonlyMap<string, StoredOperation>;
  input: string | undefined;
  result: string | undefined;
  /** Whether payloads are wanted. */
  withData: boolean;
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Event.html */
export function showEvent(number: number, event: StoredEvent, sources: HistorySources): Event {
  const { document, operations, withData } = sources;
  const operation = event.operationId === undefined ? undefined : operations.get(event.operationId);
  const shown: Event = {
    EventType: event.type,
    EventId: number,
    EventTimestamp: new Date(event.atMs),
    ...(event.type === 'InvocationCompleted' ? {} : { Id: operation?.id ?? document.id }),
    ...(operation
      ? {
          ...(operation.subType === undefined ? {} : { SubType: operation.subType }),
          ...(operation.name === undefined ? {} : { Name: operation.name }),
          ...(operation.parentId === undefined ? {} : { ParentId: operation.parentId }),
        }
      : event.type === 'InvocationCompleted'
        ? {}
        : { Name: document.name }),
  };
  const payload = (text: string | undefined) =>
    withData && text !== undefined ? { Payload: text, Truncated: false } : { Truncated: false };
  const failure = withData ? errorOf(event, sources) : undefined;
  const Failure = { Error: failure ? { Payload: failure } : {} };
  const Result = payload(event.result ?? operation?.result);
  const RetryDetails = {
    ...(event.attempt === undefined ? {} : { CurrentAttempt: event.attempt }),
    ...(event.delayS === undefined ? {} : { NextAttemptDelaySeconds: event.delayS }),
  };
  const Duration = operation?.waitS ?? 0;
  switch (event.type) {
    case 'ExecutionStarted':
      return {
        ...shown,
        ExecutionStartedDetails: { Input: payload(sources.input), ExecutionTimeout: document.timeoutS },
      };
    case 'ExecutionSucceeded':
      return { ...shown, ExecutionSucceededDetails: { Result: payload(sources.result) } };
    case 'ExecutionFailed':
      return { ...shown, ExecutionFailedDetails: Failure };
    case 'ExecutionTimedOut':
      return { ...shown, ExecutionTimedOutDetails: Failure };
    case 'ExecutionStopped':
      return { ...shown, ExecutionStoppedDetails: Failure };
    case 'ContextStarted':
      return { ...shown, ContextStartedDetails: {} };
    case 'ContextSucceeded':
      return { ...shown, ContextSucceededDetails: { Result } };
    case 'ContextFailed':
      return { ...shown, ContextFailedDetails: Failure };
    case 'StepStarted':
      return { ...shown, StepStartedDetails: {} };
    case 'StepSucceeded':
      return { ...shown, StepSucceededDetails: { Result, RetryDetails } };
    case 'StepFailed':
      return { ...shown, StepFailedDetails: { ...Failure, RetryDetails } };
    case 'WaitStarted':
      return {
        ...shown,
        WaitStartedDetails: { Duration, ScheduledEndTimestamp: new Date(event.atMs + Duration * 1_000) },
      };
    case 'WaitSucceeded':
      return { ...shown, WaitSucceededDetails: { Duration } };
    case 'WaitCancelled':
      return { ...shown, WaitCancelledDetails: Failure };
    case 'CallbackStarted': {
      const { id, timeoutS, heartbeatS } = operation!.callback!;
      return {
        ...shown,
        CallbackStartedDetails: {
          CallbackId: id,
          ...(timeoutS ? { Timeout: timeoutS } : {}),
          ...(heartbeatS ? { HeartbeatTimeout: heartbeatS } : {}),
        },
      };
    }
    case 'CallbackSucceeded':
      return { ...shown, CallbackSucceededDetails: { Result } };
    case 'CallbackFailed':
      return { ...shown, CallbackFailedDetails: Failure };
    case 'CallbackTimedOut':
      return { ...shown, CallbackTimedOutDetails: Failure };
    case 'ChainedInvokeStarted': {
      const { functionName, input, version, arn } = operation!.invoke!;
      return {
        ...shown,
        ChainedInvokeStartedDetails: {
          FunctionName: functionName,
          Input: payload(input),
          ...(version === undefined ? {} : { ExecutedVersion: version }),
          ...(arn === undefined ? {} : { DurableExecutionArn: arn }),
        },
      };
    }
    case 'ChainedInvokeSucceeded':
      return { ...shown, ChainedInvokeSucceededDetails: { Result } };
    case 'ChainedInvokeFailed':
      return { ...shown, ChainedInvokeFailedDetails: Failure };
    case 'ChainedInvokeTimedOut':
      return { ...shown, ChainedInvokeTimedOutDetails: Failure };
    case 'ChainedInvokeStopped':
      return { ...shown, ChainedInvokeStoppedDetails: Failure };
    case 'InvocationCompleted': {
      const { requestId, startedAtMs, endedAtMs } = event.invocation!;
      return {
        ...shown,
        InvocationCompletedDetails: {
          StartTimestamp: new Date(startedAtMs),
          EndTimestamp: new Date(endedAtMs),
          RequestId: requestId,
          ...Failure,
        },
      };
    }
  }
}

function errorOf(event: StoredEvent, { document, operations }: HistorySources) {
  if (event.error) return event.error;
  if (event.type === 'InvocationCompleted') return undefined;
  return event.operationId === undefined ? document.error : operations.get(event.operationId)?.error;
}
