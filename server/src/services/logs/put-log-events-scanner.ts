// PutLogEvents from the bytes of its JSON body straight to rows as ClickHouse reads them (RowBinary: Int64, String), in one
// pass and without an object or a string for any event: less than JSON.parse alone costs. It knows the bodies that clients
// send; what it does not know, and whatever is wrong with a body, it leaves to the ordinary way, errors and all.

import { isUtf8 } from 'node:buffer';

export interface ScannedLogEvents {
  logGroupName: string;
  logStreamName: string;
  count: number;
  /** UTF-8 bytes of all messages. */
  messageBytes: number;
  /** Of the first and the last event; the events are in order. */
  firstMs: number;
  lastMs: number;
  /** RowBinary of (Int64, String) for each event; good until the next scan. */
  rows: Buffer;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const LIST = 0x5b;
const BACKSLASH = 0x5c;
const LIST_END = 0x5d;
const LETTER_U = 0x75;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

/** Names of members as little-endian words, compared at once. */
const TIME = wordOf('time');
const STAM = wordOf('stam');
const P_QUOTE = 'p'.charCodeAt(0) | (QUOTE << 8);
const MESS = wordOf('mess');
const AGE_QUOTE = wordOf('age"');
/** The longest of them. */
const NAME_BYTES = 10;
/** More digits could be more than a safe integer. */
const MOST_TIMESTAMP_DIGITS = 15;
const TWO_TO_32 = 4_294_967_296;
/** A string's length in two bytes, as most messages need; ClickHouse takes a small number in two as well. */
const LENGTH_BYTES = 2;
const LONGEST_IN_LENGTH_BYTES = 0x3fff;
const INITIAL_CAPACITY = 64 * 1024;

/** What a character after a backslash stands for. */
const ESCAPED = new Uint8Array(256);
for (const [name, meant] of Object.entries({
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
})) {
  ESCAPED[name.charCodeAt(0)] = meant.charCodeAt(0);
}

export class PutLogEventsScanner {
  /** Rows are never longer than the JSON that they come from. */
  #rows = Buffer.allocUnsafeSlow(INITIAL_CAPACITY);
  #view = viewOf(this.#rows);
  #length = 0;
  #count = 0;
  #messageBytes = 0;
  #firstMs = 0;
  #lastMs = 0;

  /** Undefined for what it does not know. */
  scan(body: Buffer): ScannedLogEvents | undefined {
    if (!isUtf8(body)) return undefined;
    if (this.#rows.length < body.length) {
      this.#rows = Buffer.allocUnsafeSlow(body.length);
      this.#view = viewOf(this.#rows);
    }
    let logGroupName: string | undefined;
    let logStreamName: string | undefined;
    let hasEvents = false;
    let at = skipSpace(body, 0);
    if (body[at++] !== OBJECT) return undefined;
    for (;;) {
      at = skipSpace(body, at);
      const name = plainString(body, at);
      if (name === undefined) return undefined;
      at = skipSpace(body, at + name.length + 2);
      if (body[at++] !== COLON) return undefined;
      at = skipSpace(body, at);
      if (name === 'logEvents') {
        if (hasEvents) return undefined;
        hasEvents = true;
        at = this.#scanEvents(body, at);
        if (at < 0) return undefined;
      } else {
        const value = plainString(body, at);
        if (value === undefined) return undefined;
        at += value.length + 2;
        if (name === 'logGroupName' && logGroupName === undefined) logGroupName = value;
        else if (name === 'logStreamName' && logStreamName === undefined) logStreamName = value;
        else if (name !== 'sequenceToken') return undefined;
      }
      at = skipSpace(body, at);
      const next = body[at++];
      if (next === OBJECT_END) break;
      if (next !== COMMA) return undefined;
    }
    if (skipSpace(body, at) !== body.length) return undefined;
    if (logGroupName === undefined || logStreamName === undefined || !hasEvents) return undefined;
    return {
      logGroupName,
      logStreamName,
      count: this.#count,
      messageBytes: this.#messageBytes,
      firstMs: this.#firstMs,
      lastMs: this.#lastMs,
      rows: this.#rows.subarray(0, this.#length),
    };
  }

