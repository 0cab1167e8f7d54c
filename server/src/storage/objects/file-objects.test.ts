import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { openObjectStore } from './file-objects.ts';
import type { ObjectStore } from './objects.ts';

const root = mkdtempSync(join(tmpdir(), 'brume-objects-'));
after(() => rmSync(root, { recursive: true, force: true }));
const dir = join(root, 'shared');
const store = await openObjectStore({ dir, durable: true });

const KB = 1024;
const MB = 1024 * KB;

for (const { name, size } of [
  { name: 'an empty blob', size: 0 },
  { name: 'one byte', size: 1 },
  { name: '4 KB', size: 4 * KB },
  { name: 'the largest that is written in place', size: 64 * KB },
  { name: 'the smallest that is renamed', size: 64 * KB + 1 },
  { name: '20 MB', size: 20 * MB },
]) {
  const bytes = randomBytes(size);
  for (const { form, body } of [
    { form: 'bytes', body: () => bytes },
    { form: 'a stream', body: () => Readable.from(pieces(bytes, 100_000)) },
    { form: 'a stream of odd pieces', body: () => Readable.from(pieces(bytes, 65_537)) },
  ]) {
    test(`${name} written from ${form} reads back`, async () => {
      const hash = createHash('sha256');
      const { id, size: written } = await store.write(body(), (chunk) => void hash.update(chunk));
      assert.equal(written, size);
      assert.equal(hash.digest('hex'), sha256(bytes));
      assert.equal(sha256(await store.readAll(id)), sha256(bytes));
      assert.equal(sha256(await collect(store.read(id))), sha256(bytes));
      assert.equal(sha256(readFileSync(await store.localPath(id))), sha256(bytes));
    });
  }
}

const alphabet = Buffer.from('abcdefghijklmnopqrstuvwxyz');
for (const { range, reads } of [
  { range: { start: 0, end: 26 }, reads: 'abcdefghijklmnopqrstuvwxyz' },
  { range: { start: 0, end: 1 }, reads: 'a' },
  { range: { start: 25, end: 26 }, reads: 'z' },
  { range: { start: 3, end: 6 }, reads: 'def' },
  { range: { start: 24, end: 100 }, reads: 'yz' },
  { range: { start: 7, end: 7 }, reads: '' },
  { range: { start: 26, end: 30 }, reads: '' },
]) {
  test(`range [${range.start}, ${range.end}) of 26 letters is "${reads}"`, async () => {
    const { id } = await store.write(alphabet);
    assert.equal(String(await collect(store.read(id, range))), reads);
  });
}

test('concat joins blobs in the order given, a blob as often as it is named', async () => {
  const [a, b] = [await store.write(Buffer.from('first ')), await store.write(randomBytes(3 * MB))];
  const joined = await store.concat([a.id, b.id, a.id], { owner: 's3' });
  const expected = Buffer.concat(await Promise.all([a.id, b.id, a.id].map((id) => store.readAll(id))));
  assert.match(joined.id, /-s3$/);
  assert.equal(joined.size, expected.length);
  assert.equal(sha256(await store.readAll(joined.id)), sha256(expected));
});

test('concat of an unknown blob fails and leaves nothing', async () => {
  const { id } = await store.write(alphabet);
  const before = await countBlobs(store);
  await assert.rejects(store.concat([id, 'f'.repeat(32)]), { code: 'ENOENT' });
  assert.equal(await countBlobs(store), before);
  assert.deepEqual(readdirSync(join(dir, 'temporary')), []);
});

for (const { name, body, onChunk } of [
  { name: 'onChunk throws on a small blob', body: () => Buffer.alloc(10), onChunk: refuse },
  { name: 'onChunk throws on a stream', body: () => Readable.from(pieces(Buffer.alloc(MB), KB)), onChunk: refuse },
  { name: 'the stream fails', body: failingStream, onChunk: undefined },
]) {
  test(`nothing is left when ${name}`, async () => {
    const before = await countBlobs(store);
    await assert.rejects(store.write(body(), onChunk), /refused/);
    assert.equal(await countBlobs(store), before);
    assert.deepEqual(readdirSync(join(dir, 'temporary')), []);
  });
}

