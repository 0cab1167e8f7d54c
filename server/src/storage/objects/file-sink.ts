// Writes chunks to a file in order. What arrives while a write is under way goes out with the next, so that a fast
// sender and a slow disk overlap, within bounds.

import type { FileHandle } from 'node:fs/promises';

/** Chunks gather up to here while a write is under way; then the sender has to wait. */
const GATHERED_BYTES = 1024 * 1024;
/** After so much the kernel is told to start writing, so that the last fsync does not find all of it still to do. */
const WRITE_BACK_BYTES = 16 * 1024 * 1024;

export class FileSink {
  readonly #file: FileHandle;
  readonly #durable: boolean;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #writing: Promise<void> | undefined;
  #writingBack: Promise<void> | undefined;
  #notWrittenBack = 0;
  #size = 0;
  #failure: unknown;

  constructor(file: FileHandle, durable: boolean) {
    this.#file = file;
    this.#durable = durable;
  }

  /** Resolves when the next chunk may come. */
  async write(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    this.#size += chunk.length;
    this.#writing ??= this.#writeGathered();
    if (this.#gatheredBytes >= GATHERED_BYTES) await this.#writing;
    this.#check();
  }

  /** Resolves with the number of bytes once they are on disk. */
  async end(): Promise<number> {
    await this.#writing;
    await this.#writingBack;
    this.#check();
    if (this.#durable) await this.#file.datasync();
    return this.#size;
  }

  /** Resolves once nothing is under way, so that the file may be closed; never rejects. */
  async abort(): Promise<void> {
    this.#gathered = [];
    await this.#writing;
    await this.#writingBack;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #writeGathered(): Promise<void> {
    try {
      while (this.#gathered.length > 0) {
        const chunks = this.#gathered;
        const bytes = this.#gatheredBytes;
        this.#gathered = [];
        this.#gatheredBytes = 0;
        await writeFully(this.#file, chunks, bytes);
        this.#writeBack(bytes);
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#writing = undefined;
    }
  }

  #writeBack(bytes: number): void {
    this.#notWrittenBack += bytes;
    if (!this.#durable || this.#writingBack || this.#notWrittenBack < WRITE_BACK_BYTES) return;
    this.#notWrittenBack = 0;
    this.#writingBack = this.#file
      .datasync()
      .catch((error) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#writingBack = undefined;
      });
  }
}

/** One system call for all, without a copy that the collector would have to take away; it may take fewer than it was given. */
async function writeFully(file: FileHandle, chunks: readonly Uint8Array[], bytes: number): Promise<void> {
  let { bytesWritten } = await file.writev([...chunks]);
  if (bytesWritten === bytes) return;
  const whole = Buffer.concat(chunks, bytes);
  while (bytesWritten < bytes) bytesWritten += (await file.write(whole, bytesWritten)).bytesWritten;
}
