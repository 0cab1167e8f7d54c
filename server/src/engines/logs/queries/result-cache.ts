// Results of the last queries, as many as fit; what fell out is computed again when it is asked for.

import type { Clock } from '#core/clock.ts';
import { type QueryRows, sizeOf } from './query-results.ts';

/** Of all results together. */
const LARGEST_CACHE_BYTES = 96 * 1_048_576;
const KEPT_MS = 60 * 60_000;

interface Kept {
  rows: QueryRows;
  bytes: number;
  keptAtMs: number;
}

export class ResultCache {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(id: string): QueryRows | undefined {
    this.#expire();
    return this.#kept.get(id)?.rows;
  }

  put(id: string, rows: QueryRows): void {
    this.delete(id);
    const bytes = sizeOf(rows);
    this.#kept.set(id, { rows, bytes, keptAtMs: this.#clock.now() });
    this.#bytes += bytes;
    this.#expire();
    for (const oldest of this.#kept.keys()) {
      // The newest stays however large it is: somebody is about to ask for it.
      if (this.#bytes <= LARGEST_CACHE_BYTES || oldest === id) break;
      this.delete(oldest);
    }
  }

  delete(id: string): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    this.#bytes -= kept.bytes;
    this.#kept.delete(id);
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #expire(): void {
    const oldestMs = this.#clock.now() - KEPT_MS;
    for (const [id, { keptAtMs }] of this.#kept) {
      if (keptAtMs >= oldestMs) break;
      this.delete(id);
    }
  }
}
