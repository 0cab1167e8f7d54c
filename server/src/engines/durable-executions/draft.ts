// One change of an execution: what it reads is the execution as it is, what it writes is kept aside until its transaction is
// durable. Timers, invocations and answers follow from what it leaves behind.

import type { OperationUpdate } from '@aws-sdk/client-lambda';
import type { Transaction } from '#storage/state/state.ts';
import {
  type ErrorObject,
  EVENTS,
  EVERYWHERE,
  EXECUTIONS,
  EXPIRING,
  type ExecutionDocument,
  type ExecutionReference,
  type ExecutionStatus,
  eventKey,
  executionKey,
  expiringKey,
  OPERATIONS,
  operationKey,
  PAYLOADS,
  payloadKey,
  RUNNING,
  type RunningDocument,
  runningKey,
  type StoredEvent,
  type StoredOperation,
} from './documents.ts';
import { callbackId, newExecutionId } from './identifiers.ts';
import { FIRST_BACKOFF_MS, LONGEST_BACKOFF_MS, MOST_BYTES, MOST_OPERATIONS } from './limits.ts';
import { errorBytes, invalid } from './update-rules.ts';

const DAY_MS = 86_400_000;

/** An execution in memory. */
export interface LiveExecution {
  reference: ExecutionReference;
  document: ExecutionDocument;
  /** In the order of their start. */
  operations: Map<string, StoredOperation>;
  /** Those to which something will happen by itself. */
  waiting: Set<string>;
  /** Those that changed since the function was last told. */
  unseen: Set<string>;
  /** As it is stored. */
  running: RunningDocument | undefined;
}

export function liveExecution(
  reference: ExecutionReference,
  document: ExecutionDocument,
  operations: StoredOperation[],
  running: RunningDocument | undefined,
): LiveExecution {
  const inOrder = operations.toSorted((a, b) => a.sequence - b.sequence);
  return {
    reference,
    document,
    operations: new Map(inOrder.map((operation) => [operation.id, operation])),
    waiting: new Set(inOrder.filter((one) => dueAtMs(one) !== undefined).map(({ id }) => id)),
    unseen: new Set(inOrder.filter(({ changed }) => changed > document.seen).map(({ id }) => id)),
    running,
  };
}

const EVENT_OF_END = {
  SUCCEEDED: 'ExecutionSucceeded',
  FAILED: 'ExecutionFailed',
  TIMED_OUT: 'ExecutionTimedOut',
  STOPPED: 'ExecutionStopped',
} as const;

const CHAINED_EVENT_OF_END = {
  SUCCEEDED: 'ChainedInvokeSucceeded',
  FAILED: 'ChainedInvokeFailed',
  TIMED_OUT: 'ChainedInvokeTimedOut',
  STOPPED: 'ChainedInvokeStopped',
} as const;

export type EndStatus = Exclude<ExecutionStatus, 'RUNNING'>;

export interface Outcome {
  result?: string | undefined;
  error?: ErrorObject | undefined;
}

export class Draft {
  readonly #live: LiveExecution;
  readonly nowMs: number;
  readonly document: ExecutionDocument;
  readonly #operations = new Map<string, StoredOperation>();
  readonly #events: StoredEvent[] = [];
  #result: string | undefined;
  /** Chained invocations that it began. */
  readonly chained: StoredOperation[] = [];
  changed = false;

  constructor(live: LiveExecution, nowMs: number) {
    this.#live = live;
    this.nowMs = nowMs;
    this.document = { ...live.document };
  }

  get isRunning(): boolean {
    return this.document.status === 'RUNNING';
  }

  find(id: string): StoredOperation | undefined {
    return this.#operations.get(id) ?? this.#live.operations.get(id);
  }

