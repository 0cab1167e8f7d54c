// The stream consumer on the real state store and the virtual clock; only the function is a stand-in.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { VirtualClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import { temporaryState } from '#test/temporary-state.ts';
import type { BatchOutcome, ConsumerCounts } from './consumer.ts';
import { failureDelivery } from './failure-record.ts';
import { compileRecordFilter } from './record-filter.ts';
import { type Discarded, type StreamBatch, StreamConsumer, type StreamConsumerOptions } from './stream-consumer.ts';

const { state, remove } = await temporaryState();
after(remove);
const log = createLogger('error');
const SCOPE = { account: '000000000000', region: 'us-east-1' };
const START_MS = 1_800_000_000_000;

let made = 0;

type Answer = unknown | ((batch: StreamBatch) => unknown);
const FAIL = Symbol('the function fails');
const THROTTLE = Symbol('throttled');

/** A stream whose data is text like `key:value`, its consumer, and what the function was invoked with. */
function setUp(
  more: Partial<StreamConsumerOptions> & { answer?: (bodies: string[], batch: StreamBatch) => Answer } = {},
) {
  const clock = new VirtualClock(START_MS);
  const stream = `stream-${made++}`;
  const { answer = () => null, ...overrides } = more;
  const batches: StreamBatch[] = [];
  const discarded: Discarded[] = [];
  const counted: Required<ConsumerCounts> = {
    polled: 0,
    filteredOut: 0,
    invoked: 0,
    failedInvoke: 0,
    deleted: 0,
    dropped: 0,
    delivered: 0,
  };
  const options: StreamConsumerOptions = {
    clock,
    log,
    state,
    scope: SCOPE,
    consumerId: stream,
    source: {
      stream,
      partitions: async () => ['p'],
      read: (_, { sequence, data }) => ({
        sequenceNumber: String(sequence),
        record: { data },
        key: data.split(':')[0]!,
        bytes: data.length,
      }),
    },
    filter: undefined,
    batchSize: 100,
    windowMs: 0,
    reportsItemFailures: false,
    startingPosition: { at: 'TRIM_HORIZON' },
    parallelizationFactor: 1,
    bisectsOnError: false,
    tumblingWindowMs: 0,
    count: (counts) => {
      for (const [name, value] of Object.entries(counts)) counted[name as keyof ConsumerCounts] += value;
    },
    report: () => {},
    invoke: async (batch) => {
      batches.push(batch);
      const given = await answer(bodiesOf(batch), batch);
      if (given === THROTTLE) return { kind: 'throttled' };
      if (given === FAIL) return { kind: 'failed', requestId: 'r', functionError: 'Unhandled', version: '7' };
      return { kind: 'succeeded', requestId: 'r', response: Buffer.from(JSON.stringify(given)) } as BatchOutcome;
    },
    discard: async (_, what) => {
      discarded.push(what);
      return true;
    },
    ...overrides,
  };
  let consumer = new StreamConsumer(options);
  return {
    clock,
    stream,
    options,
    batches,
    discarded,
    counted,
    start: () => consumer.start(),
    stop: () => consumer.stop(1_000),
    async restart(changes: Partial<StreamConsumerOptions> = {}) {
      await consumer.stop(1_000);
      consumer = new StreamConsumer({ ...options, ...changes });
      await consumer.start();
    },
    append: (data: string[], partition = 'p') =>
      state.transact((tx) => tx.streams.append(stream, partition, data, clock.now())),
    bodies: () => batches.map(bodiesOf),
  };
}

const bodiesOf = ({ records }: StreamBatch) => records.map(({ record }) => record.data as string);

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 4_000; attempt++) {
    if (holds()) return;
    await sleep(5);
  }
  throw new Error(`never came: ${what}`);
}

test('records come in order, in batches, each once, over restarts', async () => {
  const { start, append, bodies, restart, stop, counted } = setUp({ batchSize: 3 });
  await append(['1', '2', '3', '4']);
  await start();
  await until('two batches', () => bodies().length === 2);
  await append(['5']);
  await until('a third', () => bodies().length === 3);
  await restart();
  await append(['6', '7']);
  await until('a fourth', () => bodies().length === 4);
  assert.deepEqual(bodies(), [['1', '2', '3'], ['4'], ['5'], ['6', '7']]);
  assert.deepEqual([counted.polled, counted.invoked], [7, 7]);
  await stop();
});

