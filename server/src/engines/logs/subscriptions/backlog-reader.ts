// Reads what a group ingested from a position on out of the table, in the order of ingestion: for subscriptions that
// fell behind, or were behind when Brume ended. Segment by segment, so that a page costs what it holds.

import { list, sql } from '#storage/telemetry/sql.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import type { LogGroup } from '../log-group.ts';
import { maskedMessage } from '../protected-events.ts';
import type { IngestionPosition } from './subscription.ts';

export interface BacklogRow {
  stream: string;
  timestamp: number;
  message: string;
  /** As it is stored; empty in groups without a transformer. */
  transformed: string;
  segment: number;
  row: number;
}

export interface BacklogPage {
  rows: BacklogRow[];
  /** Where the next page begins; undefined at the end. */
  next: IngestionPosition | undefined;
}

const MOST_ROWS = 2_000;
/** A page goes on to the first row beyond so many message bytes. */
const LARGEST_PAGE_BYTES = 2 * 1_048_576;

/** Rows from `from` on in segments up to `through`. */
export async function readBacklog(
  telemetry: Telemetry,
  group: LogGroup,
  from: IngestionPosition,
  through: number,
): Promise<BacklogPage> {
  const found = await telemetry.query<{ first: number; rows: number }>(sql`
    SELECT min(segment) AS first, count() AS rows FROM log_events
    WHERE group_id = ${group.id} AND segment <= ${through} AND ${isFrom(from)}`);
  const { first: segment, rows: count } = found.rows[0]!;
  if (count === 0) return { rows: [], next: undefined };
  const row = segment === from.segment ? from.row : 0;
  const transformed = group.document.hasTransformed ? sql`transformed` : sql`''`;
  const { rows } = await telemetry.query<BacklogRow & { ingestion_time: number }>(sql`
    SELECT stream, timestamp, ingestion_time, message, transformed, segment, row FROM (
      SELECT *, sum(length(message)) OVER (ORDER BY row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS size
      FROM (
        SELECT stream, timestamp, ingestion_time, message, ${transformed} AS transformed, segment, row FROM log_events
        WHERE group_id = ${group.id} AND segment = ${segment} AND row >= ${row} ORDER BY row LIMIT ${MOST_ROWS}
      )
    )
    WHERE size - length(message) <= ${LARGEST_PAGE_BYTES} ORDER BY row`);
  const last = rows.at(-1);
  const visible = rows.map(({ ingestion_time, ...event }) => ({
    ...event,
    message: maskedMessage(group, event.message, ingestion_time),
    transformed: event.transformed && maskedMessage(group, event.transformed, ingestion_time),
  }));
  return { rows: visible, next: last ? { segment, row: last.row + 1 } : { segment: segment + 1, row: 0 } };
}

/** The position after all that is stored of each of these groups that has something in segment `from` or later. */
export async function endsOfGroups(
  telemetry: Telemetry,
  groupIds: readonly number[],
  from: number,
): Promise<Map<number, IngestionPosition>> {
  const { rows } = await telemetry.query<{ group_id: number; last_segment: number; last_row: number }>(sql`
    SELECT group_id, tupleElement(last, 1) AS last_segment, tupleElement(last, 2) AS last_row
    FROM (
      SELECT group_id, max((segment, row)) AS last FROM log_events
      WHERE group_id IN ${list(groupIds)} AND segment >= ${from} GROUP BY group_id
    )`);
  return new Map(rows.map((end) => [end.group_id, { segment: end.last_segment, row: end.last_row + 1 }]));
}

/** The newest segment that has rows in the table. */
export async function newestStoredSegment(telemetry: Telemetry): Promise<number> {
  const { rows } = await telemetry.query<{ segment: number }>(sql`SELECT max(segment) AS segment FROM log_events`);
  return rows[0]!.segment;
}

function isFrom({ segment, row }: IngestionPosition) {
  return sql`(segment > ${segment} OR (segment = ${segment} AND row >= ${row}))`;
}