  /** In the order of their start, as they are after the change. */
  *operations(): Iterable<StoredOperation> {
    for (const [id, operation] of this.#live.operations) yield this.#operations.get(id) ?? operation;
    for (const [id, operation] of this.#operations) if (!this.#live.operations.has(id)) yield operation;
  }

  /** Those that changed since the function was last told. */
  unseen(): StoredOperation[] {
    const ids = new Set([...this.#live.unseen, ...this.#operations.keys()]);
    const found = [...ids].map((id) => this.find(id)!).filter(({ changed }) => changed > this.document.seen);
    return found.sort((a, b) => a.sequence - b.sequence);
  }

  /** Those to which something may happen by itself. */
  *#waiting(): Iterable<StoredOperation> {
    for (const id of this.#live.waiting) yield this.find(id)!;
    for (const [id, operation] of this.#operations) if (!this.#live.waiting.has(id)) yield operation;
  }

  /** One that came about without the function: it has to be told, unless it asks by itself. */
  #tell(operation: StoredOperation, event: StoredEvent | undefined): void {
    this.#put(operation);
    if (event) this.event(event);
    this.invokeSoon();
  }

  invokeSoon(): void {
    if (!this.isRunning || this.document.invocation) return;
    this.document.invokeAtMs = this.nowMs;
    this.changed = true;
  }

  /** After an invocation that failed: a while later, and later each time. */
  invokeAgain(): void {
    const { document } = this;
    document.failures++;
    const delayMs = FIRST_BACKOFF_MS * 2 ** Math.min(document.failures - 1, 20);
    document.invokeAtMs = this.nowMs + Math.min(delayMs, LONGEST_BACKOFF_MS);
    this.changed = true;
  }

  event(event: StoredEvent): void {
    this.#events.push(event);
    this.changed = true;
  }

  /** Applies what a checkpoint says; it has been checked. */
  update(update: OperationUpdate): void {
    const { nowMs, document } = this;
    const { Type: type, Action: action } = update;
    this.#meter(update);
    if (type === 'EXECUTION') {
      this.end(action === 'SUCCEED' ? 'SUCCEEDED' : 'FAILED', { result: update.Payload, error: update.Error });
      return;
    }
    const before = this.find(update.Id!) ?? this.#begin(update);
    const operation: StoredOperation = { ...before };
    const operationId = operation.id;
    const event = (fields: Omit<StoredEvent, 'atMs' | 'operationId'>) =>
      this.event({ ...fields, atMs: nowMs, operationId });
    switch (action) {
      case 'START':
        if (type === 'STEP') {
          operation.status = 'STARTED';
          delete operation.dueAtMs;
          event({ type: 'StepStarted' });
        } else if (type === 'CONTEXT') event({ type: 'ContextStarted' });
        else if (type === 'WAIT') event({ type: 'WaitStarted' });
        else if (type === 'CALLBACK') event({ type: 'CallbackStarted' });
        else {
          event({ type: 'ChainedInvokeStarted' });
          document.chained++;
          this.chained.push(operation);
        }
        break;
      case 'SUCCEED':
      case 'FAIL': {
        const succeeded = action === 'SUCCEED';
        operation.status = succeeded ? 'SUCCEEDED' : 'FAILED';
        operation.endedAtMs = nowMs;
        delete operation.dueAtMs;
        delete operation.result;
        delete operation.error;
        if (update.Payload !== undefined) operation.result = update.Payload;
        if (update.Error) operation.error = update.Error;
        if (type === 'STEP') {
          operation.attempt = (operation.attempt ?? 0) + 1;
          event({ type: succeeded ? 'StepSucceeded' : 'StepFailed', attempt: operation.attempt });
        } else {
          const replay = update.ContextOptions?.ReplayChildren;
          if (replay !== undefined) operation.replayChildren = replay;
          event({ type: succeeded ? 'ContextSucceeded' : 'ContextFailed' });
        }
        break;
      }
      case 'RETRY': {
        const delayS = update.StepOptions?.NextAttemptDelaySeconds ?? 1;
        operation.status = 'PENDING';
        operation.attempt = (operation.attempt ?? 0) + 1;
        operation.dueAtMs = nowMs + delayS * 1_000;
        delete operation.result;
        delete operation.error;
        if (update.Payload !== undefined) operation.result = update.Payload;
        if (update.Error) operation.error = update.Error;
        event({
          type: update.Error ? 'StepFailed' : 'StepSucceeded',
          attempt: operation.attempt,
          delayS,
          ...(update.Payload === undefined ? {} : { result: update.Payload }),
          ...(update.Error ? { error: update.Error } : {}),
        });
        break;
      }
      case 'CANCEL':
        operation.status = 'CANCELLED';
        operation.endedAtMs = nowMs;
        delete operation.dueAtMs;
        if (update.Error) operation.error = update.Error;
        if (type === 'WAIT') event({ type: 'WaitCancelled' });
        if (type === 'CHAINED_INVOKE') document.chained--;
    }
    this.#put(operation);
  }

  /** What has become due by now. Whether anything had. */
  applyDue(): boolean {
    const { nowMs, document } = this;
    if (!this.isRunning) return false;
    if (nowMs >= timeOutAtMs(document)) {
      this.end('TIMED_OUT', { error: { ErrorMessage: `Execution timed out after ${document.timeoutS} seconds.` } });
      return true;
    }
    let any = false;
    for (const operation of [...this.#waiting()]) {
      const dueMs = dueAtMs(operation);
      if (dueMs === undefined || dueMs > nowMs) continue;
      any = true;
      const operationId = operation.id;
      if (operation.type === 'WAIT') {
        this.#tell(
          { ...operation, status: 'SUCCEEDED', endedAtMs: nowMs },
          { type: 'WaitSucceeded', atMs: nowMs, operationId },
        );
      } else if (operation.type === 'STEP') {
        const { dueAtMs: _, ...rest } = operation;
        this.#tell({ ...rest, status: 'READY' }, undefined);
      } else {
        const { timeoutAtMs = Number.POSITIVE_INFINITY } = operation.callback!;
        const error =
          timeoutAtMs <= nowMs
            ? { ErrorType: 'Callback.Timeout', ErrorMessage: 'Callback timed out' }
            : { ErrorType: 'Callback.Heartbeat', ErrorMessage: 'Callback timed out on heartbeat' };
        this.endCallback(operation, 'TIMED_OUT', { error });
      }
    }
    return any;
  }

  endCallback(operation: StoredOperation, status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT', outcome: Outcome): void {
    const { nowMs } = this;
    const type = { SUCCEEDED: 'CallbackSucceeded', FAILED: 'CallbackFailed', TIMED_OUT: 'CallbackTimedOut' } as const;
    this.#tell(
      { ...operation, status, endedAtMs: nowMs, ...defined(outcome) },
      { type: type[status], atMs: nowMs, operationId: operation.id },
    );
  }

  /** The callback's owner is alive. */
  heartbeat(operation: StoredOperation): void {
    const callback = operation.callback!;
    if (!callback.heartbeatS) return;
    // Nothing that the function has to be told.
    this.#operations.set(operation.id, {
      ...operation,
      callback: { ...callback, heartbeatAtMs: this.nowMs + callback.heartbeatS * 1_000 },
    });
    this.changed = true;
  }

  chainedStarted(operation: StoredOperation, version: string, arn: string): void {
    this.#operations.set(operation.id, { ...operation, invoke: { ...operation.invoke!, version, arn } });
    this.changed = true;
  }

  endChained(operation: StoredOperation, status: EndStatus, outcome: Outcome): void {
    const { nowMs } = this;
    this.document.chained--;
    this.document.bytes += sizeOf(outcome);
    this.#tell(
      { ...operation, status, endedAtMs: nowMs, ...defined(outcome) },
      { type: CHAINED_EVENT_OF_END[status], atMs: nowMs, operationId: operation.id },
    );
  }

