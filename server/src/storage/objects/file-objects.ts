// Objects as files: objects/blobs/ab/abcdef…, written under a temporary name, fsynced, renamed, and the directory
// fsynced. Ids are random and never come from a user's key, so no key can name a path.

import { createReadStream, type Dirent } from 'node:fs';
import { type FileHandle, mkdir, open, opendir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { randomHex } from '#core/ids.ts';
import { DirectorySync } from './directory-sync.ts';
import type { ObjectStore, StoredObject } from './objects.ts';

export interface ObjectStoreOptions {
  dir: string;
  /** False: nothing is fsynced (in-memory mode). */
  durable: boolean;
}

const ID_CHARACTERS = 32;
const ID = /^[0-9a-f]{32}(-[a-z0-9]{1,16})?$/;
/** Chunks gather up to here while a write is under way; then the sender has to wait. */
const GATHERED_BYTES = 1024 * 1024;
const COPY_BUFFER_BYTES = 1024 * 1024;

/** Opens the store in `dir`, creating it as needed and removing what an earlier process left half written. */
export async function openObjectStore({ dir, durable }: ObjectStoreOptions): Promise<ObjectStore> {
  const store = new FileObjects(dir, durable);
  await store.prepare();
  return store;
}

class FileObjects implements ObjectStore {
  readonly #blobs: string;
  readonly #temporary: string;
  readonly #durable: boolean;
  readonly #directories = new DirectorySync();

  constructor(dir: string, durable: boolean) {
    this.#blobs = join(dir, 'blobs');
    this.#temporary = join(dir, 'temporary');
    this.#durable = durable;
  }

  async prepare(): Promise<void> {
    await rm(this.#temporary, { recursive: true, force: true });
    await mkdir(this.#temporary, { recursive: true });
    await mkdir(this.#blobs, { recursive: true });
    for (let shard = 0; shard < 256; shard++) {
      await mkdir(join(this.#blobs, shard.toString(16).padStart(2, '0')), { recursive: true });
    }
    if (this.#durable) {
      await this.#directories.sync(this.#blobs);
      await this.#directories.sync(join(this.#blobs, '..'));
    }
  }

  write(
    body: Readable | Uint8Array,
    onChunk?: (chunk: Uint8Array) => void,
    { owner }: { owner?: string } = {},
  ): Promise<StoredObject> {
    return this.#store(owner, async (file) => {
      const sink = new FileSink(file);
      for await (const chunk of body instanceof Uint8Array ? [body] : (body as AsyncIterable<Uint8Array>)) {
        onChunk?.(chunk);
        await sink.write(chunk);
      }
      return sink.end();
    });
  }

  async #store(owner: string | undefined, fill: (file: FileHandle) => Promise<number>): Promise<StoredObject> {
    const id = randomHex(ID_CHARACTERS) + (owner === undefined ? '' : `-${owner}`);
    const temporary = join(this.#temporary, id);
    const file = await open(temporary, 'wx', 0o600);
    let size: number;
    try {
      try {
        size = await fill(file);
        if (this.#durable) await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path(id));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    if (this.#durable) await this.#directories.sync(this.#shard(id));
    return { id, size };
  }

  read(id: string, range?: { start: number; end: number }): Readable {
    const path = this.#path(id);
    if (!range) return createReadStream(path);
    if (range.end <= range.start) return createReadStream(path, { start: 0, end: -1 });
    return createReadStream(path, { start: range.start, end: range.end - 1 });
  }

  async readAll(id: string): Promise<Uint8Array> {
    return readFile(this.#path(id));
  }

  concat(ids: string[], { owner }: { owner?: string } = {}): Promise<StoredObject> {
    return this.#store(owner, async (target) => {
      const buffer = Buffer.allocUnsafe(COPY_BUFFER_BYTES);
      let size = 0;
      for (const id of ids) {
        const source = await open(this.#path(id), 'r');
        try {
          for (;;) {
            const { bytesRead } = await source.read(buffer, 0, buffer.length);
            if (bytesRead === 0) break;
            await writeFully(target, buffer.subarray(0, bytesRead));
            size += bytesRead;
          }
        } finally {
          await source.close();
        }
      }
      return size;
    });
  }

  async localPath(id: string): Promise<string> {
    const path = this.#path(id);
    await stat(path);
    return path;
  }

  async remove(ids: string[]): Promise<void> {
    for (const id of ids) await rm(this.#path(id), { force: true });
  }

  async *list(): AsyncIterable<{ id: string; modifiedAtMs: number }> {
    for (const shard of await readdir(this.#blobs)) {
      const directory = join(this.#blobs, shard);
      for await (const entry of (await opendir(directory)) as AsyncIterable<Dirent>) {
        if (!ID.test(entry.name)) continue;
        const found = await stat(join(directory, entry.name)).catch(() => undefined);
        if (found) yield { id: entry.name, modifiedAtMs: found.mtimeMs };
      }
    }
  }

  async reset(): Promise<void> {
    for await (const { id } of this.list()) await this.remove([id]);
  }

  #shard(id: string): string {
    return join(this.#blobs, id.slice(0, 2));
  }

  #path(id: string): string {
    if (!ID.test(id)) throw new Error(`unknown object ${JSON.stringify(id)}`);
    return join(this.#shard(id), id);
  }
}

/** Writes chunks in order; what arrives while a write is under way goes out together in the next. */
class FileSink {
  readonly #file: FileHandle;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #size = 0;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Resolves when the next chunk may come. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    this.#size += chunk.length;
    this.#writing ??= this.#writeGathered();
    if (this.#gatheredBytes >= GATHERED_BYTES) await this.#writing;
    if (this.#failure) throw this.#failure;
  }

  /** The number of bytes written. */
  async end(): Promise<number> {
    await this.#writing;
    if (this.#failure) throw this.#failure;
    return this.#size;
  }

  async #writeGathered(): Promise<void> {
    try {
      while (this.#gathered.length > 0) {
        const chunks = this.#gathered;
        this.#gathered = [];
        this.#gatheredBytes = 0;
        for (const chunk of chunks) await writeFully(this.#file, chunk);
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#writing = undefined;
    }
  }
}

/** write(2) may take fewer bytes than it was given. */
async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < bytes.length) offset += (await file.write(bytes, offset)).bytesWritten;
}
