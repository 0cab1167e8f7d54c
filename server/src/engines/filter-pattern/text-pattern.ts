// Patterns over unstructured events: ERROR "exact phrase" -excluded ?optional %regex%
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-unstructured-log-events.html

import { FilterPatternError } from './filter-pattern-error.ts';
import type { LogLine } from './log-line.ts';
import { compileRegex } from './regex.ts';
import type { Scanner } from './scanner.ts';

export interface TextPattern {
  kind: 'text';
  /** All of these occur in the event … */
  required: Needle[];
  /** … none of these … */
  excluded: Needle[];
  /** … and, when the pattern has nothing else, one of these. */
  optional: Needle[];
}

export type Needle = { kind: 'term'; text: string } | { kind: 'regex'; source: string };

const WORD = /[^\s"]+/y;

export function parseText(scanner: Scanner): TextPattern {
  const required: Needle[] = [];
  const excluded: Needle[] = [];
  const optional: Needle[] = [];
  while (!scanner.atEnd()) {
    const list = scanner.take('-') ? excluded : scanner.take('?') ? optional : required;
    scanner.skipSpace();
    if (scanner.atEnd()) scanner.fail('expected a term');
    list.push(parseNeedle(scanner));
    scanner.skipSpace();
  }
  // AWS ignores ?terms beside other terms.
  const alone = required.length === 0 && excluded.length === 0;
  return { kind: 'text', required, excluded, optional: alone ? optional : [] };
}

function parseNeedle(scanner: Scanner): Needle {
  const first = scanner.peek();
  const start = scanner.position;
  if (first === '"') {
    const text = scanner.takeQuoted();
    if (text === '') throw new FilterPatternError(`Invalid character(s) in term '""'`, start, true);
    return { kind: 'term', text };
  }
  if (first === '%') return { kind: 'regex', source: scanner.takeRegex() };
  const text = scanner.takeMatch(WORD);
  if (!/^\w+$/.test(text)) throw new FilterPatternError(`Invalid character(s) in term '${text}'`, start, true);
  return { kind: 'term', text };
}

export function compileText({ required, excluded, optional }: TextPattern): (line: LogLine) => boolean {
  const first = required[0];
  if (required.length === 1 && excluded.length === 0 && first?.kind === 'term') {
    const { text } = first;
    return ({ message }) => message.includes(text);
  }
  const all = required.map(compileNeedle);
  const none = excluded.map(compileNeedle);
  const any = optional.map(compileNeedle);
  return ({ message }) => {
    for (const occurs of all) if (!occurs(message)) return false;
    for (const occurs of none) if (occurs(message)) return false;
    if (any.length === 0) return true;
    for (const occurs of any) if (occurs(message)) return true;
    return false;
  };
}

function compileNeedle(needle: Needle): (message: string) => boolean {
  if (needle.kind === 'term') return (message) => message.includes(needle.text);
  const regex = compileRegex(needle.source);
  return (message) => regex.test(message);
}
