// Reads events back, a page at a time in the order (timestamp, segment, row, stream). Bounds on time and position become
// conditions on the table's primary key, so a page costs what it holds and not what lies around it.

import type { Clock } from '#core/clock.ts';
import { compileMatcher, type FilterPattern, LogLine, sqlCondition } from '#engines/filter-pattern/filter-pattern.ts';
import { join, list, type Sql, sql } from '#storage/telemetry/sql.ts';
import { streamHashOf } from '#storage/telemetry/stream-hash.ts';
import { type Telemetry, TelemetryQueryError } from '#storage/telemetry/telemetry.ts';
import type { EventPosition } from './event-position.ts';
import { type FieldTimes, fieldTimes } from './field-times.ts';
import type { LogGroup } from './log-group.ts';

export interface StoredEvent extends EventPosition {
  stream: string;
  message: string;
  /** As it is stored; empty unless the range asks for it, and in groups without a transformer. */
  transformed: string;
  ingestion_time: number;
}

export interface EventRange {
  group: LogGroup;
  streams?: readonly string[];
  streamPrefix?: string;
  /** Inclusive. */
  fromMs?: number;
  /** Exclusive. */
  toMs?: number;
  withTransformed?: boolean;
}

export interface EventPage {
  /** Oldest first. */
  events: StoredEvent[];
  /** More may stand beyond this page: after its last event, or before its first when read backwards. */
  more: boolean;
}

export interface FilteredPage {
  events: StoredEvent[];
  /** Where the search ended; undefined when it came to the end. */
  next: EventPosition | undefined;
}

interface ReadEvent extends StoredEvent {
  /** Bytes of the messages up to this one. */
  size: number;
  /** Whether another of those read has its timestamp, segment and row: ClickHouse's boolean. */
  tied: boolean;
}

interface PageOptions {
  order: 'ASC' | 'DESC';
  limit: number;
  /** Message bytes; those of a page when absent. */
  bytes?: number;
  signal: AbortSignal | undefined;
}

/** Message bytes in a page (AWS: 1 MB). */
const LARGEST_PAGE_BYTES = 1_048_576;
/** Events that a pattern which SQL cannot decide alone is tried on after one query: at first, at most, and in bytes. */
const FIRST_CHUNK = 5_000;
const LARGEST_CHUNK = 80_000;
const LARGEST_CHUNK_BYTES = 16 * 1_048_576;
/** After so many events without filling a page, the search goes on with the next call. */
const MOST_SEARCHED = 400_000;
/** Rows read at once when the messages are so large that a page of them exceeds a query's memory. */
const FEW_ROWS = 64;
const CLICKHOUSE_MEMORY_LIMIT_EXCEEDED = 241;
const STREAM_HASH = streamHashOf(sql`stream`);
/** What the table is ordered by in a group, and what tells its events apart. */
const KEY = [sql`timestamp`, sql`segment`, sql`row`];
const POSITION = [...KEY, sql`streamHash`];

export class EventReader {
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;

  constructor(telemetry: Telemetry, clock: Clock) {
    this.#telemetry = telemetry;
    this.#clock = clock;
  }

  /** The first `limit` events after the position. */
  forward(range: EventRange, after: EventPosition, limit: number, signal?: AbortSignal): Promise<EventPage> {
    return this.#page(range, [afterPosition(after)], { order: 'ASC', limit, signal });
  }

  /** The last `limit` events before the position, or of all. */
  async backward(
    range: EventRange,
    before: EventPosition | undefined,
    limit: number,
    signal?: AbortSignal,
  ): Promise<EventPage> {
    const bounds = before ? [beforePosition(before)] : [];
    const { events, more } = await this.#page(range, bounds, { order: 'DESC', limit, signal });
    return { events: events.reverse(), more };
  }

  /** The first `limit` events after the position that match. */
  async filter(
    range: EventRange,
    pattern: FilterPattern,
    after: EventPosition,
    limit: number,
    signal?: AbortSignal,
  ): Promise<FilteredPage> {
    const { where, exact } = sqlCondition(pattern, sql`message`);
    const conditions = where ? [sql`(${where})`] : [];
    if (exact) {
      const page: PageOptions = { order: 'ASC', limit, signal };
      const { events, more } = await this.#page(range, [afterPosition(after), ...conditions], page);
      return { events, next: more ? events.at(-1) : undefined };
    }
    const matches = compileMatcher(pattern);
    const found: StoredEvent[] = [];
    let bytes = 0;
    let position = after;
    let chunk = FIRST_CHUNK;
    for (let searched = 0; searched < MOST_SEARCHED; chunk = Math.min(LARGEST_CHUNK, chunk * 4)) {
      const bounds = [afterPosition(position), ...conditions];
      const page: PageOptions = { order: 'ASC', limit: chunk, bytes: LARGEST_CHUNK_BYTES, signal };
      const { events, more } = await this.#page(range, bounds, page);
      for (const event of events) {
        if (!matches(new LogLine(event.message))) continue;
        bytes += Buffer.byteLength(event.message);
        if (found.length === limit || (bytes > LARGEST_PAGE_BYTES && found.length > 0)) {
          return { events: found, next: found.at(-1) };
        }
        found.push(event);
      }
      if (!more) return { events: found, next: undefined };
      position = events.at(-1)!;
      searched += events.length;
    }
    return { events: found, next: position };
  }