  end(status: EndStatus, { result, error }: Outcome): void {
    const { document, nowMs } = this;
    document.status = status;
    document.endedAtMs = nowMs;
    delete document.invokeAtMs;
    if (error) document.error = error;
    this.#result = result;
    this.event({ type: EVENT_OF_END[status], atMs: nowMs });
  }

  async write(tx: Transaction): Promise<RunningDocument | undefined> {
    const { nowMs } = this;
    const { reference, running } = this.#live;
    const { scope } = reference;
    const first = this.document.events;
    const document = this.#written();
    await tx.documents.put(EXECUTIONS, scope, executionKey(reference), document);
    for (const [id, operation] of this.#operations) {
      await tx.documents.put(OPERATIONS, scope, operationKey(reference, id), operation);
    }
    for (const [i, event] of this.#events.entries()) {
      await tx.documents.put(EVENTS, scope, eventKey(reference, first + i + 1), event);
    }
    if (this.#result !== undefined) {
      await tx.documents.put(PAYLOADS, scope, payloadKey(reference, 'result'), this.#result);
    }
    if (!this.isRunning) {
      if (!running) return undefined;
      await tx.documents.delete(RUNNING, EVERYWHERE, runningKey(reference));
      await tx.documents.put(EXPIRING, EVERYWHERE, expiringKey(expiresAtMs(document)!, reference), {});
      return undefined;
    }
    const after: RunningDocument = {
      wakeAtMs: this.wakeAtMs(),
      active: document.invocation !== undefined || document.chained > 0,
    };
    if (after.active === running?.active && after.wakeAtMs === running.wakeAtMs) return running;
    await tx.documents.put(RUNNING, EVERYWHERE, runningKey(reference), after);
    return { ...after, wakeAtMs: Math.max(after.wakeAtMs, nowMs) };
  }

  /** When something is due next: at the latest, the execution's time is up. */
  wakeAtMs(): number {
    const { document } = this;
    let earliest = timeOutAtMs(document);
    if (document.invokeAtMs !== undefined) earliest = Math.min(earliest, document.invokeAtMs);
    for (const operation of this.#waiting()) earliest = Math.min(earliest, dueAtMs(operation) ?? earliest);
    return earliest;
  }

  /** Once it is durable. */
  apply(running: RunningDocument | undefined): void {
    const { operations, waiting, unseen } = this.#live;
    this.#live.document = this.#written();
    if (this.document.seen === this.document.changes) unseen.clear();
    for (const [id, operation] of this.#operations) {
      operations.set(id, operation);
      if (dueAtMs(operation) === undefined) waiting.delete(id);
      else waiting.add(id);
      if (operation.changed > this.document.seen) unseen.add(id);
    }
    this.#live.running = running;
  }

  #written(): ExecutionDocument {
    return { ...this.document, events: this.document.events + this.#events.length };
  }

  #begin(update: OperationUpdate): StoredOperation {
    const { nowMs } = this;
    const { reference } = this.#live;
    const { CallbackOptions: callback, ChainedInvokeOptions: chained, WaitOptions: wait, ContextOptions } = update;
    const id = update.Id!;
    const base: StoredOperation = {
      id,
      sequence: this.#live.operations.size + this.#begun() + 1,
      changed: 0,
      type: update.Type!,
      status: 'STARTED',
      startedAtMs: nowMs,
      ...(update.ParentId ? { parentId: update.ParentId } : {}),
      ...(update.Name === undefined ? {} : { name: update.Name }),
      ...(update.SubType === undefined ? {} : { subType: update.SubType }),
    };
    switch (update.Type) {
      case 'WAIT':
        return { ...base, waitS: wait!.WaitSeconds!, dueAtMs: nowMs + wait!.WaitSeconds! * 1_000 };
      case 'CONTEXT':
        return ContextOptions?.ReplayChildren === undefined
          ? base
          : { ...base, replayChildren: ContextOptions.ReplayChildren };
      case 'CALLBACK': {
        const { TimeoutSeconds: timeoutS, HeartbeatTimeoutSeconds: heartbeatS } = callback ?? {};
        return {
          ...base,
          callback: {
            id: callbackId(reference, id),
            ...(timeoutS ? { timeoutS, timeoutAtMs: nowMs + timeoutS * 1_000 } : {}),
            ...(heartbeatS ? { heartbeatS, heartbeatAtMs: nowMs + heartbeatS * 1_000 } : {}),
          },
        };
      }
      case 'CHAINED_INVOKE': {
        const traceHeader = chained!.XAmznTraceId ?? this.document.traceHeader;
        return {
          ...base,
          invoke: {
            functionName: chained!.FunctionName!,
            childId: newExecutionId(nowMs),
            ...(update.Payload === undefined ? {} : { input: update.Payload }),
            ...(traceHeader === undefined ? {} : { traceHeader }),
          },
        };
      }
      default:
        return base;
    }
  }

  #begun(): number {
    let begun = 0;
    for (const id of this.#operations.keys()) if (!this.#live.operations.has(id)) begun++;
    return begun;
  }

  #put(operation: StoredOperation): void {
    operation.changed = ++this.document.changes;
    this.#operations.set(operation.id, operation);
    this.changed = true;
  }

