// Transformers, data protection, field indexes and anomaly detectors against a whole server with the official client.

import assert from 'node:assert/strict';
import test from 'node:test';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteTransformerCommand,
  DescribeMetricFiltersCommand,
  GetTransformerCommand,
  PutLogEventsCommand,
  PutMetricFilterCommand,
  PutTransformerCommand,
  TestTransformerCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { advance, clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume({ clock: 'virtual' });
const logs = new CloudWatchLogsClient(clientConfig(brume));
const metrics = new CloudWatchClient(clientConfig(brume));
/** The server's clock stands at its start until it is moved. */
let nowMs = Date.now();

async function pass(ms: number): Promise<void> {
  await advance(brume, ms);
  nowMs += ms;
}

async function group(logGroupName: string): Promise<string> {
  await logs.send(new CreateLogGroupCommand({ logGroupName }));
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 's' }));
  return logGroupName;
}

async function put(logGroupName: string, ...messages: string[]): Promise<void> {
  const timestamp = nowMs;
  const logEvents = messages.map((message) => ({ message, timestamp }));
  await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName: 's', logEvents }));
}

async function sumOf(Namespace: string, MetricName: string, logGroupName?: string): Promise<number> {
  const { Datapoints } = await metrics.send(
    new GetMetricStatisticsCommand({
      Namespace,
      MetricName,
      ...(logGroupName && { Dimensions: [{ Name: 'LogGroupName', Value: logGroupName }] }),
      StartTime: new Date(nowMs - 3_600_000),
      EndTime: new Date(nowMs + 3_600_000),
      Period: 86_400,
      Statistics: ['Sum'],
    }),
  );
  return Datapoints!.reduce((sum, { Sum }) => sum + Sum!, 0);
}

function rejects(promise: Promise<unknown>, name: string, message?: RegExp): Promise<void> {
  return assert.rejects(promise, (error: Error) => {
    assert.equal(error.name, name, error.message);
    if (message) assert.match(error.message, message);
    return true;
  });
}

test('a transformer is kept, tested, replaced and deleted', async () => {
  const logGroupIdentifier = await group('transformed');
  const config = [{ parseJSON: {} }, { addKeys: { entries: [{ key: 'team', value: 'data' }] } }];
  await rejects(logs.send(new GetTransformerCommand({ logGroupIdentifier })), 'ResourceNotFoundException');
  await logs.send(new PutTransformerCommand({ logGroupIdentifier, transformerConfig: config }));
  const found = await logs.send(new GetTransformerCommand({ logGroupIdentifier }));
  assert.deepEqual(found.transformerConfig, config);
  assert.equal(found.creationTime, found.lastModifiedTime);
  const tested = await logs.send(
    new TestTransformerCommand({ transformerConfig: config, logEventMessages: ['{"a":1}', 'no JSON'] }),
  );
  assert.deepEqual(tested.transformedLogs, [
    { eventNumber: 1, eventMessage: '{"a":1}', transformedEventMessage: '{"a":1,"team":"data"}' },
    { eventNumber: 2, eventMessage: 'no JSON' },
  ]);
  await logs.send(new DeleteTransformerCommand({ logGroupIdentifier }));
  await rejects(logs.send(new DeleteTransformerCommand({ logGroupIdentifier })), 'ResourceNotFoundException');
});

test('what PutTransformer refuses', async () => {
  const logGroupIdentifier = await group('refused');
  const attempt = (transformerConfig: never[]) =>
    logs.send(new PutTransformerCommand({ logGroupIdentifier, transformerConfig }));
  const table: [unknown[], RegExp][] = [
    [[], /transformerConfig/],
    [[{ trimString: { withKeys: ['a'] } }], /first processor/],
    [[{ grok: { match: '%{NOPE:x}' } }], /Unsupported grok pattern: NOPE/],
    [[{ grok: { match: 'x'.repeat(513) } }], /length less than or equal to 512/],
    [[{ parseJSON: {} }, { addKeys: { entries: Array(6).fill({ key: 'a', value: 'b' }) } }], /less than or equal to 5/],
  ];
  for (const [config, message] of table)
    await rejects(attempt(config as never[]), 'InvalidParameterException', message);
  await rejects(
    logs.send(new PutTransformerCommand({ logGroupIdentifier: 'none', transformerConfig: [{ parseJSON: {} }] })),
    'ResourceNotFoundException',
  );
  await logs.send(new CreateLogGroupCommand({ logGroupName: 'rare', logGroupClass: 'INFREQUENT_ACCESS' }));
  await rejects(
    logs.send(new PutTransformerCommand({ logGroupIdentifier: 'rare', transformerConfig: [{ parseJSON: {} }] })),
    'InvalidOperationException',
  );
});

test('a metric filter on transformed logs counts what only the transformer tells', async () => {
  const logGroupName = await group('vpc');
  await logs.send(
    new PutTransformerCommand({ logGroupIdentifier: logGroupName, transformerConfig: [{ parseVPC: {} }] }),
  );
  for (const applyOnTransformedLogs of [true, false]) {
    const metricName = applyOnTransformedLogs ? 'Transformed' : 'Plain';
    await logs.send(
      new PutMetricFilterCommand({
        logGroupName,
        filterName: metricName,
        filterPattern: '{ $.dstPort = 22 }',
        metricTransformations: [{ metricName, metricNamespace: 'Flow', metricValue: '$.bytes' }],
        applyOnTransformedLogs,
      }),
    );
  }
  await put(
    logGroupName,
    '2 123456789010 eni-abc123de 192.0.2.0 192.0.2.24 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK',
    '2 123456789010 eni-abc123de 192.0.2.0 192.0.2.24 20641 443 6 20 1 1418530010 1418530070 ACCEPT OK',
    'not a flow log',
  );
  assert.equal(await sumOf('Flow', 'Transformed'), 4249);
  assert.equal(await sumOf('Flow', 'Plain'), 0);
  await pass(60_000);
  assert.equal(await sumOf('AWS/Logs', 'TransformationErrors', logGroupName), 1);
  const { metricFilters } = await logs.send(new DescribeMetricFiltersCommand({ logGroupName }));
  assert.deepEqual(
    metricFilters!.map((it) => [it.filterName, it.applyOnTransformedLogs]),
    [
      ['Plain', false],
      ['Transformed', true],
    ],
  );
});
