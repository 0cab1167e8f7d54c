// Message ids: rising, never given twice. A block is reserved on disk at a time, so that a send does not have to
// write a counter beside its message; the rest of a block is skipped after a restart.

import type { Connection } from './connection.ts';

const BLOCK = 10_000;
const SEQUENCE = 'storage.queue-message-ids';

export class MessageIds {
  #last: number;
  #reservedThrough: number;
  #reservedBefore: number;

  constructor(connection: Connection) {
    const row = connection.get<{ value: number }>('SELECT value FROM sequences WHERE name = ?', SEQUENCE);
    this.#last = this.#reservedThrough = this.#reservedBefore = row?.value ?? 0;
  }

  next(connection: Connection): number {
    const id = this.#last + 1;
    if (id > this.#reservedThrough) {
      const reserved = this.#last + BLOCK;
      connection.run(
        'INSERT INTO sequences (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
        SEQUENCE,
        reserved,
      );
      this.#reservedThrough = reserved;
    }
    this.#last = id;
    return id;
  }

  committed(): void {
    this.#reservedBefore = this.#reservedThrough;
  }

  /** The reservation went with the transaction; the ids it gave are skipped. */
  rolledBack(): void {
    this.#reservedThrough = this.#reservedBefore;
  }
}