for (const { position, reads } of [
  { position: { at: 'TRIM_HORIZON' }, reads: ['old', 'newer', 'fresh'] },
  { position: { at: 'LATEST' }, reads: ['fresh'] },
  { position: { at: 'AT_TIMESTAMP', timestampMs: START_MS + 1_000 }, reads: ['newer', 'fresh'] },
  { position: { at: 'AT_TIMESTAMP', timestampMs: START_MS + 9_000 }, reads: ['fresh'] },
] as const) {
  test(`starting at ${JSON.stringify(position)} reads ${reads}`, async () => {
    const { clock, start, append, bodies, stop } = setUp({ startingPosition: position });
    await append(['old']);
    await clock.advanceBy(1_000);
    await append(['newer']);
    await start();
    await clock.advanceBy(9_000);
    await append(['fresh']);
    await until('the fresh one', () => bodies().flat().includes('fresh'));
    assert.deepEqual(bodies().flat(), reads);
    await stop();
  });
}

test('a batching window waits by the clock, a full batch does not', async () => {
  const { clock, start, append, bodies, stop } = setUp({ batchSize: 3, windowMs: 10_000 });
  await start();
  await append(['1']);
  await sleep(20);
  await clock.advanceBy(9_000);
  await append(['2']);
  await sleep(20);
  assert.deepEqual(bodies(), []);
  await clock.advanceBy(1_000);
  assert.deepEqual(bodies(), [['1', '2']]);
  await append(['3', '4', '5']);
  await until('the full batch', () => bodies().length === 2);
  await stop();
});

test('a batch that fails holds up what is behind it, and is given up after its retries', async () => {
  const { clock, start, append, bodies, discarded, counted, stop } = setUp({
    batchSize: 2,
    maximumRetries: 2,
    answer: (bodies) => (bodies.includes('bad') ? FAIL : null),
  });
  await append(['ok', 'bad', 'next']);
  await start();
  await until('the first try', () => bodies().length === 1);
  await sleep(20);
  assert.deepEqual(bodies(), [['ok', 'bad']]);
  await clock.advanceBy(60_000);
  await until('the next', () => bodies().length === 4);
  assert.deepEqual(bodies(), [['ok', 'bad'], ['ok', 'bad'], ['ok', 'bad'], ['next']]);
  assert.deepEqual(
    discarded.map(({ condition, invokeCount, partition, ...batch }) => [
      condition,
      invokeCount,
      partition,
      bodiesOf({ partition, ...batch }),
    ]),
    [['RetryAttemptsExhausted', 3, 'p', ['ok', 'bad']]],
  );
  assert.deepEqual([counted.failedInvoke, counted.dropped, counted.delivered], [6, 2, 2]);
  await stop();
});

test('halving finds the bad record; the others are processed once each', async () => {
  const { clock, start, append, bodies, discarded, stop } = setUp({
    maximumRetries: 1,
    bisectsOnError: true,
    answer: (bodies) => (bodies.includes('bad') ? FAIL : null),
  });
  await append(['1', '2', 'bad', '4']);
  await start();
  await until('halves', () => bodies().length >= 4);
  await clock.advanceBy(60_000);
  await until('all', () => bodies().flat().at(-1) === '4' && bodies().at(-1)!.length === 1);
  assert.deepEqual(bodies(), [['1', '2', 'bad', '4'], ['1', '2'], ['bad', '4'], ['bad'], ['bad'], ['4']]);
  assert.deepEqual(discarded.map(bodiesOf), [['bad']]);
  await stop();
});

test('a partial failure is tried again from the lowest record that the function names', async () => {
  let tries = 0;
  const { clock, start, append, bodies, stop, restart } = setUp({
    reportsItemFailures: true,
    answer: () => (++tries === 1 ? { batchItemFailures: [{ itemIdentifier: '4' }, { itemIdentifier: '3' }] } : null),
  });
  await append(['1', '2', '3', '4']);
  await start();
  await until('the first try', () => bodies().length === 1);
  await sleep(20);
  await clock.advanceBy(60_000);
  await until('the second', () => bodies().length === 2);
  await restart();
  await sleep(20);
  assert.deepEqual(bodies(), [
    ['1', '2', '3', '4'],
    ['3', '4'],
  ]);
  await stop();
});

