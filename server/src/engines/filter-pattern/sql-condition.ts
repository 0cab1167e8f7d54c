// A filter pattern as a ClickHouse condition. It is always sound (no matching event is dropped); where it is exact the
// matcher need not look at the rows again.

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import { type Condition, isGroup } from './condition.ts';
import type { DelimitedPattern, FieldTest } from './delimited-pattern.ts';
import type { FilterPattern } from './filter-pattern.ts';
import type { JsonPattern, JsonTest } from './json-pattern.ts';
import { neededValue } from './json-prefilter.ts';
import type { JsonSelector } from './json-selector.ts';
import { mayBeNumber, type Operand, type Operator } from './operand.ts';
import { clickhouseRegex } from './regex.ts';
import type { Needle, TextPattern } from './text-pattern.ts';

export interface SqlCondition {
  /** Undefined when the pattern cannot narrow the search. */
  where: Sql | undefined;
  /** Whether `where` holds for the matching events and no others. */
  exact: boolean;
}

/** RE2 may refuse to compile long repetitions; such expressions are left to the matcher. */
const LONGEST_SQL_REPETITION = 100;
const BACKSLASH = '\\';

/** `message` is the SQL expression of the event's message. */
export function sqlCondition(pattern: FilterPattern, message: Sql): SqlCondition {
  switch (pattern.kind) {
    case 'all':
      return { where: undefined, exact: true };
    case 'text':
      return textCondition(pattern, message);
    case 'json':
      return { where: jsonCondition(pattern, message), exact: false };
    case 'delimited':
      return { where: delimitedCondition(pattern, message), exact: false };
  }
}

function textCondition({ required, excluded, optional }: TextPattern, message: Sql): SqlCondition {
  const needles = [...required, ...excluded, ...optional];
  const exact = needles.every(fitsSql);
  const some = optional.every(fitsSql) ? optional.map((needle) => occurs(needle, message)) : [];
  return {
    where: and([
      ...required.filter(fitsSql).map((needle) => occurs(needle, message)),
      ...excluded.filter(fitsSql).map((needle) => sql`NOT (${occurs(needle, message)})`),
      or(some),
    ]),
    exact,
  };
}

function fitsSql(needle: Needle): boolean {
  if (needle.kind === 'term') return true;
  return [...needle.source.matchAll(/\d+/g)].every(([digits]) => Number(digits) <= LONGEST_SQL_REPETITION);
}

function occurs(needle: Needle, message: Sql): Sql {
  if (needle.kind === 'term') return contains(message, needle.text);
  return sql`match(${message}, ${clickhouseRegex(needle.source)})`;
}

/**
 * First one condition for each value that stands in every match as it is written: ClickHouse leaves out the rows that fail on it
 * before it looks at the next, so that few are parsed. Then the pattern itself.
 */
function jsonCondition({ condition }: JsonPattern, message: Sql): Sql | undefined {
  const terms = isGroup(condition) && condition.kind === 'and' ? condition.terms : [condition];
  const values = new Set(terms.flatMap((term) => (isGroup(term) ? [] : (neededValue(term) ?? []))));
  const first = [...values].map((value) => orEscaped(contains(message, value), message));
  return and([...first, groupCondition(condition, (test) => jsonTest(test, message))]);
}

/** A JSON text that has no backslash holds its keys and strings as they are; one that has passes on to the matcher. */
function orEscaped(condition: Sql, message: Sql): Sql {
  // For one byte it takes less than LIKE, and here no index would help that.
  return sql`(${condition} OR position(${message}, ${BACKSLASH}) > 0)`;
}

/**
 * Also what ClickHouse finds no value in (its parser refuses some texts that JavaScript's takes), or a key more than once (the
 * first counts for ClickHouse, the last for JavaScript), passes on to the matcher.
 */
