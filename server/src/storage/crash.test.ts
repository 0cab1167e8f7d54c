// A child process writes at full speed and reports on a pipe what was acknowledged to it; it is killed at a random
// moment, its directory is opened again and compared: nothing acknowledged lost, nothing doubled, nothing in part.
// The child is this file too, started with the word `writer`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '#core/log.ts';
import { seeded } from '#test/seeded-random.ts';
import { type DataDir, openDataDir } from './data-dir.ts';
import { openObjectStore } from './objects/file-objects.ts';
import type { ObjectStore } from './objects/objects.ts';
import { openStateStore } from './state/sqlite-state.ts';
import { defineCollection, type StateStore } from './state/state.ts';

const ROUNDS = 6;
const SHORTEST_LIFE_MS = 100;
const LONGEST_LIFE_MS = 900;
const WRITERS_OF_EACH_KIND = 4;
/** So few that the log is being copied at many of the moments. */
const CHECKPOINT_PAGES = 200;
const HERE = { account: '111111111111', region: 'eu-west-1' };
/** Two documents of one transaction each. */
const LEFT = defineCollection<{ n: number }>('crash.left');
const RIGHT = defineCollection<{ n: number }>('crash.right');
/** Written with each message; whatever happens to the message afterwards. */
const SENT = defineCollection<{ queueId: number }>('crash.sent');
const BLOBS = defineCollection<{ id: string; size: number }>('crash.blobs');
const VISIBILITY_MS = 1e9;

/** What the child says: a kind and a name, after the answer (`pair`) or before the attempt (`delete?`). */
type Report = 'pair' | 'message' | 'delete?' | 'deleted' | 'record' | 'blob';

interface Ledger {
  pair: string[];
  message: string[];
  'delete?': string[];
  deleted: string[];
  record: string[];
  blob: string[];
}

interface Stores {
  data: DataDir;
  state: StateStore;
  objects: ObjectStore;
}

if (process.argv[2] === 'writer') {
  await write(process.argv[3]!, Number(process.argv[4]), process.argv[5]!);
} else {
  test('kill -9 at random moments loses and doubles nothing', { timeout: 120_000 }, async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.log(`seed ${seed}`);
    const random = seeded(seed);
    const dir = mkdtempSync(join(tmpdir(), 'brume-crash-'));
    const ledger: Ledger = { pair: [], message: [], 'delete?': [], deleted: [], record: [], blob: [] };
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const lifeMs = SHORTEST_LIFE_MS + random() * (LONGEST_LIFE_MS - SHORTEST_LIFE_MS);
        await lifeOfAChild(dir, Math.floor(random() * 1e9), `r${round}`, lifeMs, ledger);
        await compare(dir, ledger, `round ${round}, killed after ${Math.round(lifeMs)} ms`);
      }
      for (const kind of Object.keys(ledger) as Report[]) {
        assert.ok(ledger[kind].length > ROUNDS, `too few of ${kind} to prove anything: ${ledger[kind].length}`);
      }
      console.log(
        Object.entries(ledger)
          .map(([kind, names]) => `${names.length} ${kind}`)
          .join(', '),
      );
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
}

async function open(dir: string): Promise<Stores> {
  const data = openDataDir(dir);
  return {
    data,
    state: await openStateStore({
      dir: data.stateDir,
      durable: true,
      log: createLogger('warn'),
      checkpointPages: CHECKPOINT_PAGES,
    }),
    objects: await openObjectStore({ dir: data.objectsDir, durable: true }),
  };
}

// ---- the child ----

async function write(dir: string, seed: number, life: string): Promise<void> {
  const { state, objects } = await open(dir);
  const random = seeded(seed);
  const report = (kind: Report, name: string) => writeSync(1, `${kind} ${name}\n`);
  const kinds: ((name: string) => Promise<void>)[] = [
    async (name) => {
      await state.transact(async (tx) => {
        await tx.documents.put(LEFT, HERE, name, { n: 1 });
        await tx.documents.put(RIGHT, HERE, name, { n: 1 });
      });
      report('pair', name);
    },
    async (name) => {
      await state.transact(async (tx) => {
        const [queueId] = await tx.queues.send('q', [{ body: name }], 0);
        await tx.documents.put(SENT, HERE, name, { queueId: queueId! });
      });
      report('message', name);
    },
    async () => {
      const [message] = await state.transact((tx) =>
        tx.queues.claim('q', { limit: 1, nowMs: 0, visibilityMs: VISIBILITY_MS }),
      );
      // Every other one stays, claimed.
      if (!message || message.id % 2 === 0) return;
      report('delete?', message.body);
      await state.transact((tx) => tx.queues.deleteMessage('q', message.id));
      report('deleted', message.body);
    },
    async (name) => {
      const partition = String(name.length % 2);
      const sequences = await state.transact((tx) => tx.streams.append('s', partition, [name, `${name} again`], 0));
      report('record', `${partition} ${sequences[0]} ${name}`);
    },
    async (name) => {
      const bytes = contentOf(name, random() < 0.5 ? 4_096 : 50_000 + Math.floor(random() * 200_000));
      const { id, size } = await objects.write(random() < 0.5 ? bytes : Readable.from([bytes]));
      await state.transact((tx) => tx.documents.put(BLOBS, HERE, name, { id, size }));
      report('blob', name);
    },
  ];
  const writer = async (kind: (name: string) => Promise<void>, w: string) => {
    for (let n = 0; ; n++) await kind(`${life}.${w}.${n}`);
  };
  await Promise.all(
    kinds.flatMap((kind, k) => Array.from({ length: WRITERS_OF_EACH_KIND }, (_, w) => writer(kind, `${k}.${w}`))),
  );
}

