// The events of one batch as matchers see them: all, or those rows that any matcher may match. All that looks at a batch (metric
// filters, subscriptions, live tails) shares them, so each message is parsed as JSON or split into fields at most once.

import { LogLine } from '#engines/filter-pattern/filter-pattern.ts';
import type { LogEventInput } from './log-store.ts';

/** The events of a batch that are left when those are taken out that nothing can match. */
export interface SievedEvents {
  events: readonly LogEventInput[];
  /** Their places in the batch. */
  rows: readonly number[];
  /** How many the batch has. */
  total: number;
  /** Those that were taken out: start of their minute -> how many. */
  others: ReadonlyMap<number, number>;
}

export class LogLines {
  readonly events: readonly LogEventInput[];
  readonly sieved: SievedEvents | undefined;
  readonly #lines: LogLine[] = [];

  constructor(events: readonly LogEventInput[], sieved?: SievedEvents) {
    this.events = events;
    this.sieved = sieved;
  }

  /** Events of the batch, whether they are looked at or not. */
  get total(): number {
    return this.sieved ? this.sieved.total : this.events.length;
  }

  at(index: number): LogLine {
    this.#lines[index] ??= new LogLine(this.events[index]!.message);
    return this.#lines[index];
  }

  /** Where in the batch `events[index]` stands. */
  rowOf(index: number): number {
    return this.sieved ? this.sieved.rows[index]! : index;
  }
}
