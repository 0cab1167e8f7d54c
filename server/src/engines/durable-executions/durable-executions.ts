// Durable executions: a log of operations that a function's SDK writes by checkpoints, and the invocations that carry it on.
// A change (checkpoint, timer, callback, the end of an invocation) is a transaction; what follows from it (the next
// invocation, a timer, a chained invocation, the answer to a caller) begins once it is durable, and begins again after a
// restart from what is stored. https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html

import { createHash } from 'node:crypto';
import type { Operation, OperationUpdate } from '@aws-sdk/client-lambda';
import { SystemClock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Meter } from '#core/meter.ts';
import type { Scope, Transaction } from '#storage/state/state.ts';
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
  readRunningKey,
  runningKey,
  type StoredOperation,
} from './documents.ts';
import { type Draft, expiresAtMs } from './draft.ts';
import { Driver, type DriverOptions, type DurableTarget } from './driver.ts';
import { alreadyStarted, callbackClosed, invalidToken } from './errors.ts';
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
import { operationPage, pageMarker, readPageMarker } from './invocation.ts';
import { CLIENT_TOKEN_MS } from './limits.ts';
import { showOperation } from './presentation.ts';
import { forget, Retention } from './retention.ts';
import { type Change, Turns } from './turns.ts';
import { checkUpdates, invalid } from './update-rules.ts';

export type { ChainTarget, FunctionCall } from './driver.ts';

/** How long a stop waits for what is being written down. */
const LONGEST_STOP_MS = 5_000;

export interface StartRequest extends DurableTarget {
  /** A name of its own where there is none. */
  name?: string | undefined;
  /** JSON text. */
  payload: string;
  traceHeader?: string | undefined;
  /** Whether the caller waits for the end. */
  synchronous: boolean;
  requestId?: string | undefined;
}

export interface DurableExecutionsOptions
  extends Pick<DriverOptions, 'state' | 'clock' | 'log' | 'invoke' | 'resolve'> {
  meter: Meter;
  /** In the transaction in which an execution ends. */
  atEnd?(tx: Transaction, execution: ExecutionReference, document: ExecutionDocument): Promise<void>;
}

/** Whose chained invocation was deleted. */
export type Orphan = NonNullable<ExecutionDocument['parent']>;

export class DurableExecutions {
  readonly #options: DurableExecutionsOptions;
  readonly #turns: Turns;
  readonly #driver: Driver;
  readonly #retention: Retention;
  readonly reader: ExecutionReader;
  /** Of callers who wait for an end. */
  readonly #waiters = new Map<string, Set<() => void>>();
  /** Running executions, by account and region. */
  readonly #runningCounts = new Map<string, number>();

  constructor(options: DurableExecutionsOptions) {
    this.#options = options;
    this.#retention = new Retention(options);
    this.reader = new ExecutionReader(options);
    const { reader } = this;
    this.#turns = new Turns({ ...options, reader, onChanged: (change) => this.#changed(change) });
    this.#driver = new Driver({
      ...options,
      reader,
      turns: this.#turns,
      beginChild: ({ reference, parent, ...request }) =>
        this.#begin({ ...request, synchronous: false }, reference, reference.id, parent),
    });
  }

  /** Takes up what runs: timers, invocations that a process which is gone had begun, chained invocations. */
  async start(): Promise<void> {
    this.#driver.start();
    for await (const page of this.#options.state.documents.scanPages(RUNNING)) {
      for (const { key, value } of page) {
        const reference = readRunningKey(key);
        this.#count(reference.scope, 1);
        this.#driver.resume(reference, value);
      }
    }
    await this.#retention.start();
  }

  async stop(): Promise<void> {
    this.#forgetAll();
    const realTime = new SystemClock();
    await new Promise<void>((resolve) => {
      const timer = realTime.at(realTime.now() + LONGEST_STOP_MS, resolve);
      void this.#turns.settled().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  reset(): void {
    this.#forgetAll();
    this.#turns.forget();
    this.#runningCounts.clear();
    this.#driver.start();
    this.#driver.track(this.#retention.start());
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
    this.#driver.drive(reference);
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
        if (this.#driver.stopped) throw new AwsError('ServiceException', 'Brume stops.', { status: 500 });
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
    return this.#turns.change(reference, (draft) => {
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
    return this.#turns.change(reference, (draft) => {
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
    return this.#turns.change(reference, (draft) => {
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
    this.#count({ account, region }, -this.#driver.forget(prefix));
    this.#turns.forget(prefix);
    for (const key of [...this.#waiters.keys()]) if (key.startsWith(prefix)) this.#wakeWaiters(key);
    const error = { ErrorType: 'ResourceNotFoundException', ErrorMessage: 'The function has been deleted.' };
    for (const { operationId, ...parent } of orphans) {
      this.#driver.track(this.#driver.endChained(parent, operationId, 'STOPPED', { error }));
    }
  }

  async #callback(scope: Scope, id: string, change: (draft: Draft, operation: StoredOperation) => void): Promise<void> {
    const found = readCallbackId(id);
    const { account, region } = found?.execution.scope ?? {};
    if (!found || account !== scope.account || region !== scope.region) throw invalid('Invalid callback id.');
    try {
      await this.#turns
        .change(found.execution, (draft) => {
          const operation = draft.find(found.operationId);
          if (operation?.callback?.id !== id) throw invalid('Invalid callback id.');
          // Its time may have come before the timer did.
          draft.applyDue();
          const current = draft.find(found.operationId)!;
          if (!draft.isRunning || current.status !== 'STARTED') return callbackClosed();
          change(draft, current);
          return undefined;
        })
        .then((refusal) => {
          if (refusal) throw refusal;
        });
    } catch (error) {
      if (error instanceof AwsError && error.code === 'ResourceNotFoundException')
        throw invalid('Invalid callback id.');
      throw error;
    }
  }

  #changed(change: Change): void {
    const { reference, draft, hasEnded } = change;
    if (hasEnded) {
      this.#count(reference.scope, -1);
      recordExecutionEnd(this.#options.meter, reference, draft.document);
      this.#wakeWaiters(runningKey(reference));
      this.#driver.track(this.#retention.arm());
    }
    this.#driver.follow(change);
  }

  #wakeWaiters(key: string): void {
    for (const wake of this.#waiters.get(key) ?? []) wake();
  }

  #count(scope: Scope, change: number): void {
    const key = `${scope.account}/${scope.region}`;
    const running = Math.max(0, (this.#runningCounts.get(key) ?? 0) + change);
    this.#runningCounts.set(key, running);
    recordRunning(this.#options.meter, { scope }, running);
  }

  #forgetAll(): void {
    this.#driver.stop();
    this.#retention.stop();
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
