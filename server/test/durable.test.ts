// Durable functions with the official SDK, unmodified, in a whole Brume.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CreateEventSourceMappingCommand,
  type Event,
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  InvokeCommand,
  LambdaClient,
  ListDurableExecutionsByFunctionCommand,
  PublishVersionCommand,
  SendDurableExecutionCallbackFailureCommand,
  SendDurableExecutionCallbackHeartbeatCommand,
  SendDurableExecutionCallbackSuccessCommand,
  StopDurableExecutionCommand,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { clientConfig, startBrume } from '#test/harness.ts';
import { createDurable, historyOf, invokeDurable, resultOf, untilEvent, untilStatus } from './durable-functions.ts';
import { arnOf, parse, testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const lambda = testLambda(brume);
const { client, create, error } = lambda;

const typesOf = (events: Event[]) => events.map(({ EventType }) => EventType);

test('steps run once, and the history tells of them', async () => {
  await createDurable(
    lambda,
    'steps',
    `async (event, context) => {
      const a = await context.step('first', async () => event.n + 1);
      const b = await context.step('second', async () => a * 10);
      return { a, b };
    }`,
  );
  const answer = await invokeDurable(client, 'steps', { n: 1 });
  assert.deepEqual(parse(answer.Payload), { a: 2, b: 20 });
  assert.equal(answer.ExecutedVersion, '$LATEST');
  const arn = answer.DurableExecutionArn!;
  assert.match(
    arn,
    /^arn:aws:lambda:us-east-1:000000000000:function:steps:\$LATEST\/durable-execution\/[\w-]+\/[\w-]+$/,
  );

  const execution = await client.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn }));
  assert.deepEqual(
    [execution.Status, execution.Version, execution.FunctionArn, execution.InputPayload, execution.Result],
    ['SUCCEEDED', '$LATEST', arnOf('steps', '$LATEST'), '{"n":1}', '{"a":2,"b":20}'],
  );
  assert.deepEqual(execution.DurableConfig, { ExecutionTimeout: 600, RetentionPeriodInDays: 14 });
  assert.ok(execution.EndTimestamp! >= execution.StartTimestamp!);

  const events = await historyOf(client, arn);
  assert.deepEqual(
    typesOf(events).filter((type) => type !== 'StepStarted'),
    ['ExecutionStarted', 'StepSucceeded', 'StepSucceeded', 'InvocationCompleted', 'ExecutionSucceeded'],
  );
  assert.deepEqual(
    events.map(({ EventId }) => EventId),
    events.map((_, i) => i + 1),
  );
  const succeeded = events.filter(({ EventType }) => EventType === 'StepSucceeded');
  assert.deepEqual(
    succeeded.map(({ Name, StepSucceededDetails }) => [Name, StepSucceededDetails!.Result!.Payload]),
    [
      ['first', '2'],
      ['second', '20'],
    ],
  );
  const newest = await client.send(
    new GetDurableExecutionHistoryCommand({ DurableExecutionArn: arn, ReverseOrder: true, MaxItems: 1 }),
  );
  assert.equal(newest.Events![0]!.EventType, 'ExecutionSucceeded');
  assert.ok(newest.NextMarker);
  const bare = await client.send(
    new GetDurableExecutionHistoryCommand({ DurableExecutionArn: arn, IncludeExecutionData: false }),
  );
  assert.equal(bare.Events![0]!.ExecutionStartedDetails!.Input!.Payload, undefined);
});

test('a wait ends the invocation, and its end begins another', async () => {
  await createDurable(
    lambda,
    'waits',
    `async (event, context) => {
      const before = await context.step('before', async () => ({ request: context.lambdaContext.awsRequestId }));
      await context.wait('nap', { seconds: 1 });
      const after = await context.step('after', async () => ({ request: context.lambdaContext.awsRequestId }));
      return { other: before.request !== after.request };
    }`,
  );
  const { Payload, DurableExecutionArn } = await invokeDurable(client, 'waits', {});
  assert.deepEqual(parse(Payload), { other: true });
  const events = await historyOf(client, DurableExecutionArn!);
  assert.equal(typesOf(events).filter((type) => type === 'InvocationCompleted').length, 2);
  const started = events.find(({ EventType }) => EventType === 'WaitStarted')!;
  assert.equal(started.Name, 'nap');
  assert.equal(started.WaitStartedDetails!.Duration, 1);
  const ended = events.find(({ EventType }) => EventType === 'WaitSucceeded')!;
  assert.ok(ended.EventTimestamp! >= started.WaitStartedDetails!.ScheduledEndTimestamp!);
});

