// Provisioned concurrency: environments that are there before the first invocation, and stay.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CreateAliasCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  GetProvisionedConcurrencyConfigCommand,
  InvokeCommand,
  ListProvisionedConcurrencyConfigsCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { advance, clientConfig, startBrume } from '#test/harness.ts';
import { arnOf, codeOf, parse, testLambda } from './lambda-functions.ts';

const brume = await startBrume({ clock: 'virtual' });
const { client, create, error } = testLambda(brume);
const cloudwatch = new CloudWatchClient(clientConfig(brume));
const FunctionName = 'ready';
const HANDLER =
  'async ({ ms = 0 }) => { await new Promise((done) => setTimeout(done, ms)); return process.env.AWS_LAMBDA_INITIALIZATION_TYPE; }';

before(async () => {
  await create(FunctionName, HANDLER, { Publish: true });
  await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
});

const put = (Qualifier: string, ProvisionedConcurrentExecutions: number) =>
  client.send(new PutProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier, ProvisionedConcurrentExecutions }));
const get = (Qualifier: string, name = FunctionName) =>
  client.send(new GetProvisionedConcurrencyConfigCommand({ FunctionName: name, Qualifier }));

async function settled(Qualifier: string, name = FunctionName) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const config = await get(Qualifier, name);
    if (config.Status !== 'IN_PROGRESS') return config;
    await sleep(50);
  }
  throw new Error('it is in progress still');
}

/** Whether an invocation had to initialize an environment. */
async function invoke(Qualifier: string, event = {}) {
  const { Payload, LogResult } = await client.send(
    new InvokeCommand({ FunctionName, Qualifier, LogType: 'Tail', Payload: Buffer.from(JSON.stringify(event)) }),
  );
  return { type: parse(Payload), cold: Buffer.from(LogResult!, 'base64').toString().includes('Init Duration') };
}

test('environments are ready before they are needed, and stay', async () => {
  const first = await put('live', 2);
  assert.deepEqual(
    [first.Status, first.RequestedProvisionedConcurrentExecutions, first.AllocatedProvisionedConcurrentExecutions],
    ['IN_PROGRESS', 2, 0],
  );
  assert.match(first.LastModified!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/);
  const ready = await settled('live');
  assert.deepEqual(
    [ready.Status, ready.AllocatedProvisionedConcurrentExecutions, ready.AvailableProvisionedConcurrentExecutions],
    ['READY', 2, 2],
  );
  const warm = { type: 'provisioned-concurrency', cold: false };
  const event = { ms: 300 };
  assert.deepEqual(await Promise.all([invoke('live', event), invoke('live', event)]), [warm, warm]);
  const three = await Promise.all([1, 2, 3].map(() => invoke('live', event)));
  assert.equal(three.filter(({ cold }) => cold).length, 1, 'the third spills over');
  assert.equal(three.find(({ cold }) => cold)!.type, 'on-demand');
  await advance(brume, 60 * 60_000);
  assert.deepEqual(await Promise.all([invoke('live', event), invoke('live', event)]), [warm, warm], 'an hour later');
  const metrics: [name: string, statistic: 'Sum' | 'Maximum', expected: number][] = [
    ['ProvisionedConcurrencyInvocations', 'Sum', 6],
    ['ProvisionedConcurrencySpilloverInvocations', 'Sum', 1],
    ['ProvisionedConcurrentExecutions', 'Maximum', 2],
    ['ProvisionedConcurrencyUtilization', 'Maximum', 1],
  ];
  for (const [name, statistic, expected] of metrics) {
    assert.equal(await statisticOf(name, statistic, 'live'), expected, name);
  }
});

/** Over all that there is, of what was invoked by that qualifier. */
async function statisticOf(MetricName: string, statistic: 'Sum' | 'Maximum', qualifier: string) {
  await advance(brume, 2 * 60_000);
  const { now } = (await (await fetch(`${brume.endpoint}/_brume/clock`)).json()) as { now: string };
  const { Datapoints } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'AWS/Lambda',
      MetricName,
      Dimensions: [
        { Name: 'FunctionName', Value: FunctionName },
        { Name: 'Resource', Value: `${FunctionName}:${qualifier}` },
      ],
      StartTime: new Date(Date.parse(now) - 86_400_000),
      EndTime: new Date(now),
      Period: 2 * 86_400,
      Statistics: [statistic],
    }),
  );
  const values = Datapoints!.map((point) => point[statistic]!);
  return statistic === 'Sum' ? values.reduce((total, value) => total + value, 0) : Math.max(...values);
}

