// Queries inside of a query: the other side of a join, columns beside the others, and the values that a filter looks for. They run by themselves,
// over the whole of the query's time. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Join.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Subqueries.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Command, Span } from '../syntax/tree.ts';
import { fault } from './expressions.ts';
import { orderBy, type Pipeline, whereMatched } from './pipeline.ts';
import { asText, text } from './values.ts';

type Of<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

export function compileJoin(pipeline: Pipeline, command: Of<'join'>): void {
  const { type, left, right, keys, query } = command;
  for (const alias of [left, right]) {
    if (pipeline.sides.has(alias)) throw fault(`The alias ${alias} stands for another side already`, command);
  }
  const other = pipeline.statement.inner(query);
  const leftKeys = settledTexts(
    pipeline,
    keys.map((key) => key.left),
  );
  other.fields.set(MATCHED, { kind: 'number', sql: sql`1` });
  const rightKeys = settledTexts(
    other,
    keys.map((key) => key.right),
  );
  const { sql: matched } = other.fields.get(MATCHED) as { sql: Sql };
  other.fields.delete(MATCHED);
  const level = pipeline.nextLevel();
  const [a, b] = [pipeline.column('left', level), pipeline.column('right', level)];
  const equal = join(
    leftKeys.map((key, i) => sql`${key} = ${rightKeys[i]!}`),
    ' AND ',
  );
  // Beyond memory it goes to the disk.
  pipeline.from = sql`(SELECT * FROM ${pipeline.from} AS ${a} ${type === 'left' ? sql`LEFT` : sql`INNER`} JOIN ${other.from} AS ${b} ON ${equal} SETTINGS join_algorithm = 'grace_hash')`;
  pipeline.sides.set(left, { pipeline });
  pipeline.sides.set(right, { pipeline: other, ...(type === 'left' && { matched }) });
}

/** The subquery's rows beside those that are there: the first with the first, and so on. */
export function appendColumns(pipeline: Pipeline, { override, most, query }: Of<'appendcols'>): void {
  const other = pipeline.statement.inner(query);
  other.limit = Math.min(most, other.limit ?? most);
  const [own, others] = [numberRows(pipeline), numberRows(other)];
  const names = other.columns ?? [];
  const level = pipeline.nextLevel();
  const [a, b] = [pipeline.column('left', level), pipeline.column('right', level)];
  pipeline.from = sql`(SELECT * FROM ${pipeline.from} AS ${a} LEFT JOIN ${other.from} AS ${b} ON ${own} = ${others})`;
  const known = new Set([...pipeline.fields.keys(), ...(pipeline.columns ?? [])]);
  for (const name of names) {
    const theirs = whereMatched(other.field(name), sql`(${others} > 0)`);
    if (!known.has(name)) pipeline.fields.set(name, theirs);
    else if (override) {
      pipeline.fields.set(name, text(sql`if(${others} > 0, ${asText(theirs)}, ${asText(pipeline.field(name))})`));
    }
  }
  pipeline.add(names);
}

/** The column that numbers the rows in their order, from 1. */
function numberRows(pipeline: Pipeline): Sql {
  pipeline.settleLimit();
  const keys = pipeline.orderKeys();
  const order = keys.length === 0 ? sql`` : sql`ORDER BY ${orderBy(keys)}`;
  const name = 'row number';
  pipeline.fields.set(name, { kind: 'number', sql: sql`row_number() OVER (${order})` });
  pipeline.settle();
  const { sql: column } = pipeline.fields.get(name) as { sql: Sql };
  pipeline.fields.delete(name);
  return column;
}

const MATCHED = 'matched by the join';

/** Texts of fields as columns of the rows. */
function settledTexts(pipeline: Pipeline, names: readonly string[]): Sql[] {
  const keys = names.map((name, i) => ({ key: `join key ${i}`, value: text(asText(pipeline.field(name))) }));
  for (const { key, value } of keys) pipeline.fields.set(key, value);
  pipeline.settle();
  return keys.map(({ key }) => {
    const { sql: column } = pipeline.fields.get(key) as { sql: Sql };
    pipeline.fields.delete(key);
    return column;
  });
}

/** What a subquery's result has in the column of a name, or in its only one. */
export function subqueryValues(inner: Pipeline, name: string | undefined, at: Span): Sql {
  const { columns } = inner;
  const own = name?.slice(name.indexOf('.') + 1);
  const column =
    [name, own].find((each) => each !== undefined && (!columns || columns.includes(each))) ??
    (columns?.length === 1 ? columns[0] : undefined);
  if (column === undefined) throw fault(`The subquery must give ${name ?? 'one field'}`, at);
  const values = sql`SELECT ${asText(inner.field(column))} FROM ${inner.from} ${inner.conditions()}`;
  if (inner.limit === undefined) return values;
  const keys = inner.orderKeys();
  return sql`${values}${keys.length > 0 ? sql` ORDER BY ${orderBy(keys)}` : sql``} LIMIT ${inner.limit}`;
}
