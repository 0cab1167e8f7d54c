import assert from 'node:assert/strict';
import { copyFileSync, fdatasync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createLogger } from '#core/log.ts';
import { temporaryState } from '#test/temporary-state.ts';
import { openStateStore } from './sqlite-state.ts';
import { defineCollection, type StateStore, type Transaction } from './state.ts';

const root = mkdtempSync(join(tmpdir(), 'brume-sqlite-state-'));
after(() => rmSync(root, { recursive: true, force: true }));
const { state, remove } = await temporaryState({ durable: true });
after(remove);

const log = createLogger('silent');
const NUMBERS = defineCollection<number>('numbers');
const HERE = { account: '111111111111', region: 'eu-west-1' };
const put = (key: string, value: number) => (tx: Transaction) => tx.documents.put(NUMBERS, HERE, key, value);
const get = (key: string, store: StateStore = state) => store.documents.get(NUMBERS, HERE, key);

test('transact gives what work gives', async () => {
  assert.equal(await state.transact(() => 1), 1);
  assert.equal(await state.transact(async () => 'later'), 'later');
});

test('a throw rolls everything back: documents, queues and streams', async () => {
  await state.transact(put('kept', 1));
  await assert.rejects(
    state.transact(async (tx) => {
      await put('kept', 2)(tx);
      await put('new', 2)(tx);
      await tx.queues.send('rolled-back', [{ body: 'x' }], 0);
      await tx.streams.append('rolled-back', 'p', ['x'], 0);
      assert.equal(await tx.documents.nextSequence('rolled-back'), 1);
      throw new RangeError('no');
    }),
    new RangeError('no'),
  );
  assert.deepEqual([await get('kept'), await get('new')], [1, undefined]);
  assert.deepEqual(await state.queues.counts('rolled-back', 0), { visible: 0, inFlight: 0, delayed: 0 });
  assert.equal(await state.streams.lastSequence('rolled-back', 'p'), 0);
  assert.equal(await state.transact((tx) => tx.documents.nextSequence('rolled-back')), 1);
});

test('a transaction reads its own writes; nobody else does before it commits', async () => {
  await state.transact(put('own', 1));
  await state.transact(async (tx) => {
    await put('own', 2)(tx);
    await tx.queues.send('own', [{ body: 'x' }], 0);
    await tx.streams.append('own', 'p', ['x'], 0);
    assert.equal(await tx.documents.get(NUMBERS, HERE, 'own'), 2);
    assert.equal((await tx.queues.counts('own', 0)).visible, 1);
    assert.equal(await tx.streams.lastSequence('own', 'p'), 1);
    assert.equal(await get('own'), 1);
    assert.equal((await state.queues.counts('own', 0)).visible, 0);
    assert.equal(await state.streams.lastSequence('own', 'p'), 0);
  });
  assert.equal(await get('own'), 2);
});

test('transactions run one after another: increments at the same time lose nothing', async () => {
  const increments = Array.from({ length: 500 }, (_, n) =>
    state.transact(async (tx) => {
      const value = (await tx.documents.get(NUMBERS, HERE, 'counter')) ?? 0;
      await Promise.resolve();
      await put('counter', value + 1)(tx);
      if (n % 10 === 0) throw new Error('rolled back');
    }),
  );
  const results = await Promise.allSettled(increments);
  assert.equal(results.filter(({ status }) => status === 'rejected').length, 50);
  assert.equal(await get('counter'), 450);
});

test('a call that was not awaited cannot write after its transaction', async () => {
  let late: Promise<void> | undefined;
  await state.transact((tx) => {
    late = turn().then(() => put('late', 1)(tx));
  });
  await assert.rejects(late!, /BUG: the transaction is over/);
  assert.equal(await get('late'), undefined);
});

test('transact inside a transaction is an error, not a deadlock', async () => {
  await assert.rejects(
    state.transact(async () => {
      await state.transact(put('inner', 1));
    }),
    /BUG: transact inside a transaction/,
  );
  await state.transact(put('after inner', 1));
  assert.equal(await get('after inner'), 1);
});

test('what a transaction starts may transact once that is over', async () => {
  let later: Promise<void> | undefined;
  await state.transact(async (tx) => {
    later = turn().then(() => state.transact(put('started inside', 1)));
    await put('outer', 1)(tx);
  });
  await later;
  assert.equal(await get('started inside'), 1);
});

