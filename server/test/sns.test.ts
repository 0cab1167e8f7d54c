// SNS standard topics through HTTP, with the official SDK: requests, answers, errors, and what subscribers get.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  AddPermissionCommand,
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  DeleteTopicCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  ListSubscriptionsCommand,
  ListTagsForResourceCommand,
  ListTopicsCommand,
  PublishBatchCommand,
  PublishCommand,
  RemovePermissionCommand,
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
  TagResourceCommand,
  UnsubscribeCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-sns';
import { CreateQueueCommand, DeleteQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const sns = new SNSClient(clientConfig(brume));
const sqs = new SQSClient(clientConfig(brume));
let made = 0;

async function newTopic(Attributes: Record<string, string> = {}, Name = `topic-${++made}`): Promise<string> {
  return (await sns.send(new CreateTopicCommand({ Name, Attributes }))).TopicArn!;
}

async function newQueue(client = sqs): Promise<{ url: string; arn: string }> {
  const name = `queue-${++made}`;
  const url = (await client.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl!;
  return { url, arn: `arn:aws:sqs:${REGION}:${url.split('/').at(-2)}:${name}` };
}

const subscribe = async (TopicArn: string, Endpoint: string, Attributes: Record<string, string> = {}) =>
  (await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, Attributes }))).SubscriptionArn!;
const publish = (TopicArn: string, Message: string, more = {}) =>
  sns.send(new PublishCommand({ TopicArn, Message, ...more }));
const receive = async (url: string, WaitTimeSeconds = 5) =>
  (
    await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        WaitTimeSeconds,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 600,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    )
  ).Messages ?? [];
const text = (StringValue: string, DataType = 'String') => ({ DataType, StringValue });

