// A query's tree as ONE ClickHouse statement over log_events (where log patterns are asked for, another over what is made of its
// rows). commands -> pipeline (what rows come from, which of them, and
// what each name in scope means) -> SELECT. Nothing is computed that is not asked for: a name is an expression
// until a command needs its rows settled (settle() in pipeline.ts), and a field of JSON is read out of the message where it is used.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html

import type { PatternQuestion } from '#engines/log-patterns/pattern-question.ts';
import type { Sql } from '#storage/telemetry/sql.ts';
import type { Query } from '../syntax/tree.ts';
import { compileCommands } from './commands.ts';

/** A log group that the query reads. */
export interface QueriedGroup {
  /** `group_id` of its rows. */
  id: number;
  name: string;
  /** 12 digits; `@log` is `account:name`. */
  account: string;
  /** Older events are no longer there for the reader (retention). */
  oldestKeptMs?: number;
  /** Streams whose rows are being erased and are not to be seen. */
  hiddenStreams?: readonly string[];
  /** Only events ingested from then on are read (filterIndex). */
  ingestedSinceMs?: number;
  /** Events of it may have a transformed version, in which their fields are found. */
  hasTransformed?: boolean;
}

export interface QueryScope {
  groups: readonly QueriedGroup[];
  /** Both inclusive, milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  /** Where queries inside of the query begin, when it reads a part of its time only. */
  innerStartMs?: number;
  /** StartQuery's limit; the query's own `limit` command goes before it. */
  limit?: number;
  /** What now() gives. */
  nowMs: number;
  /** `@ptr` of an event. */
  pointer(event: EventKey): string;
  /** The rows of a lookup table: its header and its rows; undefined when there is none of this name. */
  lookupTable?(name: string): LookupRows | undefined;
  /** Groups that a `SOURCE` inside of the query (of a join or a subquery) selects; the query's own SOURCE is the caller's. */
  groupsOf?(source: NonNullable<Query['source']>): readonly QueriedGroup[];
  /** The message with its protected data masked, as SQL; absent when nothing is protected. unmask() looks beneath it. */
  maskMessage?(message: Sql, event: { groupId: Sql; ingestionTime: Sql }): Sql;
}

export interface EventKey {
  groupId: number;
  timestamp: number;
  segment: number;
  row: number;
  /** streamHash() of its stream. */
  streamHash: number;
}

export interface LookupRows {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** What a row of the statement is made of; opaque to the caller. */
export type StatementRow = Record<string, unknown>;

export interface CompiledQuery {
  /** One SELECT; give it to Telemetry.query. */
  sql: Sql;
  /** The fields of the result in AWS's order, `@ptr` last where rows are events. */
  columns: readonly string[];
  /** Values in the order of `columns`; null where the event has no such field (AWS leaves it out). */
  rows(rows: readonly StatementRow[]): (string | null)[][];
  /**
   * recordsMatched: of a query with stats the events that went into the rows found, otherwise those rows. When `atLeast` there
   * may be more beyond the limit. `countSql` counts them all where rows are events (column `matched`), by another scan.
   * recordsScanned and bytesScanned are rowsRead and bytesRead of the statement.
   */
  matched(rows: readonly StatementRow[]): { count: number; atLeast: boolean };
  countSql?: Sql;
}

/** A query whose statement is not all of it: a table is made of its rows, and the commands that follow run over that. */
export interface QueryOfTable {
  /** One SELECT; its rows may have `all_events`, how many events they stand for. */
  sql: Sql;
  table(rows: readonly StatementRow[]): TableRow[];
  /** `table` is answerPatterns() of this question, takes long, and may be had in another thread. */
  patterns?: PatternQuestion;
  over(table: readonly TableRow[]): CompiledQuery;
}

/** By the names of its columns; times in milliseconds. */
export type TableRow = Record<string, string | number | null>;

/** AWS's limit where a query has none. */
export const DEFAULT_LIMIT = 10_000;

/** Throws QuerySyntaxError (with the place in the text) for what cannot be run. */
export function compileQuery(query: Query, scope: QueryScope): CompiledQuery | QueryOfTable {
  return compileCommands(query, scope);
}
