// Durable functions under virtual time: long waits, time-outs, retention, retries of invocations, the end of a function.

import assert from 'node:assert/strict';
import test from 'node:test';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  DeleteFunctionCommand,
  GetDurableExecutionCommand,
  GetFunctionConfigurationCommand,
  ListDurableExecutionsByFunctionCommand,
  SendDurableExecutionCallbackSuccessCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { advance, clientConfig, startBrume } from '#test/harness.ts';
import { createDurable, historyOf, invokeDurable, untilEvent, untilStatus } from './durable-functions.ts';
import { testLambda } from './lambda-functions.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const brume = await startBrume({ clock: 'virtual' });
const lambda = testLambda(brume);
const { client, error } = lambda;

async function begin(name: string, event: unknown = {}): Promise<string> {
  const { DurableExecutionArn } = await invokeDurable(client, name, event, { type: 'Event' });
  await untilEvent(client, DurableExecutionArn!, ({ EventType }) => EventType === 'InvocationCompleted');
  return DurableExecutionArn!;
}

const statusOf = async (DurableExecutionArn: string) =>
  (await client.send(new GetDurableExecutionCommand({ DurableExecutionArn }))).Status;

test('a wait of thirty days, then what is kept of it goes in its time', async () => {
  await createDurable(
    lambda,
    'patient',
    `async (event, context) => { await context.wait({ days: 30 }); return 'done'; }`,
    { timeoutS: 40 * 86_400, retentionDays: 3 },
  );
  const arn = await begin('patient');
  await advance(brume, 30 * DAY_MS - 60_000);
  assert.equal(await statusOf(arn), 'RUNNING');
  await advance(brume, 120_000);
  const { Status, Result, EndTimestamp, StartTimestamp } = await client.send(
    new GetDurableExecutionCommand({ DurableExecutionArn: arn }),
  );
  assert.deepEqual([Status, Result], ['SUCCEEDED', '"done"']);
  assert.equal(Math.round((EndTimestamp!.getTime() - StartTimestamp!.getTime()) / DAY_MS), 30);

  await advance(brume, 3 * DAY_MS - HOUR_MS);
  assert.equal(await statusOf(arn), 'SUCCEEDED');
  await advance(brume, 2 * HOUR_MS);
  assert.match(await error(new GetDurableExecutionCommand({ DurableExecutionArn: arn })), /^ResourceNotFoundException/);
  const { DurableExecutions } = await client.send(
    new ListDurableExecutionsByFunctionCommand({ FunctionName: 'patient' }),
  );
  assert.deepEqual(DurableExecutions, []);
});

test('the name of an execution that is no longer kept is free', async () => {
  await createDurable(lambda, 'again', 'async (event) => event.n', { retentionDays: 1 });
  const run = (n: number) => invokeDurable(client, 'again', { n }, { name: 'same' });
  const first = await run(1);
  await assert.rejects(run(2), { name: 'DurableExecutionAlreadyStartedException' });
  await advance(brume, DAY_MS + HOUR_MS);
  const second = await run(2);
  assert.equal(Buffer.from(second.Payload!).toString(), '2');
  assert.notEqual(second.DurableExecutionArn, first.DurableExecutionArn);
});

test('an execution whose time is up', async () => {
  await createDurable(lambda, 'late', `async (event, context) => context.waitForCallback('never', async () => {})`, {
    timeoutS: 3_600,
  });
  const arn = await begin('late');
  const events = await historyOf(client, arn);
  const { CallbackId } = events.find(({ EventType }) => EventType === 'CallbackStarted')!.CallbackStartedDetails!;
  await advance(brume, HOUR_MS + 1_000);
  const execution = await untilStatus(client, arn, 'TIMED_OUT');
  assert.match(execution.Error!.ErrorMessage!, /timed out/);
  assert.equal((await historyOf(client, arn)).at(-1)!.EventType, 'ExecutionTimedOut');
  assert.match(
    await error(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: CallbackId! })),
    /^CallbackTimeoutException/,
  );
});

test('the event of an execution that comes to nothing goes to the dead-letter queue', async () => {
  const sqs = new SQSClient(clientConfig(brume));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
  await createDurable(lambda, 'hapless', `async (event) => { if (event.fail) throw new Error('no luck'); }`);
  await client.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName: 'hapless',
      DeadLetterConfig: { TargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead' },
    }),
  );
  await begin('hapless', { fail: false });
  const arn = await begin('hapless', { fail: true });
  await untilStatus(client, arn, 'FAILED');
  await advance(brume, 1_000);
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'], MaxNumberOfMessages: 10 }),
  );
  assert.deepEqual(
    Messages?.map(({ Body, MessageAttributes }) => [Body, MessageAttributes!.ErrorMessage!.StringValue]),
    [['{"fail":true}', 'no luck']],
  );
});