test('what is kept from a partial failure survives a restart', async () => {
  const { start, append, bodies, restart, stop } = setUp({
    reportsItemFailures: true,
    answer: (bodies) => (bodies.includes('1') ? { batchItemFailures: [{ itemIdentifier: '2' }] } : null),
  });
  await append(['1', '2']);
  await start();
  await until('a try', () => bodies().length === 1);
  await sleep(20);
  await restart();
  await until('the rest', () => bodies().length === 2);
  assert.deepEqual(bodies(), [['1', '2'], ['2']]);
  await stop();
});

test('a response that names nobody in the batch fails all of it', async () => {
  const { start, append, bodies, discarded, stop } = setUp({
    reportsItemFailures: true,
    maximumRetries: 0,
    answer: () => ({ batchItemFailures: [{ itemIdentifier: '99' }] }),
  });
  await append(['1', '2']);
  await start();
  await until('it is given up', () => discarded.length === 1);
  assert.deepEqual([bodies(), discarded.map(bodiesOf)], [[['1', '2']], [['1', '2']]]);
  await stop();
});

test('records that are too old are given up, not invoked', async () => {
  const { clock, start, append, bodies, discarded, stop } = setUp({ maximumRecordAgeMs: 60_000 });
  await append(['old', 'old too']);
  await clock.advanceBy(61_000);
  await append(['young']);
  await start();
  await until('the young one', () => bodies().length === 1);
  assert.deepEqual(bodies(), [['young']]);
  assert.deepEqual(
    discarded.map(({ condition, invokeCount }) => [condition, invokeCount]),
    [['RecordAgeExceeded', 0]],
  );
  await stop();
});

test('throttles are waited out and count as no retry', async () => {
  let throttles = 0;
  const { clock, start, append, bodies, discarded, stop } = setUp({
    maximumRetries: 0,
    answer: () => (++throttles <= 5 ? THROTTLE : null),
  });
  await append(['1']);
  await start();
  await until('a try', () => bodies().length === 1);
  await sleep(20);
  await clock.advanceBy(600_000);
  await until('all tries', () => bodies().length === 6);
  assert.deepEqual(discarded, []);
  await stop();
});

test('lanes run side by side, with the records of one key in order', async () => {
  let running = 0;
  let most = 0;
  const { start, append, bodies, stop } = setUp({
    batchSize: 2,
    parallelizationFactor: 4,
    answer: async () => {
      most = Math.max(most, ++running);
      await sleep(5);
      running--;
      return null;
    },
  });
  const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
  for (const value of ['1', '2', '3']) await append(keys.map((key) => `${key}:${value}`));
  await start();
  await until('all', () => bodies().flat().length === 36);
  const all = bodies().flat();
  for (const key of keys) {
    assert.deepEqual(
      all.filter((body) => body.startsWith(`${key}:`)),
      ['1', '2', '3'].map((value) => `${key}:${value}`),
    );
  }
  assert.ok(most > 1 && most <= 4, String(most));
  await stop();
});

test('another number of lanes begins where the last of the earlier ones was', async () => {
  const { start, append, bodies, restart, stop } = setUp({ parallelizationFactor: 2 });
  await append(['a:1', 'b:1', 'c:1', 'd:1']);
  await start();
  await until('all', () => bodies().flat().length === 4);
  await sleep(20);
  await restart({ parallelizationFactor: 1 });
  await append(['e:1']);
  await until('the new one', () => bodies().flat().includes('e:1'));
  assert.deepEqual([...new Set(bodies().flat())].length, 5);
  const before = bodies().flat().length;
  await restart({ parallelizationFactor: 2 });
  await append(['f:1']);
  await until('the newest', () => bodies().flat().includes('f:1'));
  assert.equal(bodies().flat().length, before + 1, 'the cursors of the first two lanes are forgotten');
  await stop();
});

test('filtered-out records are passed over, and stay so', async () => {
  const { start, append, bodies, counted, restart, stop } = setUp({
    filter: compileRecordFilter(['{"data":[{"prefix":"yes"}]}'], 'data'),
  });
  await append(['yes:1', 'no:1', 'yes:2', 'no:2']);
  await start();
  await until('a batch', () => bodies().length === 1);
  await append(['no:3']);
  await until('three are out', () => counted.filteredOut === 3);
  await restart();
  await append(['yes:3']);
  await until('the last', () => bodies().length === 2);
  assert.deepEqual(bodies(), [['yes:1', 'yes:2'], ['yes:3']]);
  await stop();
});

