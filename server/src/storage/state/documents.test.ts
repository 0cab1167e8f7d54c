import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { seeded } from '#test/seeded-random.ts';
import { temporaryState } from '#test/temporary-state.ts';
import { compareKeys } from './key-order.ts';
import { defineCollection, type RangeOptions, type Scope } from './state.ts';

const { state, dir, remove } = await temporaryState();
after(remove);

const HERE: Scope = { account: '111111111111', region: 'eu-west-1' };

let collections = 0;
/** A collection of its own for each test, filled with keys whose values say what they are. */
async function collectionOf(keys: readonly string[], scope: Scope = HERE) {
  const collection = defineCollection<{ is: string }>(`test-${collections++}`);
  await state.transact(async (tx) => {
    for (const key of keys) await tx.documents.put(collection, scope, key, { is: key });
  });
  return collection;
}

for (const { name, value } of [
  { name: 'an object', value: { a: 1, b: [true, null, 'x'], c: { d: -0.5 } } },
  { name: 'unicode, NUL and quotes', value: { text: 'é 😀 \0 \u2028 \' " \\' } },
  { name: 'a lone surrogate', value: { text: '\ud800' } },
  { name: 'a string', value: 'plain' },
  { name: 'null', value: null },
  { name: 'a megabyte', value: 'x'.repeat(1024 * 1024) },
]) {
  test(`put and get ${name}`, async () => {
    const collection = defineCollection<unknown>('values');
    await state.transact((tx) => tx.documents.put(collection, HERE, name, value));
    assert.deepEqual(await state.documents.get(collection, HERE, name), value);
  });
}

test('put replaces, delete says whether there was one', async () => {
  const collection = await collectionOf(['key']);
  await state.transact((tx) => tx.documents.put(collection, HERE, 'key', { is: 'replaced' }));
  assert.deepEqual(await state.documents.get(collection, HERE, 'key'), { is: 'replaced' });
  assert.equal(await state.transact((tx) => tx.documents.delete(collection, HERE, 'key')), true);
  assert.equal(await state.transact((tx) => tx.documents.delete(collection, HERE, 'key')), false);
  assert.equal(await state.documents.get(collection, HERE, 'key'), undefined);
});

test('what is no JSON is refused', async () => {
  const collection = defineCollection<unknown>('values');
  await assert.rejects(
    state.transact((tx) => tx.documents.put(collection, HERE, 'undefined', undefined)),
    /BUG: the document undefined of values is not JSON/,
  );
});

test('collections, accounts and regions keep apart; scan sees all of a collection', async () => {
  const [one, other] = [await collectionOf([]), await collectionOf([])];
  const scopes = [HERE, { ...HERE, region: '' }, { account: '222222222222', region: 'eu-west-1' }];
  await state.transact(async (tx) => {
    for (const scope of scopes) await tx.documents.put(one, scope, 'key', { is: `${scope.account}/${scope.region}` });
    await tx.documents.put(other, HERE, 'key', { is: 'other' });
  });
  for (const scope of scopes) {
    assert.deepEqual(await state.documents.get(one, scope, 'key'), { is: `${scope.account}/${scope.region}` });
    assert.equal((await state.documents.range(one, scope)).length, 1);
  }
  assert.deepEqual(await state.documents.scan(one), [
    { ...scopes[1], key: 'key', value: { is: '111111111111/' } },
    { ...scopes[0], key: 'key', value: { is: '111111111111/eu-west-1' } },
    { ...scopes[2], key: 'key', value: { is: '222222222222/eu-west-1' } },
  ]);
});

for (const count of [0, 1, 499, 500, 501, 1_250]) {
  test(`scanPages gives ${count} documents of several scopes as scan does, and lets the loop turn`, async () => {
    const collection = defineCollection<number>(`pages-${count}`);
    await state.transact(async (tx) => {
      for (let n = 0; n < count; n++) {
        await tx.documents.put(collection, { account: `${n % 3}`, region: n % 2 ? '' : 'r' }, `key ${n >> 2}`, n);
      }
      await tx.documents.put(defineCollection<number>(`pages-${count}-other`), HERE, 'key', -1);
    });
    let turns = 0;
    let next = setImmediate(function turn() {
      turns++;
      next = setImmediate(turn);
    });
    const found = (await Array.fromAsync(state.documents.scanPages(collection))).flat();
    clearImmediate(next);
    assert.deepEqual(found, await state.documents.scan(collection));
    assert.ok(count < 501 || turns > 0);
  });
}

const TREE = [
  'a',
  'a/',
  'a/1',
  'a/2',
  'a0',
  'b',
  'b\0',
  'b\u{10ffff}',
  'b\u{10ffff}c',
  'c',
  'é',
  '\uffff',
  '😀',
  '😀x',
];

