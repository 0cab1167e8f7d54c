// What the formats of the HTTP endpoints are read into.

import type { LogEventInput } from '#engines/logs/log-store.ts';

export interface ReceivedEvents {
  /** In the order in which they were sent. */
  events: LogEventInput[];
  /** What was sent and is no event. */
  skipped: number;
}
