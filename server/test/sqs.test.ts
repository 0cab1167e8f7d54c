// SQS standard queues through HTTP, with the official SDK: requests, answers and errors.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import {
  AddPermissionCommand,
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  RemovePermissionCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const sqs = new SQSClient(clientConfig(brume));
let made = 0;

async function newQueue(Attributes: Record<string, string> = {}, name = `queue-${++made}`): Promise<string> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  return QueueUrl!;
}

const arnOf = (url: string) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${url.split('/').at(-1)}`;
const send = (QueueUrl: string, MessageBody: string, more = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
const receive = async (QueueUrl: string, more = {}) =>
  (await sqs.send(new ReceiveMessageCommand({ QueueUrl, ...more }))).Messages ?? [];
const attributesOf = async (QueueUrl: string) =>
  (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes!;
const set = (QueueUrl: string, Attributes: Record<string, string>) =>
  sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));

test('a message is sent, received with all there is to it, and deleted', async () => {
  const url = await newQueue();
  assert.equal(url, `${brume.endpoint}/${ACCOUNT}/${url.split('/').at(-1)}`);
  const body = 'Grüße, 世界 🌫️ <&>"\'\r\n\t';
  const sent = await send(url, body, {
    MessageAttributes: {
      text: { DataType: 'String', StringValue: 'There' },
      number: { DataType: 'Number', StringValue: '1.5' },
      bytes: { DataType: 'Binary.raw', BinaryValue: Uint8Array.of(0, 255, 7) },
    },
    MessageSystemAttributes: {
      AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1-5759e988-bd862e3fe1be46a994272793' },
    },
    MessageGroupId: 'tenant-1',
  });
  assert.equal(sent.MD5OfMessageBody, createHash('md5').update(body).digest('hex'));
  assert.match(sent.MessageId!, /^[0-9a-f-]{36}$/);
  assert.match(sent.MD5OfMessageAttributes!, /^[0-9a-f]{32}$/);
  assert.match(sent.MD5OfMessageSystemAttributes!, /^[0-9a-f]{32}$/);

  const [message] = await receive(url, { MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
  assert.equal(message!.Body, body);
  assert.equal(message!.MessageId, sent.MessageId);
  assert.equal(message!.MD5OfBody, sent.MD5OfMessageBody);
  assert.equal(message!.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.deepEqual(message!.MessageAttributes!.bytes!.BinaryValue, Uint8Array.of(0, 255, 7));
  assert.deepEqual(message!.MessageAttributes!.text, { DataType: 'String', StringValue: 'There' });
  const system = message!.Attributes!;
  assert.equal(system.SenderId, ACCOUNT);
  assert.equal(system.ApproximateReceiveCount, '1');
  assert.equal(system.AWSTraceHeader, 'Root=1-5759e988-bd862e3fe1be46a994272793');
  assert.equal(system.MessageGroupId, 'tenant-1');
  assert.ok(Math.abs(Number(system.SentTimestamp) - Date.now()) < 60_000);
  assert.ok(Number(system.ApproximateFirstReceiveTimestamp) >= Number(system.SentTimestamp));

  assert.deepEqual(await receive(url), [], 'in flight');
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message!.ReceiptHandle }));
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message!.ReceiptHandle }));
  assert.equal((await attributesOf(url)).ApproximateNumberOfMessagesNotVisible, '0');
});

test('attributes are returned only when they are asked for', async () => {
  const url = await newQueue();
  await send(url, 'x', { MessageAttributes: { Hello: { DataType: 'String', StringValue: 'There' } } });
  const bare = await receive(url, { VisibilityTimeout: 0 });
  assert.deepEqual(Object.keys(bare[0]!).sort(), ['Body', 'MD5OfBody', 'MessageId', 'ReceiptHandle']);
  const [one] = await receive(url, {
    VisibilityTimeout: 0,
    AttributeNames: ['SenderId'],
    MessageAttributeNames: ['Hel.*'],
  });
  assert.deepEqual(Object.keys(one!.Attributes!), ['SenderId']);
  assert.deepEqual(Object.keys(one!.MessageAttributes!), ['Hello']);
  await assert.rejects(receive(url, { MessageSystemAttributeNames: ['Nope'] }), { message: 'Unknown Attribute Nope.' });
});

test('a new queue has the documented defaults', async () => {
  const url = await newQueue();
  const { CreatedTimestamp, LastModifiedTimestamp, ...rest } = await attributesOf(url);
  assert.ok(Math.abs(Number(CreatedTimestamp) - Date.now() / 1_000) < 60);
  assert.equal(LastModifiedTimestamp, CreatedTimestamp);
  assert.deepEqual(rest, {
    QueueArn: arnOf(url),
    ApproximateNumberOfMessages: '0',
    ApproximateNumberOfMessagesNotVisible: '0',
    ApproximateNumberOfMessagesDelayed: '0',
    VisibilityTimeout: '30',
    MaximumMessageSize: '1048576',
    MessageRetentionPeriod: '345600',
    DelaySeconds: '0',
    ReceiveMessageWaitTimeSeconds: '0',
    SqsManagedSseEnabled: 'true',
  });
  assert.equal((await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url }))).Attributes, undefined);
});

test('attributes are set, and empty ones removed', async () => {
  const url = await newQueue({ DelaySeconds: '5' });
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  await set(url, { VisibilityTimeout: '0', MessageRetentionPeriod: '60', Policy, KmsMasterKeyId: 'alias/mine' });
  const changed = await attributesOf(url);
  assert.equal(changed.VisibilityTimeout, '0');
  assert.equal(changed.DelaySeconds, '5');
  assert.equal(changed.Policy, Policy);
  assert.equal(changed.SqsManagedSseEnabled, 'false');
  assert.equal(changed.KmsDataKeyReusePeriodSeconds, '300');
  await set(url, { Policy: '', KmsMasterKeyId: '' });
  const removed = await attributesOf(url);
  assert.equal(removed.Policy, undefined);
  assert.equal(removed.KmsMasterKeyId, undefined);
});

const BAD_ATTRIBUTES: [Record<string, string>, string, RegExp][] = [
  [{ DelaySeconds: '901' }, 'InvalidAttributeValue', /^Invalid value for the parameter DelaySeconds\.$/],
  [{ DelaySeconds: '-1' }, 'InvalidAttributeValue', /DelaySeconds/],
  [{ MaximumMessageSize: '1023' }, 'InvalidAttributeValue', /MaximumMessageSize/],
  [{ MaximumMessageSize: '1048577' }, 'InvalidAttributeValue', /MaximumMessageSize/],
  [{ MessageRetentionPeriod: '59' }, 'InvalidAttributeValue', /MessageRetentionPeriod/],
  [{ MessageRetentionPeriod: '1209601' }, 'InvalidAttributeValue', /MessageRetentionPeriod/],
  [{ ReceiveMessageWaitTimeSeconds: '21' }, 'InvalidAttributeValue', /ReceiveMessageWaitTimeSeconds/],
  [{ VisibilityTimeout: '43201' }, 'InvalidAttributeValue', /VisibilityTimeout/],
  [{ VisibilityTimeout: 'soon' }, 'InvalidAttributeValue', /VisibilityTimeout/],
  [{ SqsManagedSseEnabled: 'maybe' }, 'InvalidAttributeValue', /SqsManagedSseEnabled/],
  [{ Policy: '{' }, 'InvalidAttributeValue', /Policy/],
  [{ Colour: 'grey' }, 'InvalidAttributeName', /^Unknown Attribute Colour\.$/],
  [{ __proto__x: '1' }, 'InvalidAttributeName', /Unknown Attribute/],
  [{ FifoQueue: 'false' }, 'InvalidAttributeName', /^Unknown Attribute FifoQueue\.$/],
  [{ KmsMasterKeyId: 'k', SqsManagedSseEnabled: 'true' }, 'InvalidAttributeName', /one type of server-side encryption/],
  [{ RedrivePolicy: '[]' }, 'InvalidParameterValue', /Redrive policy is not a valid JSON map\.$/],
  [{ RedrivePolicy: '{"maxReceiveCount":1}' }, 'InvalidParameterValue', /mandatory attribute: deadLetterTargetArn\.$/],
  [
    { RedrivePolicy: '{"deadLetterTargetArn":"x"}' },
    'InvalidParameterValue',
    /mandatory attribute: maxReceiveCount\.$/,
  ],
  [
    { RedrivePolicy: '{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}' },
    'InvalidParameterValue',
    /^Value {"deadLetterTargetArn": "dummy", "maxReceiveCount": 42} for parameter RedrivePolicy is invalid\. Reason: Invalid value for deadLetterTargetArn\.$/,
  ],
  [
    { RedrivePolicy: `{"deadLetterTargetArn":"arn:aws:sqs:${REGION}:${ACCOUNT}:gone","maxReceiveCount":"1001"}` },
    'InvalidParameterValue',
    /Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive\.$/,
  ],
  [
    { RedrivePolicy: `{"deadLetterTargetArn":"arn:aws:sqs:${REGION}:${ACCOUNT}:gone","maxReceiveCount":1}` },
    'InvalidParameterValue',
    /Dead letter target does not exist\.$/,
  ],
  [{ RedriveAllowPolicy: '{"redrivePermission":"some"}' }, 'InvalidParameterValue', /redrivePermission/],
  [{ RedriveAllowPolicy: '{"redrivePermission":"byQueue"}' }, 'InvalidParameterValue', /sourceQueueArns/],
];

for (const [attributes, code, message] of BAD_ATTRIBUTES) {
  test(`SetQueueAttributes and CreateQueue refuse ${JSON.stringify(attributes)}`, async () => {
    const url = await newQueue();
    await assert.rejects(set(url, attributes), { name: code, message });
    await assert.rejects(newQueue(attributes), { name: code, message });
  });
}

const BAD_NAMES = ['', 'a.b', 'a b', 'a/b', 'ä', 'x'.repeat(81)];

for (const name of BAD_NAMES) {
  test(`CreateQueue refuses the name ${JSON.stringify(name)}`, async () => {
    await assert.rejects(newQueue({}, name), {
      name: 'InvalidParameterValue',
      message: 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
    });
  });
}

test('CreateQueue again gives the same queue, unless an attribute differs', async () => {
  const url = await newQueue({ DelaySeconds: '7' }, 'again');
  assert.equal(await newQueue({}, 'again'), url);
  assert.equal(await newQueue({ DelaySeconds: '7', VisibilityTimeout: '30' }, 'again'), url);
  await assert.rejects(newQueue({ DelaySeconds: '8' }, 'again'), {
    name: 'QueueNameExists',
    Code: 'QueueAlreadyExists',
    message: 'A queue already exists with the same name and a different value for attribute DelaySeconds',
  });
});

test('a deleted queue is gone, and a new one under its name is empty', async () => {
  const url = await newQueue({}, 'phoenix');
  await send(url, 'x');
  await sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
  const gone = {
    name: 'QueueDoesNotExist',
    Code: 'AWS.SimpleQueueService.NonExistentQueue',
    message: 'The specified queue does not exist.',
  };
  await assert.rejects(send(url, 'x'), gone);
  await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: 'phoenix' })), gone);
  await newQueue({}, 'phoenix');
  assert.deepEqual(await receive(url), []);
});

test('a queue is found by any URL that ends in account and name', async () => {
  const url = await newQueue({}, 'somewhere');
  await send(url, 'x');
  const client = new SQSClient({ ...clientConfig(brume), useQueueUrlAsEndpoint: false });
  for (const QueueUrl of [
    `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/somewhere`,
    `https://${REGION}.queue.amazonaws.com/${ACCOUNT}/somewhere`,
    `http://brume:4566/${ACCOUNT}/somewhere`,
  ]) {
    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 }));
    assert.equal(Messages?.length, 1, QueueUrl);
  }
  await assert.rejects(client.send(new ReceiveMessageCommand({ QueueUrl: 'somewhere' })), {
    name: 'InvalidAddress',
    message: 'The address somewhere is not valid for this endpoint.',
  });
  const { QueueUrl } = await sqs.send(
    new GetQueueUrlCommand({ QueueName: 'somewhere', QueueOwnerAWSAccountId: ACCOUNT }),
  );
  assert.equal(QueueUrl, url);
});

