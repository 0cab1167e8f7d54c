// Keeps the WAL short. Most of it is copied into the database beside running transactions, on a thread; the little
// that they wrote meanwhile is copied while they wait, because only a WAL that is copied whole starts over.

import { Worker } from 'node:worker_threads';
import type { Logger } from '#core/log.ts';
import type { Connection } from './connection.ts';

export interface CheckpointWorkerData {
  path: string;
  durable: boolean;
}

export interface CheckpointAnswer {
  /** Pages of the WAL that are not in the database yet. */
  remaining?: number;
  error?: string;
}

export interface CheckpointerOptions extends CheckpointWorkerData {
  connection: Connection;
  log: Logger;
  /** How long the WAL grows before it is copied. */
  pages: number;
  /** Runs `task` while no transaction runs. */
  exclusively: (task: () => Promise<void>) => Promise<void>;
}

/** 16 MB: hot pages are copied once for many writes of them, and a restart after a crash still reads it at once. */
export const CHECKPOINT_PAGES = 4_000;
/** How little may be left when the transactions are made to wait, and how often we try to get there. */
const REMAINING_PAGES = 500;
const CONCURRENT_ROUNDS = 4;
/** The length of the WAL is looked up once for so many commits. */
const COMMITS_PER_LOOK = 32;
const RETRY_MS = 1_000;

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #commits = 0;
  #worker: Worker | undefined;
  #running: Promise<void> | undefined;
  #notBeforeMs = 0;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    // 0: never within a commit, that is, on the event loop.
    options.connection.database.exec('PRAGMA wal_autocheckpoint = 0');
  }

  /** After every commit. */
  committed(): void {
    if (++this.#commits % COMMITS_PER_LOOK !== 0 || this.#running || performance.now() < this.#notBeforeMs) return;
    if (this.#walPages() < this.#options.pages) return;
    this.#running = this.#checkpoint()
      .catch((error) => {
        this.#notBeforeMs = performance.now() + RETRY_MS;
        this.#options.log.error('the write-ahead log could not be copied into state.db; it keeps growing', { error });
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  #walPages(): number {
    return this.#options.connection.get<{ log: number }>('PRAGMA wal_checkpoint(NOOP)')!.log;
  }

  async #checkpoint(): Promise<void> {
    for (let round = 0; round < CONCURRENT_ROUNDS; round++) {
      if ((await this.#copy()) <= REMAINING_PAGES) break;
    }
    await this.#options.exclusively(async () => {
      await this.#copy();
    });
  }

  /** How many pages are left. */
  #copy(): Promise<number> {
    this.#worker ??= this.#startWorker();
    const worker = this.#worker;
    // While transactions wait for the answer, nothing else might keep the process alive.
    worker.ref();
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        worker.off('message', onAnswer).off('error', onGone).off('exit', onGone);
        worker.unref();
        act();
      };
      const onAnswer = ({ remaining, error }: CheckpointAnswer) =>
        settle(() => (remaining === undefined ? reject(new Error(error)) : resolve(remaining)));
      const onGone = (reason: unknown) =>
        settle(() => {
          this.#worker = undefined;
          reject(reason instanceof Error ? reason : new Error(`the checkpoint thread ended with code ${reason}`));
        });
      worker.on('message', onAnswer).on('error', onGone).on('exit', onGone);
      worker.postMessage('checkpoint');
    });
  }

  #startWorker(): Worker {
    const { path, durable } = this.#options;
    // The extension is this file's own: .ts in the repository, .js when published.
    const file = new URL(import.meta.url.replace(/checkpointer(\.[jt]s)$/, 'checkpoint-worker$1'));
    const worker = new Worker(file, { workerData: { path, durable } satisfies CheckpointWorkerData });
    worker.unref();
    return worker;
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#worker?.terminate();
  }
}
