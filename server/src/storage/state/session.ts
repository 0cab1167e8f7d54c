// What documents, queues and streams stand on: a connection to read from and, inside a transaction, one to write to.

import type { SQLInputValue } from 'node:sqlite';
import type { Connection } from './connection.ts';
import type { MessageIds } from './message-ids.ts';

export interface Session {
  read(): Connection;
  /** For a statement that is sure to write: marks the transaction as one that has to become durable. */
  write(): Connection;
  /** Runs a statement that may find nothing to write; how many rows it changed. */
  change(sql: string, ...values: SQLInputValue[]): number;
  readonly messageIds: MessageIds;
  /** Notes what listeners are told of once the transaction has committed. */
  noteQueue(queue: string): void;
  noteStream(stream: string): void;
}

/** Outside a transaction: reads only. */
export class ReadSession implements Session {
  readonly #connection: () => Connection;

  constructor(connection: () => Connection) {
    this.#connection = connection;
  }

  read(): Connection {
    return this.#connection();
  }

  write(): never {
    throw new Error('BUG: a write outside a transaction');
  }

  change(): never {
    return this.write();
  }

  get messageIds(): never {
    return this.write();
  }

  noteQueue(): void {}
  noteStream(): void {}
}

/** Inside a transaction, as long as it is open. */
export class TransactionSession implements Session {
  readonly messageIds: MessageIds;
  readonly queues = new Set<string>();
  readonly streams = new Set<string>();
  readonly #connection: Connection;
  #open = true;
  #wrote = false;

  constructor(connection: Connection, messageIds: MessageIds) {
    this.#connection = connection;
    this.messageIds = messageIds;
  }

  /** Whether there is anything to make durable. */
  get wrote(): boolean {
    return this.#wrote;
  }

  get open(): boolean {
    return this.#open;
  }

  /** A method called later (not awaited by `work`) must not write outside the transaction it belongs to. */
  end(): void {
    this.#open = false;
  }

  read(): Connection {
    if (!this.#open) throw new Error('BUG: the transaction is over; await every call inside it');
    return this.#connection;
  }

  write(): Connection {
    const connection = this.read();
    this.#wrote = true;
    return connection;
  }

  change(sql: string, ...values: SQLInputValue[]): number {
    const changes = this.read().run(sql, ...values);
    if (changes > 0) this.#wrote = true;
    return changes;
  }

  noteQueue(queue: string): void {
    this.queues.add(queue);
  }

  noteStream(stream: string): void {
    this.streams.add(stream);
  }
}
