// Blobs that no document names. What a transaction drops, it writes down as garbage; the files go after the commit,
// and after the next start if a crash came between. A blob that was written but whose transaction never came is
// found by a sweep, after a stop that was not an orderly one. Each service that owns blobs has a Garbage of its own.

import type { Logger } from '#core/log.ts';
import { type Collection, defineCollection, type Scope, type StateStore, type Transaction } from '../state/state.ts';
import type { ObjectStore } from './objects.ts';

/** Blobs removed between two transactions that strike them off. */
const BATCH = 500;
/** Names held in memory; what is beyond is read from the documents when these are done. */
const MAX_WAITING = 100_000;
/** Names held in memory by a sweep; what is beyond waits for the next one. */
const MAX_SWEPT_BLOBS = 1_000_000;
const GLOBAL: Scope = { account: '', region: '' };

export interface GarbageOptions {
  state: StateStore;
  objects: ObjectStore;
  log: Logger;
  /** Whose blobs: what the owner of `ObjectStore.write` says. */
  owner: string;
  /** Takes the blobs that documents name out of `unnamed`, until there is nothing left or it is told to stop. */
  strikeNamed(unnamed: Set<string>, stopped: () => boolean): Promise<void>;
  /** Blobs written before then are of an earlier process; by the clock of the file system. */
  processStartMs: number;
}

export class Garbage {
  readonly #options: GarbageOptions;
  /** Blobs that no document names any more, by their id. Written by the transaction that dropped them. */
  readonly #condemned: Collection<Record<string, never>>;
  /** Whether the last stop was an orderly one: one document, absent while Brume runs. */
  readonly #cleanStop: Collection<{ atMs: number }>;
  #waiting: string[] = [];
  /** Documents tell of garbage that is not among the waiting. */
  #isBehind = false;
  /** Readers of each blob; what is condemned meanwhile waits for the last of them. */
  readonly #readers = new Map<string, number>();
  readonly #deferred = new Set<string>();
  #collecting: Promise<void> | undefined;
  #sweeping: Promise<void> | undefined;
  #stopped = false;

  constructor(options: GarbageOptions) {
    this.#options = options;
    this.#condemned = defineCollection(`${options.owner}.garbage`);
    this.#cleanStop = defineCollection(`${options.owner}.clean-stop`);
  }

  /** As part of the transaction that drops the blobs; give what it returns to `collect` after the commit. */
  async condemn(tx: Transaction, blobs: readonly (string | undefined)[]): Promise<string[]> {
    const condemned = blobs.filter((blob) => blob !== undefined);
    for (const blob of condemned) await tx.documents.put(this.#condemned, GLOBAL, blob, {});
    return condemned;
  }

  /** Removes condemned blobs in the background. */
  collect(blobs: readonly string[]): void {
    if (blobs.length === 0 || this.#stopped) return;
    for (const blob of blobs) {
      if (this.#readers.has(blob)) this.#deferred.add(blob);
      else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(blob);
      else this.#isBehind = true;
    }
    this.#collectInBackground();
  }

  #collectInBackground(): void {
    this.#collecting ??= this.#collectWaiting().finally(() => {
      this.#collecting = undefined;
    });
  }

  /** Removes a blob that was written and is not wanted after all. */
  async discard(blob: string | undefined): Promise<void> {
    if (blob === undefined) return;
    await this.#options.objects.remove([blob]).catch((error) => {
      this.#options.log.warn('a blob could not be removed', { blob, error });
    });
  }

  /** Keeps blobs from being collected until the returned function is called. */
  hold(blobs: readonly string[]): () => void {
    for (const blob of blobs) this.#readers.set(blob, (this.#readers.get(blob) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.collect(blobs.filter((blob) => this.#release(blob)));
    };
  }

  /** Whether the blob is to be collected now. */
  #release(blob: string): boolean {
    const readers = this.#readers.get(blob)! - 1;
    if (readers > 0) {
      this.#readers.set(blob, readers);
      return false;
    }
    this.#readers.delete(blob);
    return this.#deferred.delete(blob);
  }

  async start(): Promise<void> {
    const { state } = this.#options;
    this.#stopped = false;
    const wasOrderly = await state.transact((tx) => tx.documents.delete(this.#cleanStop, GLOBAL, 'stop'));
    this.#isBehind = true;
    this.#collectInBackground();
    if (!wasOrderly) {
      this.#sweeping = this.#sweep().catch((error) => this.#options.log.error('the sweep of blobs failed', { error }));
    }
  }

  async stop(nowMs: number): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#collecting, this.#sweeping]);
    await this.#options.state.transact((tx) => tx.documents.put(this.#cleanStop, GLOBAL, 'stop', { atMs: nowMs }));
  }

  /** For tests: resolves when nothing is left to do. */
  async settled(): Promise<void> {
    await this.#sweeping;
    while (this.#collecting) await this.#collecting;
  }

  forget(): void {
    this.#waiting = [];
  }

  async #collectWaiting(): Promise<void> {
    let after: string | undefined;
    while (!this.#stopped) {
      let batch = this.#waiting.splice(0, BATCH);
      if (batch.length === 0) {
        if (!this.#isBehind) return;
        const condemned = await this.#condemnedAfter(after);
        after = condemned.at(-1);
        if (after === undefined) this.#isBehind = false;
        batch = condemned.filter((blob) => !this.#readers.has(blob));
      }
      await this.#remove(batch);
    }
  }

  async #condemnedAfter(after: string | undefined): Promise<string[]> {
    const { documents } = this.#options.state;
    const found = await documents.range(this.#condemned, GLOBAL, {
      limit: BATCH,
      ...(after === undefined ? {} : { after }),
    });
    return found.map(({ key }) => key);
  }

  async #remove(batch: readonly string[]): Promise<void> {
    if (batch.length === 0) return;
    const { state, objects, log } = this.#options;
    try {
      await objects.remove([...batch]);
      await state.transact(async (tx) => {
        for (const blob of batch) await tx.documents.delete(this.#condemned, GLOBAL, blob);
      });
    } catch (error) {
      // They stay written down, and are tried again after the next start.
      log.warn('blobs could not be removed', { count: batch.length, error });
    }
  }

  async #sweep(): Promise<void> {
    const { objects, log, owner, processStartMs, strikeNamed } = this.#options;
    const unnamed = new Set<string>();
    for await (const { id, modifiedAtMs } of objects.list()) {
      if (this.#stopped) return;
      if (id.endsWith(`-${owner}`) && modifiedAtMs < processStartMs) unnamed.add(id);
      if (unnamed.size >= MAX_SWEPT_BLOBS) break;
    }
    if (unnamed.size === 0) return;
    await strikeNamed(unnamed, () => this.#stopped);
    if (unnamed.size === 0 || this.#stopped) return;
    log.info('removing blobs that an interrupted upload left behind', { owner, count: unnamed.size });
    await objects.remove([...unnamed]);
  }
}
