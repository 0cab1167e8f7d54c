// State on SQLite in WAL mode. Transactions run one after another on a single write connection; a commit writes to
// the WAL without fsync (synchronous = NORMAL) and is acknowledged by a grouped fdatasync of the WAL file
// (../group-sync.ts). Reads outside a transaction see committed state only. See docs/decisions/0001-group-commit.md.

import { AsyncLocalStorage } from 'node:async_hooks';
import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '#core/log.ts';
import { type Durability, GroupSync, NOT_DURABLE, type Sync } from '../group-sync.ts';
import { CHECKPOINT_PAGES, Checkpointer } from './checkpointer.ts';
import { Connection } from './connection.ts';
import { SqliteDocuments } from './documents.ts';
import { MessageIds } from './message-ids.ts';
import { SqliteQueues } from './queues.ts';
import { createSchema, RESET_TABLES } from './schema.ts';
import { ReadSession, TransactionSession } from './session.ts';
import type { DocumentReader, QueueReader, StateStore, StreamReader, Transaction } from './state.ts';
import { SqliteStreams } from './streams.ts';

export interface StateStoreOptions {
  dir: string;
  /** False: nothing is fsynced (in-memory mode). */
  durable: boolean;
  log: Logger;
  /** How the write-ahead log reaches the disk; a test puts itself in between. */
  sync?: Sync;
  /** Pages in the write-ahead log before it is copied into the database; a test asks for it often. */
  checkpointPages?: number;
}

const WRITE_CACHE_KIB = 32 * 1024;
const READ_CACHE_KIB = 8 * 1024;
/** Transactions waiting for their turn; more than any number of callers that wire/ lets in. */
const MAX_WAITING = 100_000;
/** How long transactions run on end before sockets and timers get their turn of the event loop. */
const MAX_ROUND_MS = 5;
/** A transaction that awaits something else than its own methods holds up everybody. */
const SLOW_TRANSACTION_MS = 1_000;

