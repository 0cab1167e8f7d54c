// Brings the rows of one table from its write-ahead log into ClickHouse: closes segments in time or by size,
// inserts each exactly once, deletes its file. Everyone who waits for visibility shares one flush.

import { truncate, unlink } from 'node:fs/promises';
import type { Logger } from '#core/log.ts';
import type { EngineClient } from './engine-client.ts';
import { parseResult } from './query-result.ts';
import { type ClosedSegment, type SegmentLog, syncDirectory } from './segment-log.ts';
import { identifier, type Sql, sql } from './sql.ts';
import { type AppendedRows, TelemetryQueryError } from './telemetry.ts';

export interface TableFlusherOptions {
  dir: string;
  durable: boolean;
  log: Logger;
}

/** Rows wait at most about this long for their insert (in real time, under a virtual clock too: it paces a disk). */
const FLUSH_INTERVAL_MS = 1_000;
const SEGMENT_BYTES = 32 * 1024 * 1024;
/** With more than this in the log and not in the table, appends wait for the engine to catch up. */
const MAX_BACKLOG_BYTES = 512 * 1024 * 1024;
/** A few rows do not wait for it behind those who send many, up to so much more. */
const FEW_ROWS = 16;
const FEW_ROWS_BACKLOG_BYTES = MAX_BACKLOG_BYTES + 128 * 1024 * 1024;
const INSERT_TIMEOUT_MS = 300_000;
/** Inserts tried within one flush while the engine dies under them. */
const ATTEMPTS = 3;
const FIRST_RETRY_DELAY_MS = 1_000;
const LAST_RETRY_DELAY_MS = 30_000;

export class TableFlusher<Batch> {
  readonly #log: SegmentLog<Batch>;
  readonly #engine: EngineClient;
  readonly #options: TableFlusherOptions;
  /** Closed, or closing, oldest first. */
  readonly #backlog: Promise<Backlogged | undefined>[] = [];
  #backlogBytes = 0;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryDelayMs = FIRST_RETRY_DELAY_MS;
  #deletions: Promise<void> = Promise.resolve();
  /** Resolves when the next segment is inserted. */
  #inserted = Promise.withResolvers<void>();
  #stopped = false;

  constructor(log: SegmentLog<Batch>, engine: EngineClient, options: TableFlusherOptions) {
    this.#log = log;
    this.#engine = engine;
    this.#options = options;
  }

  /** Takes over what an earlier process left; it is inserted in the background. */
  adopt(segments: readonly ClosedSegment[]): void {
    for (const segment of segments) {
      this.#backlog.push(Promise.resolve({ segment, inDoubt: true }));
      this.#backlogBytes += segment.bytes;
    }
    if (segments.length > 0) this.#schedule(0);
  }

