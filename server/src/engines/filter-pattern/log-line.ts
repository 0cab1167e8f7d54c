// A log event's message as matchers see it: parsed as JSON or split into fields at most once, and only when asked.

import { isSpace } from './scanner.ts';

export class LogLine {
  readonly message: string;
  #json: unknown = UNPARSED;
  #split: SplitLine | undefined;

  constructor(message: string) {
    this.message = message;
  }

  /** The message as a JSON object or array; undefined when it is not one. */
  get json(): unknown {
    if (this.#json === UNPARSED) this.#json = parseJson(this.message);
    return this.#json;
  }

  /** The space-delimited fields: what stands between [ ] or " " is one field, without them. */
  get fields(): string[] {
    return this.#splitOnce().fields;
  }

  /** The message from the field at this index on, as it is written. */
  from(index: number): string {
    return this.message.slice(this.#splitOnce().starts[index]);
  }

  #splitOnce(): SplitLine {
    this.#split ??= splitFields(this.message);
    return this.#split;
  }
}

interface SplitLine {
  fields: string[];
  /** Where each field begins, with what encloses it. */
  starts: number[];
}

const UNPARSED = Symbol('not parsed yet');

function parseJson(message: string): unknown {
  let start = 0;
  while (isSpace(message.charCodeAt(start))) start++;
  const first = message[start];
  if (first !== '{' && first !== '[') return undefined;
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}

function splitFields(message: string): SplitLine {
  const fields: string[] = [];
  const starts: number[] = [];
  const { length } = message;
  let position = 0;
  for (;;) {
    while (position < length && isSpace(message.charCodeAt(position))) position++;
    if (position >= length) return { fields, starts };
    starts.push(position);
    const close = CLOSING[message[position]!];
    const end = close === undefined ? -1 : endOfEnclosed(message, position + 1, close);
    if (end >= 0) {
      fields.push(message.slice(position + 1, end));
      position = end + 1;
    } else {
      const start = position++;
      while (position < length && !isSpace(message.charCodeAt(position))) position++;
      fields.push(message.slice(start, position));
    }
  }
}

const CLOSING: Record<string, string> = { '[': ']', '"': '"' };

function endOfEnclosed(message: string, from: number, close: string): number {
  let end = message.indexOf(close, from);
  while (close === '"' && end > 0 && message[end - 1] === '\\') end = message.indexOf(close, end + 1);
  return end;
}