test('a listener that throws fails neither the transaction nor the other listeners', async () => {
  const heard: string[] = [];
  const quiet = await openStateStore({ dir: join(root, 'listeners'), durable: false, log });
  quiet.onQueueActivity(() => {
    throw new Error('listener');
  });
  quiet.onQueueActivity((queue) => heard.push(queue));
  await quiet.transact((tx) => tx.queues.send('q', [{ body: 'x' }], 0));
  assert.deepEqual(heard, ['q']);
  await quiet.close();
});

test('reset empties documents, queues and streams', async () => {
  const { state: own, remove: removeOwn } = await temporaryState();
  await own.transact(async (tx) => {
    await put('a', 1)(tx);
    await tx.queues.send('q', [{ body: 'x' }], 0);
    await tx.streams.append('s', 'p', ['x'], 0);
  });
  await own.reset();
  assert.deepEqual(await own.documents.scan(NUMBERS), []);
  assert.equal(await own.queues.nextAvailableAtMs('q'), undefined);
  assert.equal(await own.streams.lastSequence('s', 'p'), 0);
  await own.transact((tx) => tx.queues.send('q', [{ body: 'again' }], 0));
  assert.equal((await own.queues.counts('q', 0)).visible, 1);
  await removeOwn();
});

for (const durable of [true, false]) {
  test(`what was written is there after close and open (durable: ${durable})`, async () => {
    const dir = join(root, `reopen-${durable}`);
    const open = () => openStateStore({ dir, durable, log });
    const first = await open();
    const [firstId] = await first.transact(async (tx) => {
      await put('a', 1)(tx);
      await tx.streams.append('s', 'p', ['x'], 0);
      return tx.queues.send('q', [{ body: 'x' }], 0);
    });
    await first.close();
    const second = await open();
    assert.equal(await get('a', second), 1);
    assert.equal((await second.streams.read('s', 'p', 0, 9)).length, 1);
    const [nextId] = await second.transact((tx) => tx.queues.send('q', [{ body: 'y' }], 0));
    assert.ok(nextId! > firstId!, 'ids go on rising');
    await second.close();
  });
}

test('the event loop turns while somebody transacts without end and without fsync', async () => {
  const store = await openStateStore({ dir: join(root, 'endless'), durable: false, log });
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (turns < 5) setImmediate(count);
    else isOver = true;
  };
  setImmediate(count);
  for (let n = 0; !isOver; n++) {
    assert.ok(n < 1e6, 'the loop never turned');
    await store.transact(put('a', n));
  }
  assert.equal(turns, 5);
  await store.close();
});

test('close lets what was asked for finish, and refuses what comes after', async () => {
  const store = await openStateStore({ dir: join(root, 'close'), durable: true, log });
  const writes = Array.from({ length: 50 }, (_, n) => store.transact(put(`n${n}`, n)));
  const closed = store.close();
  await assert.rejects(store.transact(put('after', 1)), /closed/);
  await Promise.all(writes);
  await closed;
  await store.close();
});

/** A store whose fsyncs end when the test says so. */
async function heldStore(name: string) {
  const held: ((error: Error | null) => void)[] = [];
  let isHolding = false;
  const store = await openStateStore({
    dir: join(root, name),
    durable: true,
    log,
    sync: (descriptor, done) => (isHolding ? held.push(done) : fdatasync(descriptor, done)),
  });
  isHolding = true;
  return {
    store,
    held,
    finish: (error: Error | null = null) => held.splice(0).forEach((done) => void done(error)),
    release() {
      isHolding = false;
      this.finish();
    },
  };
}

test('transact resolves only once the write-ahead log was synced; many share one fsync', async () => {
  const control = await heldStore('held');
  const settled: number[] = [];
  const writes = Array.from({ length: 20 }, (_, n) =>
    control.store.transact(put(`n${n}`, n)).then(() => settled.push(n)),
  );
  for (let n = 0; n < 5; n++) await turn();
  assert.equal(control.held.length, 1);
  assert.deepEqual(settled, []);
  assert.equal(await get('n19', control.store), 19, 'committed, though not acknowledged');
  control.finish();
  await Promise.all(writes);
  assert.equal(settled.length, 20);
  control.release();
  await control.store.close();
});

