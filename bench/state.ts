// The state store and the object store by themselves, in process, durable: small transactions from 1 and from 16
// callers, and the same without fsync; beside the floor, an append and an fdatasync to one file.

import { fdatasync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createLogger } from '../server/src/core/log.ts';
import { openObjectStore } from '../server/src/storage/objects/file-objects.ts';
import { openStateStore } from '../server/src/storage/state/sqlite-state.ts';
import { defineCollection, type StateStore } from '../server/src/storage/state/state.ts';
import { Latencies } from './latencies.ts';
import type { Report } from './run.ts';

const MEASURED_MS = 2_000;
const CALLERS = [1, 16];
const DOCUMENTS = defineCollection<{ body: string }>('bench');
const HERE = { account: '000000000000', region: 'us-east-1' };
const BODY = 'x'.repeat(200);
const VISIBILITY_MS = 1e9;
const MB = 1024 * 1024;

export async function run(report: Report): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'brume-bench-state-'));
  try {
    await measureFloor(report, dir);
    await measureState(report, join(dir, 'durable'), true);
    await measureObjects(report, join(dir, 'objects'));
    // Last, because what it leaves to the kernel to write disturbs whoever waits for the disk.
    await measureState(report, join(dir, 'not-durable'), false);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measureFloor(report: Report, dir: string): Promise<void> {
  const descriptor = openSync(join(dir, 'floor'), 'w');
  const bytes = Buffer.alloc(4096);
  const sync = promisify(fdatasync);
  await measure(report, 'floor: append 4 KB + fdatasync', 1, async () => {
    writeSync(descriptor, bytes);
    await sync(descriptor);
  });
}

async function measureState(report: Report, dir: string, durable: boolean): Promise<void> {
  const state = await openStateStore({ dir, durable, log: createLogger('warn') });
  const label = durable ? 'durable' : 'not durable';
  for (const callers of CALLERS) {
    for (const [name, act] of Object.entries(transactions(state))) {
      await measure(report, `${label}: ${name}`, callers, act);
    }
  }
  await state.close();
}

/** One transaction each. */
function transactions(state: StateStore): Record<string, (n: number) => Promise<unknown>> {
  return {
    'put a document': (n) => state.transact((tx) => tx.documents.put(DOCUMENTS, HERE, `key-${n}`, { body: BODY })),
    'send a message': () => state.transact((tx) => tx.queues.send('q', [{ body: BODY }], 0)),
    'claim a message': () =>
      state.transact(async (tx) => {
        const claimed = await tx.queues.claim('q', { limit: 1, nowMs: 0, visibilityMs: VISIBILITY_MS });
        if (claimed.length === 0) await tx.queues.send('q', [{ body: BODY }], 0);
      }),
    'append a record': () => state.transact((tx) => tx.streams.append('s', 'p', [BODY], 0)),
    'get a document (no transaction)': (n) => state.documents.get(DOCUMENTS, HERE, `key-${n % 1_000}`),
  };
}

async function measureObjects(report: Report, dir: string): Promise<void> {
  const objects = await openObjectStore({ dir, durable: true });
  const small = Buffer.alloc(4096, 1);
  for (const callers of CALLERS)
    await measure(report, 'durable: write a 4 KB blob', callers, () => objects.write(small));
  const { id } = await objects.write(small);
  for (const callers of CALLERS) await measure(report, 'read a 4 KB blob', callers, () => objects.readAll(id));
  const chunk = Buffer.alloc(64 * 1024, 1);
  const large = () => Readable.from(Array.from({ length: 1024 }, () => chunk));
  for (let n = 0; n < 3; n++) {
    const start = performance.now();
    const written = await objects.write(large());
    const wroteMs = performance.now() - start;
    for await (const _ of objects.read(written.id));
    const readMs = performance.now() - start - wroteMs;
    const rate = (ms: number) => Math.round((written.size / MB / ms) * 1000);
    report(`durable: 64 MB blob    write ${rate(wroteMs)} MB/s, read ${rate(readMs)} MB/s`);
    await objects.remove([written.id]);
  }
}

async function measure(
  report: Report,
  name: string,
  callers: number,
  act: (n: number) => Promise<unknown>,
): Promise<void> {
  const latencies = new Latencies();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  let done = 0;
  const call = async () => {
    while (performance.now() - startMs < MEASURED_MS) {
      const callMs = performance.now();
      await act(done++);
      latencies.add(performance.now() - callMs);
      // What is never waited for would otherwise keep the loop from turning.
      if (done % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  const seconds = (performance.now() - startMs) / 1000;
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  report(
    `${name.padEnd(48)} ${String(callers).padStart(2)} at once ${String(Math.round(done / seconds)).padStart(8)}/s  ` +
      `${latencies}  ${((user + system) / done).toFixed(1)} us CPU  loop delay max ${(delay.max / 1e6).toFixed(1)} ms`,
  );
}
