// Asynchronous invocations on the virtual clock: retries after one and two minutes, the dead-letter queue, throttles,
// events that grow too old, destinations and their configuration.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, GetMetricStatisticsCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateAliasCommand,
  DeleteFunctionEventInvokeConfigCommand,
  GetFunctionEventInvokeConfigCommand,
  InvokeCommand,
  ListFunctionEventInvokeConfigsCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, advance, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { arnOf, testLambda } from './lambda-functions.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const brume = await startBrume({ clock: 'virtual' });
const { client, create, error } = testLambda(brume);
const config = clientConfig(brume);
const [sqs, logs, cloudwatch] = [new SQSClient(config), new CloudWatchLogsClient(config), new CloudWatchClient(config)];

const FAILING = 'async (event) => { console.log("tried", JSON.stringify(event)); throw new Error("not today"); }';

async function newQueue(QueueName: string) {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
  return { QueueUrl, arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}` };
}

async function receive(QueueUrl: string | undefined) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }),
  );
  return Messages;
}

async function send(FunctionName: string, event: unknown) {
  const output = await client.send(
    new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: Buffer.from(JSON.stringify(event)) }),
  );
  return output.$metadata.requestId!;
}

async function attempts(FunctionName: string): Promise<number> {
  await advance(brume, 0);
  const { events = [] } = await logs
    .send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${FunctionName}`, filterPattern: 'tried' }))
    .catch((error) => {
      if (error.name !== 'ResourceNotFoundException') throw error;
      return { events: [] };
    });
  return events.length;
}

async function sum(FunctionName: string, MetricName: string): Promise<number> {
  await advance(brume, 2 * MINUTE);
  const { now } = (await (await fetch(`${brume.endpoint}/_brume/clock`)).json()) as { now: string };
  const { Datapoints } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'AWS/Lambda',
      MetricName,
      Dimensions: [{ Name: 'FunctionName', Value: FunctionName }],
      StartTime: new Date(Date.parse(now) - 12 * HOUR),
      EndTime: new Date(now),
      Period: 24 * 3_600,
      Statistics: ['Sum'],
    }),
  );
  return Datapoints!.reduce((total, { Sum }) => total + Sum!, 0);
}

