// The commands, each a change of the pipeline.

import { join, list, type Sql, sql } from '#storage/telemetry/sql.ts';
import { printExpression } from '../syntax/printer.ts';
import type { Command, Expression, Item, Query } from '../syntax/tree.ts';
import { compileAggregate, sortKey } from './aggregates.ts';
import type { CompiledQuery, QueryOfTable, QueryScope, TableRow } from './compile-query.ts';
import { UNIT_MS } from './datetime.ts';
import { estimate } from './estimate.ts';
import { ExpressionCompiler, fault } from './expressions.ts';
import type { EventColumns } from './fields.ts';
import { fillMissing } from './fill-missing.ts';
import { appendColumns, compileJoin, subqueryValues } from './join-command.ts';
import { cidrLookup, lookup } from './lookup-commands.ts';
import { type MadeTable, pipelineOf } from './made-table.ts';
import { outputOf } from './output.ts';
import { parseFields, parseMatches } from './parse-command.ts';
import { compilePatterns, type PatternCommand } from './patterns.ts';
import { type OrderKey, Pipeline, type Statement } from './pipeline.ts';
import { relevantFields } from './relevant-fields.ts';
import { accumulate, autoregress, fillDown, outlier, sessionize } from './running-commands.ts';
import { addTotals } from './totals.ts';
import { combine } from './union.ts';
import { asColumn, asList, asText, isPresent, text, type Value } from './values.ts';
import { evaluate } from './windows.ts';

type Of<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

export function compileCommands({ commands }: Query, scope: QueryScope): CompiledQuery | QueryOfTable {
  const statement = statementOf(scope);
  const { groups, startMs, endMs } = scope;
  const source = { groups, startMs, endMs };
  const last = commands.at(-1);
  const ofRows = last?.kind === 'estimate' ? commands.slice(0, -1) : commands;
  const rows = compileRows(ofRows, scope, new Pipeline(scope, source, statement));
  if (last?.kind !== 'estimate') return rows;
  // AWS appends the request's limit to the query, where nothing may follow.
  if (scope.limit !== undefined) throw fault('unexpected symbol found limit', last);
  return estimate([source, ...statement.sources]);
}

function compileRows(
  commands: readonly Command[],
  scope: QueryScope,
  pipeline: Pipeline,
): CompiledQuery | QueryOfTable {
  const end = commands.findIndex(({ kind }) => TABLE_COMMANDS.has(kind));
  for (const command of end < 0 ? commands : commands.slice(0, end)) apply(pipeline, command);
  if (end < 0) return outputOf(pipeline, scope);
  const made = madeTable(pipeline, commands.slice(end));
  const over = (rows: readonly TableRow[]) => {
    const table = pipelineOf(made.columns, rows, scope, statementOf(scope));
    for (const command of commands.slice(end + made.commands)) apply(table, command);
    return outputOf(table, scope);
  };
  // What is wrong with the rest shows before anything is read.
  over([]);
  return { ...made, over };
}

/** Their rows are not what a statement can make. */
const TABLE_COMMANDS: ReadonlySet<string> = new Set(['pattern', 'logcompare', 'relevantfields']);

function madeTable(pipeline: Pipeline, [first, next]: readonly Command[]): MadeTable {
  pipeline.settleLimit();
  return first?.kind === 'relevantfields'
    ? relevantFields(pipeline, first)
    : compilePatterns(pipeline, first as PatternCommand, next);
}

function statementOf(scope: QueryScope): Statement {
  const statement: Statement = {
    level: 0,
    sources: [],
    inner: ({ source, commands }) => {
      const groups = source ? (scope.groupsOf?.(source) ?? []) : scope.groups;
      const { innerStartMs: startMs = scope.startMs, endMs } = scope;
      const read = { groups, startMs, endMs };
      statement.sources.push(read);
      const pipeline = new Pipeline(scope, read, statement);
      for (const command of commands) apply(pipeline, command);
      return pipeline;
    },
    values: (query, name, at) => subqueryValues(statement.inner(query), name, at),
  };
  return statement;
}