test('a queue gets the signed envelope', async () => {
  const [topic, queue] = [await newTopic(), await newQueue()];
  const subscription = await subscribe(topic, queue.arn);
  assert.match(subscription, new RegExp(`^${topic}:[0-9a-f-]{36}$`));
  const { MessageId } = await publish(topic, 'Grüße "世界"\n', {
    Subject: 'A subject',
    MessageAttributes: { a: text('x'), b: { DataType: 'Binary', BinaryValue: Uint8Array.of(2, 3, 4) } },
  });
  const [message] = await receive(queue.url);
  const { Signature, Timestamp, SigningCertURL, ...rest } = JSON.parse(message!.Body!);
  assert.deepEqual(rest, {
    Type: 'Notification',
    MessageId,
    TopicArn: topic,
    Subject: 'A subject',
    Message: 'Grüße "世界"\n',
    SignatureVersion: '1',
    UnsubscribeURL: `${brume.endpoint}/?Action=Unsubscribe&SubscriptionArn=${subscription}`,
    MessageAttributes: { a: { Type: 'String', Value: 'x' }, b: { Type: 'Binary', Value: 'AgME' } },
  });
  assert.match(Timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(Buffer.from(Signature, 'base64').length, 256);
  assert.ok(SigningCertURL.startsWith(`${brume.endpoint}/SimpleNotificationService-`));
  assert.match(message!.Body!, /^{\n {2}"Type" : "Notification",\n {2}"MessageId" : "/);
  assert.equal(message!.MessageAttributes, undefined);
});

test('raw delivery gives message and attributes as they are', async () => {
  const [topic, queue] = [await newTopic(), await newQueue()];
  await subscribe(topic, queue.arn, { RawMessageDelivery: 'true' });
  await publish(topic, 'bare', {
    MessageAttributes: {
      list: text('["a",1]', 'String.Array'),
      b: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) },
    },
    MessageGroupId: 'tenant',
  });
  const [message] = await receive(queue.url);
  assert.equal(message!.Body, 'bare');
  assert.deepEqual(message!.MessageAttributes!.list, text('["a",1]', 'String.Array'));
  assert.deepEqual(message!.MessageAttributes!.b!.BinaryValue, Uint8Array.of(0, 255));
  assert.equal(message!.Attributes!.MessageGroupId, 'tenant');
});

test('MessageStructure json chooses by protocol', async () => {
  const [topic, queue] = [await newTopic(), await newQueue()];
  await subscribe(topic, queue.arn, { RawMessageDelivery: 'true' });
  const json = (message: object) => publish(topic, JSON.stringify(message), { MessageStructure: 'json' });
  await json({ default: 'for all', sqs: 'for queues' });
  await json({ default: 'for the rest', lambda: 'for functions' });
  const bodies: (string | undefined)[] = [];
  while (bodies.length < 2) bodies.push(...(await receive(queue.url)).map(({ Body }) => Body));
  assert.deepEqual(bodies.sort(), ['for queues', 'for the rest']);
});

const FILTERS: [string, Record<string, string>, [string, object?][], string[]][] = [
  [
    'attributes',
    { FilterPolicy: JSON.stringify({ store: ['example_corp'], price: [{ numeric: ['>=', 100] }] }) },
    [
      ['yes', { store: text('example_corp'), price: text('100.50', 'Number') }],
      ['too cheap', { store: text('example_corp'), price: text('99', 'Number') }],
      ['no number', { store: text('example_corp'), price: text('100') }],
      ['no price', { store: text('example_corp') }],
      ['none'],
    ],
    ['yes'],
  ],
  [
    'arrays, absence and $or',
    { FilterPolicy: JSON.stringify({ $or: [{ tags: [{ prefix: 'ru' }] }, { other: [{ exists: false }] }] }) },
    [
      ['array', { tags: text('["soccer","rugby"]', 'String.Array'), other: text('x') }],
      ['absent', { tags: text('x') }],
      ['neither', { tags: text('["soccer"]', 'String.Array'), other: text('x') }],
      ['broken array', { tags: text('rugby', 'String.Array'), other: text('x') }],
    ],
    ['absent', 'array'],
  ],
  [
    'the body',
    { FilterPolicyScope: 'MessageBody', FilterPolicy: JSON.stringify({ object: { key: [{ prefix: 'auto-' }] } }) },
    [['{"object":{"key":"auto-test"}}'], ['{"object":{"key":"other"}}'], ['not json'], ['["object"]']],
    ['{"object":{"key":"auto-test"}}'],
  ],
  ['the empty policy', { FilterPolicy: '{}' }, [['anything']], ['anything']],
];

for (const [name, attributes, messages, accepted] of FILTERS) {
  test(`a filter policy on ${name}`, async () => {
    const [topic, filtered, all] = [await newTopic(), await newQueue(), await newQueue()];
    await subscribe(topic, filtered.arn, { RawMessageDelivery: 'true', ...attributes });
    await subscribe(topic, all.arn, { RawMessageDelivery: 'true' });
    for (const [message, MessageAttributes] of messages) await publish(topic, message, { MessageAttributes });
    let arrived = 0;
    while (arrived < messages.length) arrived += (await receive(all.url)).length;
    const bodies: (string | undefined)[] = [];
    while (bodies.length < accepted.length) bodies.push(...(await receive(filtered.url)).map(({ Body }) => Body));
    assert.deepEqual(bodies.sort(), accepted);
    assert.deepEqual(await receive(filtered.url, 0), []);
  });
}

const PLACE = (column: number) =>
  `\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: 1, column: ${column}]`;

const BAD_SUBSCRIPTION_ATTRIBUTES: [string, string, string][] = [
  ['RawMessageDelivery', 'test-ValUe', 'RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false.'],
  ['RawMessageDelivery', '', 'RawMessageDelivery: Invalid value []. Must be true or false.'],
  [
    'FilterPolicyScope',
    'RandomValue',
    'FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes',
  ],
  ['RedrivePolicy', '{"deadLetterTargetArn":"fake-arn"}', 'RedrivePolicy: deadLetterTargetArn is an invalid arn'],
  ['FilterPolicy', '{"a":{"b":["c"]}}', 'Filter policy scope MessageAttributes does not support nested filter policy'],
  [
    'FilterPolicy',
    '{"key":[["value"]]}',
    `FilterPolicy: Match value must be String, number, true, false, or null${PLACE(10)}`,
  ],
  [
    'FilterPolicy',
    '{invalid',
    `FilterPolicy: failed to parse JSON. Unexpected character ('i' (code 105)): was expecting double-quote to start field name${PLACE(2)}`,
  ],
  [
    'FilterPolicy',
    JSON.stringify(Object.fromEntries([...'abcdef'].map((key) => [key, ['x']]))),
    'FilterPolicy: Filter policy can not have more than 5 keys',
  ],
  [
    'FilterPolicy',
    JSON.stringify({ a: Array(13).fill('x'), b: Array(12).fill('y') }),
    'FilterPolicy: Filter policy is too complex',
  ],
];

for (const [name, value, reason] of BAD_SUBSCRIPTION_ATTRIBUTES) {
  test(`subscriptions refuse ${name} ${JSON.stringify(value).slice(0, 50)}`, async () => {
    const [topic, queue] = [await newTopic(), await newQueue()];
    await assert.rejects(subscribe(topic, queue.arn, { [name]: value }), {
      name: 'InvalidParameterException',
      message: `Invalid parameter: Attributes Reason: ${reason}`,
    });
    const SubscriptionArn = await subscribe(topic, queue.arn);
    await assert.rejects(
      sns.send(new SetSubscriptionAttributesCommand({ SubscriptionArn, AttributeName: name, AttributeValue: value })),
      { name: 'InvalidParameterException', message: `Invalid parameter: ${reason}` },
    );
  });
}

test('150 combinations are enough, a nested value counts by its depth', async () => {
  const [topic, queue] = [await newTopic(), await newQueue()];
  const SubscriptionArn = await subscribe(topic, queue.arn, {
    FilterPolicy: JSON.stringify({ a: Array(15).fill('x'), b: Array(10).fill('y') }),
  });
  const set = (AttributeName: string, AttributeValue: string) =>
    sns.send(new SetSubscriptionAttributesCommand({ SubscriptionArn, AttributeName, AttributeValue }));
  await set('FilterPolicyScope', 'MessageBody');
  // AWS's own example: 4 x 3 levels, 3 x 2, 3 x 1 make 216.
  const nested = { a: { b: { c: ['1', '2', '3', '4'] } }, d: { e: ['1', '2', '3'] }, f: ['1', '2', '3'] };
  await assert.rejects(set('FilterPolicy', JSON.stringify(nested)), { message: /too complex$/ });
  await set('FilterPolicy', JSON.stringify({ ...nested, f: ['1', '2'] }));
});

test('subscription attributes are told, and set', async () => {
  const [topic, queue, dead] = [await newTopic(), await newQueue(), await newQueue()];
  const SubscriptionArn = await subscribe(topic, queue.arn);
  const get = async () => (await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }))).Attributes!;
  const set = (AttributeName: string, AttributeValue: string) =>
    sns.send(new SetSubscriptionAttributesCommand({ SubscriptionArn, AttributeName, AttributeValue }));
  const fresh = {
    SubscriptionPrincipal: `arn:aws:iam::${ACCOUNT}:root`,
    Owner: ACCOUNT,
    RawMessageDelivery: 'false',
    TopicArn: topic,
    Endpoint: queue.arn,
    Protocol: 'sqs',
    PendingConfirmation: 'false',
    ConfirmationWasAuthenticated: 'true',
    SubscriptionArn,
  };
  assert.deepEqual(await get(), fresh);
  await set('FilterPolicyScope', 'MessageBody');
  assert.deepEqual(await get(), fresh, 'the scope shows beside a policy only');
  const FilterPolicy = '{"attr":["match-this"]}';
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn });
  await set('FilterPolicy', FilterPolicy);
  await set('RedrivePolicy', RedrivePolicy);
  assert.deepEqual(await get(), { ...fresh, FilterPolicy, FilterPolicyScope: 'MessageBody', RedrivePolicy });
  await set('FilterPolicy', '{}');
  await set('RedrivePolicy', '');
  assert.deepEqual(await get(), fresh);
  await assert.rejects(set('Colour', 'grey'), { message: 'Invalid parameter: AttributeName' });
});

