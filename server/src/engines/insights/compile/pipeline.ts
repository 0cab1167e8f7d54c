// What the commands before have left: where rows come from, which of them, in what order, and what the names stand for.
// Names are expressions on the columns of `from`; settle() makes columns of them, for a command that needs its rows as they are.

import { identifier, join, list, type Sql, sql } from '#storage/telemetry/sql.ts';
import { printExpression } from '../syntax/printer.ts';
import type { Expression, Query, Span } from '../syntax/tree.ts';
import type { QueriedGroup, QueryScope } from './compile-query.ts';
import { ExpressionCompiler, fault, type Names, type QueryTimes } from './expressions.ts';
import { type EventColumns, eventField, tableColumns } from './fields.ts';
import { MISSING, type Value } from './values.ts';

export interface OrderKey {
  sql: Sql;
  descending: boolean;
}

/** Conditions that select a group's rows in their time, each a range on the table's primary key. */
export interface EventSource {
  groups: readonly QueriedGroup[];
  startMs: number;
  endMs: number;
}

const LONGEST_EXPRESSION = 4_000;
/** Of events, where the query names none. */
export const DEFAULT_COLUMNS: readonly string[] = ['@timestamp', '@message'];

/** What all pipelines of a statement share. */
export interface Statement {
  /** The level of the next sub-select, so that no two have a column of the same name. */
  level: number;
  /** What the queries inside of it read. */
  readonly sources: EventSource[];
  /** The rows of a query inside of this one. */
  inner(query: Query): Pipeline;
  /** The values that a subquery has for a field of this name, as a SELECT of one column. */
  values(query: Query, name: string | undefined, at: Span): Sql;
}

export interface JoinedSide {
  pipeline: Pipeline;
  /** Where there may be no such row: 1 where there is one. */
  matched?: Sql;
}

export class Pipeline {
  readonly scope: QueryScope;
  readonly statement: Statement;
  /** Absent once rows come from a subquery. */
  source: EventSource | undefined;
  from: Sql;
  where: Sql[] = [];
  /** Absent after stats: rows are no events any more. */
  event: EventColumns | undefined;
  readonly groups: readonly QueriedGroup[];
  fields = new Map<string, Value>();
  /** The result's columns; undefined: the default ones. */
  columns: string[] | undefined;
  /** Undefined: newest first for events. */
  order: OrderKey[] | undefined;
  /** The order is that of events in time, which the table is in. */
  timeOrder: 'ASC' | 'DESC' | undefined = 'DESC';
  limit: number | undefined;
  /** How many events a row stands for. */
  events: Sql | undefined;
  /** After stats: its keys, and the one that counts time. */
  grouping: { keys: string[]; bin: { name: string; ms: number } | undefined } | undefined;
  /** After a join: the rows on either side, by alias. Their columns are columns of `from`. */
  readonly sides = new Map<string, JoinedSide>();

  constructor(scope: QueryScope, source: EventSource, statement: Statement) {
    this.scope = scope;
    this.statement = statement;
    this.groups = source.groups;
    this.from = sql`log_events`;
    this.source = source;
    this.event = tableColumns(source.groups);
  }

  get compiler(): ExpressionCompiler {
    return new ExpressionCompiler(this.names(), this.times);
  }

  get times(): QueryTimes {
    const { nowMs, endMs, startMs, innerStartMs = startMs } = this.scope;
    return { nowMs, startMs: innerStartMs, endMs };
  }

  names(): Names {
    return {
      field: (name, at) => this.field(name, at),
      unmaskedField: (name) => this.#sideOf(name)?.unmaskedField() ?? this.#event(name, false),
      subquery: this.statement.values,
      // `sort count(*) desc`: a column of stats may be named by its own text.
      ...(!this.event && { call: (call: Expression) => this.#columnSpelled(printExpression(call)) }),
    };
  }

  #columnSpelled(spelling: string): Value | undefined {
    for (const [name, value] of this.fields) if (normal(name) === normal(spelling)) return value;
    return undefined;
  }

  /** Throws for a name of nothing, where `at` tells its place and AWS refuses it: after stats. */
  field(name: string, at?: Span): Value {
    const known = this.fields.get(name) ?? this.#sideOf(name)?.field();
    if (known) return known;
    // A member of what jsonParse or unnest gave.
    for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
      const whole = this.fields.get(name.slice(0, dot));
      if (whole?.kind === 'json') return { ...whole, path: [...whole.path, ...name.slice(dot + 1).split('.')] };
    }
    if (at && !this.event && this.grouping) throw fault(`Unknown symbols found in or after stats: ${name}`, at);
    return this.#event(name, true);
  }

