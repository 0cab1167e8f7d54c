// JSON as a list of tokens with places, so that a pattern's error can say where it is. AWS parses patterns with Jackson
// and quotes the place up to which that parser has read; the rules of what it has read by when are kept here.

export type JsonToken =
  | { kind: '{' | '}' | '[' | ']'; place: Place; lazyPlace: Place }
  /** `place` is behind the literal. Jackson reads on to the first character of the value: that is `lazyPlace`. */
  | { kind: 'field'; text: string; place: Place; lazyPlace: Place }
  /** `place` is behind the closing quote, `lazyPlace` behind the opening one. */
  | { kind: 'string'; text: string; place: Place; lazyPlace: Place }
  | { kind: 'number'; text: string; value: number; place: Place; lazyPlace: Place }
  | { kind: 'literal'; text: 'true' | 'false' | 'null'; place: Place; lazyPlace: Place };

/** The line, and the column of the next character, both from 1. */
export interface Place {
  line: number;
  column: number;
}

/** Text that is no JSON, or JSON that is no pattern. */
export class PatternError extends Error {
  readonly reason: string;
  readonly place: Place | undefined;
  /** Set when the text is not JSON at all. */
  readonly malformed: boolean;

  constructor(reason: string, place?: Place, malformed = false) {
    super(place ? `${reason} (line ${place.line}, column ${place.column})` : reason);
    this.name = 'PatternError';
    this.reason = reason;
    this.place = place;
    this.malformed = malformed;
  }
}

/** Deeper nesting is refused before it costs a stack. */
const MAX_DEPTH = 100;

/** The tokens of a JSON text; throws PatternError with Jackson's words when it is none. */
export function tokenizeJson(text: string): JsonToken[] {
  return new Tokenizer(text).run();
}

class Tokenizer {
  readonly #text: string;
  readonly #tokens: JsonToken[] = [];
  /** Where each line starts. */
  readonly #lines: number[] = [0];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lines.push(at + 1);
  }

  run(): JsonToken[] {
    this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#unexpected('Expected end of input');
    return this.#tokens;
  }

  #value(depth: number): void {
    if (depth > MAX_DEPTH) this.#fail(`Document nesting depth (${depth}) exceeds the maximum allowed (${MAX_DEPTH})`);
    this.#space();
    const start = this.#at;
    const character = this.#text[start];
    if (character === '{') {
      this.#object(depth);
    } else if (character === '[') {
      this.#array(depth);
    } else if (character === '"') {
      const text = this.#string();
      this.#push({ kind: 'string', text }, this.#at, start + 1);
    } else {
      this.#numberOrWord(start);
    }
  }

  #numberOrWord(start: number): void {
    const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    number.lastIndex = start;
    const digits = number.exec(this.#text)?.[0];
    if (digits) {
      this.#at += digits.length;
      this.#push({ kind: 'number', text: digits, value: Number(digits) }, this.#at, this.#at);
      return;
    }
    const word = /[A-Za-z_$][\w$]*/y;
    word.lastIndex = start;
    const name = word.exec(this.#text)?.[0];
    if (name === 'true' || name === 'false' || name === 'null') {
      this.#at += name.length;
      this.#push({ kind: 'literal', text: name }, this.#at, this.#at);
      return;
    }
    if (name) {
      this.#at += name.length;
      this.#fail(
        `Unrecognized token '${name}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')`,
      );
    }
    this.#unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')");
  }

  #object(depth: number): void {
    this.#at++;
    this.#push({ kind: '{' }, this.#at, this.#at);
    this.#space();
    if (!this.#take('}')) {
      do {
        this.#space();
        if (this.#text[this.#at] !== '"') this.#unexpected('was expecting double-quote to start field name');
        const text = this.#string();
        const end = this.#at;
        this.#space();
        if (!this.#take(':')) this.#unexpected('was expecting a colon to separate field name and value');
        const index = this.#tokens.length;
        this.#push({ kind: 'field', text }, end, end);
        this.#value(depth + 1);
        this.#tokens[index]!.lazyPlace = this.#tokens[index + 1]!.lazyPlace;
        this.#space();
      } while (this.#take(','));
      if (!this.#take('}')) this.#unexpected('was expecting comma to separate Object entries');
    }
    this.#push({ kind: '}' }, this.#at, this.#at);
  }

  #array(depth: number): void {
    this.#at++;
    this.#push({ kind: '[' }, this.#at, this.#at);
    this.#space();
    if (!this.#take(']')) {
      do {
        this.#value(depth + 1);
        this.#space();
      } while (this.#take(','));
      if (!this.#take(']')) this.#unexpected('was expecting comma to separate Array entries');
    }
    this.#push({ kind: ']' }, this.#at, this.#at);
  }

  #string(): string {
    const literal = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;
    literal.lastIndex = this.#at;
    const found = literal.exec(this.#text)?.[0];
    if (found === undefined) {
      this.#at = this.#text.length;
      this.#fail('Unexpected end-of-input or illegal character in a string value');
    }
    this.#at += found.length;
    return JSON.parse(found);
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #push(token: DistributiveOmit<JsonToken, 'place' | 'lazyPlace'>, end: number, lazyEnd: number): void {
    this.#tokens.push({ ...token, place: this.#place(end), lazyPlace: this.#place(lazyEnd) } as JsonToken);
  }

  #place(at: number): Place {
    let line = this.#lines.length;
    while (this.#lines[line - 1]! > at) line--;
    return { line, column: at - this.#lines[line - 1]! + 1 };
  }

  #unexpected(expectation: string): never {
    const point = this.#text.codePointAt(this.#at);
    if (point === undefined) this.#fail('Unexpected end-of-input');
    this.#fail(`Unexpected character ('${String.fromCodePoint(point)}' (code ${point})): ${expectation}`);
  }

  #fail(reason: string): never {
    throw new PatternError(reason, this.#place(this.#at), true);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
