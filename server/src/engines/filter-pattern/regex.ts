// Regular expressions of filter patterns: AWS allows letters, digits, the symbols _ # = @ / ; , : - and the operators
// ^ $ ? [ ] { } | \ * + . and no parentheses. \s means ASCII space, as it does for AWS and (spelled out) for ClickHouse.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html

import { FilterPatternError } from './filter-pattern-error.ts';

const ALLOWED = /[A-Za-z0-9:_#=@/;, \-^$?[\]{}|\\*+.]/;
const CLASS_ESCAPES = 'dDsSwW';

/** RE2, which ClickHouse runs stored events through, refuses longer repetitions. */
const LONGEST_REPETITION = 1000;

/** The expression as a RegExp. `at` is its offset in the pattern, for the error. */
export function compileRegex(source: string, at = 0): RegExp {
  if (source === '') throw new FilterPatternError('a regular expression is empty', at);
  const translated = translate(source, at, '\\u{10ffff}');
  try {
    return new RegExp(translated, 'u');
  } catch (cause) {
    const reason = (cause as Error).message.replace(/^Invalid regular expression: \/.*\/u?: /s, '');
    throw new FilterPatternError(`invalid regular expression: ${reason}`, at);
  }
}

/** The same expression for ClickHouse's match(), whose dot would match line breaks too. */
export function clickhouseRegex(source: string): string {
  return `(?-s)${translate(source, 0, '\\x{10ffff}')}`;
}

/** `last` is how the engine writes the highest code point. */
function translate(source: string, at: number, last: string): string {
  let output = '';
  let inClass = false;
  for (let i = 0; i < source.length; i++) {
    const character = source[i]!;
    const position = at + i;
    if (character === '\\') {
      const next = source[++i];
      if (next === undefined) throw new FilterPatternError('a regular expression ends in a backslash', position);
      if (next === 'x') {
        const hex = /^[0-9A-Fa-f]{2}/.exec(source.slice(i + 1))?.[0];
        if (!hex) throw new FilterPatternError('\\x needs two hexadecimal digits', position);
        output += `\\x${hex}`;
        i += 2;
      } else if (next === 's') {
        output += inClass ? '\\t-\\r ' : '[\\t-\\r ]';
      } else if (next === 'S') {
        output += inClass ? `\\x00-\\x08\\x0e-\\x1f!-${last}` : '[^\\t-\\r ]';
      } else if (CLASS_ESCAPES.includes(next)) {
        output += `\\${next}`;
      } else if (/[A-Za-z0-9]/.test(next)) {
        throw new FilterPatternError(`invalid regular expression: unsupported escape '\\${next}'`, position);
      } else if (next.charCodeAt(0) > 127) {
        throw new FilterPatternError(`Invalid character(s) in term '${source}'`, position, true);
      } else {
        output += escapePunctuation(next);
      }
    } else if (!ALLOWED.test(character)) {
      throw new FilterPatternError(`Invalid character(s) in term '${source}'`, position, true);
    } else if (inClass) {
      if (character === ']') inClass = false;
      output += character === '[' ? '\\[' : character;
    } else if (character === '[') {
      inClass = true;
      output += character;
      if (source[i + 1] === '^') output += source[++i];
      if (source[i + 1] === ']') throw new FilterPatternError('invalid regular expression: empty class', position);
    } else if (character === '{') {
      const repetition = /^\{(\d+)(,(\d*))?\}/.exec(source.slice(i));
      if (!repetition)
        throw new FilterPatternError('invalid regular expression: expected {m}, {m,} or {m,n}', position);
      if (Math.max(Number(repetition[1]), Number(repetition[3] ?? 0)) > LONGEST_REPETITION) {
        throw new FilterPatternError(
          `invalid regular expression: more than ${LONGEST_REPETITION} repetitions`,
          position,
        );
      }
      output += repetition[0];
      i += repetition[0].length - 1;
    } else {
      output += character;
    }
  }
  return output;
}

/** Punctuation written so that both engines take it as itself. */
function escapePunctuation(character: string): string {
  const code = character.charCodeAt(0);
  return `\\x${code.toString(16).padStart(2, '0')}`;
}
