// blobs/00 … blobs/ff. New blobs go to one shard for a while and then to the next, so that writes that arrive
// together share the fsync of one directory, and no directory grows without end.

import { fsync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { randomHex } from '#core/ids.ts';
import { GroupSync } from '../group-sync.ts';

const SHARDS = 256;
/** An id begins with the name of its shard. */
const NAME_CHARACTERS = 2;
const WRITES_PER_SHARD = 1_000;

interface Shard {
  path: string;
  names: DirectoryNames;
  /** Resolves once its own name is on disk. */
  created: Promise<void>;
}

export class Shards {
  readonly #directory: string;
  readonly #names: DirectoryNames;
  readonly #durable: boolean;
  readonly #shards = new Map<string, Shard>();
  #current = Number.parseInt(randomHex(NAME_CHARACTERS), 16);
  #writes = 0;

  constructor(directory: string, durable: boolean) {
    this.#directory = directory;
    this.#durable = durable;
    mkdirSync(directory, { recursive: true });
    this.#names = new DirectoryNames(directory);
    for (const name of readdirSync(directory)) this.#add(name, Promise.resolve());
  }

  get paths(): string[] {
    return [...this.#shards.values()].map(({ path }) => path);
  }

  pathOf(id: string): string {
    return join(this.#directory, id.slice(0, NAME_CHARACTERS), id);
  }

  /** The name of the shard for the next blob. It exists, but is not durable before `sync`. */
  next(): string {
    if (++this.#writes % WRITES_PER_SHARD === 0) this.#current = (this.#current + 1) % SHARDS;
    const name = this.#current.toString(16).padStart(NAME_CHARACTERS, '0');
    if (!this.#shards.has(name)) this.#create(name);
    return name;
  }

  #create(name: string): void {
    mkdirSync(join(this.#directory, name), { recursive: true });
    const created = this.#durable ? this.#names.sync() : Promise.resolve();
    // Who writes to it awaits this; nobody may be there yet when it fails.
    created.catch(() => {});
    this.#add(name, created);
  }

  #add(name: string, created: Promise<void>): void {
    const path = join(this.#directory, name);
    this.#shards.set(name, { path, names: new DirectoryNames(path), created });
  }

  /** Resolves once the name of the blob is on disk. */
  async sync(id: string): Promise<void> {
    const shard = this.#shards.get(id.slice(0, NAME_CHARACTERS))!;
    await Promise.all([shard.created, shard.names.sync()]);
  }
}

/** The names in a directory, made durable for all who ask at the same time together. */
class DirectoryNames {
  readonly #path: string;
  #group: GroupSync | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  sync(): Promise<void> {
    // The descriptor stays open: there are at most 256, and one or two in use.
    this.#group ??= new GroupSync(openSync(this.#path, 'r'), fsync);
    return new Promise((resolve, reject) => {
      this.#group!.whenDurable((error) => (error ? reject(error) : resolve()));
    });
  }
}
