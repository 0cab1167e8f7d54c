// What a function streams, on its way to the client: the function waits when the client is slow.

/** Unread bytes above which the function waits. */
const MOST_UNREAD_BYTES = 1_048_576;

export class ResponseChunks {
  readonly #signal: AbortSignal;
  readonly #chunks: Buffer[] = [];
  #unread = 0;
  #isEnded = false;
  readonly #first = Promise.withResolvers<undefined>();
  /** The reader, waiting for more. */
  #wake: (() => void) | undefined;
  /** The function, waiting for the reader. */
  #drained: PromiseWithResolvers<void> | undefined;

  /** With a client that has gone nobody waits: what comes is dropped. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#drain(), { once: true });
  }

  /** Resolves when the first bytes are there. */
  get first(): Promise<undefined> {
    return this.#first.promise;
  }

  /** The promise to wait for before more is given. */
  put(bytes: Buffer): Promise<void> | undefined {
    if (this.#signal.aborted) return undefined;
    this.#chunks.push(bytes);
    this.#unread += bytes.length;
    this.#first.resolve(undefined);
    this.#wake?.();
    if (this.#unread <= MOST_UNREAD_BYTES) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const bytes = this.#chunks.shift();
      if (bytes) {
        yield bytes;
        this.#unread -= bytes.length;
        if (this.#unread <= MOST_UNREAD_BYTES) this.#drain();
      } else if (this.#isEnded) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #drain(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
