// Queries that ask much: very many groups, many queries at once, stopping. The server goes on.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeQueriesCommand,
  GetLogEventsCommand,
  GetQueryResultsCommand,
  PutLogEventsCommand,
  StartQueryCommand,
  StopQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const logs = new CloudWatchLogsClient(clientConfig(brume));
const logGroupName = '/load';
const logStreamName = 's';
const NOW = Date.now();
const BATCHES = 30;
const BATCH = 10_000;

await logs.send(new CreateLogGroupCommand({ logGroupName }));
await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
for (let batch = 0; batch < BATCHES; batch++) {
  const logEvents = Array.from({ length: BATCH }, (_, i) => ({
    timestamp: NOW - 60_000 + batch,
    message: JSON.stringify({ id: batch * BATCH + i, kind: i % 7 }),
  }));
  await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}

async function start(queryString: string): Promise<string> {
  const range = { startTime: Math.floor(NOW / 1000) - 600, endTime: Math.ceil(NOW / 1000) };
  return (await logs.send(new StartQueryCommand({ logGroupName, queryString, ...range }))).queryId!;
}

async function ended(queryId: string) {
  for (;;) {
    const answer = await logs.send(new GetQueryResultsCommand({ queryId }));
    if (answer.status !== 'Scheduled' && answer.status !== 'Running') return answer;
    await sleep(20);
  }
}

test('a group for every event: 10,000 of them, and all were scanned', async () => {
  const { status, results, statistics } = await ended(
    await start('stats count(*) as n, max(kind) as k by id | sort n desc'),
  );
  assert.equal(status, 'Complete');
  assert.equal(results!.length, 10_000);
  assert.equal(statistics!.recordsScanned, BATCHES * BATCH);
  const { events } = await logs.send(new GetLogEventsCommand({ logGroupName, logStreamName, limit: 1 }));
  assert.equal(events!.length, 1);
});

test('many at once: each ends; one that waits can be stopped', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push(await start(`stats count(*) as n, pct(id, ${90 + i}) as p by kind`));
  const last = ids.at(-1)!;
  assert.equal((await logs.send(new StopQueryCommand({ queryId: last }))).success, true);
  const answers = await Promise.all(ids.map(ended));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [...Array.from({ length: 7 }, () => 'Complete'), 'Cancelled'],
  );
  for (const { results } of answers.slice(0, 7)) assert.equal(results!.length, 7);
  const { queries } = await logs.send(new DescribeQueriesCommand({ status: 'Cancelled' }));
  assert.deepEqual(
    queries!.map(({ queryId }) => queryId),
    [last],
  );
});

test('a page of a result that is large by its bytes ends early, with a token for the rest', async () => {
  const group = '/wide';
  await logs.send(new CreateLogGroupCommand({ logGroupName: group }));
  await logs.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName }));
  for (let i = 0; i < 40; i++) {
    const logEvents = [{ timestamp: NOW - 1000 + i, message: `${i} ${'x'.repeat(1_000_000)}` }];
    await logs.send(new PutLogEventsCommand({ logGroupName: group, logStreamName, logEvents }));
  }
  const { queryId } = await logs.send(
    new StartQueryCommand({
      logGroupName: group,
      queryString: 'fields @message',
      startTime: NOW - 60_000,
      endTime: NOW + 60_000,
    }),
  );
  const first = await ended(queryId!);
  assert.equal(first.status, 'Complete');
  const rest = await logs.send(new GetQueryResultsCommand({ queryId, nextToken: first.nextToken }));
  assert.equal(first.results!.length + rest.results!.length, 40);
  assert.equal(rest.nextToken, undefined);
});