  async append(batch: Batch): Promise<AppendedRows> {
    if (this.#stopped) throw new Error('The telemetry store is closed.');
    if (this.#isFullFor(batch)) return this.#appendLater(batch);
    if (this.#log.mustRotate(SEGMENT_BYTES)) {
      this.#closeSegment();
      this.#schedule(0);
    }
    const appended = this.#log.append(batch);
    this.#schedule(FLUSH_INTERVAL_MS);
    return appended;
  }

  /** Resolves when all that was acknowledged before the call is in the table. */
  flush(): Promise<void> {
    if (this.#next) return this.#next;
    const waiting = this.#log.openBytes > 0 || this.#backlog.length > 0;
    if (!this.#running) return waiting ? this.#begin() : Promise.resolve();
    if (!waiting) return this.#running;
    const begin = () => {
      this.#next = undefined;
      return this.#begin();
    };
    this.#next = this.#running.then(begin, begin);
    return this.#next;
  }

  /** Resolves when no inserted segment's file can come back after a power cut. */
  filesDeleted(): Promise<void> {
    return this.#deletions;
  }

  /** Rows on disk, but no insert of them is begun: the next process does it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#closeSegment();
    await Promise.all(this.#backlog);
    await this.#running?.catch(() => {});
    await this.#deletions;
  }

  /** Forgets every row that is not in the table yet. */
  async discard(): Promise<void> {
    while (this.#running || this.#next) await (this.#next ?? this.#running)?.catch(() => {});
    this.#closeSegment();
    for (const closing of this.#backlog.splice(0)) {
      const backlogged = await closing;
      if (backlogged) this.#finished(backlogged.segment);
    }
    await this.#deletions;
  }

  async #appendLater(given: Batch): Promise<AppendedRows> {
    const batch = this.#log.table.keep(given);
    while (this.#isFullFor(batch)) {
      // Until there is room for it; until all is inserted would be seconds.
      await Promise.race([this.flush(), this.#inserted.promise]);
    }
    return this.append(batch);
  }

  #isFullFor(batch: Batch): boolean {
    const few = this.#log.table.rowCount(batch) <= FEW_ROWS;
    return this.#backlogBytes + this.#log.openBytes > (few ? FEW_ROWS_BACKLOG_BYTES : MAX_BACKLOG_BYTES);
  }

  #closeSegment(): void {
    const bytes = this.#log.openBytes;
    if (bytes === 0) return;
    this.#backlogBytes += bytes;
    const closing = this.#log.rotate().then((segment) => {
      this.#backlogBytes += (segment?.bytes ?? 0) - bytes;
      return segment && { segment, inDoubt: false };
    });
    this.#backlog.push(closing);
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || (this.#timer && delayMs > 0)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush().catch(() => {}); // told and scheduled again by #begin
    }, delayMs);
    this.#timer.unref();
  }

  #begin(): Promise<void> {
    this.#closeSegment();
    if (this.#backlog.length === 0) return Promise.resolve();
    this.#running = this.#insertAll(this.#backlog.length);
    return this.#running;
  }

  async #insertAll(count: number): Promise<void> {
    try {
      for (let i = 0; i < count; i++) {
        const backlogged = await this.#backlog[0];
        if (backlogged) await this.#insertPatiently(backlogged);
        this.#backlog.shift();
        if (backlogged) this.#finished(backlogged.segment);
      }
      this.#retryDelayMs = FIRST_RETRY_DELAY_MS;
      if (this.#backlog.length > 0) this.#schedule(0);
    } catch (error) {
      // When a retry is set already this is not its failure but that of someone who could not wait: told before.
      if (!this.#stopped && !this.#timer) {
        this.#options.log.error('telemetry rows could not be inserted; they stay in the log and are tried again', {
          table: this.#log.table.name,
          error,
        });
        this.#schedule(this.#retryDelayMs);
        this.#retryDelayMs = Math.min(LAST_RETRY_DELAY_MS, this.#retryDelayMs * 2);
      }
      throw error;
    } finally {
      this.#running = undefined;
    }
  }

  async #insertPatiently(backlogged: Backlogged): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#insertOnce(backlogged);
        return;
      } catch (error) {
        const died = error instanceof TelemetryQueryError && error.clickhouseCode === 0;
        if (!died || attempt >= ATTEMPTS || this.#stopped) throw error;
      }
    }
  }

  async #insertOnce(backlogged: Backlogged): Promise<void> {
    const { segment } = backlogged;
    if (segment.tornEnd) {
      await truncate(segment.path, segment.bytes);
      segment.tornEnd = false;
    }
    if (backlogged.inDoubt && (await this.#settleDoubt(segment))) return;
    backlogged.inDoubt = true;
    await this.#run(this.#log.table.insertFrom(segment.path));
  }

  /**
   * An insert of this segment was begun and its end is unknown. Whether its rows are in the table, all of them;
   * a part of them is removed.
   */
  async #settleDoubt(segment: ClosedSegment): Promise<boolean> {
    const table = identifier(this.#log.table.name);
    const result = await this.#run(sql`SELECT count() AS rows FROM ${table} WHERE segment = ${segment.number}`);
    const { rows } = parseResult<{ rows: number }>(result).rows[0]!;
    if (rows > 0 && rows < segment.rows) {
      await this.#run(sql`ALTER TABLE ${table} DELETE WHERE segment = ${segment.number}`);
    }
    this.#options.log.info('a telemetry segment was in doubt', {
      segment: segment.path,
      rows: segment.rows,
      rowsFound: rows,
    });
    return rows === segment.rows;
  }

  #run(statement: Sql) {
    return this.#engine.run(statement, { lane: `insert ${this.#log.table.name}`, timeoutMs: INSERT_TIMEOUT_MS });
  }

  #finished(segment: ClosedSegment): void {
    this.#backlogBytes -= segment.bytes;
    this.#inserted.resolve();
    this.#inserted = Promise.withResolvers();
    this.#deletions = this.#deletions.then(async () => {
      try {
        await unlink(segment.path);
        if (this.#options.durable) await syncDirectory(this.#options.dir);
      } catch (error) {
        this.#options.log.error('an inserted telemetry segment could not be deleted', { segment: segment.path, error });
      }
    });
  }
}

interface Backlogged {
  segment: ClosedSegment;
  /** An insert of it may have been begun. */
  inDoubt: boolean;
}
