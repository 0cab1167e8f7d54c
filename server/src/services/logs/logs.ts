// What the operations of CloudWatch Logs work with.

import type { OperationCall } from '#core/caller.ts';
import type { Clock } from '#core/clock.ts';
import type { Delivery } from '#engines/delivery/delivery.ts';
import type { AnomalyDetectors } from '#engines/logs/anomalies/anomaly-detectors.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import type { LogStore } from '#engines/logs/log-store.ts';
import type { LookupTableDirectory } from '#engines/logs/queries/lookup-table.ts';
import type { QueryDefinitionDirectory } from '#engines/logs/queries/query-definition.ts';
import type { QueryLanguage } from '#engines/logs/queries/query-document.ts';
import type { QueryEngine } from '#engines/logs/queries/query-engine.ts';
import type { QueryScheduler } from '#engines/logs/queries/query-scheduler.ts';
import type { Subscriptions } from '#engines/logs/subscriptions/subscriptions.ts';
import type { StateStore } from '#storage/state/state.ts';
import type { ExportRunner } from './exports/export-runner.ts';

export interface Logs {
  store: LogStore;
  clock: Clock;
  sharing: Sharing;
  anomalies: AnomalyDetectors;
  insights: Insights;
}

/** What the operations of Logs Insights work with. */
export interface Insights {
  definitions: QueryDefinitionDirectory;
  lookupTables: LookupTableDirectory;
  queries: QueryEngine;
  scheduler: QueryScheduler;
  /** Throws QuerySyntaxError, or that a group is not there. */
  checkQuery(
    scope: LogScope,
    queryString: string,
    language: QueryLanguage,
    logGroupIdentifiers: readonly string[],
  ): Promise<void>;
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