function apply(pipeline: Pipeline, command: Command): void {
  switch (command.kind) {
    case 'fields':
      for (const item of command.items) define(pipeline, item);
      pipeline.show(command.items.map(({ name }) => name));
      return;
    case 'display':
      for (const item of command.items) define(pipeline, item);
      pipeline.columns = [...new Set(command.items.map(({ name }) => name))];
      return;
    case 'eval':
      evaluate(pipeline, command);
      return;
    case 'filter':
    case 'filterIndex':
      pipeline.settleLimit();
      pipeline.where.push(...conjuncts(command.condition).map((condition) => pipeline.compiler.condition(condition)));
      return;
    case 'stats':
      stats(pipeline, command);
      return;
    case 'sort':
      sort(pipeline, command);
      return;
    case 'union':
      combine(pipeline, command);
      return;
    case 'limit':
      if (command.offset) {
        pipeline.settleLimit();
        pipeline.settle(sql`LIMIT ${command.count} OFFSET ${command.offset}`);
        return;
      }
      pipeline.limit = Math.min(command.count, pipeline.limit ?? command.count);
      if (command.any) pipeline.inAnyOrder();
      return;
    case 'parse':
      parse(pipeline, command);
      return;
    case 'dedup':
      dedup(pipeline, command);
      return;
    case 'unnest':
      unnest(pipeline, command);
      return;
    case 'lookup':
      lookup(pipeline, command);
      return;
    case 'cidrlookup':
      cidrLookup(pipeline, command);
      return;
    case 'json':
      pipeline.define(command.into, memberOf(pipeline.field(command.field), command.path));
      return;
    case 'expand':
      spread(pipeline, pipeline.field(command.field), command.field);
      return;
    case 'accum':
      accumulate(pipeline, command);
      return;
    case 'autoregress':
      autoregress(pipeline, command);
      return;
    case 'filldown':
      fillDown(pipeline, command);
      return;
    case 'fillmissing':
      fillMissing(pipeline, command);
      return;
    case 'sessionize':
      sessionize(pipeline, command);
      return;
    case 'outlier':
      outlier(pipeline, command);
      return;
    case 'addtotals':
      addTotals(pipeline, command);
      return;
    case 'countFrequent':
      countFrequent(pipeline, command);
      return;
    case 'appendcols':
      appendColumns(pipeline, command);
      return;
    case 'join':
      compileJoin(pipeline, command);
      return;
    case 'pattern':
    case 'logcompare':
    case 'relevantfields':
      throw fault(
        `${command.kind} cannot stand in a subquery, nor after pattern, logcompare and relevantfields`,
        command,
      );
    case 'diff':
      throw fault('Diff compilation Failed : Diff operation has to be used after Pattern', command);
    case 'anomaly':
      throw fault('anomaly has to be used after pattern', command);
    case 'estimate':
      throw fault('estimate must be the last command', command);
  }
}

function define(pipeline: Pipeline, { expression, name, alias }: Item): void {
  const value = pipeline.compiler.value(expression);
  // A plain field needs no definition: its name finds it.
  if (expression.kind !== 'field' || alias !== undefined) pipeline.define(name, value);
}

function parse(pipeline: Pipeline, { input, pattern, start, end }: Of<'parse'>): void {
  const at = { start, end };
  const value = asText(pipeline.compiler.value(input));
  if (pattern.kind !== 'regex' || !pattern.multi) {
    for (const [name, field] of parseFields(value, pattern, at)) pipeline.define(name, field);
    return;
  }
  const { matches, fieldsOf } = parseMatches(value, pattern, at);
  // An event without a match stays, without the fields.
  const item = eachOf(pipeline, sql`if(empty(${matches}), [[]], ${matches})`);
  for (const [name, field] of fieldsOf(item)) pipeline.fields.set(name, field);
}

/** A member of an object, which may be a text of JSON. */
function memberOf(value: Value, path: string): Value {
  const names = path.split('.');
  if (value.kind === 'json') return { ...value, path: [...value.path, ...names] };
  return { kind: 'json', document: sql`ifNull(${asText(value)}, '')`, path: names };
}

function countFrequent(pipeline: Pipeline, { fields, start, end }: Of<'countFrequent'>): void {
  const at = { start, end };
  const name = '_approxcount';
  const by = fields.map((field) => ({ expression: field, name: printExpression(field), ...at }));
  stats(pipeline, {
    kind: 'stats',
    aggregates: [{ expression: { kind: 'call', name: 'count', args: [], ...at }, alias: name, name, ...at }],
    by,
    ...at,
  });
  pipeline.columns = [...by.map((item) => item.name), name];
  sort(pipeline, { kind: 'sort', keys: [{ expression: { kind: 'field', name, ...at }, descending: true }], ...at });
}

