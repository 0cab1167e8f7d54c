// Unpacked function code, one directory per content. It is a cache in front of the packages in the object store: emptied
// at start (a power cut may have left files half written), filled when a package arrives or is first run.

import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { link, lstat, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomHex } from '#core/ids.ts';
import { unpackImage } from './images/image-root.ts';
import { unzip } from './unzip.ts';

/** Directories beyond this number go, the longest unused first, unless an environment runs from them. */
export const MOST_DIRECTORIES = 200;

export class CodeStore {
  readonly #dir: string;
  /** Hash -> directory, in order of last use. */
  readonly #directories = new Map<string, Promise<string>>();
  readonly #users = new Map<string, number>();
  #emptied: Promise<void> | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Whether a directory is one of those here, whose content stays as it is. */
  holds(directory: string): boolean {
    return dirname(directory) === this.#dir;
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
    return this.#findOr(hash, async () => this.#make(hash, async (directory) => unzip(await load(), directory)));
  }

  /** The directory of a container image's files; rejects with ImageError when the image is gone from this machine. */
  findImage(id: string): Promise<string> {
    const hash = Buffer.from(id, 'hex').toString('base64');
    return this.#findOr(hash, () => this.#make(hash, (directory) => unpackImage(id, directory)));
  }

  /** The directory of several packages, one over the other in this order: the layers of a function. */
  async merged(packages: readonly { hash: string; load: () => Promise<Uint8Array> }[]): Promise<string> {
    const hash = createHash('sha256')
      .update(JSON.stringify(packages.map((one) => one.hash)))
      .digest('base64');
    return this.#findOr(hash, () =>
      this.#make(hash, async (directory) => {
        for (const one of packages) {
          const source = await this.find(one.hash, one.load);
          const release = this.use(source);
          await overlay(source, directory).finally(release);
        }
      }),
    );
  }

  #findOr(hash: string, make: () => Promise<string>): Promise<string> {
    let directory = this.#directories.get(hash);
    if (directory) this.#directories.delete(hash);
    else {
      directory = make();
      directory.catch(() => this.#directories.delete(hash));
    }
    this.#directories.set(hash, directory);
    if (this.#directories.size > MOST_DIRECTORIES) this.#evict();
    return directory;
  }

  /** Keeps directories until the returned function is called. */
  use(...directories: readonly (string | undefined)[]): () => void {
    const used = directories.filter((directory) => directory !== undefined);
    for (const directory of used) this.#users.set(directory, (this.#users.get(directory) ?? 0) + 1);
    return () => {
      for (const directory of used) {
        const left = this.#users.get(directory)! - 1;
        if (left === 0) this.#users.delete(directory);
        else this.#users.set(directory, left);
      }
    };
  }

  async reset(): Promise<void> {
    this.#directories.clear();
    this.#emptied = undefined;
    await this.#empty();
  }

  async #make(hash: string, fill: (directory: string) => Promise<void>): Promise<string> {
    await this.#empty();
    const directory = join(this.#dir, Buffer.from(hash, 'base64').toString('hex'));
    const temporary = `${directory}.${randomHex(8)}`;
    try {
      await mkdir(temporary, { recursive: true, mode: 0o755 });
      await fill(temporary);
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
          // Those before it may have been enough.
          if (this.#directories.size <= MOST_DIRECTORIES) return;
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

/** Lays what is in `source` over `target`, by hard links. No link of either is followed: it could lead anywhere. */
async function overlay(source: string, target: string): Promise<void> {
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    const there = await lstat(to).catch(() => undefined);
    const stays = there?.isDirectory() && entry.isDirectory();
    if (there && !stays) await rm(to, { recursive: true });
    if (entry.isDirectory()) {
      if (!stays) await mkdir(to, { mode: 0o755 });
      await overlay(from, to);
    } else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else await link(from, to);
  }
}
