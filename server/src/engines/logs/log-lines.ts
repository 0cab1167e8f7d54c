// The events of one batch as matchers see them: all, or those rows that any matcher may match. All that looks at a batch (metric
// filters, subscriptions, live tails) shares them, so each message is parsed as JSON or split into fields at most once.

import { LogLine } from '#engines/filter-pattern/filter-pattern.ts';
import type { LogEventInput } from './log-store.ts';

/** The events of a batch that are left when those are taken out that nothing can match. */
export interface SievedEvents {
  events: readonly LogEventInput[];
  /** What `numbersOf` all events of the batch has for them. */
  numbers: readonly number[];
  /** How many the batch has. */
  total: number;
  /** Those that were taken out: start of their minute -> how many. */
  others: ReadonlyMap<number, number>;
}

export class LogLines {
  readonly events: readonly LogEventInput[];
  readonly sieved: SievedEvents | undefined;
  readonly #lines: LogLine[] = [];
  #numbers: readonly number[] | undefined;

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

  /** How many events of the batch with the timestamp of `events[index]` stand before it. */
  numberOf(index: number): number {
    this.#numbers ??= this.sieved?.numbers ?? numbersOf(this.events);
    return this.#numbers[index]!;
  }
}

/** For each event, how many before it have its timestamp; they are in the order of their timestamps. */
export function numbersOf(events: readonly LogEventInput[]): number[] {
  let number = 0;
  return events.map(({ timestamp }, i) => {
    number = timestamp === events[i - 1]?.timestamp ? number + 1 : 0;
    return number;
  });
}
