// What the operations of CloudWatch Logs work with.

import type { Clock } from '#core/clock.ts';
import type { LogStore } from '#engines/logs/log-store.ts';

export interface Logs {
  store: LogStore;
  clock: Clock;
}
