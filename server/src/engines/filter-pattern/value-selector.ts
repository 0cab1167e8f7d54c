// Values that metric filters take from a matched event: a number, $.latency of a JSON event, $bytes of a delimited one.

import { type DelimitedPattern, matchDelimited } from './delimited-pattern.ts';
import type { FilterPattern } from './filter-pattern.ts';
import { FilterPatternError } from './filter-pattern-error.ts';
import { type JsonSelector, parseSelector, walk } from './json-selector.ts';
import type { LogLine } from './log-line.ts';
import { Scanner } from './scanner.ts';

export type ValueSelector =
  | { kind: 'constant'; text: string }
  | { kind: 'json'; selector: JsonSelector }
  | { kind: 'field'; name: string };

/** Throws FilterPatternError. */
export function parseValueSelector(text: string): ValueSelector {
  if (!text.startsWith('$')) return { kind: 'constant', text };
  if (/^\$[A-Za-z0-9_-]+$/.test(text)) return { kind: 'field', name: text.slice(1) };
  const scanner = new Scanner(text);
  const selector = parseSelector(scanner);
  if (!scanner.atEnd()) scanner.fail('expected the end of the selector');
  if (selector.steps.some((step) => 'any' in step)) {
    throw new FilterPatternError('a value cannot be selected by a wildcard', 0);
  }
  return { kind: 'json', selector };
}

/** The value in a line that matched the pattern, as text; undefined when the line has none. */
export function selectValue(selector: ValueSelector, pattern: FilterPattern, line: LogLine): string | undefined {
  if (selector.kind === 'constant') return selector.text;
  if (selector.kind === 'json') {
    const node = line.json === undefined ? undefined : walk(line.json, selector.selector.steps);
    return typeof node === 'string' || typeof node === 'number' || typeof node === 'boolean' ? String(node) : undefined;
  }
  return pattern.kind === 'delimited' ? selectField(pattern, selector.name, line) : undefined;
}

function selectField(pattern: DelimitedPattern, name: string, line: LogLine): string | undefined {
  const { fields, names } = matchDelimited(pattern, line) ?? {};
  const named = names?.lastIndexOf(name) ?? -1;
  if (named >= 0) return fields![named];
  const position = /^\d{1,5}$/.test(name) ? Number(name) - 1 : -1;
  return names && names[position] === undefined ? fields![position] : undefined;
}