test('a step that fails is tried again at its time, or fails the execution', async () => {
  await createDurable(
    lambda,
    'retries',
    `async (event, context) => context.step('flaky', async () => {
        attempts++;
        if (attempts < event.until) throw new TypeError('attempt ' + attempts);
        return attempts;
      }, { retryStrategy: createRetryStrategy({ maxAttempts: 3, initialDelay: { seconds: 1 }, backoffRate: 1, jitter: 'NONE' }) })`,
    { preamble: 'let attempts = 0;' },
  );
  const { Payload, DurableExecutionArn } = await invokeDurable(client, 'retries', { until: 3 });
  assert.equal(parse(Payload), 3);
  const failures = (await historyOf(client, DurableExecutionArn!)).filter(
    ({ EventType }) => EventType === 'StepFailed',
  );
  assert.deepEqual(
    failures.map(({ StepFailedDetails: details }) => [details!.Error!.Payload!.ErrorMessage, details!.RetryDetails]),
    [
      ['attempt 1', { CurrentAttempt: 1, NextAttemptDelaySeconds: 1 }],
      ['attempt 2', { CurrentAttempt: 2, NextAttemptDelaySeconds: 1 }],
    ],
  );

  const failed = await invokeDurable(client, 'retries', { until: 99 });
  assert.equal(failed.FunctionError, 'Unhandled');
  assert.match(parse(failed.Payload).errorMessage, /attempt 6/);
  const execution = await client.send(
    new GetDurableExecutionCommand({ DurableExecutionArn: failed.DurableExecutionArn! }),
  );
  assert.equal(execution.Status, 'FAILED');
  assert.match(execution.Error!.ErrorMessage!, /attempt 6/);
});

test('child contexts, parallel branches and maps', async () => {
  await createDurable(
    lambda,
    'branches',
    `async (event, context) => {
      const child = await context.runInChildContext('child', async (inner) => {
        const one = await inner.step('one', async () => 1);
        await inner.wait({ seconds: 1 });
        return one + (await inner.step('two', async () => 2));
      });
      const both = await context.parallel('both', [
        async (branch) => branch.step(async () => 'left'),
        async (branch) => { await branch.wait({ seconds: 1 }); return branch.step(async () => 'right'); },
      ]);
      const squares = await context.map('squares', [1, 2, 3, 4], async (inner, n) => inner.step(async () => n * n), { maxConcurrency: 2 });
      return { child, both: both.getResults(), squares: squares.getResults() };
    }`,
  );
  assert.deepEqual(await resultOf(client, 'branches'), { child: 3, both: ['left', 'right'], squares: [1, 4, 9, 16] });
});

test('waitForCondition carries its state from check to check', async () => {
  await createDurable(
    lambda,
    'conditions',
    `async (event, context) => context.waitForCondition('counted', async (state) => ({ n: state.n + 1 }), {
        initialState: { n: 0 },
        waitStrategy: (state) => state.n >= 3 ? { shouldContinue: false } : { shouldContinue: true, delay: { seconds: 1 } },
      })`,
  );
  assert.deepEqual(await resultOf(client, 'conditions'), { n: 3 });
});

