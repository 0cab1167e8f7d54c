// Telemetry: log events and metric points, in ClickHouse behind a write-ahead log whose segments ClickHouse
// reads as they are (RowBinary). What an append resolved is on disk; a query sees all that was
// acknowledged before it began.

import type { Sql } from './sql.ts';

export interface Telemetry {
  /** Resolves once durable. */
  appendLogEvents(batch: LogEventBatch): Promise<AppendedRows>;
  appendMetricPoints(points: readonly MetricPoint[]): Promise<AppendedRows>;
  /** Runs one SELECT. Rejects with TelemetryQueryError (time, memory, syntax) and leaves the store usable. */
  query<Row>(query: Sql, options?: QueryOptions): Promise<QueryResult<Row>>;
  /** As `query`, with the result as the engine wrote it: for parseResult() (query-result.ts) in another thread. */
  queryBytes(query: Sql, options?: QueryOptions): Promise<Buffer>;
  /** Runs one statement that returns nothing (ALTER, DELETE). */
  statement(statement: Sql): Promise<void>;
  /** Starts the engine if it has not been used yet (it loads on first use otherwise). */
  warmUp(): Promise<void>;
  /** Makes everything acknowledged visible to queries; `query` does this by itself. */
  flush(): Promise<void>;
  status(): { engine: 'idle' | 'starting' | 'ready' | 'restarting'; version: string | undefined; restarts: number };
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface LogEventBatch {
  /** The group's number (unique over accounts and regions, never reused). */
  groupId: number;
  stream: string;
  ingestionTimeMs: number;
  /** In the order of their timestamps. `transformed`: the version that a transformer made of it, kept beside the message. */
  events: readonly LogEvent[] | EncodedLogEvents;
  /** What the events are of, as JSON; absent for most. */
  entity?: string;
}

export interface LogEvent {
  timestamp: number;
  message: string;
  transformed?: string;
}

/** Timestamps of the first and the last event. */
export function timesOf(events: LogEventBatch['events']): { firstMs: number; lastMs: number } {
  return 'rows' in events ? events : { firstMs: events[0]!.timestamp, lastMs: events.at(-1)!.timestamp };
}

/** Events that are rows already: RowBinary of (Int64 milliseconds, String message) each. */
export interface EncodedLogEvents {
  /** How many. */
  length: number;
  /** Timestamps of the first and the last. */
  firstMs: number;
  lastMs: number;
  /** Copied before `appendLogEvents` returns. */
  rows: Buffer;
}

export interface MetricPoint {
  /** The metric's number: one for each (account, region, namespace, name, dimensions). */
  metricId: number;
  /** Whole seconds since the epoch. */
  timestampS: number;
  /** CloudWatch unit name, `None` when absent. */
  unit: string;
  /** 1 or 60. */
  storageResolution: number;
  /** A value that occurred `count` times, a statistic set, or several values with what they make together. */
  data:
    | { kind: 'value'; value: number; count: number }
    | ({ kind: 'statistics' } & StatisticSet)
    | ({ kind: 'values'; values: readonly number[]; counts?: readonly number[] } & StatisticSet);
}

export interface StatisticSet {
  sampleCount: number;
  sum: number;
  minimum: number;
  maximum: number;
}

export interface AppendedRows {
  /** Segment number, rising over the life of the data directory. */
  segment: number;
  /**
   * The row number of an event is this, and how many events with the same timestamp stand before it in its batch: nearly always
   * 0, so that the column takes no room. With group, stream, timestamp and segment it tells events apart.
   */
  firstRow: number;
}

export interface QueryOptions {
  /** Wall-clock limit; ClickHouse's max_execution_time. Default 60 s. */
  timeoutMs?: number;
  /** Kills the query in the engine. */
  signal?: AbortSignal;
}

export interface QueryResult<Row> {
  rows: Row[];
  rowsRead: number;
  bytesRead: number;
}

/** The tables, as queries name them. Columns stand in tables.ts beside their DDL. */
export const LOG_EVENTS_TABLE = 'log_events';
export const METRIC_POINTS_TABLE = 'metric_points';

export class TelemetryQueryError extends Error {
  /** ClickHouse's error code, 0 when the engine went away under the query. */
  readonly clickhouseCode: number;

  constructor(message: string, clickhouseCode: number) {
    super(message);
    this.name = 'TelemetryQueryError';
    this.clickhouseCode = clickhouseCode;
  }
}