test('accounts and regions keep their queues to themselves', async () => {
  await newQueue({}, 'mine');
  for (const other of [
    { ...clientConfig(brume), region: 'eu-west-1' },
    { ...clientConfig(brume), credentials: { accessKeyId: '111111111111', secretAccessKey: 'x' } },
  ]) {
    const client = new SQSClient(other);
    await assert.rejects(client.send(new GetQueueUrlCommand({ QueueName: 'mine' })), { name: 'QueueDoesNotExist' });
    assert.equal((await client.send(new ListQueuesCommand({}))).QueueUrls, undefined);
  }
});

test('ListQueues pages, and filters by prefix', async () => {
  for (const name of ['list-a', 'list-b', 'list-c', 'other-list']) await newQueue({}, name);
  const pages: string[][] = [];
  let NextToken: string | undefined;
  do {
    const page = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'list-', MaxResults: 2, NextToken }));
    pages.push((page.QueueUrls ?? []).map((url) => url.split('/').at(-1)!));
    NextToken = page.NextToken;
  } while (NextToken);
  assert.deepEqual(pages, [['list-a', 'list-b'], ['list-c']]);
  await assert.rejects(sqs.send(new ListQueuesCommand({ MaxResults: 1_001 })), { name: 'InvalidParameterValue' });
});

