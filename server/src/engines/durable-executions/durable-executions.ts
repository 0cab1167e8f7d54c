// Durable executions: a log of operations that a function's SDK writes by checkpoints, and the invocations that carry it on.
// A change (checkpoint, timer, callback, the end of an invocation) is a transaction; what follows from it (the next
// invocation, a timer, a chained invocation, the answer to a caller) begins once it is durable, and begins again after a
// restart from what is stored. https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html

import { createHash } from 'node:crypto';
import type { Operation, OperationUpdate } from '@aws-sdk/client-lambda';
import { type Clock, SystemClock, type Timer, VirtualClock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import type { Scope, StateStore, Transaction } from '#storage/state/state.ts';
import { type CallResult, conclude } from './conclusion.ts';
import {
  type ErrorObject,
  EVENTS,
  EVERYWHERE,
  EXECUTIONS,
  type ExecutionDocument,
  type ExecutionReference,
  eventKey,
  executionKey,
  NAMES,
  nameKey,
  OPERATIONS,
  PAYLOADS,
  payloadKey,
  RUNNING,
  type RunningDocument,
  readRunningKey,
  runningKey,
  type StoredOperation,
} from './documents.ts';
import { Draft, type EndStatus, expiresAtMs, type LiveExecution, liveExecution, type Outcome } from './draft.ts';
import { alreadyStarted, callbackClosed, invalidToken, isGone, notFound } from './errors.ts';
import { recordExecutionEnd, recordExecutionStart, recordRunning } from './execution-metrics.ts';
import { type Ending, ExecutionReader } from './execution-reader.ts';
import {
  checkpointToken,
  executionArn,
  newExecutionId,
  readCallbackId,
  readCheckpointToken,
  readExecutionArn,
} from './identifiers.ts';
import { errorOfFunction, invocationInput, operationPage, pageMarker, readPageMarker } from './invocation.ts';
import { CLIENT_TOKEN_MS, FIRST_BACKOFF_MS, MOST_IN_FLIGHT } from './limits.ts';
import { Places } from './places.ts';
import { showOperation } from './presentation.ts';
import { forget, Retention } from './retention.ts';
import { checkUpdates, invalid } from './update-rules.ts';

/** How long a stop waits for what is being written down. */
const LONGEST_STOP_MS = 5_000;

export interface DurableSettings {
  timeoutS: number;
  retentionDays: number;
  kmsKeyArn?: string;
}

export interface StartRequest {
  scope: Scope;
  functionName: string;
  version: string;
  settings: DurableSettings;
  /** A name of its own where there is none. */
  name?: string | undefined;
  /** JSON text. */
  payload: string;
  traceHeader?: string | undefined;
  /** Whether the caller waits for the end. */
  synchronous: boolean;
  requestId?: string | undefined;
}

/** How a function is invoked; what it does wrong is a result, what keeps it from running an error. */
export interface FunctionCall {
  scope: Scope;
  functionName: string;
  version: string;
  requestId: string;
  payload: Uint8Array;
  traceHeader?: string | undefined;
}

/** What the name of a chained invocation stands for. */
export type ChainTarget =
  | { kind: 'durable'; scope: Scope; functionName: string; version: string; settings: DurableSettings }
  | { kind: 'ordinary'; version: string; invoke(payload: Uint8Array, traceHeader?: string): Promise<CallResult> };

export interface DurableExecutionsOptions {
  state: StateStore;
  clock: Clock;
  log: Logger;
  meter: Meter;
  invoke(call: FunctionCall): Promise<CallResult>;
  /** In the transaction in which an execution ends. */
  atEnd?(tx: Transaction, execution: ExecutionReference, document: ExecutionDocument): Promise<void>;
  /** Rejects with AwsError where the function, or the version, is not there. */
  resolve(scope: Scope, functionName: string): Promise<ChainTarget>;
}

/** Whose chained invocation was deleted. */
export type Orphan = NonNullable<ExecutionDocument['parent']>;

interface Held {
  /** Absent before it is read, and after a change that may or may not have been written. */
  live: LiveExecution | undefined;
  /** Work on one execution is done one piece after another. */
  last: Promise<unknown>;
  users: number;
}

export class DurableExecutions {
  readonly #options: DurableExecutionsOptions;
  readonly #held = new Map<string, Held>();
  readonly #timers = new Map<string, Timer>();
  readonly #driven = new Map<string, { done: Promise<void>; again: boolean }>();
  readonly #waiters = new Map<string, Set<() => void>>();
  /** Of invocations that nobody waits for, by function. */
  readonly #places = new Places(MOST_IN_FLIGHT);
  readonly #work = new Set<Promise<unknown>>();
  /** Running executions, by account and region. */
  readonly #runningCounts = new Map<string, number>();
  #hold: Timer | undefined;
  readonly #retention: Retention;
  readonly reader: ExecutionReader;
  /** What began before a stop or a reset goes nowhere. */
  #generation = 0;
  #stopped = true;

  constructor(options: DurableExecutionsOptions) {
    this.#options = options;
    this.#retention = new Retention(options);
    this.reader = new ExecutionReader(options);
  }

  /** Takes up what runs: timers, invocations that a process which is gone had begun, chained invocations. */
  async start(): Promise<void> {
    this.#stopped = false;
    for await (const page of this.#options.state.documents.scanPages(RUNNING)) {
      for (const { key, value } of page) {
        const reference = readRunningKey(key);
        this.#count(reference.scope, 1);
        this.#arm(reference, value);
        if (value.active) this.#track(this.#recover(reference));
      }
    }
    await this.#retention.start();
  }

  async stop(): Promise<void> {
    this.#forgetAll();
    const realTime = new SystemClock();
    const locks = [...this.#held.values()].map(({ last }) => last.catch(() => {}));
    await new Promise<void>((resolve) => {
      const timer = realTime.at(realTime.now() + LONGEST_STOP_MS, resolve);
      void Promise.all(locks).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  reset(): void {
    this.#forgetAll();
    this.#held.clear();
    this.#runningCounts.clear();
    this.#stopped = false;
    this.#track(this.#retention.start());
  }

  /**
   * Starts an execution, or finds the one that was started with this name and payload; resolves once it is durable. Throws
   * DurableExecutionAlreadyStartedException where the name stands for another payload.
   */
  async begin(request: StartRequest): Promise<{ arn: string; reference: ExecutionReference }> {
    const { scope, functionName, name = uuid() } = request;
    const id = newExecutionId(this.#options.clock.now());
    return this.#begin(request, { scope, functionName, id }, name);
  }

  async #begin(
    request: StartRequest,
    reference: ExecutionReference,
    name: string,
    parent?: ExecutionDocument['parent'],
  ): Promise<{ arn: string; reference: ExecutionReference }> {
    const { state, clock, meter } = this.#options;
    const { scope, functionName, settings, payload, traceHeader } = request;
    const nowMs = clock.now();
    const payloadHash = createHash('sha256').update(payload).digest('base64');
    const document: ExecutionDocument = {
      id: reference.id,
      name,
      functionName,
      version: request.version,
      status: 'RUNNING',
      startedAtMs: nowMs,
      ...settings,
      ...(traceHeader === undefined ? {} : { traceHeader }),
      synchronous: request.synchronous,
      ...(request.requestId === undefined ? {} : { requestId: request.requestId }),
      payloadHash,
      operations: 0,
      bytes: 0,
      events: 1,
      changes: 0,
      seen: 0,
      checkpoints: 0,
      invokeAtMs: nowMs,
      failures: 0,
      ...(parent ? { parent } : {}),
      chained: 0,
    };
    const existing = await state.transact(async (tx) => {
      const before = await this.#named(tx, scope, functionName, name, nowMs);
      if (before) return before;
      await tx.documents.put(EXECUTIONS, scope, executionKey(reference), document);
      await tx.documents.put(NAMES, scope, nameKey(functionName, name), { id: reference.id });
      await tx.documents.put(PAYLOADS, scope, payloadKey(reference, 'input'), payload);
      await tx.documents.put(EVENTS, scope, eventKey(reference, 1), { type: 'ExecutionStarted', atMs: nowMs });
      await tx.documents.put(RUNNING, EVERYWHERE, runningKey(reference), { wakeAtMs: nowMs, active: false });
      return undefined;
    });
    if (existing) {
      if (existing.payloadHash !== payloadHash) throw alreadyStarted(name);
      const found = { scope, functionName, id: existing.id };
      return { arn: executionArn(found, existing), reference: found };
    }
    this.#count(scope, 1);
    recordExecutionStart(meter, reference, request.version);
    this.#drive(reference);
    return { arn: executionArn(reference, document), reference };
  }

  /** The execution of a name, unless it is due to be forgotten: then it is. */
  async #named(
    tx: Transaction,
    scope: Scope,
    functionName: string,
    name: string,
    nowMs: number,
  ): Promise<ExecutionDocument | undefined> {
    const named = await tx.documents.get(NAMES, scope, nameKey(functionName, name));
    if (!named) return undefined;
    const reference = { scope, functionName, id: named.id };
    const document = await tx.documents.get(EXECUTIONS, scope, executionKey(reference));
    if (!document) return undefined;
    if ((expiresAtMs(document) ?? Number.POSITIVE_INFINITY) > nowMs) return document;
    await forget(tx, reference, document);
    return undefined;
  }

  /** Resolves once the execution has ended. Rejects with ResourceNotFoundException when it is deleted before. */
  async ended(reference: ExecutionReference): Promise<Ending> {
    const key = runningKey(reference);
    for (;;) {
      let wake = () => {};
      const signal = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const waiters = this.#waiters.get(key) ?? new Set();
      this.#waiters.set(key, waiters.add(wake));
      try {
        const ending = await this.reader.get(reference);
        if (ending.document.status !== 'RUNNING') return ending;
        if (this.#stopped) throw new AwsError('ServiceException', 'Brume stops.', { status: 500 });
        await signal;
      } finally {
        waiters.delete(wake);
        if (waiters.size === 0) this.#waiters.delete(key);
      }
    }
  }

  async checkpoint(
    arn: string,
    token: string,
    updates: readonly OperationUpdate[],
    clientToken?: string,
  ): Promise<{ token: string; operations: Operation[] }> {
    const reference = referenceOf(arn);
    const claim = readCheckpointToken(token);
    if (!claim || claim.id !== reference.id) throw invalidToken();
    return this.#change(reference, (draft) => {
      const { document, nowMs } = draft;
      const { invocation, lastCheckpoint: last } = document;
      if (!draft.isRunning || !invocation || invocation.nonce !== claim.nonce) throw invalidToken();
      const next = () => checkpointToken(document.id, invocation.nonce, document.checkpoints);
      if (claim.count !== document.checkpoints) {
        const isRepeated =
          clientToken !== undefined &&
          last?.clientToken === clientToken &&
          last.count === claim.count &&
          nowMs - last.atMs <= CLIENT_TOKEN_MS;
        if (!isRepeated) throw invalidToken();
        const again = [...draft.operations()].filter(({ changed }) => changed > last.seen);
        return { token: next(), operations: again.map(showOperation) };
      }
      checkUpdates(updates, (id) => draft.find(id), document.synchronous);
      for (const update of updates) draft.update(update);
      draft.changed = true;
      const unseen = draft.unseen();
      document.checkpoints++;
      if (clientToken === undefined) delete document.lastCheckpoint;
      else document.lastCheckpoint = { clientToken, count: claim.count, seen: document.seen, atMs: nowMs };
      document.seen = document.changes;
      return { token: next(), operations: unseen.map(showOperation) };
    });
  }

  async state(
    arn: string,
    token: string,
    marker: string | undefined,
    most: number,
  ): Promise<{ operations: Operation[]; marker?: string }> {
    const reference = referenceOf(arn);
    const claim = readCheckpointToken(token);
    const after = marker ? readPageMarker(marker) : undefined;
    if (marker && after === undefined) throw invalid('Invalid marker.');
    const input = after === undefined ? await this.reader.payload(reference, 'input') : undefined;
    return this.#change(reference, (draft) => {
      const { document } = draft;
      if (!claim || claim.id !== reference.id || document.invocation?.nonce !== claim.nonce) throw invalidToken();
      const page = operationPage(document, draft.operations(), input, { after, most });
      return {
        operations: page.operations,
        ...(page.after === undefined ? {} : { marker: pageMarker(page.after) }),
      };
    });
  }

  /** Ends it; an execution that has ended stays as it is. When it ended. */
  async stopExecution(reference: ExecutionReference, error: ErrorObject | undefined): Promise<number> {
    await this.reader.document(reference);
    return this.#change(reference, (draft) => {
      if (draft.isRunning)
        draft.end('STOPPED', { error: error ?? { ErrorMessage: 'Execution stopped by user request' } });
      return draft.document.endedAtMs!;
    });
  }

  succeedCallback(scope: Scope, id: string, result: string | undefined): Promise<void> {
    return this.#callback(scope, id, (draft, operation) => {
      draft.document.bytes += result === undefined ? 0 : Buffer.byteLength(result);
      draft.endCallback(operation, 'SUCCEEDED', { result });
    });
  }

  failCallback(scope: Scope, id: string, error: ErrorObject | undefined): Promise<void> {
    return this.#callback(scope, id, (draft, operation) =>
      draft.endCallback(operation, 'FAILED', { error: error ?? {} }),
    );
  }

  heartbeat(scope: Scope, id: string): Promise<void> {
    return this.#callback(scope, id, (draft, operation) => draft.heartbeat(operation));
  }

  /** Deletes a function's executions in the transaction that deletes the function; `forgetFunction` has to follow. */
  async purge(tx: Transaction, scope: Scope, functionName: string): Promise<Orphan[]> {
    const prefix = `${scope.account}/${scope.region}/${functionName}/`;
    const orphans: Orphan[] = [];
    for (const { key } of await tx.documents.range(RUNNING, EVERYWHERE, { prefix })) {
      const document = await tx.documents.get(EXECUTIONS, scope, executionKey(readRunningKey(key)));
      if (document?.parent && document.parent.functionName !== functionName) orphans.push(document.parent);
    }
    for (const collection of [EXECUTIONS, OPERATIONS, EVENTS, PAYLOADS, NAMES]) {
      await tx.documents.deleteRange(collection, scope, { prefix: `${functionName}/` });
    }
    await tx.documents.deleteRange(RUNNING, EVERYWHERE, { prefix });
    return orphans;
  }

  /** Ends what is under way for a function that has been deleted, and tells those who had invoked it. */
  forgetFunction({ account, region }: Scope, functionName: string, orphans: readonly Orphan[]): void {
    const prefix = `${account}/${region}/${functionName}/`;
    for (const [key, timer] of this.#timers) {
      if (!key.startsWith(prefix)) continue;
      timer.cancel();
      this.#timers.delete(key);
      this.#count({ account, region }, -1);
    }
    for (const key of this.#held.keys()) if (key.startsWith(prefix)) this.#held.delete(key);
    for (const key of [...this.#waiters.keys()]) if (key.startsWith(prefix)) this.#wakeWaiters(key);
    const error = { ErrorType: 'ResourceNotFoundException', ErrorMessage: 'The function has been deleted.' };
    for (const { operationId, ...parent } of orphans) {
      this.#track(this.#endChained(parent, operationId, 'STOPPED', { error }));
    }
  }

  async #callback(scope: Scope, id: string, change: (draft: Draft, operation: StoredOperation) => void): Promise<void> {
    const found = readCallbackId(id);
    const { account, region } = found?.execution.scope ?? {};
    if (!found || account !== scope.account || region !== scope.region) throw invalid('Invalid callback id.');
    try {
      await this.#change(found.execution, (draft) => {
        const operation = draft.find(found.operationId);
        if (operation?.callback?.id !== id) throw invalid('Invalid callback id.');
        // Its time may have come before the timer did.
        draft.applyDue();
        const current = draft.find(found.operationId)!;
        if (!draft.isRunning || current.status !== 'STARTED') return callbackClosed();
        change(draft, current);
        return undefined;
      }).then((refusal) => {
        if (refusal) throw refusal;
      });
    } catch (error) {
      if (error instanceof AwsError && error.code === 'ResourceNotFoundException')
        throw invalid('Invalid callback id.');
      throw error;
    }
  }

  // ---- one execution at a time ----

  /** Changes an execution in a transaction; what `work` throws, or a change that cannot be written, leaves it as it was. */
  async #change<T>(reference: ExecutionReference, work: (draft: Draft) => T): Promise<T> {
    const key = runningKey(reference);
    let held = this.#held.get(key);
    if (!held) {
      held = { live: undefined, last: Promise.resolve(), users: 0 };
      this.#held.set(key, held);
    }
    const mine = held;
    mine.users++;
    const turn = mine.last.then(() => this.#inTurn(mine, reference, work));
    mine.last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      mine.users--;
      if (mine.users === 0 && !this.#driven.has(key) && this.#held.get(key) === mine) this.#held.delete(key);
    }
  }

  async #inTurn<T>(held: Held, reference: ExecutionReference, work: (draft: Draft) => T): Promise<T> {
    const { state, clock, meter, atEnd } = this.#options;
    held.live ??= await this.#load(reference);
    const { live } = held;
    const draft = new Draft(live, clock.now());
    const wasRunning = draft.isRunning;
    const value = work(draft);
    if (!draft.changed) return value;
    const key = executionKey(reference);
    held.live = undefined;
    const running = await state.transact(async (tx) => {
      if (!(await tx.documents.get(EXECUTIONS, reference.scope, key))) throw notFound(reference);
      const written = await draft.write(tx);
      if (wasRunning && !draft.isRunning) await atEnd?.(tx, reference, draft.document);
      return written;
    });
    draft.apply(running);
    held.live = live;
    if (wasRunning && !draft.isRunning) {
      this.#disarm(reference);
      this.#count(reference.scope, -1);
      recordExecutionEnd(meter, reference, draft.document);
      this.#wakeWaiters(runningKey(reference));
      this.#track(this.#retention.arm());
      if (draft.document.parent) this.#track(this.#tellParent(reference, draft.document));
      return value;
    }
    if (running) this.#arm(reference, running);
    for (const operation of draft.chained) this.#track(this.#chain(reference, operation.id));
    if (draft.document.invokeAtMs !== undefined && draft.document.invokeAtMs <= draft.nowMs) this.#drive(reference);
    return value;
  }

  async #load(reference: ExecutionReference): Promise<LiveExecution> {
    const { documents } = this.#options.state;
    const [document, operations, running] = await Promise.all([
      this.reader.document(reference),
      documents.range(OPERATIONS, reference.scope, { prefix: `${executionKey(reference)}/` }),
      documents.get(RUNNING, EVERYWHERE, runningKey(reference)),
    ]);
    return liveExecution(
      reference,
      document,
      operations.map(({ value }) => value),
      running,
    );
  }

  // ---- time ----

  #arm(reference: ExecutionReference, { wakeAtMs }: RunningDocument): void {
    const key = runningKey(reference);
    this.#timers.get(key)?.cancel();
    if (this.#stopped) return;
    this.#timers.set(
      key,
      this.#options.clock.at(wakeAtMs, () => this.#wake(reference)),
    );
  }

  #disarm(reference: ExecutionReference): void {
    const key = runningKey(reference);
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  #wake(reference: ExecutionReference): Promise<void> {
    return this.#carryOn(reference, async () => {
      await this.#change(reference, (draft) => void draft.applyDue());
      await this.#drive(reference);
    });
  }

  /** After a start: the invocation under way went with the process that began it, and so did chained ones. */
  async #recover(reference: ExecutionReference): Promise<void> {
    await this.#invokeAnew(reference);
    await this.#carryOn(reference, async () => {
      const chained = await this.#change(reference, (draft) =>
        [...draft.operations()].filter(({ type, status }) => type === 'CHAINED_INVOKE' && status === 'STARTED'),
      );
      for (const { id } of chained) this.#track(this.#chain(reference, id));
    });
  }

  /** In place of an invocation whose end will never be written. */
  #invokeAnew(reference: ExecutionReference): Promise<void> {
    return this.#carryOn(reference, async () => {
      await this.#change(reference, (draft) => {
        if (!draft.document.invocation) return;
        delete draft.document.invocation;
        draft.invokeSoon();
      });
      this.#drive(reference);
    });
  }

  /** Does it, and again after a while when the store fails; no more once the execution is gone. */
  async #carryOn(reference: ExecutionReference, work: () => Promise<void>): Promise<void> {
    const generation = this.#generation;
    const { clock, log } = this.#options;
    try {
      await work();
    } catch (error) {
      if (generation !== this.#generation || isGone(error)) return;
      log.error('a durable execution cannot be carried on', { id: reference.id, error });
      clock.at(clock.now() + FIRST_BACKOFF_MS, () => {
        if (generation === this.#generation) return this.#carryOn(reference, work);
      });
    }
  }

  // ---- invocations ----

  /** Invokes the function as long as there is something to tell it; resolves when there is not. */
  #drive(reference: ExecutionReference): Promise<void> {
    const key = runningKey(reference);
    const before = this.#driven.get(key);
    if (before) {
      before.again = true;
      return before.done;
    }
    const driven = { done: Promise.resolve(), again: true };
    this.#driven.set(key, driven);
    driven.done = this.#invocations(reference, driven).finally(() => {
      if (this.#driven.get(key) === driven) this.#driven.delete(key);
      if (this.#held.get(key)?.users === 0) this.#held.delete(key);
    });
    this.#track(driven.done);
    return driven.done;
  }

  async #invocations(reference: ExecutionReference, driven: { again: boolean }): Promise<void> {
    const generation = this.#generation;
    const isOver = () => this.#stopped || generation !== this.#generation;
    try {
      while (driven.again && !isOver()) {
        driven.again = false;
        const due = await this.#change(reference, ({ document, nowMs }) => {
          const { invokeAtMs, synchronous } = document;
          return invokeAtMs !== undefined && invokeAtMs <= nowMs && { synchronous };
        });
        if (!due) continue;
        // A caller who waits may hold the place of another invocation: his goes beside the others.
        const leave = due.synchronous ? () => {} : await this.#places.enter(functionKey(reference));
        try {
          if (!isOver()) await this.#invokeOnce(reference, generation);
        } finally {
          leave();
        }
        driven.again = true;
      }
      // In the same moment as the last look: what comes after it begins anew.
      this.#driven.delete(runningKey(reference));
    } catch (error) {
      if (isOver() || isGone(error)) return;
      this.#options.log.error('a durable execution cannot be invoked', { id: reference.id, error });
      // What its last invocation came to may not be written: as after a restart, there is to be another.
      this.#options.clock.at(this.#options.clock.now() + FIRST_BACKOFF_MS, () => {
        if (!isOver()) return this.#invokeAnew(reference);
      });
    }
  }

  async #invokeOnce(reference: ExecutionReference, generation: number): Promise<void> {
    const { clock, invoke } = this.#options;
    const input = await this.reader.payload(reference, 'input');
    const call = await this.#change(reference, (draft) => {
      const { document, nowMs } = draft;
      const { invokeAtMs, traceHeader, version } = document;
      if (!draft.isRunning || document.invocation || invokeAtMs === undefined || invokeAtMs > nowMs) return undefined;
      const requestId = uuid();
      const updated = draft.unseen().map(({ id }) => id);
      document.invocation = { requestId, nonce: uuid(), startedAtMs: nowMs };
      document.seen = document.changes;
      delete document.invokeAtMs;
      draft.changed = true;
      const payload = invocationInput(reference, document, draft.operations(), input, updated);
      return { requestId, payload, traceHeader, version };
    });
    if (!call || generation !== this.#generation) return;
    const { scope, functionName } = reference;
    let outcome: CallResult | { failure: unknown };
    try {
      outcome = await invoke({ scope, functionName, ...call });
    } catch (failure) {
      outcome = { failure };
      if (!(failure instanceof AwsError)) {
        this.#options.log.error('a durable function failed in Brume', { id: reference.id, error: failure });
      }
    }
    if (generation !== this.#generation) return;
    const endedAtMs = clock.now();
    await this.#change(reference, (draft) => conclude(draft, call.requestId, outcome, endedAtMs));
  }

  // ---- chained invocations ----

  /** Starts what an operation invokes, once, and writes down what came of it. */
  async #chain(reference: ExecutionReference, operationId: string): Promise<void> {
    const generation = this.#generation;
    try {
      const operation = await this.#change(reference, (draft) => draft.isRunning && draft.find(operationId));
      if (!operation) return;
      if (operation.status !== 'STARTED') return;
      const { functionName, input = '{}', traceHeader, childId, arn } = operation.invoke!;
      const target = await this.#options.resolve(reference.scope, functionName);
      if (target.kind === 'ordinary') {
        const { payload, functionError } = await target.invoke(Buffer.from(input), traceHeader);
        if (generation !== this.#generation) return;
        await (functionError === undefined
          ? this.#endChained(reference, operationId, 'SUCCEEDED', { result: Buffer.from(payload).toString() })
          : this.#endChained(reference, operationId, 'FAILED', { error: errorOfFunction(payload) }));
        return;
      }
      const child = { scope: target.scope, functionName: target.functionName, id: childId };
      const known = await this.#options.state.documents.get(EXECUTIONS, child.scope, executionKey(child));
      if (known) {
        if (known.status !== 'RUNNING') await this.#tellParent(child, known);
        return;
      }
      // Started before, and deleted since.
      if (arn !== undefined) throw notFound(child);
      const started = await this.#begin(
        { ...target, payload: input, traceHeader, synchronous: false },
        child,
        childId,
        { ...reference, operationId },
      );
      await this.#change(reference, (draft) => {
        const current = draft.find(operationId);
        if (current?.status === 'STARTED') draft.chainedStarted(current, target.version, started.arn);
      });
    } catch (error) {
      if (generation !== this.#generation || isGone(error, reference)) return;
      if (error instanceof AwsError && error.code !== 'TooManyRequestsException') {
        const failure = { ErrorType: error.code, ErrorMessage: error.message };
        return this.#endChained(reference, operationId, 'FAILED', { error: failure });
      }
      if (!(error instanceof AwsError)) {
        this.#options.log.error('a chained invocation failed in Brume', { id: reference.id, error });
      }
      this.#options.clock.at(this.#options.clock.now() + FIRST_BACKOFF_MS, () => {
        if (generation === this.#generation) return this.#chain(reference, operationId);
      });
    }
  }

  async #tellParent(child: ExecutionReference, document: ExecutionDocument): Promise<void> {
    const { operationId, ...parent } = document.parent!;
    const result = await this.reader.payload(child, 'result');
    await this.#endChained(parent, operationId, document.status as EndStatus, { result, error: document.error });
  }

  #endChained(reference: ExecutionReference, operationId: string, status: EndStatus, outcome: Outcome): Promise<void> {
    return this.#carryOn(reference, async () => {
      await this.#change(reference, (draft) => {
        const operation = draft.find(operationId);
        if (draft.isRunning && operation?.status === 'STARTED') draft.endChained(operation, status, outcome);
      });
    });
  }

  // ---- the end ----

  #wakeWaiters(key: string): void {
    for (const wake of this.#waiters.get(key) ?? []) wake();
  }

  // ---- what is under way ----

  /** A virtual clock must not run past it: what it sets off belongs before later timers. */
  #track(work: Promise<unknown>): void {
    const tracked = work
      .catch((error) => this.#options.log.error('a durable execution failed in Brume', { error }))
      .finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
    const { clock } = this.#options;
    if (!(clock instanceof VirtualClock)) return;
    this.#hold ??= clock.at(clock.now(), async () => {
      this.#hold = undefined;
      while (this.#work.size > 0) await Promise.all(this.#work);
    });
  }

  #count(scope: Scope, change: number): void {
    const key = `${scope.account}/${scope.region}`;
    const running = Math.max(0, (this.#runningCounts.get(key) ?? 0) + change);
    this.#runningCounts.set(key, running);
    recordRunning(this.#options.meter, { scope }, running);
  }

  #forgetAll(): void {
    this.#stopped = true;
    this.#generation++;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#retention.stop();
    this.#hold?.cancel();
    this.#hold = undefined;
    this.#work.clear();
    this.#driven.clear();
    for (const key of [...this.#waiters.keys()]) this.#wakeWaiters(key);
  }
}

/** For callers whose token says the rest. */
function referenceOf(arn: string): ExecutionReference {
  const named = readExecutionArn(arn);
  if (!named) throw invalid(`Invalid durable execution ARN: ${arn}`);
  const { scope, functionName, id } = named;
  return { scope, functionName, id };
}

function functionKey({ scope, functionName }: ExecutionReference): string {
  return `${scope.account}/${scope.region}/${functionName}`;
}
