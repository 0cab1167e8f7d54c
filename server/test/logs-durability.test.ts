// kill -9 of a whole Brume while batches are put, with a metric filter, deletions and a live tail beside: every batch
// that was acknowledged is there once, whole and in order, and so is what the metric filter made of it.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogStreamCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  PutLogEventsCommand,
  PutMetricFilterCommand,
  paginateGetLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig, spawnBrume, temporaryDirectory } from '#test/harness.ts';

const ROUNDS = 3;
const STREAMS = ['a', 'b', 'c'];
const BATCH = 50;

test('kill -9 keeps acknowledged events, their metrics and their statistics', { timeout: 120_000 }, async () => {
  const dataDir = temporaryDirectory();
  /** The first number of each batch. */
  const acknowledged = new Map(STREAMS.map((stream) => [stream, [] as number[]]));
  const sent = new Map(STREAMS.map((stream) => [stream, 0]));
  const started = Date.now();
  const logGroupName = 'g';

  for (let round = 0; round < ROUNDS; round++) {
    const brume = await spawnBrume(dataDir);
    const logs = new CloudWatchLogsClient(clientConfig(brume));
    if (round === 0) {
      await logs.send(new CreateLogGroupCommand({ logGroupName }));
      for (const logStreamName of STREAMS) await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
      const transformation = { metricName: 'Events', metricNamespace: 'Test', metricValue: '1' };
      await logs.send(
        new PutMetricFilterCommand({
          logGroupName,
          filterName: 'all',
          filterPattern: '{ $.n = * }',
          metricTransformations: [transformation],
        }),
      );
    }
    const doomed = { logGroupName, logStreamName: `doomed-${round}` };
    await logs.send(new CreateLogStreamCommand(doomed));
    await logs.send(new PutLogEventsCommand({ ...doomed, logEvents: [{ timestamp: Date.now(), message: 'doomed' }] }));

    let alive = true;
    const writing = STREAMS.map(async (logStreamName) => {
      while (alive) {
        const first = sent.get(logStreamName)!;
        sent.set(logStreamName, first + BATCH);
        const logEvents = Array.from({ length: BATCH }, (_, i) => ({
          timestamp: Date.now(),
          message: JSON.stringify({ n: first + i }),
        }));
        try {
          await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
          acknowledged.get(logStreamName)!.push(first);
        } catch {
          return;
        }
      }
    });
    await sleep(700 + round * 400);
    await logs.send(new DeleteLogStreamCommand(doomed));
    await sleep(20 * round);
    await brume.kill();
    alive = false;
    await Promise.all(writing);
  }

  const brume = await spawnBrume(dataDir);
  const logs = new CloudWatchLogsClient(clientConfig(brume));
  let stored = 0;
  let bytes = 0;
  for (const logStreamName of STREAMS) {
    const numbers: number[] = [];
    for await (const page of paginateGetLogEvents(
      { client: logs, stopOnSameToken: true },
      { logGroupName, logStreamName, startFromHead: true },
    )) {
      for (const { message } of page.events!) {
        numbers.push(JSON.parse(message!).n);
        bytes += message!.length;
      }
    }
    assert.equal(new Set(numbers).size, numbers.length, `${logStreamName}: nothing twice`);
    const found = new Set(numbers);
    const lost = acknowledged.get(logStreamName)!.filter((first) => !found.has(first));
    assert.deepEqual(lost, [], `${logStreamName}: batches lost`);
    for (const n of numbers) {
      const first = n - (n % BATCH);
      assert.ok(found.has(first) && found.has(first + BATCH - 1), `${logStreamName}: the batch of ${n} is whole`);
    }
    stored += numbers.length;
  }
  const total = [...acknowledged.values()].flat().length * BATCH;
  console.log(`${stored} events stored, ${total} acknowledged`);
  assert.ok(stored > ROUNDS * STREAMS.length * BATCH);

  const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: 'doomed' }));
  assert.deepEqual(events, []);
  const { logStreams } = await logs.send(new DescribeLogStreamsCommand({ logGroupName }));
  assert.deepEqual(
    logStreams!.map(({ logStreamName }) => logStreamName),
    STREAMS,
  );
  const describe = async () => (await logs.send(new DescribeLogGroupsCommand({}))).logGroups![0]!;
  // What the last kill left of the deleted streams is erased in the background.
  for (let attempt = 0; (await describe()).storedBytes !== bytes && attempt < 50; attempt++) await sleep(100);
  const group = await describe();
  assert.equal(group.metricFilterCount, 1);
  assert.equal(group.storedBytes, bytes);

  const cloudwatch = new CloudWatchClient(clientConfig(brume));
  const { Datapoints } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'Test',
      MetricName: 'Events',
      Period: 60,
      StartTime: new Date(started - 60_000),
      EndTime: new Date(Date.now() + 60_000),
      Statistics: ['Sum'],
    }),
  );
  const counted = Datapoints!.reduce((sum, { Sum }) => sum + Sum!, 0);
  assert.ok(counted >= total, `${counted} counted, ${total} acknowledged`);
  assert.ok(counted <= total + ROUNDS * STREAMS.length * BATCH, `${counted} counted, ${total} acknowledged`);
  await brume.stop();
});
