// The two tables and the frames that carry their rows. A frame is ONE RowBinary row: what a single append
// brought, its rows in an array. Its first columns are its own length and checksum, so a segment file of
// frames is at once plain RowBinary that ClickHouse reads and a log whose valid prefix shows after a crash.
//
//   frame_length, frame_crc, segment, first_row, row_count | columns of the batch, Array(Tuple(columns of a row))
//
// An INSERT unfolds the array by ARRAY JOIN. DDL, the frame's structure, the unfolding and the encoder of a
// table stand side by side here because they must agree.

import { crc32 } from 'node:zlib';
import type { RowBinaryBuffer } from './row-binary.ts';
import { type Sql, sql } from './sql.ts';
import {
  LOG_EVENTS_TABLE,
  type LogEvent,
  type LogEventBatch,
  METRIC_POINTS_TABLE,
  type MetricPoint,
  timesOf,
} from './telemetry.ts';

export interface TelemetryTable<Batch> {
  name: string;
  /** CREATE TABLE IF NOT EXISTS … */
  ddl(durable: boolean): Sql;
  /** Statements that bring tables of earlier versions up to date; each may be run again. */
  changes: readonly Sql[];
  /** Rows of a batch. */
  rowCount(batch: Batch): number;
  /** A batch that stays as it is while it waits. */
  keep(batch: Batch): Batch;
  /**
   * For the batches of one segment, as they come: writes what follows a frame's head, and gives the number of the batch's
   * first row. Throws on values that the columns cannot hold.
   */
  encoder(): FrameEncoder<Batch>;
  /** How the names of segment files end; another for each form of frames, since files of earlier ones may be left. */
  segmentSuffix: string;
  /** INSERT … SELECT from a segment file of this form or an earlier one. */
  insertFrom(path: string): Sql;
}

export type FrameEncoder<Batch> = (buffer: RowBinaryBuffer, batch: Batch) => number;

// ---- log events ----

const LOG_EVENT_FRAME_1 = 'group_id UInt32, ingestion_time Int64, stream String, events Array(Tuple(Int64, String))';
/** `transformed` and `entity` are empty, one byte each, where no event of the batch has a transformed version or an entity. */
const LOG_EVENT_FRAME_2 = `${LOG_EVENT_FRAME_1}, transformed Array(String), entity String`;
/** `first_number`: of the rows, where earlier forms took the place of the batch in the segment. */
const LOG_EVENT_FRAME_3 = `${LOG_EVENT_FRAME_2}, first_number UInt32`;

/**
 * Columns for queries: group_id, stream, timestamp and ingestion_time (Int64, milliseconds since the epoch: plain
 * numbers in SQL and JSON; fromUnixTimestamp64Milli makes a DateTime64), message, transformed and entity (empty for most), segment, row
 * (0 for most: telemetry.ts says what it counts).
 * The message, most of all bytes, is compressed by the size of its part (engine-settings.ts).
 * Ordered by (group_id, timestamp, segment, row); the token index serves hasToken() on message. A granule is at most
 * 1 MiB, because the tokens that a Bloom filter of 16 KiB can tell apart grow with the bytes, not with the rows.
 */
