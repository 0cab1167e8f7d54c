// Reads what a group ingested from a position on out of the table: for subscriptions that fell behind, or were behind when
// Brume ended. Segment by segment in the order of ingestion, so that a page costs what it holds, and stream by stream within.

import { list, sql } from '#storage/telemetry/sql.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import type { LogGroup } from '../log-group.ts';
import { maskedMessage } from '../protected-events.ts';
import type { IngestionPosition, RowKey } from './subscription.ts';

export interface BacklogRow extends RowKey {
  message: string;
  /** As it is stored; empty in groups without a transformer. */
  transformed: string;
  segment: number;
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
  const { after } = from;
  const isAfter = after && sql`(stream, timestamp, row) > (${after.stream}, ${after.timestamp}, ${after.row})`;
  const found = await telemetry.query<{ segment: number; rows: number }>(sql`
    SELECT segment, count() AS rows FROM log_events
    WHERE group_id = ${group.id} AND segment >= ${from.segment} AND segment <= ${through}
      ${isAfter ? sql`AND (segment > ${from.segment} OR ${isAfter})` : sql``}
    GROUP BY segment ORDER BY segment LIMIT 2`);
  const isRead = found.rows[0]?.segment === from.segment && found.rows[0].rows <= from.rows;
  const segment = found.rows[isRead ? 1 : 0]?.segment;
  if (segment === undefined) return { rows: [], next: undefined };
  const transformed = group.document.hasTransformed ? sql`transformed` : sql`''`;
  const ordering = sql`stream, timestamp, row`;
  const { rows } = await telemetry.query<BacklogRow & { ingestion_time: number }>(sql`
    SELECT stream, timestamp, ingestion_time, message, transformed, segment, row FROM (
      SELECT *, sum(length(message)) OVER (ORDER BY ${ordering} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS size
      FROM (
        SELECT stream, timestamp, ingestion_time, message, ${transformed} AS transformed, segment, row FROM log_events
        WHERE group_id = ${group.id} AND segment = ${segment} ${isAfter && segment === from.segment ? sql`AND ${isAfter}` : sql``}
        ORDER BY ${ordering} LIMIT ${MOST_ROWS}
      )
    )
    WHERE size - length(message) <= ${LARGEST_PAGE_BYTES} ORDER BY ${ordering}`);
  const last = rows.at(-1);
  const visible = rows.map(({ ingestion_time, ...event }) => ({
    ...event,
    message: maskedMessage(group, event.message, ingestion_time),
    transformed: event.transformed && maskedMessage(group, event.transformed, ingestion_time),
  }));
  return { rows: visible, next: last && { segment, rows: 0, after: keyOf(last) } };
}

export function keyOf({ stream, timestamp, row }: RowKey): RowKey {
  return { stream, timestamp, row };
}

/** The position after all that is stored of each of these groups that has something in segment `from` or later. */
export async function endsOfGroups(
  telemetry: Telemetry,
  groupIds: readonly number[],
  from: number,
): Promise<Map<number, IngestionPosition>> {
  const { rows } = await telemetry.query<{ group_id: number; last: number; rows: number }>(sql`
    SELECT group_id, segment AS last, count() AS rows FROM log_events
    WHERE group_id IN ${list(groupIds)} AND segment >= ${from}
    GROUP BY group_id, segment ORDER BY segment DESC LIMIT 1 BY group_id`);
  return new Map(rows.map(({ group_id, last, rows }) => [group_id, { segment: last, rows }]));
}

/** The newest segment that has rows in the table. */
export async function newestStoredSegment(telemetry: Telemetry): Promise<number> {
  const { rows } = await telemetry.query<{ segment: number }>(sql`SELECT max(segment) AS segment FROM log_events`);
  return rows[0]!.segment;
}