/** Bytes that follow from the name, so that a blob can be told from every other and from a part of itself. */
function contentOf(name: string, size: number): Buffer {
  const block = createHash('sha512').update(name).digest();
  return Buffer.alloc(size, block);
}

// ---- the parent ----

async function lifeOfAChild(dir: string, seed: number, life: string, lifeMs: number, ledger: Ledger): Promise<void> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [import.meta.filename, 'writer', dir, String(seed), life], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  const closed = once(child, 'close');
  // Its life begins with its first acknowledgement.
  await Promise.race([once(child.stdout, 'data'), closed]);
  await sleep(lifeMs);
  child.kill('SIGKILL');
  const [code, signal] = await closed;
  assert.deepEqual([code, signal], [null, 'SIGKILL'], 'the child lived until it was killed');
  const lines = Buffer.concat(output).toString().split('\n');
  // What follows the last newline was cut off.
  for (const line of lines.slice(0, -1)) {
    const space = line.indexOf(' ');
    ledger[line.slice(0, space) as Report].push(line.slice(space + 1));
  }
}

async function compare(dir: string, ledger: Ledger, when: string): Promise<void> {
  const { data, state, objects } = await open(dir);
  try {
    await comparePairs(state, ledger, when);
    await compareMessages(state, ledger, when);
    await compareRecords(state, ledger, when);
    await compareBlobs(state, objects, ledger, when);
    assert.deepEqual(readdirSync(join(data.objectsDir, 'temporary')), [], when);
  } finally {
    await state.close();
    data.close();
  }
}

async function comparePairs(state: StateStore, ledger: Ledger, when: string): Promise<void> {
  const left = new Set((await state.documents.scan(LEFT)).map(({ key }) => key));
  const right = new Set((await state.documents.scan(RIGHT)).map(({ key }) => key));
  assert.deepEqual(left, right, `${when}: half a transaction`);
  for (const name of ledger.pair) assert.ok(left.has(name), `${when}: the documents ${name} are lost`);
}

async function compareMessages(state: StateStore, ledger: Ledger, when: string): Promise<void> {
  const sent = new Map((await state.documents.scan(SENT)).map(({ key, value }) => [key, value.queueId]));
  for (const name of ledger.message) assert.ok(sent.has(name), `${when}: the message ${name} is lost`);
  assert.equal(new Set(sent.values()).size, sent.size, `${when}: an id was given twice`);
  const tried = new Set(ledger['delete?']);
  const deleted = new Set(ledger.deleted);
  let found = 0;
  for (const [name, id] of sent) {
    const message = await state.queues.peek('q', id);
    if (message) {
      found++;
      assert.equal(message.body, name, when);
      assert.ok(!deleted.has(name), `${when}: the deleted message ${name} is back`);
    } else {
      assert.ok(tried.has(name), `${when}: the message ${name} is gone and nobody deleted it`);
    }
  }
  const counts = await state.queues.counts('q', 0);
  assert.equal(counts.visible + counts.inFlight + counts.delayed, found, `${when}: messages that nobody sent`);
}

async function compareRecords(state: StateStore, ledger: Ledger, when: string): Promise<void> {
  for (const partition of ['0', '1']) {
    const records = await state.streams.read('s', partition, 0, 1e9);
    const sequences = records.map(({ sequence }) => sequence);
    assert.deepEqual(
      sequences,
      sequences.map((_, n) => n + 1),
      `${when}: a gap`,
    );
    for (let n = 0; n < records.length; n += 2) {
      assert.equal(records[n + 1]?.data, `${records[n]!.data} again`, `${when}: half a transaction`);
    }
    for (const line of ledger.record) {
      const [ofPartition, sequence, name] = line.split(' ');
      if (ofPartition !== partition) continue;
      assert.equal(records[Number(sequence) - 1]?.data, name, `${when}: the record ${name} is lost`);
    }
  }
}

async function compareBlobs(state: StateStore, objects: ObjectStore, ledger: Ledger, when: string): Promise<void> {
  const blobs = new Map((await state.documents.scan(BLOBS)).map(({ key, value }) => [key, value]));
  for (const name of ledger.blob) assert.ok(blobs.has(name), `${when}: the blob ${name} is lost`);
  for (const [name, { id, size }] of blobs) {
    assert.equal(statSync(await objects.localPath(id)).size, size, `${when}: the blob ${name} is cut`);
    assert.ok(contentOf(name, size).equals(await objects.readAll(id)), `${when}: the blob ${name} has other bytes`);
  }
  assert.equal(new Set([...blobs.values()].map(({ id }) => id)).size, blobs.size, `${when}: a blob twice`);
}