export const LOG_EVENTS: TelemetryTable<LogEventBatch> = {
  name: LOG_EVENTS_TABLE,
  ddl: (durable) => sql`
    CREATE TABLE IF NOT EXISTS log_events (
      group_id UInt32 CODEC(ZSTD(1)),
      stream LowCardinality(String) CODEC(ZSTD(1)),
      timestamp Int64 CODEC(DoubleDelta, ZSTD(1)),
      ingestion_time Int64 CODEC(Delta, ZSTD(1)),
      message String CODEC(Default),
      transformed String CODEC(Default),
      entity LowCardinality(String) CODEC(ZSTD(1)),
      segment UInt64 CODEC(T64, ZSTD(1)),
      row UInt32 CODEC(T64, ZSTD(1)),
      INDEX message_tokens message TYPE tokenbf_v1(16384, 2, 0) GRANULARITY 1,
      INDEX stream_names stream TYPE bloom_filter(0.01) GRANULARITY 1,
      INDEX segment_range segment TYPE minmax GRANULARITY 1
    )
    ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(intDiv(timestamp, 1000), 'UTC'))
    ORDER BY (group_id, timestamp, segment, row)
    SETTINGS index_granularity_bytes = 1048576, ${durability(durable)}`,
  changes: [
    // Once compressed by ZSTD(1) whatever the size of a part; merges compress it again.
    sql`ALTER TABLE log_events MODIFY COLUMN message String CODEC(Default)`,
    sql`ALTER TABLE log_events ADD COLUMN IF NOT EXISTS transformed String CODEC(Default)`,
    sql`ALTER TABLE log_events ADD COLUMN IF NOT EXISTS entity LowCardinality(String) CODEC(ZSTD(1))`,
  ],
  segmentSuffix: '.3.segment',
  rowCount: (batch) => batch.events.length,
  keep(batch) {
    const { events } = batch;
    return 'rows' in events ? { ...batch, events: { ...events, rows: Buffer.from(events.rows) } } : batch;
  },
  encoder() {
    const streams = new Map<string, StreamRows>();
    return (buffer, batch) => {
      encodeLogEvents(buffer, batch);
      const firstRow = firstRowOf(batch, streams);
      buffer.reserve(4);
      buffer.uint32(firstRow);
      return firstRow;
    };
  },
  insertFrom(path) {
    const [frame, transformed, entity, firstNumber] = path.endsWith('.3.segment')
      ? [LOG_EVENT_FRAME_3, sql`transformed`, sql`entity`, sql`first_number`]
      : path.endsWith('.2.segment')
        ? [LOG_EVENT_FRAME_2, sql`transformed`, sql`entity`, sql`first_row`]
        : [LOG_EVENT_FRAME_1, sql`emptyArrayString()`, sql`''`, sql`first_row`];
    return sql`
    INSERT INTO log_events (group_id, stream, timestamp, ingestion_time, message, transformed, entity, segment, row)
    SELECT group_id, stream, event.1, ingestion_time, event.2, of_event, ${entity}, segment, toUInt32(${firstNumber} + of_its_time - 1)
    FROM file(${path}, 'RowBinary', ${`${FRAME_HEAD}, ${frame}`})
    ARRAY JOIN events AS event, arrayEnumerateUniq(events.1) AS of_its_time,
      arrayResize(${transformed}, length(events)) AS of_event`;
  },
};

function encodeLogEvents(buffer: RowBinaryBuffer, batch: LogEventBatch): void {
  buffer.reserve(32);
  buffer.uint32(batch.groupId);
  buffer.int64(batch.ingestionTimeMs);
  buffer.string(batch.stream);
  buffer.reserve(5);
  buffer.varint(batch.events.length);
  if ('rows' in batch.events) {
    buffer.append(batch.events.rows);
    buffer.reserve(5);
    buffer.varint(0);
  } else encodeEvents(buffer, batch.events);
  buffer.string(batch.entity ?? '');
}

/** What a segment has of a stream: its newest timestamp, and a number beyond those of its rows. */
interface StreamRows {
  newestMs: number;
  end: number;
}

/** 0, unless the segment may have events of the stream with one of the batch's timestamps. */
function firstRowOf({ groupId, stream, events }: LogEventBatch, streams: Map<string, StreamRows>): number {
  if (events.length === 0) return 0;
  const { firstMs, lastMs } = timesOf(events);
  const key = `${groupId}/${stream}`;
  const known = streams.get(key);
  if (!known) {
    streams.set(key, { newestMs: lastMs, end: events.length });
    return 0;
  }
  const firstRow = firstMs > known.newestMs ? 0 : known.end;
  known.newestMs = Math.max(known.newestMs, lastMs);
  known.end = Math.max(known.end, firstRow + events.length);
  return firstRow;
}

