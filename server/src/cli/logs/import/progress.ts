// The progress bar of an import, on stderr of a terminal; nothing elsewhere.

const BAR_WIDTH = 24;
const REDRAW_MS = 100;

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #totalBytes: number;
  readonly #startMs = performance.now();
  #drawnMs = 0;
  #readBytes = 0;
  events = 0;

  constructor(totalBytes: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#totalBytes = totalBytes;
    this.#stream = stream;
  }

  read(bytes: number): void {
    this.#readBytes += bytes;
    const nowMs = performance.now();
    if (!this.#stream.isTTY || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#stream.write(`\r${this.#line()}\x1b[K`);
  }

  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }

  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  #line(): string {
    const share = this.#totalBytes === 0 ? 0 : Math.min(1, this.#readBytes / this.#totalBytes);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
    const perSecond = Math.round(this.events / (this.elapsedMs / 1000));
    const percent = this.#totalBytes === 0 ? '' : ` ${String(Math.floor(share * 100)).padStart(3)}%`;
    return `${bar}${percent}  ${this.events.toLocaleString('en')} events  ${perSecond.toLocaleString('en')}/s`;
  }
}
