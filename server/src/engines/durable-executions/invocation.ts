// What the service hands a durable function at each invocation, and what the function's SDK answers.
// Times are milliseconds here, where the API has seconds.

import type { Operation } from '@aws-sdk/client-lambda';
import type { ErrorObject, ExecutionDocument, ExecutionReference, StoredOperation } from './documents.ts';
import { checkpointToken, executionArn } from './identifiers.ts';
import { MOST_INITIAL_BYTES, MOST_INITIAL_OPERATIONS } from './limits.ts';
import { replayed, showExecutionOperation, showOperation } from './presentation.ts';

export interface OperationPage {
  operations: Operation[];
  /** Where the next page begins, after this operation's sequence number. */
  after?: number;
}

export interface PageOptions {
  /** Sequence number of the last operation of the page before; undefined for the first page, which begins with the execution itself. */
  after?: number | undefined;
  most: number;
}

/** Operations for a replay, so many and so large at most. */
export function operationPage(
  document: ExecutionDocument,
  operations: Iterable<StoredOperation>,
  input: string | undefined,
  { after, most }: PageOptions,
): OperationPage {
  const shown: Operation[] = after === undefined ? [showExecutionOperation(document, input)] : [];
  let bytes = 0;
  let last = after ?? 0;
  for (const operation of replayed(operations)) {
    if (operation.sequence <= (after ?? 0)) continue;
    const one = showOperation(operation);
    bytes += Buffer.byteLength(JSON.stringify(one));
    // One at least, so that there is an end.
    if (shown.length > 0 && (shown.length >= most || bytes > MOST_INITIAL_BYTES)) {
      return { operations: shown, after: last };
    }
    shown.push(one);
    last = operation.sequence;
  }
  return { operations: shown };
}

export function invocationInput(
  reference: ExecutionReference,
  document: ExecutionDocument,
  operations: Iterable<StoredOperation>,
  input: string | undefined,
  updated: readonly string[],
): Uint8Array {
  const page = operationPage(document, operations, input, { most: MOST_INITIAL_OPERATIONS });
  return Buffer.from(
    JSON.stringify({
      DurableExecutionArn: executionArn(reference, document),
      CheckpointToken: checkpointToken(document.id, document.invocation!.nonce, document.checkpoints),
      InitialExecutionState: {
        Operations: page.operations.map(inMilliseconds),
        NextMarker: page.after === undefined ? '' : pageMarker(page.after),
      },
      UpdatedOperationIds: updated,
    }),
  );
}

export function pageMarker(after: number): string {
  return Buffer.from(String(after)).toString('base64');
}

/** Undefined for what was never given out. */
export function readPageMarker(marker: string): number | undefined {
  const after = Number(Buffer.from(marker, 'base64').toString());
  return Number.isSafeInteger(after) && after >= 0 && pageMarker(after) === marker ? after : undefined;
}

export type Answer =
  | { status: 'PENDING' }
  | { status: 'SUCCEEDED'; result: string | undefined }
  | { status: 'FAILED'; error: ErrorObject | undefined };

/** Undefined for what no SDK answers. */
export function readAnswer(payload: Uint8Array): Answer | undefined {
  let answer: Record<string, unknown> | null;
  try {
    answer = JSON.parse(Buffer.from(payload).toString());
  } catch {
    return undefined;
  }
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { Status: status, Result: result, Error: error } = answer;
  switch (status) {
    case 'PENDING':
      return { status };
    case 'SUCCEEDED':
      return error == null ? { status, result: typeof result === 'string' ? result : undefined } : undefined;
    case 'FAILED':
      return result == null ? { status, error: typeof error === 'object' && error ? error : undefined } : undefined;
    default:
      return undefined;
  }
}

/** What a function's own error, as the Runtime API has it, is as an ErrorObject. */
export function errorOfFunction(payload: Uint8Array): ErrorObject {
  try {
    const { errorType, errorMessage, stackTrace, trace } = JSON.parse(Buffer.from(payload).toString());
    const lines = Array.isArray(stackTrace) ? stackTrace : Array.isArray(trace) ? trace : undefined;
    return {
      ...(errorType === undefined ? {} : { ErrorType: String(errorType) }),
      ...(errorMessage === undefined ? {} : { ErrorMessage: String(errorMessage) }),
      ...(lines ? { StackTrace: lines.map(String) } : {}),
    };
  } catch {
    return { ErrorMessage: Buffer.from(payload).toString() };
  }
}

function inMilliseconds(operation: Operation): object {
  const { StartTimestamp, EndTimestamp, StepDetails, WaitDetails, ...rest } = operation;
  const next = StepDetails?.NextAttemptTimestamp;
  const end = WaitDetails?.ScheduledEndTimestamp;
  return {
    ...rest,
    StartTimestamp: StartTimestamp!.getTime(),
    ...(EndTimestamp ? { EndTimestamp: EndTimestamp.getTime() } : {}),
    ...(StepDetails
      ? { StepDetails: next ? { ...StepDetails, NextAttemptTimestamp: next.getTime() } : StepDetails }
      : {}),
    ...(end ? { WaitDetails: { ScheduledEndTimestamp: end.getTime() } } : {}),
  };
}
