// The functions that OpenSearch's languages share, as expressions of the tree. What is not here has no counterpart there.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-ppl.html
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-directquery-sql.html

import type { ArithmeticOperator, BinaryOperator, Expression, Span } from '../syntax/tree.ts';

type Build = (args: Expression[], span: Span) => Expression;

export interface OpenSearchFunction {
  arity: readonly [least: number, most: number];
  build: Build;
}

const MANY = 64;

const named =
  (name: string): Build =>
  (args, { start, end }) => ({ kind: 'call', name, args, start, end });

const operation =
  (operator: ArithmeticOperator): Build =>
  (args, span) =>
    binary(operator, args[0]!, args[1]!, span);

/** Where several names mean the same, the first of the pair lists them. */
const NAMED: [names: string, arity: readonly [number, number], name: string][] = [
  ['abs', [1, 1], 'abs'],
  ['ceil ceiling', [1, 1], 'ceil'],
  ['floor', [1, 1], 'floor'],
  ['sqrt', [1, 1], 'sqrt'],
  ['ln log', [1, 1], 'log'],
  ['greatest', [1, MANY], 'greatest'],
  ['least', [1, MANY], 'least'],
  ['concat', [1, MANY], 'concat'],
  ['ltrim', [1, 1], 'ltrim'],
  ['rtrim', [1, 1], 'rtrim'],
  ['trim', [1, 1], 'trim'],
  ['length char_length character_length', [1, 1], 'strlen'],
  ['lower lcase', [1, 1], 'tolower'],
  ['upper ucase', [1, 1], 'toupper'],
  ['replace', [3, 3], 'replace'],
  ['coalesce', [1, MANY], 'coalesce'],
  ['ifnull nvl', [2, 2], 'coalesce'],
  ['isnotnull ispresent', [1, 1], 'ispresent'],
  ['isempty', [1, 1], 'isempty'],
  ['isblank', [1, 1], 'isblank'],
  ['cidrmatch', [2, 2], 'isIpInSubnet'],
  ['sum', [1, 1], 'sum'],
  ['avg mean', [1, 1], 'avg'],
  ['min', [1, 1], 'min'],
  ['max', [1, 1], 'max'],
  ['median', [1, 1], 'median'],
  ['stddev_pop', [1, 1], 'stddev'],
  ['distinct_count dc distinct_count_approx approx_count_distinct', [1, 1], 'count_distinct'],
];

const BUILT: [names: string, arity: readonly [number, number], build: Build][] = [
  ['power pow', [2, 2], operation('^')],
  ['mod', [2, 2], operation('%')],
  ['isnull', [1, 1], (args, span) => negation(named('ispresent')(args, span))],
  ['like', [2, 2], ([value, pattern], span) => like(value!, pattern!, 's', span)],
  ['substring substr', [2, 3], substring],
];

const FUNCTIONS = new Map<string, OpenSearchFunction>();
for (const [names, arity, name] of NAMED) {
  for (const each of names.split(' ')) FUNCTIONS.set(each, { arity, build: named(name) });
}
for (const [names, arity, build] of BUILT) for (const each of names.split(' ')) FUNCTIONS.set(each, { arity, build });

/** Whatever the case of its letters. */
export function findOpenSearchFunction(name: string): OpenSearchFunction | undefined {
  return FUNCTIONS.get(name.toLowerCase());
}

export function binary(operator: BinaryOperator, left: Expression, right: Expression, span?: Span): Expression {
  return { kind: 'binary', operator, left, right, start: span?.start ?? left.start, end: span?.end ?? right.end };
}

export function negation(operand: Expression): Expression {
  return { kind: 'unary', operator: 'not', operand, start: operand.start, end: operand.end };
}

/**
 * `%` stands for any text and `_` for one character; the pattern is for all of the value. A pattern that is no
 * constant is searched as it is.
 */
export function like(value: Expression, pattern: Expression, flags: 's' | 'is', span?: Span): Expression {
  if (pattern.kind !== 'string') return binary('like', value, pattern, span);
  const inner = /^%([^%_\\]+)%$/.exec(pattern.value)?.[1];
  if (inner !== undefined && flags === 's') return binary('like', value, { ...pattern, value: inner }, span);
  const source = pattern.value.replace(/\\([%_\\])|[%_]|[\\^$.*+?()[\]{}|/]/g, (found, escaped?: string) => {
    if (escaped !== undefined) return escaped === '\\' ? '\\\\' : escaped;
    if (found === '%') return '.*';
    return found === '_' ? '.' : `\\${found}`;
  });
  const { start, end } = pattern;
  return binary('like', value, { kind: 'regex', source: `(?${flags})^${source}$`, start, end }, span);
}

/** Counts from 1; the tree's from 0. */
function substring([text, from, ...length]: Expression[], span: Span): Expression {
  const index: Expression =
    from!.kind === 'number'
      ? { ...from!, value: Math.max(0, from!.value - 1) }
      : binary('-', from!, { kind: 'number', value: 1, start: from!.end, end: from!.end });
  return { kind: 'call', name: 'substr', args: [text!, index, ...length], ...span };
}
