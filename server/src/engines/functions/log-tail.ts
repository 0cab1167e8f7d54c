// The last 4 KB of an invocation's log, for `LogType: Tail`.

const TAIL_BYTES = 4_096;

export class LogTail {
  #messages: string[] = [];
  #length = 0;

  /** Messages without a line's end, such as Python's errors, run into the next one, as on AWS. */
  add(text: string): void {
    this.#messages.push(text.length > TAIL_BYTES ? text.slice(-TAIL_BYTES) : text);
    this.#length += text.length;
    // Now and then, so that a talkative function costs no more than it must.
    if (this.#length > 16 * TAIL_BYTES) {
      const kept = this.#messages.join('').slice(-TAIL_BYTES);
      this.#messages = [kept];
      this.#length = kept.length;
    }
  }

  toString(): string {
    const bytes = Buffer.from(this.#messages.join(''));
    if (bytes.length <= TAIL_BYTES) return bytes.toString();
    let start = bytes.length - TAIL_BYTES;
    // Not in the middle of a character.
    while (start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start++;
    return bytes.toString('utf8', start);
  }
}