  /** Where the list ends; negative for what it does not know. Hot: state in locals, no calls for an ordinary event. */
  #scanEvents(body: Buffer, from: number): number {
    const rows = this.#rows;
    const view = this.#view;
    const text = viewOf(body);
    const lastName = body.length - NAME_BYTES;
    let length = 0;
    let count = 0;
    let messageBytes = 0;
    let firstMs = 0;
    let lastMs = 0;
    let at = from;
    if (body[at++] !== LIST) return -1;
    for (;;) {
      if (body[at]! <= SPACE) at = skipSpace(body, at);
      if (body[at++] !== OBJECT) return -1;
      const row = length;
      length += 8;
      let timestamp = -1;
      let hasMessage = false;
      for (;;) {
        if (body[at]! <= SPACE) at = skipSpace(body, at);
        if (body[at++] !== QUOTE) return -1;
        if (at > lastName) return -1;
        const word = text.getUint32(at, true);
        const isTimestamp = word === TIME && timestamp < 0;
        if (isTimestamp) {
          if (text.getUint32(at + 4, true) !== STAM || text.getUint16(at + 8, true) !== P_QUOTE) return -1;
          at += 10;
        } else {
          if (word !== MESS || hasMessage || text.getUint32(at + 4, true) !== AGE_QUOTE) return -1;
          at += 8;
        }
        if (body[at]! <= SPACE) at = skipSpace(body, at);
        if (body[at++] !== COLON) return -1;
        if (body[at]! <= SPACE) at = skipSpace(body, at);

        if (isTimestamp) {
          const start = at;
          timestamp = 0;
          for (let digit = body[at]!; digit >= DIGIT_0 && digit <= DIGIT_9; digit = body[++at]!) {
            timestamp = timestamp * 10 + (digit - DIGIT_0);
          }
          const digits = at - start;
          if (digits === 0 || digits > MOST_TIMESTAMP_DIGITS || (digits > 1 && body[start] === DIGIT_0)) return -1;
        } else {
          if (body[at++] !== QUOTE) return -1;
          const lengthAt = length;
          length += LENGTH_BYTES;
          const start = length;
          for (let byte = body[at]!; byte !== QUOTE; byte = body[at]!) {
            if (byte === BACKSLASH) {
              if (body[at + 1] === LETTER_U) {
                const unit = codeUnit(body, at);
                if (unit < 0) return -1;
                at += 6;
                const low = isHighSurrogate(unit) ? codeUnit(body, at) : -1;
                const isPair = isLowSurrogate(low);
                if (isPair) at += 6;
                length = writeUtf8(rows, length, isPair ? codePoint(unit, low) : unit);
                continue;
              }
              const meant = ESCAPED[body[at + 1]!];
              if (!meant) return -1;
              rows[length++] = meant;
              at += 2;
              continue;
            }
            // A control character, or the end of the body.
            if (!(byte >= SPACE)) return -1;
            rows[length++] = byte;
            at++;
          }
          at++;
          const bytes = length - start;
          if (bytes === 0) return -1;
          messageBytes += bytes;
          hasMessage = true;
          if (bytes <= LONGEST_IN_LENGTH_BYTES) {
            rows[lengthAt] = (bytes & 0x7f) | 0x80;
            rows[lengthAt + 1] = bytes >> 7;
          } else length += lengthenLength(rows, lengthAt, bytes);
        }

        if (body[at]! <= SPACE) at = skipSpace(body, at);
        const next = body[at++];
        if (next === OBJECT_END) break;
        if (next !== COMMA) return -1;
      }
      if (timestamp < lastMs || !hasMessage) return -1;
      view.setUint32(row, timestamp >>> 0, true);
      view.setUint32(row + 4, Math.floor(timestamp / TWO_TO_32), true);
      if (count++ === 0) firstMs = timestamp;
      lastMs = timestamp;
      if (body[at]! <= SPACE) at = skipSpace(body, at);
      const next = body[at++];
      if (next === LIST_END) break;
      if (next !== COMMA) return -1;
    }
    this.#length = length;
    this.#count = count;
    this.#messageBytes = messageBytes;
    this.#firstMs = firstMs;
    this.#lastMs = lastMs;
    return at;
  }
}

/** Of a message that is too long for two bytes: moves it and writes its length in three or four. How much longer that is. */
function lengthenLength(rows: Buffer, lengthAt: number, bytes: number): number {
  const more = bytes < 0x20_0000 ? 1 : 2;
  const start = lengthAt + LENGTH_BYTES;
  rows.copyWithin(start + more, start, start + bytes);
  let rest = bytes;
  for (let at = lengthAt; at < start + more - 1; at++) {
    rows[at] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  rows[start + more - 1] = rest;
  return more;
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  for (let byte = body[at]; byte === SPACE || byte === LINE_FEED || byte === RETURN || byte === TAB; byte = body[++at]);
  return at;
}

/** A string of visible ASCII without escapes, so that it is as long as its bytes. */
function plainString(body: Buffer, from: number): string | undefined {
  if (body[from] !== QUOTE) return undefined;
  const end = body.indexOf(QUOTE, from + 1);
  if (end < 0) return undefined;
  const text = body.toString('latin1', from + 1, end);
  return /^[ !#-[\]-~]*$/.test(text) ? text : undefined;
}

/** The UTF-16 code unit of a `\uXXXX` at `at`; negative for anything else. */
function codeUnit(body: Buffer, at: number): number {
  if (body[at] !== BACKSLASH || body[at + 1] !== LETTER_U) return -1;
  const digits = body.toString('latin1', at + 2, at + 6);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function codePoint(high: number, low: number): number {
  return 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/** A surrogate that stands alone becomes U+FFFD, as wherever a string becomes UTF-8. Where the bytes end. */
function writeUtf8(rows: Buffer, at: number, point: number): number {
  return at + rows.write(String.fromCodePoint(point), at);
}

function wordOf(text: string): number {
  return Buffer.from(text).readUInt32LE();
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