/** One condition each, so that ClickHouse can try the cheap ones first. */
function conjuncts(condition: Expression): Expression[] {
  if (condition.kind !== 'binary' || condition.operator !== 'and') return [condition];
  return [...conjuncts(condition.left), ...conjuncts(condition.right)];
}

function stats(pipeline: Pipeline, { by, aggregates, offset }: Of<'stats'>): void {
  pipeline.settleLimit();
  if (offset) pipeline.shift(offset.count * UNIT_MS[offset.unit]);
  const { compiler } = pipeline;
  const keys = by.map((item) => ({ name: item.name, value: groupKey(compiler.value(item.expression)) }));
  const results: { name: string; value: Value }[] = [];
  const input = {
    value: (expression: Expression) => compiler.value(expression),
    condition: (expression: Expression) => compiler.condition(expression),
    event: pipeline.event,
  };
  const overRows = new ExpressionCompiler(
    {
      ...pipeline.names(),
      // `max(a) as high, min(a) as low, high - low`
      field: (name, at) => {
        const before = [...results, ...keys].find((result) => result.name === name);
        return before ? before.value : pipeline.field(name, at);
      },
      call: (call) => compileAggregate(call, input),
    },
    pipeline.times,
  );
  for (const { name, expression } of aggregates) {
    const value = overRows.value(expression);
    if (expression.kind === 'field' && !results.some((result) => result.name === expression.name)) {
      throw fault('stats needs an aggregation function', expression);
    }
    results.push({ name, value });
  }
  const outputs: Sql[] = [];
  const fields = new Map<string, Value>();
  const level = pipeline.nextLevel();
  [...keys, ...results].forEach(({ name, value }, i) => {
    const column = pipeline.column(`stat${i}`, level);
    outputs.push(sql`${asColumn(value)} AS ${column}`);
    fields.set(name, columnOf(value, column));
  });
  const events = pipeline.column('events', level);
  let counted = pipeline.events ? sql`sum(${pipeline.events})` : sql`count()`;
  if (by.length === 0 && pipeline.where.length === 0 && readsJsonOnly(pipeline, aggregates)) {
    // Events that are no JSON add nothing, and are cheaper to leave out than to parse; they count as matched all the same.
    counted = sql`(SELECT count() FROM ${pipeline.from} ${pipeline.conditions()})`;
    pipeline.where.push(sql`ascii(${pipeline.event!.message}) IN ${list(FIRST_BYTES_OF_JSON)}`);
  }
  outputs.push(sql`${counted} AS ${events}`);
  const grouping =
    keys.length === 0
      ? sql``
      : sql` GROUP BY ${join(
          keys.map(({ value }) => asColumn(value)),
          ', ',
        )}`;
  pipeline.from = sql`(SELECT ${join(outputs, ', ')} FROM ${pipeline.from} ${pipeline.conditions()}${grouping})`;
  pipeline.source = undefined;
  pipeline.where = [];
  pipeline.event = undefined;
  pipeline.sides.clear();
  pipeline.fields = fields;
  pipeline.events = events;
  pipeline.columns = [...fields.keys()];
  pipeline.grouping = { keys: keys.map(({ name }) => name), bin: binOf(by) };
  pipeline.timeOrder = undefined;
  // AWS promises no order; the newest bin first is what a reader of bins wants.
  pipeline.order = keys.map(({ name }) => {
    const value = fields.get(name)!;
    return { sql: asColumn(value), descending: value.kind === 'time' };
  });
}

/** The key that counts time in bins of one length. */
function binOf(by: readonly Item[]): { name: string; ms: number } | undefined {
  for (const { expression, name } of by) {
    if (expression.kind !== 'call' || !['bin', 'datefloor', 'dateceil'].includes(expression.name)) continue;
    const period = expression.args.find((arg) => arg.kind === 'duration');
    if (period && !['w', 'mo', 'q', 'y'].includes(period.unit))
      return { name, ms: period.count * UNIT_MS[period.unit] };
  }
  return undefined;
}

/** { and [, white space, and the first byte of a byte order mark. */
const FIRST_BYTES_OF_JSON = [123, 91, 32, 9, 10, 13, 239];

