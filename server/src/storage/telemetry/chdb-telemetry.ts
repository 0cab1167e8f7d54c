// Telemetry on embedded ClickHouse. append -> segment log (durable, acknowledged) -> closed segment -> INSERT in
// the engine process -> segment deleted. Every row carries its segment's number, so a segment whose insert was
// cut short by a crash is recognised, removed from the table and inserted again: each row is there exactly once.

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from '#core/log.ts';
import { EngineClient } from './engine-client.ts';
import { engineSettings } from './engine-settings.ts';
import { parseResult } from './query-result.ts';
import { SegmentLog } from './segment-log.ts';
import { SegmentNumbers } from './segment-numbers.ts';
import { identifier, type Sql, sql } from './sql.ts';
import { TableFlusher } from './table-flusher.ts';
import { LOG_EVENTS, METRIC_POINTS, type TelemetryTable } from './tables.ts';
import type { LogEventBatch, MetricPoint, QueryOptions, QueryResult, Telemetry } from './telemetry.ts';

export interface ChdbTelemetryOptions {
  /** Holds `log/` (segments) and `clickhouse/`. */
  dir: string;
  /** Without it nothing is fsynced: for data that need not outlive the machine. */
  durable: boolean;
  log: Logger;
}

const DEFAULT_QUERY_TIMEOUT_MS = 60_000;
const STATEMENT_TIMEOUT_MS = 600_000;
const CLOSE_FLUSH_PATIENCE_MS = 10_000;

/**
 * Opens the store; the engine loads on first use. Query results are row objects; 64-bit integers come as plain
 * numbers (the tables' own are all safe; for greater ones select toString(x)), NaN and infinities as null.
 */
export async function openTelemetry(options: ChdbTelemetryOptions): Promise<ChdbTelemetry> {
  const dir = resolve(options.dir);
  // ClickHouse would take a segment's path for a pattern, find other files or none, and say nothing.
  const wildcard = /[*?{}]/.exec(dir);
  if (wildcard) throw new Error(`The data directory's path must not have a "${wildcard[0]}" in it: ${dir}`);
  const logDir = join(dir, 'log');
  await mkdir(logDir, { recursive: true });
  await mkdir(join(dir, 'clickhouse'), { recursive: true });
  const telemetry = new ChdbTelemetry(dir, logDir, options);
  await telemetry.recover();
  return telemetry;
}

export class ChdbTelemetry implements Telemetry {
  readonly #engine: EngineClient;
  readonly #logEvents: Table<LogEventBatch>;
  readonly #metricPoints: Table<readonly MetricPoint[]>;
  readonly #tables: readonly Table<any>[];
  #resetting: Promise<void> | undefined;

  constructor(dir: string, logDir: string, { durable, log }: ChdbTelemetryOptions) {
    const tables = [LOG_EVENTS, METRIC_POINTS];
    const schema = tables.flatMap((table) => [table.ddl(durable), ...table.changes]).map(({ text }) => text);
    const settings = engineSettings({
      path: join(dir, 'clickhouse'),
      lockPath: join(dir, 'engine.lock'),
      configurationPath: join(dir, 'clickhouse.xml'),
      schema,
    });
    this.#engine = new EngineClient(settings, log);
    const numbers = new SegmentNumbers(logDir, durable);
    const open = <Batch>(table: TelemetryTable<Batch>): Table<Batch> => {
      const segments = new SegmentLog(table, { dir: logDir, durable, numbers, log });
      const flusher = new TableFlusher(segments, this.#engine, { dir: logDir, durable, log });
      return { name: table.name, segments, flusher };
    };
    this.#logEvents = open(LOG_EVENTS);
    this.#metricPoints = open(METRIC_POINTS);
    this.#tables = [this.#logEvents, this.#metricPoints];
  }

  async recover(): Promise<void> {
    for (const { segments, flusher } of this.#tables) flusher.adopt(await segments.recover());
  }

  async appendLogEvents(given: LogEventBatch) {
    let batch = given;
    if (this.#resetting) {
      batch = this.#logEvents.segments.table.keep(given);
      await this.#resetting;
    }
    return this.#logEvents.flusher.append(batch);
  }

  async appendMetricPoints(points: readonly MetricPoint[]) {
    if (this.#resetting) await this.#resetting;
    return this.#metricPoints.flusher.append(points);
  }

  async query<Row>(query: Sql, options?: QueryOptions): Promise<QueryResult<Row>> {
    return parseResult<Row>(await this.queryBytes(query, options));
  }

  async queryBytes(query: Sql, options: QueryOptions = {}): Promise<Buffer> {
    const { timeoutMs = DEFAULT_QUERY_TIMEOUT_MS, signal } = options;
    await abortable(this.#flushTablesOf(query), signal);
    return this.#engine.run(query, { lane: 'read', timeoutMs, signal });
  }

  async statement(statement: Sql): Promise<void> {
    await this.#flushTablesOf(statement);
    // Else a segment file that a power cut brings back would bring back the rows that this statement deletes.
    await Promise.all(this.#tables.map(({ flusher }) => flusher.filesDeleted()));
    await this.#engine.run(statement, { lane: 'statement', timeoutMs: STATEMENT_TIMEOUT_MS });
  }

  warmUp(): Promise<void> {
    return this.#engine.start();
  }

  async flush(): Promise<void> {
    await Promise.all(this.#tables.map(({ flusher }) => flusher.flush()));
  }

  status() {
    const { state, version, restarts } = this.#engine;
    return { engine: state, version, restarts };
  }

  /** The process id of a running engine. */
  get enginePid(): number | undefined {
    return this.#engine.pid;
  }

  async reset(): Promise<void> {
    this.#resetting ??= this.#empty().finally(() => {
      this.#resetting = undefined;
    });
    await this.#resetting;
  }

  /** Rows that a bounded flush does not bring into the table wait on disk for the next start. */
  async close(): Promise<void> {
    if (this.#engine.state === 'ready') {
      const patience = AbortSignal.timeout(CLOSE_FLUSH_PATIENCE_MS);
      await abortable(this.flush(), patience).catch(() => {});
    }
    const stopped = Promise.all(this.#tables.map(({ flusher }) => flusher.stop()));
    await this.#engine.close();
    await stopped;
  }

  async #empty(): Promise<void> {
    await Promise.all(this.#tables.map(({ flusher }) => flusher.discard()));
    for (const { name } of this.#tables) {
      await this.#engine.run(sql`TRUNCATE TABLE ${identifier(name)}`, {
        lane: 'statement',
        timeoutMs: STATEMENT_TIMEOUT_MS,
      });
    }
  }

  /** A query sees rows only of tables that its text names; a name inside a literal costs a flush, no more. */
  async #flushTablesOf(query: Sql): Promise<void> {
    await Promise.all(
      this.#tables.filter(({ name }) => query.text.includes(name)).map(({ flusher }) => flusher.flush()),
    );
  }
}

interface Table<Batch> {
  name: string;
  segments: SegmentLog<Batch>;
  flusher: TableFlusher<Batch>;
}

/** Stops waiting, not the work, when the signal aborts. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
