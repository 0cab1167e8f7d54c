// Group commit: everything written before an fsync starts is acknowledged by it. While one runs on the thread pool,
// what is written meanwhile gathers for the next.

import { close, type NoParamCallback } from 'node:fs';

export interface Durability {
  /** Calls `settled` once all that is written by now is on disk (with the error when that failed). */
  whenDurable(settled: Settled): void;
  /** The same for one who wrote nothing, but may have read what is not on disk yet: starts no fsync of its own. */
  whenRead(settled: Settled): void;
  close(): Promise<void>;
}

export type Settled = (error?: Error) => void;

/** `fs.fdatasync` for a file that grows, `fs.fsync` for a directory. */
export type Sync = (descriptor: number, done: NoParamCallback) => void;

/** In-memory mode: nothing is promised, so nothing is waited for. */
export const NOT_DURABLE: Durability = {
  whenDurable: (settled) => settled(),
  whenRead: (settled) => settled(),
  close: async () => {},
};

export class GroupSync implements Durability {
  readonly #descriptor: number;
  readonly #syncDescriptor: Sync;
  #gathering: Settled[] = [];
  #syncing: Settled[] | undefined;
  #isStarting = false;
  #failure: Error | undefined;

  /** Takes over the descriptor: `close` closes it. */
  constructor(descriptor: number, sync: Sync) {
    this.#descriptor = descriptor;
    this.#syncDescriptor = sync;
  }

  whenDurable(settled: Settled): void {
    if (this.#failure) {
      settled(this.#failure);
      return;
    }
    this.#gathering.push(settled);
    this.#start();
  }

  whenRead(settled: Settled): void {
    if (this.#failure) settled(this.#failure);
    else if (this.#gathering.length > 0) this.#gathering.push(settled);
    else if (this.#syncing) this.#syncing.push(settled);
    else settled();
  }

  /** At the end of this turn of the event loop, so that all who wrote in it share the fsync. */
  #start(): void {
    if (this.#syncing || this.#isStarting) return;
    this.#isStarting = true;
    setImmediate(() => {
      this.#isStarting = false;
      this.#sync();
    });
  }

  #sync(): void {
    const group = this.#gathering;
    this.#gathering = [];
    this.#syncing = group;
    this.#syncDescriptor(this.#descriptor, (error) => {
      this.#syncing = undefined;
      if (error) this.#fail(error);
      for (const settled of group) settled(error ?? undefined);
      if (this.#gathering.length > 0 && !this.#isStarting) this.#sync();
    });
  }

  /** For good: after a failed fsync the kernel may have dropped the pages, and a second try would succeed and lie. */
  #fail(error: Error): void {
    this.#failure = error;
    const group = this.#gathering;
    this.#gathering = [];
    for (const settled of group) settled(error);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.whenRead(() => resolve()));
    await new Promise<void>((resolve) => close(this.#descriptor, () => resolve()));
  }
}