  #meter(update: OperationUpdate): void {
    const { document } = this;
    if (update.Action === 'RETRY' || (update.Type !== 'EXECUTION' && !this.find(update.Id!))) document.operations++;
    if (document.operations > MOST_OPERATIONS) {
      throw invalid(`The durable execution exceeded the maximum of ${MOST_OPERATIONS} operations.`);
    }
    document.bytes += sizeOf({ result: update.Payload, error: update.Error });
    if (document.bytes > MOST_BYTES) {
      throw invalid(`The durable execution exceeded the maximum of ${MOST_BYTES} bytes of data.`);
    }
  }
}

export function timeOutAtMs({ startedAtMs, timeoutS }: ExecutionDocument): number {
  return startedAtMs + timeoutS * 1_000;
}

/** When what is kept of it goes; undefined while it runs. */
export function expiresAtMs({ endedAtMs, retentionDays }: ExecutionDocument): number | undefined {
  return endedAtMs === undefined ? undefined : endedAtMs + retentionDays * DAY_MS;
}

/** When something happens to an operation by itself. */
function dueAtMs({ type, status, dueAtMs: due, callback }: StoredOperation): number | undefined {
  if (type === 'WAIT' && status === 'STARTED') return due;
  if (type === 'STEP' && status === 'PENDING') return due;
  if (type !== 'CALLBACK' || status !== 'STARTED') return undefined;
  const { timeoutAtMs = Number.POSITIVE_INFINITY, heartbeatAtMs = Number.POSITIVE_INFINITY } = callback!;
  const earliest = Math.min(timeoutAtMs, heartbeatAtMs);
  return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
}

function sizeOf({ result, error }: Outcome): number {
  return (result === undefined ? 0 : Buffer.byteLength(result)) + (error ? errorBytes(error) : 0);
}

function defined({ result, error }: Outcome): { result?: string; error?: ErrorObject } {
  return { ...(result === undefined ? {} : { result }), ...(error ? { error } : {}) };
}
