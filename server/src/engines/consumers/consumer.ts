// What the two kinds of consumer (queues and streams) share: what a batch came to, and what they tell of their work.

import { type Clock, SystemClock } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';

/** How the invocation with a batch ended. */
export type BatchOutcome =
  | { kind: 'succeeded'; requestId: string; response: Uint8Array }
  /** The function ran and failed. */
  | { kind: 'failed'; requestId: string; functionError: string; version: string }
  /** It did not run, and may later. */
  | { kind: 'throttled' }
  /** It cannot run as things are: the function, its role or its runtime is gone. */
  | { kind: 'refused'; problem: string };

/** Counts that a consumer reports as it works. */
export interface ConsumerCounts {
  polled?: number;
  filteredOut?: number;
  invoked?: number;
  failedInvoke?: number;
  deleted?: number;
  dropped?: number;
  delivered?: number;
}

export interface ConsumerOptions {
  clock: Clock;
  log: Logger;
  /** The most records that an invocation gets. */
  batchSize: number;
  /** How long to gather records for a batch after its first one. */
  windowMs: number;
  /** The function tells which records failed. */
  reportsItemFailures: boolean;
  count(counts: ConsumerCounts): void;
  /** `OK`, or what stands in the way. */
  report(result: string): void;
}

/** An invocation takes at most 6 MB; some of it goes to what is around the records. */
export const LARGEST_BATCH_BYTES = 6 * 1024 * 1024 - 2_048;

export const PROCESSED = 'OK';
export const FUNCTION_FAILED = 'PROBLEM: Function call failed';
export const THROTTLED = 'PROBLEM: Function invocations are throttled';

/** Keeps a virtual clock where it is until `work`, which began just now, has ended. Gives what `work` gives. */
export async function holdingClock<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const timer = clock.at(clock.now(), () =>
    work.then(
      () => {},
      () => {},
    ),
  );
  try {
    return await work;
  } finally {
    timer.cancel();
  }
}

/** Waits for `work`, but in real time no longer than this. */
export async function settledWithin(work: Promise<unknown>, graceMs: number): Promise<void> {
  const realTime = new SystemClock();
  await new Promise<void>((resolve) => {
    const timer = realTime.at(realTime.now() + graceMs, () => resolve());
    void work
      .catch(() => {})
      .then(() => {
        timer.cancel();
        resolve();
      });
  });
}

/** Sleeps on the clock; false when aborted meanwhile. */
export async function slept(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
    return true;
  } catch {
    return false;
  }
}

/** The wait after attempt n: twice as long each time. */
export function doublingBackoff(firstMs: number, longestMs: number): (attempt: number) => number {
  // 2^40 is beyond any limit; the bound keeps the power finite.
  return (attempt) => Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(0, attempt - 1), 40));
}

/** Splits records so that no part is larger than an invocation takes. */
export function splitBySize<T extends { bytes: number }>(records: readonly T[], most = LARGEST_BATCH_BYTES): T[][] {
  const parts: T[][] = [];
  let bytes = 0;
  for (const record of records) {
    if (parts.length === 0 || bytes + record.bytes > most) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(record);
    bytes += record.bytes;
  }
  return parts;
}