for (const id of ['../../state/state.db', 'a'.repeat(31), `${'a'.repeat(32)}/x`, `${'a'.repeat(32)}-`, '', '.']) {
  test(`${JSON.stringify(id)} names no blob and no path`, async () => {
    assert.throws(() => store.read(id), /is no id/);
    await assert.rejects(store.readAll(id), /is no id/);
    await assert.rejects(store.localPath(id), /is no id/);
    await assert.rejects(store.remove([id]), /is no id/);
  });
}

test('an owner that could make a path is refused', async () => {
  for (const owner of ['', '../x', 'A', 'a'.repeat(17)]) {
    await assert.rejects(store.write(alphabet, undefined, { owner }), /BUG/);
  }
});

test('an unknown id fails with ENOENT', async () => {
  const unknown = '0'.repeat(32);
  await assert.rejects(store.readAll(unknown), { code: 'ENOENT' });
  await assert.rejects(store.localPath(unknown), { code: 'ENOENT' });
  await assert.rejects(collect(store.read(unknown)), { code: 'ENOENT' });
});

test('remove removes, and removing again is no error; an open stream reads on', async () => {
  const bytes = randomBytes(2 * MB);
  const { id } = await store.write(bytes);
  const stream = store.read(id);
  await new Promise((resolve) => stream.once('readable', resolve));
  await store.remove([id, id]);
  await store.remove([id]);
  await assert.rejects(store.readAll(id), { code: 'ENOENT' });
  assert.equal(sha256(await collect(stream)), sha256(bytes));
});

test('list gives every blob once with its age', async () => {
  const lone = await openObjectStore({ dir: join(root, 'list'), durable: false });
  const before = Date.now();
  const ids = await Promise.all([1, 2, 3].map(async (n) => (await lone.write(Buffer.from([n]))).id));
  const listed = await Array.fromAsync(lone.list());
  assert.deepEqual(listed.map(({ id }) => id).sort(), ids.sort());
  // The kernel's clock for files ticks in steps of some milliseconds.
  for (const { modifiedAtMs } of listed) assert.ok(Math.abs(modifiedAtMs - before) < 60_000);
});

test('reset empties the store, which stays usable', async () => {
  const lone = await openObjectStore({ dir: join(root, 'reset'), durable: true });
  for (let n = 0; n < 20; n++) await lone.write(Buffer.from([n]));
  await lone.reset();
  assert.equal(await countBlobs(lone), 0);
  const { id } = await lone.write(alphabet);
  assert.equal(String(await lone.readAll(id)), String(alphabet));
});

test('blobs outlive the store; what was half written does not', async () => {
  const path = join(root, 'reopened');
  const { id } = await (await openObjectStore({ dir: path, durable: true })).write(randomBytes(MB));
  const leftover = join(path, 'temporary', 'e'.repeat(32));
  writeFileSync(leftover, 'half');
  const reopened = await openObjectStore({ dir: path, durable: true });
  assert.equal((await reopened.readAll(id)).length, MB);
  assert.equal(existsSync(leftover), false);
});

test('many writes at once keep apart, over more than one shard', async () => {
  const lone = await openObjectStore({ dir: join(root, 'many'), durable: false });
  const written = await Promise.all(
    Array.from({ length: 2_500 }, async (_, n) => ({ n, id: (await lone.write(Buffer.from(`blob ${n}`))).id })),
  );
  assert.equal(new Set(written.map(({ id }) => id)).size, written.length);
  assert.ok(new Set(written.map(({ id }) => id.slice(0, 2))).size > 1);
  for (const { n, id } of written) assert.equal(String(await lone.readAll(id)), `blob ${n}`);
});

test('a stream passes with flat memory', async () => {
  const chunk = randomBytes(64 * KB);
  const chunks = 2_000;
  let most = 0;
  const source = async function* () {
    for (let n = 0; n < chunks; n++) {
      if (n % 100 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers);
      // A fresh buffer for each, as a socket gives them.
      yield Buffer.from(chunk);
    }
  };
  const { id, size } = await store.write(Readable.from(source()));
  assert.equal(size, chunks * chunk.length);
  assert.ok(most < size / 2, `${most} bytes of buffers were alive while ${size} passed`);
  await store.remove([id]);
});

function refuse(): void {
  throw new Error('refused');
}

function failingStream(): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.alloc(200_000);
      refuse();
    })(),
  );
}

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function collect(stream: Readable): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Uint8Array>));
}

async function countBlobs(objects: ObjectStore): Promise<number> {
  return (await Array.fromAsync(objects.list())).length;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