const TOPIC_NAMES = ['', 'a.b', 'a b', 'ä', 'x'.repeat(257)];
for (const name of TOPIC_NAMES) {
  test(`CreateTopic refuses the name ${JSON.stringify(name).slice(0, 20)}`, async () => {
    await assert.rejects(newTopic({}, name), {
      name: 'InvalidParameterException',
      message: 'Invalid parameter: Topic Name',
    });
  });
}

test('a topic has the documented attributes, and keeps what is set', async () => {
  const TopicArn = await newTopic({ DisplayName: 'Mine' }, 'documented');
  const get = async () => (await sns.send(new GetTopicAttributesCommand({ TopicArn }))).Attributes!;
  const set = (AttributeName: string, AttributeValue: string) =>
    sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName, AttributeValue }));
  const { Policy, EffectiveDeliveryPolicy, ...rest } = await get();
  assert.deepEqual(rest, {
    Owner: ACCOUNT,
    TopicArn,
    DisplayName: 'Mine',
    SubscriptionsConfirmed: '0',
    SubscriptionsPending: '0',
    SubscriptionsDeleted: '0',
  });
  assert.equal(JSON.parse(Policy!).Statement[0].Sid, '__default_statement_ID');
  assert.equal(JSON.parse(EffectiveDeliveryPolicy!).http.defaultHealthyRetryPolicy.numRetries, 3);
  await set('SignatureVersion', '2');
  await set('DisplayName', '');
  assert.equal((await get()).SignatureVersion, '2');
  assert.equal((await get()).DisplayName, '');
  await assert.rejects(set('SignatureVersion', '3'), { name: 'InvalidParameterException' });
  await assert.rejects(set('Colour', 'grey'), { message: 'Invalid parameter: AttributeName' });
  await assert.rejects(set('Policy', 'x'), { name: 'InvalidParameterException' });

  assert.equal(await newTopic({}, 'documented'), TopicArn);
  assert.equal(await newTopic({ SignatureVersion: '2' }, 'documented'), TopicArn);
  await assert.rejects(newTopic({ DisplayName: 'Other' }, 'documented'), {
    message: 'Invalid parameter: Attributes Reason: Topic already exists with different attributes',
  });
});

