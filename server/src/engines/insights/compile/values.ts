// What an expression of the language is in SQL. The language has one loose type: a text that looks like a number is one
// where a number is wanted. So a value is kept as what it was made of, and becomes text or number where it is used.

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';

export type Value =
  /** String or Nullable(String); `message`: that of an event. */
  | { kind: 'text'; sql: Sql; present?: true; constant?: string; message?: true }
  /** Any numeric type; `double`: shown as Java shows one. */
  | { kind: 'number'; sql: Sql; present?: true; constant?: number; double?: true }
  /** Milliseconds since the epoch; `day`: shown without a time of day. */
  | { kind: 'time'; sql: Sql; present?: true; day?: true }
  /** 0 or 1, never NULL. */
  | { kind: 'boolean'; sql: Sql; present: true; constant?: boolean }
  | JsonValue
  | { kind: 'duration'; ms: number; count: number; unit: string }
  | { kind: 'missing' };

/** A place in a JSON text. */
export interface JsonValue {
  kind: 'json';
  document: Sql;
  path: readonly string[];
  /** The document is an event's message, so its text can be searched before it is parsed. */
  ofMessage?: true;
}

export const MISSING: Value = { kind: 'missing' };

export function text(expression: Sql): Value {
  return { kind: 'text', sql: expression };
}

export function number(expression: Sql): Value {
  return { kind: 'number', sql: expression };
}

export function time(expression: Sql): Value {
  return { kind: 'time', sql: expression };
}

export function boolean(expression: Sql): Value {
  return { kind: 'boolean', sql: expression, present: true };
}

export function constantText(value: string): Value {
  return { kind: 'text', sql: sql`${value}`, present: true, constant: value };
}

export function constantNumber(value: number): Value {
  return { kind: 'number', sql: sql`${value}`, present: true, constant: value };
}

/** Nullable(String), or String where the value is always present. */
export function asText(value: Value): Sql {
  switch (value.kind) {
    case 'text':
      return value.sql;
    case 'number':
    case 'boolean':
      return sql`toString(${value.sql})`;
    case 'time':
      if (value.day) return sql`toString(toDate32(fromUnixTimestamp64Milli(${value.sql}, 'UTC')))`;
      return sql`toString(fromUnixTimestamp64Milli(${value.sql}, 'UTC'))`;
    case 'json':
      return extract(value, sql`'Nullable(String)'`);
    case 'duration':
      return sql`${`${value.count}${value.unit}`}`;
    case 'missing':
      return sql`CAST(NULL AS Nullable(String))`;
  }
}

/** Numeric, NULL where the text is no number. */
export function asNumber(value: Value): Sql {
  switch (value.kind) {
    case 'text':
      if (value.constant !== undefined) return isNumeric(value.constant) ? sql`${Number(value.constant)}` : NO_NUMBER;
      return finite(sql`toFloat64OrNull(${value.sql})`);
    case 'number':
    case 'time':
    case 'boolean':
      return value.sql;
    case 'json':
      return finite(extract(value, sql`'Nullable(Float64)'`));
    case 'duration':
      return sql`${value.ms}`;
    case 'missing':
      return NO_NUMBER;
  }
}

const NO_NUMBER = sql`CAST(NULL AS Nullable(Float64))`;

/** ClickHouse reads "nan" and "inf" as numbers; one of them would make a sum of what it stands among. */
function finite(expression: Sql): Sql {
  return sql`if(isFinite(${expression}), ${expression}, NULL)`;
}

/** Number or text, whichever the value is by nature, for what keeps values as they are (group keys, coalesce). */
export function asColumn(value: Value): Sql {
  return value.kind === 'number' || value.kind === 'time' || value.kind === 'boolean' ? value.sql : asText(value);
}

export function isPresent(value: Value): Sql {
  if (value.kind === 'missing') return sql`0`;
  if (value.kind === 'duration' || (value.kind !== 'json' && value.present)) return sql`1`;
  return sql`isNotNull(${asColumn(value)})`;
}

/** Whether it may be text as well as number, as the event has it. */
export function isDynamic(value: Value): boolean {
  return (value.kind === 'text' && value.constant === undefined) || value.kind === 'json';
}

/** What ClickHouse reads as a number, and JavaScript too. */
export function isNumeric(constant: string): boolean {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(constant);
}

// ---- JSON ----

function extract({ document, path }: JsonValue, type: Sql): Sql {
  const nested = sql`JSONExtract(${join([document, ...path.map(step), type], ', ')})`;
  if (path.length < 2) return nested;
  // {"log.level": …}: a key with a dot in it has the same name as a key in an object.
  const key = path.join('.');
  const flat = sql`JSONExtract(${document}, ${key}, ${type})`;
  return sql`if(position(${document}, ${`"${key}"`}) = 0, ${nested}, coalesce(${flat}, ${nested}))`;
}

/** Array elements count from 0 in names, from 1 in ClickHouse. */
function step(name: string): Sql {
  return /^\d{1,9}$/.test(name) ? sql`${Number(name) + 1}` : sql`${name}`;
}

/** The value as JSON. */
export function asJson(value: Value): Sql {
  if (value.kind === 'json') {
    const raw = sql`JSONExtractRaw(${join([value.document, ...value.path.map(step)], ', ')})`;
    return sql`if(${raw} = '', 'null', ${raw})`;
  }
  if (value.kind === 'text' || value.kind === 'time') return sql`toJSONString(${asText(value)})`;
  return sql`ifNull(${asText(value)}, 'null')`;
}

/** The value as an array of JSON texts: what is no list is a list of one. */
export function asList({ document, path }: JsonValue): Sql {
  const place = join([document, ...path.map(step)], ', ');
  return sql`if(JSONType(${place}) = 'Array', JSONExtractArrayRaw(${place}), [JSONExtractRaw(${place})])`;
}
