// fsync of directories, grouped: all who renamed into a directory before its fsync starts share it.

import { type FileHandle, open } from 'node:fs/promises';

export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /** Resolves once the names that `directory` holds now are on disk. */
  sync(directory: string): Promise<void> {
    const running = this.#running.get(directory);
    if (!running) return this.#start(directory);
    let next = this.#next.get(directory);
    if (!next) {
      next = running.then(
        () => this.#startNext(directory),
        () => this.#startNext(directory),
      );
      this.#next.set(directory, next);
    }
    return next;
  }

  #startNext(directory: string): Promise<void> {
    this.#next.delete(directory);
    return this.#start(directory);
  }

  #start(directory: string): Promise<void> {
    const sync = fsyncDirectory(directory).finally(() => this.#running.delete(directory));
    this.#running.set(directory, sync);
    return sync;
  }
}

async function fsyncDirectory(directory: string): Promise<void> {
  const handle: FileHandle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
