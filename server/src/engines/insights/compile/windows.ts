// Fields that look at other rows: window functions of SQL, and what PPL has in their place (eventstats, trendline).
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-directquery-sql.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import { hasWindow } from '../syntax/parser.ts';
import type { Command, Expression, FrameBound, SortKey } from '../syntax/tree.ts';
import { alike, compileAggregate, sortKey } from './aggregates.ts';
import { ExpressionCompiler, fault } from './expressions.ts';
import { type OrderKey, orderBy, type Pipeline } from './pipeline.ts';
import { asColumn, asText, isPresent, number, type Value } from './values.ts';

type Window = Expression & { kind: 'over' };

/** Fields beside those that there are. */
export function evaluate(pipeline: Pipeline, { items }: Extract<Command, { kind: 'eval' }>): void {
  if (items.some(({ expression }) => hasWindow(expression))) pipeline.settleLimit();
  for (const { expression, name } of items) {
    if (!hasWindow(expression)) {
      pipeline.define(name, pipeline.compiler.value(expression));
      continue;
    }
    const names = { ...pipeline.names(), over: (window: Window) => compileWindow(pipeline, window) };
    pipeline.fields.set(name, new ExpressionCompiler(names, pipeline.times).value(expression));
    // What follows may filter or limit the rows; the window is of all of them.
    pipeline.settle();
  }
  pipeline.add(items.map(({ name }) => name));
}

/** Functions of windows alone, and those that make no sense without an order: they have the rows' own where none is given. */
const ORDERED = new Set(['ROW_NUMBER', 'LAG', 'LEAD', 'FIRST_VALUE', 'LAST_VALUE', 'NTH_VALUE', 'NTILE']);
const RANKS: Record<string, Sql> = {
  ROW_NUMBER: sql`row_number()`,
  RANK: sql`rank()`,
  DENSE_RANK: sql`dense_rank()`,
};
const WHOLE = sql` ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING`;

function compileWindow(pipeline: Pipeline, { call, partition, order, frame }: Window): Value {
  const { compiler } = pipeline;
  const own = order.length === 0 && (frame || ORDERED.has(call.name));
  const keys = own ? pipeline.orderKeys() : order.flatMap((key) => orderKeys(compiler, key));
  const parts: Sql[] = [];
  const by = partition.map((each) => asColumn(compiler.value(each)));
  if (by.length > 0) parts.push(sql`PARTITION BY ${join(by, ', ')}`);
  if (keys.length > 0) parts.push(sql`ORDER BY ${orderBy(keys)}`);
  const rows = parts.length === 0 ? sql`` : join(parts, '\n');
  const unit = frame?.unit === 'range' ? sql`RANGE` : sql`ROWS`;
  const bounds = frame ? sql` ${unit} BETWEEN ${bound(frame.from)} AND ${bound(frame.to)}` : sql``;
  const over = sql`${rows}${bounds}`;
  const rank = RANKS[call.name];
  if (rank) return number(sql`${rank} OVER (${rows})`);
  const args = call.args.map((arg) => compiler.value(arg));
  const [value, second, third] = args;
  switch (call.name) {
    case 'PERCENT_RANK':
      return number(
        sql`if(count() OVER (${partitionOnly(by)}) = 1, 0, (rank() OVER (${rows}) - 1) / (count() OVER (${partitionOnly(by)}) - 1))`,
      );
    case 'CUME_DIST':
      return number(sql`(count() OVER (${rows}) / count() OVER (${partitionOnly(by)}))`);
    case 'NTILE': {
      const buckets = whole(value, call);
      const count = sql`count() OVER (${partitionOnly(by)})`;
      const row = sql`toInt64(row_number() OVER (${rows}) - 1)`;
      // The first buckets have one row more than the others.
      const least = sql`intDiv(${count}, ${buckets})`;
      const more = sql`(${count} % ${buckets})`;
      const large = sql`(${more} * (${least} + 1))`;
      return number(
        sql`if(${row} < ${large}, intDiv(${row}, ${least} + 1), ${more} + intDiv(${row} - ${large}, greatest(${least}, 1))) + 1`,
      );
    }
    case 'LAG':
    case 'LEAD': {
      const distance = second ? whole(second, call) : 1;
      const name = call.name === 'LAG' ? sql`lagInFrame` : sql`leadInFrame`;
      const otherwise = third ? sql`, ${third.kind === value!.kind ? asColumn(third) : asText(third)}` : sql``;
      const column = third && third.kind !== value!.kind ? asText(value!) : asColumn(value!);
      return alike(value!, sql`${name}(toNullable(${column}), ${distance}${otherwise}) OVER (${rows}${WHOLE})`);
    }
    case 'FIRST_VALUE':
      return alike(value!, sql`first_value_respect_nulls(${asColumn(value!)}) OVER (${over})`);
    case 'LAST_VALUE':
      return alike(value!, sql`last_value_respect_nulls(${asColumn(value!)}) OVER (${over})`);
    case 'NTH_VALUE': {
      const column = sql`toNullable(${asColumn(value!)})`;
      return alike(value!, sql`nth_value(${column}, ${whole(second, call)}) OVER (${over})`);
    }
  }
  const result = compileAggregate(call, {
    value: (expression) => compiler.value(expression),
    condition: (expression) => compiler.condition(expression),
    event: pipeline.event,
    over,
  });
  if (!result) throw fault(`${call.name} is no window function`, call);
  return result;
}

function orderKeys(
  compiler: ExpressionCompiler,
  { expression, descending, missingFirst = false }: SortKey,
): OrderKey[] {
  const value = compiler.value(expression);
  return [
    { sql: sql`NOT (${isPresent(value)})`, descending: missingFirst },
    { sql: sortKey(value), descending },
  ];
}

function partitionOnly(by: readonly Sql[]): Sql {
  return by.length === 0 ? sql`` : sql`PARTITION BY ${join(by, ', ')}`;
}

const MOST_ROWS_AWAY = 10_000;

function whole(value: Value | undefined, call: Expression & { kind: 'call' }): number {
  const count = value?.kind === 'number' ? value.constant : undefined;
  if (count !== undefined && Number.isInteger(count) && count >= 1 && count <= MOST_ROWS_AWAY) return count;
  throw fault(`${call.name} takes a whole number from 1 to ${MOST_ROWS_AWAY}`, call);
}

function bound({ side, count }: FrameBound): Sql {
  if (side === 'current row') return sql`CURRENT ROW`;
  const rows = count === undefined ? sql`UNBOUNDED` : sql`${count}`;
  return side === 'preceding' ? sql`${rows} PRECEDING` : sql`${rows} FOLLOWING`;
}
