// FIFO queues with the official client, on the virtual clock.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { ACCOUNT, advance, clientConfig, REGION, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';

const brume = await startBrume({ clock: 'virtual' });
const sqs = new SQSClient(clientConfig(brume));
const MINUTE = 60_000;

let names = 0;

async function newQueue(
  attributes: Record<string, string> = {},
  name = `q${names++}.fifo`,
  client = sqs,
): Promise<string> {
  const Attributes = { FifoQueue: 'true', ContentBasedDeduplication: 'true', ...attributes };
  return (await client.send(new CreateQueueCommand({ QueueName: name, Attributes }))).QueueUrl!;
}

const arnOf = (url: string) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${url.split('/').at(-1)}`;

const send = (
  QueueUrl: string,
  MessageGroupId: string,
  MessageBody: string,
  more: Partial<SendMessageCommandInput> = {},
) => sqs.send(new SendMessageCommand({ QueueUrl, MessageGroupId, MessageBody, ...more }));

async function receive(
  QueueUrl: string,
  more: Partial<ReceiveMessageCommandInput> = {},
  client = sqs,
): Promise<Message[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All'], ...more }),
  );
  return Messages;
}

const bodies = (messages: readonly Message[]) => messages.map(({ Body }) => Body);

const remove = (QueueUrl: string, ...messages: Message[]) =>
  sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl,
      Entries: messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
    }),
  );

describe('order', () => {
  test('a group is locked while one of its messages is in flight', async () => {
    const url = await newQueue();
    for (const body of ['a1', 'a2', 'b1', 'a3', 'b2']) await send(url, body[0]!, body);
    const first = await receive(url, { MaxNumberOfMessages: 2 });
    assert.deepEqual(bodies(first), ['a1', 'a2']);
    const second = await receive(url);
    assert.deepEqual(bodies(second), ['b1', 'b2']);
    assert.deepEqual(await receive(url), []);
    await remove(url, first[0]!);
    assert.deepEqual(await receive(url), [], 'a2 is in flight still');
    await remove(url, first[1]!);
    assert.deepEqual(bodies(await receive(url)), ['a3']);
  });

  test('what comes back comes before what was sent later', async () => {
    const url = await newQueue({ VisibilityTimeout: '30' });
    for (const body of ['1', '2', '3']) await send(url, 'g', body);
    assert.deepEqual(bodies(await receive(url, { MaxNumberOfMessages: 2 })), ['1', '2']);
    await advance(brume, 20_000);
    await send(url, 'g', '4');
    assert.deepEqual(await receive(url), []);
    await advance(brume, 10_000);
    const again = await receive(url);
    assert.deepEqual(bodies(again), ['1', '2', '3', '4']);
    assert.deepEqual(
      again.map(({ Attributes }) => Attributes!.ApproximateReceiveCount),
      ['2', '2', '1', '1'],
    );
  });

  test('groups take turns', async () => {
    const url = await newQueue();
    for (const body of ['a1', 'a2', 'b1']) await send(url, body[0]!, body);
    const [a1] = await receive(url, { MaxNumberOfMessages: 1 });
    await remove(url, a1!);
    assert.deepEqual(bodies(await receive(url, { MaxNumberOfMessages: 1 })), ['b1']);
    assert.deepEqual(bodies(await receive(url, { MaxNumberOfMessages: 1 })), ['a2']);
  });

  test('a message shown again unlocks its group; a handle that ran out deletes nothing', async () => {
    const url = await newQueue();
    for (const body of ['1', '2']) await send(url, 'g', body);
    const [one] = await receive(url, { MaxNumberOfMessages: 1, VisibilityTimeout: 20 });
    const { ReceiptHandle } = one!;
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout: 0 }));
    await assert.rejects(sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle })), {
      message: `Value ${ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
    });
    assert.deepEqual(bodies(await receive(url)), ['1', '2']);
  });

  test("delays are the queue's; a long poll hears of the end of a delay and of a deletion", async () => {
    const url = await newQueue({ DelaySeconds: '10' });
    await send(url, 'g', '1');
    await send(url, 'g', '2');
    assert.deepEqual(await receive(url), []);
    const waiting = receive(url, { WaitTimeSeconds: 20, MaxNumberOfMessages: 1 });
    await advance(brume, 10_000);
    const [one] = await waiting;
    assert.equal(one!.Body, '1');
    const next = receive(url, { WaitTimeSeconds: 20 });
    await remove(url, one!);
    assert.deepEqual(bodies(await next), ['2']);
  });
});

