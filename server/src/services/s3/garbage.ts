// Blobs that no document names. What a transaction drops, it writes down as garbage; the files go after the commit,
// and after the next start if a crash came between. A blob that was written but whose transaction never came is
// found by a sweep, after a stop that was not an orderly one.

import type { Logger } from '#core/log.ts';
import type { ObjectStore } from '#storage/objects/objects.ts';
import type { Collection, Scope, StateStore, Transaction } from '#storage/state/state.ts';
import { BUCKETS, CLEAN_STOP, GARBAGE, GLOBAL, OBJECTS, PARTS_OF_OBJECTS, UPLOADED_PARTS } from './documents.ts';
import { BLOB_OWNER } from './s3.ts';

/** Blobs removed between two transactions that strike them off. */
const BATCH = 500;
/** Names held in memory; what is beyond is read from the documents when these are done. */
const MAX_WAITING = 100_000;
/** Names held in memory by a sweep; what is beyond waits for the next one. */
const MAX_SWEPT_BLOBS = 1_000_000;
/** Documents that a sweep reads at a time; the lists of parts are larger. */
const SWEEP_PAGE = 1_000;
const SWEEP_PARTS_PAGE = 20;

export interface GarbageOptions {
  state: StateStore;
  objects: ObjectStore;
  log: Logger;
  /** Blobs written before then are of an earlier process; by the clock of the file system. */
  processStartMs: number;
}

export class Garbage {
  readonly #options: GarbageOptions;
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
  }

  /** As part of the transaction that drops the blobs; give what it returns to `collect` after the commit. */
  async condemn(tx: Transaction, blobs: readonly (string | undefined)[]): Promise<string[]> {
    const condemned = blobs.filter((blob) => blob !== undefined);
    for (const blob of condemned) await tx.documents.put(GARBAGE, GLOBAL, blob, {});
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
    const wasOrderly = await state.transact((tx) => tx.documents.delete(CLEAN_STOP, GLOBAL, 'stop'));
    this.#isBehind = true;
    this.#collectInBackground();
    if (!wasOrderly) {
      this.#sweeping = this.#sweep().catch((error) => this.#options.log.error('the sweep of blobs failed', { error }));
    }
  }

  async stop(nowMs: number): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#collecting, this.#sweeping]);
    await this.#options.state.transact((tx) => tx.documents.put(CLEAN_STOP, GLOBAL, 'stop', { atMs: nowMs }));
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
    const found = await documents.range(GARBAGE, GLOBAL, { limit: BATCH, ...(after === undefined ? {} : { after }) });
    return found.map(({ key }) => key);
  }

  async #remove(batch: readonly string[]): Promise<void> {
    if (batch.length === 0) return;
    const { state, objects, log } = this.#options;
    try {
      await objects.remove([...batch]);
      await state.transact(async (tx) => {
        for (const blob of batch) await tx.documents.delete(GARBAGE, GLOBAL, blob);
      });
    } catch (error) {
      // They stay written down, and are tried again after the next start.
      log.warn('blobs could not be removed', { count: batch.length, error });
    }
  }

  async #sweep(): Promise<void> {
    const { objects, log, processStartMs } = this.#options;
    const unnamed = new Set<string>();
    for await (const { id, modifiedAtMs } of objects.list()) {
      if (this.#stopped) return;
      if (id.endsWith(`-${BLOB_OWNER}`) && modifiedAtMs < processStartMs) unnamed.add(id);
      if (unnamed.size >= MAX_SWEPT_BLOBS) break;
    }
    if (unnamed.size === 0) return;
    for (const scope of await this.#scopes()) {
      await this.#pages(OBJECTS, scope, SWEEP_PAGE, ({ blob }) => unnamed.delete(blob ?? ''));
      await this.#pages(UPLOADED_PARTS, scope, SWEEP_PAGE, ({ blob }) => unnamed.delete(blob ?? ''));
      await this.#pages(PARTS_OF_OBJECTS, scope, SWEEP_PARTS_PAGE, (parts) => {
        for (const { blob } of parts) unnamed.delete(blob ?? '');
      });
    }
    if (unnamed.size === 0 || this.#stopped) return;
    log.info('removing blobs that an interrupted upload left behind', { count: unnamed.size });
    await objects.remove([...unnamed]);
  }

  /** All that have buckets. */
  async #scopes(): Promise<Scope[]> {
    const scopes = new Map<string, Scope>();
    await this.#pages(BUCKETS, GLOBAL, SWEEP_PAGE, ({ account, region }) => {
      scopes.set(`${account} ${region}`, { account, region });
    });
    return [...scopes.values()];
  }

  /** Every document of a scope, with room for others between two pages. */
  async #pages<T>(collection: Collection<T>, scope: Scope, size: number, visit: (value: T) => void): Promise<void> {
    let after: string | undefined;
    while (!this.#stopped) {
      const page = await this.#options.state.documents.range(collection, scope, {
        limit: size,
        ...(after === undefined ? {} : { after }),
      });
      for (const { value } of page) visit(value);
      if (page.length < size) return;
      after = page.at(-1)!.key;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