const BAD_MESSAGES: [string, Record<string, unknown>, string, RegExp][] = [
  ['an empty body', { MessageBody: '' }, 'MissingParameter', /MessageBody/],
  [
    'a control character',
    { MessageBody: 'a\u0000' },
    'InvalidMessageContents',
    /^Invalid binary character '#x0' was found in the message body, the set of allowed characters is #x9 \| #xA/,
  ],
  ['a non-character', { MessageBody: '\uffff' }, 'InvalidMessageContents', /'#xFFFF'/],
  [
    'a delay of 901',
    { MessageBody: 'x', DelaySeconds: 901 },
    'InvalidParameterValue',
    /^Value 901 for parameter DelaySeconds is invalid\. Reason: DelaySeconds must be >= 0 and <= 900\.$/,
  ],
  ['a negative delay', { MessageBody: 'x', DelaySeconds: -1 }, 'InvalidParameterValue', /Value -1/],
  [
    'a deduplication id',
    { MessageBody: 'x', MessageDeduplicationId: 'd' },
    'InvalidParameterValue',
    /not valid for this queue type/,
  ],
  ['a bad group id', { MessageBody: 'x', MessageGroupId: 'a b' }, 'InvalidParameterValue', /MessageGroupId/],
  [
    'more than 1 MiB',
    { MessageBody: 'x'.repeat(1_048_577) },
    'InvalidParameterValue',
    /^One or more parameters are invalid\. Reason: Message must be shorter than 1048576 bytes\.$/,
  ],
  [
    'an empty attribute',
    { MessageBody: 'x', MessageAttributes: { ErrorDetails: { DataType: 'String', StringValue: '' } } },
    'InvalidParameterValue',
    /^Message \(user\) attribute 'ErrorDetails' must contain a non-empty value of type 'String'\.$/,
  ],
  [
    'a foreign system attribute',
    { MessageBody: 'x', MessageSystemAttributes: { Other: { DataType: 'String', StringValue: 'y' } } },
    'InvalidParameterValue',
    /Other/,
  ],
];

