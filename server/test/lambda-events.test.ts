// Asynchronous invocations on the virtual clock: retries after one and two minutes, the dead-letter queue, throttles,
// and events that grow too old.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DeleteFunctionConcurrencyCommand, InvokeCommand, PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, advance, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { testLambda } from './lambda-functions.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const brume = await startBrume({ clock: 'virtual' });
const { client, create } = testLambda(brume);
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
  test('waits until it is let in', async () => {
    await create('patient', 'async () => console.log("tried")');
    const FunctionName = 'patient';
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
    await send(FunctionName, {});
    await advance(brume, HOUR);
    assert.equal(await attempts(FunctionName), 0);
    await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
    await advance(brume, 5 * MINUTE);
    assert.equal(await attempts(FunctionName), 1);
  });

  test('is dropped after six hours', async () => {
    const FunctionName = 'too-late';
    const { QueueUrl, arn } = await newQueue('late');
    await create(FunctionName, 'async () => console.log("tried")', { DeadLetterConfig: { TargetArn: arn } });
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
    await send(FunctionName, { late: true });
    await advance(brume, 6 * HOUR - MINUTE);
    assert.deepEqual(await receive(QueueUrl), []);
    await advance(brume, 10 * MINUTE);
    const [message] = await receive(QueueUrl);
    assert.equal(message!.Body, '{"late":true}');
    assert.equal(message!.MessageAttributes!.ErrorCode!.StringValue, '429');
    assert.equal(await attempts(FunctionName), 0);
  });
});
