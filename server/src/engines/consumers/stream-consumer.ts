// Reads the partitions of a stream in order. Each partition has one lane, or several that share its records by their keys; a lane
// gathers a batch, invokes, and moves its cursor, which is durable: after a crash it goes on behind the last batch that was done.
// What fails is tried again, halved or given up as the options say, and nothing behind it is read meanwhile.
// https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html

import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  defineCollection,
  type Scope,
  type StateStore,
  type StreamRecord,
  type Transaction,
} from '#storage/state/state.ts';
import {
  type BatchOutcome,
  type ConsumerOptions,
  doublingBackoff,
  FUNCTION_FAILED,
  holdingClock,
  LARGEST_BATCH_BYTES,
  PROCESSED,
  settledWithin,
  slept,
  THROTTLED,
} from './consumer.ts';
import { readItemFailures } from './item-failures.ts';
import { laneOf } from './lanes.ts';
import type { RecordFilter } from './record-filter.ts';
import { isTooLarge, nextWindowState, type TumblingWindow, windowStartOf } from './tumbling-window.ts';

/** A record as the function gets it. */
export interface ConsumedRecord {
  /** Names it in partial batch responses and failure records. */
  sequenceNumber: string;
  record: Readonly<Record<string, unknown>>;
  /** Records of one key stay in order. */
  key: string;
  bytes: number;
}

/** The stream, seen from the consumer; its records lie in the stream of that name in the state store. */
export interface StreamSource {
  stream: string;
  partitions(): Promise<string[]>;
  read(partition: string, record: StreamRecord): ConsumedRecord;
}

export type StartingPosition = { at: 'TRIM_HORIZON' } | { at: 'LATEST' } | { at: 'AT_TIMESTAMP'; timestampMs: number };

export interface StreamBatch {
  partition: string;
  records: readonly (ConsumedRecord & { sequence: number; appendedAtMs: number })[];
  window?: TumblingWindow;
}

export interface Discarded extends StreamBatch {
  condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
  /** How often the function was invoked with them. */
  invokeCount: number;
  /** Of the last invocation, if there was one. */
  outcome?: BatchOutcome;
}

export interface StreamConsumerOptions extends ConsumerOptions {
  state: StateStore;
  scope: Scope;
  /** Names the cursors. */
  consumerId: string;
  source: StreamSource;
  filter: RecordFilter | undefined;
  startingPosition: StartingPosition;
  /** Lanes a partition. */
  parallelizationFactor: number;
  /** Infinite when absent. */
  maximumRetries?: number | undefined;
  maximumRecordAgeMs?: number | undefined;
  bisectsOnError: boolean;
  tumblingWindowMs: number;
  invoke(batch: StreamBatch): Promise<BatchOutcome>;
  /** What is given up, in the transaction that moves the cursor beyond it; whether it goes to a destination. */
  discard?(tx: Transaction, discarded: Discarded): Promise<boolean>;
  /** Milliseconds between the last record of a batch and now. */
  observeAge?(ageMs: number): void;
}

interface Cursor {
  /** Every record of the lane up to this one is done. */
  after: number;
  window?: { startMs: number; state: unknown };
}

type LaneRecord = StreamBatch['records'][number];

/** Keyed consumer/partition/lanes/lane. */
const CURSORS = defineCollection<Cursor>('consumers.cursors');

const RECORDS_PER_READ = 1_000;
const backoffMs = doublingBackoff(200, 60_000);
/** How often new partitions are looked for. */
const PARTITIONS_INTERVAL_MS = 10_000;

export class StreamConsumer {
  readonly #options: StreamConsumerOptions;
  readonly #stopping = new AbortController();
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #sleepers = new Set<() => void>();
  #appends = 0;
  #unsubscribe: () => void = () => {};
  #lookout: Promise<void> = Promise.resolve();

  constructor(options: StreamConsumerOptions) {
    this.#options = options;
  }