for (const { options, gives } of [
  { options: {}, gives: TREE },
  { options: { limit: 2 }, gives: ['a', 'a/'] },
  { options: { limit: 0 }, gives: [] },
  { options: { prefix: '' }, gives: TREE },
  { options: { prefix: 'a/' }, gives: ['a/', 'a/1', 'a/2'] },
  { options: { prefix: 'a/', limit: 1 }, gives: ['a/'] },
  { options: { prefix: 'zz' }, gives: [] },
  { options: { prefix: 'b\u{10ffff}' }, gives: ['b\u{10ffff}', 'b\u{10ffff}c'] },
  { options: { prefix: 'b\0' }, gives: ['b\0'] },
  { options: { prefix: '😀' }, gives: ['😀', '😀x'] },
  { options: { after: 'a/2' }, gives: TREE.slice(4) },
  { options: { after: 'a/1x' }, gives: TREE.slice(3) },
  { options: { after: '' }, gives: TREE },
  { options: { after: '😀x' }, gives: [] },
  { options: { prefix: 'a/', after: 'a/' }, gives: ['a/1', 'a/2'] },
  { options: { prefix: 'a/', after: 'a' }, gives: ['a/', 'a/1', 'a/2'] },
  { options: { prefix: 'a/', after: 'b' }, gives: [] },
  { options: { prefix: 'a/', after: 'a/1', limit: 5 }, gives: ['a/2'] },
  { options: { reverse: true }, gives: TREE.toReversed() },
  { options: { reverse: true, limit: 2 }, gives: ['😀x', '😀'] },
  { options: { reverse: true, after: 'a/2' }, gives: ['a/1', 'a/', 'a'] },
  { options: { reverse: true, prefix: 'a/', after: 'a/2' }, gives: ['a/1', 'a/'] },
  { options: { reverse: true, prefix: 'a/', after: 'zz' }, gives: ['a/2', 'a/1', 'a/'] },
  { options: { reverse: true, prefix: 'b', after: 'a' }, gives: [] },
] as { options: RangeOptions; gives: string[] }[]) {
  test(`range ${JSON.stringify(options)}`, async () => {
    const collection = await collectionOf(TREE.toReversed());
    const found = await state.documents.range(collection, HERE, options);
    assert.deepEqual(
      found.map(({ key }) => key),
      gives,
    );
    for (const { account, region, key, value } of found) {
      assert.deepEqual({ account, region, value }, { ...HERE, value: { is: key } });
    }
  });
}

test('range agrees with a model over random keys', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.log(`seed ${seed}`);
  const random = seeded(seed);
  const alphabet = ['a', 'b', '/', '\0', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'];
  const text = (longest: number) =>
    Array.from({ length: Math.floor(random() * (longest + 1)) }, () => pick(alphabet, random)).join('');
  const keys = [...new Set(Array.from({ length: 300 }, () => text(4)))];
  const collection = await collectionOf(keys);
  keys.sort(compareKeys);
  for (let n = 0; n < 500; n++) {
    const options: RangeOptions = {
      ...(random() < 0.7 && { prefix: text(2) }),
      ...(random() < 0.5 && { after: text(4) }),
      ...(random() < 0.5 && { limit: Math.floor(random() * 10) }),
      ...(random() < 0.5 && { reverse: true }),
    };
    const found = await state.documents.range(collection, HERE, options);
    assert.deepEqual(
      found.map(({ key }) => key),
      modelRange(keys, options),
      JSON.stringify(options),
    );
  }
});

function modelRange(sorted: readonly string[], { prefix = '', after, limit, reverse }: RangeOptions): string[] {
  const inScanOrder = reverse ? sorted.toReversed() : sorted;
  const isAfter = (key: string) =>
    after === undefined || (reverse ? compareKeys(key, after) < 0 : compareKeys(key, after) > 0);
  return inScanOrder.filter((key) => key.startsWith(prefix) && isAfter(key)).slice(0, limit);
}

for (const { prefix, leaves } of [
  { prefix: undefined, leaves: [] },
  { prefix: '', leaves: [] },
  { prefix: 'a/', leaves: TREE.filter((key) => !key.startsWith('a/')) },
  { prefix: 'b\u{10ffff}', leaves: TREE.filter((key) => !key.startsWith('b\u{10ffff}')) },
  { prefix: 'none', leaves: TREE },
]) {
  test(`deleteRange of ${JSON.stringify(prefix)}`, async () => {
    const collection = await collectionOf(TREE);
    await state.transact((tx) =>
      tx.documents.put(collection, { ...HERE, region: 'other' }, 'a/1', { is: 'elsewhere' }),
    );
    const options = prefix === undefined ? {} : { prefix };
    const deleted = await state.transact((tx) => tx.documents.deleteRange(collection, HERE, options));
    assert.equal(deleted, TREE.length - leaves.length);
    assert.deepEqual(
      (await state.documents.range(collection, HERE)).map(({ key }) => key),
      leaves,
    );
    assert.equal((await state.documents.scan(collection)).length, leaves.length + 1);
  });
}

test('sequences count from 1, each by its own name, and never give a number twice', async () => {
  const next = (name: string) => state.transact((tx) => tx.documents.nextSequence(name));
  assert.deepEqual(await Promise.all([next('a'), next('a'), next('b')]), [1, 2, 1]);
  await state.reset();
  assert.equal(await next('a'), 3);
});

test('ranges and pages seek to their first key', () => {
  const database = new DatabaseSync(join(dir, 'state.db'), { readOnly: true });
  const planOf = (condition: string) =>
    database.prepare(`EXPLAIN QUERY PLAN SELECT value FROM documents WHERE ${condition} LIMIT 5`).all()[0]!.detail;
  assert.equal(
    planOf(`collection = 'c' AND account = 'a' AND region = 'r' AND key > 'a' AND key < 'b' ORDER BY key DESC`),
    'SEARCH documents USING PRIMARY KEY (collection=? AND account=? AND region=? AND key>? AND key<?)',
  );
  assert.equal(
    planOf(`collection = 'c' AND (account, region, key) > ('a', 'r', 'k') ORDER BY account, region, key`),
    'SEARCH documents USING PRIMARY KEY (collection=? AND (account,region,key)>(?,?,?))',
  );
  database.close();
});

function pick<T>(items: readonly T[], random: () => number): T {
  return items[Math.floor(random() * items.length)]!;
}
