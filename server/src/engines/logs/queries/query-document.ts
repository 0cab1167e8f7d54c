// A query as it is kept: what was asked and how it went. Its results are kept apart, or computed again.

import { defineCollection } from '#storage/state/state.ts';

export type QueryLanguage = 'CWLI' | 'SQL' | 'PPL';
export type QueryStatus = 'Scheduled' | 'Running' | 'Complete' | 'Failed' | 'Cancelled' | 'Timeout';

export interface QueryDocument {
  id: string;
  queryString: string;
  queryLanguage: QueryLanguage;
  /** Searched events, both inclusive. */
  fromMs: number;
  toMs: number;
  limit?: number;
  /** Names of the groups that were found for it. */
  logGroupNames: string[];
  status: QueryStatus;
  createdAtMs: number;
  endedAtMs?: number;
  /** Why it failed. */
  error?: string;
  userIdentity: string;
  statistics: QueryStatistics;
}

export interface QueryStatistics {
  recordsMatched: number;
  recordsScanned: number;
  bytesScanned: number;
  logGroupsScanned: number;
  /** Rows of the result. */
  resultCount: number;
}

/** Keyed by their ids. */
export const QUERIES = defineCollection<QueryDocument>('logs.queries');

export const NOTHING_SCANNED: QueryStatistics = {
  recordsMatched: 0,
  recordsScanned: 0,
  bytesScanned: 0,
  logGroupsScanned: 0,
  resultCount: 0,
};