  /** Resolves once the lanes have their places: what is appended from then on is read by a consumer that begins at LATEST. */
  async start(): Promise<void> {
    const { state, source } = this.#options;
    this.#unsubscribe = state.onStreamActivity((stream) => {
      if (stream !== source.stream) return;
      this.#appends++;
      for (const wake of [...this.#sleepers]) wake();
    });
    await this.#openLanes(this.#options.startingPosition);
    this.#lookout = this.#lookForPartitions();
  }

  /** Reads nothing more and waits for the batches under way, no longer than `graceMs` of real time. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#unsubscribe();
    for (const wake of [...this.#sleepers]) wake();
    await settledWithin(Promise.all([this.#lookout, ...this.#lanes.values()]), graceMs);
  }

  async #lookForPartitions(): Promise<void> {
    const { clock, log } = this.#options;
    while (await slept(clock, PARTITIONS_INTERVAL_MS, this.#stopping.signal)) {
      // What a new partition holds was appended after the consumer began, whatever it began with.
      await this.#openLanes({ at: 'TRIM_HORIZON' }).catch((error) => log.error('partitions cannot be read', { error }));
    }
  }

  async #openLanes(position: StartingPosition): Promise<void> {
    const { source, parallelizationFactor } = this.#options;
    const keyOf = (partition: string, lane: number) => `${this.#prefix(partition)}${parallelizationFactor}/${lane}`;
    for (const partition of await source.partitions()) {
      if (this.#lanes.has(keyOf(partition, 0)) || this.#stopping.signal.aborted) continue;
      const keys = Array.from({ length: parallelizationFactor }, (_, lane) => keyOf(partition, lane));
      const cursors = await this.#openCursors(keys, partition, position);
      for (const [lane, key] of keys.entries()) {
        this.#lanes.set(key, this.#run(key, partition, lane, cursors[lane]!));
      }
    }
  }

  #prefix(partition: string): string {
    return `${this.#options.consumerId}/${partition}/`;
  }

  /** Where the lanes of a partition were; with another number of lanes than before, all begin where the last of them was. */
  #openCursors(keys: readonly string[], partition: string, position: StartingPosition): Promise<Cursor[]> {
    const { state, scope } = this.#options;
    const prefix = this.#prefix(partition);
    return state.transact(async (tx) => {
      const known = await tx.documents.range(CURSORS, scope, { prefix });
      const own = keys.map((key) => known.find((found) => found.key === key)?.value);
      if (own.every((cursor) => cursor !== undefined)) return own;
      const after =
        known.length > 0
          ? Math.min(...known.map(({ value }) => value.after))
          : await this.#firstAfter(tx, partition, position);
      await tx.documents.deleteRange(CURSORS, scope, { prefix });
      for (const key of keys) await tx.documents.put(CURSORS, scope, key, { after });
      return keys.map(() => ({ after }));
    });
  }

  async #firstAfter({ streams }: Transaction, partition: string, position: StartingPosition): Promise<number> {
    const { stream } = this.#options.source;
    if (position.at === 'TRIM_HORIZON') return 0;
    if (position.at === 'LATEST') return streams.lastSequence(stream, partition);
    for (let after = 0; ; ) {
      const page = await streams.read(stream, partition, after, RECORDS_PER_READ);
      const found = page.find(({ appendedAtMs }) => appendedAtMs >= position.timestampMs);
      if (found) return found.sequence - 1;
      if (page.length < RECORDS_PER_READ) return page.at(-1)?.sequence ?? after;
      after = page.at(-1)!.sequence;
    }
  }

  async #run(key: string, partition: string, lane: number, cursor: Cursor): Promise<void> {
    const { log, clock } = this.#options;
    const reader = new Lane(key, partition, lane, cursor, this.#options, this.#stopping.signal, {
      appends: () => this.#appends,
      wait: (seen, untilMs) => this.#wait(seen, untilMs),
    });
    for (let failures = 0; !this.#stopping.signal.aborted; ) {
      try {
        await reader.next();
        failures = 0;
      } catch (error) {
        log.error('a stream cannot be read', { partition, error });
        await slept(clock, backoffMs(++failures), this.#stopping.signal);
      }
    }
  }

  /** Until something is appended after `seen` appends, or the clock says so, or the consumer stops. */
  async #wait(seen: number, untilMs: number | undefined): Promise<void> {
    if (seen !== this.#appends || this.#stopping.signal.aborted) return;
    const { clock } = this.#options;
    await new Promise<void>((resolve) => {
      const wake = () => {
        timer?.cancel();
        this.#sleepers.delete(wake);
        resolve();
      };
      this.#sleepers.add(wake);
      // The turn in between lets the lane begin its invocation, which then holds a virtual clock.
      const timer =
        untilMs === undefined
          ? undefined
          : clock.at(untilMs, async () => {
              wake();
              await nextTurn();
            });
    });
  }
}