function jsonTest(test: JsonTest, message: Sql): Sql | undefined {
  if (test.kind === 'notExists') return undefined;
  const keys = test.selector.steps.flatMap((step) => ('property' in step ? [JSON.stringify(step.property)] : []));
  const pieces = keys.map((key) => contains(message, key));
  if (test.kind === 'is') pieces.push(contains(message, String(test.value)));
  else {
    const { operator, operand } = test;
    if (operator === '=' && operand.kind === 'string' && !mayBeNumber(operand.text)) {
      pieces.push(contains(message, operand.text));
    }
    const raw = rawValue(test.selector, message);
    const holds = raw && valueCondition(sql`trim(BOTH '"' FROM ${raw})`, operator, operand);
    if (holds) {
      const repeated = keys.map((key) => sql`countSubstrings(${message}, ${key}) > 1`);
      pieces.push(or([sql`${raw} = ''`, holds, ...repeated])!);
    }
  }
  const narrowed = and(pieces);
  return narrowed && orEscaped(narrowed, message);
}

/** The text of the selected value; undefined when the selector has a wildcard. */
function rawValue({ steps }: JsonSelector, message: Sql): Sql | undefined {
  const path: Sql[] = [];
  for (const step of steps) {
    if ('any' in step) return undefined;
    path.push('index' in step ? sql`${step.index + 1}` : sql`${step.property}`);
  }
  return sql`JSONExtractRaw(${join([message, ...path], ', ')})`;
}

/** A condition on the value's text, without quotes, that holds wherever the comparison does. */
function valueCondition(text: Sql, operator: Operator, operand: Operand): Sql | undefined {
  if (operand.kind === 'number') {
    const { value } = operand;
    if (operator === '!=' || !Number.isFinite(value)) return undefined;
    // Parsers of numbers may differ in the last digit.
    const slack = Math.abs(value) * 1e-9 + 1e-9;
    const number = sql`toFloat64OrNull(${text})`;
    const atLeast = sql`${number} >= ${value - slack}`;
    const atMost = sql`${number} <= ${value + slack}`;
    if (operator === '=') return and([atLeast, atMost]);
    return operator.startsWith('<') ? atMost : atLeast;
  }
  if (operator !== '=' || operand.kind !== 'string' || mayBeNumber(operand.text)) return undefined;
  if (operand.anyBefore && operand.anyAfter) return undefined;
  if (operand.anyBefore) return sql`endsWith(${text}, ${operand.text})`;
  if (operand.anyAfter) return sql`startsWith(${text}, ${operand.text})`;
  return sql`${text} = ${operand.text}`;
}

function delimitedCondition({ slots }: DelimitedPattern, message: Sql): Sql | undefined {
  const fieldTest = ({ operator, operand }: FieldTest) =>
    operator === '=' && operand.kind === 'string' && operand.text !== '' ? contains(message, operand.text) : undefined;
  return and(
    slots.map((slot) =>
      slot.kind === 'field' && slot.condition ? groupCondition(slot.condition, fieldTest) : undefined,
    ),
  );
}

function groupCondition<Leaf extends { kind: string }>(
  condition: Condition<Leaf>,
  leafCondition: (leaf: Leaf) => Sql | undefined,
): Sql | undefined {
  if (!isGroup(condition)) return leafCondition(condition);
  const terms = condition.terms.map((term) => groupCondition(term, leafCondition));
  if (condition.kind === 'and') return and(terms);
  return terms.includes(undefined) ? undefined : or(terms as Sql[]);
}

/** LIKE, because ClickHouse serves it from the token and n-gram indexes, which position() does not use. */
function contains(message: Sql, text: string): Sql {
  return sql`${message} LIKE ${`%${text.replace(/[\\%_]/g, '\\$&')}%`}`;
}

function and(conditions: readonly (Sql | undefined)[]): Sql | undefined {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length === 0 ? undefined : join(given, ' AND ');
}

function or(conditions: readonly Sql[]): Sql | undefined {
  return conditions.length === 0 ? undefined : sql`(${join(conditions, ' OR ')})`;
}
