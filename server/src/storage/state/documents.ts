// Documents in SQLite: one clustered table ordered by (collection, account, region, key).

import { compareKeys, prefixEnd } from './key-order.ts';
import type { Session } from './session.ts';
import type { Collection, DocumentReader, DocumentWriter, RangeOptions, Scope, StoredDocument } from './state.ts';

interface DocumentRow {
  account: string;
  region: string;
  key: string;
  value: string;
}

const SCAN_PAGE = 500;
const IN_SCOPE = 'collection = ? AND account = ? AND region = ?';

export class SqliteDocuments implements DocumentReader, DocumentWriter {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async get<T>(collection: Collection<T>, scope: Scope, key: string): Promise<T | undefined> {
    const row = this.#session
      .read()
      .get<{ value: string }>(
        `SELECT value FROM documents WHERE ${IN_SCOPE} AND key = ?`,
        collection.name,
        scope.account,
        scope.region,
        key,
      );
    return row && JSON.parse(row.value);
  }

  async range<T>(collection: Collection<T>, scope: Scope, options: RangeOptions = {}): Promise<StoredDocument<T>[]> {
    const bounds = keyBounds(options);
    const rows = this.#session.read().all<DocumentRow>(
      `SELECT account, region, key, value FROM documents WHERE ${IN_SCOPE}${bounds.condition}
         ORDER BY key ${options.reverse ? 'DESC' : 'ASC'} LIMIT ?`,
      collection.name,
      scope.account,
      scope.region,
      ...bounds.values,
      options.limit ?? -1,
    );
    return rows.map(parseRow<T>);
  }

  async scan<T>(collection: Collection<T>): Promise<StoredDocument<T>[]> {
    const rows = this.#session
      .read()
      .all<DocumentRow>(
        `SELECT account, region, key, value FROM documents WHERE collection = ? ORDER BY account, region, key`,
        collection.name,
      );
    return rows.map(parseRow<T>);
  }

  async *scanPages<T>(collection: Collection<T>): AsyncGenerator<StoredDocument<T>[]> {
    let last: DocumentRow | undefined;
    for (;;) {
      const rows: DocumentRow[] = this.#session.read().all<DocumentRow>(
        `SELECT account, region, key, value FROM documents
           WHERE collection = ?${last ? ' AND (account, region, key) > (?, ?, ?)' : ''}
           ORDER BY account, region, key LIMIT ?`,
        collection.name,
        ...(last ? [last.account, last.region, last.key] : []),
        SCAN_PAGE,
      );
      if (rows.length > 0) yield rows.map(parseRow<T>);
      if (rows.length < SCAN_PAGE) return;
      last = rows.at(-1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async put<T>(collection: Collection<T>, scope: Scope, key: string, value: T): Promise<void> {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`BUG: the document ${key} of ${collection.name} is not JSON`);
    this.#session.write().run(
      `INSERT INTO documents (collection, account, region, key, value) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET value = excluded.value`,
      collection.name,
      scope.account,
      scope.region,
      key,
      text,
    );
  }

  async delete(collection: Collection<unknown>, scope: Scope, key: string): Promise<boolean> {
    return (
      this.#session.change(
        `DELETE FROM documents WHERE ${IN_SCOPE} AND key = ?`,
        collection.name,
        scope.account,
        scope.region,
        key,
      ) > 0
    );
  }

  async deleteRange(collection: Collection<unknown>, scope: Scope, options: { prefix?: string } = {}): Promise<number> {
    const bounds = keyBounds(options);
    return this.#session.change(
      `DELETE FROM documents WHERE ${IN_SCOPE}${bounds.condition}`,
      collection.name,
      scope.account,
      scope.region,
      ...bounds.values,
    );
  }

  async nextSequence(name: string): Promise<number> {
    return this.#session
      .write()
      .get<{ value: number }>(
        `INSERT INTO sequences (name, value) VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value`,
        name,
      )!.value;
  }
}

/** At most one bound on each side, because SQLite seeks by one: with both it would walk over all that `after` skips. */
function keyBounds({ prefix, after, reverse }: RangeOptions): { condition: string; values: string[] } {
  let lower = prefix ? { operator: '>=', key: prefix } : undefined;
  const end = prefix ? prefixEnd(prefix) : undefined;
  let upper = end === undefined ? undefined : { operator: '<', key: end };
  if (after !== undefined) {
    if (reverse) {
      if (!upper || compareKeys(after, upper.key) < 0) upper = { operator: '<', key: after };
    } else if (!lower || compareKeys(after, lower.key) >= 0) {
      lower = { operator: '>', key: after };
    }
  }
  const bounds = [lower, upper].filter((bound) => bound !== undefined);
  return {
    condition: bounds.map((bound) => ` AND key ${bound.operator} ?`).join(''),
    values: bounds.map((bound) => bound.key),
  };
}

function parseRow<T>(row: DocumentRow): StoredDocument<T> {
  return { account: row.account, region: row.region, key: row.key, value: JSON.parse(row.value) };
}
