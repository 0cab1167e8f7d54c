// CloudWatch Logs filter patterns: text -> typed tree -> matcher over log lines, and -> SQL condition over stored ones.
// One language for FilterLogEvents, metric filters, subscription filters and live tail.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

import { type DelimitedPattern, matchDelimited, parseDelimited } from './delimited-pattern.ts';
import { FilterPatternError } from './filter-pattern-error.ts';
import { compileJson, type JsonPattern, parseJsonPattern } from './json-pattern.ts';
import type { LogLine } from './log-line.ts';
import { neededTexts } from './needed-texts.ts';
import { Scanner } from './scanner.ts';
import { compileText, parseText, type TextPattern } from './text-pattern.ts';

export { FilterPatternError } from './filter-pattern-error.ts';
export { LogLine } from './log-line.ts';
export { type SqlCondition, sqlCondition } from './sql-condition.ts';
export { parseValueSelector, selectValue, type ValueSelector } from './value-selector.ts';

export type FilterPattern = { kind: 'all' } | TextPattern | JsonPattern | DelimitedPattern;

export interface Matcher {
  (line: LogLine): boolean;
  /** Every line that matches holds one of these; undefined where any line may match. */
  readonly needed?: readonly string[] | undefined;
}

/** AWS allows two regular expressions in one pattern. */
const MOST_REGEXES = 2;

/**
 * Parses a pattern; an empty one matches every event.
 * Throws FilterPatternError with the offset of the fault.
 */
export function parseFilterPattern(text: string): FilterPattern {
  const scanner = new Scanner(text);
  scanner.skipSpace();
  const pattern = parse(scanner);
  if (scanner.regexes > MOST_REGEXES) {
    throw new FilterPatternError(`a filter pattern can hold at most ${MOST_REGEXES} regular expressions`, 0);
  }
  return pattern;
}

function parse(scanner: Scanner): FilterPattern {
  if (scanner.atEnd()) return { kind: 'all' };
  if (scanner.peek() === '{') return parseJsonPattern(scanner);
  if (scanner.peek() === '[') return parseDelimited(scanner);
  return parseText(scanner);
}

/** The pattern as a function that is cheap to call for every event. */
export function compileMatcher(pattern: FilterPattern): Matcher {
  return Object.assign(compile(pattern), { needed: neededTexts(pattern) });
}

function compile(pattern: FilterPattern): (line: LogLine) => boolean {
  switch (pattern.kind) {
    case 'all':
      return () => true;
    case 'text':
      return compileText(pattern);
    case 'json':
      return compileJson(pattern);
    case 'delimited':
      return (line) => matchDelimited(pattern, line) !== undefined;
  }
}

/** What a space-delimited pattern names in an event (`$status`, and `$7` for what has no name); empty for the others. */
export function extractFields(pattern: FilterPattern, line: LogLine): Record<string, string> {
  if (pattern.kind !== 'delimited') return {};
  const match = matchDelimited(pattern, line);
  if (!match) return {};
  const extracted: Record<string, string> = Object.create(null);
  match.fields.forEach((field, i) => {
    extracted[`$${match.names[i] ?? i + 1}`] = field;
  });
  return extracted;
}

/** How many regular expressions a pattern holds (AWS counts them per log group). */
export function countRegexes(text: string): number {
  const scanner = new Scanner(text);
  scanner.skipSpace();
  parse(scanner);
  return scanner.regexes;
}
