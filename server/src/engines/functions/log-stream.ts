// The log of one environment: a log stream in the function's log group. Lines are gathered for a moment and written in
// batches beside the invocations, so that no invocation waits for its log; while one batch is being made durable, the
// next one grows.

import { SystemClock, type Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { LogEventInput, LogScope, LogStore } from '#engines/logs/log-store.ts';

/** How long a line may wait for others. */
const GATHER_MS = 10;
/** Above this the environment's output is not read on, so that the function waits and not Brume's memory. */
export const MOST_PENDING_BYTES = 4 * 1024 * 1024;
/** A batch as PutLogEvents takes it. */
const LARGEST_BATCH_EVENTS = 10_000;
const LARGEST_BATCH_BYTES = 1_000_000;
const EVENT_OVERHEAD_BYTES = 26;
const MOST_ATTEMPTS = 5;
const RETRY_MS = 200;

export interface LogStreamOptions {
  logs: LogStore;
  log: Logger;
  scope: LogScope;
  group: string;
  stream: string;
}

export class LogStream {
  readonly #options: LogStreamOptions;
  /** Gathering is a matter of milliseconds of this machine, whatever the clock of the service says. */
  readonly #realTime = new SystemClock();
  #pending: LogEventInput[] = [];
  #pendingBytes = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  constructor(options: LogStreamOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.stream;
  }

  append(timestamp: number, message: string): void {
    this.#pending.push({ timestamp, message });
    this.#pendingBytes += message.length + EVENT_OVERHEAD_BYTES;
    this.#writeSoon();
  }

  /** Whether more than enough waits to be written; `whenDrained` then tells once that it is over. */
  get congested(): boolean {
    return this.#pendingBytes > MOST_PENDING_BYTES;
  }

  whenDrained(listener: () => void): void {
    this.#onDrained = listener;
  }

  /** Resolves once all that was appended before is durable. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#writing) await this.#writing;
    if (this.#pending.length === 0) return;
    this.#writing = this.#writePending().finally(() => {
      this.#writing = undefined;
      if (this.#pending.length > 0) this.#writeSoon();
    });
    await this.#writing;
  }

  #writeSoon(): void {
    if (this.#writing) return;
    this.#timer ??= this.#realTime.at(this.#realTime.now() + GATHER_MS, () => this.flush());
  }

  /** What is there now; what comes meanwhile waits for others again. */
  async #writePending(): Promise<void> {
    for (let left = this.#pending.length; left > 0; ) {
      const batch = this.#takeBatch();
      left -= batch.length;
      await this.#write(batch);
      if (!this.congested) {
        this.#onDrained?.();
        this.#onDrained = undefined;
      }
    }
  }

  #takeBatch(): LogEventInput[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#pending.length && count < LARGEST_BATCH_EVENTS) {
      const size = this.#pending[count]!.message.length + EVENT_OVERHEAD_BYTES;
      if (count > 0 && bytes + size > LARGEST_BATCH_BYTES) break;
      bytes += size;
      count++;
    }
    this.#pendingBytes -= bytes;
    const batch = this.#pending;
    this.#pending = batch.splice(count);
    return batch;
  }

  async #write(batch: LogEventInput[]): Promise<void> {
    const { logs, log, scope, group, stream } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await logs.appendFromService(scope, group, stream, batch);
      } catch (error) {
        if (attempt === MOST_ATTEMPTS) {
          log.error('log events of a function were lost', { group, stream, events: batch.length, error });
          return;
        }
        await this.#realTime.sleep(RETRY_MS * attempt);
      }
    }
  }
}
