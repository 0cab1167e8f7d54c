// What a checkpoint may say of an operation, by its type and state: the rules, and the messages, that the official test
// server of the SDKs has. https://docs.aws.amazon.com/lambda/latest/api/API_OperationUpdate.html

import type { OperationAction, OperationUpdate } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { OperationStatus, OperationType, StoredOperation } from './documents.ts';
import {
  LARGEST_ERROR_BYTES,
  LARGEST_PAYLOAD_BYTES,
  LARGEST_SYNCHRONOUS_PAYLOAD_BYTES,
  LONGEST_DURATION_S,
} from './limits.ts';

type FindOperation = (id: string) => StoredOperation | undefined;

const ACTIONS: Readonly<Record<OperationType, readonly OperationAction[]>> = {
  STEP: ['START', 'FAIL', 'RETRY', 'SUCCEED'],
  CONTEXT: ['START', 'FAIL', 'SUCCEED'],
  WAIT: ['START', 'CANCEL'],
  CALLBACK: ['START', 'CANCEL'],
  CHAINED_INVOKE: ['START', 'CANCEL'],
  EXECUTION: ['SUCCEED', 'FAIL'],
};

/** Throws InvalidParameterValueException for the first update that is not allowed. */
export function checkUpdates(updates: readonly OperationUpdate[], find: FindOperation, synchronous: boolean): void {
  const ofExecution = updates.filter(({ Type }) => Type === 'EXECUTION');
  if (ofExecution.length > 1) throw invalid('Cannot checkpoint multiple EXECUTION updates.');
  if (ofExecution.length === 1 && updates.at(-1)!.Type !== 'EXECUTION') {
    throw invalid('EXECUTION checkpoint must be the last update.');
  }
  checkParents(updates, find);
  /** The types and states of operations that earlier updates of this checkpoint began. */
  const begun = new Map<string, { type: OperationType; status: OperationStatus }>();
  for (const update of updates) {
    checkSizes(update, synchronous);
    const { Type, Action, Id } = update;
    const type = Type!;
    const action = Action!;
    const id = Id!;
    if (!ACTIONS[type]?.includes(action)) throw invalid('Invalid action for the given operation type.');
    const before = begun.get(id) ?? find(id);
    if (before && type !== 'EXECUTION' && before.type !== type) {
      throw invalid(`Operation type mismatch: ${id} is of type ${before.type}.`);
    }
    checkTransition(update, before?.status);
    if (action === 'START') begun.set(id, { type, status: 'STARTED' });
  }
}

function checkParents(updates: readonly OperationUpdate[], find: FindOperation): void {
  const started = new Map<string, OperationUpdate>();
  const last = new Map<string, OperationUpdate>();
  for (const update of updates) {
    const id = update.Id!;
    const before = last.get(id);
    // A step or a context may begin and end in one checkpoint.
    const continues =
      before?.Action === 'START' && update.Action !== 'START' && (before.Type === 'STEP' || before.Type === 'CONTEXT');
    if (before && !continues) throw invalid('Cannot update the same operation twice in a single request.');
    if (update.ParentId) {
      const parentType = started.get(update.ParentId)?.Type ?? find(update.ParentId)?.type;
      if (parentType !== 'CONTEXT') throw invalid('Invalid parent operation id.');
    }
    if (update.Action === 'START') started.set(id, update);
    last.set(id, update);
  }
}

function checkTransition(update: OperationUpdate, status: OperationStatus | undefined): void {
  const { Type: type, Action: action } = update;
  switch (action) {
    case 'START':
      if (type === 'STEP') {
        if (status !== undefined && status !== 'READY') throw invalid('Invalid current STEP state to start.');
      } else if (status !== undefined) {
        throw invalid(`Cannot start a ${type} that already exists.`);
      }
      checkStartOptions(update);
      return;
    case 'CANCEL':
      if (status !== 'STARTED') throw invalid(`Cannot cancel a ${type} that does not exist or has already completed.`);
      return;
    case 'SUCCEED':
    case 'FAIL':
      if (type === 'STEP' && status !== undefined && status !== 'STARTED' && status !== 'READY') {
        throw invalid('Invalid current STEP state to close.');
      }
      if (type === 'CONTEXT' && status !== undefined && status !== 'STARTED') {
        throw invalid('Invalid current CONTEXT state to close.');
      }
      if (action === 'FAIL' && update.Payload !== undefined) throw invalid('Cannot provide a Payload for FAIL action.');
      if (action === 'SUCCEED' && update.Error) throw invalid('Cannot provide an Error for SUCCEED action.');
      return;
    case 'RETRY':
      if (status !== undefined && status !== 'STARTED' && status !== 'READY') {
        throw invalid('Invalid current STEP state to re-attempt.');
      }
      if (!update.StepOptions) throw invalid('Invalid StepOptions for the given action.');
      checkDuration('StepOptions.NextAttemptDelaySeconds', update.StepOptions.NextAttemptDelaySeconds, 1);
      if (update.Error && update.Payload !== undefined) {
        throw invalid('Cannot provide both error and payload to RETRY a STEP.');
      }
  }
}

function checkStartOptions({ Type, WaitOptions, CallbackOptions, ChainedInvokeOptions }: OperationUpdate): void {
  if (Type === 'WAIT') {
    if (WaitOptions?.WaitSeconds === undefined) throw invalid('Invalid WaitOptions for the given action.');
    checkDuration('WaitOptions.WaitSeconds', WaitOptions.WaitSeconds, 1);
  }
  if (Type === 'CALLBACK') {
    checkDuration('CallbackOptions.TimeoutSeconds', CallbackOptions?.TimeoutSeconds, 0);
    checkDuration('CallbackOptions.HeartbeatTimeoutSeconds', CallbackOptions?.HeartbeatTimeoutSeconds, 0);
  }
  if (Type === 'CHAINED_INVOKE' && !ChainedInvokeOptions?.FunctionName) {
    throw invalid('Invalid ChainedInvokeOptions for the given action.');
  }
}

function checkDuration(at: string, seconds: number | undefined, min: number): void {
  if (seconds === undefined || (seconds >= min && seconds <= LONGEST_DURATION_S)) return;
  throw invalid(`${at} must be between ${min} and ${LONGEST_DURATION_S}, but was ${seconds}.`);
}

function checkSizes({ Type, Payload, Error: error }: OperationUpdate, synchronous: boolean): void {
  if (error && errorBytes(error) > LARGEST_ERROR_BYTES) {
    throw invalid(`Error object size must be less than ${LARGEST_ERROR_BYTES} bytes.`);
  }
  if (Payload === undefined) return;
  const limit = Type === 'EXECUTION' && synchronous ? LARGEST_SYNCHRONOUS_PAYLOAD_BYTES : LARGEST_PAYLOAD_BYTES;
  if (Buffer.byteLength(Payload) > limit) {
    throw invalid(`${Type} output payload size must be less than or equal to ${limit} bytes.`);
  }
}

export function errorBytes(error: object): number {
  return Buffer.byteLength(JSON.stringify(error));
}

export function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