const BAD_ARNS: [string, string, string][] = [
  [
    'randomstring',
    'InvalidParameterException',
    'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1',
  ],
  [
    'a:b',
    'InvalidParameterException',
    'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 2',
  ],
  [`arn:aws:sqs:${REGION}:${ACCOUNT}:topic`, 'InvalidParameterException', 'Invalid parameter: TopicArn'],
  [`arn:aws:sns:${REGION}:${ACCOUNT}:gone`, 'NotFoundException', 'Topic does not exist'],
];

for (const [arn, name, message] of BAD_ARNS) {
  test(`the topic ${arn} is refused`, async () => {
    await assert.rejects(publish(arn, 'x'), { name, message });
    await assert.rejects(sns.send(new GetTopicAttributesCommand({ TopicArn: arn })), { name, message });
  });
}

const BAD_MESSAGES: [string, object, string, RegExp][] = [
  ['an empty message', { Message: '' }, 'InvalidParameterException', /^Invalid parameter: Empty message$/],
  ['an empty subject', { Subject: '' }, 'InvalidParameterException', /^Invalid parameter: Subject$/],
  ['a subject with a line break', { Subject: 'a\nb' }, 'InvalidParameterException', /Subject$/],
  ['a subject of 101', { Subject: 'x'.repeat(101) }, 'InvalidParameterException', /Subject$/],
  [
    'more than 256 KiB',
    { Message: 'x'.repeat(262_145) },
    'InvalidParameterException',
    /^Invalid parameter: Message too long$/,
  ],
  [
    'json without default',
    { Message: '{"sqs":"x"}', MessageStructure: 'json' },
    'InvalidParameterException',
    /^Invalid parameter: Message Structure - No default entry in JSON message body$/,
  ],
  [
    'json whose default is no text',
    { Message: '{"default":{}}', MessageStructure: 'json' },
    'InvalidParameterException',
    /No default entry/,
  ],
  [
    'broken json',
    { Message: '{', MessageStructure: 'json' },
    'InvalidParameterException',
    /^Invalid parameter: Message Structure - JSON message body failed to parse$/,
  ],
  [
    'an empty attribute',
    { MessageAttributes: { attr1: text('') } },
    'InvalidParameterValueException',
    /^The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'\.$/,
  ],
  [
    'an unknown type',
    { MessageAttributes: { attr1: text('x', 'Stringprefixed') } },
    'InvalidParameterValueException',
    /the set of supported type prefixes is Binary, Number, and String\.$/,
  ],
  ['a bad name', { MessageAttributes: { 'attr^': text('x') } }, 'InvalidParameterValueException', /'#x5E'/],
];