describe('an event whose function fails', () => {
  test('is tried again after one minute and two more, then goes to the dead-letter queue', async () => {
    const { QueueUrl, arn } = await newQueue('dead');
    await create('failing', FAILING, { DeadLetterConfig: { TargetArn: arn } });
    const requestId = await send('failing', { n: 1 });
    const schedule: [number, number][] = [
      [0, 1],
      [59_000, 1],
      [1_000, 2],
      [119_000, 2],
      [1_000, 3],
      [HOUR, 3],
    ];
    for (const [ms, expected] of schedule) {
      await advance(brume, ms);
      assert.equal(await attempts('failing'), expected, `${ms} ms later`);
    }
    const [message, ...others] = await receive(QueueUrl);
    assert.deepEqual(others, []);
    assert.equal(message!.Body, '{"n":1}');
    const attributes = Object.entries(message!.MessageAttributes!).map(([name, { DataType, StringValue }]) => [
      name,
      DataType,
      StringValue,
    ]);
    assert.deepEqual(attributes.sort(), [
      ['ErrorCode', 'Number', '200'],
      ['ErrorMessage', 'String', 'not today'],
      ['RequestID', 'String', requestId],
    ]);
    assert.equal(await sum('failing', 'Invocations'), 3);
    assert.equal(await sum('failing', 'Errors'), 3);
    assert.equal(await sum('failing', 'AsyncEventsReceived'), 1);
    // At each attempt how long the event has waited: 0, 1 and 3 minutes.
    assert.ok(Math.abs((await sum('failing', 'AsyncEventAge')) - 4 * MINUTE) < 2_000);
    assert.equal(await sum('failing', 'DeadLetterErrors'), 0);
  });

  test('a dead-letter queue that is gone counts as an error', async () => {
    await create('unheard', FAILING, { DeadLetterConfig: { TargetArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:nowhere` } });
    await send('unheard', {});
    await advance(brume, 10 * MINUTE);
    assert.equal(await sum('unheard', 'DeadLetterErrors'), 1);
    assert.equal(await sum('unheard', 'AsyncEventsDropped'), 1);
  });
});

describe('an event that is throttled', () => {
  const sleeper = 'async ({ ms }) => { console.log("tried"); await new Promise((done) => setTimeout(done, ms)); }';

  const underWay = async (name: string) => {
    while ((await attempts(name)) === 0) await sleep(20);
  };

  test('waits until it is let in', async () => {
    const FunctionName = 'patient';
    await create(FunctionName, sleeper);
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 1 }));
    const busy = client.send(new InvokeCommand({ FunctionName, Payload: Buffer.from('{"ms":2500}') }));
    await underWay(FunctionName);
    await send(FunctionName, { ms: 0 });
    await advance(brume, 3_000);
    assert.equal(await attempts(FunctionName), 1, 'only the one that is under way');
    await busy;
    await advance(brume, 5 * MINUTE);
    assert.equal(await attempts(FunctionName), 2);
    assert.ok((await sum(FunctionName, 'Throttles')) >= 1);
  });

  test('is dropped when it is too old', async () => {
    const FunctionName = 'too-late';
    const { QueueUrl, arn } = await newQueue('late');
    await create(FunctionName, sleeper, { DeadLetterConfig: { TargetArn: arn } });
    await client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName,
        MaximumEventAgeInSeconds: 60,
        DestinationConfig: { OnFailure: { Destination: arn } },
      }),
    );
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 1 }));
    const busy = client.send(new InvokeCommand({ FunctionName, Payload: Buffer.from('{"ms":2500}') }));
    await underWay(FunctionName);
    const requestId = await send(FunctionName, { late: true });
    await advance(brume, 59_000);
    assert.deepEqual(await receive(QueueUrl), []);
    await advance(brume, 10 * MINUTE);
    const messages = await receive(QueueUrl);
    const dead = messages.find(({ MessageAttributes }) => MessageAttributes !== undefined)!;
    assert.equal(dead.Body, '{"late":true}');
    assert.equal(dead.MessageAttributes!.ErrorCode!.StringValue, '429');
    const { timestamp, ...record } = JSON.parse(messages.find((message) => message !== dead)!.Body!);
    assert.deepEqual(record, {
      version: '1.0',
      requestContext: {
        requestId,
        functionArn: arnOf(FunctionName, '$LATEST'),
        condition: 'EventAgeExceeded',
        approximateInvokeCount: 0,
      },
      requestPayload: { late: true },
    });
    await busy;
  });

  test('for good, as the reserved concurrency is zero, is dropped at once', async () => {
    const FunctionName = 'shut';
    const { QueueUrl, arn } = await newQueue('shut-out');
    await create(FunctionName, sleeper, { DeadLetterConfig: { TargetArn: arn } });
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
    await send(FunctionName, {});
    await advance(brume, 1_000);
    const [message] = await receive(QueueUrl);
    assert.equal(message!.MessageAttributes!.ErrorCode!.StringValue, '429');
  });
});

describe('destinations', () => {
  test('get the record of what succeeded and of what failed', async () => {
    const FunctionName = 'reporting';
    const won = await newQueue('won');
    const lost = await newQueue('lost');
    await create(
      FunctionName,
      'async (event) => { if (event.fail) throw new Error("failed"); return { ok: event.n }; }',
      { Publish: true },
    );
    await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    const config = await client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName,
        Qualifier: 'live',
        MaximumRetryAttempts: 1,
        DestinationConfig: { OnSuccess: { Destination: won.arn }, OnFailure: { Destination: lost.arn } },
      }),
    );
    assert.equal(config.FunctionArn, arnOf(FunctionName, 'live'));
    const first = await send(`${FunctionName}:live`, { n: 1 });
    const second = await send(`${FunctionName}:live`, { fail: true });
    await send(FunctionName, { n: 3 });
    await advance(brume, MINUTE);
    await advance(brume, 1_000);
    const records = async (url: string | undefined) => (await receive(url)).map(({ Body }) => JSON.parse(Body!));
    const [success, ...more] = await records(won.QueueUrl);
    assert.deepEqual(more, [], '$LATEST has no destination');
    assert.match(success.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    delete success.timestamp;
    assert.deepEqual(success, {
      version: '1.0',
      requestContext: {
        requestId: first,
        functionArn: arnOf(FunctionName, 'live'),
        condition: 'Success',
        approximateInvokeCount: 1,
      },
      requestPayload: { n: 1 },
      responseContext: { statusCode: 200, executedVersion: '1' },
      responsePayload: { ok: 1 },
    });
    const [failure] = await records(lost.QueueUrl);
    assert.deepEqual(failure.requestContext, {
      requestId: second,
      functionArn: arnOf(FunctionName, 'live'),
      condition: 'RetriesExhausted',
      approximateInvokeCount: 2,
    });
    assert.deepEqual(failure.responseContext, { statusCode: 200, executedVersion: '1', functionError: 'Unhandled' });
    assert.equal(failure.responsePayload.errorMessage, 'failed');
  });

  test('may be functions, topics and, for failures, buckets', async () => {
    const s3 = new S3Client(config);
    await s3.send(new CreateBucketCommand({ Bucket: 'failures' }));
    await create('listener', 'async (event) => console.log("tried", event.requestContext.condition)');
    await create('source', 'async (event) => { if (event.fail) throw new Error("failed"); }');
    await client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: 'source',
        MaximumRetryAttempts: 0,
        DestinationConfig: {
          OnSuccess: { Destination: arnOf('listener') },
          OnFailure: { Destination: 'arn:aws:s3:::failures' },
        },
      }),
    );
    await send('source', {});
    await send('source', { fail: true });
    await advance(brume, 1_000);
    assert.equal(await attempts('listener'), 1);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'failures' }));
    const [{ Key }] = Contents! as [{ Key: string }];
    assert.match(
      Key,
      /^aws\/lambda\/async\/source\/\d{4}\/\d\d\/\d\d\/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$/,
    );
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'failures', Key }));
    assert.equal(JSON.parse(await Body!.transformToString()).requestContext.condition, 'RetriesExhausted');
  });

  test('that cannot be reached count', async () => {
    await create('shouting', 'async () => 1');
    await client.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: 'shouting',
        DestinationConfig: { OnSuccess: { Destination: `arn:aws:sqs:${REGION}:${ACCOUNT}:nowhere` } },
      }),
    );
    await send('shouting', {});
    await advance(brume, MINUTE);
    assert.equal(await sum('shouting', 'DestinationDeliveryFailures'), 1);
    assert.equal(await sum('shouting', 'DeadLetterErrors'), 0);
  });
});

describe('event invoke configurations', () => {
  const FunctionName = 'configured';
  before(() => create(FunctionName, 'async () => 1', { Publish: true }));

  test('are put, changed, listed and deleted', async () => {
    const queue = `arn:aws:sqs:${REGION}:${ACCOUNT}:q`;
    const DestinationConfig = { OnFailure: { Destination: queue } };
    await client.send(
      new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 0, DestinationConfig }),
    );
    await client.send(new UpdateFunctionEventInvokeConfigCommand({ FunctionName, MaximumEventAgeInSeconds: 100 }));
    const get = async () => {
      const { $metadata, LastModified, ...rest } = await client.send(
        new GetFunctionEventInvokeConfigCommand({ FunctionName }),
      );
      assert.ok(LastModified instanceof Date);
      return rest;
    };
    const FunctionArn = arnOf(FunctionName, '$LATEST');
    assert.deepEqual(await get(), {
      FunctionArn,
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 100,
      DestinationConfig: { OnSuccess: {}, OnFailure: { Destination: queue } },
    });
    await client.send(
      new UpdateFunctionEventInvokeConfigCommand({
        FunctionName,
        DestinationConfig: { OnFailure: { Destination: '' } },
      }),
    );
    assert.deepEqual((await get()).DestinationConfig, { OnSuccess: {}, OnFailure: {} });
    await client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1 }));
    assert.equal((await get()).MaximumEventAgeInSeconds, undefined, 'put replaces');
    await client.send(
      new PutFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: '1', MaximumRetryAttempts: 2 }),
    );
    const { FunctionEventInvokeConfigs } = await client.send(
      new ListFunctionEventInvokeConfigsCommand({ FunctionName }),
    );
    assert.deepEqual(
      FunctionEventInvokeConfigs!.map((c) => [c.FunctionArn, c.MaximumRetryAttempts]),
      [
        [FunctionArn, 1],
        [arnOf(FunctionName, '1'), 2],
      ],
    );
    await client.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName }));
    assert.equal(
      await error(new GetFunctionEventInvokeConfigCommand({ FunctionName })),
      `ResourceNotFoundException: The function ${FunctionArn} doesn't have an EventInvokeConfig`,
    );
  });

  test('errors', async () => {
    const invalid = (text: string) => `InvalidParameterValueException: ${text}`;
    const to = (OnSuccess: string, OnFailure?: string) => ({
      DestinationConfig: {
        OnSuccess: { Destination: OnSuccess },
        ...(OnFailure ? { OnFailure: { Destination: OnFailure } } : {}),
      },
    });
    const table = 'arn:aws:dynamodb:us-east-1:000000000000:table/t';
    const cases: [object, string | RegExp][] = [
      [{}, invalid('You must specify at least one of error handling or destination setting.')],
      [{ MaximumRetryAttempts: 3 }, /Value '3' at 'maximumRetryAttempts' failed .* less than or equal to 2/],
      [{ MaximumEventAgeInSeconds: 59 }, /at 'maximumEventAgeInSeconds' failed .* greater than or equal to 60/],
      [{ FunctionName: 'none', MaximumRetryAttempts: 1 }, "ResourceNotFoundException: The function doesn't exist."],
      [{ Qualifier: '7', MaximumRetryAttempts: 1 }, "ResourceNotFoundException: The function doesn't exist."],
      [to(arnOf(FunctionName)), invalid("You can't specify the function as a destination for itself.")],
      [to(arnOf('none')), invalid(`The destination ARN ${arnOf('none')} is invalid.`)],
      [
        to(table),
        invalid(
          `The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=${table}), onFailure=null) is invalid.`,
        ),
      ],
      [to('arn:aws:events:us-east-1:000000000000:event-bus/default'), /^NotImplemented: /],
    ];
    for (const [input, expected] of cases) {
      const message = await error(new PutFunctionEventInvokeConfigCommand({ FunctionName, ...input }));
      if (typeof expected === 'string') assert.equal(message, expected);
      else assert.match(message, expected);
    }
  });
});

test('an alias has metrics of its own, and of each version that it leads to', async () => {
  const FunctionName = 'counted';
  await create(FunctionName, 'async () => 1', { Publish: true });
  await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
  for (const Qualifier of ['live', 'live', '1', undefined]) {
    await client.send(new InvokeCommand({ FunctionName, Qualifier }));
  }
  await advance(brume, 2 * MINUTE);
  const { Metrics } = await cloudwatch.send(
    new ListMetricsCommand({ Namespace: 'AWS/Lambda', MetricName: 'Invocations' }),
  );
  const dimensions = Metrics!
    .map(({ Dimensions }) => Dimensions!.map(({ Name, Value }) => `${Name}=${Value}`).sort())
    .filter((names) => names.includes(`FunctionName=${FunctionName}`))
    .map((names) => names.join(' '));
  assert.deepEqual(dimensions.sort(), [
    'ExecutedVersion=1 FunctionName=counted Resource=counted:live',
    'FunctionName=counted',
    'FunctionName=counted Resource=counted',
    'FunctionName=counted Resource=counted:1',
    'FunctionName=counted Resource=counted:live',
  ]);
  assert.equal(await sum(FunctionName, 'Invocations'), 4);
});
