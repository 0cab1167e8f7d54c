// Walks keys in their order, rolling up those that share a prefix up to the delimiter, a page at a time.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html

import type { Collection, DocumentReader, Scope } from '#storage/state/state.ts';
import { MAX_KEY_BYTES } from '../object-name.ts';

export interface Walk<T> {
  collection: Collection<T>;
  scope: Scope;
  /** What all document keys begin with: `bucket/`. */
  base: string;
  /** The S3 key of a document. */
  keyOf: (document: { key: string; value: T }) => string;
  prefix: string;
  /** None when empty. */
  delimiter: string;
  /** Where to go on: after this text in the order of document keys (without `base`); from the beginning when empty. */
  after: string;
  /** Keys and common prefixes together. */
  limit: number;
}

export interface Page<T> {
  entries: { key: string; value: T }[];
  commonPrefixes: string[];
  /** Set when there is more: the last key or common prefix of this page. */
  next?: { kind: 'key' | 'prefix'; text: string };
}

/** Rows of a first read when keys roll up: most of a read may fall under one prefix, which is then skipped at once. */
const FIRST_ROLLED_UP_BATCH = 32;
const LARGEST_BATCH = 1_001;
/** Behind every key that begins with what it is put after. */
const BEHIND_ALL = '\u{10ffff}'.repeat(MAX_KEY_BYTES / 4 + 1);

/** The text after which a walk goes on behind all keys with this prefix. */
export function behindPrefix(prefix: string): string {
  return prefix + BEHIND_ALL;
}

export async function walkPage<T>(documents: DocumentReader, walk: Walk<T>): Promise<Page<T>> {
  const { collection, scope, base, keyOf, prefix, delimiter, limit } = walk;
  const page: Page<T> = { entries: [], commonPrefixes: [] };
  if (limit === 0) return page;
  let count = 0;
  let last: Page<T>['next'];
  let cursor = walk.after === '' ? undefined : base + walk.after;
  let batch = delimiter === '' ? Math.min(limit + 1, LARGEST_BATCH) : FIRST_ROLLED_UP_BATCH;
  for (;;) {
    const rows = await documents.range(collection, scope, {
      prefix: base + prefix,
      limit: batch,
      ...(cursor === undefined ? {} : { after: cursor }),
    });
    let rolledUp: string | undefined;
    for (const row of rows) {
      const key = keyOf(row);
      rolledUp = commonPrefix(key, prefix, delimiter);
      if (rolledUp !== undefined && last?.kind === 'prefix' && rolledUp === last.text) continue;
      if (count === limit) return { ...page, next: last! };
      count++;
      if (rolledUp === undefined) {
        page.entries.push({ key, value: row.value });
        last = { kind: 'key', text: key };
      } else {
        page.commonPrefixes.push(rolledUp);
        last = { kind: 'prefix', text: rolledUp };
      }
    }
    if (rows.length < batch) return page;
    cursor = rolledUp === undefined ? rows.at(-1)!.key : base + behindPrefix(rolledUp);
    batch = rolledUp === undefined ? Math.min(batch * 4, LARGEST_BATCH) : FIRST_ROLLED_UP_BATCH;
  }
}

/** The part of a key up to and with the first delimiter behind the prefix; undefined when there is none. */
export function commonPrefix(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}
