// addtotals: a column with the sum of each row, and a last row with the sum of each column.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Addtotals.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Command } from '../syntax/tree.ts';
import { fault } from './expressions.ts';
import type { Pipeline } from './pipeline.ts';
import { asNumber, asText, number, text, type Value } from './values.ts';

export function addTotals(pipeline: Pipeline, command: Extract<Command, { kind: 'addtotals' }>): void {
  const { name, row, column, fields } = command;
  const shown = pipeline.columns;
  if (!shown) throw fault('addtotals needs fields before it', command);
  // AWS sums what was extracted as well, though it is not shown.
  const all = [...new Set([...shown, ...pipeline.fields.keys()])];
  const summed = fields.length > 0 ? fields : all.filter((each) => mayBeNumber(each, pipeline.field(each)));
  if (row) {
    const amounts = summed.map((each) => sql`ifNull(toFloat64(${asNumber(pipeline.field(each))}), 0)`);
    pipeline.define(name, number(amounts.length === 0 ? sql`0` : sql`arraySum([${join(amounts, ', ')}])`));
    pipeline.show([name]);
  }
  if (column) addSummary(pipeline, new Set(fields.length > 0 ? [...fields, ...(row ? [name] : [])] : undefined));
}

function mayBeNumber(name: string, { kind }: Value): boolean {
  return !name.startsWith('@') && (kind === 'number' || kind === 'text' || kind === 'json');
}

/** A row beneath the others; rows are no events any more. Without names all columns that are numbers are summed. */
function addSummary(pipeline: Pipeline, names: ReadonlySet<string>): void {
  const columns = pipeline.columns!;
  for (const name of columns) pipeline.fields.set(name, pipeline.field(name));
  pipeline.settle();
  const level = pipeline.nextLevel();
  const last = pipeline.column('last', level);
  const rows: Sql[] = [sql`0 AS ${last}`];
  const sums: Sql[] = [sql`1 AS ${last}`];
  const fields = new Map<string, Value>();
  const add = (value: Sql, sum: Sql, prefix: string) => {
    const column = pipeline.column(`${prefix}${rows.length}`, level);
    rows.push(sql`${value} AS ${column}`);
    sums.push(sql`${sum} AS ${column}`);
    return column;
  };
  for (const name of columns) {
    const value = pipeline.field(name);
    const isSummed = names.size > 0 ? names.has(name) : mayBeNumber(name, value);
    const total = sql`sumOrNull(toFloat64(${asNumber(value)}))`;
    if (value.kind === 'number') {
      fields.set(name, number(add(sql`toFloat64(${value.sql})`, isSummed ? total : sql`NULL`, 'total')));
    } else if (value.kind === 'time') {
      fields.set(name, { kind: 'time', sql: add(value.sql, sql`NULL`, 'total') });
    } else fields.set(name, text(add(asText(value), isSummed ? sql`toString(${total})` : sql`NULL`, 'total')));
  }
  const order = pipeline
    .orderKeys()
    .map(({ sql: key, descending }) => ({ sql: add(key, sql`NULL`, 'order'), descending }));
  if (pipeline.events) pipeline.events = add(pipeline.events, sql`0`, 'events');
  const { from } = pipeline;
  pipeline.from = sql`(SELECT ${join(rows, ', ')} FROM ${from} UNION ALL SELECT ${join(sums, ', ')} FROM ${from})`;
  pipeline.fields = fields;
  pipeline.event = undefined;
  pipeline.sides.clear();
  pipeline.order = [{ sql: last, descending: false }, ...order];
  pipeline.timeOrder = undefined;
}
