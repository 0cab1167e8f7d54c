// What the operations of CloudWatch Logs work with.

import type { OperationCall } from '#core/caller.ts';
import type { Clock } from '#core/clock.ts';
import type { Delivery } from '#engines/delivery/delivery.ts';
import type { LogStore } from '#engines/logs/log-store.ts';
import type { Subscriptions } from '#engines/logs/subscriptions/subscriptions.ts';
import type { StateStore } from '#storage/state/state.ts';

export interface Logs {
  store: LogStore;
  clock: Clock;
  sharing: Sharing;
}

/** What the operations that share logs with others work with. */
export interface Sharing {
  state: StateStore;
  clock: Clock;
  call: OperationCall;
  delivery: Delivery;
  subscriptions: Subscriptions;
}
