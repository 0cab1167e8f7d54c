// Group commit: everything written before an fdatasync starts is acknowledged by it. While one runs on the thread
// pool, what is written meanwhile gathers for the next.

import { close, fdatasync, openSync } from 'node:fs';

export interface Durability {
  /** Calls `settled` once all that is written by now is on disk (with the error when that failed). */
  whenDurable(settled: Settled): void;
  /** The same for one who wrote nothing, but may have read what is not on disk yet: starts no sync of its own. */
  whenRead(settled: Settled): void;
  close(): Promise<void>;
}

export type Settled = (error?: Error) => void;

/** In-memory mode: nothing is promised, so nothing is waited for. */
export const NOT_DURABLE: Durability = {
  whenDurable: (settled) => settled(),
  whenRead: (settled) => settled(),
  close: async () => {},
};

export class GroupSync implements Durability {
  readonly #descriptor: number;
  #gathering: Settled[] = [];
  #syncing: Settled[] | undefined;
  #starting = false;
  #failure: Error | undefined;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r+');
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

  /** In the next turn of the loop, so that all transactions of this one share the sync. */
  #start(): void {
    if (this.#syncing || this.#starting) return;
    this.#starting = true;
    setImmediate(() => {
      this.#starting = false;
      this.#sync();
    });
  }

  #sync(): void {
    const group = this.#gathering;
    this.#gathering = [];
    this.#syncing = group;
    fdatasync(this.#descriptor, (error) => {
      this.#syncing = undefined;
      // After a failed fsync the kernel may have dropped the pages: a second try would succeed and lie.
      if (error) this.#failure = error;
      for (const settled of group) settled(error ?? undefined);
      if (this.#failure) this.#failGathering();
      else if (this.#gathering.length > 0) this.#sync();
    });
  }

  #failGathering(): void {
    const group = this.#gathering;
    this.#gathering = [];
    for (const settled of group) settled(this.#failure);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.whenRead(() => resolve()));
    await new Promise<void>((resolve) => close(this.#descriptor, () => resolve()));
  }
}
