// Lines into events: a line that is indented, or that goes on with a stack trace, belongs to the event before it; so
// does a line without a time where the lines of the file have one.

import type { ImportFormat, TimeReader } from './line-time.ts';

export interface ImportEvent {
  message: string;
  /** What the line says; of a line that says nothing the time of the event before. */
  timestamp: number;
}

/** PutLogEvents takes no larger events; what goes on beyond is an event of its own. */
export const LARGEST_MESSAGE_BYTES = 1_048_576 - 26;
/** Lines of one event. */
const MOST_LINES = 10_000;

const CONTINUATION = /^(?:[ \t]+\S|Caused by: |\.\.\. \d+ more|Traceback \(most recent call last\):|[)}\]]+[,;]?$)/;

export class LineJoiner {
  readonly #format: ImportFormat;
  readonly #timeOf: TimeReader;
  readonly #fallbackMs: number;
  #lines: string[] = [];
  #bytes = 0;
  #timeMs: number | undefined;
  #sawTimes = false;
  /** Events whose time is not the line's own. */
  undated = 0;

  /** `fallbackMs` is the time of events before the first line that has one. */
  constructor(format: ImportFormat, timeOf: TimeReader, fallbackMs: number) {
    this.#format = format;
    this.#timeOf = timeOf;
    this.#fallbackMs = fallbackMs;
  }

  /** The event that this line completes, which is never the line's own. */
  push(line: string): ImportEvent | undefined {
    if (line.trim() === '') {
      if (this.#joins && this.#lines.length > 0) this.#append(line);
      return undefined;
    }
    const timeMs = this.#timeOf(line);
    const bytes = Buffer.byteLength(line) + 1;
    const fits = this.#bytes + bytes <= LARGEST_MESSAGE_BYTES && this.#lines.length < MOST_LINES;
    const continues = this.#joins && (CONTINUATION.test(line) || (this.#sawTimes && timeMs === undefined));
    if (this.#lines.length > 0 && fits && continues) {
      this.#append(line);
      return undefined;
    }
    const finished = this.finish();
    if (timeMs === undefined) this.undated++;
    else {
      this.#sawTimes = true;
      this.#timeMs = timeMs;
    }
    this.#append(line);
    return finished;
  }

  /** The last event. */
  finish(): ImportEvent | undefined {
    if (this.#lines.length === 0) return undefined;
    const message = this.#lines.join('\n').trimEnd();
    this.#lines = [];
    this.#bytes = 0;
    return { message, timestamp: this.#timeMs ?? this.#fallbackMs };
  }

  /** Only free text has events of several lines. */
  get #joins(): boolean {
    return this.#format === 'text';
  }

  #append(line: string): void {
    this.#lines.push(line);
    this.#bytes += Buffer.byteLength(line) + 1;
  }
}
