// SNS FIFO topics with the official SDK: order, deduplication, numbers, what queues get, what is refused, and a kill -9 in the midst.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CreateTopicCommand,
  DeleteTopicCommand,
  GetTopicAttributesCommand,
  PublishBatchCommand,
  PublishCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { ACCOUNT, advance, clientConfig, REGION, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';

let made = 0;

function connect(brume: { endpoint: string }) {
  const sns = new SNSClient(clientConfig(brume));
  const sqs = new SQSClient(clientConfig(brume));
  return {
    sns,
    sqs,
    newTopic: async (Attributes: Record<string, string> = {}, Name = `topic-${++made}.fifo`) =>
      (await sns.send(new CreateTopicCommand({ Name, Attributes: { FifoTopic: 'true', ...Attributes } }))).TopicArn!,
    async newQueue(fifo = true) {
      const name = `queue-${++made}${fifo ? '.fifo' : ''}`;
      const Attributes = fifo ? { FifoQueue: 'true' } : {};
      const url = (await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }))).QueueUrl!;
      return { url, arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}` };
    },
    subscribe: async (TopicArn: string, Endpoint: string, Attributes: Record<string, string> = {}) =>
      (await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, Attributes }))).SubscriptionArn!,
    publish: (TopicArn: string, text: string, MessageGroupId: string, more: object = {}) =>
      sns.send(new PublishCommand({ TopicArn, Message: text, MessageGroupId, MessageDeduplicationId: text, ...more })),
    /** Receives and deletes until there are so many, or nothing comes for a moment. */
    async drain(url: string, count: number, WaitTimeSeconds = 5): Promise<Message[]> {
      const all: Message[] = [];
      while (all.length < count) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: url,
            WaitTimeSeconds,
            MaxNumberOfMessages: 10,
            MessageAttributeNames: ['All'],
            MessageSystemAttributeNames: ['All'],
          }),
        );
        if (Messages.length === 0) break;
        all.push(...Messages);
        const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
        await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));
      }
      return all;
    },
  };
}

const brume = await startBrume({ clock: 'virtual' });
const { sns, newTopic, newQueue, subscribe, publish, drain } = connect(brume);
const bodies = (messages: Message[]) => messages.map(({ Body }) => Body);

test('a FIFO queue gets the envelope, numbered and not signed; a raw one the text; a standard one neither group nor id', async () => {
  const topic = await newTopic();
  const [queue, raw, standard] = [await newQueue(), await newQueue(), await newQueue(false)];
  const subscription = await subscribe(topic, queue.arn);
  await subscribe(topic, raw.arn, { RawMessageDelivery: 'true' });
  await subscribe(topic, standard.arn, { RawMessageDelivery: 'true' });
  const MessageAttributes = { a: { DataType: 'String', StringValue: 'x' } };
  const sent = await publish(topic, 'hello', 'g', { Subject: 'S', MessageAttributes });
  assert.match(sent.SequenceNumber!, /^1\d{19}$/);

  const [message] = await drain(queue.url, 1);
  const { Timestamp, UnsubscribeURL, ...rest } = JSON.parse(message!.Body!);
  assert.deepEqual(rest, {
    Type: 'Notification',
    MessageId: sent.MessageId,
    SequenceNumber: sent.SequenceNumber,
    TopicArn: topic,
    Subject: 'S',
    Message: 'hello',
    MessageAttributes: { a: { Type: 'String', Value: 'x' } },
  });
  assert.match(Timestamp, /^\d{4}-.*Z$/);
  assert.ok(UnsubscribeURL.endsWith(subscription));
  const idsOf = ({ Attributes = {} }: Message) => [Attributes.MessageGroupId, Attributes.MessageDeduplicationId];
  assert.deepEqual(idsOf(message!), ['g', 'hello']);
  const [bare] = await drain(raw.url, 1);
  assert.deepEqual(
    [bare!.Body, bare!.MessageAttributes!.a!.StringValue, ...idsOf(bare!)],
    ['hello', 'x', 'g', 'hello'],
  );
  const [plain] = await drain(standard.url, 1);
  assert.deepEqual([plain!.Body, ...idsOf(plain!)], ['hello', undefined, undefined]);
});

test('each group arrives in its order', async () => {
  const topic = await newTopic();
  const queue = await newQueue();
  await subscribe(topic, queue.arn, { RawMessageDelivery: 'true' });
  const groups = ['a', 'b', 'c'];
  const numbers: bigint[] = [];
  for (let n = 0; n < 40; n++) {
    const { Successful } = await sns.send(
      new PublishBatchCommand({
        TopicArn: topic,
        PublishBatchRequestEntries: groups.map((group) => ({
          Id: group,
          Message: `${group}-${n}`,
          MessageGroupId: group,
          MessageDeduplicationId: `${group}-${n}`,
        })),
      }),
    );
    numbers.push(...Successful!.map(({ SequenceNumber }) => BigInt(SequenceNumber!)));
  }
  assert.ok(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!));
  const got = bodies(await drain(queue.url, 120));
  for (const group of groups) {
    assert.deepEqual(
      got.filter((body) => body!.startsWith(group)),
      Array.from({ length: 40 }, (_, n) => `${group}-${n}`),
    );
  }
});

describe('deduplication', () => {
  test('by the id, for five minutes', async () => {
    const topic = await newTopic();
    const queue = await newQueue();
    await subscribe(topic, queue.arn, { RawMessageDelivery: 'true' });
    const first = await publish(topic, 'one', 'g');
    const again = await publish(topic, 'two', 'other', { MessageDeduplicationId: 'one' });
    assert.deepEqual([again.MessageId, again.SequenceNumber], [first.MessageId, first.SequenceNumber]);
    await advance(brume, 299_000);
    await publish(topic, 'three', 'g', { MessageDeduplicationId: 'one' });
    await advance(brume, 2_000);
    const later = await publish(topic, 'four', 'g', { MessageDeduplicationId: 'one' });
    assert.notEqual(later.MessageId, first.MessageId);
    assert.deepEqual(bodies(await drain(queue.url, 2)), ['one', 'four']);
  });

  test('by the content', async () => {
    const topic = await newTopic({ ContentBasedDeduplication: 'true' });
    const queue = await newQueue();
    await subscribe(topic, queue.arn, { RawMessageDelivery: 'true' });
    const MessageDeduplicationId = undefined;
    for (const text of ['x', 'y', 'x']) await publish(topic, text, 'g', { MessageDeduplicationId });
    assert.deepEqual(bodies(await drain(queue.url, 2)), ['x', 'y']);
  });

  test('within each group, where the topic says so', async () => {
    const topic = await newTopic({ FifoThroughputScope: 'MessageGroup' });
    const queue = await newQueue();
    await subscribe(topic, queue.arn);
    const ids = [];
    for (const group of ['a', 'b', 'a']) ids.push((await publish(topic, 'same', group)).MessageId);
    assert.deepEqual([ids[0] === ids[1], ids[0] === ids[2]], [false, true]);
  });

  test('does not outlive the topic', async () => {
    const TopicArn = await newTopic({}, 'short-lived.fifo');
    const first = await publish(TopicArn, 'one', 'g');
    await sns.send(new DeleteTopicCommand({ TopicArn }));
    assert.equal(await newTopic({}, 'short-lived.fifo'), TopicArn);
    assert.notEqual((await publish(TopicArn, 'one', 'g')).MessageId, first.MessageId);
  });
});

test('a queue that is gone sends the messages to the dead-letter queue, in order', async () => {
  const topic = await newTopic();
  const dead = await newQueue();
  const gone = `arn:aws:sqs:${REGION}:${ACCOUNT}:gone.fifo`;
  await subscribe(topic, gone, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn }),
    RawMessageDelivery: 'true',
  });
  for (const text of ['1', '2', '3']) await publish(topic, text, 'g');
  assert.deepEqual(bodies(await drain(dead.url, 3)), ['1', '2', '3']);
});

test('attributes', async () => {
  const TopicArn = await newTopic({ FifoThroughputScope: 'Topic' });
  const attributes = async () => {
    const { Attributes = {} } = await sns.send(new GetTopicAttributesCommand({ TopicArn }));
    return [Attributes.FifoTopic, Attributes.ContentBasedDeduplication, Attributes.FifoThroughputScope];
  };
  assert.deepEqual(await attributes(), ['true', 'false', 'Topic']);
  const set = (AttributeName: string, AttributeValue: string) =>
    sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName, AttributeValue }));
  await set('ContentBasedDeduplication', 'true');
  await set('FifoThroughputScope', 'MessageGroup');
  assert.deepEqual(await attributes(), ['true', 'true', 'MessageGroup']);
  await assert.rejects(set('FifoThroughputScope', 'Everything'), { name: 'InvalidParameterException' });
});

describe('what is refused', () => {
  const names =
    'Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.';
  const create = (Name: string, Attributes: Record<string, string>) =>
    sns.send(new CreateTopicCommand({ Name, Attributes }));
  for (const [label, attempt, message] of [
    ['a FIFO topic without the suffix', () => create('plain', { FifoTopic: 'true' }), names],
    ['the suffix without the attribute', () => create('plain.fifo', {}), 'Topic Name'],
    [
      'deduplication by content on a standard topic',
      () => create('plain', { ContentBasedDeduplication: 'true' }),
      'Attributes Reason: Content-based deduplication can only be set for FIFO topics',
    ],
    [
      'a message without a group',
      async () => publish(await newTopic(), 'm', undefined as never),
      'The MessageGroupId parameter is required for FIFO topics',
    ],
    [
      'a message without an id',
      async () => publish(await newTopic(), 'm', 'g', { MessageDeduplicationId: undefined }),
      'The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    ],
    [
      'a function as subscriber',
      async () =>
        sns.send(
          new SubscribeCommand({
            TopicArn: await newTopic(),
            Protocol: 'lambda',
            Endpoint: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:f`,
          }),
        ),
      'Invalid parameter: Endpoint Reason: Please use FIFO SQS queue',
    ],
  ] as const) {
    test(label, () =>
      assert.rejects(attempt, { name: 'InvalidParameterException', message: `Invalid parameter: ${message}` }),
    );
  }

  test('archives and replays, which are not there', async () => {
    await assert.rejects(newTopic({ ArchivePolicy: '{"MessageRetentionPeriod":"30"}' }), { name: 'NotImplemented' });
  });
});

test('kill -9 between publishing and delivering: nothing is lost, nothing comes twice, the order holds', async () => {
  const dataDir = temporaryDirectory();
  const first = await spawnBrume(dataDir);
  const one = connect(first);
  const topic = await one.newTopic();
  const queue = await one.newQueue();
  await one.subscribe(topic, queue.arn, { RawMessageDelivery: 'true' });
  const expected = Array.from({ length: 60 }, (_, n) => `m-${n}`);
  for (const text of expected.slice(0, 40)) await one.publish(topic, text, 'g');
  await first.kill();

  const second = await spawnBrume(dataDir);
  const two = connect(second);
  const url = queue.url.replace(first.endpoint, second.endpoint);
  for (const text of expected.slice(38)) await two.publish(topic, text, 'g');
  assert.deepEqual(bodies(await two.drain(url, 60)), expected);
  assert.deepEqual(await two.drain(url, 1, 1), []);
  await second.stop();
});