function encodeEvents(buffer: RowBinaryBuffer, events: readonly LogEvent[]): void {
  let areTransformed = false;
  for (const event of events) {
    if (!Number.isSafeInteger(event.timestamp)) throw new TypeError(`BUG: not a timestamp: ${event.timestamp}`);
    buffer.reserve(8);
    buffer.int64(event.timestamp);
    buffer.string(event.message);
    areTransformed ||= event.transformed !== undefined;
  }
  buffer.reserve(5);
  buffer.varint(areTransformed ? events.length : 0);
  if (areTransformed) for (const { transformed = '' } of events) buffer.string(transformed);
}

// ---- metric points ----

const METRIC_POINT_FRAME =
  'points Array(Tuple(UInt32, UInt32, LowCardinality(String), UInt8, UInt8, Float64, Float64, Float64, Float64, ' +
  'Array(Tuple(Float64, Float64))))';

/**
 * Columns for queries: metric_id, timestamp (UInt32, seconds since the epoch), unit, storage_resolution, and for each
 * point of whatever kind the aliases `sample_count`, `sum`, `minimum`, `maximum`. Stored are kind ('value', 'statistics',
 * 'values'), value (the sum of what is not a plain value), count, set_minimum and set_maximum (0 for a plain value, so
 * that they cost nothing), and samples: the (value, count) pairs of kind 'values', empty otherwise.
 * Percentiles need kind = 'value' (value occurred count times) or the samples of kind = 'values'.
 * Ordered by (metric_id, timestamp).
 */
export const METRIC_POINTS: TelemetryTable<readonly MetricPoint[]> = {
  name: METRIC_POINTS_TABLE,
  ddl: (durable) => sql`
    CREATE TABLE IF NOT EXISTS metric_points (
      metric_id UInt32 CODEC(ZSTD(1)),
      timestamp UInt32 CODEC(DoubleDelta, ZSTD(1)),
      unit LowCardinality(String) CODEC(ZSTD(1)),
      storage_resolution UInt8 CODEC(ZSTD(1)),
      kind Enum8('value' = 0, 'statistics' = 1, 'values' = 2) CODEC(ZSTD(1)),
      value Float64 CODEC(ZSTD(1)),
      count Float64 CODEC(ZSTD(1)),
      set_minimum Float64 CODEC(ZSTD(1)),
      set_maximum Float64 CODEC(ZSTD(1)),
      samples Array(Tuple(Float64, Float64)) CODEC(ZSTD(1)),
      segment UInt64 CODEC(DoubleDelta, ZSTD(1)),
      sample_count Float64 ALIAS count,
      sum Float64 ALIAS if(kind = 'value', value * count, value),
      minimum Float64 ALIAS if(kind = 'value', value, set_minimum),
      maximum Float64 ALIAS if(kind = 'value', value, set_maximum),
      INDEX segment_range segment TYPE minmax GRANULARITY 1
    )
    ENGINE = MergeTree
    PARTITION BY toYYYYMM(toDateTime(timestamp, 'UTC'))
    ORDER BY (metric_id, timestamp)
    SETTINGS ${durability(durable)}`,
  changes: [],
  segmentSuffix: '.segment',
  rowCount: (points) => points.length,
  keep: (points) => points,
  encoder: () => (buffer, points) => {
    buffer.reserve(5);
    buffer.varint(points.length);
    for (const point of points) {
      const { data, timestampS } = point;
      if (!Number.isInteger(timestampS) || timestampS < 0) throw new TypeError(`BUG: not a timestamp: ${timestampS}`);
      buffer.reserve(8);
      buffer.uint32(point.metricId);
      buffer.uint32(timestampS);
      buffer.string(point.unit);
      buffer.reserve(35);
      buffer.uint8(point.storageResolution);
      if (data.kind === 'value') {
        buffer.uint8(0);
        buffer.float64(data.value);
        buffer.float64(data.count);
        buffer.float64(0);
        buffer.float64(0);
        buffer.uint8(0);
      } else {
        buffer.uint8(data.kind === 'statistics' ? 1 : 2);
        buffer.float64(data.sum);
        buffer.float64(data.sampleCount);
        buffer.float64(data.minimum);
        buffer.float64(data.maximum);
        if (data.kind === 'statistics') buffer.uint8(0);
        else encodeSamples(buffer, data);
      }
    }
    return 0; // nothing tells its rows apart
  },
  insertFrom: (path) => sql`
    INSERT INTO metric_points
      (metric_id, timestamp, unit, storage_resolution, kind, value, count, set_minimum, set_maximum, samples, segment)
    SELECT point.1, point.2, point.3, point.4, point.5, point.6, point.7, point.8, point.9, point.10, segment
    FROM file(${path}, 'RowBinary', ${`${FRAME_HEAD}, ${METRIC_POINT_FRAME}`})
    ARRAY JOIN points AS point`,
};

