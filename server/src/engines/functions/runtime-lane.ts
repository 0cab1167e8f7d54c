// The invocation that runs on one connection of a runtime: what it is told comes to one outcome.

import { LARGEST_RESPONSE_BYTES, type RuntimeRequests } from './runtime-connection.ts';
import type { Outcome, RuntimeExit } from './runtime-process.ts';

/** Takes a stretch of a response as it is made; the runtime waits for the promise. */
export type ChunkSink = (bytes: Buffer, contentType: string) => Promise<void> | undefined;

interface Running {
  requestId: string;
  resolve: (outcome: Outcome) => void;
  onChunk: ChunkSink | undefined;
  /** What was streamed to a caller who wants it whole. */
  gathered: Buffer[];
  gatheredBytes: number;
  /** A streamed response that is whole: the handler may go on until it asks for the next event. */
  streamed?: Outcome;
}

export class RuntimeLane {
  #running: Running | undefined;

  /** What the runtime says of invocations. */
  readonly requests: Pick<RuntimeRequests, 'response' | 'responseTooLarge' | 'error' | 'chunk' | 'streamed'> = {
    response: (requestId, payload) => this.#settle(requestId, { kind: 'response', payload }),
    responseTooLarge: (requestId, size) => this.#settle(requestId, { kind: 'tooLarge', size }),
    error: (requestId, payload, errorType) => this.#settle(requestId, { kind: 'error', errorType, payload }),
    chunk: (requestId, bytes, contentType) => this.#takeChunk(requestId, bytes, contentType),
    streamed: (requestId, error) => this.#endStream(requestId, error),
  };

  /** What the invocation that is about to be sent comes to. With `onChunk` a streamed response goes there. */
  begin(requestId: string, onChunk: ChunkSink | undefined): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#running = { requestId, resolve, onChunk, gathered: [], gatheredBytes: 0 };
    });
  }

  /** The runtime asks for the next event. */
  asked(): void {
    if (this.#running?.streamed) this.#settle(this.#running.requestId, this.#running.streamed);
  }

  /** The runtime ended, or could not begin, with the invocation under way, if there is one. */
  end(outcome: RuntimeExit | Extract<Outcome, { kind: 'error' }>): void {
    this.#running?.resolve(outcome);
    this.#running = undefined;
  }

  #takeChunk(requestId: string, bytes: Buffer, contentType: string): Promise<void> | undefined {
    const running = this.#running;
    if (running?.requestId !== requestId) return undefined;
    if (running.onChunk) return running.onChunk(bytes, contentType);
    running.gatheredBytes += bytes.length;
    if (running.gatheredBytes <= LARGEST_RESPONSE_BYTES) running.gathered.push(bytes);
    return undefined;
  }

  #endStream(requestId: string, error: { errorType: string; body: Buffer } | undefined): void {
    const running = this.#running;
    if (running?.requestId !== requestId) return;
    if (error) {
      this.#settle(requestId, { kind: 'error', errorType: error.errorType, payload: error.body });
      return;
    }
    const { gathered, gatheredBytes: size } = running;
    running.streamed =
      size > LARGEST_RESPONSE_BYTES
        ? { kind: 'tooLarge', size }
        : { kind: 'response', payload: Buffer.concat(gathered) };
  }

  /** Answers to anything but the invocation under way go nowhere. */
  #settle(requestId: string, outcome: Outcome): void {
    if (this.#running?.requestId !== requestId) return;
    const { resolve } = this.#running;
    this.#running = undefined;
    resolve(outcome);
  }
}
