// The embedded metric format against a whole server: PutLogEvents and a function's output become metrics, an invalid
// document leaves its log event alone and is counted, and kill -9 loses nothing that was acknowledged.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudWatchClient,
  GetMetricDataCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  FilterLogEventsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { clientConfig, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';
import { zipOf } from '#test/lambda-zip.ts';

const brume = await startBrume();
const logs = new CloudWatchLogsClient(clientConfig(brume));
const cloudwatch = new CloudWatchClient(clientConfig(brume));
const lambda = new LambdaClient(clientConfig(brume));

async function createStream(client: CloudWatchLogsClient, logGroupName: string, options = {}) {
  await client.send(new CreateLogGroupCommand({ logGroupName, ...options }));
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 's' }));
  return { logGroupName, logStreamName: 's' };
}

function emf(
  namespace: string,
  members: Record<string, unknown>,
  metrics = [{ Name: 'Latency', Unit: 'Milliseconds' }],
) {
  const directive = { Namespace: namespace, Dimensions: [['service'], []], Metrics: metrics };
  return JSON.stringify({
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: [directive] },
    service: 'orders',
    requestId: 'r-1',
    ...members,
  });
}

async function statistics(client: CloudWatchClient, Namespace: string, MetricName: string, dimensions = {}) {
  const { Datapoints } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace,
      MetricName,
      Dimensions: Object.entries<string>(dimensions).map(([Name, Value]) => ({ Name, Value })),
      Period: 3600,
      StartTime: new Date(Date.now() - 2 * 3_600_000),
      EndTime: new Date(Date.now() + 3_600_000),
      Statistics: ['Sum', 'SampleCount', 'Minimum', 'Maximum'],
    }),
  );
  const total = (of: 'Sum' | 'SampleCount') => Datapoints!.reduce((sum, point) => sum + point[of]!, 0);
  return { count: total('SampleCount'), sum: total('Sum'), unit: Datapoints![0]?.Unit };
}

test('events in the format become metrics, and stay events', async () => {
  const stream = await createStream(logs, 'app');
  const logEvents = [
    { timestamp: Date.now(), message: 'just text' },
    { timestamp: Date.now(), message: emf('App', { Latency: 10 }) },
    { timestamp: Date.now(), message: emf('App', { Latency: [20, 30] }) },
  ];
  await logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
  const expected = { count: 3, sum: 60, unit: 'Milliseconds' };
  assert.deepEqual(await statistics(cloudwatch, 'App', 'Latency', { service: 'orders' }), expected);
  assert.deepEqual(await statistics(cloudwatch, 'App', 'Latency'), expected);
  const { Metrics } = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'App' }));
  assert.equal(Metrics!.length, 2, 'properties make no metrics');
  const { events } = await logs.send(
    new FilterLogEventsCommand({ logGroupName: 'app', filterPattern: '{ $.requestId = "r-1" }' }),
  );
  assert.deepEqual(
    events!.map(({ message }) => message),
    logEvents.slice(1).map(({ message }) => message),
  );
});

test('the format header changes nothing', async () => {
  const stream = await createStream(logs, 'with-header');
  const command = new PutLogEventsCommand({
    ...stream,
    logEvents: [{ timestamp: Date.now(), message: emf('Header', { Latency: 5 }) }],
  });
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers['x-amzn-logs-format'] = 'json/emf';
      return next(args);
    },
    { step: 'build' },
  );
  await logs.send(command);
  assert.equal((await statistics(cloudwatch, 'Header', 'Latency')).sum, 5);
});

test('high resolution is kept by the second', async () => {
  const stream = await createStream(logs, 'fast');
  const fast = [{ Name: 'Latency', Unit: 'Milliseconds', StorageResolution: 1 }];
  const second = Math.floor(Date.now() / 1000) * 1000 - 10_000;
  const logEvents = [0, 1, 2].map((i) => ({
    timestamp: second + i * 1000,
    message: emf('Fast', { Latency: i + 1 }, fast).replace(/"Timestamp":\d+/, `"Timestamp":${second + i * 1000}`),
  }));
  await logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
  const { MetricDataResults } = await cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(second),
      EndTime: new Date(second + 5000),
      ScanBy: 'TimestampAscending',
      MetricDataQueries: [
        { Id: 'q', MetricStat: { Metric: { Namespace: 'Fast', MetricName: 'Latency' }, Period: 1, Stat: 'Sum' } },
      ],
    }),
  );
  assert.deepEqual(MetricDataResults![0]!.Values, [1, 2, 3]);
});

