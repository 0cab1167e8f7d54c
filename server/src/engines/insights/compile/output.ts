// The statement of a pipeline, and its rows as AWS shows them: all values are texts.

import { javaDouble } from '#core/java-double.ts';
import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import { streamHashOf } from '#storage/telemetry/stream-hash.ts';
import { type CompiledQuery, DEFAULT_LIMIT, type QueryScope, type StatementRow } from './compile-query.ts';
import { DEFAULT_COLUMNS, orderBy, type Pipeline } from './pipeline.ts';
import { formatNumber, formatTime } from './show.ts';
import { asColumn, type Value } from './values.ts';

type Show = (value: unknown) => string;

/** More sub-selects than that cost more than reading the groups together. */
const MOST_SEPARATE_GROUPS = 20;

export function outputOf(pipeline: Pipeline, scope: QueryScope): CompiledQuery {
  const names = (pipeline.columns ?? DEFAULT_COLUMNS).filter((name) => name !== '@ptr');
  const limit = pipeline.limit ?? scope.limit ?? DEFAULT_LIMIT;
  const outputs: Sql[] = [];
  const shows: Show[] = [];
  names.forEach((name, i) => {
    const value = pipeline.field(name);
    outputs.push(sql`${asColumn(value)} AS ${pipeline.column('out', i)}`);
    shows.push(show(value));
  });
  const { event } = pipeline;
  if (event) {
    outputs.push(
      sql`${event.groupId} AS key_group, ${event.timestamp} AS key_time, ${event.segment} AS key_segment, ${event.row} AS key_row,
        ${streamHashOf(event.stream)} AS key_stream`,
    );
  }
  const ofEvents = pipeline.events === undefined;
  // Not summed up here: a window over all groups would keep them all in memory.
  if (!ofEvents) outputs.push(sql`${pipeline.events!} AS row_events`);
  const columns = event ? [...names, '@ptr'] : names;
  const pointer = (row: StatementRow) =>
    scope.pointer({
      groupId: row.key_group as number,
      timestamp: row.key_time as number,
      segment: row.key_segment as number,
      row: row.key_row as number,
      streamHash: row.key_stream as number,
    });
  return {
    sql: statement(pipeline, outputs, limit),
    columns,
    rows: (rows) =>
      rows.map((row) => {
        const values = shows.map((shown, i) => {
          const value = row[`out_${i}`];
          return value === null || value === undefined ? null : shown(value);
        });
        if (event) values.push(pointer(row));
        return values;
      }),
    matched: (rows) => ({
      count: ofEvents ? rows.length : rows.reduce((sum, row) => sum + Number(row.row_events), 0),
      atLeast: rows.length >= limit,
    }),
    ...(ofEvents && {
      countSql: sql`SELECT count() AS matched FROM ${pipeline.from} ${pipeline.conditions()}`,
    }),
  };
}

function statement(pipeline: Pipeline, outputs: readonly Sql[], limit: number): Sql {
  const select = sql`SELECT ${join(outputs, ', ')} FROM ${pipeline.from}`;
  const keys = pipeline.orderKeys();
  const order = keys.length === 0 ? sql`` : sql` ORDER BY ${orderBy(keys)}`;
  const groups = pipeline.source?.groups ?? [];
  // The table is in the order of time within a group only, so each is read from its end until the limit.
  if (groups.length > 1 && groups.length <= MOST_SEPARATE_GROUPS && pipeline.timeOrder && !pipeline.order) {
    const direction = pipeline.timeOrder === 'ASC' ? sql`ASC` : sql`DESC`;
    const each = groups.map((group) => sql`(${select} ${pipeline.conditions(group)}${order} LIMIT ${limit})`);
    return sql`SELECT * FROM (${join(each, ' UNION ALL ')})
      ORDER BY key_time ${direction}, key_segment ${direction}, key_row ${direction} LIMIT ${limit}`;
  }
  return sql`${select} ${pipeline.conditions()}${order} LIMIT ${limit}`;
}

function show(value: Value): Show {
  switch (value.kind) {
    case 'time':
      return value.day ? (ms) => formatTime(ms as number).slice(0, 10) : (ms) => formatTime(ms as number);
    case 'number':
      return value.double ? (n) => javaDouble(n as number) : (n) => formatNumber(n as number);
    default:
      return String;
  }
}
