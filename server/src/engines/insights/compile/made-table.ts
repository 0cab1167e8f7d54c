// Rows that are made outside of the database, as what the commands after them run over: they stand in the statement's text.

import { sql } from '#storage/telemetry/sql.ts';
import type { QueryOfTable, QueryScope, TableRow } from './compile-query.ts';
import { Pipeline, type Statement } from './pipeline.ts';

/** `double`: shown as Java shows one. */
export type ColumnKind = 'text' | 'number' | 'double' | 'time';

export interface MadeTable extends Omit<QueryOfTable, 'over'> {
  columns: Readonly<Record<string, ColumnKind>>;
  /** How many of the query's commands make it. */
  commands: number;
}

/** What a statement may be made longer by; the last rows of a larger table are left out. */
const MOST_TEXT = 4 * 1024 * 1024;
const TYPES: Record<ColumnKind, string> = {
  text: 'Nullable(String)',
  number: 'Nullable(Float64)',
  double: 'Nullable(Float64)',
  time: 'Nullable(Int64)',
};

/** Rows in the order that they have. */
export function pipelineOf(
  columns: MadeTable['columns'],
  rows: readonly TableRow[],
  scope: QueryScope,
  statement: Statement,
): Pipeline {
  const { groups, startMs, endMs } = scope;
  const pipeline = new Pipeline(scope, { groups, startMs, endMs }, statement);
  const level = pipeline.nextLevel();
  const names = Object.keys(columns);
  const place = pipeline.column('place', level);
  const structure = [`${place.text} UInt32`];
  for (const [i, name] of names.entries()) {
    const kind = columns[name]!;
    const column = pipeline.column(`made${i}`, level);
    structure.push(`${column.text} ${TYPES[kind]}`);
    pipeline.fields.set(
      name,
      kind === 'double' ? { kind: 'number', sql: column, double: true } : { kind, sql: column },
    );
  }
  const text = textOf(names, rows);
  pipeline.from = sql`(SELECT * FROM format(JSONCompactEachRow, ${structure.join(', ')}, ${text}) WHERE ${place} > 0)`;
  pipeline.source = undefined;
  pipeline.event = undefined;
  pipeline.columns = names;
  pipeline.order = [{ sql: place, descending: false }];
  pipeline.timeOrder = undefined;
  return pipeline;
}

function textOf(names: readonly string[], rows: readonly TableRow[]): string {
  // ClickHouse reads no table out of an empty text, so there is a row 0 before them.
  const lines = [JSON.stringify([0, ...names.map(() => null)])];
  let length = 0;
  for (const [i, row] of rows.entries()) {
    const line = JSON.stringify([i + 1, ...names.map((name) => row[name] ?? null)]);
    length += line.length;
    if (length > MOST_TEXT) break;
    lines.push(line);
  }
  return lines.join('\n');
}