  #event(name: string, masked: boolean): Value {
    const event = masked ? this.shownEvent : this.event;
    return event ? eventField(name, event, this.groups) : MISSING;
  }

  /** With what is protected masked. */
  get shownEvent(): EventColumns | undefined {
    const { event } = this;
    const { maskMessage } = this.scope;
    if (!event || !maskMessage) return event;
    const { message, transformed } = event;
    return {
      ...event,
      message: maskMessage(message, event),
      ...(transformed && { transformed: maskMessage(transformed, event) }),
    };
  }

  #sideOf(name: string) {
    const dot = name.indexOf('.');
    const side = dot < 0 ? undefined : this.sides.get(name.slice(0, dot));
    if (!side) return undefined;
    const rest = name.slice(dot + 1);
    const { pipeline, matched } = side;
    const found = (value: Value) => (matched ? whereMatched(value, matched) : value);
    return {
      field: () => found(pipeline.field(rest)),
      unmaskedField: () => found(pipeline.names().unmaskedField(rest)),
    };
  }

  define(name: string, value: Value): void {
    this.fields.set(name, value);
    if ('sql' in value && value.sql.text.length > LONGEST_EXPRESSION) this.settle();
  }

  /** Whichever rows are found first will do. */
  inAnyOrder(): void {
    this.order = [];
    this.timeOrder = undefined;
  }

  /** Events of so long before, as if they were of now. */
  shift(ms: number): void {
    if (this.event) this.event = { ...this.event, timestamp: sql`(${this.event.timestamp} + ${ms})` };
    const { source } = this;
    if (source) this.source = { ...source, startMs: source.startMs - ms, endMs: source.endMs - ms };
  }

  nextLevel(): number {
    return this.statement.level++;
  }

  /** A name that no other level of the statement has, nor the table. */
  column(name: string, level: number): Sql {
    return identifier(`${name}_${level}`);
  }

  show(names: readonly string[]): void {
    this.columns = [...new Set([...(this.columns ?? []), ...names])];
  }

  /** Shows more columns beside those of now. */
  add(names: readonly string[]): void {
    this.columns ??= [...DEFAULT_COLUMNS];
    this.show(names);
  }

  /** WHERE …, of one group or of all. */
  conditions(only?: QueriedGroup): Sql {
    const conditions = this.source ? eventConditions(this.source, only) : [];
    const all = [...conditions, ...this.where.map((condition) => sql`(${condition})`)];
    return all.length === 0 ? sql`` : sql`WHERE ${join(all, ' AND ')}`;
  }

  orderKeys(): OrderKey[] {
    if (this.order) return this.order;
    if (!this.event) return [];
    const { timestamp, segment, row } = this.event;
    return [timestamp, segment, row].map((column) => ({ sql: column, descending: this.timeOrder !== 'ASC' }));
  }

  /** For a command that looks at the rows within the limit. */
  settleLimit(): void {
    if (this.limit !== undefined) this.settle();
  }

  /** The same rows from a subquery, in which all names are columns, the limit is applied, and the order kept as columns. */
  settle(by?: Sql): void {
    const { outputs, column } = this.#outputs();
    const event = this.event && mapColumns(this.event, column);
    const fields = settledFields(this.fields, column);
    const events = this.events && column(this.events, 'events');
    const keys = this.orderKeys();
    const kept = this.limit !== undefined || by ? sql`ORDER BY ${orderBy(keys)} ` : sql``;
    const ordered = keys.length > 0 ? kept : sql``;
    const order = this.order?.map(({ sql: key, descending }, i) => ({ sql: column(key, `order${i}`), descending }));
    for (const side of this.sides.values()) if (side.pipeline !== this) outputs.push(...this.#settleSide(side));
    const limited = this.limit === undefined ? sql`` : sql` LIMIT ${this.limit}`;
    this.from = sql`(SELECT ${join(outputs, ', ')} FROM ${this.from} ${this.conditions()} ${ordered}${by ?? sql``}${limited})`;
    this.source = undefined;
    this.where = [];
    this.event = event;
    this.fields = fields;
    this.events = events;
    this.order = order;
    this.limit = undefined;
  }

  /** The columns of a sub-select, as they are added. */
  #outputs() {
    const outputs: Sql[] = [];
    const level = this.nextLevel();
    const column = (expression: Sql, name: string) => {
      const given = this.column(name, level);
      outputs.push(sql`${expression} AS ${given}`);
      return given;
    };
    return { outputs, column };
  }

  #settleSide(side: JoinedSide): Sql[] {
    const { outputs, column } = this.#outputs();
    const { pipeline, matched } = side;
    pipeline.event &&= mapColumns(pipeline.event, column);
    pipeline.fields = settledFields(pipeline.fields, column);
    if (matched) side.matched = column(matched, 'matched');
    return outputs;
  }
}

