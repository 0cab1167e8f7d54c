// What an invocation that has ended does to its execution.

import { AwsError } from '#core/errors.ts';
import type { ErrorObject, StoredOperation } from './documents.ts';
import type { Draft } from './draft.ts';
import { errorOfFunction, readAnswer } from './invocation.ts';
import { LARGEST_PAYLOAD_BYTES, LARGEST_SYNCHRONOUS_PAYLOAD_BYTES } from './limits.ts';

export interface CallResult {
  payload: Uint8Array;
  functionError?: string;
}

/** What it came to, or what kept it from running. */
export function conclude(
  draft: Draft,
  requestId: string,
  outcome: CallResult | { failure: unknown },
  endedAtMs: number,
): void {
  const { document } = draft;
  if (document.invocation?.requestId !== requestId) return;
  const { startedAtMs } = document.invocation;
  delete document.invocation;
  const invocationError = invocationErrorOf(outcome);
  draft.event({
    type: 'InvocationCompleted',
    atMs: endedAtMs,
    invocation: { requestId, startedAtMs, endedAtMs },
    ...(invocationError ? { error: invocationError.error } : {}),
  });
  // A checkpoint, a timer or a stop may have ended it meanwhile.
  if (!draft.isRunning) return;
  if (invocationError?.isFinal) draft.end('FAILED', invocationError);
  else if (invocationError) draft.invokeAgain();
  else heed(draft, (outcome as CallResult).payload);
}

/** Why an invocation came to nothing, and whether another could do better. */
function invocationErrorOf(
  outcome: CallResult | { failure: unknown },
): { error: ErrorObject; isFinal: boolean } | undefined {
  if (!('failure' in outcome)) {
    if (outcome.functionError === undefined) return undefined;
    return { error: errorOfFunction(outcome.payload), isFinal: false };
  }
  const { failure } = outcome;
  if (failure instanceof AwsError) {
    const error = { ErrorType: failure.code, ErrorMessage: failure.message };
    return { error, isFinal: failure.code === 'ResourceNotFoundException' };
  }
  return { error: { ErrorType: 'ServiceException', ErrorMessage: String(failure) }, isFinal: false };
}

/** Does as the function answered. */
function heed(draft: Draft, payload: Uint8Array): void {
  const { document } = draft;
  const fail = (message: string) =>
    draft.end('FAILED', { error: { ErrorType: 'InvalidParameterValueException', ErrorMessage: message } });
  document.failures = 0;
  const answer = readAnswer(payload);
  if (!answer) {
    fail('Invalid Status in invocation output.');
  } else if (answer.status === 'PENDING') {
    const waiting = [...draft.operations()];
    if (draft.unseen().length > 0) draft.invokeSoon();
    else if (waiting.some(isPending)) return;
    // It could have gone on with these: another invocation may.
    else if (waiting.some(({ status }) => status === 'READY')) draft.invokeAgain();
    else fail('Cannot return PENDING status with no pending operations.');
  } else if (answer.status === 'FAILED') {
    draft.end('FAILED', { error: answer.error });
  } else {
    const limit = document.synchronous ? LARGEST_SYNCHRONOUS_PAYLOAD_BYTES : LARGEST_PAYLOAD_BYTES;
    if (answer.result !== undefined && Buffer.byteLength(answer.result) > limit) {
      fail(`EXECUTION output payload size must be less than or equal to ${limit} bytes.`);
    } else {
      draft.end('SUCCEEDED', { result: answer.result });
    }
  }
}

/** Whether something will happen to it that the function has to be told. */
function isPending({ type, status }: StoredOperation): boolean {
  if (status === 'PENDING') return true;
  return status === 'STARTED' && (type === 'WAIT' || type === 'CALLBACK' || type === 'CHAINED_INVOKE');
}