test('callbacks: answered, failed, kept alive, timed out', async () => {
  await createDurable(
    lambda,
    'callbacks',
    `async (event, context) => {
      try {
        return { answer: await context.waitForCallback('approval', async (callbackId) => {}, event) };
      } catch (error) {
        return { failed: error.name, message: error.message };
      }
    }`,
  );
  const begin = async (event: object) => {
    const { DurableExecutionArn, StatusCode } = await invokeDurable(client, 'callbacks', event, { type: 'Event' });
    assert.equal(StatusCode, 202);
    const started = await untilEvent(client, DurableExecutionArn!, ({ EventType }) => EventType === 'CallbackStarted');
    return { arn: DurableExecutionArn!, CallbackId: started.CallbackStartedDetails!.CallbackId!, started };
  };
  const result = async (arn: string) =>
    JSON.parse((await untilStatus(client, arn, 'SUCCEEDED', 'FAILED')).Result ?? 'null');

  const answered = await begin({ timeout: { seconds: 60 } });
  assert.equal(answered.started.CallbackStartedDetails!.Timeout, 60);
  const success = new SendDurableExecutionCallbackSuccessCommand({
    CallbackId: answered.CallbackId,
    Result: Buffer.from('"yes"'),
  });
  await client.send(success);
  assert.deepEqual(await result(answered.arn), { answer: '"yes"' });
  assert.equal(
    await error(success),
    'CallbackTimeoutException: The callback has timed out or has already been completed.',
  );

  const failed = await begin({});
  await client.send(
    new SendDurableExecutionCallbackFailureCommand({
      CallbackId: failed.CallbackId,
      Error: { ErrorType: 'Refused', ErrorMessage: 'not today' },
    }),
  );
  assert.match((await result(failed.arn)).message, /not today/);

  const kept = await begin({ heartbeatTimeout: { seconds: 2 } });
  for (let beat = 0; beat < 3; beat++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await client.send(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId: kept.CallbackId }));
  }
  assert.equal(
    (await client.send(new GetDurableExecutionCommand({ DurableExecutionArn: kept.arn }))).Status,
    'RUNNING',
  );
  assert.match((await result(kept.arn)).failed, /Callback/);
  const timedOut = (await historyOf(client, kept.arn)).find(({ EventType }) => EventType === 'CallbackTimedOut')!;
  assert.equal(timedOut.CallbackTimedOutDetails!.Error!.Payload!.ErrorMessage, 'Callback timed out on heartbeat');

  assert.equal(
    await error(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId: 'bm9uZQ==' })),
    'InvalidParameterValueException: Invalid callback id.',
  );
});

test('chained invocations, of ordinary and of durable functions', async () => {
  await create('double', 'async ({ n }) => { if (n < 0) throw new RangeError("below zero"); return n * 2; }');
  await createDurable(
    lambda,
    'child',
    `async (event, context) => {
      await context.wait({ seconds: 1 });
      if (event.n > 99) throw new Error('too much');
      return { n: event.n + 1 };
    }`,
  );
  await createDurable(
    lambda,
    'parent',
    `async (event, context) => {
      const results = [];
      for (const [name, target, input] of event.calls) {
        try { results.push(await context.invoke(name, target, input)); }
        catch (error) { results.push(error.message); }
      }
      return results;
    }`,
  );
  const { Payload, DurableExecutionArn } = await invokeDurable(client, 'parent', {
    calls: [
      ['ordinary', 'double', { n: 21 }],
      ['error', 'double', { n: -1 }],
      ['durable', arnOf('child', '$LATEST'), { n: 1 }],
      ['failing', 'child:$LATEST', { n: 100 }],
      ['unqualified', 'child', { n: 1 }],
      ['missing', 'nobody', {}],
    ],
  });
  assert.deepEqual(parse(Payload), [
    42,
    'below zero',
    { n: 2 },
    'too much',
    'You cannot invoke a durable function using an unqualified ARN.',
    `Function not found: ${arnOf('nobody')}`,
  ]);
  const events = await historyOf(client, DurableExecutionArn!);
  const succeeded = events.filter(({ EventType }) => EventType === 'ChainedInvokeSucceeded');
  assert.deepEqual(
    succeeded.map(({ Name, ChainedInvokeSucceededDetails: details }) => [Name, details!.Result!.Payload]),
    [
      ['ordinary', '42'],
      ['durable', '{"n":2}'],
    ],
  );
  const failed = events.find(({ EventType }) => EventType === 'ChainedInvokeFailed')!;
  assert.equal(failed.ChainedInvokeFailedDetails!.Error!.Payload!.ErrorType, 'RangeError');
  const started = events.filter(({ EventType }) => EventType === 'ChainedInvokeStarted');
  assert.equal(started[0]!.ChainedInvokeStartedDetails!.Input!.Payload, '{"n":21}');
  const child = started[2]!.ChainedInvokeStartedDetails!;
  assert.equal(child.ExecutedVersion, '$LATEST');
  assert.equal((await untilStatus(client, child.DurableExecutionArn!, 'SUCCEEDED')).Result, '{"n":2}');
});

