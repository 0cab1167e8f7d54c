// The right-hand side of a condition, in JSON and space-delimited patterns alike: a number, a string with * at its
// ends, or a %regex%.

import { FilterPatternError } from './filter-pattern-error.ts';
import { compileRegex } from './regex.ts';
import type { Scanner } from './scanner.ts';

export const OPERATORS = ['!=', '<=', '>=', '=', '<', '>'] as const;
export type Operator = (typeof OPERATORS)[number];

export type Operand =
  | { kind: 'number'; value: number; text: string }
  | { kind: 'string'; text: string; anyBefore: boolean; anyAfter: boolean }
  | { kind: 'regex'; source: string };

export type Value = string | number;

/** The number grammar of AWS: optional sign, decimals, exponent. */
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
/** What may stand without quotes. */
const WORD = /[\w.*+\-:/#]+/y;
const NOT_A_WORD = /[^\s(),\]}&|]+/y;

export function parseOperator(scanner: Scanner): Operator {
  for (const operator of OPERATORS) if (scanner.take(operator)) return operator;
  return scanner.fail('expected one of = != < <= > >=');
}

export function parseOperand(scanner: Scanner, operator: Operator): Operand {
  const start = scanner.position;
  const operand = parseAnyOperand(scanner);
  if (operand.kind !== 'number' && operator !== '=' && operator !== '!=') {
    throw new FilterPatternError(`expected a number after ${operator}`, start);
  }
  return operand;
}

function parseAnyOperand(scanner: Scanner): Operand {
  if (scanner.peek() === '%') return { kind: 'regex', source: scanner.takeRegex() };
  if (scanner.peek() === '"') return stringOperand(scanner.takeQuoted());
  const start = scanner.position;
  const word = scanner.takeMatch(WORD);
  const rest = scanner.takeMatch(NOT_A_WORD);
  if (rest !== '') throw new FilterPatternError(`Invalid character(s) in term '${word}${rest}'`, start, true);
  if (word === '') scanner.fail('expected a value');
  return NUMBER.test(word) ? { kind: 'number', value: Number(word), text: word } : stringOperand(word);
}

/** An asterisk is a wildcard at the ends only: Ev*ent means itself. */
function stringOperand(text: string): Operand {
  if (text === '*') return { kind: 'string', text: '', anyBefore: true, anyAfter: true };
  const anyBefore = text.startsWith('*');
  const anyAfter = text.endsWith('*');
  return { kind: 'string', text: text.slice(anyBefore ? 1 : 0, anyAfter ? -1 : undefined), anyBefore, anyAfter };
}

/** As AWS compares: a string is no number, however it looks, but equals the number as the pattern spells it. */
export function compileComparison(operator: Operator, operand: Operand): (value: Value) => boolean {
  if (operator === '=') return compileEquality(operand);
  if (operator === '!=') {
    const equals = compileEquality(operand);
    return (value) => !equals(value);
  }
  const limit = (operand as Operand & { kind: 'number' }).value;
  switch (operator) {
    case '<':
      return (value) => typeof value === 'number' && value < limit;
    case '<=':
      return (value) => typeof value === 'number' && value <= limit;
    case '>':
      return (value) => typeof value === 'number' && value > limit;
    case '>=':
      return (value) => typeof value === 'number' && value >= limit;
  }
}

function compileEquality(operand: Operand): (value: Value) => boolean {
  if (operand.kind === 'number') {
    const { value: number, text } = operand;
    return (value) => value === text || value === number;
  }
  if (operand.kind === 'regex') {
    const regex = compileRegex(operand.source);
    return (value) => regex.test(String(value));
  }
  const { text, anyBefore, anyAfter } = operand;
  if (anyBefore && anyAfter) return (value) => String(value).includes(text);
  if (anyBefore) return (value) => String(value).endsWith(text);
  if (anyAfter) return (value) => String(value).startsWith(text);
  return (value) => String(value) === text;
}

/** In AWS's grammar of numbers. */
export function isNumber(text: string): boolean {
  return NUMBER.test(text);
}

/** 4e2 and 400 are one number in two spellings, so a part of a number need not stand in the text. */
export function mayBeNumber(text: string): boolean {
  return /^[-+.\de]*$/i.test(text) || 'Infinity'.includes(text);
}