for (const [name, message, code, expected] of BAD_MESSAGES) {
  test(`Publish refuses ${name}`, async () => {
    const topic = await newTopic();
    await assert.rejects(publish(topic, 'x', message), { name: code, message: expected });
  });
}

test('a batch is published, or refused as a whole', async () => {
  const [topic, queue] = [await newTopic(), await newQueue()];
  await subscribe(topic, queue.arn, { RawMessageDelivery: 'true' });
  const batch = (PublishBatchRequestEntries: { Id: string; Message: string; MessageStructure?: string }[]) =>
    sns.send(new PublishBatchCommand({ TopicArn: topic, PublishBatchRequestEntries }));
  const entry = (Id: string, Message = Id) => ({ Id, Message });
  const { Successful, Failed } = await batch([entry('a'), entry('b'), entry('c')]);
  assert.deepEqual(
    Successful!.map(({ Id }) => Id),
    ['a', 'b', 'c'],
  );
  assert.equal(new Set(Successful!.map(({ MessageId }) => MessageId)).size, 3);
  assert.deepEqual(Failed, []);
  const refused: [{ Id: string; Message: string; MessageStructure?: string }[], string, RegExp][] = [
    [
      [...'abcdefghijk'].map((id) => entry(id)),
      'TooManyEntriesInBatchRequestException',
      /^The batch request contains more entries than permissible\.$/,
    ],
    [[entry('a'), entry('a')], 'BatchEntryIdsNotDistinctException', /^Two or more batch entries/],
    [[entry('a b')], 'InvalidBatchEntryIdException', /specification\.$/],
    [
      [entry('a', 'x'.repeat(200_000)), entry('b', 'x'.repeat(62_145))],
      'BatchRequestTooLongException',
      /more than the limit\.$/,
    ],
    [[entry('a'), { ...entry('b', '{}'), MessageStructure: 'json' }], 'InvalidParameterException', /No default entry/],
  ];
  for (const [entries, name, message] of refused) await assert.rejects(batch(entries), { name, message });
  const bodies: (string | undefined)[] = [];
  while (bodies.length < 3) bodies.push(...(await receive(queue.url)).map(({ Body }) => Body));
  assert.deepEqual(bodies.sort(), ['a', 'b', 'c']);
  assert.deepEqual(await receive(queue.url, 0), []);
});

const BAD_ENDPOINTS: [string, string, string, RegExp][] = [
  ['sqs', 'http://localhost/000000000000/q', 'InvalidParameterException', /^Invalid parameter: SQS endpoint ARN$/],
  ['lambda', 'f', 'InvalidParameterException', /^Invalid parameter: Lambda endpoint ARN$/],
  [
    'sqs',
    `arn:aws:sqs:${REGION}:${ACCOUNT}:q.fifo`,
    'InvalidParameterException',
    /FIFO SQS Queues can not be subscribed to standard SNS topics$/,
  ],
  [
    'test-protocol',
    'x',
    'InvalidParameterException',
    /^Invalid parameter: Amazon SNS does not support this protocol string: test-protocol$/,
  ],
  ['email', 'a@example.com', 'NotImplemented', /protocol email/],
];

