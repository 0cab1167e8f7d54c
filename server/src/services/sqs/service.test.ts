// What no client sees: the metrics of queues, and the limit of messages in flight.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { VirtualClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import type { MeterSample } from '#core/meter.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import type { RequestContext } from '#wire/service.ts';
import { createSqsService } from './service.ts';

const SCOPE = { account: '000000000000', region: 'us-east-1' };
const URL = 'http://localhost/000000000000/q';
const MINUTE = 60_000;

async function setUp(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'brume-sqs-'));
  const log = createLogger('silent');
  const state = await openStateStore({ dir, durable: false, log });
  const clock = new VirtualClock(Date.UTC(2026, 10, 23));
  let samples: MeterSample[] = [];
  const meter = { record: (_: object, sample: MeterSample) => void samples.push(sample) };
  const service = createSqsService({ state, clock, meter, log });
  await service.start!();
  t.after(async () => {
    await service.stop!();
    await state.close();
    rmSync(dir, { recursive: true });
  });
  const context = { ...SCOPE, endpoint: 'http://localhost', headers: {}, signal: new AbortController().signal };
  const call = (operation: string, input: object) =>
    service.operations[operation]!({ QueueUrl: URL, ...input }, context as unknown as RequestContext);
  /** What was recorded since the last time, by metric. */
  const measured = () => {
    const values = samples.map(({ metricName, value, unit, dimensions }) => {
      assert.deepEqual(dimensions, [{ QueueName: 'q' }]);
      return [metricName, `${value} ${unit}`];
    });
    samples = [];
    return Object.fromEntries(values);
  };
  return { state, clock, call, measured };
}

test('requests and minutes are measured as AWS does', async (t) => {
  const { clock, call, measured } = await setUp(t);
  await call('CreateQueue', { QueueName: 'q' });
  await call('SendMessage', { MessageBody: 'hello' });
  assert.deepEqual(measured(), { NumberOfMessagesSent: '1 Count', SentMessageSize: '5 Bytes' });
  await call('SendMessage', { MessageBody: 'later', DelaySeconds: 900 });
  measured();
  const { Messages } = await call('ReceiveMessage', { VisibilityTimeout: 90 });
  assert.deepEqual(measured(), { NumberOfMessagesReceived: '1 Count' });
  await call('ReceiveMessage', {});
  assert.deepEqual(measured(), { NumberOfEmptyReceives: '1 Count' });
  await clock.advanceBy(MINUTE);
  assert.deepEqual(measured(), {
    ApproximateNumberOfMessagesVisible: '0 Count',
    ApproximateNumberOfMessagesNotVisible: '1 Count',
    ApproximateNumberOfMessagesDelayed: '1 Count',
    ApproximateAgeOfOldestMessage: '60 Seconds',
  });
  await call('DeleteMessage', { ReceiptHandle: Messages[0].ReceiptHandle });
  assert.deepEqual(measured(), { NumberOfMessagesDeleted: '1 Count' });
  await clock.advanceBy(20 * MINUTE);
  assert.equal(measured().ApproximateNumberOfMessagesVisible, '1 Count');
});

test('an empty queue is silent six hours after its last request, a full one never', async (t) => {
  const { clock, call, measured } = await setUp(t);
  await call('CreateQueue', { QueueName: 'q' });
  await clock.advanceBy(5 * 60 * MINUTE + 59 * MINUTE);
  assert.equal(measured().ApproximateAgeOfOldestMessage, '0 Seconds');
  await clock.advanceBy(MINUTE);
  assert.deepEqual(measured(), {});
  await call('SendMessage', { MessageBody: 'x' });
  await clock.advanceBy(7 * 60 * MINUTE);
  assert.equal(measured().ApproximateNumberOfMessagesVisible, '1 Count');
});

test('120,000 messages in flight are the limit', async (t) => {
  const { state, clock, call } = await setUp(t);
  await call('CreateQueue', { QueueName: 'q' });
  await call('SendMessage', { MessageBody: 'x' });
  const [{ stateQueue } = { stateQueue: '' }] = (
    await state.documents.scan<{ uid: string }>({ name: 'sqs.queues' })
  ).map(({ value }) => ({ stateQueue: `sqs/${value.uid}` }));
  await state.transact(async (tx) => {
    const messages = Array.from({ length: 119_999 }, () => ({
      body: 'x',
      attributes: { id: '', md5: '', sender: '' },
    }));
    await tx.queues.send(stateQueue, messages, clock.now());
    await tx.queues.claim(stateQueue, { limit: 119_999, nowMs: clock.now(), visibilityMs: MINUTE });
  });
  const { Messages } = await call('ReceiveMessage', {});
  assert.equal(Messages.length, 1);
  await call('SendMessage', { MessageBody: 'y' });
  await assert.rejects(call('ReceiveMessage', {}), { code: 'OverLimit' });
  await call('DeleteMessage', { ReceiptHandle: Messages[0].ReceiptHandle });
  assert.equal((await call('ReceiveMessage', {})).Messages[0].Body, 'y');
});
