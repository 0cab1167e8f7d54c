// Unpacked function code, one directory per content. It is a cache in front of the packages in the object store: emptied
// at start (a power cut may have left files half written), filled when a package arrives or is first run.

import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomHex } from '#core/ids.ts';
import { unzip } from './unzip.ts';

/** Directories beyond this number go, the longest unused first, unless an environment runs from them. */
const MOST_DIRECTORIES = 200;

export class CodeStore {
  readonly #dir: string;
  /** Hash -> directory, in order of last use. */
  readonly #directories = new Map<string, Promise<string>>();
  readonly #users = new Map<string, number>();
  #emptied: Promise<void> | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The hash as in CodeSha256. */
  static hash(zip: Uint8Array): string {
    return createHash('sha256').update(zip).digest('base64');
  }

  /** The directory of a package's content; rejects with BrokenPackageError or PackageTooLargeError. */
  add(zip: Uint8Array): Promise<string> {
    return this.find(CodeStore.hash(zip), async () => zip);
  }

  /** The directory of the content with this hash; `load` gives the package when it is not there yet. */
  find(hash: string, load: () => Promise<Uint8Array>): Promise<string> {
    let directory = this.#directories.get(hash);
    if (directory) this.#directories.delete(hash);
    else {
      directory = load().then((zip) => this.#unpack(hash, zip));
      directory.catch(() => this.#directories.delete(hash));
    }
    this.#directories.set(hash, directory);
    if (this.#directories.size > MOST_DIRECTORIES) this.#evict();
    return directory;
  }

  /** Keeps a directory until the returned function is called. */
  use(directory: string): () => void {
    this.#users.set(directory, (this.#users.get(directory) ?? 0) + 1);
    return () => {
      const left = this.#users.get(directory)! - 1;
      if (left === 0) this.#users.delete(directory);
      else this.#users.set(directory, left);
    };
  }

  async reset(): Promise<void> {
    this.#directories.clear();
    this.#emptied = undefined;
    await this.#empty();
  }

  async #unpack(hash: string, zip: Uint8Array): Promise<string> {
    await this.#empty();
    const directory = join(this.#dir, Buffer.from(hash, 'base64').toString('hex'));
    const temporary = `${directory}.${randomHex(8)}`;
    try {
      await mkdir(temporary, { recursive: true, mode: 0o755 });
      await unzip(zip, temporary);
      await rm(directory, { recursive: true, force: true });
      await rename(temporary, directory);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
    return directory;
  }

  #empty(): Promise<void> {
    this.#emptied ??= rm(this.#dir, { recursive: true, force: true });
    return this.#emptied;
  }

  #evict(): void {
    for (const [hash, directory] of this.#directories) {
      if (this.#directories.size <= MOST_DIRECTORIES) return;
      directory.then(
        async (path) => {
          if (this.#users.has(path) || this.#directories.get(hash) !== directory) return;
          this.#directories.delete(hash);
          const discarded = `${path}.${randomHex(8)}`;
          // At once, so that it is not mistaken for one that is unpacked anew.
          renameSync(path, discarded);
          await rm(discarded, { recursive: true, force: true });
        },
        () => {},
      );
    }
  }
}