for (const [Protocol, Endpoint, name, message] of BAD_ENDPOINTS) {
  test(`Subscribe refuses ${Protocol} ${Endpoint}`, async () => {
    const TopicArn = await newTopic();
    await assert.rejects(sns.send(new SubscribeCommand({ TopicArn, Protocol, Endpoint })), { name, message });
  });
}

test('subscribing twice gives one subscription; unsubscribing and deleting end it', async () => {
  const [topic, queue] = [await newTopic(), await newQueue()];
  const arn = await subscribe(topic, queue.arn, { RawMessageDelivery: 'true' });
  assert.equal(await subscribe(topic, queue.arn), arn);
  assert.equal(await subscribe(topic, queue.arn, { RawMessageDelivery: 'true' }), arn);
  await assert.rejects(subscribe(topic, queue.arn, { RawMessageDelivery: 'false' }), {
    message: 'Invalid parameter: Attributes Reason: Subscription already exists with different attributes',
  });
  const listed = { SubscriptionArn: arn, Owner: ACCOUNT, Protocol: 'sqs', Endpoint: queue.arn, TopicArn: topic };
  const byTopic = async () => (await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: topic }))).Subscriptions;
  assert.deepEqual(await byTopic(), [listed]);
  await sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }));
  await sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }));
  assert.deepEqual(await byTopic(), []);
  const gone = { name: 'NotFoundException', message: 'Subscription does not exist' };
  await assert.rejects(sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: arn })), gone);

  const again = await subscribe(topic, queue.arn);
  await sns.send(new DeleteTopicCommand({ TopicArn: topic }));
  await sns.send(new DeleteTopicCommand({ TopicArn: topic }));
  await assert.rejects(sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: again })), gone);
  await assert.rejects(byTopic(), { name: 'NotFoundException', message: 'Topic does not exist' });
});

test('topics and subscriptions are listed in pages of a hundred', async () => {
  const client = new SNSClient({ ...clientConfig(brume), region: 'eu-central-1' });
  const create = async (Name: string) => (await client.send(new CreateTopicCommand({ Name }))).TopicArn!;
  const arns = await Promise.all(Array.from({ length: 101 }, (_, index) => create(`t-${index}`)));
  const first = await client.send(new ListTopicsCommand({}));
  const second = await client.send(new ListTopicsCommand({ NextToken: first.NextToken }));
  assert.deepEqual([first.Topics!.length, second.Topics!.length, second.NextToken], [100, 1, undefined]);
  const all = [...first.Topics!, ...second.Topics!].map(({ TopicArn }) => TopicArn);
  assert.deepEqual(new Set(all), new Set(arns));
  for (let index = 0; index < 101; index++) {
    const Endpoint = `arn:aws:sqs:eu-central-1:${ACCOUNT}:q-${index}`;
    await client.send(new SubscribeCommand({ TopicArn: arns[index % 2], Protocol: 'sqs', Endpoint }));
  }
  const page = await client.send(new ListSubscriptionsCommand({}));
  const rest = await client.send(new ListSubscriptionsCommand({ NextToken: page.NextToken }));
  assert.deepEqual([page.Subscriptions!.length, rest.Subscriptions!.length, rest.NextToken], [100, 1, undefined]);
});

test('a queue of another account confirms first', async () => {
  const other = new SQSClient({
    ...clientConfig(brume),
    credentials: { accessKeyId: '222222222222', secretAccessKey: 'x' },
  });
  const [topic, queue] = [await newTopic(), await newQueue(other)];
  assert.equal(await subscribe(topic, queue.arn, { RawMessageDelivery: 'true' }), 'pending confirmation');
  const { Subscriptions } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: topic }));
  assert.equal(Subscriptions![0]!.SubscriptionArn, 'PendingConfirmation');
  await publish(topic, 'too early');
  const [message] = await receive(queue.url);
  const { Type, Token, TopicArn, SubscribeURL } = JSON.parse(message!.Body!);
  assert.deepEqual([Type, TopicArn], ['SubscriptionConfirmation', topic]);
  assert.equal(new URL(SubscribeURL).searchParams.get('Token'), Token);
  await assert.rejects(sns.send(new ConfirmSubscriptionCommand({ TopicArn: topic, Token: 'abc' })), {
    message: 'Invalid parameter: Token',
  });
  const { SubscriptionArn } = await sns.send(new ConfirmSubscriptionCommand({ TopicArn: topic, Token }));
  assert.match(SubscriptionArn!, new RegExp(`^${topic}:`));
  await publish(topic, 'welcome');
  assert.deepEqual(
    (await receive(queue.url)).map(({ Body }) => Body),
    ['welcome'],
  );
});

