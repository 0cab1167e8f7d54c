// Expressions and conditions. A condition has two outcomes: what compares with a missing field does not hold, and `!=`
// and `not` hold wherever what they deny does not.

import { join, list, type Sql, sql } from '#storage/telemetry/sql.ts';
import { QuerySyntaxError } from '../syntax/query-syntax-error.ts';
import type { ArithmeticOperator, ComparisonOperator, Expression, Query, Span } from '../syntax/tree.ts';
import { UNIT_MS } from './datetime.ts';
import { compileFunction } from './functions.ts';
import { alternatives, plainText, re2 } from './regex.ts';
import {
  asNumber,
  asText,
  boolean,
  constantNumber,
  constantText,
  isDynamic,
  isNumeric,
  number,
  text,
  type Value,
} from './values.ts';

type Call = Expression & { kind: 'call' };

export interface Names {
  /** What a name stands for; `at`, where it stands in the query's text. */
  field(name: string, at?: Span): Value;
  /** The same, beneath the masks of protected data. */
  unmaskedField(name: string): Value;
  /** The texts that a subquery gives for a field of this name, as a SELECT of one column. */
  subquery?(query: Query, name: string | undefined, at: Span): Sql;
  /** A function over other rows, where such may stand. */
  over?(window: Expression & { kind: 'over' }): Value;
  /** Calls that are no functions of a row: aggregates, or columns of stats by their text. */
  call?(call: Call): Value | undefined;
}

export function fault(message: string, { start, end }: Span): QuerySyntaxError {
  return new QuerySyntaxError(message, start, end);
}

/** `!=` is compiled as what it denies. */
const COMPARISONS: Record<ComparisonOperator, Sql> = {
  '=': sql`=`,
  '!=': sql`=`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
};
const MIRRORED: Record<ComparisonOperator, ComparisonOperator> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/** Milliseconds since the epoch. */
export interface QueryTimes {
  nowMs: number;
  startMs: number;
  endMs: number;
}

export class ExpressionCompiler {
  readonly #names: Names;
  readonly times: QueryTimes;

  constructor(names: Names, times: QueryTimes) {
    this.#names = names;
    this.times = times;
  }