test('a transaction that only read waits for the fsync of what it may have read, and asks for none itself', async () => {
  const control = await heldStore('held-read');
  await control.store.transact((tx) => tx.documents.get(NUMBERS, HERE, 'a'));
  await control.store.transact((tx) => tx.documents.delete(NUMBERS, HERE, 'nothing there'));
  assert.equal(control.held.length, 0);
  const write = control.store.transact(put('a', 1));
  let read: number | undefined;
  const reading = control.store
    .transact((tx) => tx.documents.get(NUMBERS, HERE, 'a'))
    .then((value) => {
      read = value;
    });
  for (let n = 0; n < 5; n++) await turn();
  assert.deepEqual([control.held.length, read], [1, undefined]);
  control.finish();
  await Promise.all([write, reading]);
  assert.equal(read, 1);
  control.release();
  await control.store.close();
});

test('when an fsync fails, its transactions and all later ones reject', async () => {
  const control = await heldStore('failed');
  const failing = control.store.transact(put('a', 1));
  for (let n = 0; n < 5; n++) await turn();
  control.finish(Object.assign(new Error('disk on fire'), { code: 'EIO' }));
  await assert.rejects(failing, /disk on fire/);
  await assert.rejects(control.store.transact(put('b', 1)), /disk on fire/);
  control.release();
  await control.store.close();
});

test('a power cut right after any acknowledgement loses nothing acknowledged', async () => {
  // The files as they were when each fsync began are the least that the disk holds once it has ended.
  const dir = join(root, 'power-cut');
  const images: string[] = [];
  let synced = 0;
  /** How many fsyncs had ended when it was acknowledged. */
  const acknowledged = new Map<string, number>();
  const store = await openStateStore({
    dir,
    durable: true,
    log,
    sync: (descriptor, done) => {
      const path = join(root, `power-cut-${images.length}`);
      mkdirSync(path);
      for (const name of ['state.db', 'state.db-wal']) copyFileSync(join(dir, name), join(path, name));
      images.push(path);
      fdatasync(descriptor, (error) => {
        synced++;
        done(error);
      });
    },
  });
  const writer = async (w: number) => {
    for (let n = 0; n < 6; n++) {
      await store.transact(async (tx) => {
        await put(`${w}.${n}`, n)(tx);
        await tx.queues.send('q', [{ body: `${w}.${n}` }], 0);
      });
      acknowledged.set(`${w}.${n}`, synced);
    }
  };
  await Promise.all([0, 1, 2, 3].map(writer));
  await store.close();
  assert.equal(acknowledged.size, 24);
  assert.ok(images.length > 3);
  for (const [n, path] of images.entries()) {
    const restored = await openStateStore({ dir: path, durable: true, log });
    const documents = new Set((await restored.documents.scan(NUMBERS)).map(({ key }) => key));
    const messages = await restored.transact((tx) => tx.queues.claim('q', { limit: 100, nowMs: 0, visibilityMs: 1 }));
    assert.deepEqual(new Set(messages.map(({ body }) => body)), documents, 'no partial transaction');
    assert.equal(messages.length, documents.size, 'nothing twice');
    for (const [key, after] of acknowledged) {
      if (after <= n + 1) assert.ok(documents.has(key), `${key} was acknowledged after fsync ${after} and is gone`);
    }
    await restored.close();
  }
});

for (const durable of [true, false]) {
  test(`the write-ahead log stays short however much is written (durable: ${durable})`, async () => {
    const dir = join(root, `checkpoints-${durable}`);
    const store = await openStateStore({ dir, durable, log, checkpointPages: 500 });
    const value = 'x'.repeat(50_000);
    const LONG = defineCollection<string>('long');
    const writer = async (w: number) => {
      for (let n = 0; n < 300; n++) {
        await store.transact((tx) => tx.documents.put(LONG, HERE, `${w}.${n}`, value));
      }
    };
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(writer));
    const logBytes = statSync(join(dir, 'state.db-wal')).size;
    // Much can come before the thread that copies has started.
    assert.ok(logBytes < 60e6, `120 MB were written, and ${logBytes} bytes are in the log`);
    assert.equal((await store.documents.range(LONG, HERE)).length, 2_400);
    await store.close();
    assert.ok(statSync(join(dir, 'state.db')).size > 120e6);
  });
}