  /** When the group's events had these fields; each since when it is of interest. */
  fieldTimes(group: LogGroup, fields: ReadonlyMap<string, number>): Promise<Map<string, FieldTimes>> {
    return fieldTimes(this.#telemetry, group, this.#rangeConditions({ group }), fields);
  }

  async #page(range: EventRange, bounds: readonly Sql[], options: PageOptions): Promise<EventPage> {
    try {
      return await this.#read(range, bounds, options);
    } catch (error) {
      const tooLarge =
        error instanceof TelemetryQueryError && error.clickhouseCode === CLICKHOUSE_MEMORY_LIMIT_EXCEEDED;
      if (!tooLarge || options.limit <= FEW_ROWS) throw error;
      return this.#read(range, bounds, { ...options, limit: FEW_ROWS });
    }
  }

  /**
   * Rows up to the limit and to a page's bytes, but at least one; one row beyond them tells whether there are more.
   * The table's key orders them but for streams with the same timestamp, segment and row: where such rows stand at the
   * end, it is read again up to there in the whole order, for which ClickHouse has to read all that it may choose from.
   */
  async #read(range: EventRange, bounds: readonly Sql[], options: PageOptions): Promise<EventPage> {
    const rows = await this.#rows(range, bounds, options, KEY);
    const last = rows.at(-1);
    if (rows.length === 0 || !last!.tied) return pageOf(rows, options);
    const upToLast =
      options.order === 'ASC' ? sql`timestamp <= ${last!.timestamp}` : sql`timestamp >= ${last!.timestamp}`;
    return pageOf(await this.#rows(range, [...bounds, upToLast], options, POSITION), options);
  }

  async #rows(
    range: EventRange,
    bounds: readonly Sql[],
    { order, limit, bytes = LARGEST_PAGE_BYTES, signal }: PageOptions,
    chosenBy: readonly Sql[],
  ): Promise<ReadEvent[]> {
    const conditions = join([...this.#rangeConditions(range), ...bounds], ' AND ');
    const transformed = range.withTransformed && range.group.document.hasTransformed ? sql`transformed` : sql`''`;
    const direction = order === 'ASC' ? sql`ASC` : sql`DESC`;
    const ordering = (by: readonly Sql[]) =>
      join(
        by.map((column) => sql`${column} ${direction}`),
        ', ',
      );
    const { rows } = await this.#telemetry.query<ReadEvent>(
      sql`
      SELECT timestamp, ingestion_time, stream, if(size <= ${bytes} OR number = 1, text, '') AS message,
        transformed, segment, row, streamHash, size, tied
      FROM (
        SELECT *, row_number() OVER page AS number, count() OVER (PARTITION BY ${join(KEY, ', ')}) > 1 AS tied,
          sum(length(text)) OVER (page ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS size
        FROM (
          SELECT timestamp, ingestion_time, stream, message AS text, ${transformed} AS transformed, segment, row,
            ${STREAM_HASH} AS streamHash FROM log_events
          WHERE ${conditions} ORDER BY ${ordering(chosenBy)} LIMIT ${limit + 1}
        )
        WINDOW page AS (ORDER BY ${ordering(POSITION)})
      )
      WHERE size - length(text) <= ${bytes}
      ORDER BY ${ordering(POSITION)}`,
      signal ? { signal } : {},
    );
    return rows;
  }

  #rangeConditions({ group, streams, streamPrefix, fromMs = 0, toMs }: EventRange): Sql[] {
    const conditions = [sql`group_id = ${group.id}`];
    const oldestMs = Math.max(fromMs, group.oldestKeptMs(this.#clock.now()));
    if (oldestMs > 0) conditions.push(sql`timestamp >= ${oldestMs}`);
    if (toMs !== undefined) conditions.push(sql`timestamp < ${toMs}`);
    if (streams) conditions.push(sql`stream IN ${list(streams)}`);
    if (streamPrefix !== undefined) conditions.push(sql`startsWith(stream, ${streamPrefix})`);
    if (group.streamsBeingErased.size > 0) conditions.push(sql`stream NOT IN ${list([...group.streamsBeingErased])}`);
    return conditions;
  }
}

function pageOf(rows: readonly ReadEvent[], { limit, bytes = LARGEST_PAGE_BYTES }: PageOptions): EventPage {
  const whole = rows.findIndex(({ size }, i) => i > 0 && size > bytes);
  const count = Math.min(limit, whole < 0 ? rows.length : whole);
  return { events: rows.slice(0, count), more: rows.length > count };
}

function afterPosition({ timestamp, segment, row, streamHash }: EventPosition): Sql {
  return sql`timestamp >= ${timestamp} AND
    (${join(KEY, ', ')}, ${STREAM_HASH}) > (${timestamp}, ${segment}, ${row}, ${streamHash})`;
}

function beforePosition({ timestamp, segment, row, streamHash }: EventPosition): Sql {
  return sql`timestamp <= ${timestamp} AND
    (${join(KEY, ', ')}, ${STREAM_HASH}) < (${timestamp}, ${segment}, ${row}, ${streamHash})`;
}