test('metrics tell how executions began and ended', async () => {
  await createDurable(
    lambda,
    'counted',
    `async (event, context) => {
      await context.step(async () => 'abc');
      await context.wait({ seconds: 2 });
      if (event.fail) throw new Error('no luck');
    }`,
  );
  let arn = '';
  for (const fail of [false, true]) {
    arn = await begin('counted', { fail });
    await advance(brume, 5_000);
  }
  await advance(brume, 120_000);
  const { StartTimestamp } = await client.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }));
  const cloudwatch = new CloudWatchClient(clientConfig(brume));
  const sumOf = async (MetricName: string, Dimensions = [{ Name: 'FunctionName', Value: 'counted' }]) => {
    const { Datapoints } = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: 'AWS/Lambda',
        MetricName,
        Dimensions,
        StartTime: new Date(StartTimestamp!.getTime() - HOUR_MS),
        EndTime: new Date(StartTimestamp!.getTime() + HOUR_MS),
        Period: 3_600,
        Statistics: ['Sum', 'Maximum'],
      }),
    );
    return Datapoints!.reduce((sum, { Sum }) => sum + Sum!, 0);
  };
  assert.deepEqual(
    await Promise.all(
      ['Started', 'Succeeded', 'Failed', 'TimedOut', 'Operations', 'StorageWrittenBytes'].map((name) =>
        sumOf(`DurableExecution${name}`),
      ),
    ),
    // The wait and the step of each; `"abc"` twice.
    [2, 1, 1, 0, 4, 10],
  );
  assert.ok((await sumOf('DurableExecutionDuration')) >= 4_000);
  assert.ok((await sumOf('ApproximateRunningDurableExecutions', [])) > 0);
});

test('a callback nobody answers in time', async () => {
  await createDurable(
    lambda,
    'impatient',
    `async (event, context) => {
      try { await context.waitForCallback('soon', async () => {}, { timeout: { minutes: 5 } }); }
      catch (error) { return error.name; }
    }`,
  );
  const arn = await begin('impatient');
  await advance(brume, 6 * 60_000);
  assert.match((await untilStatus(client, arn, 'SUCCEEDED')).Result!, /CallbackTimeoutError/);
});

test('an invocation that fails is tried again, later each time', async () => {
  // Not the SDK's own: its promise would hold what it throws.
  await lambda.create('broken', `async () => { if (Date.now() < 0) return; throw new Error('broken'); }`, {
    DurableConfig: { ExecutionTimeout: 30 },
  });
  const arn = await begin('broken');
  await advance(brume, 20_000);
  const completed = (await historyOf(client, arn)).filter(({ EventType }) => EventType === 'InvocationCompleted');
  const times = completed.map(({ InvocationCompletedDetails: details }) => details!.StartTimestamp!.getTime());
  assert.deepEqual(
    times.slice(1).map((time, i) => time - times[i]!),
    [1_000, 2_000, 4_000, 8_000],
  );
  assert.equal(completed[0]!.InvocationCompletedDetails!.Error!.Payload!.ErrorMessage, 'broken');
  await advance(brume, 20_000);
  assert.equal(await statusOf(arn), 'TIMED_OUT');
});

test('a function that is deleted takes its executions along; who had invoked it learns of it', async () => {
  await createDurable(lambda, 'doomed', `async (event, context) => { await context.wait({ hours: 1 }); }`);
  await createDurable(
    lambda,
    'bereft',
    `async (event, context) => {
      try { await context.invoke('doomed:$LATEST', {}); } catch (error) { return error.message; }
    }`,
  );
  const parent = await begin('bereft');
  const started = await untilEvent(
    client,
    parent,
    ({ ChainedInvokeStartedDetails }) => ChainedInvokeStartedDetails?.DurableExecutionArn !== undefined,
  );
  const child = started.ChainedInvokeStartedDetails!.DurableExecutionArn!;
  await untilEvent(client, child, ({ EventType }) => EventType === 'WaitStarted');
  await client.send(new DeleteFunctionCommand({ FunctionName: 'doomed' }));
  assert.match(
    await error(new GetDurableExecutionCommand({ DurableExecutionArn: child })),
    /^ResourceNotFoundException/,
  );
  assert.equal((await untilStatus(client, parent, 'SUCCEEDED')).Result, '"The function has been deleted."');
  assert.equal(
    (await historyOf(client, parent)).some(({ EventType }) => EventType === 'ChainedInvokeStopped'),
    true,
  );
});

test('DurableConfig: set at creation, changed later, never added', async () => {
  await createDurable(lambda, 'configured', 'async () => 1', { timeoutS: 60, retentionDays: 7 });
  await lambda.create('ordinary');
  const update = (FunctionName: string, DurableConfig: object) =>
    new UpdateFunctionConfigurationCommand({ FunctionName, DurableConfig });
  await client.send(update('configured', { RetentionPeriodInDays: 30 }));
  const shown = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'configured' }));
  assert.deepEqual(shown.DurableConfig, { ExecutionTimeout: 60, RetentionPeriodInDays: 30 });
  assert.match(
    await error(update('ordinary', { ExecutionTimeout: 60 })),
    /^InvalidParameterValueException: You cannot/,
  );
  assert.match(await error(update('configured', { ExecutionTimeout: 0 })), /^ValidationException: .*executionTimeout/);
  assert.match(await error(update('configured', { RetentionPeriodInDays: 91 })), /^ValidationException: /);
});
