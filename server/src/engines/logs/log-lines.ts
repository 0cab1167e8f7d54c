// The events of one batch as matchers see them. All that looks at a batch (metric filters, subscriptions, live tails)
// shares them, so each message is parsed as JSON or split into fields at most once.

import { LogLine } from '#engines/filter-pattern/filter-pattern.ts';
import type { LogEventInput } from './log-store.ts';

export class LogLines {
  readonly events: readonly LogEventInput[];
  readonly #lines: LogLine[] = [];

  constructor(events: readonly LogEventInput[]) {
    this.events = events;
  }

  at(index: number): LogLine {
    this.#lines[index] ??= new LogLine(this.events[index]!.message);
    return this.#lines[index];
  }
}