/** Forgets where a consumer was: it is deleted. */
export async function forgetCursors(tx: Transaction, scope: Scope, consumerId: string): Promise<void> {
  await tx.documents.deleteRange(CURSORS, scope, { prefix: `${consumerId}/` });
}

interface Activity {
  appends(): number;
  wait(seen: number, untilMs: number | undefined): Promise<void>;
}

class Lane {
  readonly #key: string;
  readonly #partition: string;
  readonly #lane: number;
  readonly #options: StreamConsumerOptions;
  readonly #signal: AbortSignal;
  readonly #activity: Activity;
  #cursor: Cursor;
  /** Records up to this one are done or belong to other lanes; at least the cursor. */
  #through: number;

  constructor(
    key: string,
    partition: string,
    lane: number,
    cursor: Cursor,
    options: StreamConsumerOptions,
    signal: AbortSignal,
    activity: Activity,
  ) {
    this.#key = key;
    this.#partition = partition;
    this.#lane = lane;
    this.#cursor = cursor;
    this.#through = cursor.after;
    this.#options = options;
    this.#signal = signal;
    this.#activity = activity;
  }

  /** Processes a batch or a window's end, or waits for something to do. */
  async next(): Promise<void> {
    const { clock, windowMs, batchSize, tumblingWindowMs } = this.#options;
    let firstSeenMs: number | undefined;
    for (;;) {
      const seen = this.#activity.appends();
      const { records, through } = await this.#read();
      if (this.#signal.aborted) return;
      const open = this.#cursor.window;
      const windowEndMs = open && open.startMs + tumblingWindowMs;
      if (records.length === 0) {
        this.#through = through;
        // Other lanes' records are looked through again after a restart; not too many of them.
        if (through - this.#cursor.after >= RECORDS_PER_READ) await this.#move(through);
        if (windowEndMs !== undefined && clock.now() >= windowEndMs) return this.#endWindow(false);
        await this.#activity.wait(seen, windowEndMs);
        if (this.#signal.aborted) return;
        continue;
      }
      if (windowEndMs !== undefined && records[0]!.appendedAtMs >= windowEndMs) return this.#endWindow(false);
      const batch = this.#cut(records);
      firstSeenMs ??= clock.now();
      const isWhole = batch.length >= batchSize || batch.length < records.length;
      if (isWhole || clock.now() >= firstSeenMs + windowMs) {
        return this.#processAll(batch, batch.length < records.length ? batch.at(-1)!.sequence : through);
      }
      await this.#activity.wait(seen, firstSeenMs + windowMs);
      if (this.#signal.aborted) return;
    }
  }

  /** Up to a batch of this lane's records, and how far the stream was looked through for them. */
  async #read(): Promise<{ records: LaneRecord[]; through: number }> {
    const { state, source, batchSize, parallelizationFactor } = this.#options;
    const records: LaneRecord[] = [];
    let through = this.#through;
    for (;;) {
      const limit = Math.min(
        RECORDS_PER_READ,
        parallelizationFactor > 1 ? RECORDS_PER_READ : batchSize - records.length,
      );
      const page = await state.streams.read(source.stream, this.#partition, through, limit);
      for (const { sequence, appendedAtMs, data } of page) {
        const consumed = source.read(this.#partition, { sequence, appendedAtMs, data });
        through = sequence;
        if (laneOf(consumed.key, parallelizationFactor) !== this.#lane) continue;
        records.push({ ...consumed, sequence, appendedAtMs });
        if (records.length === batchSize) return { records, through };
      }
      if (page.length < limit) return { records, through };
    }
  }

  /** As many as one invocation takes, of one tumbling window. */
  #cut(records: readonly LaneRecord[]): LaneRecord[] {
    const { tumblingWindowMs } = this.#options;
    const windowOf = ({ appendedAtMs }: LaneRecord) => windowStartOf(appendedAtMs, tumblingWindowMs);
    const startMs = Math.max(windowOf(records[0]!), this.#cursor.window?.startMs ?? 0);
    let bytes = 0;
    const batch: LaneRecord[] = [];
    for (const record of records) {
      bytes += record.bytes;
      if (batch.length > 0 && bytes > LARGEST_BATCH_BYTES) break;
      if (tumblingWindowMs > 0 && windowOf(record) > startMs) break;
      batch.push(record);
    }
    return batch;
  }

  async #processAll(batch: readonly LaneRecord[], through: number): Promise<void> {
    const { filter, count, tumblingWindowMs } = this.#options;
    count({ polled: batch.length });
    const kept = filter ? batch.filter(({ record }) => filter.matches(record)) : batch;
    if (kept.length < batch.length) count({ filteredOut: batch.length - kept.length });
    if (tumblingWindowMs > 0 && !this.#cursor.window && kept.length > 0) {
      this.#cursor = {
        ...this.#cursor,
        window: { startMs: windowStartOf(kept[0]!.appendedAtMs, tumblingWindowMs), state: {} },
      };
    }
    const parts: Part[] = kept.length > 0 ? [{ records: kept, attempts: 0 }] : [];
    while (parts.length > 0) {
      const split = await this.#processPart(parts.pop()!);
      if (this.#signal.aborted && split === 'stopped') return;
      if (split !== 'stopped') parts.push(...split);
    }
    await this.#move(through);
    if (this.#cursor.window && isTooLarge(this.#cursor.window.state)) await this.#endWindow(true);
  }

  /** The parts, last one first, that a failed batch was split into; none when it is done or was given up. */
  async #processPart(part: Part): Promise<Part[] | 'stopped'> {
    const {
      clock,
      count,
      report,
      maximumRetries = Number.POSITIVE_INFINITY,
      bisectsOnError,
      observeAge,
    } = this.#options;
    let { records, attempts } = part;
    let last: BatchOutcome | undefined;
    for (let waits = 0; ; ) {
      const young = this.#young(records);
      if (young.length < records.length) {
        const old = records.slice(0, records.length - young.length);
        await this.#discard({ records: old, condition: 'RecordAgeExceeded', invokeCount: attempts, last });
        records = young;
        if (records.length === 0) return [];
      }
      observeAge?.(clock.now() - records.at(-1)!.appendedAtMs);
      const outcome = await holdingClock(clock, this.#options.invoke(this.#batchOf(records)));
      last = outcome;
      if (outcome.kind === 'throttled' || outcome.kind === 'refused') {
        report(outcome.kind === 'throttled' ? THROTTLED : outcome.problem);
        if (!(await slept(clock, backoffMs(++waits), this.#signal))) return 'stopped';
        continue;
      }
      count({ invoked: records.length });
      const done = outcome.kind === 'succeeded' ? this.#doneOf(records, outcome.response) : 0;
      if (done > 0) {
        report(PROCESSED);
        this.#keepWindowState(outcome);
        await this.#move(records[done - 1]!.sequence);
        if (done === records.length) return [];
        records = records.slice(done);
      }
      report(FUNCTION_FAILED);
      count({ failedInvoke: records.length });
      attempts++;
      // Splitting takes none of the retries, so it comes before giving up.
      if (bisectsOnError && done === 0 && records.length > 1) {
        const middle = records.length >> 1;
        return [
          { records: records.slice(middle), attempts: attempts - 1 },
          { records: records.slice(0, middle), attempts: attempts - 1 },
        ];
      }
      if (attempts > maximumRetries) {
        await this.#discard({ records, condition: 'RetryAttemptsExhausted', invokeCount: attempts, last });
        return [];
      }
      if (!(await slept(clock, backoffMs(attempts), this.#signal))) return 'stopped';
    }
  }

  #young(records: readonly LaneRecord[]): readonly LaneRecord[] {
    const { clock, maximumRecordAgeMs } = this.#options;
    if (maximumRecordAgeMs === undefined) return records;
    const first = records.findIndex(({ appendedAtMs }) => clock.now() - appendedAtMs <= maximumRecordAgeMs);
    return first < 0 ? [] : records.slice(first);
  }

  /** How many from the first on are done: up to the lowest one that the function names. */
  #doneOf(records: readonly LaneRecord[], response: Uint8Array): number {
    if (!this.#options.reportsItemFailures) return records.length;
    const failed = readItemFailures(response, new Set(records.map(({ sequenceNumber }) => sequenceNumber)));
    if (!failed) return 0;
    const lowest = records.findIndex(({ sequenceNumber }) => failed.has(sequenceNumber));
    return lowest < 0 ? records.length : lowest;
  }

  #batchOf(records: readonly LaneRecord[], ends?: { early: boolean }): StreamBatch {
    const { tumblingWindowMs } = this.#options;
    const { window } = this.#cursor;
    return {
      partition: this.#partition,
      records,
      ...(window
        ? {
            window: {
              startMs: window.startMs,
              endMs: window.startMs + tumblingWindowMs,
              state: window.state,
              isFinal: ends !== undefined,
              isTerminatedEarly: ends?.early ?? false,
            },
          }
        : {}),
    };
  }

  /** What the function returned as the state of its window. */
  #keepWindowState(outcome: BatchOutcome): void {
    const { window } = this.#cursor;
    if (!window || outcome.kind !== 'succeeded') return;
    this.#cursor = { ...this.#cursor, window: { ...window, state: nextWindowState(outcome.response) } };
  }

  /** The last invocation of a window, without records. */
  async #endWindow(early: boolean): Promise<void> {
    const { clock, report, maximumRetries = Number.POSITIVE_INFINITY } = this.#options;
    for (let attempts = 1; ; attempts++) {
      const outcome = await holdingClock(clock, this.#options.invoke(this.#batchOf([], { early })));
      if (outcome.kind === 'succeeded') {
        report(PROCESSED);
        break;
      }
      report(outcome.kind === 'failed' ? FUNCTION_FAILED : outcome.kind === 'throttled' ? THROTTLED : outcome.problem);
      if (outcome.kind === 'failed' && attempts > maximumRetries) break;
      if (!(await slept(clock, backoffMs(attempts), this.#signal))) return;
    }
    const { window: _, ...rest } = this.#cursor;
    this.#cursor = rest;
    await this.#move(this.#through);
  }

  async #discard(what: {
    records: readonly LaneRecord[];
    condition: Discarded['condition'];
    invokeCount: number;
    last: BatchOutcome | undefined;
  }): Promise<void> {
    const { discard, count } = this.#options;
    const { records, condition, invokeCount, last } = what;
    let delivered = false;
    await this.#move(records.at(-1)!.sequence, async (tx) => {
      delivered =
        (await discard?.(tx, {
          ...this.#batchOf(records),
          condition,
          invokeCount,
          ...(last === undefined ? {} : { outcome: last }),
        })) ?? false;
    });
    count(delivered ? { dropped: records.length, delivered: records.length } : { dropped: records.length });
  }

  /** Everything up to `after` is done. */
  async #move(after: number, also: (tx: Transaction) => Promise<void> = async () => {}): Promise<void> {
    const { state, scope, clock } = this.#options;
    const next: Cursor = { ...this.#cursor, after };
    await holdingClock(
      clock,
      state.transact(async (tx) => {
        await also(tx);
        await tx.documents.put(CURSORS, scope, this.#key, next);
      }),
    );
    this.#cursor = next;
    this.#through = Math.max(this.#through, after);
  }
}

interface Part {
  records: readonly LaneRecord[];
  /** Failed invocations with these records so far. */
  attempts: number;
}