function readsJsonOnly(pipeline: Pipeline, aggregates: readonly Item[]): boolean {
  if (!pipeline.source || !pipeline.event) return false;
  return aggregates.every(({ expression }) => {
    if (expression.kind !== 'call' || !expression.args[0]) return false;
    const value = pipeline.compiler.value(expression.args[0]);
    return value.kind === 'json' && value.document.text === pipeline.event?.message.text;
  });
}

/** Rows without the field are a group of their own. */
function groupKey(value: Value): Value {
  return value.kind === 'json' ? text(asText(value)) : value;
}

function columnOf(value: Value, column: Sql): Value {
  switch (value.kind) {
    case 'number':
      return { kind: 'number', sql: column, ...(value.double && { double: true as const }) };
    case 'time':
      return { kind: 'time', sql: column, ...(value.day && { day: true as const }) };
    case 'boolean':
      return { kind: 'boolean', sql: column, present: true };
    default:
      return { kind: 'text', sql: column };
  }
}

function sort(pipeline: Pipeline, { keys }: Of<'sort'>): void {
  pipeline.settleLimit();
  const [first] = keys;
  const byTime = keys.length === 1 && first!.expression.kind === 'field' && first!.expression.name === '@timestamp';
  if (byTime && pipeline.event && !pipeline.fields.has('@timestamp')) {
    pipeline.order = undefined;
    pipeline.timeOrder = first!.descending ? 'DESC' : 'ASC';
    return;
  }
  const order: OrderKey[] = [];
  for (const { expression, descending, missingFirst = false } of keys) {
    const value = pipeline.compiler.value(expression);
    // Rows without the field come last in either direction, unless the query says otherwise.
    order.push({ sql: sql`NOT (${isPresent(value)})`, descending: missingFirst }, { sql: sortKey(value), descending });
  }
  if (pipeline.event) {
    const { timestamp, segment, row } = pipeline.event;
    order.push(...[timestamp, segment, row].map((column) => ({ sql: column, descending: true })));
  }
  pipeline.order = order;
  pipeline.timeOrder = undefined;
}

function dedup(pipeline: Pipeline, { fields, count = 1 }: Of<'dedup'>): void {
  pipeline.settleLimit();
  const values = fields.map((field) => pipeline.compiler.value(field));
  // Rows that lack one of the fields are no duplicates of each other.
  const whole = join(values.map(isPresent), ' AND ');
  const own = pipeline.event ? ownKey(pipeline.event) : sql`rowNumberInAllBlocks()`;
  const none = pipeline.event ? sql`(toUInt32(0), '', toInt64(0), toUInt64(0), toUInt32(0))` : sql`toUInt64(0)`;
  const keys = [...values.map(asColumn), sql`if(${whole}, ${none}, ${own})`];
  pipeline.settle(sql`LIMIT ${count} BY ${join(keys, ', ')}`);
}

/** What no other event has. */
function ownKey({ groupId, stream, timestamp, segment, row }: EventColumns): Sql {
  return sql`(${groupId}, toString(${stream}), ${timestamp}, ${segment}, ${row})`;
}

function unnest(pipeline: Pipeline, { input, into }: Of<'unnest'>): void {
  spread(pipeline, pipeline.compiler.value(input), into);
}

/** A row for each element of a list; what is none is a list of one. */
function spread(pipeline: Pipeline, value: Value, into: string): void {
  const list =
    value.kind === 'json'
      ? value
      : { kind: 'json' as const, document: sql`ifNull(${asText(value)}, '')`, path: [] as string[] };
  // Texts that are no JSON are themselves.
  const items =
    value.kind === 'json'
      ? asList(list)
      : sql`if(startsWith(${list.document}, '['), ${asList(list)}, [toJSONString(${list.document})])`;
  const item = eachOf(pipeline, items);
  pipeline.fields.set(into, { kind: 'json', document: item, path: [] });
}

/** A row for each element of an array: the column that has it. */
function eachOf(pipeline: Pipeline, items: Sql): Sql {
  const name = 'items to spread';
  pipeline.fields.set(name, text(items));
  pipeline.settle();
  const { sql: column } = pipeline.fields.get(name) as { sql: Sql };
  pipeline.fields.delete(name);
  const item = pipeline.column('item', pipeline.nextLevel());
  pipeline.from = sql`(SELECT *, arrayJoin(${column}) AS ${item} FROM ${pipeline.from})`;
  return item;
}