for (const [name, message, code, text] of BAD_MESSAGES) {
  test(`SendMessage refuses ${name}`, async () => {
    const url = await newQueue();
    await assert.rejects(send(url, '', message), { name: code, message: text });
    assert.equal((await attributesOf(url)).ApproximateNumberOfMessages, '0');
  });
}

test('the queue limits the size of body and attributes together', async () => {
  const url = await newQueue({ MaximumMessageSize: '1024' });
  const attribute = { a: { DataType: 'String', StringValue: 'x'.repeat(17) } };
  await send(url, 'x'.repeat(1_000), { MessageAttributes: attribute });
  await assert.rejects(send(url, 'x'.repeat(1_001), { MessageAttributes: attribute }), {
    message: /shorter than 1024 bytes/,
  });
  await assert.rejects(send(url, 'ü'.repeat(513)), { message: /shorter than 1024 bytes/ });
});

const BAD_RECEIVES: [Record<string, unknown>, RegExp][] = [
  [
    { MaxNumberOfMessages: 0 },
    /^Value 0 for parameter MaxNumberOfMessages is invalid\. Reason: Must be between 1 and 10, if provided\.$/,
  ],
  [{ MaxNumberOfMessages: 11 }, /^Value 11/],
  [{ MaxNumberOfMessages: 2.5 }, /^Value 2.5/],
  [
    { VisibilityTimeout: -1 },
    /^Value -1 for parameter VisibilityTimeout is invalid\. Reason: Must be >= 0 and <= 43200, if provided\.$/,
  ],
  [{ VisibilityTimeout: 43_201 }, /^Value 43201/],
  [
    { WaitTimeSeconds: 21 },
    /^Value 21 for parameter WaitTimeSeconds is invalid\. Reason: Must be >= 0 and <= 20, if provided\.$/,
  ],
];

