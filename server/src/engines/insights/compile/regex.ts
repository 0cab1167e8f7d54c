// Regular expressions of queries, written as Java's are, for ClickHouse's engine (RE2), which takes time in proportion
// to the text. What RE2 lacks is refused rather than taken for something else.

import { QuerySyntaxError } from '../syntax/query-syntax-error.ts';
import type { Span } from '../syntax/tree.ts';

const LACKING: [pattern: RegExp, what: string][] = [
  [/^\(\?<?[=!]/, 'look-around'],
  [/^\(\?>/, 'an atomic group'],
  [/^\\[1-9]/, 'a back-reference'],
  [/^\\k</, 'a back-reference'],
  [/^[*+?}]\+/, 'a possessive quantifier'],
];

/** The expression as RE2 reads it. Throws QuerySyntaxError at `span` for what it cannot. */
export function re2(source: string, span: Span): string {
  let translated = '';
  let inClass = false;
  let dot = false;
  for (let at = 0; at < source.length; ) {
    const rest = source.slice(at);
    const lacking = inClass ? undefined : LACKING.find(([pattern]) => pattern.test(rest));
    if (lacking)
      throw new QuerySyntaxError(
        `Regular expressions have no ${lacking[1].replace(/^an? /, '')} here`,
        span.start,
        span.end,
      );
    const piece = rest.startsWith('\\') ? rest.slice(0, 2) : !inClass && rest.startsWith('(?<') ? '(?<' : rest[0]!;
    at += piece.length;
    if (piece === '[') inClass = true;
    else if (piece === ']') inClass = false;
    else if (piece === '.' && !inClass) dot = true;
    translated += piece === '(?<' ? '(?P<' : piece === '\\Z' ? '\\z' : piece;
  }
  check(source, span);
  // ClickHouse lets a dot match a line feed; Java does not.
  return dot ? `(?-s)${translated}` : translated;
}

/** The text that an expression without operators looks for; undefined when it has some. */
export function plainText(source: string): string | undefined {
  if (/[\^$.|?*+()[\]{}]/.test(source.replace(/\\\W/g, '')) || /\\\w/.test(source)) return undefined;
  return source.replace(/\\(\W)/g, '$1');
}

/** Longer expressions may be too large for the engine. */
const LONGEST_ALTERNATIVES = 200;

/**
 * An expression of alternatives, for multiMatchAny(), which tells twice as fast that none occurs and asks the token index
 * for each of them; undefined for what its engine might read otherwise. It finds at least what match() finds, and just that
 * where `isExact`: texts, classes and groups mean the same to both engines.
 */
export function alternatives(source: string): { expression: string; isExact: boolean } | undefined {
  if (!source.includes('|') || source.length > LONGEST_ALTERNATIVES) return undefined;
  const plain = source.replace(/\\[dws\-./"'|+*?()[\]]/g, 'x').replace(/\(\?:/g, '(');
  // Without anchors, counts, other groups and letters beyond ASCII.
  if (!/^[A-Za-z0-9 _"'/:;,=#@!%&<>~.|?*+()[\]-]*$/.test(plain) || /\(\?|\|\||^\||\|$/.test(plain)) return undefined;
  return { expression: source, isExact: !/[.?*+]/.test(plain) && !source.includes('\\s') };
}

/** JavaScript reads nearly the same language, and tells faults at once. */
function check(source: string, span: Span): void {
  try {
    new RegExp(
      source
        .replace(/\(\?[a-zA-Z-]+\)/g, '')
        .replace(/\(\?[a-zA-Z-]+:/g, '(?:')
        .replace(/\(\?P</g, '(?<'),
    );
  } catch (error) {
    const reason = (error as Error).message.replace(/^Invalid regular expression: .*: /s, '');
    throw new QuerySyntaxError(`Invalid regular expression: ${reason}`, span.start, span.end);
  }
}