test('what a gone queue cannot take goes to the dead-letter queue of the subscription', async () => {
  const [topic, queue, dead] = [await newTopic(), await newQueue(), await newQueue()];
  await subscribe(topic, queue.arn, { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn }) });
  await sqs.send(new DeleteQueueCommand({ QueueUrl: queue.url }));
  const { MessageId } = await publish(topic, 'lost?');
  const [message] = await receive(dead.url);
  const envelope = JSON.parse(message!.Body!);
  assert.deepEqual([envelope.MessageId, envelope.Message], [MessageId, 'lost?']);
});

test('tags', async () => {
  const { TopicArn: ResourceArn } = await sns.send(
    new CreateTopicCommand({ Name: 'tagged', Tags: [{ Key: 'k1', Value: 'v1' }] }),
  );
  const tags = async () => (await sns.send(new ListTagsForResourceCommand({ ResourceArn }))).Tags;
  await sns.send(new TagResourceCommand({ ResourceArn, Tags: [{ Key: 'k2', Value: 'v2' }] }));
  await sns.send(new TagResourceCommand({ ResourceArn, Tags: [{ Key: 'k2', Value: 'v2b' }] }));
  await sns.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['k1'] }));
  assert.deepEqual(await tags(), [{ Key: 'k2', Value: 'v2b' }]);
  const twice = [
    { Key: 'a', Value: '1' },
    { Key: 'a', Value: '2' },
  ];
  await assert.rejects(sns.send(new TagResourceCommand({ ResourceArn, Tags: twice })), {
    message: 'Invalid parameter: Duplicated keys are not allowed.',
  });
  const many = Array.from({ length: 50 }, (_, index) => ({ Key: `n${index}`, Value: '' }));
  await assert.rejects(sns.send(new TagResourceCommand({ ResourceArn, Tags: many })), {
    name: 'TagLimitExceededException',
  });
  await assert.rejects(sns.send(new CreateTopicCommand({ Name: 'tagged', Tags: [{ Key: 'x', Value: 'y' }] })), {
    message: 'Invalid parameter: Tags Reason: Topic already exists with different tags',
  });
  await assert.rejects(sns.send(new ListTagsForResourceCommand({ ResourceArn: `${ResourceArn}-gone` })), {
    name: 'ResourceNotFoundException',
    message: 'Resource does not exist',
  });
});

test('permissions are statements of the policy', async () => {
  const TopicArn = await newTopic();
  const policy = async () =>
    JSON.parse((await sns.send(new GetTopicAttributesCommand({ TopicArn }))).Attributes!.Policy!).Statement;
  const add = (Label: string, ActionName: string[]) =>
    sns.send(new AddPermissionCommand({ TopicArn, Label, AWSAccountId: ['111111111111'], ActionName }));
  await add('friend', ['Publish']);
  assert.deepEqual((await policy())[1], {
    Sid: 'friend',
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::111111111111:root' },
    Action: 'SNS:Publish',
    Resource: TopicArn,
  });
  await assert.rejects(add('friend', ['Publish']), { message: 'Invalid parameter: Statement already exists' });
  await assert.rejects(add('other', ['Dance']), { message: /Policy statement action out of service scope!$/ });
  await sns.send(new RemovePermissionCommand({ TopicArn, Label: 'friend' }));
  assert.equal((await policy()).length, 1);
});