for (const [parameters, message] of BAD_RECEIVES) {
  test(`ReceiveMessage refuses ${JSON.stringify(parameters)}`, async () => {
    const url = await newQueue();
    await assert.rejects(receive(url, parameters), { name: 'InvalidParameterValue', message });
  });
}

test('a batch is sent, changed and deleted, and each entry fails for itself', async () => {
  const url = await newQueue({ VisibilityTimeout: '600' });
  const sent = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: url,
      Entries: [
        { Id: 'a', MessageBody: 'one' },
        { Id: 'b', MessageBody: 'bad\u0001' },
        { Id: 'c', MessageBody: 'late', DelaySeconds: 900 },
        { Id: 'd', MessageBody: 'two' },
        { Id: 'e', MessageBody: 'x', DelaySeconds: 901 },
      ],
    }),
  );
  assert.deepEqual(
    sent.Successful!.map(({ Id }) => Id),
    ['a', 'c', 'd'],
  );
  assert.deepEqual(
    sent.Failed!.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
    [
      ['b', 'InvalidMessageContents', true],
      ['e', 'InvalidParameterValue', true],
    ],
  );
  assert.equal((await attributesOf(url)).ApproximateNumberOfMessagesDelayed, '1');

  const messages = await receive(url, { MaxNumberOfMessages: 10 });
  assert.deepEqual(
    messages.map(({ Body }) => Body),
    ['one', 'two'],
  );
  const [one, two] = messages;
  const changed = await sqs.send(
    new ChangeMessageVisibilityBatchCommand({
      QueueUrl: url,
      Entries: [
        { Id: 'a', ReceiptHandle: one!.ReceiptHandle, VisibilityTimeout: 0 },
        { Id: 'b', ReceiptHandle: 'nonsense', VisibilityTimeout: 0 },
        { Id: 'c', ReceiptHandle: two!.ReceiptHandle, VisibilityTimeout: 43_201 },
      ],
    }),
  );
  assert.deepEqual(changed.Successful, [{ Id: 'a' }]);
  assert.deepEqual(
    changed.Failed!.map(({ Id, Code }) => [Id, Code]),
    [
      ['b', 'ReceiptHandleIsInvalid'],
      ['c', 'InvalidParameterValue'],
    ],
  );
  assert.deepEqual(
    (await receive(url)).map(({ Body }) => Body),
    ['one'],
    'visible at once',
  );

  const deleted = await sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: url,
      Entries: [
        { Id: '1', ReceiptHandle: two!.ReceiptHandle },
        { Id: '2', ReceiptHandle: 'nonsense' },
      ],
    }),
  );
  assert.deepEqual(deleted.Successful, [{ Id: '1' }]);
  assert.equal(deleted.Failed![0]!.Code, 'ReceiptHandleIsInvalid');
});

const entry = (Id: string, MessageBody = 'x') => ({ Id, MessageBody });
const BAD_BATCHES: [string, { Id: string; MessageBody: string }[], string, RegExp][] = [
  [
    'no entries',
    [],
    'EmptyBatchRequest',
    /^There should be at least one SendMessageBatchRequestEntry in the request\.$/,
  ],
  [
    'eleven entries',
    [...'abcdefghijk'].map((id) => entry(id)),
    'TooManyEntriesInBatchRequest',
    /^Maximum number of entries per request are 10\. You have sent 11\.$/,
  ],
  ['the same id twice', [entry('a'), entry('a')], 'BatchEntryIdsNotDistinct', /^Id a repeated\.$/],
  ['a bad id', [entry('a:b')], 'InvalidBatchEntryId', /at most 80 letters long\.$/],
  ['a long id', [entry('a'.repeat(81))], 'InvalidBatchEntryId', /80/],
  [
    'more than 1 MiB in all',
    [entry('a', 'x'.repeat(600_000)), entry('b', 'x'.repeat(448_577))],
    'BatchRequestTooLong',
    /^Batch requests cannot be longer than 1048576 bytes\. You have sent 1048577 bytes\.$/,
  ],
];

