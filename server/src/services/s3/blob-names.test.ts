import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '#core/log.ts';
import { openObjectStore } from '#storage/objects/file-objects.ts';
import { Garbage } from '#storage/objects/garbage.ts';
import type { ObjectStore } from '#storage/objects/objects.ts';
import { defineCollection } from '#storage/state/state.ts';
import { temporaryState } from '#test/temporary-state.ts';
import { strikeNamedBlobs } from './blob-names.ts';
import {
  BUCKETS,
  type BucketDocument,
  GLOBAL,
  OBJECTS,
  PARTS_OF_OBJECTS,
  scopeOf,
  UPLOADED_PARTS,
} from './documents.ts';

const GARBAGE = defineCollection('s3.garbage');
const CLEAN_STOP = defineCollection('s3.clean-stop');
const BUCKET: BucketDocument = { name: 'b', account: 'a', region: 'r', createdAtMs: 0 };

async function setUp(t: TestContext) {
  const { state, dir, remove } = await temporaryState();
  const objects = await openObjectStore({ dir: join(dir, 'objects'), durable: false });
  t.after(remove);
  const make = (processStartMs = 0) =>
    new Garbage({
      state,
      objects,
      log: createLogger('silent'),
      owner: 's3',
      strikeNamed: (unnamed, stopped) => strikeNamedBlobs(state, unnamed, stopped),
      processStartMs,
    });
  const write = async (from: { owner?: string } = { owner: 's3' }) =>
    (await objects.write(Buffer.from('x'), undefined, from)).id;
  return { state, objects, make, write };
}

async function idsOf(objects: ObjectStore): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { id } of objects.list()) ids.add(id);
  return ids;
}

test('what was condemned goes after the commit, and is struck off', async (t) => {
  const { state, objects, make, write } = await setUp(t);
  const garbage = make();
  const [kept, dropped] = [await write(), await write()];
  const condemned = await state.transact((tx) => garbage.condemn(tx, [dropped, undefined]));
  assert.deepEqual(condemned, [dropped]);
  assert.equal((await idsOf(objects)).size, 2, 'nothing goes before it is collected');
  garbage.collect(condemned);
  await garbage.settled();
  assert.deepEqual(await idsOf(objects), new Set([kept]));
  assert.deepEqual(await state.documents.range(GARBAGE, GLOBAL), []);
});

test('a crash after the commit: the next start removes what was condemned', async (t) => {
  const { state, objects, make, write } = await setUp(t);
  const dropped = await Promise.all(Array.from({ length: 1_203 }, () => write()));
  await state.transact((tx) => make().condemn(tx, dropped));
  const next = make();
  await next.start();
  await next.settled();
  assert.equal((await idsOf(objects)).size, 0);
  assert.deepEqual(await state.documents.range(GARBAGE, GLOBAL), []);
});

test('a blob that is being read waits for its last reader', async (t) => {
  const { state, objects, make, write } = await setUp(t);
  const garbage = make();
  const blob = await write();
  const [first, second] = [garbage.hold([blob]), garbage.hold([blob])];
  garbage.collect(await state.transact((tx) => garbage.condemn(tx, [blob])));
  await garbage.settled();
  first();
  first();
  await garbage.settled();
  assert.deepEqual(await idsOf(objects), new Set([blob]));
  second();
  await garbage.settled();
  assert.equal((await idsOf(objects)).size, 0);
});

test('the sweep after a crash spares what documents name, what is not of S3, and what is new', async (t) => {
  const { state, objects, make, write } = await setUp(t);
  const ids = {
    object: await write(),
    part: await write(),
    uploaded: await write(),
    foreign: await write({ owner: 'code' }),
    bare: await write({}),
  };
  const orphan = await write();
  const scope = scopeOf(BUCKET);
  const part = { number: 1, size: 1, etag: 'e', modifiedAtMs: 0, checksum: 'c' };
  await state.transact(async (tx) => {
    await tx.documents.put(BUCKETS, GLOBAL, 'b', BUCKET);
    await tx.documents.put(OBJECTS, scope, 'b/k', {
      headers: {},
      size: 1,
      etag: 'e',
      modifiedAtMs: 0,
      blob: ids.object,
    });
    await tx.documents.put(PARTS_OF_OBJECTS, scope, 'upload', [{ ...part, blob: ids.part }]);
    await tx.documents.put(UPLOADED_PARTS, scope, 'other/00001', { ...part, blob: ids.uploaded });
  });
  await sleep(20);
  const processStartMs = performance.timeOrigin + performance.now();
  await sleep(20);
  const fresh = await write();
  const garbage = make(processStartMs);
  await garbage.start();
  await garbage.settled();
  const left = await idsOf(objects);
  assert.deepEqual(left, new Set([...Object.values(ids), fresh]));
  assert.ok(!left.has(orphan));
});

test('after an orderly stop there is no sweep', async (t) => {
  const { state, objects, make, write } = await setUp(t);
  const first = make();
  await first.start();
  await first.stop(1);
  const orphan = await write();
  await sleep(20);
  const second = make(performance.timeOrigin + performance.now());
  await second.start();
  await second.settled();
  assert.deepEqual(await idsOf(objects), new Set([orphan]));
  assert.equal(await state.documents.get(CLEAN_STOP, GLOBAL, 'stop'), undefined, 'the next stop has to be orderly too');
});
