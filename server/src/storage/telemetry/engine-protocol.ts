// What the server and its engine process say to each other over one socket pair: frames of a JSON head and, in
// replies, the raw bytes of a result.   head length u32 | body length u32 | head | body

export type EngineRequest =
  /** `lane`: requests of one lane run one after another, `read` excepted. */
  | { id: number; do: 'run'; lane: EngineLane; sql: string; timeoutMs: number }
  /** Ends the request with this id, queued or running. Has no reply of its own. */
  | { id: number; do: 'kill' }
  | { id: number; do: 'close' };

export type EngineLane = 'read' | 'statement' | `insert ${string}`;

export type EngineReply =
  | { id: number; result: 'ok' }
  | { id: number; result: 'error'; code: number; message: string }
  /** Sent once, unasked, when the engine is open (id 0); or why it cannot be. */
  | { id: 0; result: 'ready'; version: string }
  | { id: 0; result: 'unavailable'; message: string };

export interface Frame<Head> {
  head: Head;
  body: Buffer;
}

/** A result larger than this would not fit the server's memory well; the engine refuses it by max_result_bytes. */
export const MAX_RESULT_BYTES = 256 * 1024 * 1024;
const MAX_HEAD_BYTES = 64 * 1024 * 1024;
const PREFIX_BYTES = 8;
const EMPTY = Buffer.alloc(0);

export function encodeFrame(head: EngineRequest | EngineReply, body: Uint8Array = EMPTY): Buffer[] {
  const text = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES + text.length);
  prefix.writeUInt32LE(text.length, 0);
  prefix.writeUInt32LE(body.length, 4);
  text.copy(prefix, PREFIX_BYTES);
  return body.length === 0 ? [prefix] : [prefix, Buffer.from(body.buffer, body.byteOffset, body.length)];
}

/** Takes a socket's chunks and hands out whole frames; copies each byte at most once. */
export class FrameReader<Head> {
  readonly #onFrame: (frame: Frame<Head>) => void;
  #chunks: Buffer[] = [];
  #length = 0;
  #needed = PREFIX_BYTES;

  constructor(onFrame: (frame: Frame<Head>) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= this.#needed) {
      const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      const headLength = bytes.readUInt32LE(0);
      const bodyLength = bytes.readUInt32LE(4);
      if (headLength > MAX_HEAD_BYTES) throw new Error('BUG: not a frame of the engine protocol');
      const total = PREFIX_BYTES + headLength + bodyLength;
      if (bytes.length < total) {
        this.#chunks = [bytes];
        this.#needed = total;
        return;
      }
      const bodyStart = PREFIX_BYTES + headLength;
      const head = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, bodyStart)) as Head;
      this.#chunks = bytes.length === total ? [] : [bytes.subarray(total)];
      this.#length -= total;
      this.#needed = PREFIX_BYTES;
      this.#onFrame({ head, body: bytes.subarray(bodyStart, total) });
    }
  }
}
