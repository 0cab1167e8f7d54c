// Reads a queue in batches. Workers take, invoke and delete; what is not deleted comes back by the queue's visibility time-out
// (or goes to its dead-letter queue), so nothing needs to be kept here and a crash repeats what was in flight at most.
// One worker at a time waits for messages; each that finds some lets another one look, up to the concurrency allowed.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html

import { ConcurrencyRamp } from './concurrency-ramp.ts';
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
  splitBySize,
  THROTTLED,
} from './consumer.ts';
import { readItemFailures } from './item-failures.ts';
import type { RecordFilter } from './record-filter.ts';

export interface QueueRecord {
  id: string;
  receipt: string;
  /** As it goes into the event. */
  record: Readonly<Record<string, unknown>>;
  bytes: number;
}

/** The queue, seen from the consumer. */
export interface QueueSource {
  /** Waits up to `waitS` for messages; ends early, with none, when aborted. */
  receive(limit: number, waitS: number, signal: AbortSignal): Promise<QueueRecord[]>;
  delete(records: readonly QueueRecord[]): Promise<void>;
  /** How long received messages stay hidden. */
  visibilityTimeoutMs(): Promise<number>;
}

export interface QueueConsumerOptions extends ConsumerOptions {
  source: QueueSource;
  filter: RecordFilter | undefined;
  /** Batches at once. */
  maximumConcurrency?: number | undefined;
  /** Batches that may be processed at once from the beginning, and always. */
  provisionedConcurrency?: number | undefined;
  /** Told how many batches are being looked for or processed, whenever one is looked for. */
  onWorkers?: ((workers: number) => void) | undefined;
  invoke(records: readonly QueueRecord[]): Promise<BatchOutcome>;
}

/** Without a limit of its own; AWS goes to 1,250, but this is one machine. */
const MOST_CONCURRENT_BATCHES = 32;
const MOST_MESSAGES_PER_RECEIVE = 10;
const LONGEST_WAIT_S = 20;
const FIRST_BACKOFF_MS = 1_000;
const backoffMs = doublingBackoff(FIRST_BACKOFF_MS, 30_000);

export class QueueConsumer {
  readonly #options: QueueConsumerOptions;
  readonly #ramp: ConcurrencyRamp;
  readonly #stopping = new AbortController();
  readonly #workers = new Set<Promise<void>>();
  #someoneWaits = false;
  #readFailures = 0;

