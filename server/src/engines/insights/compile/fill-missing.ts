// fillmissing: rows for bins of time in which stats found nothing, between the first and the last bin of each series.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Fillmissing.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Command } from '../syntax/tree.ts';
import { fault } from './expressions.ts';
import type { Pipeline } from './pipeline.ts';
import { asColumn, asNumber, asText, number, text, type Value } from './values.ts';

export function fillMissing(pipeline: Pipeline, command: Extract<Command, { kind: 'fillmissing' }>): void {
  const { grouping } = pipeline;
  if (!grouping?.bin || pipeline.event)
    throw fault('fillmissing needs stats by bin() of a fixed length before it', command);
  const { keys, bin } = grouping;
  for (const { field } of command.values) {
    if (!pipeline.fields.has(field)) throw fault(`stats gives no ${field}`, command);
  }
  pipeline.settle();
  const level = pipeline.nextLevel();
  const present = pipeline.column('present', level);
  const inner: Sql[] = [sql`1 AS ${present}`];
  const columns = new Map<string, Sql>();
  for (const [name, value] of pipeline.fields) {
    const column = pipeline.column(`filled${columns.size}`, level);
    const isKey = keys.includes(name);
    inner.push(sql`${isKey ? asColumn(value) : sql`toNullable(${asColumn(value)})`} AS ${column}`);
    columns.set(name, column);
  }
  const events = pipeline.column('events', level);
  if (pipeline.events) inner.push(sql`${pipeline.events} AS ${events}`);
  const series = keys.filter((name) => name !== bin.name).map((name) => columns.get(name)!);
  const order = join([...series, sql`${columns.get(bin.name)!} ASC WITH FILL STEP ${bin.ms}`], ', ');
  pipeline.from = sql`(SELECT ${join(inner, ', ')} FROM ${pipeline.from} ORDER BY ${order})`;
  if (pipeline.events) pipeline.events = events;
  const fillers = new Map(command.values.map(({ field, value }) => [field, pipeline.compiler.value(value)]));
  for (const [name, value] of pipeline.fields) {
    const column = columns.get(name)!;
    pipeline.fields.set(
      name,
      keys.includes(name) ? sameKind(value, column) : filled(value, column, present, fillers.get(name)),
    );
  }
  pipeline.order = keys.map((name) => ({ sql: columns.get(name)!, descending: name === bin.name }));
}

function filled(value: Value, column: Sql, present: Sql, filler: Value | undefined): Value {
  if (value.kind === 'number') {
    return number(sql`if(${present} = 1, toFloat64(${column}), ${filler ? asNumber(filler) : sql`NULL`})`);
  }
  if (!filler) return sameKind(value, sql`if(${present} = 1, ${column}, NULL)`);
  return text(sql`if(${present} = 1, ${asText(sameKind(value, column))}, ${asText(filler)})`);
}

function sameKind(value: Value, column: Sql): Value {
  return value.kind === 'time' || value.kind === 'number' ? { kind: value.kind, sql: column } : text(column);
}
