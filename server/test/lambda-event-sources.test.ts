// Event source mappings on a whole server: SQS to Lambda with the official clients.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CreateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  ListEventSourceMappingsCommand,
  ListTagsCommand,
  PutFunctionConcurrencyCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { ACCOUNT, advance, clientConfig, REGION, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';
import { arnOf, testLambda } from './lambda-functions.ts';

const brume = await startBrume({ clock: 'virtual' });
const lambda = testLambda(brume);
const { client } = lambda;
const sqs = new SQSClient(clientConfig(brume));
const cloudwatch = new CloudWatchClient(clientConfig(brume));

let names = 0;
const newName = () => `n${names++}`;

interface TestQueue {
  url: string;
  arn: string;
  name: string;
}

async function newQueue(Attributes: Record<string, string> = {}, name = newName()): Promise<TestQueue> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  return { url: QueueUrl!, arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`, name };
}

/** A function that tells a second queue what it gets, and then does what `code` says; `report` is there for it. */
async function newFunction(code: string, out: TestQueue, more = {}): Promise<string> {
  const name = newName();
  const handler = `async (event, context) => {
    const report = async (value) => {
      const response = await fetch(process.env.AWS_ENDPOINT_URL, {
        method: 'POST',
        headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' },
        body: JSON.stringify({ QueueUrl: ${JSON.stringify(out.url)}, MessageBody: JSON.stringify(value) }),
      });
      if (!response.ok) throw new Error(await response.text());
    };
    const bodies = event.Records.map((record) => record.body);
    ${code}
  }`;
  await lambda.create(name, handler, more);
  return name;
}

async function map(queue: TestQueue, FunctionName: string, more: Partial<CreateEventSourceMappingCommandInput> = {}) {
  const { UUID } = await client.send(
    new CreateEventSourceMappingCommand({ EventSourceArn: queue.arn, FunctionName, ...more }),
  );
  return UUID!;
}

async function stateOf(UUID: string): Promise<string> {
  try {
    return (await client.send(new GetEventSourceMappingCommand({ UUID }))).State!;
  } catch (error) {
    return (error as Error).name;
  }
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(25);
  }
  throw new Error(`never came: ${what}`);
}

const untilState = (UUID: string, state: string) => until(state, async () => (await stateOf(UUID)) === state);

const send = (queue: TestQueue, ...bodies: string[]) =>
  sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queue.url,
      Entries: bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody })),
    }),
  );

/** What functions have told a queue, taken out of it. */
async function reports(out: TestQueue): Promise<any[]> {
  const found: unknown[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: out.url, MaxNumberOfMessages: 10, VisibilityTimeout: 43_200 }),
    );
    if (Messages.length === 0) return found;
    found.push(...Messages.map(({ Body }) => JSON.parse(Body!)));
  }
}

async function untilReports(out: TestQueue, count: number): Promise<any[]> {
  const found: unknown[] = [];
  await until(`${count} reports`, async () => {
    found.push(...(await reports(out)));
    return found.length >= count;
  });
  return found;
}

async function counts({ url }: TestQueue) {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: url,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return [
    Number(Attributes!.ApproximateNumberOfMessages),
    Number(Attributes!.ApproximateNumberOfMessagesNotVisible),
  ] as const;
}

const untilCounts = (queue: TestQueue, visible: number, hidden: number) =>
  until(`${visible} visible and ${hidden} in flight`, async () => {
    const [isVisible, isHidden] = await counts(queue);
    return isVisible === visible && isHidden === hidden;
  });

describe('a queue feeds a function', () => {
  test('the event is as AWS sends it', async () => {
    const [queue, out] = [await newQueue(), await newQueue()];
    await map(queue, await newFunction('await report(event);', out));
    const sent = await sqs.send(
      new SendMessageCommand({
        QueueUrl: queue.url,
        MessageBody: 'hello "you"',
        MessageGroupId: 'tenant',
        MessageAttributes: {
          text: { DataType: 'String', StringValue: 'value' },
          bytes: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255]) },
        },
      }),
    );
    const [event] = await untilReports(out, 1);
    const [record] = event.Records;
    assert.match(record.receiptHandle, /^AQEB/);
    assert.match(record.attributes.SentTimestamp, /^\d{13}$/);
    assert.match(record.attributes.ApproximateFirstReceiveTimestamp, /^\d{13}$/);
    const { SentTimestamp, ApproximateFirstReceiveTimestamp, AWSTraceHeader, ...attributes } = record.attributes;
    assert.deepEqual(
      { ...record, receiptHandle: '', attributes },
      {
        messageId: sent.MessageId,
        receiptHandle: '',
        body: 'hello "you"',
        attributes: { ApproximateReceiveCount: '1', SenderId: ACCOUNT, MessageGroupId: 'tenant' },
        messageAttributes: {
          text: { stringValue: 'value', stringListValues: [], binaryListValues: [], dataType: 'String' },
          bytes: { binaryValue: 'AP8=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
        },
        md5OfMessageAttributes: sent.MD5OfMessageAttributes,
        md5OfBody: sent.MD5OfMessageBody,
        eventSource: 'aws:sqs',
        eventSourceARN: queue.arn,
        awsRegion: REGION,
      },
    );
    await untilCounts(queue, 0, 0);
  });

  for (const window of [0, 5]) {
    test(`no attributes, with a window of ${window} seconds`, async () => {
      const [queue, out] = [await newQueue(), await newQueue()];
      await map(queue, await newFunction('await report(event.Records[0]);', out), {
        BatchSize: 1,
        MaximumBatchingWindowInSeconds: window,
      });
      await send(queue, 'bare');
      const [{ messageAttributes, md5OfMessageAttributes }] = await untilReports(out, 1);
      assert.deepEqual([messageAttributes, md5OfMessageAttributes], [{}, window === 0 ? undefined : null]);
    });
  }

  test('many messages, each once, no batch larger than asked', async () => {
    const [queue, out] = [await newQueue(), await newQueue()];
    await map(queue, await newFunction('await report(bodies);', out), { BatchSize: 4 });
    const wanted = Array.from({ length: 60 }, (_, index) => String(index));
    for (let at = 0; at < 60; at += 10) await send(queue, ...wanted.slice(at, at + 10));
    await untilCounts(queue, 0, 0);
    const batches: string[][] = await reports(out);
    assert.deepEqual(
      batches.flat().toSorted((a, b) => Number(a) - Number(b)),
      wanted,
    );
    assert.ok(Math.max(...batches.map(({ length }) => length)) <= 4);
  });

  test('a window gathers a batch by the clock; a full batch goes before it is over', async () => {
    const [queue, out] = [await newQueue({ VisibilityTimeout: '300' }), await newQueue()];
    await map(queue, await newFunction('await report(bodies);', out), {
      BatchSize: 25,
      MaximumBatchingWindowInSeconds: 60,
    });
    await send(queue, 'a', 'b');
    await untilCounts(queue, 0, 2);
    await advance(brume, 40_000);
    await send(queue, 'c');
    await untilCounts(queue, 0, 3);
    await advance(brume, 19_000);
    assert.deepEqual(await reports(out), []);
    await advance(brume, 1_000);
    assert.deepEqual(await untilReports(out, 1), [['a', 'b', 'c']]);
    await untilCounts(queue, 0, 0);

    const letters = Array.from({ length: 25 }, (_, index) => `m${index}`);
    for (let at = 0; at < 25; at += 10) await send(queue, ...letters.slice(at, at + 10));
    const [full] = await untilReports(out, 1);
    assert.deepEqual(full.toSorted(), letters.toSorted());
  });
});

describe('what fails comes back', () => {
  test('a failed batch after the visibility time-out, and then to the dead-letter queue', async () => {
    const [dead, out] = [await newQueue(), await newQueue()];
    const queue = await newQueue({
      VisibilityTimeout: '40',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 }),
    });
    const id = await map(
      queue,
      await newFunction(
        'await report(event.Records.map(({ attributes }) => attributes.ApproximateReceiveCount)); throw new Error("no");',
        out,
      ),
    );
    await send(queue, 'poison');
    assert.deepEqual(await untilReports(out, 1), [['1']]);
    await until('the result', async () => {
      const { LastProcessingResult } = await client.send(new GetEventSourceMappingCommand({ UUID: id }));
      return LastProcessingResult === 'PROBLEM: Function call failed';
    });
    await advance(brume, 39_000);
    assert.deepEqual(await reports(out), []);
    await advance(brume, 2_000);
    assert.deepEqual(await untilReports(out, 1), [['2']]);
    await advance(brume, 41_000);
    await untilCounts(dead, 1, 0);
    assert.deepEqual([await counts(queue), await reports(out)], [[0, 0], []]);
  });

  test('of a batch, only what the function names', async () => {
    const [queue, out] = [await newQueue({ VisibilityTimeout: '30' }), await newQueue()];
    await map(
      queue,
      await newFunction(
        `await report(bodies);
         return { batchItemFailures: event.Records.filter(({ body, attributes }) => body === 'bad' && attributes.ApproximateReceiveCount === '1').map(({ messageId }) => ({ itemIdentifier: messageId })) };`,
        out,
      ),
      { FunctionResponseTypes: ['ReportBatchItemFailures'] },
    );
    await send(queue, 'good', 'bad', 'fine');
    await untilCounts(queue, 0, 1);
    assert.deepEqual((await untilReports(out, 1)).flat().toSorted(), ['bad', 'fine', 'good']);
    await advance(brume, 31_000);
    assert.deepEqual(await untilReports(out, 1), [['bad']]);
    await untilCounts(queue, 0, 0);
  });

  test('the whole batch when it names nobody that it got', async () => {
    const [queue, out] = [await newQueue(), await newQueue()];
    await map(
      queue,
      await newFunction('await report(bodies); return { batchItemFailures: [{ itemIdentifier: "nobody" }] };', out),
      { FunctionResponseTypes: ['ReportBatchItemFailures'] },
    );
    await send(queue, 'a', 'b');
    await untilReports(out, 1);
    await untilCounts(queue, 0, 2);
  });

  test('a throttled batch is tried again while it is hidden, then comes back', async () => {
    const [queue, out] = [await newQueue({ VisibilityTimeout: '30' }), await newQueue()];
    const name = await newFunction('await report(event.Records[0].attributes.ApproximateReceiveCount);', out);
    const throttle = (ReservedConcurrentExecutions: number) =>
      client.send(new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions }));
    await throttle(0);
    await map(queue, name);
    await send(queue, 'a');
    await untilCounts(queue, 0, 1);
    await advance(brume, 5_000);
    assert.deepEqual(await reports(out), []);
    await throttle(10);
    await advance(brume, 20_000);
    assert.deepEqual(await untilReports(out, 1), ['1']);

    await throttle(0);
    await send(queue, 'b');
    await untilCounts(queue, 0, 1);
    await advance(brume, 35_000);
    await throttle(10);
    await advance(brume, 60_000);
    assert.ok(Number((await untilReports(out, 1))[0]) > 1);
    await untilCounts(queue, 0, 0);
  });
});

test('filtered-out messages are deleted, and counted', async () => {
  const [queue, out] = [await newQueue(), await newQueue()];
  const id = await map(queue, await newFunction('await report(bodies);', out), {
    FilterCriteria: { Filters: [{ Pattern: '{"body":{"kind":["order"]}}' }] },
    MetricsConfig: { Metrics: ['EventCount'] },
  });
  await send(queue, '{"kind":"order","n":1}', '{"kind":"other"}', 'plain', '{"kind":"order","n":2}');
  await untilCounts(queue, 0, 0);
  assert.deepEqual((await reports(out)).flat().toSorted(), ['{"kind":"order","n":1}', '{"kind":"order","n":2}']);
  await advance(brume, 120_000);
  const { now } = (await (await fetch(`${brume.endpoint}/_brume/clock`)).json()) as { now: string };
  const sum = async (MetricName: string) => {
    const { Datapoints = [] } = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: 'AWS/Lambda',
        MetricName,
        Dimensions: [{ Name: 'EventSourceMappingUUID', Value: id }],
        StartTime: new Date(Date.parse(now) - 3_600_000),
        EndTime: new Date(Date.parse(now) + 60_000),
        Period: 3_600 * 24,
        Statistics: ['Sum'],
      }),
    );
    return Datapoints[0]?.Sum;
  };
  assert.deepEqual(
    {
      polled: await sum('PolledEventCount'),
      out: await sum('FilteredOutEventCount'),
      invoked: await sum('InvokedEventCount'),
      deleted: await sum('DeletedEventCount'),
      failed: await sum('FailedInvokeEventCount'),
    },
    { polled: 4, out: 2, invoked: 2, deleted: 2, failed: undefined },
  );
});

test('never more batches at once than the maximum concurrency', async () => {
  const [queue, out] = [await newQueue(), await newQueue()];
  const name = await newFunction(
    `const start = Date.now(); await new Promise((resolve) => setTimeout(resolve, 60)); await report([start, Date.now()]);`,
    out,
  );
  await map(queue, name, { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } });
  for (let at = 0; at < 3; at++) await send(queue, ...Array.from({ length: 10 }, (_, index) => `${at}-${index}`));
  const spans: [number, number][] = await untilReports(out, 30);
  await untilCounts(queue, 0, 0);
  const most = Math.max(...spans.map(([at]) => spans.filter(([from, to]) => from <= at && at < to).length));
  assert.equal(most, 2);
});

test('provisioned mode: its pollers are shown, counted, changed and taken away', async () => {
  const [queue, out] = [await newQueue(), await newQueue()];
  const id = await map(queue, await newFunction('await report(bodies);', out), {
    ProvisionedPollerConfig: { MinimumPollers: 3 },
  });
  const shown = async () => {
    await untilState(id, 'Enabled');
    const { ProvisionedPollerConfig } = await client.send(new GetEventSourceMappingCommand({ UUID: id }));
    return ProvisionedPollerConfig;
  };
  assert.deepEqual(await shown(), { MinimumPollers: 3, MaximumPollers: 200 });
  await send(queue, 'a', 'b');
  assert.deepEqual((await untilReports(out, 1)).flat().toSorted(), ['a', 'b']);
  await advance(brume, 120_000);
  const { now } = (await (await fetch(`${brume.endpoint}/_brume/clock`)).json()) as { now: string };
  const { Datapoints = [] } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'AWS/Lambda',
      MetricName: 'ProvisionedPollers',
      Dimensions: [{ Name: 'EventSourceMappingUUID', Value: id }],
      StartTime: new Date(Date.parse(now) - 600_000),
      EndTime: new Date(Date.parse(now)),
      Period: 86_400,
      Statistics: ['Maximum'],
    }),
  );
  assert.equal(Datapoints[0]?.Maximum, 3);
  const update = (more: object) => client.send(new UpdateEventSourceMappingCommand({ UUID: id, ...more }));
  await update({ ProvisionedPollerConfig: { MaximumPollers: 5 } });
  assert.deepEqual(await shown(), { MinimumPollers: 2, MaximumPollers: 5 });
  await update({ BatchSize: 1 });
  assert.deepEqual(await shown(), { MinimumPollers: 2, MaximumPollers: 5 });
  await update({ ProvisionedPollerConfig: {}, ScalingConfig: { MaximumConcurrency: 2 } });
  assert.equal(await shown(), undefined);
});

test('a FIFO queue: groups side by side, each in order, also when a batch fails', async () => {
  const out = await newQueue();
  const queue = await newQueue({ FifoQueue: 'true', VisibilityTimeout: '30' }, `${newName()}.fifo`);
  const name = await newFunction(
    `const [{ attributes }] = event.Records;
     if (bodies.includes('a3') && attributes.ApproximateReceiveCount === '1') throw new Error('not yet');
     await report(event.Records.map(({ body, attributes }) => [attributes.MessageGroupId, body]));`,
    out,
  );
  const groups = ['a', 'b', 'c'];
  const wanted = Array.from({ length: 8 }, (_, index) => index);
  for (const index of wanted) {
    await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: queue.url,
        Entries: groups.map((group) => ({
          Id: group,
          MessageBody: `${group}${index}`,
          MessageGroupId: group,
          MessageDeduplicationId: `${group}${index}`,
        })),
      }),
    );
  }
  await map(queue, name, { BatchSize: 2 });
  const told: [string, string][] = [];
  await until('the other groups', async () => {
    told.push(...(await reports(out)).flat());
    return told.filter(([group]) => group !== 'a').length === 16;
  });
  await advance(brume, 31_000);
  await until('all', async () => {
    told.push(...(await reports(out)).flat());
    return told.length === 24;
  });
  for (const group of groups) {
    const order = told.filter(([of]) => of === group).map(([, body]) => body);
    assert.deepEqual(
      order,
      wanted.map((index) => `${group}${index}`),
    );
  }
  await untilCounts(queue, 0, 0);
  assert.match(
    await lambda.error(
      new CreateEventSourceMappingCommand({
        FunctionName: name,
        EventSourceArn: queue.arn,
        MaximumBatchingWindowInSeconds: 5,
      }),
    ),
    /^InvalidParameterValueException: Batching window is not supported for FIFO queues$/,
  );
});

describe('the life of a mapping', () => {
  test('created, disabled, enabled, deleted', async () => {
    const [queue, out] = [await newQueue(), await newQueue()];
    const name = await newFunction('await report(bodies);', out);
    const created = await client.send(
      new CreateEventSourceMappingCommand({ EventSourceArn: queue.arn, FunctionName: arnOf(name), Enabled: true }),
    );
    const { $metadata, UUID, LastModified, EventSourceMappingArn, ...rest } = created;
    assert.equal($metadata.httpStatusCode, 202);
    assert.ok(LastModified instanceof Date);
    assert.equal(EventSourceMappingArn, `arn:aws:lambda:${REGION}:${ACCOUNT}:event-source-mapping:${UUID}`);
    assert.deepEqual(rest, {
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: 0,
      EventSourceArn: queue.arn,
      FunctionArn: arnOf(name),
      State: 'Creating',
      StateTransitionReason: 'USER_INITIATED',
      FunctionResponseTypes: [],
    });
    await untilState(UUID!, 'Enabled');

    const disabling = await client.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false, BatchSize: 5 }));
    assert.deepEqual([disabling.State, disabling.BatchSize], ['Disabling', 5]);
    await untilState(UUID!, 'Disabled');
    await send(queue, 'a');
    await sleep(100);
    assert.deepEqual([await counts(queue), await reports(out)], [[1, 0], []]);

    const enabling = await client.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }));
    assert.equal(enabling.State, 'Enabling');
    assert.deepEqual(await untilReports(out, 1), [['a']]);
    await untilCounts(queue, 0, 0);

    const deleted = await client.send(new DeleteEventSourceMappingCommand({ UUID }));
    assert.equal(deleted.State, 'Deleting');
    await untilState(UUID!, 'ResourceNotFoundException');
    await send(queue, 'b');
    await sleep(100);
    assert.deepEqual([await counts(queue), await reports(out)], [[1, 0], []]);
  });

  test('listed by function and by source', async () => {
    const out = await newQueue();
    const [one, other] = [await newFunction('', out), await newFunction('', out)];
    const [queue, second] = [await newQueue(), await newQueue()];
    const ids = [await map(queue, one), await map(second, one), await map(queue, other)];
    const list = async (input: object) => {
      const { EventSourceMappings = [] } = await client.send(new ListEventSourceMappingsCommand(input));
      return EventSourceMappings.map(({ UUID }) => UUID).toSorted();
    };
    assert.deepEqual(await list({ FunctionName: one }), [ids[0], ids[1]].toSorted());
    assert.deepEqual(await list({ EventSourceArn: queue.arn }), [ids[0], ids[2]].toSorted());
    assert.deepEqual(await list({ EventSourceArn: second.arn, FunctionName: other }), []);
    const { EventSourceMappings, NextMarker } = await client.send(
      new ListEventSourceMappingsCommand({ FunctionName: one, MaxItems: 1 }),
    );
    assert.equal(EventSourceMappings!.length, 1);
    const rest = await list({ FunctionName: one, Marker: NextMarker });
    assert.deepEqual([EventSourceMappings![0]!.UUID, ...rest].toSorted(), [ids[0], ids[1]].toSorted());
  });

  test('tags', async () => {
    const [queue, out] = [await newQueue(), await newQueue()];
    const id = await map(queue, await newFunction('', out), { Tags: { a: '1', b: '2' } });
    const Resource = `arn:aws:lambda:${REGION}:${ACCOUNT}:event-source-mapping:${id}`;
    await client.send(new TagResourceCommand({ Resource, Tags: { b: '3', c: '4' } }));
    await client.send(new UntagResourceCommand({ Resource, TagKeys: ['a'] }));
    assert.deepEqual((await client.send(new ListTagsCommand({ Resource }))).Tags, { b: '3', c: '4' });
    await client.send(new DeleteEventSourceMappingCommand({ UUID: id }));
    await untilState(id, 'ResourceNotFoundException');
    assert.match(await lambda.error(new ListTagsCommand({ Resource })), /^ResourceNotFoundException/);
  });

  test('a queue that goes and comes back is read again', async () => {
    const out = await newQueue();
    const queue = await newQueue();
    const id = await map(queue, await newFunction('await report(bodies);', out));
    await untilState(id, 'Enabled');
    await sqs.send(new DeleteQueueCommand({ QueueUrl: queue.url }));
    await until('a problem', async () => {
      const { LastProcessingResult } = await client.send(new GetEventSourceMappingCommand({ UUID: id }));
      return LastProcessingResult?.startsWith('PROBLEM');
    });
    await newQueue({}, queue.name);
    await send(queue, 'again');
    await advance(brume, 60_000);
    assert.deepEqual(await untilReports(out, 1), [['again']]);
  });
});

describe('what AWS refuses', async () => {
  const [queue, slow, out] = [await newQueue(), await newQueue({ VisibilityTimeout: '10' }), await newQueue()];
  const name = await newFunction('', out, { Timeout: 20 });
  const missing = `arn:aws:sqs:${REGION}:${ACCOUNT}:missing`;
  const stream = `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/s`;
  for (const { input, error } of [
    { input: {}, error: /^InvalidParameterValueException: Unrecognized event source\.$/ },
    {
      input: { EventSourceArn: queue.arn, FunctionName: 'nobody' },
      error: /^InvalidParameterValueException: Function does not exist$/,
    },
    {
      input: { EventSourceArn: missing },
      error:
        /^InvalidParameterValueException: Error occurred while ReceiveMessage\. SQS Error Code: AWS\.SimpleQueueService\.NonExistentQueue\. SQS Error Message: The specified queue does not exist/,
    },
    {
      input: { EventSourceArn: queue.arn, BatchSize: 11 },
      error:
        /^InvalidParameterValueException: Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10$/,
    },
    {
      input: { EventSourceArn: slow.arn },
      error:
        /^InvalidParameterValueException: Queue visibility timeout: 10 seconds is less than Function timeout: 20 seconds$/,
    },
    {
      input: { EventSourceArn: queue.arn, FilterCriteria: { Filters: [{ Pattern: '{"body":' }] } },
      error: /^InvalidParameterValueException: Invalid filter pattern definition\.$/,
    },
    {
      input: { EventSourceArn: queue.arn, BisectBatchOnFunctionError: true },
      error:
        /^InvalidParameterValueException: Unsupported BisectBatchOnFunctionError parameter for given event source mapping type\.$/,
    },
    {
      input: {
        EventSourceArn: queue.arn,
        StartingPosition: 'AT_TIMESTAMP' as const,
        StartingPositionTimestamp: new Date(),
      },
      error: /^InvalidParameterValueException: StartingPosition is not valid for SQS event sources\.$/,
    },
    {
      input: { EventSourceArn: queue.arn, StartingPosition: 'FIRST' as never },
      error:
        /^ValidationException: .*'FIRST' at 'startingPosition' .* enum value set: \[LATEST, AT_TIMESTAMP, TRIM_HORIZON\]$/,
    },
    {
      input: { EventSourceArn: queue.arn, BatchSize: 10_001 },
      error: /^ValidationException: .*'10001' at 'batchSize' .*less than or equal to 10000$/,
    },
    {
      input: { EventSourceArn: queue.arn, ProvisionedPollerConfig: { MinimumPollers: 201 } },
      error: /^ValidationException: .*'provisionedPollerConfig.minimumPollers' .*less than or equal to 200$/,
    },
    {
      input: { EventSourceArn: queue.arn, ProvisionedPollerConfig: { MinimumPollers: 1 } },
      error: /^InvalidParameterValueException: MinimumPollers and MaximumPollers must be at least 2 /,
    },
    {
      input: { EventSourceArn: queue.arn, ProvisionedPollerConfig: { MinimumPollers: 3, MaximumPollers: 2 } },
      error: /^InvalidParameterValueException: MinimumPollers must not be greater than MaximumPollers\.$/,
    },
    {
      input: { EventSourceArn: queue.arn, ProvisionedPollerConfig: { MinimumPollers: 2, PollerGroupName: 'g' } },
      error: /^InvalidParameterValueException: PollerGroupName /,
    },
    {
      input: {
        EventSourceArn: queue.arn,
        ProvisionedPollerConfig: { MinimumPollers: 2 },
        ScalingConfig: { MaximumConcurrency: 2 },
      },
      error: /^InvalidParameterValueException: .*cannot be used together\.$/,
    },
    {
      input: { EventSourceArn: queue.arn, ScalingConfig: { MaximumConcurrency: 1 } },
      error: /^ValidationException: .*'scalingConfig.maximumConcurrency' .*greater than or equal to 2$/,
    },
    { input: { EventSourceArn: stream }, error: /^NotImplemented: .*EventSourceArn of kinesis/ },
  ]) {
    test(JSON.stringify(input), async () => {
      assert.match(await lambda.error(new CreateEventSourceMappingCommand({ FunctionName: name, ...input })), error);
    });
  }

  test('a second mapping of the same two', async () => {
    const id = await map(queue, name);
    assert.equal(
      await lambda.error(new CreateEventSourceMappingCommand({ FunctionName: arnOf(name), EventSourceArn: queue.arn })),
      `ResourceConflictException: An event source mapping with SQS arn (" ${queue.arn} ") and function (" ${name} ") already exists. Please update or delete the existing mapping with UUID ${id}`,
    );
  });

  for (const command of [
    new GetEventSourceMappingCommand({ UUID: 'none' }),
    new UpdateEventSourceMappingCommand({ UUID: 'none', BatchSize: 1 }),
    new DeleteEventSourceMappingCommand({ UUID: 'none' }),
  ]) {
    test(`${command.constructor.name} of none`, async () => {
      assert.equal(
        await lambda.error(command),
        'ResourceNotFoundException: The resource you requested does not exist.',
      );
    });
  }
});

test('kill -9 in the midst: nothing is lost, and only what was in flight comes twice', {
  timeout: 100_000,
}, async () => {
  const dataDir = temporaryDirectory();
  const wanted = Array.from({ length: 100 }, (_, index) => `m${index}`);
  const told: string[] = [];
  for (const round of ['killed', 'finished']) {
    const server = await spawnBrume(dataDir);
    const [ownSqs, ownLambda] = [new SQSClient(clientConfig(server)), testLambda(server)];
    const url = (name: string) => `${server.endpoint}/${ACCOUNT}/${name}`;
    if (round === 'killed') {
      await ownSqs.send(new CreateQueueCommand({ QueueName: 'in', Attributes: { VisibilityTimeout: '5' } }));
      await ownSqs.send(new CreateQueueCommand({ QueueName: 'told' }));
      await ownLambda.create(
        'tell',
        `async ({ Records }) => {
          await new Promise((done) => setTimeout(done, 40));
          const body = JSON.stringify({ QueueUrl: process.env.AWS_ENDPOINT_URL + '/${ACCOUNT}/told', MessageBody: JSON.stringify(Records.map(({ body }) => body)) });
          const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' };
          const response = await fetch(process.env.AWS_ENDPOINT_URL, { method: 'POST', body, headers });
          if (!response.ok) throw new Error(await response.text());
        }`,
      );
      for (let at = 0; at < wanted.length; at += 10) {
        await ownSqs.send(
          new SendMessageBatchCommand({
            QueueUrl: url('in'),
            Entries: wanted.slice(at, at + 10).map((MessageBody, index) => ({ Id: String(index), MessageBody })),
          }),
        );
      }
      await ownLambda.client.send(
        new CreateEventSourceMappingCommand({
          EventSourceArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:in`,
          FunctionName: 'tell',
          BatchSize: 5,
          ScalingConfig: { MaximumConcurrency: 2 },
        }),
      );
    }
    const take = async () => {
      const { Messages = [] } = await ownSqs.send(
        new ReceiveMessageCommand({ QueueUrl: url('told'), MaxNumberOfMessages: 10, VisibilityTimeout: 43_200 }),
      );
      for (const { Body } of Messages) told.push(...JSON.parse(Body!));
      return told.length;
    };
    if (round === 'killed') {
      await until('some batches', async () => (await take()) >= 20);
      await server.kill();
    } else {
      await until('all messages', async () => {
        await take();
        return new Set(told).size === wanted.length;
      });
      await until('an empty queue', async () => {
        const { Attributes } = await ownSqs.send(
          new GetQueueAttributesCommand({ QueueUrl: url('in'), AttributeNames: ['All'] }),
        );
        return (
          Attributes!.ApproximateNumberOfMessages === '0' && Attributes!.ApproximateNumberOfMessagesNotVisible === '0'
        );
      });
      await take();
      await server.stop();
    }
  }
  assert.deepEqual([...new Set(told)].toSorted(), wanted.toSorted());
  // Two batches of five at most were under way when it was killed.
  assert.ok(told.length - wanted.length <= 10, `${told.length - wanted.length} came twice`);
});