/** A part is on disk, with its directory entry, before its insert or merge is done. */
function durability(durable: boolean): Sql {
  const on = durable ? 1 : 0;
  return sql`fsync_after_insert = ${on}, fsync_part_directory = ${on}, min_rows_to_fsync_after_merge = ${on}`;
}

/** Pairs of a value and how often it occurred, once where no counts are given. */
function encodeSamples(
  buffer: RowBinaryBuffer,
  { values, counts }: { values: readonly number[]; counts?: readonly number[] },
) {
  buffer.reserve(5 + values.length * 16);
  buffer.varint(values.length);
  for (let i = 0; i < values.length; i++) {
    buffer.float64(values[i]!);
    buffer.float64(counts === undefined ? 1 : counts[i]!);
  }
}

// ---- frames ----

const FRAME_HEAD = 'frame_length UInt32, frame_crc UInt32, segment UInt64, first_row UInt32, row_count UInt32';
const HEAD_BYTES = 24;
/** Length and checksum do not count themselves. */
const CHECKED_FROM = 8;

export interface FrameHead {
  segment: number;
  /** Rows of the segment before the frame's. */
  firstRow: number;
  rowCount: number;
}

/** Appends one batch as a frame, and gives what `encode` does; leaves the buffer as it was when the batch cannot be encoded. */
export function encodeFrame<Batch>(
  buffer: RowBinaryBuffer,
  { segment, firstRow, rowCount }: FrameHead,
  encode: FrameEncoder<Batch>,
  batch: Batch,
): number {
  const start = buffer.length;
  let encoded: number;
  try {
    buffer.reserve(HEAD_BYTES);
    buffer.length += CHECKED_FROM;
    buffer.int64(segment);
    buffer.uint32(firstRow);
    buffer.uint32(rowCount);
    encoded = encode(buffer, batch);
  } catch (error) {
    buffer.length = start;
    throw error;
  }
  const checked = buffer.bytes.subarray(start + CHECKED_FROM, buffer.length);
  buffer.patchUint32(start, checked.length);
  buffer.patchUint32(start + 4, crc32(checked));
  return encoded;
}

export interface ValidPrefix {
  /** Where the frames that can be believed end. */
  bytes: number;
  rows: number;
}

/** Reads frames up to the first that is torn, damaged or not of this segment. */
export function findValidPrefix(bytes: Buffer, segment: number): ValidPrefix {
  let offset = 0;
  let rows = 0;
  while (offset + HEAD_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    const end = offset + CHECKED_FROM + length;
    if (length < HEAD_BYTES - CHECKED_FROM || end > bytes.length) break;
    if (crc32(bytes.subarray(offset + CHECKED_FROM, end)) !== bytes.readUInt32LE(offset + 4)) break;
    if (Number(bytes.readBigUInt64LE(offset + 8)) !== segment || bytes.readUInt32LE(offset + 16) !== rows) break;
    rows += bytes.readUInt32LE(offset + 20);
    offset = end;
  }
  return { bytes: offset, rows };
}