test('tumbling windows carry their state, and end by the clock', async () => {
  const { clock, start, append, batches, restart, stop } = setUp({
    tumblingWindowMs: 60_000,
    answer: (bodies, { window }) => ({
      state: { sum: ((window!.state as { sum?: number }).sum ?? 0) + bodies.length },
    }),
  });
  const first = Math.floor(START_MS / 60_000) * 60_000;
  await start();
  await append(['1', '2']);
  await until('a batch', () => batches.length === 1);
  await sleep(20);
  await restart();
  await append(['3']);
  await until('a second', () => batches.length === 2);
  await sleep(20);
  await clock.advanceTo(first + 60_000);
  await until('the end', () => batches.length === 3);
  await append(['4']);
  await until('a new window', () => batches.length === 4);
  const told = batches.map(({ records, window }) => [records.length, window]);
  const window = { startMs: first, endMs: first + 60_000, isTerminatedEarly: false };
  assert.deepEqual(told, [
    [2, { ...window, state: {}, isFinal: false }],
    [1, { ...window, state: { sum: 2 }, isFinal: false }],
    [0, { ...window, state: { sum: 3 }, isFinal: true }],
    [1, { ...window, startMs: first + 60_000, endMs: first + 120_000, state: {}, isFinal: false }],
  ]);
  await stop();
});

test('a window whose state grows too large ends early', async () => {
  const { start, append, batches, stop } = setUp({
    tumblingWindowMs: 60_000,
    answer: (bodies) => ({ state: bodies.length > 0 ? 'x'.repeat(1024 * 1024) : '' }),
  });
  await start();
  await append(['1']);
  await until('the end', () => batches.length === 2);
  assert.deepEqual([batches[1]!.window!.isFinal, batches[1]!.window!.isTerminatedEarly], [true, true]);
  await append(['2']);
  await until('a new window', () => batches.length === 3);
  assert.deepEqual(batches[2]!.window!.state, {});
  await stop();
});

test('the record of a failure is as AWS sends it, with the event for a bucket alone', () => {
  const records = ['5', '6'].map((sequenceNumber, index) => ({
    sequenceNumber,
    sequence: index,
    appendedAtMs: START_MS + index,
    record: {},
    key: 'k',
    bytes: 1,
  }));
  const discarded: Discarded = {
    partition: 'shardId-000000000000',
    records,
    condition: 'RetryAttemptsExhausted',
    invokeCount: 3,
    outcome: { kind: 'failed', requestId: 'r', functionError: 'Unhandled', version: '$LATEST' },
  };
  const source = {
    batchInfo: 'KinesisBatchInfo',
    streamArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/s',
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
    consumerId: 'id',
    account: '000000000000',
    region: 'us-east-1',
    destinationArn: 'arn:aws:sqs:us-east-1:000000000000:q',
  };
  const request = failureDelivery(source, discarded, '{"Records":[]}', START_MS + 5);
  assert.equal(request.targetArn, source.destinationArn);
  assert.deepEqual(JSON.parse(request.payload), {
    requestContext: {
      requestId: 'r',
      functionArn: source.functionArn,
      condition: 'RetryAttemptsExhausted',
      approximateInvokeCount: 3,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: '2027-01-15T08:00:00.005Z',
    KinesisBatchInfo: {
      shardId: 'shardId-000000000000',
      startSequenceNumber: '5',
      endSequenceNumber: '6',
      approximateArrivalOfFirstRecord: '2027-01-15T08:00:00.000Z',
      approximateArrivalOfLastRecord: '2027-01-15T08:00:00.001Z',
      batchSize: 2,
      streamArn: source.streamArn,
    },
  });
  const toBucket = failureDelivery(
    { ...source, destinationArn: 'arn:aws:s3:::b' },
    discarded,
    '{"Records":[]}',
    START_MS,
  );
  assert.equal(JSON.parse(toBucket.payload).payload, '{"Records":[]}');
  assert.match(
    toBucket.objectKey!,
    /^aws\/lambda\/id\/shardId-000000000000\/2027\/01\/15\/2027-01-15T08\.00\.00-[0-9a-f-]{36}$/,
  );
});