for (const [name, Entries, code, message] of BAD_BATCHES) {
  test(`SendMessageBatch refuses ${name}`, async () => {
    const url = await newQueue();
    await assert.rejects(sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries })), {
      name: code,
      Code: `AWS.SimpleQueueService.${code}`,
      message,
    });
    assert.equal((await attributesOf(url)).ApproximateNumberOfMessages, '0');
  });
}

test('a stale receipt handle deletes nothing and changes nothing', async () => {
  const url = await newQueue();
  await send(url, 'x');
  const [first] = await receive(url, { VisibilityTimeout: 0 });
  const [second] = await receive(url, {
    VisibilityTimeout: 600,
    MessageSystemAttributeNames: ['ApproximateReceiveCount'],
  });
  assert.equal(second!.Attributes!.ApproximateReceiveCount, '2');
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first!.ReceiptHandle }));
  assert.equal((await attributesOf(url)).ApproximateNumberOfMessagesNotVisible, '1');
  const unavailable = {
    name: 'InvalidParameterValue',
    message: /Reason: Message does not exist or is not available for visibility timeout change\.$/,
  };
  const change = (ReceiptHandle: string | undefined) =>
    sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout: 0 }));
  await assert.rejects(change(first!.ReceiptHandle), unavailable);
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: second!.ReceiptHandle }));
  await assert.rejects(change(second!.ReceiptHandle), unavailable);
  await assert.rejects(sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: 'mine' })), {
    name: 'ReceiptHandleIsInvalid',
    message: 'The input receipt handle "mine" is not a valid receipt handle.',
  });
});

test('a handle of one queue is none of another', async () => {
  const [url, other] = [await newQueue(), await newQueue()];
  await send(url, 'x');
  const [message] = await receive(url);
  await assert.rejects(sqs.send(new DeleteMessageCommand({ QueueUrl: other, ReceiptHandle: message!.ReceiptHandle })), {
    name: 'ReceiptHandleIsInvalid',
  });
});

test('what is received too often goes to the dead-letter queue', async () => {
  const deadLetter = await newQueue();
  const url = await newQueue({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(deadLetter), maxReceiveCount: 2 }),
  });
  const { MessageId } = await send(url, 'poison', {
    MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } },
  });
  const sentAt = (await receive(url, { VisibilityTimeout: 0, MessageSystemAttributeNames: ['SentTimestamp'] }))[0]!
    .Attributes!;
  assert.equal((await receive(url, { VisibilityTimeout: 0 })).length, 1);
  assert.deepEqual(await receive(url), [], 'moved instead of a third receive');
  const [message] = await receive(deadLetter, { MessageSystemAttributeNames: ['All'], MessageAttributeNames: ['All'] });
  assert.equal(message!.MessageId, MessageId);
  assert.equal(message!.MessageAttributes!.a!.StringValue, 'b');
  assert.equal(message!.Attributes!.DeadLetterQueueSourceArn, arnOf(url));
  assert.equal(message!.Attributes!.SentTimestamp, sentAt.SentTimestamp);
  assert.equal(message!.Attributes!.ApproximateReceiveCount, '3');
  const sources = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: deadLetter }));
  assert.deepEqual(sources.queueUrls, [url]);
});

test('a dead-letter queue chooses its sources', async () => {
  const deadLetter = await newQueue({ RedriveAllowPolicy: JSON.stringify({ redrivePermission: 'denyAll' }) });
  const url = await newQueue();
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(deadLetter), maxReceiveCount: 1 });
  await assert.rejects(set(url, { RedrivePolicy }), { name: 'InvalidParameterValue', message: /permission/ });
  await set(deadLetter, {
    RedriveAllowPolicy: JSON.stringify({ redrivePermission: 'byQueue', sourceQueueArns: [arnOf(url)] }),
  });
  await set(url, { RedrivePolicy });
});

test('PurgeQueue empties, once a minute', async () => {
  const url = await newQueue({}, 'purged');
  await send(url, 'a');
  await send(url, 'b', { DelaySeconds: 900 });
  await receive(url);
  await sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
  const counts = await attributesOf(url);
  assert.equal(counts.ApproximateNumberOfMessagesNotVisible, '0');
  assert.equal(counts.ApproximateNumberOfMessagesDelayed, '0');
  await assert.rejects(sqs.send(new PurgeQueueCommand({ QueueUrl: url })), {
    name: 'PurgeQueueInProgress',
    message: 'Only one PurgeQueue operation on purged is allowed every 60 seconds.',
  });
  await send(url, 'c');
  assert.equal((await receive(url)).length, 1);
});