/** `count( * )` and `count()` are `count(*)`. */
function normal(name: string): string {
  return name.replace(/\s+/g, '').replace('(*)', '()').toLowerCase();
}

function mapColumns(event: EventColumns, map: (column: Sql, name: string) => Sql): EventColumns {
  return Object.fromEntries(
    Object.entries(event).map(([name, column]) => [name, map(column as Sql, name)]),
  ) as unknown as EventColumns;
}

function settledFields(
  fields: ReadonlyMap<string, Value>,
  column: (expression: Sql, name: string) => Sql,
): Map<string, Value> {
  let count = 0;
  const settle = (value: Value) => settled(value, (expression) => column(expression, `field${count++}`));
  return new Map([...fields].map(([name, value]) => [name, settle(value)]));
}

function settled(value: Value, column: (expression: Sql) => Sql): Value {
  switch (value.kind) {
    case 'json':
      // The document would go along whole; a member of it is text or number as well, and is little.
      return { kind: 'json', document: column(value.document), path: value.path };
    case 'missing':
    case 'duration':
      return value;
    default:
      if ('constant' in value && value.constant !== undefined) return value;
      return { ...value, sql: column(value.sql) } as Value;
  }
}

/** What a row has that may be missing; ClickHouse fills its columns with zeros and empty texts. */
export function whereMatched(value: Value, matched: Sql): Value {
  switch (value.kind) {
    case 'json':
    case 'missing':
    case 'duration':
      return value;
    case 'number':
      return { kind: 'number', sql: sql`if(${matched}, ${value.sql}, NULL)`, ...(value.double && { double: true }) };
    case 'boolean':
      return { kind: 'number', sql: sql`if(${matched}, ${value.sql}, NULL)` };
    case 'time':
      return { kind: 'time', sql: sql`if(${matched}, ${value.sql}, NULL)`, ...(value.day && { day: true }) };
    default:
      return { kind: value.kind, sql: sql`if(${matched}, ${value.sql}, NULL)` };
  }
}

/** NULL last, and texts in natural order before numbers where a key may be either: see sort in commands.ts. */
export function orderBy(keys: readonly OrderKey[]): Sql {
  return join(
    keys.map(({ sql: key, descending }) => (descending ? sql`${key} DESC NULLS LAST` : sql`${key} ASC NULLS LAST`)),
    ', ',
  );
}

export function eventConditions({ groups, startMs, endMs }: EventSource, only?: QueriedGroup): Sql[] {
  const read = only ? [only] : groups;
  const conditions: Sql[] = [];
  if (read.length === 1) conditions.push(sql`group_id = ${read[0]!.id}`);
  else conditions.push(sql`group_id IN ${list(read.map(({ id }) => id))}`);
  const oldest = (group: QueriedGroup) => Math.max(startMs, group.oldestKeptMs ?? startMs);
  const oldestOfAll = read.length === 0 ? startMs : Math.min(...read.map(oldest));
  conditions.push(sql`timestamp >= ${oldestOfAll}`, sql`timestamp <= ${endMs}`);
  for (const group of read) {
    if (oldest(group) > oldestOfAll) conditions.push(sql`(group_id != ${group.id} OR timestamp >= ${oldest(group)})`);
    const { hiddenStreams = [], ingestedSinceMs = 0 } = group;
    const ofGroup: Sql[] = [];
    if (hiddenStreams.length > 0) ofGroup.push(sql`stream NOT IN ${list(hiddenStreams)}`);
    if (ingestedSinceMs > 0) ofGroup.push(sql`ingestion_time >= ${ingestedSinceMs}`);
    for (const condition of ofGroup) {
      conditions.push(read.length === 1 ? condition : sql`(group_id != ${group.id} OR ${condition})`);
    }
  }
  return conditions;
}