test('what breaks the rules is counted and makes no metric', async () => {
  const stream = await createStream(logs, 'broken');
  const logEvents = [
    emf('Broken', { Latency: 'slow' }),
    emf('AWS/Lambda', { Latency: 1 }),
    `${emf('Broken', { Latency: 1 })} tail`,
    emf('Broken', { Latency: 1 }).slice(0, -1),
  ].map((message) => ({ timestamp: Date.now(), message }));
  await logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
  const { Metrics } = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'Broken' }));
  assert.deepEqual(Metrics, []);
  const ofGroup = { LogGroupName: 'broken' };
  assert.equal((await statistics(cloudwatch, 'AWS/Logs', 'EMFValidationErrors', ofGroup)).sum, 2);
  assert.equal((await statistics(cloudwatch, 'AWS/Logs', 'EMFParsingErrors', ofGroup)).sum, 2);
  const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName: 'broken' }));
  assert.equal(events!.length, 4);
});

test('the Infrequent Access class has no embedded metrics', async () => {
  const stream = await createStream(logs, 'rare', { logGroupClass: 'INFREQUENT_ACCESS' });
  const logEvents = [{ timestamp: Date.now(), message: emf('Rare', { Latency: 1 }) }];
  await logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
  const { Metrics } = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'Rare' }));
  assert.deepEqual(Metrics, []);
});

test("a function's output in the format becomes metrics", { timeout: 60_000 }, async () => {
  const code = `
import json, time
def handler(event, context):
    directive = {"Namespace": "Powertools", "Dimensions": [["service"]], "Metrics": [{"Name": "Orders", "Unit": "Count"}]}
    print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}, "service": "shop", "Orders": [1.0]}))
    return "ok"
`;
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'metrics',
      Runtime: 'python3.12',
      Handler: 'app.handler',
      Role: 'arn:aws:iam::000000000000:role/r',
      Code: { ZipFile: zipOf({ 'app.py': code }) },
    }),
  );
  const { FunctionError } = await lambda.send(new InvokeCommand({ FunctionName: 'metrics' }));
  assert.equal(FunctionError, undefined);
  let found = await statistics(cloudwatch, 'Powertools', 'Orders', { service: 'shop' });
  for (let attempt = 0; found.count === 0 && attempt < 100; attempt++) {
    await sleep(50);
    found = await statistics(cloudwatch, 'Powertools', 'Orders', { service: 'shop' });
  }
  assert.deepEqual(found, { count: 1, sum: 1, unit: 'Count' });
});

test('kill -9 keeps the metrics of acknowledged events', { timeout: 60_000 }, async () => {
  const dataDir = temporaryDirectory();
  let sent = 0;
  let acknowledged = 0;
  for (let round = 0; round < 2; round++) {
    const doomed = await spawnBrume(dataDir);
    const client = new CloudWatchLogsClient(clientConfig(doomed));
    if (round === 0) await createStream(client, 'g');
    let alive = true;
    const writing = [0, 1, 2].map(async () => {
      while (alive) {
        const logEvents = Array.from({ length: 10 }, () => ({
          timestamp: Date.now(),
          message: emf('Kill', { Latency: 1 }),
        }));
        sent += 10;
        try {
          await client.send(new PutLogEventsCommand({ logGroupName: 'g', logStreamName: 's', logEvents }));
          acknowledged += 10;
        } catch {
          return;
        }
      }
    });
    await sleep(700);
    await doomed.kill();
    alive = false;
    await Promise.all(writing);
  }
  const survivor = await spawnBrume(dataDir);
  const { sum } = await statistics(new CloudWatchClient(clientConfig(survivor)), 'Kill', 'Latency', {
    service: 'orders',
  });
  console.log(`${sum} counted, ${acknowledged} acknowledged, ${sent} sent`);
  assert.ok(acknowledged > 0);
  assert.ok(sum >= acknowledged && sum <= sent, `${sum} counted, ${acknowledged} acknowledged, ${sent} sent`);
  await survivor.stop();
});