test('tags', async () => {
  const { QueueUrl: url } = await sqs.send(new CreateQueueCommand({ QueueName: 'tagged', tags: { a: '1' } }));
  const tags = async () => (await sqs.send(new ListQueueTagsCommand({ QueueUrl: url }))).Tags;
  await sqs.send(new TagQueueCommand({ QueueUrl: url, Tags: { b: '2', a: '3', c: '' } }));
  assert.deepEqual(await tags(), { a: '3', b: '2', c: '' });
  await sqs.send(new UntagQueueCommand({ QueueUrl: url, TagKeys: ['a', 'c', 'never'] }));
  assert.deepEqual(await tags(), { b: '2' });
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 'v']));
  await assert.rejects(sqs.send(new TagQueueCommand({ QueueUrl: url, Tags: many })), { name: 'InvalidParameterValue' });
});

test('permissions are statements of the policy', async () => {
  const url = await newQueue();
  const add = (Label: string, AWSAccountIds: string[], Actions: string[]) =>
    sqs.send(new AddPermissionCommand({ QueueUrl: url, Label, AWSAccountIds, Actions }));
  await add('one', ['111111111111'], ['SendMessage']);
  await add('two', ['111111111111', '222222222222'], ['ReceiveMessage', 'DeleteMessage']);
  const statement = {
    Sid: 'one',
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::111111111111:root' },
    Action: 'SQS:SendMessage',
    Resource: arnOf(url),
  };
  assert.deepEqual(JSON.parse((await attributesOf(url)).Policy!), {
    Version: '2008-10-17',
    Id: `${arnOf(url)}/SQSDefaultPolicy`,
    Statement: [
      statement,
      {
        ...statement,
        Sid: 'two',
        Principal: { AWS: ['arn:aws:iam::111111111111:root', 'arn:aws:iam::222222222222:root'] },
        Action: ['SQS:ReceiveMessage', 'SQS:DeleteMessage'],
      },
    ],
  });
  await assert.rejects(add('one', ['111111111111'], ['SendMessage']), {
    message: 'Value one for parameter Label is invalid. Reason: Already exists.',
  });
  await assert.rejects(add('three', ['111111111111'], ['DeleteQueue']), { message: /Only the queue owner/ });
  await assert.rejects(add('three', ['111111111111'], ['Dance']), { message: /appropriate WSDL/ });
  await assert.rejects(add('three', ['bob'], ['SendMessage']), { message: /Unable to verify/ });
  const remove = (Label: string) => sqs.send(new RemovePermissionCommand({ QueueUrl: url, Label }));
  await remove('one');
  await assert.rejects(remove('one'), {
    message: "Value one for parameter Label is invalid. Reason: can't find label.",
  });
  await remove('two');
  assert.equal((await attributesOf(url)).Policy, undefined);
});

test('a long poll is woken by a message, and ends empty without one', async () => {
  const url = await newQueue({ ReceiveMessageWaitTimeSeconds: '20' });
  const waiting = [receive(url), receive(url), receive(url)];
  await new Promise((resolve) => setTimeout(resolve, 50));
  await sqs.send(
    new SendMessageBatchCommand({ QueueUrl: url, Entries: [entry('a', '1'), entry('b', '2'), entry('c', '3')] }),
  );
  const got = (await Promise.all(waiting)).map(([message]) => message?.Body);
  assert.deepEqual(got.sort(), ['1', '2', '3']);
  assert.deepEqual(await receive(url, { WaitTimeSeconds: 1 }), []);
});

test('a long poll that its client gave up takes no message', async () => {
  const url = await newQueue();
  const gone = new AbortController();
  const waiting = sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }), {
    abortSignal: gone.signal,
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  gone.abort();
  await assert.rejects(waiting);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await send(url, 'x');
  assert.equal((await receive(url)).length, 1);
});

test('a queue deleted under a long poll ends it', async () => {
  const url = await newQueue();
  const waiting = receive(url, { WaitTimeSeconds: 20 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await Promise.all([
    assert.rejects(waiting, { name: 'QueueDoesNotExist' }),
    sqs.send(new DeleteQueueCommand({ QueueUrl: url })),
  ]);
});
