// What AWS says of a payload that is not JSON. Lambda reads payloads with Jackson's parser of UTF-8 bytes and passes its message on,
// so this reads on as that parser does, up to the first problem, in its words and with its columns (which count bytes).
// https://github.com/FasterXML/jackson-core (UTF8StreamJsonParser, JsonLocation)

const LONGEST_SNIPPET_BYTES = 500;
const LONGEST_TOKEN = 256;
const TOKENS = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
const IDENTIFIER_START = /^[\p{L}\p{Nl}\p{Sc}\p{Pc}]$/u;
const IDENTIFIER_PART = /^[\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{M}\p{Cf}\0-\x08\x0e-\x1b\x7f-\x9f]$/u;
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
const ESCAPES = 'btnfr"/\\';

/** The problem and where it is: `Unrecognized token 'x': was expecting …\n at [Source: (byte[])"x"; line: 1, column: 2]`. */
export function explainBrokenJson(bytes: Uint8Array): string {
  const reader = new Reader(bytes);
  try {
    reader.readAll();
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  const type = reader.nextRootToken;
  // Each value by itself is sound: there are none, or more than one.
  if (type === undefined) return `No content to map due to end-of-input\n at ${reader.location(1, 0)}`;
  const rule = 'not allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`';
  return `Trailing token (of type ${type}) found after value (bound as \`com.fasterxml.jackson.databind.JsonNode\`): ${rule}\n at ${reader.location()}`;
}

class Problem extends Error {}

type Kind = 'root' | 'Array' | 'Object';

interface Context {
  kind: Kind;
  line: number;
  column: number;
  /** Values so far; commas go between them. */
  count: number;
}

class Reader {
  /** The type of the last value at the top. */
  nextRootToken: string | undefined;
  readonly #bytes: Uint8Array;
  readonly #contexts: Context[] = [{ kind: 'root', line: 1, column: 0, count: 0 }];
  #at = 0;
  #line = 1;
  #rowStart = 0;
  /** The parser's current token, which its words on an early end name. */
  #token: string | null = null;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.#at = 3;
  }

  readAll(): void {
    for (;;) {
      const context = this.#contexts.at(-1)!;
      let code = this.#skipSpace();
      if (code === undefined) {
        if (context.kind === 'root') return;
        this.#early(`: expected close marker for ${context.kind} (start marker at ${this.#startOf(context)})`);
      }
      if (code === 0x5d || code === 0x7d) {
        this.#close(context, code);
        continue;
      }
      if (context.kind !== 'root' && context.count > 0) {
        if (code !== 0x2c) this.#unexpected(code, `was expecting comma to separate ${context.kind} entries`);
        code = this.#skipSpace() ?? this.#early(` within/between ${context.kind} entries`);
      }
      context.count++;
      if (context.kind === 'Object') {
        this.#name(code);
        const colon = this.#skipSpace() ?? this.#early(' within/between Object entries');
        if (colon !== 0x3a) this.#unexpected(colon, 'was expecting a colon to separate field name and value');
        code = this.#skipSpace() ?? this.#early(' within/between Object entries');
      }
      this.#token = this.#value(code, context);
      if (context.kind === 'root') this.nextRootToken = this.#token;
    }
  }

  location(line = this.#line, column = this.#at - this.#rowStart + 1): string {
    const head = Buffer.from(this.#bytes.subarray(0, LONGEST_SNIPPET_BYTES)).toString('utf8');
    const rest = this.#bytes.length - LONGEST_SNIPPET_BYTES;
    const cut = rest > 0 ? `[truncated ${rest} bytes]` : '';
    return `[Source: (byte[])"${head}"${cut}; line: ${line}, column: ${column}]`;
  }

  #startOf({ line, column }: Context): string {
    return this.location(line, column);
  }

  #value(code: number, { kind }: Context): string {
    switch (code) {
      case 0x22:
        this.#token = 'VALUE_STRING';
        this.#string();
        return 'VALUE_STRING';
      case 0x5b:
      case 0x7b: {
        const opened = code === 0x5b ? 'Array' : 'Object';
        this.#contexts.push({ kind: opened, line: this.#line, column: this.#at - this.#rowStart, count: 0 });
        return `START_${opened.toUpperCase()}`;
      }
      case 0x2d:
        return this.#number(this.#digitAfterMinus(), kind);
    }
    if (isDigit(code)) return this.#number(code, kind);
    const char = String.fromCharCode(code);
    const literal = LITERALS[char];
    if (literal) {
      this.#match(literal, 1);
      return literal === 'null' ? 'VALUE_NULL' : `VALUE_${literal.toUpperCase()}`;
    }
    if (char === ',' || char === '}' || (char === ']' && kind === 'Array')) this.#unexpected(code, 'expected a value');
    if (char === 'N') this.#nonStandard('NaN', 1);
    if (char === 'I') this.#nonStandard('Infinity', 1);
    if (char === '+') this.#invalidNumberStart(this.#next() ?? this.#early(' in VALUE_NUMBER_INT'));
    if (IDENTIFIER_START.test(char)) this.#unrecognized(char);
    return this.#unexpected(code, `expected a valid value ${TOKENS}`);
  }

  #close(context: Context, code: number): void {
    const fits = context.kind === (code === 0x5d ? 'Array' : 'Object');
    if (!fits) {
      const [found, expected] = code === 0x5d ? [']', '}'] : ['}', ']'];
      const opened = `${context.kind} starting at ${this.#startOf(context)}`;
      this.#fail(`Unexpected close marker '${found}': expected '${expected}' (for ${opened})`);
    }
    this.#contexts.pop();
    this.#token = code === 0x5d ? 'END_ARRAY' : 'END_OBJECT';
  }

  #name(code: number): void {
    if (code !== 0x22) this.#unexpected(this.#decode(code), 'was expecting double-quote to start field name');
    if (this.#at >= this.#bytes.length) this.#early(": was expecting closing '\"' for name");
    this.#quoted('name', () => this.#early(' in field name'));
    this.#token = 'FIELD_NAME';
  }

  #string(): void {
    this.#quoted('string value', () => this.#early(` in ${this.#token}`));
  }

  #quoted(what: string, atEnd: () => never): void {
    for (;;) {
      const code = this.#next() ?? atEnd();
      if (code === 0x22) return;
      if (code === 0x5c) this.#escape();
      else if (code < 0x20) {
        const rule = `has to be escaped using backslash to be included in ${what}`;
        this.#fail(`Illegal unquoted character (${described(code)}): ${rule}`);
      } else if (code > 0x7f) this.#decode(code, atEnd);
    }
  }

  #escape(): void {
    const next = () => this.#next() ?? this.#early(' in character escape sequence');
    const code = next();
    const char = String.fromCharCode(code);
    if (ESCAPES.includes(char)) return;
    if (char !== 'u') this.#fail(`Unrecognized character escape ${described(this.#decode(code))}`);
    for (let digit = 0; digit < 4; digit++) {
      const hex = next();
      if (!/[0-9a-f]/i.test(String.fromCharCode(hex))) {
        this.#unexpected(hex, 'expected a hex-digit for character escape sequence');
      }
    }
  }

  #digitAfterMinus(): number {
    const code = this.#next() ?? this.#early(` in ${this.#token}`);
    return isDigit(code) ? code : this.#invalidNumberStart(code);
  }

  #number(first: number, kind: Kind): string {
    if (first === 0x30 && isDigit(this.#peek())) this.#fail('Invalid numeric value: Leading zeroes not allowed');
    let type = 'VALUE_NUMBER_INT';
    this.#digits();
    if (this.#peek() === 0x2e) {
      this.#at++;
      type = 'VALUE_NUMBER_FLOAT';
      if (this.#digits() === 0) this.#unexpectedInNumber(this.#next() ?? 0x2e, 'Decimal point not followed by a digit');
    }
    if (this.#peek() === 0x65 || this.#peek() === 0x45) {
      this.#at++;
      type = 'VALUE_NUMBER_FLOAT';
      if (this.#peek() === 0x2b || this.#peek() === 0x2d) this.#at++;
      if (this.#peek() === undefined) this.#early(` in ${this.#token}`);
      if (this.#digits() === 0) this.#unexpectedInNumber(this.#next()!, 'Exponent indicator not followed by a digit');
    }
    const after = this.#peek();
    if (kind === 'root' && after !== undefined && !isSpace(after)) {
      this.#at++;
      this.#unexpected(after, 'Expected space separating root-level values');
    }
    return type;
  }

  #digits(): number {
    const from = this.#at;
    while (isDigit(this.#peek())) this.#at++;
    return this.#at - from;
  }

  #invalidNumberStart(code: number): never {
    const second = String.fromCharCode(this.#peek() ?? 0);
    if (code === 0x49 && (second === 'N' || second === 'n')) {
      this.#at++;
      this.#nonStandard(second === 'N' ? '-INF' : '-Infinity', 3);
    }
    return this.#unexpectedInNumber(code, 'expected digit (0-9) to follow minus sign, for valid numeric value');
  }

  #nonStandard(token: string, from: number): never {
    this.#match(token, from);
    this.#fail(`Non-standard token '${token}': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow`);
  }

  /** The rest of a literal, of which `from` characters are read. */
  #match(literal: string, from: number): void {
    for (let index = from; index < literal.length; index++) {
      if (this.#peek() !== literal.charCodeAt(index)) this.#unrecognized(literal.slice(0, index));
      this.#at++;
    }
    const after = this.#peek();
    if (after === undefined || after < 0x30 || after === 0x5d || after === 0x7d) return;
    if (IDENTIFIER_PART.test(String.fromCodePoint(after))) this.#unrecognized(literal);
  }

  #unrecognized(start: string): never {
    let token = start;
    while (this.#at < this.#bytes.length) {
      const char = String.fromCodePoint(this.#decode(this.#next()!));
      if (!IDENTIFIER_PART.test(char)) break;
      token += char;
      if (token.length >= LONGEST_TOKEN) {
        token += '...';
        break;
      }
    }
    return this.#fail(`Unrecognized token '${token}': was expecting ${TOKENS}`);
  }

  /** A character whose first byte is read. */
  #decode(first: number, atEnd: () => never = () => this.#early(` in ${this.#token}`)): number {
    if (first < 0x80) return first;
    const more = (first & 0xe0) === 0xc0 ? 1 : (first & 0xf0) === 0xe0 ? 2 : (first & 0xf8) === 0xf0 ? 3 : 0;
    if (more === 0) this.#fail(`Invalid UTF-8 start byte 0x${first.toString(16)}`);
    let point = first & (0x3f >> more);
    for (let index = 0; index < more; index++) {
      const byte = this.#next() ?? atEnd();
      if ((byte & 0xc0) !== 0x80) this.#fail(`Invalid UTF-8 middle byte 0x${byte.toString(16)}`);
      point = (point << 6) | (byte & 0x3f);
    }
    return point;
  }

  /** The next byte that is no white space, read; undefined at the end. */
  #skipSpace(): number | undefined {
    for (;;) {
      const code = this.#next();
      if (code === undefined || code > 0x20) return code;
      if (code === 0x0a || code === 0x0d) {
        if (code === 0x0d && this.#peek() === 0x0a) this.#at++;
        this.#line++;
        this.#rowStart = this.#at;
      } else if (!isSpace(code)) {
        const rule = 'only regular white space (\\r, \\n, \\t) is allowed between tokens';
        this.#fail(`Illegal character (${described(code)}): ${rule}`);
      }
    }
  }

  #peek(): number | undefined {
    return this.#bytes[this.#at];
  }

  #next(): number | undefined {
    return this.#at < this.#bytes.length ? this.#bytes[this.#at++] : undefined;
  }

  #unexpected(code: number, comment: string): never {
    return this.#fail(`Unexpected character (${described(code)}): ${comment}`);
  }

  #unexpectedInNumber(code: number, comment: string): never {
    return this.#fail(`Unexpected character (${described(code)}) in numeric value: ${comment}`);
  }

  #early(where: string): never {
    return this.#fail(`Unexpected end-of-input${where}`);
  }

  #fail(problem: string): never {
    throw new Problem(`${problem}\n at ${this.location()}`);
  }
}

function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= 0x30 && code <= 0x39;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/** `'x' (code 120)` */
function described(code: number): string {
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return `(CTRL-CHAR, code ${code})`;
  const hex = code > 255 ? ` / 0x${code.toString(16)}` : '';
  return `'${String.fromCodePoint(code)}' (code ${code}${hex})`;
}