test('a name stands for one execution: the same payload finds it, another is refused', async () => {
  await createDurable(
    lambda,
    'named',
    `async (event, context) => { await context.wait({ seconds: 1 }); return context.step(async () => Math.random()); }`,
  );
  const name = 'order-1';
  const first = await invokeDurable(client, 'named', { order: 1 }, { name, type: 'Event' });
  // Attached to the one that runs.
  const second = await invokeDurable(client, 'named', { order: 1 }, { name });
  const third = await invokeDurable(client, 'named', { order: 1 }, { name });
  assert.equal(second.DurableExecutionArn, first.DurableExecutionArn);
  assert.equal(third.DurableExecutionArn, first.DurableExecutionArn);
  assert.equal(parse(second.Payload), parse(third.Payload));
  assert.match(first.DurableExecutionArn!, /\/durable-execution\/order-1\//);
  await assert.rejects(invokeDurable(client, 'named', { order: 2 }, { name }), {
    name: 'DurableExecutionAlreadyStartedException',
  });

  const unnamed = await invokeDurable(client, 'named', { order: 3 });
  const list = async (more: object) =>
    (
      await client.send(new ListDurableExecutionsByFunctionCommand({ FunctionName: 'named', ...more }))
    ).DurableExecutions!.map(({ DurableExecutionArn }) => DurableExecutionArn);
  assert.deepEqual(await list({}), [unnamed.DurableExecutionArn, first.DurableExecutionArn]);
  assert.deepEqual(await list({ ReverseOrder: true }), [first.DurableExecutionArn, unnamed.DurableExecutionArn]);
  assert.deepEqual(await list({ DurableExecutionName: name }), [first.DurableExecutionArn]);
  assert.deepEqual(await list({ Statuses: ['RUNNING', 'FAILED'] }), []);
  assert.deepEqual(await list({ Qualifier: '$LATEST', MaxItems: 1 }), [unnamed.DurableExecutionArn]);
});

test('an execution that is stopped stays so', async () => {
  await createDurable(lambda, 'stopped', `async (event, context) => { await context.wait({ hours: 1 }); }`);
  const { DurableExecutionArn } = await invokeDurable(client, 'stopped', {}, { type: 'Event' });
  await untilEvent(client, DurableExecutionArn!, ({ EventType }) => EventType === 'InvocationCompleted');
  const stop = new StopDurableExecutionCommand({
    DurableExecutionArn: DurableExecutionArn!,
    Error: { ErrorType: 'Cancelled', ErrorMessage: 'by hand' },
  });
  const { StopTimestamp } = await client.send(stop);
  assert.deepEqual((await client.send(stop)).StopTimestamp, StopTimestamp);
  const execution = await untilStatus(client, DurableExecutionArn!, 'STOPPED');
  assert.deepEqual(execution.Error, { ErrorType: 'Cancelled', ErrorMessage: 'by hand' });
  assert.deepEqual(execution.EndTimestamp, StopTimestamp);
  assert.equal(typesOf(await historyOf(client, DurableExecutionArn!)).at(-1), 'ExecutionStopped');
});

test('a queue feeds a durable function', async () => {
  const sqs = new SQSClient(clientConfig(brume));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'fed' }));
  await createDurable(
    lambda,
    'fed',
    `async (event, context) => {
      await context.wait({ seconds: 1 });
      return context.step(async () => event.Records.map(({ body }) => body));
    }`,
  );
  await client.send(
    new CreateEventSourceMappingCommand({
      FunctionName: 'fed:$LATEST',
      EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:fed',
      BatchSize: 1,
    }),
  );
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
  for (let attempt = 0; attempt < 100; attempt++) {
    const { DurableExecutions } = await client.send(
      new ListDurableExecutionsByFunctionCommand({ FunctionName: 'fed' }),
    );
    if (DurableExecutions!.length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    else {
      const { Result } = await untilStatus(client, DurableExecutions![0]!.DurableExecutionArn!, 'SUCCEEDED');
      assert.equal(Result, '["hello"]');
      return;
    }
  }
  assert.fail('no execution began');
});