  constructor(options: QueueConsumerOptions) {
    this.#options = options;
    this.#ramp = new ConcurrencyRamp(
      options.maximumConcurrency ?? MOST_CONCURRENT_BATCHES,
      options.provisionedConcurrency,
    );
  }

  start(): void {
    this.#hire();
  }

  /** Takes nothing more and waits for what is under way, no longer than `graceMs` of real time. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await settledWithin(Promise.all(this.#workers), graceMs);
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #hire(): void {
    if (this.#stopped || this.#workers.size >= this.#ramp.limit) return;
    const worker = this.#work()
      .catch((error) => {
        // What is gone when a stopped consumer comes to an end (a reset took the queue) is no defect.
        this.#options.log[this.#stopped ? 'debug' : 'error']('a batch could not be processed', { error });
      })
      .finally(() => {
        this.#workers.delete(worker);
        if (this.#workers.size === 0) this.#hire();
      });
    this.#workers.add(worker);
    this.#options.onWorkers?.(this.#workers.size);
  }

  async #work(): Promise<void> {
    while (!this.#stopped && this.#workers.size <= this.#ramp.limit) {
      const waits = !this.#someoneWaits;
      if (waits) this.#someoneWaits = true;
      const { clock } = this.#options;
      const startedAtMs = clock.now();
      let first: QueueRecord[] | undefined;
      try {
        first = await this.#receive(this.#options.batchSize, waits ? LONGEST_WAIT_S : 0, this.#stopping.signal);
      } finally {
        if (waits) this.#someoneWaits = false;
      }
      if (first === undefined) {
        await this.#waitAfterReadFailure();
        continue;
      }
      if (first.length === 0) {
        if (!waits) return;
        // A queue that answers before the time is up is about to go: Brume stops.
        if (clock.now() - startedAtMs < LONGEST_WAIT_S * 1_000) {
          await slept(clock, FIRST_BACKOFF_MS, this.#stopping.signal);
        }
        continue;
      }
      const { windowMs } = this.#options;
      const batch = windowMs > 0 ? await this.#gather(first, windowMs) : first;
      this.#hire();
      for (const part of splitBySize(batch)) await this.#process(part);
    }
  }

  /** Undefined when the queue cannot be read. */
  async #receive(limit: number, waitS: number, signal: AbortSignal): Promise<QueueRecord[] | undefined> {
    const { source, count, log, report, onWorkers } = this.#options;
    onWorkers?.(this.#workers.size);
    try {
      const records = await source.receive(Math.min(limit, MOST_MESSAGES_PER_RECEIVE), waitS, signal);
      this.#readFailures = 0;
      if (records.length > 0) count({ polled: records.length });
      return records;
    } catch (error) {
      if (this.#stopped) return [];
      log.debug('a queue cannot be read', { error });
      report(`PROBLEM: ${(error as Error).message}`);
      this.#readFailures++;
      return undefined;
    }
  }

  #waitAfterReadFailure(): Promise<boolean> {
    return slept(this.#options.clock, backoffMs(this.#readFailures), this.#stopping.signal);
  }

  /** Adds what comes until the batch is full or the window, which began with the first message, is over. */
  async #gather(first: readonly QueueRecord[], windowMs: number): Promise<QueueRecord[]> {
    const { clock, batchSize } = this.#options;
    const batch = [...first];
    const over = new AbortController();
    const close = () => over.abort();
    let processed: () => void = () => {};
    const timer = clock.at(clock.now() + windowMs, () => {
      close();
      // A virtual clock stays until the batch is on its way, which then holds it.
      return new Promise<void>((resolve) => {
        processed = resolve;
      });
    });
    this.#stopping.signal.addEventListener('abort', close, { once: true });
    try {
      let bytes = sumOfBytes(batch);
      while (batch.length < batchSize && bytes < LARGEST_BATCH_BYTES && !over.signal.aborted) {
        const more = await this.#receive(batchSize - batch.length, LONGEST_WAIT_S, over.signal);
        if (more === undefined) break;
        batch.push(...more);
        bytes += sumOfBytes(more);
      }
      return batch;
    } finally {
      timer.cancel();
      this.#stopping.signal.removeEventListener('abort', close);
      setImmediate(() => processed());
    }
  }

  async #process(records: readonly QueueRecord[]): Promise<void> {
    const { clock, source, filter, count, reportsItemFailures, report } = this.#options;
    const receivedAtMs = clock.now();
    const kept = filter ? records.filter(({ record }) => filter.matches(record)) : records;
    if (kept.length < records.length) {
      count({ filteredOut: records.length - kept.length });
      const passed = new Set(kept);
      await holdingClock(clock, source.delete(records.filter((record) => !passed.has(record))));
    }
    if (kept.length === 0) return;
    const outcome = await this.#invoke(kept, receivedAtMs);
    if (outcome?.kind !== 'succeeded') {
      if (outcome?.kind === 'failed') report(FUNCTION_FAILED);
      if (!reportsItemFailures || outcome?.kind !== 'failed') this.#ramp.failed();
      count({ failedInvoke: kept.length });
      return;
    }
    report(PROCESSED);
    this.#ramp.succeeded();
    const failed = reportsItemFailures
      ? readItemFailures(outcome.response, new Set(kept.map(({ id }) => id)))
      : new Set<string>();
    const done = failed === undefined ? [] : kept.filter(({ id }) => !failed.has(id));
    if (done.length < kept.length) count({ failedInvoke: kept.length - done.length });
    if (done.length === 0) return;
    await holdingClock(clock, source.delete(done));
    count({ deleted: done.length });
  }

  /** Tries again while throttled, as long as the messages are hidden from others; undefined when that ended. */
  async #invoke(records: readonly QueueRecord[], receivedAtMs: number): Promise<BatchOutcome | undefined> {
    const { clock, source, invoke, count, report } = this.#options;
    let untilMs: number | undefined;
    for (let attempt = 1; ; attempt++) {
      const outcome = await holdingClock(clock, invoke(records));
      if (outcome.kind === 'succeeded' || outcome.kind === 'failed') {
        count({ invoked: records.length });
        return outcome;
      }
      report(outcome.kind === 'throttled' ? THROTTLED : outcome.problem);
      this.#ramp.failed();
      untilMs ??= receivedAtMs + (await source.visibilityTimeoutMs());
      const waitMs = backoffMs(attempt);
      if (clock.now() + waitMs >= untilMs) {
        // Who looks for messages again at once would find none that can be processed.
        await slept(clock, Math.max(0, untilMs - clock.now()), this.#stopping.signal);
        return undefined;
      }
      if (!(await slept(clock, waitMs, this.#stopping.signal))) return undefined;
    }
  }
}

function sumOfBytes(records: readonly QueueRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes, 0);
}
