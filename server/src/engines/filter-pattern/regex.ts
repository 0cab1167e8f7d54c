// Regular expressions of filter patterns. AWS allows letters, digits, the symbols _ # = @ / ; , : - and the operators
// ^ $ ? [ ] { } | \ * + . and no parentheses. Parsed here into alternatives of repeated character sets; run by a
// matcher that takes time in proportion to the text (regex-matcher.ts), and printed for ClickHouse.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html

import { FilterPatternError } from './filter-pattern-error.ts';
import { compileAlternatives, type RegexMatcher } from './regex-matcher.ts';

/** Which symbols an item matches: a flag for each ASCII character, and the last for all others. */
export type SymbolSet = Uint8Array;
export const SYMBOLS = 129;
export const NOT_ASCII = 128;

export type RegexItem =
  | { kind: 'symbols'; symbols: SymbolSet; min: number; max: number }
  | { kind: 'start' }
  | { kind: 'end' };

/** Sequences, one of which must match somewhere in the text. */
export type RegexAlternatives = RegexItem[][];

const ALLOWED = /[A-Za-z0-9:_#=@/;, \-^$?[\]{}|\\*+.]/;
/** ClickHouse's engine refuses longer repetitions. */
const LONGEST_REPETITION = 1000;
/** Symbols of an expression after its repetitions are written out. */
const LARGEST_EXPANSION = 2000;

/** Checks and compiles. `at` is the offset of the expression in the pattern, for the error. */
export function compileRegex(source: string, at = 0): RegexMatcher {
  return compileAlternatives(new RegexParser(source, at).parse());
}

/** The same expression for ClickHouse's match(). */
export function clickhouseRegex(source: string): string {
  return new RegexParser(source, 0)
    .parse()
    .map((sequence) => sequence.map(printItem).join(''))
    .join('|');
}

class RegexParser {
  readonly #source: string;
  readonly #at: number;
  #position = 0;
  #expansion = 0;

  constructor(source: string, at: number) {
    this.#source = source;
    this.#at = at;
  }

  parse(): RegexAlternatives {
    if (this.#source === '') this.#fail('a regular expression is empty');
    const alternatives: RegexAlternatives = [[]];
    while (this.#position < this.#source.length) {
      if (this.#take('|')) alternatives.push([]);
      else alternatives.at(-1)!.push(this.#parseItem());
    }
    return alternatives;
  }

  #parseItem(): RegexItem {
    if (this.#take('^')) return this.#parseAnchor('start');
    if (this.#take('$')) return this.#parseAnchor('end');
    const symbols = this.#parseSymbols();
    const { min, max } = this.#parseQuantifier();
    this.#expansion += max === Number.POSITIVE_INFINITY ? min + 1 : max;
    if (this.#expansion > LARGEST_EXPANSION) this.#fail('the regular expression is too large');
    return { kind: 'symbols', symbols, min, max };
  }

  #parseAnchor(kind: 'start' | 'end'): RegexItem {
    if (/[*+?{]/.test(this.#source[this.#position] ?? '')) this.#fail('invalid regular expression: nothing to repeat');
    return { kind };
  }

  #parseSymbols(): SymbolSet {
    const character = this.#next();
    switch (character) {
      case '.':
        return complement(setOf('\n'));
      case '\\':
        return this.#parseEscape();
      case '[':
        return this.#parseClass();
      case '*':
      case '+':
      case '?':
      case '{':
        return this.#fail('invalid regular expression: nothing to repeat', -1);
      case ']':
      case '}':
        return this.#fail(`invalid regular expression: lone '${character}'`, -1);
      default:
        return setOf(character);
    }
  }

  #parseClass(): SymbolSet {
    const start = this.#position - 1;
    const negated = this.#take('^');
    const members = new Uint8Array(SYMBOLS);
    let empty = true;
    for (; !this.#take(']'); empty = false) {
      if (this.#position >= this.#source.length) {
        this.#position = start;
        this.#fail('invalid regular expression: a class is not closed');
      }
      const low = this.#parseMember();
      if (
        this.#source[this.#position] === '-' &&
        !/^-?\]?$/.test(this.#source.slice(this.#position, this.#position + 2))
      ) {
        this.#position++;
        addRange(members, onlyOne(low), onlyOne(this.#parseMember()), () =>
          this.#fail('invalid regular expression: a range is out of order', -1),
        );
      } else {
        for (let i = 0; i < SYMBOLS; i++) members[i]! |= low[i]!;
      }
    }
    if (empty) {
      this.#position = start;
      this.#fail('invalid regular expression: empty class');
    }
    return negated ? complement(members) : members;
  }

  #parseMember(): SymbolSet {
    const character = this.#next();
    return character === '\\' ? this.#parseEscape() : setOf(character);
  }

  /** After a backslash. */
  #parseEscape(): SymbolSet {
    const character = this.#source[this.#position++];
    switch (character) {
      case undefined:
        return this.#fail('a regular expression ends in a backslash', -2);
      case 'd':
        return DIGITS;
      case 'D':
        return complement(DIGITS);
      case 's':
        return SPACES;
      case 'S':
        return complement(SPACES);
      case 'w':
        return WORD;
      case 'W':
        return complement(WORD);
      case 'x': {
        const digits = /^[0-7][0-9A-Fa-f]/.exec(this.#source.slice(this.#position))?.[0];
        if (!digits) this.#fail('\\x needs two hexadecimal digits of an ASCII character');
        this.#position += 2;
        return setOf(String.fromCharCode(Number.parseInt(digits, 16)));
      }
    }
    if (/[A-Za-z0-9]/.test(character)) {
      this.#fail(`invalid regular expression: unsupported escape '\\${character}'`, -2);
    }
    if (character.charCodeAt(0) > 127) this.#failCharacter(-1);
    return setOf(character);
  }

  #parseQuantifier(): { min: number; max: number } {
    const quantifier = this.#parseBareQuantifier();
    // A lazy quantifier finds a match where the greedy one does.
    if (quantifier) this.#take('?');
    return quantifier ?? { min: 1, max: 1 };
  }

  #parseBareQuantifier(): { min: number; max: number } | undefined {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { min: 0, max: 1 };
    if (this.#source[this.#position] !== '{') return undefined;
    const repetition = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#source.slice(this.#position));
    if (!repetition) return this.#fail('invalid regular expression: expected {m}, {m,} or {m,n}');
    const min = Number(repetition[1]);
    const max = repetition[2] ? (repetition[3] ? Number(repetition[3]) : Number.POSITIVE_INFINITY) : min;
    if (min > LONGEST_REPETITION || (max > LONGEST_REPETITION && max !== Number.POSITIVE_INFINITY)) {
      this.#fail(`invalid regular expression: more than ${LONGEST_REPETITION} repetitions`);
    }
    if (min > max) this.#fail('invalid regular expression: numbers out of order in {}');
    this.#position += repetition[0].length;
    return { min, max };
  }

  #take(token: string): boolean {
    if (this.#source[this.#position] !== token) return false;
    this.#position++;
    return true;
  }

  #next(): string {
    const character = this.#source[this.#position++]!;
    if (!ALLOWED.test(character)) this.#failCharacter(-1);
    return character;
  }

  #fail(detail: string, offset = 0): never {
    throw new FilterPatternError(detail, this.#at + this.#position + offset);
  }

  #failCharacter(offset: number): never {
    throw new FilterPatternError(
      `Invalid character(s) in term '${this.#source}'`,
      this.#at + this.#position + offset,
      true,
    );
  }
}

function setOf(characters: string): SymbolSet {
  const symbols = new Uint8Array(SYMBOLS);
  for (const character of characters) symbols[character.charCodeAt(0)] = 1;
  return symbols;
}

function complement(symbols: SymbolSet): SymbolSet {
  return symbols.map((flag) => 1 - flag);
}

const DIGITS = setOf('0123456789');
const SPACES = setOf(' \t\n\v\f\r');
const WORD = setOf('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_');

/** The code of a set of one character; -1 for others, which cannot bound a range. */
function onlyOne(symbols: SymbolSet): number {
  const first = symbols.indexOf(1);
  return first >= 0 && symbols.indexOf(1, first + 1) < 0 && first < NOT_ASCII ? first : -1;
}

function addRange(members: SymbolSet, low: number, high: number, fail: () => never): void {
  if (low < 0 || high < low) fail();
  members.fill(1, low, high + 1);
}

function printItem(item: RegexItem): string {
  if (item.kind === 'start') return '^';
  if (item.kind === 'end') return '$';
  const { min, max } = item;
  const quantifier =
    min === 1 && max === 1
      ? ''
      : max === Number.POSITIVE_INFINITY
        ? `{${min},}`
        : min === max
          ? `{${min}}`
          : `{${min},${max}}`;
  return printSymbols(item.symbols) + quantifier;
}

/** A class of code ranges, so that nothing depends on the other engine's idea of \s or the dot. */
function printSymbols(symbols: SymbolSet): string {
  const code = (value: number) => `\\x${value.toString(16).padStart(2, '0')}`;
  let ranges = '';
  for (let i = 0; i < NOT_ASCII; i++) {
    if (!symbols[i]) continue;
    const start = i;
    while (i + 1 < NOT_ASCII && symbols[i + 1]) i++;
    ranges += start === i ? code(start) : `${code(start)}-${code(i)}`;
  }
  if (symbols[NOT_ASCII]) ranges += '\\x{80}-\\x{10ffff}';
  return `[${ranges}]`;
}
