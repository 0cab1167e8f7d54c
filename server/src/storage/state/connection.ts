// One SQLite connection and its prepared statements.

import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** How long a statement waits for a lock that another connection of this process holds (checkpoints). */
const LOCK_TIMEOUT_MS = 10_000;

export interface ConnectionOptions {
  readOnly?: boolean;
  cacheKiB: number;
}

export class Connection {
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, options: ConnectionOptions) {
    this.database = new DatabaseSync(path, { readOnly: options.readOnly ?? false, timeout: LOCK_TIMEOUT_MS });
    this.database.exec(`PRAGMA cache_size = -${options.cacheKiB}; PRAGMA temp_store = MEMORY`);
  }

  /** SQL texts are few and fixed, so each is prepared once and kept. */
  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.prepare(sql).get(...values) as Row | undefined;
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.prepare(sql).all(...values) as Row[];
  }

  /** How many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }
}
