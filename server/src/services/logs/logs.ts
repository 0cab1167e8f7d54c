// What the operations of CloudWatch Logs work with.

import type { OperationCall } from '#core/caller.ts';
import type { Clock } from '#core/clock.ts';
import type { Delivery } from '#engines/delivery/delivery.ts';
import type { LogStore } from '#engines/logs/log-store.ts';
import type { QueryDefinitionDirectory } from '#engines/logs/queries/query-definition.ts';
import type { Subscriptions } from '#engines/logs/subscriptions/subscriptions.ts';
import type { StateStore } from '#storage/state/state.ts';
import type { ExportRunner } from './exports/export-runner.ts';

export interface Logs {
  store: LogStore;
  clock: Clock;
  sharing: Sharing;
  insights: Insights;
}

/** What the operations of Logs Insights work with. */
export interface Insights {
  definitions: QueryDefinitionDirectory;
}

/** What the operations that share logs with others work with. */
export interface Sharing {
  state: StateStore;
  clock: Clock;
  call: OperationCall;
  delivery: Delivery;
  subscriptions: Subscriptions;
  exports: ExportRunner;
}
