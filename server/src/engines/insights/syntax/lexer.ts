// Words of a query, read one by one as the parser asks, because `/` begins a regular expression only where one may stand.

import { faultIn, unexpectedSymbol } from './query-syntax-error.ts';
import type { DurationUnit } from './tree.ts';

export type Token =
  | { kind: 'name'; text: string; quoted: boolean; start: number; end: number }
  | { kind: 'number'; value: number; start: number; end: number }
  | { kind: 'duration'; count: number; unit: DurationUnit; start: number; end: number }
  | { kind: 'string'; value: string; start: number; end: number }
  | { kind: 'regex'; source: string; start: number; end: number }
  | { kind: 'symbol'; text: string; start: number; end: number }
  | { kind: 'end'; start: number; end: number };

const SPACE = /(?:\s|#[^\n]*)*/y;
/** Parts of a name are joined by dots; an index stands in brackets or between dots. A part may be in backticks. */
const NAME = /[@$A-Za-z_\u0080-\uffff][\w@$\u0080-\uffff]*(?:\.[\w@$\u0080-\uffff]+|\.`[^`]+`|\[\d+\])*/y;
const FURTHER_PARTS = /(?:\.[\w@$\u0080-\uffff]+|\.`[^`]+`)*/y;
const NUMBER = /(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const DURATION_UNIT = /[A-Za-z]+/y;
const SYMBOL = /!=|<=|>=|=~|==|[|,()[\]{}=<>+\-*/%^:]/y;

// biome-ignore format: one line a unit
const UNITS: Record<string, DurationUnit> = {
  ms: 'ms', msec: 'ms', millisecond: 'ms', milliseconds: 'ms',
  s: 's', sec: 's', second: 's', seconds: 's',
  m: 'm', min: 'm', mins: 'm', minute: 'm', minutes: 'm',
  h: 'h', hr: 'h', hrs: 'h', hour: 'h', hours: 'h',
  d: 'd', day: 'd', days: 'd',
  w: 'w', week: 'w', weeks: 'w',
  mo: 'mo', mon: 'mo', month: 'mo', months: 'mo',
  q: 'q', qtr: 'q', quarter: 'q', quarters: 'q',
  y: 'y', yr: 'y', year: 'y', years: 'y',
};

export class Lexer {
  readonly text: string;
  /** End of the last word that was taken. */
  at = 0;
  #next: Token | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** The next word, without taking it. */
  get next(): Token {
    this.#next ??= this.#read();
    return this.#next;
  }

  take(): Token {
    const token = this.next;
    this.at = token.end;
    this.#next = undefined;
    return token;
  }

  /** The next word is a regular expression if it begins with `/`. */
  regex(): (Token & { kind: 'regex' }) | undefined {
    const { start } = this.next;
    if (this.text[start] !== '/') return undefined;
    let inClass = false;
    for (let at = start + 1; at < this.text.length; at++) {
      const character = this.text[at];
      if (character === '\\') at++;
      else if (character === '[') inClass = true;
      else if (character === ']') inClass = false;
      else if (character === '/' && !inClass) {
        const source = this.text.slice(start + 1, at).replaceAll('\\/', '/');
        this.#next = undefined;
        this.at = at + 1;
        // Flags stand in the expression, as in /(?i)error/; AWS takes none after it.
        if (/[A-Za-z]/.test(this.text[this.at] ?? ''))
          throw unexpectedSymbol(this.text, this.next, ['(?i) within the expression']);
        return { kind: 'regex', source, start, end: this.at };
      }
    }
    throw this.#unclosed('The regular expression', start, '/');
  }

  #read(): Token {
    const start = this.at + this.#match(SPACE, this.at).length;
    const first = this.text[start];
    if (first === undefined) return { kind: 'end', start, end: start };
    if (first === '`') return this.#quotedName(start);
    if (first === '"' || first === "'") return this.#string(start, first);
    const name = this.#match(NAME, start);
    if (name !== '') {
      return { kind: 'name', text: name.replaceAll('`', ''), quoted: false, start, end: start + name.length };
    }
    const digits = this.#match(NUMBER, start);
    if (digits !== '') return this.#number(start, digits);
    const symbol = this.#match(SYMBOL, start);
    if (symbol !== '') return { kind: 'symbol', text: symbol, start, end: start + symbol.length };
    throw unexpectedSymbol(this.text, { start, end: start + 1 });
  }

  #number(start: number, digits: string): Token {
    const end = start + digits.length;
    const word = this.#match(DURATION_UNIT, end);
    if (word === '') return { kind: 'number', value: Number(digits), start, end };
    const unit = UNITS[word] ?? UNITS[word.toLowerCase()];
    if (unit === undefined) {
      throw unexpectedSymbol(this.text, { start: end, end: end + word.length }, ['ms', 's', 'm', 'h', 'd']);
    }
    return { kind: 'duration', count: Number(digits), unit, start, end: end + word.length };
  }

  #quotedName(start: number): Token {
    const end = this.text.indexOf('`', start + 1);
    if (end < 0) throw this.#unclosed('The name', start, '`');
    const rest = this.#match(FURTHER_PARTS, end + 1);
    const text = this.text.slice(start + 1, end) + rest.replaceAll('`', '');
    return { kind: 'name', text, quoted: true, start, end: end + 1 + rest.length };
  }

  /** A backslash takes the next character as it is, but \n, \r and \t are what they usually are. */
  #string(start: number, quote: string): Token {
    let value = '';
    for (let at = start + 1; at < this.text.length; at++) {
      const character = this.text[at]!;
      if (character === quote) return { kind: 'string', value, start, end: at + 1 };
      if (character === '\\' && at + 1 < this.text.length) {
        const escaped = this.text[++at]!;
        value +=
          { n: '\n', r: '\r', t: '\t' }[escaped] ?? (escaped === quote || escaped === '\\' ? escaped : `\\${escaped}`);
      } else value += character;
    }
    throw this.#unclosed('The string', start, quote);
  }

  #unclosed(what: string, start: number, closing: string) {
    return faultIn(this.text, `${what} has no closing ${closing}`, { start, end: this.text.length }, [closing]);
  }

  #match(pattern: RegExp, at: number): string {
    pattern.lastIndex = at;
    return pattern.exec(this.text)?.[0] ?? '';
  }
}
