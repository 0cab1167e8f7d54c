// A cursor over a pattern, and the tokens that the three kinds of pattern share: words, quoted strings and %regexes%.

import { FilterPatternError } from './filter-pattern-error.ts';
import { compileRegex } from './regex.ts';

/** Parentheses deeper than this are refused, so that parsing never runs out of stack. */
const DEEPEST_NESTING = 100;

export class Scanner {
  readonly text: string;
  position = 0;
  /** Regular expressions read so far. */
  regexes = 0;
  #depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  atEnd(): boolean {
    return this.position >= this.text.length;
  }

  peek(): string {
    return this.text[this.position] ?? '';
  }

  skipSpace(): void {
    while (isSpace(this.text.charCodeAt(this.position))) this.position++;
  }

  /** Whether the text goes on with `token`; moves past it if so. */
  take(token: string): boolean {
    if (!this.text.startsWith(token, this.position)) return false;
    this.position += token.length;
    return true;
  }

  expect(token: string): void {
    if (!this.take(token)) this.fail(`expected '${token}'`);
  }

  /** What the sticky expression matches here, moved past; empty when nothing. */
  takeMatch(sticky: RegExp): string {
    sticky.lastIndex = this.position;
    const matched = sticky.exec(this.text)?.[0] ?? '';
    this.position += matched.length;
    return matched;
  }

  /** A double-quoted string at the cursor; `\"` and `\\` stand for themselves. */
  takeQuoted(): string {
    const start = this.position++;
    let value = '';
    for (;;) {
      const character = this.text[this.position++];
      if (character === undefined) throw new FilterPatternError('a quoted string is not closed', start);
      if (character === '"') return value;
      const next = this.text[this.position];
      if (character === '\\' && (next === '"' || next === '\\')) {
        value += next;
        this.position++;
      } else {
        value += character;
      }
    }
  }

  /** `%expression%` at the cursor, checked. */
  takeRegex(): string {
    const start = this.position;
    const end = this.text.indexOf('%', start + 1);
    if (end < 0) throw new FilterPatternError("a regular expression is not closed by '%'", start);
    const source = this.text.slice(start + 1, end);
    compileRegex(source, start + 1);
    this.position = end + 1;
    this.regexes++;
    return source;
  }

  nested<T>(read: () => T): T {
    if (++this.#depth > DEEPEST_NESTING) this.fail(`parentheses are nested deeper than ${DEEPEST_NESTING}`);
    const value = read();
    this.#depth--;
    return value;
  }

  fail(detail: string): never {
    const found = this.atEnd() ? 'the end' : `'${this.text[this.position]}'`;
    throw new FilterPatternError(`${detail}, found ${found}`, this.position);
  }
}

export function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