describe('deduplication', () => {
  test('by id for five minutes, by body when the queue says so', async () => {
    const url = await newQueue();
    const first = await send(url, 'g', 'body');
    assert.match(first.SequenceNumber!, /^\d{20}$/);
    const second = await send(url, 'g', 'body');
    assert.deepEqual([second.MessageId, second.SequenceNumber], [first.MessageId, first.SequenceNumber]);
    const other = await send(url, 'g', 'body', { MessageDeduplicationId: 'x' });
    assert.ok(BigInt(other.SequenceNumber!) > BigInt(first.SequenceNumber!));
    await send(url, 'other group', 'body', { MessageGroupId: 'other', MessageDeduplicationId: 'x' });
    const got = await receive(url);
    assert.deepEqual(bodies(got), ['body', 'body']);
    assert.equal(got[0]!.Attributes!.SequenceNumber, first.SequenceNumber);
    assert.equal(got[1]!.Attributes!.MessageDeduplicationId, 'x');
    assert.equal(got[1]!.Attributes!.MessageGroupId, 'g');
    await remove(url, ...got);
    await send(url, 'g', 'body');
    await advance(brume, 5 * MINUTE - 1);
    await send(url, 'g', 'body');
    assert.deepEqual(await receive(url), [], 'deleted, and yet a duplicate');
    await advance(brume, 1);
    await send(url, 'g', 'body');
    assert.deepEqual(bodies(await receive(url)), ['body']);
  });

  test('inside message groups alone, when the queue says so', async () => {
    const url = await newQueue({ DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' });
    await send(url, 'a', 'body');
    await send(url, 'a', 'body');
    await send(url, 'b', 'body');
    assert.equal((await receive(url)).length, 2);
  });

  test('in a batch', async () => {
    const url = await newQueue();
    const { Successful } = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: ['1', '2', '1'].map((MessageBody, index) => ({ Id: `${index}`, MessageBody, MessageGroupId: 'g' })),
      }),
    );
    assert.equal(Successful![0]!.SequenceNumber, Successful![2]!.SequenceNumber);
    assert.deepEqual(bodies(await receive(url)), ['1', '2']);
  });

  test('a purge unlocks the groups', async () => {
    const url = await newQueue();
    await send(url, 'g', '1');
    await receive(url);
    await sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
    await send(url, 'g', '2');
    assert.deepEqual(bodies(await receive(url)), ['2']);
  });
});

test('a receive that is tried again gets the same messages with the same handles', async () => {
  const url = await newQueue({ VisibilityTimeout: '30' });
  for (const body of ['1', '2', '3']) await send(url, 'g', body);
  const attempt = { ReceiveRequestAttemptId: 'try', MaxNumberOfMessages: 2 };
  const first = await receive(url, attempt);
  await advance(brume, 20_000);
  const again = await receive(url, attempt);
  assert.deepEqual(
    again.map(({ Body, ReceiptHandle }) => [Body, ReceiptHandle]),
    first.map(({ Body, ReceiptHandle }) => [Body, ReceiptHandle]),
  );
  await advance(brume, 20_000);
  assert.deepEqual(await receive(url), [], 'the visibility time-out began anew');
  await remove(url, first[0]!);
  assert.deepEqual(await receive(url, attempt), [], 'one is deleted');
});

test('what fails too often goes to a FIFO dead-letter queue, and the next of its group comes', async () => {
  const dead = await newQueue();
  const url = await newQueue({
    VisibilityTimeout: '10',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(dead), maxReceiveCount: 1 }),
  });
  for (const body of ['1', '2']) await send(url, 'g', body);
  assert.deepEqual(bodies(await receive(url, { MaxNumberOfMessages: 1 })), ['1']);
  await advance(brume, 10_000);
  assert.deepEqual(bodies(await receive(url, { MaxNumberOfMessages: 1 })), ['2']);
  const [failed] = await receive(dead);
  assert.equal(failed!.Body, '1');
  assert.equal(failed!.Attributes!.MessageGroupId, 'g');
  assert.equal(failed!.Attributes!.DeadLetterQueueSourceArn, arnOf(url));
});