test('an invocation that dies or takes too long is begun again, and finished steps stay finished', async () => {
  await createDurable(
    lambda,
    'mortal',
    `async (event, context) => {
      const { awsRequestId } = context.lambdaContext;
      const first = await context.step('first', async () => awsRequestId);
      if (first === awsRequestId && event.how === 'exit') process.exit(1);
      if (first === awsRequestId && event.how === 'sleep') await new Promise((resolve) => setTimeout(resolve, 60_000));
      return first === awsRequestId ? 'unharmed' : 'survived';
    }`,
    { timeout: 2 },
  );
  for (const how of ['exit', 'sleep']) {
    const { Payload, DurableExecutionArn } = await invokeDurable(client, 'mortal', { how });
    assert.equal(parse(Payload), 'survived');
    const completed = (await historyOf(client, DurableExecutionArn!)).filter(
      ({ EventType }) => EventType === 'InvocationCompleted',
    );
    assert.deepEqual(
      completed.map(({ InvocationCompletedDetails }) => InvocationCompletedDetails!.Error!.Payload !== undefined),
      [true, false],
    );
  }
});

test('large inputs and results', async () => {
  await createDurable(
    lambda,
    'large',
    `async (event, context) => {
      const part = await context.step(async () => event.text.slice(0, 500_000));
      await context.wait({ seconds: 1 });
      return part + event.text.slice(500_000);
    }`,
  );
  const text = 'x'.repeat(5_000_000);
  assert.equal(await resultOf(client, 'large', { text }), text);
  // What nobody waits for has less room.
  const { DurableExecutionArn } = await invokeDurable(
    client,
    'large',
    { text: text.slice(0, 1_040_000) },
    { type: 'Event' },
  );
  assert.equal((await untilStatus(client, DurableExecutionArn!, 'SUCCEEDED')).Result!.length, 1_040_002);
  await assert.rejects(invokeDurable(client, 'large', { text }, { type: 'Event' }), {
    name: 'RequestTooLargeException',
  });
});

test('versions: an execution keeps the one that it began with', async () => {
  await createDurable(lambda, 'versioned', `async () => process.env.AWS_LAMBDA_FUNCTION_VERSION`);
  await client.send(new PublishVersionCommand({ FunctionName: 'versioned' }));
  const { Payload, DurableExecutionArn } = await invokeDurable(client, 'versioned', {}, { qualifier: '1' });
  assert.equal(parse(Payload), '1');
  assert.match(DurableExecutionArn!, /:function:versioned:1\/durable-execution\//);
});

test('what is refused', async () => {
  await createDurable(lambda, 'slow', `async () => 1`, { timeoutS: 901 });
  await create('ordinary');
  const ran = (await invokeDurable(client, 'steps', { n: 1 })).DurableExecutionArn!;
  const refused: [{ input: object }, string][] = [
    [
      new InvokeCommand({ FunctionName: 'steps' }),
      'InvalidParameterValueException: You cannot invoke a durable function using an unqualified ARN.',
    ],
    [
      new InvokeCommand({ FunctionName: 'slow:$LATEST' }),
      'InvalidParameterValueException: You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.',
    ],
    [
      new InvokeCommand({ FunctionName: 'ordinary', DurableExecutionName: 'a' }),
      'InvalidParameterValueException: You cannot specify a durable execution name when you invoke a function that is not durable.',
    ],
    [
      new GetDurableExecutionCommand({
        DurableExecutionArn: `${arnOf('steps', '$LATEST')}/durable-execution/a/b`,
      }),
      'ResourceNotFoundException: Durable execution not found: b',
    ],
    [
      // The id of another name.
      new GetDurableExecutionCommand({ DurableExecutionArn: ran.replace('durable-execution/', 'durable-execution/x') }),
      `ResourceNotFoundException: Durable execution not found: ${ran.slice(ran.lastIndexOf('/') + 1)}`,
    ],
  ];
  for (const [command, message] of refused) assert.equal(await error(command), message);
  assert.match(await error(new GetDurableExecutionCommand({ DurableExecutionArn: 'x' })), /^ValidationException: /);
  const stranger = new LambdaClient({
    ...clientConfig(brume),
    credentials: { accessKeyId: '111111111111', secretAccessKey: 'test' },
  });
  await assert.rejects(stranger.send(new GetDurableExecutionCommand({ DurableExecutionArn: ran })), {
    name: 'AccessDeniedException',
  });
});

test('a function that does not speak the protocol fails its execution', async () => {
  await create('plain', 'async () => 42', { DurableConfig: { ExecutionTimeout: 60 } });
  assert.deepEqual(await resultOf(client, 'plain'), {
    FunctionError: 'Unhandled',
    errorType: 'InvalidParameterValueException',
    errorMessage: 'Invalid Status in invocation output.',
  });
});