/** Opens `state.db` in `dir`, creating both as needed. One process at a time (data-dir.ts sees to it). */
export async function openStateStore(options: StateStoreOptions): Promise<StateStore> {
  const { dir, durable, log, sync = fdatasync, checkpointPages = CHECKPOINT_PAGES } = options;
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'state.db');
  const write = new Connection(path, { cacheKiB: WRITE_CACHE_KIB });
  write.database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durable ? 'NORMAL' : 'OFF'}`);
  createSchema(write);
  const read = new Connection(path, { readOnly: true, cacheKiB: READ_CACHE_KIB });
  const durability = durable ? new GroupSync(openSync(`${path}-wal`, 'r+'), sync) : NOT_DURABLE;
  if (durable) {
    // What a killed process left unsynced in the WAL is visible from now on, so it must be on disk as well.
    await new Promise<void>((resolve, reject) =>
      durability.whenDurable((error) => (error ? reject(error) : resolve())),
    );
    syncDirectory(dir);
  }
  return new SqliteStateStore({ path, durable, checkpointPages, write, read, durability, log });
}

/** Makes the names of new files durable. */
function syncDirectory(dir: string): void {
  const descriptor = openSync(dir, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

interface Parts {
  path: string;
  durable: boolean;
  checkpointPages: number;
  write: Connection;
  read: Connection;
  durability: Durability;
  log: Logger;
}

/** A turn on the write connection; never rejects. */
type Turn = () => Promise<void>;

class SqliteStateStore implements StateStore {
  readonly documents: DocumentReader;
  readonly queues: QueueReader;
  readonly streams: StreamReader;
  readonly #write: Connection;
  readonly #read: Connection;
  readonly #durability: Durability;
  readonly #log: Logger;
  readonly #messageIds: MessageIds;
  readonly #checkpointer: Checkpointer;
  readonly #inside = new AsyncLocalStorage<TransactionSession>();
  readonly #queueListeners = new Set<(queue: string) => void>();
  readonly #streamListeners = new Set<(stream: string) => void>();
  #waiting: Turn[] = [];
  #running: Promise<void> | undefined;
  /** When transactions began to run in this turn of the event loop. */
  #loopTurnedMs: number | undefined;
  #closed = false;

  constructor({ path, durable, checkpointPages, write, read, durability, log }: Parts) {
    this.#write = write;
    this.#read = read;
    this.#durability = durability;
    this.#log = log;
    this.#messageIds = new MessageIds(write);
    this.#checkpointer = new Checkpointer({
      path,
      durable,
      connection: write,
      log,
      pages: checkpointPages,
      exclusively: (task) => new Promise((resolve, reject) => this.#enqueue(() => task().then(resolve, reject))),
    });
    // The write connection has the warmer cache, but inside a transaction it sees what is not committed.
    const session = new ReadSession(() => (write.database.isTransaction ? read : write));
    this.documents = new SqliteDocuments(session);
    this.queues = new SqliteQueues(session);
    this.streams = new SqliteStreams(session);
  }

  async transact<T>(work: (tx: Transaction) => Promise<T> | T): Promise<T> {
    if (this.#closed) throw new Error('the state store is closed');
    if (this.#inside.getStore()?.open) throw new Error('BUG: transact inside a transaction would wait for itself');
    if (this.#waiting.length >= MAX_WAITING) throw new Error(`more than ${MAX_WAITING} transactions are waiting`);
    return new Promise<T>((resolve, reject) => {
      this.#enqueue(() => this.#run(work, resolve, reject));
    });
  }

  #enqueue(turn: Turn): void {
    this.#waiting.push(turn);
    this.#running ??= this.#runWaiting();
  }

  async #runWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const turns = this.#waiting;
      this.#waiting = [];
      for (const turn of turns) {
        if (this.#isLoopOverdue()) await new Promise((resolve) => setImmediate(resolve));
        await turn();
      }
    }
    this.#running = undefined;
  }

  /** Without an fsync to wait for, one caller after another could keep the event loop from ever turning. */
  #isLoopOverdue(): boolean {
    const nowMs = performance.now();
    if (this.#loopTurnedMs === undefined) {
      this.#loopTurnedMs = nowMs;
      setImmediate(() => {
        this.#loopTurnedMs = undefined;
      });
    }
    return nowMs - this.#loopTurnedMs > MAX_ROUND_MS;
  }

  async #run<T>(
    work: (tx: Transaction) => Promise<T> | T,
    resolve: (value: T) => void,
    reject: (reason: unknown) => void,
  ): Promise<void> {
    const session = new TransactionSession(this.#write, this.#messageIds);
    const startMs = performance.now();
    let result: T;
    try {
      this.#write.run('BEGIN IMMEDIATE');
      result = await this.#inside.run(session, work, {
        documents: new SqliteDocuments(session),
        queues: new SqliteQueues(session),
        streams: new SqliteStreams(session),
      });
      session.end();
      this.#write.run('COMMIT');
      this.#messageIds.committed();
    } catch (error) {
      session.end();
      this.#rollBack();
      reject(error);
      return;
    }
    const tookMs = performance.now() - startMs;
    if (tookMs > SLOW_TRANSACTION_MS) this.#log.warn('slow transaction', { tookMs: Math.round(tookMs) });
    const settled = (error?: Error) => (error ? reject(error) : resolve(result));
    if (session.wrote) {
      this.#durability.whenDurable(settled);
      this.#checkpointer.committed();
    } else {
      this.#durability.whenRead(settled);
    }
    this.#tell(this.#queueListeners, session.queues);
    this.#tell(this.#streamListeners, session.streams);
  }

  #rollBack(): void {
    this.#messageIds.rolledBack();
    // SQLite rolls back by itself upon some errors (disk full, I/O).
    if (this.#write.database.isTransaction) this.#write.run('ROLLBACK');
  }

  #tell(listeners: ReadonlySet<(name: string) => void>, names: ReadonlySet<string>): void {
    for (const name of names) {
      for (const listener of listeners) {
        try {
          listener(name);
        } catch (error) {
          this.#log.error('an activity listener failed', { name, error });
        }
      }
    }
  }

  onQueueActivity(listener: (queue: string) => void): () => void {
    this.#queueListeners.add(listener);
    return () => void this.#queueListeners.delete(listener);
  }

  onStreamActivity(listener: (stream: string) => void): () => void {
    this.#streamListeners.add(listener);
    return () => void this.#streamListeners.delete(listener);
  }

  reset(): Promise<void> {
    return this.transact(() => {
      const session = this.#inside.getStore()!;
      for (const table of RESET_TABLES) session.write().run(`DELETE FROM ${table}`);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#checkpointer.close();
    await this.#running;
    await this.#durability.close();
    this.#read.close();
    this.#write.close();
  }
}
