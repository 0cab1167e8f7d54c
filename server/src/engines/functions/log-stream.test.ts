import assert from 'node:assert/strict';
import test from 'node:test';
import { createLogger } from '#core/log.ts';
import type { LogEventInput, LogStore } from '#engines/logs/log-store.ts';
import { LogStream } from './log-stream.ts';
import { LogTail } from './log-tail.ts';

function open(append: (events: readonly LogEventInput[]) => Promise<void>) {
  return new LogStream({
    logs: { appendFromService: (_scope, _group, _stream, events) => append(events) } as LogStore,
    log: createLogger('silent'),
    scope: { account: '1', region: 'r' },
    group: 'g',
    stream: 's',
  });
}

test('lines are gathered, kept in order, and flushed whole', async () => {
  const batches: string[][] = [];
  const stream = open(async (events) => void batches.push(events.map(({ message }) => message)));
  for (let i = 0; i < 25_000; i++) stream.append(i, String(i));
  await stream.flush();
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [10_000, 10_000, 5_000],
  );
  assert.deepEqual(
    batches.flat(),
    Array.from({ length: 25_000 }, (_, i) => String(i)),
  );
});

test('lines that come while others are written wait for company, and no flush', async () => {
  const batches: string[][] = [];
  let all: () => void;
  const written = new Promise<void>((resolve) => {
    all = resolve;
  });
  const stream = open(async (events) => {
    batches.push(events.map(({ message }) => message));
    if (batches.length === 2) all();
    else {
      stream.append(2, 'during');
      // After the write, and well before anything is gathered.
      setTimeout(() => stream.append(3, 'after'));
    }
  });
  stream.append(1, 'first');
  await written;
  assert.deepEqual(batches, [['first'], ['during', 'after']]);
});

test('a batch is at most a megabyte', async () => {
  const sizes: number[] = [];
  const stream = open(async (events) => void sizes.push(events.length));
  for (let i = 0; i < 5; i++) stream.append(i, 'x'.repeat(400_000));
  await stream.flush();
  assert.deepEqual(sizes, [2, 2, 1]);
});

test('what cannot be written is tried again', async () => {
  let attempts = 0;
  const got: string[] = [];
  const stream = open(async (events) => {
    if (++attempts < 3) throw new Error('busy');
    got.push(...events.map(({ message }) => message));
  });
  stream.append(1, 'a');
  await stream.flush();
  assert.deepEqual(got, ['a']);
});

test('too much that waits is congestion, and its end is told', async () => {
  let drained = false;
  const stream = open(async () => {});
  for (let i = 0; i < 6; i++) stream.append(i, 'x'.repeat(1_000_000));
  assert.ok(stream.congested);
  stream.whenDrained(() => {
    drained = true;
  });
  await stream.flush();
  assert.ok(drained && !stream.congested);
});

test('the tail is the last 4 KB, cut between characters', () => {
  const tail = new LogTail();
  tail.add('first');
  for (let i = 0; i < 100_000; i++) tail.add(`line ${i}\n`);
  tail.add('é'.repeat(2_000));
  const text = tail.toString();
  assert.ok(Buffer.byteLength(text) <= 4_096);
  assert.ok(text.endsWith(`line 99999\n${'é'.repeat(2_000)}`));
  assert.ok(!text.includes('\ufffd'));
});
