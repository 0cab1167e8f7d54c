// The rows of two queries: UNION, INTERSECT and EXCEPT of SQL. Columns are those of the first, by their place.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-directquery-sql.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Command } from '../syntax/tree.ts';
import { fault } from './expressions.ts';
import { DEFAULT_COLUMNS, type Pipeline } from './pipeline.ts';
import { asNumber, asText, type Value } from './values.ts';

type Union = Extract<Command, { kind: 'union' }>;

const OPERATORS: Record<Union['operator'], readonly [distinct: Sql, all: Sql]> = {
  union: [sql`UNION DISTINCT`, sql`UNION ALL`],
  intersect: [sql`INTERSECT DISTINCT`, sql`INTERSECT`],
  except: [sql`EXCEPT DISTINCT`, sql`EXCEPT`],
};

export function combine(pipeline: Pipeline, { operator, all, query, ...at }: Union): void {
  const other = pipeline.statement.inner(query);
  pipeline.settleLimit();
  other.settleLimit();
  const names = pipeline.columns ?? [...DEFAULT_COLUMNS];
  const others = other.columns ?? [...DEFAULT_COLUMNS];
  if (names.length !== others.length) {
    throw fault(`Queries of ${names.length} and of ${others.length} columns cannot be combined`, at);
  }
  const level = pipeline.nextLevel();
  const values = names.map((name, i) => [pipeline.field(name), other.field(others[i]!)] as const);
  const kinds = values.map(([a, b]) =>
    a.kind === b.kind && (a.kind === 'number' || a.kind === 'time') ? a.kind : 'text',
  );
  const rows = (of: Pipeline, side: 0 | 1) => {
    const columns = values.map(
      (pair, i) => sql`${column(pair[side], kinds[i]!)} AS ${pipeline.column(`both${i}`, level)}`,
    );
    return sql`SELECT ${join(columns, ', ')} FROM ${of.from} ${of.conditions()}`;
  };
  pipeline.from = sql`(${rows(pipeline, 0)} ${OPERATORS[operator][all ? 1 : 0]} ${rows(other, 1)})`;
  pipeline.source = undefined;
  pipeline.where = [];
  pipeline.event = undefined;
  pipeline.events = undefined;
  pipeline.grouping = undefined;
  pipeline.sides.clear();
  pipeline.inAnyOrder();
  pipeline.columns = names;
  pipeline.fields = new Map(
    names.map((name, i) => [name, { kind: kinds[i]!, sql: pipeline.column(`both${i}`, level) } as Value]),
  );
}

function column(value: Value, kind: 'number' | 'time' | 'text'): Sql {
  if (kind === 'number') return sql`CAST(${asNumber(value)} AS Nullable(Float64))`;
  return kind === 'time'
    ? sql`CAST(${asNumber(value)} AS Nullable(Int64))`
    : sql`CAST(${asText(value)} AS Nullable(String))`;
}
