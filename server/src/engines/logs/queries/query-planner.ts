// Between a query's text and the statement that answers it: which groups it reads, what it looks up, and what its
// rows come back as.

import type { LogGroup, LogScope } from '../log-group.ts';
import type { QueryLanguage, QueryStatistics } from './query-document.ts';
import type { QueryRows } from './query-results.ts';

export interface QueryText {
  queryString: string;
  queryLanguage: QueryLanguage;
  /** Both inclusive. */
  fromMs: number;
  toMs: number;
  /** Most rows of the result. */
  limit?: number;
}

export interface PreparedQuery {
  /** What it reads. */
  groups: readonly LogGroup[];
  run(options: RunOptions): Promise<{ rows: QueryRows; statistics: QueryStatistics }>;
}

export interface RunOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** Stands in the statement, so that its progress can be found. */
  token?: string;
  /** The share of the time range to search, its newest part; all of it when absent. */
  newest?: number;
}

export interface QueryPlanner {
  /** `groups` are those that the request names. Throws QuerySyntaxError. */
  prepare(scope: LogScope, text: QueryText, groups: readonly LogGroup[], nowMs: number): Promise<PreparedQuery>;
  /** Those of the names that are still there. */
  groupsNamed(scope: LogScope, names: readonly string[]): Promise<LogGroup[]>;
  /** What a statement that runs has read so far. */
  progress(token: string): Promise<Pick<QueryStatistics, 'recordsScanned' | 'bytesScanned'> | undefined>;
}
