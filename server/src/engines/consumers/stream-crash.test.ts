// kill -9 of a process that consumes a stream: the next one loses nothing and repeats no more than the batch that was in flight.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import { StreamConsumer } from './stream-consumer.ts';

const RECORDS = 200;
const BATCH_SIZE = 5;
const KILL_AFTER = 40;

const [role, dir] = process.argv.slice(2);
if (role === 'consume') await consume(dir!);
else test('a killed consumer is taken over from', { timeout: 60_000 }, takeOver);

/** Consumes the stream of a directory and writes down what the function got, until killed or done. */
async function consume(dir: string): Promise<void> {
  const log = createLogger('error');
  const state = await openStateStore({ dir, durable: true, log });
  const consumer = new StreamConsumer({
    clock: new SystemClock(),
    log,
    state,
    scope: { account: '000000000000', region: 'us-east-1' },
    consumerId: 'c',
    source: {
      stream: 's',
      partitions: async () => ['p'],
      read: (_, { sequence, data }) => ({ sequenceNumber: String(sequence), record: { data }, key: data, bytes: 1 }),
    },
    filter: undefined,
    batchSize: BATCH_SIZE,
    windowMs: 0,
    reportsItemFailures: false,
    startingPosition: { at: 'TRIM_HORIZON' },
    parallelizationFactor: 1,
    bisectsOnError: false,
    tumblingWindowMs: 0,
    count: () => {},
    report: () => {},
    invoke: async ({ records }) => {
      await sleep(2);
      appendFileSync(join(dir, 'got'), records.map(({ record }) => `${record.data}\n`).join(''));
      return { kind: 'succeeded', requestId: 'r', response: Buffer.from('null') };
    },
  });
  await consumer.start();
  while (new Set(got(dir)).size < RECORDS) await sleep(20);
  await consumer.stop(5_000);
  await state.close();
}

async function takeOver(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'brume-stream-'));
  after(() => rmSync(dir, { recursive: true, force: true }));
  const state = await openStateStore({ dir, durable: true, log: createLogger('error') });
  const wanted = Array.from({ length: RECORDS }, (_, index) => `r${index}`);
  await state.transact((tx) => tx.streams.append('s', 'p', wanted, 0));
  await state.close();

  const killed = spawn(process.execPath, [fileURLToPath(import.meta.url), 'consume', dir], { stdio: 'inherit' });
  const exited = once(killed, 'exit');
  after(() => void killed.kill('SIGKILL'));
  while (got(dir).length < KILL_AFTER && killed.exitCode === null) await sleep(2);
  killed.kill('SIGKILL');
  await exited;
  assert.ok(got(dir).length < RECORDS, 'it was killed in the midst');

  await consume(dir);
  const all = got(dir);
  assert.deepEqual([...new Set(all)], wanted, 'all of them, in order');
  assert.ok(all.length - RECORDS <= BATCH_SIZE, `${all.length - RECORDS} came twice`);
}

function got(dir: string): string[] {
  const path = join(dir, 'got');
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
}