  value(expression: Expression): Value {
    switch (expression.kind) {
      case 'field':
        return this.#names.field(expression.name, expression);
      case 'number':
        return constantNumber(expression.value);
      case 'string':
        return constantText(expression.value);
      case 'boolean':
        return { kind: 'boolean', sql: sql`${Number(expression.value)}`, present: true, constant: expression.value };
      case 'duration': {
        const { count, unit } = expression;
        return { kind: 'duration', ms: count * UNIT_MS[unit], count, unit };
      }
      case 'regex':
        throw fault('A regular expression can only stand after like, =~ or parse', expression);
      case 'over':
        if (!this.#names.over) throw fault('A window function cannot stand here', expression);
        return this.#names.over(expression);
      case 'query':
        if (!this.#names.subquery) throw fault('A subquery cannot stand here', expression);
        // ClickHouse refuses one of several rows, as SQL has it; without a row it is missing.
        return text(sql`(${this.#names.subquery(expression.query, undefined, expression)})`);
      case 'call':
        return this.#names.call?.(expression) ?? compileFunction(expression, this);
      case 'unary':
        if (expression.operator === '-') return number(sql`(-${asNumber(this.value(expression.operand))})`);
        break;
      case 'binary': {
        const { operator, left, right } = expression;
        if (isArithmetic(operator)) return this.#arithmetic(operator, left, right);
      }
    }
    return boolean(sql`toUInt8(ifNull(${this.condition(expression)}, 0))`);
  }

  /** Holds where it is 1; NULL counts as 0. */
  condition(expression: Expression): Sql {
    switch (expression.kind) {
      case 'unary':
        if (expression.operator === 'not') return negated(this.condition(expression.operand));
        break;
      case 'binary': {
        const { operator, left, right } = expression;
        switch (operator) {
          case 'and':
            return sql`(${this.condition(left)} AND ${this.condition(right)})`;
          case 'or':
            return sql`(${this.condition(left)} OR ${this.condition(right)})`;
          case 'like':
            return this.#like(left, right);
          case 'not like':
            return negated(this.#like(left, right));
          case '=':
          case '!=':
          case '<':
          case '<=':
          case '>':
          case '>=': {
            const holds = compare(operator, this.value(left), this.value(right));
            return operator === '!=' ? negated(holds) : holds;
          }
        }
        break;
      }
      case 'in': {
        const holds = this.#isOneOf(this.value(expression.value), expression.options);
        return expression.not ? negated(holds) : holds;
      }
      case 'in query': {
        const { not, value, query } = expression;
        if (!this.#names.subquery) throw fault('A subquery cannot stand here', expression);
        const values = this.#names.subquery(query, value.kind === 'field' ? value.name : undefined, expression);
        const holds = sql`(${asText(this.value(value))} IN (${values}))`;
        return not ? negated(holds) : holds;
      }
    }
    return truth(this.value(expression));
  }

  unmasked(expression: Expression): Value {
    if (expression.kind !== 'field') throw fault('unmask takes a field', expression);
    return this.#names.unmaskedField(expression.name);
  }

  #arithmetic(operator: ArithmeticOperator, left: Expression, right: Expression): Value {
    const a = asNumber(this.value(left));
    const b = asNumber(this.value(right));
    switch (operator) {
      case '+':
        return number(sql`(${a} + ${b})`);
      case '-':
        return number(sql`(${a} - ${b})`);
      case '*':
        return number(sql`(${a} * ${b})`);
      case '/':
        return number(sql`(${a} / ${b})`);
      case '%':
        return number(sql`(toFloat64(${a}) % toFloat64(${b}))`);
      case '^':
        return number(sql`power(${a}, ${b})`);
    }
  }

  #like(left: Expression, right: Expression): Sql {
    const value = this.value(left);
    if (right.kind === 'regex') {
      const plain = plainText(right.source);
      if (plain !== undefined) return contains(value, plain);
      const holds = sql`match(${asText(value)}, ${re2(right.source, right)})`;
      const any = value.kind === 'text' && value.message ? alternatives(right.source) : undefined;
      if (!any) return holds;
      const occurs = sql`multiMatchAny(${asText(value)}, [${any.expression}])`;
      // The index of tokens knows match() alone, which need not be asked once more.
      return sql`(${occurs} AND ${any.isExact ? sql`indexHint(${holds})` : holds})`;
    }
    const searched = this.value(right);
    if (searched.kind === 'text' && searched.constant !== undefined) return contains(value, searched.constant);
    return sql`(position(${asText(value)}, ${asText(searched)}) > 0)`;
  }

  #isOneOf(value: Value, options: readonly Expression[]): Sql {
    const texts: string[] = [];
    const numbers: number[] = [];
    const pieces: Sql[] = [];
    for (const option of options.map((each) => this.value(each))) {
      if (option.kind === 'number' && option.constant !== undefined) numbers.push(option.constant);
      else if (option.kind !== 'text' || option.constant === undefined) pieces.push(compare('=', value, option));
      else if (isNumeric(option.constant)) numbers.push(Number(option.constant));
      else texts.push(option.constant);
    }
    if (texts.length > 0) pieces.push(sql`(${asText(value)} IN ${list(texts)})`);
    if (numbers.length > 0) pieces.push(sql`(toFloat64(${asNumber(value)}) IN ${floats(numbers)})`);
    return sql`(${join(pieces, ' OR ')})`;
  }
}

function isArithmetic(operator: string): operator is ArithmeticOperator {
  return ['+', '-', '*', '/', '%', '^'].includes(operator);
}

export function compare(operator: ComparisonOperator, left: Value, right: Value): Sql {
  if (isConstant(left) && !isConstant(right)) return compare(MIRRORED[operator], right, left);
  if (left.kind === 'missing' || right.kind === 'missing') return sql`0`;
  const symbol = COMPARISONS[operator];
  if (right.kind === 'boolean' && right.constant !== undefined && isDynamic(left) && symbol === COMPARISONS['=']) {
    return sql`(lower(${asText(left)}) IN ${list(right.constant ? ['true', '1'] : ['false', '0'])})`;
  }
  if (right.kind === 'text' && right.constant !== undefined && !isNumeric(right.constant)) {
    return narrowed(left, right.constant, operator, sql`(${asText(left)} ${symbol} ${right.constant})`);
  }
  if (isDynamic(left) && isDynamic(right)) {
    const [a, b] = [asNumber(left), asNumber(right)];
    const byText = sql`${asText(left)} ${symbol} ${asText(right)}`;
    return sql`if(isNotNull(${a}) AND isNotNull(${b}), ${a} ${symbol} ${b}, ${byText})`;
  }
  // A day beside a text that is one.
  if ([left, right].some(isDynamic) && [left, right].some((value) => value.kind === 'time' && value.day)) {
    return sql`(${asText(left)} ${symbol} ${asText(right)})`;
  }
  return sql`(${asNumber(left)} ${symbol} ${asNumber(right)})`;
}

function isConstant(value: Value): boolean {
  return 'constant' in value && value.constant !== undefined;
}

/** A field that says true, or a number other than 0. */
function truth(value: Value): Sql {
  if (value.kind === 'boolean') return value.sql;
  if (value.kind === 'missing') return sql`0`;
  if (!isDynamic(value)) return sql`(${asNumber(value)} != 0)`;
  return sql`(ifNull(${asNumber(value)} != 0, 0) OR ifNull(lower(${asText(value)}) = 'true', 0))`;
}

function contains(value: Value, searched: string): Sql {
  // LIKE, because ClickHouse serves it from the token index, which position() does not use.
  const holds = sql`(${asText(value)} LIKE ${`%${searched.replace(/[\\%_]/g, '\\$&')}%`})`;
  return narrowed(value, searched, '=', holds);
}

/**
 * A string of JSON stands in the message as it is unless there is a backslash somewhere: searching the message for both
 * is several times cheaper than parsing it.
 */
function narrowed(value: Value, searched: string, operator: ComparisonOperator, holds: Sql): Sql {
  if (value.kind !== 'json' || !value.ofMessage || (operator !== '=' && operator !== '!=')) return holds;
  // Numbers and structures come out of the parser in its own spelling.
  if (!/^[A-Za-z0-9 _#@-]*$/.test(searched) || !/[A-Za-z]{2}/.test(searched)) return holds;
  return sql`(multiSearchAny(${value.document}, [${searched}, '\\\\']) AND ${holds})`;
}

function negated(condition: Sql): Sql {
  return sql`(NOT ifNull(${condition}, 0))`;
}

function floats(values: readonly number[]): Sql {
  const each = values.map((value) => sql`toFloat64(${value})`);
  return sql`(${join(each, ', ')})`;
}
