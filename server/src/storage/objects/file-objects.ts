// Objects as files: blobs/ab/abcdef…; ids are random and never come from a user's key, so no key can name a path.
// A stream is written under a temporary name, fsynced and renamed. A small blob is written where it stays, its two
// fsyncs (file and directory) side by side: half a millisecond less, and what a crash leaves of it no document names.

import { closeSync, type Dirent, fdatasync, openSync, writeSync } from 'node:fs';
import { type FileHandle, mkdir, open, opendir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { assert } from '#core/errors.ts';
import { randomHex } from '#core/ids.ts';
import { BlobStream, SpareBuffers } from './blob-stream.ts';
import { FileSink } from './file-sink.ts';
import type { ObjectStore, StoredObject } from './objects.ts';
import { Shards } from './shards.ts';

export interface ObjectStoreOptions {
  dir: string;
  /** False: nothing is fsynced (in-memory mode). */
  durable: boolean;
}

const ID_CHARACTERS = 32;
const ID = /^[0-9a-f]{32}(-[a-z0-9]{1,16})?$/;
const OWNER = /^[a-z0-9]{1,16}$/;
const SMALL_BYTES = 64 * 1024;
/** Removals under way at once. */
const PARALLEL_REMOVALS = 8;

const datasync = promisify(fdatasync);

/** Opens the store in `dir`, creating it as needed and removing what an earlier process left half written. */
export async function openObjectStore({ dir, durable }: ObjectStoreOptions): Promise<ObjectStore> {
  const temporary = join(dir, 'temporary');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const shards = new Shards(join(dir, 'blobs'), durable);
  if (durable) {
    const handle = await open(dir, 'r');
    await handle.sync().finally(() => handle.close());
  }
  return new FileObjects(temporary, shards, durable);
}

class FileObjects implements ObjectStore {
  readonly #temporary: string;
  readonly #shards: Shards;
  readonly #durable: boolean;
  readonly #buffers = new SpareBuffers();

  constructor(temporary: string, shards: Shards, durable: boolean) {
    this.#temporary = temporary;
    this.#shards = shards;
    this.#durable = durable;
  }

  async write(
    body: Readable | Uint8Array,
    onChunk?: (chunk: Uint8Array) => void,
    { owner }: { owner?: string } = {},
  ): Promise<StoredObject> {
    const id = this.#newId(owner);
    if (body instanceof Uint8Array && body.length <= SMALL_BYTES) {
      onChunk?.(body);
      return this.#writeSmall(id, body);
    }
    const chunks: AsyncIterable<Uint8Array> = body instanceof Uint8Array ? Readable.from([body]) : body;
    return this.#writeStream(id, async (sink) => {
      for await (const chunk of chunks) {
        onChunk?.(chunk);
        await sink.write(chunk);
      }
    });
  }

  /** A few system calls that end in the page cache cost less than their way to the thread pool and back. */
  async #writeSmall(id: string, bytes: Uint8Array): Promise<StoredObject> {
    const path = this.#shards.pathOf(id);
    const descriptor = openSync(path, 'wx', 0o600);
    try {
      try {
        for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
        if (this.#durable) await Promise.all([datasync(descriptor), this.#shards.sync(id)]);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return { id, size: bytes.length };
  }

  async #writeStream(id: string, fill: (sink: FileSink) => Promise<void>): Promise<StoredObject> {
    const temporary = join(this.#temporary, id);
    const file = await open(temporary, 'wx', 0o600);
    try {
      const size = await fillFile(file, this.#durable, fill);
      await rename(temporary, this.#shards.pathOf(id));
      if (this.#durable) await this.#shards.sync(id);
      return { id, size };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  read(id: string, { start, end }: { start: number; end?: number } = { start: 0 }): BlobStream {
    return new BlobStream({ path: this.#pathOf(id), start, end, buffers: this.#buffers });
  }

  async readAll(id: string): Promise<Uint8Array> {
    return readFile(this.#pathOf(id));
  }

  async concat(ids: string[], { owner }: { owner?: string } = {}): Promise<StoredObject> {
    return this.#writeStream(this.#newId(owner), async (sink) => {
      for (const id of ids) {
        for await (const chunk of this.read(id)) await sink.write(chunk);
      }
    });
  }

  async localPath(id: string): Promise<string> {
    const path = this.#pathOf(id);
    await stat(path);
    return path;
  }

  async remove(ids: string[]): Promise<void> {
    const paths = ids.map((id) => this.#pathOf(id)).values();
    const removeNext = async () => {
      for (const path of paths) await rm(path, { force: true });
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_REMOVALS, ids.length) }, removeNext));
  }

  async *list(): AsyncIterable<{ id: string; modifiedAtMs: number }> {
    for (const directory of this.#shards.paths) {
      for await (const entry of (await opendir(directory)) as AsyncIterable<Dirent>) {
        if (!ID.test(entry.name)) continue;
        // It may be removed meanwhile.
        const found = await stat(join(directory, entry.name)).catch(() => undefined);
        if (found) yield { id: entry.name, modifiedAtMs: found.mtimeMs };
      }
    }
  }

  async reset(): Promise<void> {
    for await (const { id } of this.list()) await this.remove([id]);
  }

  #newId(owner: string | undefined): string {
    assert(owner === undefined || OWNER.test(owner), `the owner of a blob is ${owner}`);
    const shard = this.#shards.next();
    return shard + randomHex(ID_CHARACTERS - shard.length) + (owner === undefined ? '' : `-${owner}`);
  }

  #pathOf(id: string): string {
    assert(ID.test(id), `${JSON.stringify(id)} is no id of a blob`);
    return this.#shards.pathOf(id);
  }
}

/** Resolves with the size once the bytes are on disk; closes the file in any case. */
async function fillFile(file: FileHandle, durable: boolean, fill: (sink: FileSink) => Promise<void>): Promise<number> {
  const sink = new FileSink(file, durable);
  try {
    await fill(sink);
    return await sink.end();
  } catch (error) {
    await sink.abort();
    throw error;
  } finally {
    await file.close();
  }
}
