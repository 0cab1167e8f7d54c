// Patterns over JSON events: { $.status >= 500 && ($.user.name = "a*" || $.retry IS TRUE) }
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-json-log-events.html

import { type Condition, compileCondition, isGroup, parseCondition } from './condition.ts';
import { FilterPatternError } from './filter-pattern-error.ts';
import { compilePrefilter } from './json-prefilter.ts';
import { compileSelector, type JsonSelector, parseSelector } from './json-selector.ts';
import type { LogLine } from './log-line.ts';
import { compileComparison, type Operand, type Operator, parseOperand, parseOperator } from './operand.ts';
import type { Scanner } from './scanner.ts';

export interface JsonPattern {
  kind: 'json';
  condition: JsonCondition;
}

export type JsonCondition = Condition<JsonTest>;

export type JsonTest =
  | { kind: 'comparison'; selector: JsonSelector; operator: Operator; operand: Operand }
  | { kind: 'is'; selector: JsonSelector; value: null | true | false }
  | { kind: 'notExists'; selector: JsonSelector };

/** AWS allows three wildcards in the selectors of one pattern. */
const MOST_WILDCARDS = 3;

export function parseJsonPattern(scanner: Scanner): JsonPattern {
  const start = scanner.position;
  if (!scanner.text.trimEnd().endsWith('}')) {
    throw new FilterPatternError("If a filter pattern starts with '{' it must end with '}'", start, true);
  }
  scanner.expect('{');
  const condition = parseCondition(scanner, parseTest);
  scanner.skipSpace();
  scanner.expect('}');
  scanner.skipSpace();
  if (!scanner.atEnd()) scanner.fail('expected nothing after the closing brace');
  if (countWildcards(condition) > MOST_WILDCARDS) {
    throw new FilterPatternError(`a pattern can hold at most ${MOST_WILDCARDS} wildcard selectors`, start);
  }
  return { kind: 'json', condition };
}

const IS = /IS(?=[^\w])/iy;
const NOT_EXISTS = /NOT\s+EXISTS(?![\w])/iy;
const NULL = /null(?![\w.*+\-:/#])/y;
const IS_VALUE = /(NULL|TRUE|FALSE)(?![\w])/iy;

function parseTest(scanner: Scanner): JsonTest {
  scanner.skipSpace();
  const selector = parseSelector(scanner);
  scanner.skipSpace();
  if (scanner.takeMatch(NOT_EXISTS)) return { kind: 'notExists', selector };
  if (scanner.takeMatch(IS)) {
    scanner.skipSpace();
    const word = scanner.takeMatch(IS_VALUE).toLowerCase();
    if (word === '') scanner.fail('expected NULL, TRUE or FALSE');
    return { kind: 'is', selector, value: word === 'null' ? null : word === 'true' };
  }
  const operator = parseOperator(scanner);
  scanner.skipSpace();
  if (scanner.takeMatch(NULL)) scanner.fail('expected a value (null is IS NULL)');
  return { kind: 'comparison', selector, operator, operand: parseOperand(scanner, operator) };
}

function countWildcards(condition: JsonCondition): number {
  if (isGroup(condition)) return condition.terms.reduce((sum, term) => sum + countWildcards(term), 0);
  return condition.selector.steps.filter((step) => 'any' in step).length;
}

export function compileJson({ condition }: JsonPattern): (line: LogLine) => boolean {
  const holds = compileCondition(condition, compileTest);
  const mayHold = compilePrefilter(condition);
  const ofArrays = readsArrays(condition);
  return (line) => {
    if (mayHold && !mayHold(line.message)) return false;
    const { json } = line;
    return json !== undefined && (ofArrays || !Array.isArray(json)) && holds(json);
  };
}

/** A pattern that begins with properties only is one of objects: what an array lacks does not count as missing. */
function readsArrays(condition: JsonCondition): boolean {
  if (isGroup(condition)) return condition.terms.some(readsArrays);
  return !('property' in condition.selector.steps[0]!);
}

function compileTest(test: JsonTest): (root: unknown) => boolean {
  switch (test.kind) {
    case 'is':
      // AWS finds a null in an array too.
      return compileSelector(
        test.selector,
        (node) => node === test.value || (test.value === null && Array.isArray(node) && node.includes(null)),
      );
    case 'notExists':
      return compileSelector(test.selector, (node) => node === undefined);
    case 'comparison': {
      const compare = compileComparison(test.operator, test.operand);
      // Arrays, objects, booleans, null and what is missing are no values: neither = nor != holds for them.
      return compileSelector(
        test.selector,
        (node) => (typeof node === 'string' || typeof node === 'number') && compare(node),
      );
    }
  }
}