test('they follow the alias, and go with the configuration', async () => {
  await client.send(
    new UpdateFunctionCodeCommand({ FunctionName, ZipFile: codeOf(`${HANDLER} /* two */`), Publish: true }),
  );
  await client.send(new UpdateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '2' }));
  assert.equal((await settled('live')).Status, 'READY');
  assert.deepEqual(await invoke('live'), { type: 'provisioned-concurrency', cold: false });
  const { ProvisionedConcurrencyConfigs } = await client.send(
    new ListProvisionedConcurrencyConfigsCommand({ FunctionName }),
  );
  assert.deepEqual(
    ProvisionedConcurrencyConfigs!.map((config) => [config.FunctionArn, config.Status]),
    [[arnOf(FunctionName, 'live'), 'READY']],
  );
  await client.send(new DeleteProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: 'live' }));
  assert.equal(
    await error(new GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: 'live' })),
    'ProvisionedConcurrencyConfigNotFoundException: No Provisioned Concurrency Config found for this function',
  );
  await sleep(200);
  await advance(brume, 60 * 60_000);
  assert.equal((await invoke('live')).cold, true, 'they idle away like others');
});

test('a function that cannot be initialized', async () => {
  const name = 'broken';
  await create(name, '(() => { throw new Error("at load"); })()', { Publish: true });
  await client.send(
    new PutProvisionedConcurrencyConfigCommand({
      FunctionName: name,
      Qualifier: '1',
      ProvisionedConcurrentExecutions: 1,
    }),
  );
  const { Status, StatusReason } = await settled('1', name);
  assert.deepEqual([Status, StatusReason], ['FAILED', 'FUNCTION_ERROR_INIT_FAILURE']);
});

test('errors', async () => {
  await client.send(
    new CreateAliasCommand({
      FunctionName,
      Name: 'weighted',
      FunctionVersion: '1',
      RoutingConfig: { AdditionalVersionWeights: { 2: 0.1 } },
    }),
  );
  await put('1', 1);
  await client.send(new CreateAliasCommand({ FunctionName, Name: 'first', FunctionVersion: '1' }));
  const invalid = (text: string) => `InvalidParameterValueException: ${text}`;
  const cases: [object, string | RegExp][] = [
    [
      { Qualifier: '$LATEST' },
      invalid('Provisioned Concurrency Configs cannot be applied to unpublished function versions.'),
    ],
    [{ Qualifier: 'weighted' }, invalid('Alias with weights can not be used with Provisioned Concurrency')],
    [
      { Qualifier: 'first' },
      "ResourceConflictException: Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    ],
    [{ Qualifier: 'none' }, `ResourceNotFoundException: Cannot find alias arn: ${arnOf(FunctionName, 'none')}`],
    [{ Qualifier: '9' }, `ResourceNotFoundException: Function not found: ${arnOf(FunctionName, '9')}`],
    [
      { ProvisionedConcurrentExecutions: 0 },
      /at 'provisionedConcurrentExecutions' failed .* greater than or equal to 1/,
    ],
    [{ ProvisionedConcurrentExecutions: 1_001 }, /greater than account's unreserved concurrency \[1000\]/],
    [
      { ProvisionedConcurrentExecutions: 901 },
      invalid(
        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
      ),
    ],
  ];
  for (const [input, expected] of cases) {
    const message = await error(
      new PutProvisionedConcurrencyConfigCommand({
        FunctionName,
        Qualifier: '2',
        ProvisionedConcurrentExecutions: 1,
        ...input,
      }),
    );
    if (typeof expected === 'string') assert.equal(message, expected);
    else assert.match(message, expected);
  }
  await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 1 }));
  assert.equal(
    await error(
      new PutProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: '2', ProvisionedConcurrentExecutions: 2 }),
    ),
    invalid(
      'Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function',
    ),
  );
});

test('what is provisioned is part of what is reserved', async () => {
  const name = 'shared';
  await create(name, HANDLER, { Publish: true });
  await client.send(
    new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: codeOf(`${HANDLER} // two`), Publish: true }),
  );
  const provision = (Qualifier: string, ProvisionedConcurrentExecutions: number) =>
    new PutProvisionedConcurrencyConfigCommand({ FunctionName: name, Qualifier, ProvisionedConcurrentExecutions });
  const reserve = (ReservedConcurrentExecutions: number) =>
    new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions });
  const invokeOf = (Qualifier: string, event = {}) =>
    new InvokeCommand({ FunctionName: name, Qualifier, Payload: Buffer.from(JSON.stringify(event)) });
  await client.send(provision('1', 2));
  await settled('1', name);
  assert.equal(
    await error(reserve(1)),
    "InvalidParameterValueException:  ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].",
  );
  await client.send(reserve(2));
  const throttled = 'TooManyRequestsException: Rate Exceeded.';
  assert.equal(await error(invokeOf('$LATEST')), throttled, 'nothing is left');
  assert.equal(parse((await client.send(invokeOf('1'))).Payload), 'provisioned-concurrency');
  const beyond =
    'InvalidParameterValueException: Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function';
  assert.deepEqual([await error(provision('2', 1)), await error(provision('1', 3))], [beyond, beyond]);

  await client.send(reserve(3));
  const busy = [1, 2].map(() => client.send(invokeOf('1', { ms: 500 })));
  const one = client.send(invokeOf('$LATEST', { ms: 500 }));
  await sleep(100);
  assert.equal(await error(invokeOf('2')), throttled, 'two provisioned, one other');
  await Promise.all([...busy, one]);
});
