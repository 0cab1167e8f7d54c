// SQS by the clock: delays, time-outs, retention, long polls, the hourly rules. On a virtual clock, so in no time.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CancelMessageMoveTaskCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { ACCOUNT, advance, clientConfig, REGION, startBrume } from '#test/harness.ts';

const brume = await startBrume({ clock: 'virtual' });
const sqs = new SQSClient(clientConfig(brume));
let made = 0;

const SECOND = 1_000;
const HOUR = 3_600_000;

async function newQueue(Attributes: Record<string, string> = {}): Promise<string> {
  return (await sqs.send(new CreateQueueCommand({ QueueName: `queue-${++made}`, Attributes }))).QueueUrl!;
}
const arnOf = (url: string) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${url.split('/').at(-1)}`;
const send = (QueueUrl: string, MessageBody: string, more = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
const receive = async (QueueUrl: string, more = {}) =>
  (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
const bodies = async (QueueUrl: string, more = {}) => (await receive(QueueUrl, more)).map(({ Body }) => Body);
const counts = async (QueueUrl: string) => {
  const { Attributes: all } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return [
    all!.ApproximateNumberOfMessages,
    all!.ApproximateNumberOfMessagesNotVisible,
    all!.ApproximateNumberOfMessagesDelayed,
  ].join('/');
};
/** Lets a request that was just sent arrive before the clock moves. */
const arrived = () => new Promise((resolve) => setTimeout(resolve, 60));

test('a message is delayed by the queue, or by its own delay', async () => {
  const url = await newQueue({ DelaySeconds: '10' });
  await send(url, 'ten');
  await send(url, 'none', { DelaySeconds: 0 });
  assert.equal(await counts(url), '1/0/1');
  assert.deepEqual(await bodies(url), ['none']);
  await advance(brume, 9 * SECOND);
  assert.deepEqual(await bodies(url), []);
  await advance(brume, 1 * SECOND);
  assert.deepEqual(await bodies(url), ['ten']);
});

test('a message that is not deleted comes back after its visibility time-out', async () => {
  const url = await newQueue({ VisibilityTimeout: '45' });
  await send(url, 'x');
  const [first] = await receive(url);
  assert.equal(await counts(url), '0/1/0');
  await advance(brume, 44 * SECOND);
  assert.deepEqual(await bodies(url), []);
  await advance(brume, 1 * SECOND);
  assert.equal(await counts(url), '1/0/0');
  // Timed out and received by nobody else: the old handle still holds.
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first!.ReceiptHandle }));
  assert.equal(await counts(url), '0/0/0');
});

test('the visibility of a message ends twelve hours after its receive', async () => {
  const url = await newQueue();
  await send(url, 'x');
  const [{ ReceiptHandle } = {}] = await receive(url);
  const change = (VisibilityTimeout: number) =>
    sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout }));
  await change(43_200);
  await advance(brume, 11 * HOUR);
  assert.deepEqual(await bodies(url), []);
  await assert.rejects(change(3_601), {
    name: 'InvalidParameterValue',
    message:
      'Value 3601 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]',
  });
  await change(3_600);
  await advance(brume, HOUR);
  assert.deepEqual(await bodies(url), ['x']);
});

test('a message expires, in flight or not, and a shorter retention takes what is older', async () => {
  const url = await newQueue({ MessageRetentionPeriod: '3600' });
  await send(url, 'old');
  await receive(url, { VisibilityTimeout: 43_200 });
  await send(url, 'older');
  await advance(brume, 3_599 * SECOND);
  assert.equal(await counts(url), '1/1/0');
  await advance(brume, 61 * SECOND);
  assert.equal(await counts(url), '0/0/0');

  await send(url, 'a');
  await advance(brume, 1_800 * SECOND);
  await send(url, 'b');
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { MessageRetentionPeriod: '600' } }));
  assert.deepEqual(await bodies(url), ['b']);
});

test('retention in a dead-letter queue counts from the first send', async () => {
  const deadLetter = await newQueue({ MessageRetentionPeriod: '7200' });
  const url = await newQueue({
    VisibilityTimeout: '0',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(deadLetter), maxReceiveCount: 1 }),
  });
  await send(url, 'x');
  await receive(url);
  await advance(brume, HOUR);
  assert.deepEqual(await bodies(url), []);
  assert.equal(await counts(deadLetter), '1/0/0');
  await advance(brume, HOUR - SECOND);
  assert.equal(await counts(deadLetter), '1/0/0');
  await advance(brume, 2 * SECOND);
  assert.equal(await counts(deadLetter), '0/0/0');
});

test('long polls end with the clock, and wake when a delay or a time-out is over', async () => {
  const url = await newQueue({ VisibilityTimeout: '5' });
  const empty = bodies(url, { WaitTimeSeconds: 20 });
  await arrived();
  await advance(brume, 20 * SECOND);
  assert.deepEqual(await empty, []);

  await send(url, 'x', { DelaySeconds: 7 });
  const delayed = bodies(url, { WaitTimeSeconds: 20 });
  await arrived();
  await advance(brume, 7 * SECOND);
  assert.deepEqual(await delayed, ['x']);

  const timedOut = bodies(url, { WaitTimeSeconds: 20 });
  await arrived();
  await advance(brume, 5 * SECOND);
  assert.deepEqual(await timedOut, ['x']);

  // In one leap, each in its turn: received at 5 s, again at 10 s by the next in line.
  const both = [bodies(url, { WaitTimeSeconds: 20 }), bodies(url, { WaitTimeSeconds: 20 })];
  await arrived();
  await advance(brume, HOUR);
  assert.deepEqual(await Promise.all(both), [['x'], ['x']]);
});

test('PurgeQueue is open again after a minute', async () => {
  const url = await newQueue();
  const purge = () => sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
  await purge();
  await advance(brume, 59 * SECOND);
  await assert.rejects(purge(), { name: 'PurgeQueueInProgress' });
  await advance(brume, 1 * SECOND);
  await purge();
});

test('a move task redrives a dead-letter queue at its rate', async () => {
  const deadLetter = await newQueue();
  const url = await newQueue({
    VisibilityTimeout: '0',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(deadLetter), maxReceiveCount: 1 }),
  });
  const SourceArn = arnOf(deadLetter);
  const start = (more = {}) => sqs.send(new StartMessageMoveTaskCommand({ SourceArn, ...more }));
  const list = async () => (await sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 10 }))).Results!;
  for (const body of ['a', 'b', 'c', 'd', 'e']) await send(url, body);
  await receive(url);
  await receive(url);
  assert.equal(await counts(deadLetter), '5/0/0');

  await assert.rejects(start({ DestinationArn: `${SourceArn}-gone` }), {
    name: 'ResourceNotFoundException',
    message: "The resource that you specified for the DestinationArn parameter doesn't exist.",
  });
  await assert.rejects(sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arnOf(url) })), {
    message: 'Source queue must be configured as a Dead Letter Queue.',
  });

  const { TaskHandle } = await start({ MaxNumberOfMessagesPerSecond: 2 });
  await assert.rejects(start(), { message: /^There is already a task running\./ });
  await arrived();
  assert.equal(await counts(deadLetter), '3/0/0');
  await advance(brume, 1 * SECOND);
  assert.equal(await counts(deadLetter), '1/0/0');
  const cancelled = await sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle }));
  assert.equal(cancelled.ApproximateNumberOfMessagesMoved, 4);
  await advance(brume, HOUR);
  assert.equal(await counts(deadLetter), '1/0/0');

  await start();
  await arrived();
  const [second, first] = await list();
  assert.deepEqual(
    [second!.Status, second!.ApproximateNumberOfMessagesMoved, second!.ApproximateNumberOfMessagesToMove],
    ['COMPLETED', 1, 1],
  );
  assert.deepEqual(
    [first!.Status, first!.TaskHandle, first!.MaxNumberOfMessagesPerSecond],
    ['CANCELLED', undefined, 2],
  );
  const moved = await receive(url, { MessageSystemAttributeNames: ['All'] });
  assert.deepEqual(moved.map(({ Body }) => Body).sort(), ['a', 'b', 'c', 'd', 'e']);
  assert.equal(moved[0]!.Attributes!.ApproximateReceiveCount, '1');
  assert.equal(moved[0]!.Attributes!.DeadLetterQueueSourceArn, undefined);

  await assert.rejects(sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle: 'x' })), {
    message: 'Value for parameter TaskHandle is invalid.',
  });
});
