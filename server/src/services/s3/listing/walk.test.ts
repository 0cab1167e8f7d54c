import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { defineCollection, type StateStore } from '#storage/state/state.ts';
import { temporaryState } from '#test/temporary-state.ts';
import { behindPrefix, commonPrefix, walkPage } from './walk.ts';

const KEYS = defineCollection<number>('test.keys');
const scope = { account: 'a', region: 'r' };

async function store(state: StateStore, keys: readonly string[]): Promise<void> {
  await state.transact(async (tx) => {
    await tx.documents.deleteRange(KEYS, scope);
    for (const key of keys) await tx.documents.put(KEYS, scope, `b/${key}`, 1);
    // Neighbours that must never show.
    await tx.documents.put(KEYS, scope, 'a/x', 1);
    await tx.documents.put(KEYS, scope, 'b0', 1);
  });
}

/** All pages, one after another, as a client walks them. */
async function walk(state: StateStore, prefix: string, delimiter: string, limit: number, start = '') {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let after = start;
  for (let pages = 1; ; pages++) {
    const page = await walkPage(state.documents, {
      collection: KEYS,
      scope,
      base: 'b/',
      keyOf: ({ key }) => key.slice(2),
      prefix,
      delimiter,
      after,
      limit,
    });
    assert.ok(page.entries.length + page.commonPrefixes.length <= limit);
    keys.push(...page.entries.map(({ key }) => key));
    prefixes.push(...page.commonPrefixes);
    if (!page.next) return { keys, prefixes, pages };
    after = page.next.kind === 'key' ? page.next.text : behindPrefix(page.next.text);
  }
}

/** The same by definition. */
function expected(all: readonly string[], prefix: string, delimiter: string, start = '') {
  const keys: string[] = [];
  const prefixes = new Set<string>();
  const bytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  for (const key of [...all].sort(bytes)) {
    if (!key.startsWith(prefix) || bytes(key, start) <= 0) continue;
    const rolledUp = commonPrefix(key, prefix, delimiter);
    if (rolledUp === undefined) keys.push(key);
    else prefixes.add(rolledUp);
  }
  return { keys, prefixes: [...prefixes] };
}

test('pages of keys and common prefixes', async (t) => {
  const { state, remove } = await temporaryState();
  t.after(remove);
  const all = [
    'a',
    'a/1',
    'a/2',
    'a/b/1',
    'a0',
    'b/',
    'b/\u{10ffff}',
    'c',
    'photos/2026/1.jpg',
    'photos/2027/1.jpg',
    'z//z',
    'ü/1',
  ];
  await store(state, all);
  const cases: [prefix: string, delimiter: string, start?: string][] = [
    ['', ''],
    ['', '/'],
    ['a', '/'],
    ['a/', '/'],
    ['photos/', '/'],
    ['photos/2', '/'],
    ['z/', '/'],
    ['nothing', '/'],
    ['', '20'],
    ['', '/', 'a/1'],
    ['', '', 'b/'],
    ['', '/', behindPrefix('photos/')],
    ['a', '', 'a/1'],
  ];
  for (const [prefix, delimiter, start] of cases) {
    for (const limit of [1, 2, 3, 1_000]) {
      const { keys, prefixes } = await walk(state, prefix, delimiter, limit, start);
      const label = JSON.stringify({ prefix, delimiter, start, limit });
      assert.deepEqual({ keys, prefixes }, expected(all, prefix, delimiter, start), label);
    }
  }
  assert.equal((await walk(state, '', '', 12)).pages, 1, 'a page that ends with the last key is the last');
  assert.equal((await walk(state, '', '', 11)).pages, 2);
});

test('random keys, against the definition', async (t) => {
  const { state, remove } = await temporaryState();
  t.after(remove);
  const letters = ['a', 'b', '/', 'é', '\u{1f600}', ' '];
  const keys = new Set<string>();
  while (keys.size < 400) {
    keys.add(Array.from({ length: randomInt(1, 9) }, () => letters[randomInt(letters.length)]).join(''));
  }
  await store(state, [...keys]);
  for (const prefix of ['', 'a', 'a/', '/']) {
    for (const delimiter of ['', '/', 'b']) {
      const { keys: found, prefixes } = await walk(state, prefix, delimiter, randomInt(1, 60));
      assert.deepEqual({ keys: found, prefixes }, expected([...keys], prefix, delimiter), `${prefix} ${delimiter}`);
    }
  }
});

test('a prefix with many keys is skipped, not walked through', async (t) => {
  const { state, remove } = await temporaryState();
  t.after(remove);
  await store(
    state,
    Array.from({ length: 5_000 }, (_, i) => `${i % 3}/${i}`),
  );
  let rows = 0;
  const counting = {
    ...state.documents,
    range: async (...args: Parameters<typeof state.documents.range>) => {
      const found = await state.documents.range(...args);
      rows += found.length;
      return found;
    },
  } as typeof state.documents;
  const page = await walkPage(counting, {
    collection: KEYS,
    scope,
    base: 'b/',
    keyOf: ({ key }) => key.slice(2),
    prefix: '',
    delimiter: '/',
    after: '',
    limit: 1_000,
  });
  assert.deepEqual(page.commonPrefixes, ['0/', '1/', '2/']);
  assert.ok(rows < 500, `${rows} rows read`);
});