test('a dead-letter queue is emptied back into its source, in order', async () => {
  const dead = await newQueue();
  const url = await newQueue({
    VisibilityTimeout: '10',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(dead), maxReceiveCount: 1 }),
  });
  for (const body of ['1', '2', '3']) await send(url, 'g', body);
  await receive(url);
  await advance(brume, 10_000);
  assert.deepEqual(await receive(url), []);
  await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arnOf(dead) }));
  const back = await receive(url, { WaitTimeSeconds: 20, MaxNumberOfMessages: 1 });
  assert.deepEqual(bodies(back), ['1']);
  await remove(url, ...back);
  const rest: (string | undefined)[] = [];
  for (let attempt = 0; attempt < 50 && rest.length < 2; attempt++) {
    const messages = await receive(url);
    rest.push(...bodies(messages));
    if (messages.length > 0) await remove(url, ...messages);
    else await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(rest, ['2', '3']);
  assert.deepEqual(await receive(dead), []);
});

test('attributes', async () => {
  const url = await newQueue();
  const read = async () =>
    (await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }))).Attributes!;
  const { FifoQueue, ContentBasedDeduplication, DeduplicationScope, FifoThroughputLimit } = await read();
  assert.deepEqual(
    [FifoQueue, ContentBasedDeduplication, DeduplicationScope, FifoThroughputLimit],
    ['true', 'true', 'queue', 'perQueue'],
  );
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { ContentBasedDeduplication: 'false' } }));
  assert.equal((await read()).ContentBasedDeduplication, 'false');
  await assert.rejects(send(url, 'g', 'body'), {
    message:
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
  });
});

describe('what is refused', async () => {
  const url = await newQueue();
  const standard = (await sqs.send(new CreateQueueCommand({ QueueName: 'standard' }))).QueueUrl!;
  const redrive = (to: string) => ({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(to), maxReceiveCount: 1 }),
  });
  for (const [what, attempt, message] of [
    ['no group', () => send(url, undefined as never, 'x'), /^The request must contain the parameter MessageGroupId\.$/],
    [
      'a delay',
      () => send(url, 'g', 'x', { DelaySeconds: 5 }),
      /^Value 5 for parameter DelaySeconds is invalid\. Reason: The request include parameter that is not valid for this queue type\.$/,
    ],
    ['a name without .fifo', () => newQueue({}, 'name'), /must end with \.fifo suffix/],
    [
      '.fifo without the attribute',
      () => sqs.send(new CreateQueueCommand({ QueueName: 'n.fifo' })),
      /^Can only include alphanumeric/,
    ],
    [
      'a FIFO attribute on a standard queue',
      () =>
        sqs.send(
          new SetQueueAttributesCommand({ QueueUrl: standard, Attributes: { ContentBasedDeduplication: 'true' } }),
        ),
      /^Unknown Attribute ContentBasedDeduplication\.$/,
    ],
    [
      'throughput per group without its scope',
      () => newQueue({ FifoThroughputLimit: 'perMessageGroupId' }),
      /FifoThroughputLimit is allowed only when/,
    ],
    [
      'a standard dead-letter queue',
      () => newQueue(redrive(standard)),
      /Reason: Dead-letter queue must be same type of queue as the source\.$/,
    ],
    [
      'an attempt id on a standard queue',
      () => receive(standard, { ReceiveRequestAttemptId: 'x' }),
      /ReceiveRequestAttemptId is invalid/,
    ],
  ] as [string, () => Promise<unknown>, RegExp][]) {
    test(what, async () => {
      await assert.rejects(attempt, ({ message: said }: Error) => message.test(said) || assert.fail(said));
    });
  }
});

test('order, locks and deduplication survive kill -9', { timeout: 60_000 }, async () => {
  const dataDir = temporaryDirectory();
  let server = await spawnBrume(dataDir);
  let client = new SQSClient(clientConfig(server));
  const url = await newQueue({ VisibilityTimeout: '600' }, 'kept.fifo', client);
  const put = (group: string, MessageBody: string) =>
    client.send(new SendMessageCommand({ QueueUrl: url, MessageGroupId: group, MessageBody }));
  for (const body of ['a1', 'a2', 'b1', 'b2']) await put(body[0]!, body);
  assert.deepEqual(bodies(await receive(url, { MaxNumberOfMessages: 1 }, client)), ['a1']);
  await server.kill();
  server = await spawnBrume(dataDir);
  client = new SQSClient(clientConfig(server));
  await put('b', 'b1');
  await put('b', 'b3');
  assert.deepEqual(bodies(await receive(url, {}, client)), ['b1', 'b2', 'b3']);
  assert.deepEqual(await receive(url, {}, client), [], 'a1 is in flight');
  await server.stop();
});
