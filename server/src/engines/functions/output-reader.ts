// Cuts what a runtime writes to its standard output into log messages: a line is one, and so is a frame
// (mark, length, microseconds, text), by which a bootstrap keeps a message of several lines together. The last byte of a mark
// says whether the text is JSON, and which level it has: 0b10 and, from the third bit on, 1 for TRACE to 6 for FATAL.

/** Longer lines become several messages, as in Lambda. */
export const LONGEST_MESSAGE_BYTES = 256 * 1024;
const FRAME_MARK = Buffer.from([0xa5, 0x5a, 0x00]);
const LAST_MARK = 0x1b;
const FRAME_HEAD_BYTES = 16;
/** What claims to be longer is no frame: a function cannot make Brume buffer more than this. */
const LONGEST_FRAME_BYTES = 8 * 1024 * 1024;
const NEWLINE = 0x0a;
const NO_BYTES = Buffer.alloc(0);

/** `severity` of 0 for TRACE up to 5; only of messages that say it. */
export type Emit = (message: string, severity?: number) => void;

export class OutputReader {
  readonly #emit: Emit;
  #pending: Buffer = NO_BYTES;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  read(chunk: Buffer): void {
    const data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let start = 0;
    let mark = findFrame(data, 0);
    while (start < data.length) {
      if (mark >= 0 && mark < start) mark = findFrame(data, start);
      const newline = data.indexOf(NEWLINE, start);
      if (mark >= 0 && (newline < 0 || mark < newline)) {
        if (mark > start) this.#emit(data.toString('utf8', start, mark));
        start = mark;
        const end = frameEnd(data, mark);
        if (end === undefined) break;
        const level = data[mark + 3]! >> 2;
        this.#emitParts(data.subarray(mark + FRAME_HEAD_BYTES, end), level === 0 ? undefined : level - 1);
        start = end;
        continue;
      }
      if (newline < 0) {
        if (data.length - start < LONGEST_MESSAGE_BYTES) break;
        this.#emit(data.toString('utf8', start, start + LONGEST_MESSAGE_BYTES));
        start += LONGEST_MESSAGE_BYTES;
        continue;
      }
      this.#emitParts(data.subarray(start, newline + 1));
      start = newline + 1;
    }
    // A copy, so that a short rest does not keep a large chunk alive.
    this.#pending = start === data.length ? NO_BYTES : Buffer.from(data.subarray(start));
  }

  /** What stands without its line end when an invocation is over. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const rest = this.#pending;
    this.#pending = NO_BYTES;
    this.#emit(rest.toString('utf8'));
  }

  #emitParts(data: Buffer, severity?: number): void {
    if (data.length === 0) return;
    for (let at = 0; at < data.length; at += LONGEST_MESSAGE_BYTES) {
      const text = data.toString('utf8', at, Math.min(at + LONGEST_MESSAGE_BYTES, data.length));
      if (severity === undefined) this.#emit(text);
      else this.#emit(text, severity);
    }
  }
}

function findFrame(data: Buffer, from: number): number {
  let mark = data.indexOf(FRAME_MARK, from);
  while (mark >= 0 && !couldBeFrame(data, mark)) {
    mark = data.indexOf(FRAME_MARK, mark + 1);
  }
  return mark;
}

/** As far as it is there. */
function couldBeFrame(data: Buffer, mark: number): boolean {
  const kind = data[mark + 3] ?? 2;
  return (
    (kind & 2) !== 0 &&
    kind <= LAST_MARK &&
    !(data.length >= mark + 8 && data.readUInt32BE(mark + 4) > LONGEST_FRAME_BYTES)
  );
}

/** Where the frame at `mark` ends; undefined until all of it is there. */
function frameEnd(data: Buffer, mark: number): number | undefined {
  if (data.length < mark + FRAME_HEAD_BYTES) return undefined;
  const end = mark + FRAME_HEAD_BYTES + data.readUInt32BE(mark + 4);
  return data.length < end ? undefined : end;
}
