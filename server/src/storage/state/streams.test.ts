import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { temporaryState } from '#test/temporary-state.ts';

const { state, remove } = await temporaryState();
after(remove);

let streams = 0;
const newStream = () => `stream-${streams++}`;

const append = (stream: string, partition: string, data: string[], nowMs = 0) =>
  state.transact((tx) => tx.streams.append(stream, partition, data, nowMs));
const sequences = async (stream: string, partition: string, afterSequence = 0, limit = 100) =>
  (await state.streams.read(stream, partition, afterSequence, limit)).map(({ sequence }) => sequence);

test('records come back in order, with their time', async () => {
  const stream = newStream();
  assert.deepEqual(await append(stream, 'p', ['a', 'é 😀 \0'], 100), [1, 2]);
  assert.deepEqual(await append(stream, 'p', ['c'], 200), [3]);
  assert.deepEqual(await append(stream, 'p', [], 300), []);
  assert.deepEqual(await state.streams.read(stream, 'p', 0, 10), [
    { sequence: 1, appendedAtMs: 100, data: 'a' },
    { sequence: 2, appendedAtMs: 100, data: 'é 😀 \0' },
    { sequence: 3, appendedAtMs: 200, data: 'c' },
  ]);
});

test('read goes on after a sequence number, up to a limit', async () => {
  const stream = newStream();
  await append(stream, 'p', ['1', '2', '3', '4', '5']);
  for (const { after: afterSequence, limit, gives } of [
    { after: 0, limit: 2, gives: [1, 2] },
    { after: 2, limit: 2, gives: [3, 4] },
    { after: 4, limit: 2, gives: [5] },
    { after: 5, limit: 2, gives: [] },
    { after: 99, limit: 2, gives: [] },
    { after: 0, limit: 0, gives: [] },
  ]) {
    assert.deepEqual(await sequences(stream, 'p', afterSequence, limit), gives, `${limit} after ${afterSequence}`);
  }
});

test('streams and partitions number by themselves', async () => {
  const [one, other] = [newStream(), newStream()];
  assert.deepEqual(await append(one, 'a', ['x', 'y']), [1, 2]);
  assert.deepEqual(await append(one, 'b', ['x']), [1]);
  assert.deepEqual(await append(other, 'a', ['x']), [1]);
  assert.deepEqual(await append(one, 'a', ['z']), [3]);
  assert.deepEqual(await sequences(one, 'c'), []);
  assert.equal(await state.streams.lastSequence(one, 'a'), 3);
  assert.equal(await state.streams.lastSequence(one, 'c'), 0);
});

for (const { beforeMs, trims, leaves } of [
  { beforeMs: 100, trims: 0, leaves: [1, 2, 3] },
  { beforeMs: 101, trims: 1, leaves: [2, 3] },
  { beforeMs: 200, trims: 1, leaves: [2, 3] },
  { beforeMs: 201, trims: 2, leaves: [3] },
  { beforeMs: 1_000, trims: 3, leaves: [] },
]) {
  test(`trim before ${beforeMs} leaves ${leaves}; numbering goes on`, async () => {
    const stream = newStream();
    for (const nowMs of [100, 200, 300]) await append(stream, 'p', ['x'], nowMs);
    await append(stream, 'young', ['x'], 5_000);
    assert.equal(await state.transact((tx) => tx.streams.trim(stream, beforeMs)), trims);
    assert.equal(await state.transact((tx) => tx.streams.trim(stream, beforeMs)), 0);
    assert.deepEqual(await sequences(stream, 'p'), leaves);
    assert.deepEqual(await sequences(stream, 'young'), [1]);
    assert.equal(await state.streams.lastSequence(stream, 'p'), 3);
    assert.deepEqual(await append(stream, 'p', ['next'], 6_000), [4]);
  });
}

test('a clock that went back leaves no gap when trimmed', async () => {
  const stream = newStream();
  for (const nowMs of [100, 300, 200, 400]) await append(stream, 'p', ['x'], nowMs);
  await state.transact((tx) => tx.streams.trim(stream, 250));
  assert.deepEqual(await sequences(stream, 'p'), [2, 3, 4]);
});

test('deleteStream forgets everything of one stream', async () => {
  const [stream, other] = [newStream(), newStream()];
  await append(stream, 'a', ['x']);
  await append(stream, 'b', ['x']);
  await append(other, 'a', ['x']);
  await state.transact((tx) => tx.streams.deleteStream(stream));
  assert.deepEqual([await sequences(stream, 'a'), await sequences(stream, 'b')], [[], []]);
  assert.deepEqual(await sequences(other, 'a'), [1]);
  assert.deepEqual(await append(stream, 'a', ['anew']), [1]);
});

test('listeners hear of a stream once a transaction, after it has committed', async () => {
  const stream = newStream();
  const heard: string[] = [];
  const stop = state.onStreamActivity((name) => heard.push(name));
  await state.transact(async (tx) => {
    await tx.streams.append(stream, 'a', ['x'], 0);
    await tx.streams.append(stream, 'b', ['x'], 0);
    assert.deepEqual(heard, []);
  });
  assert.deepEqual(heard.splice(0), [stream]);
  await state.transact((tx) => tx.streams.trim(stream, 1));
  await append(stream, 'a', []);
  assert.deepEqual(heard, []);
  stop();
  await append(stream, 'a', ['unheard']);
  assert.deepEqual(heard, []);
});
