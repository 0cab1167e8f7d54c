// What carries durable executions on: timers, the invocations of their functions, and what they invoke themselves.

import { type Clock, type Timer, VirtualClock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import type { Scope, StateStore } from '#storage/state/state.ts';
import { type CallResult, conclude } from './conclusion.ts';
import {
  EXECUTIONS,
  type ExecutionDocument,
  type ExecutionReference,
  executionKey,
  type RunningDocument,
  runningKey,
} from './documents.ts';
import type { EndStatus, Outcome } from './draft.ts';
import { isGone, notFound } from './errors.ts';
import type { ExecutionReader } from './execution-reader.ts';
import { errorOfFunction, invocationInput } from './invocation.ts';
import { FIRST_BACKOFF_MS, MOST_IN_FLIGHT } from './limits.ts';
import { Places } from './places.ts';
import type { Change, Turns } from './turns.ts';

/** How a function is invoked; what it does wrong is a result, what keeps it from running an error. */
export interface FunctionCall {
  scope: Scope;
  functionName: string;
  version: string;
  requestId: string;
  payload: Uint8Array;
  traceHeader?: string | undefined;
}

export interface DurableSettings {
  timeoutS: number;
  retentionDays: number;
  kmsKeyArn?: string;
}

export interface DurableTarget {
  scope: Scope;
  functionName: string;
  version: string;
  settings: DurableSettings;
}

/** What the name of a chained invocation stands for. */
export type ChainTarget =
  | ({ kind: 'durable' } & DurableTarget)
  | { kind: 'ordinary'; version: string; invoke(payload: Uint8Array, traceHeader?: string): Promise<CallResult> };

/** An execution that another one starts. */
export interface Child extends DurableTarget {
  reference: ExecutionReference;
  parent: NonNullable<ExecutionDocument['parent']>;
  payload: string;
  traceHeader: string | undefined;
}

export interface DriverOptions {
  state: StateStore;
  clock: Clock;
  log: Logger;
  turns: Turns;
  reader: ExecutionReader;
  invoke(call: FunctionCall): Promise<CallResult>;
  /** Rejects with AwsError where the function, or the version, is not there. */
  resolve(scope: Scope, functionName: string): Promise<ChainTarget>;
  beginChild(child: Child): Promise<{ arn: string }>;
}

export class Driver {
  readonly #options: DriverOptions;
  readonly #turns: Turns;
  readonly #timers = new Map<string, Timer>();
  readonly #driven = new Map<string, { done: Promise<void>; again: boolean }>();
  /** Of invocations that nobody waits for, by function. */
  readonly #places = new Places(MOST_IN_FLIGHT);
  readonly #work = new Set<Promise<unknown>>();
  #hold: Timer | undefined;
  /** What began before a stop or a reset goes nowhere. */
  #generation = 0;
  #stopped = true;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#turns = options.turns;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  start(): void {
    this.#stopped = false;
  }

  stop(): void {
    this.#stopped = true;
    this.#generation++;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#hold?.cancel();
    this.#hold = undefined;
    this.#work.clear();
    this.#driven.clear();
  }

  /** Takes up what ran in a process that is gone. */
  resume(reference: ExecutionReference, running: RunningDocument): void {
    this.#arm(reference, running);
    if (running.active) this.track(this.#recover(reference));
  }

  /** What follows from a change. */
  follow({ reference, draft, hasEnded, running }: Change): void {
    if (hasEnded) {
      this.#disarm(runningKey(reference));
      if (draft.document.parent) this.track(this.#tellParent(reference, draft.document));
      return;
    }
    if (running) this.#arm(reference, running);
    for (const operation of draft.chained) this.track(this.#chain(reference, operation.id));
    if (draft.document.invokeAtMs !== undefined && draft.document.invokeAtMs <= draft.nowMs) this.drive(reference);
  }

  /** Nothing of these executions goes on; how many that were. */
  forget(prefix: string): number {
    const keys = [...this.#timers.keys()].filter((key) => key.startsWith(prefix));
    for (const key of keys) this.#disarm(key);
    return keys.length;
  }

  #arm(reference: ExecutionReference, { wakeAtMs }: RunningDocument): void {
    const key = runningKey(reference);
    this.#timers.get(key)?.cancel();
    if (this.#stopped) return;
    this.#timers.set(
      key,
      this.#options.clock.at(wakeAtMs, () => this.#wake(reference)),
    );
  }

  #disarm(key: string): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  #wake(reference: ExecutionReference): Promise<void> {
    return this.#carryOn(reference, async () => {
      await this.#turns.change(reference, (draft) => void draft.applyDue());
      await this.drive(reference);
    });
  }

  /** After a start: the invocation under way went with the process that began it, and so did chained ones. */
  async #recover(reference: ExecutionReference): Promise<void> {
    await this.#invokeAnew(reference);
    await this.#carryOn(reference, async () => {
      const chained = await this.#turns.change(reference, (draft) =>
        [...draft.operations()].filter(({ type, status }) => type === 'CHAINED_INVOKE' && status === 'STARTED'),
      );
      for (const { id } of chained) this.track(this.#chain(reference, id));
    });
  }

  /** In place of an invocation whose end will never be written. */
  #invokeAnew(reference: ExecutionReference): Promise<void> {
    return this.#carryOn(reference, async () => {
      await this.#turns.change(reference, (draft) => {
        if (!draft.document.invocation) return;
        delete draft.document.invocation;
        draft.invokeSoon();
      });
      this.drive(reference);
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

  /** Invokes the function as long as there is something to tell it; resolves when there is not. */
  drive(reference: ExecutionReference): Promise<void> {
    const key = runningKey(reference);
    const before = this.#driven.get(key);
    if (before) {
      before.again = true;
      return before.done;
    }
    const driven = { done: Promise.resolve(), again: true };
    this.#driven.set(key, driven);
    const release = this.#turns.keep(reference);
    driven.done = this.#invocations(reference, driven).finally(() => {
      if (this.#driven.get(key) === driven) this.#driven.delete(key);
      release();
    });
    this.track(driven.done);
    return driven.done;
  }

  async #invocations(reference: ExecutionReference, driven: { again: boolean }): Promise<void> {
    const generation = this.#generation;
    const isOver = () => this.#stopped || generation !== this.#generation;
    try {
      while (driven.again && !isOver()) {
        driven.again = false;
        const due = await this.#turns.change(reference, ({ document, nowMs }) => {
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
    const input = await this.#options.reader.payload(reference, 'input');
    const call = await this.#turns.change(reference, (draft) => {
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
    await this.#turns.change(reference, (draft) => conclude(draft, call.requestId, outcome, endedAtMs));
  }

  /** Starts what an operation invokes, once, and writes down what came of it. */
  async #chain(reference: ExecutionReference, operationId: string): Promise<void> {
    const generation = this.#generation;
    try {
      const operation = await this.#turns.change(reference, (draft) => draft.isRunning && draft.find(operationId));
      if (!operation) return;
      if (operation.status !== 'STARTED') return;
      const { functionName, input = '{}', traceHeader, childId, arn } = operation.invoke!;
      const target = await this.#options.resolve(reference.scope, functionName);
      if (target.kind === 'ordinary') {
        const { payload, functionError } = await target.invoke(Buffer.from(input), traceHeader);
        if (generation !== this.#generation) return;
        await (functionError === undefined
          ? this.endChained(reference, operationId, 'SUCCEEDED', { result: Buffer.from(payload).toString() })
          : this.endChained(reference, operationId, 'FAILED', { error: errorOfFunction(payload) }));
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
      const parent = { ...reference, operationId };
      const started = await this.#options.beginChild({
        ...target,
        reference: child,
        parent,
        payload: input,
        traceHeader,
      });
      await this.#turns.change(reference, (draft) => {
        const current = draft.find(operationId);
        if (current?.status === 'STARTED') draft.chainedStarted(current, target.version, started.arn);
      });
    } catch (error) {
      if (generation !== this.#generation || isGone(error, reference)) return;
      if (error instanceof AwsError && error.code !== 'TooManyRequestsException') {
        const failure = { ErrorType: error.code, ErrorMessage: error.message };
        return this.endChained(reference, operationId, 'FAILED', { error: failure });
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
    const result = await this.#options.reader.payload(child, 'result');
    await this.endChained(parent, operationId, document.status as EndStatus, { result, error: document.error });
  }

  endChained(reference: ExecutionReference, operationId: string, status: EndStatus, outcome: Outcome): Promise<void> {
    return this.#carryOn(reference, async () => {
      await this.#turns.change(reference, (draft) => {
        const operation = draft.find(operationId);
        if (draft.isRunning && operation?.status === 'STARTED') draft.endChained(operation, status, outcome);
      });
    });
  }

  /** A virtual clock must not run past it: what it sets off belongs before later timers. */
  track(work: Promise<unknown>): void {
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
}

function functionKey({ scope, functionName }: ExecutionReference): string {
  return `${scope.account}/${scope.region}/${functionName}`;
}
