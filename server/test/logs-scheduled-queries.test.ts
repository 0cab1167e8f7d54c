// Scheduled queries on a whole server whose time the test moves.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  CreateScheduledQueryCommand,
  DeleteScheduledQueryCommand,
  GetLookupTableCommand,
  GetQueryResultsCommand,
  GetScheduledQueryCommand,
  GetScheduledQueryHistoryCommand,
  ListScheduledQueriesCommand,
  PutLogEventsCommand,
  UpdateScheduledQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ACCOUNT, advance, clientConfig, startBrume, temporaryDirectory } from '#test/harness.ts';

const brume = await startBrume({ clock: 'virtual' });
const logs = new CloudWatchLogsClient(clientConfig(brume));
const s3 = new S3Client(clientConfig(brume));
const MINUTE_MS = 60_000;
const GROUP = '/scheduled';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/queries`;

let nowMs = Date.parse(((await (await fetch(`${brume.endpoint}/_brume/health`)).json()) as any).clock.now);
// On a full hour, so that the times of runs are round.
const hourMs = 60 * MINUTE_MS;
await moveTo(Math.ceil(nowMs / hourMs) * hourMs);
await logs.send(new CreateLogGroupCommand({ logGroupName: GROUP }));
await logs.send(new CreateLogStreamCommand({ logGroupName: GROUP, logStreamName: 's' }));
await s3.send(new CreateBucketCommand({ Bucket: 'results' }));

async function moveTo(toMs: number): Promise<void> {
  await advance(brume, toMs - nowMs);
  nowMs = toMs;
}

function put(...messages: string[]) {
  const logEvents = messages.map((message) => ({ timestamp: nowMs, message }));
  return logs.send(new PutLogEventsCommand({ logGroupName: GROUP, logStreamName: 's', logEvents }));
}

const definition = {
  queryLanguage: 'CWLI' as const,
  queryString: 'stats count(*) as n by level | sort level asc',
  logGroupIdentifiers: [GROUP],
  scheduleExpression: 'cron(0/5 * * * ? *)',
  executionRoleArn: ROLE,
  startTimeOffset: 300,
};

const history = async (identifier: string) => {
  const input = { identifier, startTime: 0, endTime: Math.ceil(nowMs / 1000) };
  return (await logs.send(new GetScheduledQueryHistoryCommand(input))).triggerHistory!;
};

test('a query runs at its times; the result goes to S3 and into a lookup table', async () => {
  const { scheduledQueryArn, state } = await logs.send(
    new CreateScheduledQueryCommand({
      ...definition,
      name: 'levels',
      destinationConfiguration: {
        s3Configuration: { destinationIdentifier: 's3://results/daily', roleArn: ROLE },
        lookupTableConfiguration: { tableName: 'levels', roleArn: ROLE },
      },
    }),
  );
  assert.match(scheduledQueryArn!, /^arn:aws:logs:us-east-1:000000000000:scheduled-query:[0-9a-f-]{36}$/);
  assert.equal(state, 'ENABLED');
  await put('{"level":"error"}', '{"level":"info"}', '{"level":"info"}');
  const firstMs = nowMs + 5 * MINUTE_MS;
  await moveTo(firstMs);
  const [run] = await history('levels');
  assert.equal(run!.executionStatus, 'Complete', run!.errorMessage);
  assert.equal(run!.triggeredTimestamp, firstMs);
  const { results } = await logs.send(new GetQueryResultsCommand({ queryId: run!.queryId }));
  const expected = [
    [
      { field: 'level', value: 'error' },
      { field: 'n', value: '1' },
    ],
    [
      { field: 'level', value: 'info' },
      { field: 'n', value: '2' },
    ],
  ];
  assert.deepEqual(results, expected);
  assert.deepEqual(
    run!.destinations!.map(({ destinationType, status }) => [destinationType, status]),
    [
      ['S3', 'COMPLETE'],
      ['LOOKUP_TABLE', 'COMPLETE'],
    ],
  );
  const [, key] = /^s3:\/\/results\/(.+)$/.exec(run!.destinations![0]!.processedIdentifier!)!;
  assert.match(key!, /^daily\/levels\/\d{4}\/\d{2}\/\d{2}\/[0-9a-f-]{36}\.json$/);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'results', Key: key }));
  assert.deepEqual(JSON.parse(await Body!.transformToString()).results, expected);
  const lookupTableArn = run!.destinations![1]!.processedIdentifier;
  const { tableBody } = await logs.send(new GetLookupTableCommand({ lookupTableArn }));
  assert.equal(tableBody, 'level,n\nerror,1\ninfo,2\n');

  // The next run replaces the table; its range no longer holds the events.
  await put('{"level":"warn"}');
  await moveTo(firstMs + 5 * MINUTE_MS);
  const runs = await history(scheduledQueryArn!);
  assert.deepEqual(
    runs.map(({ triggeredTimestamp }) => triggeredTimestamp),
    [firstMs + 5 * MINUTE_MS, firstMs],
  );
  const query = await logs.send(new GetScheduledQueryCommand({ identifier: 'levels' }));
  assert.deepEqual(
    [query.lastTriggeredTime, query.lastExecutionStatus, query.scheduledQueryArn, query.queryString],
    [firstMs + 5 * MINUTE_MS, 'Complete', scheduledQueryArn, definition.queryString],
  );
});

test('update, disable, list, delete', async () => {
  const create = (name: string, more: object = {}) =>
    logs.send(new CreateScheduledQueryCommand({ ...definition, ...more, name }));
  await create('a/1');
  await create('b', { state: 'DISABLED' });
  await assert.rejects(create('b'), { name: 'ConflictException' });
  const list = async (input: object = {}) =>
    (await logs.send(new ListScheduledQueriesCommand(input))).scheduledQueries!.map(({ name }) => name);
  assert.deepEqual(await list({ state: 'DISABLED' }), ['b']);
  assert.deepEqual((await list()).slice(0, 2), ['a/1', 'b']);
  const updated = await logs.send(
    new UpdateScheduledQueryCommand({
      ...definition,
      identifier: 'a/1',
      scheduleExpression: 'cron(30 * * * ? *)',
      description: 'later',
    }),
  );
  assert.deepEqual(
    [updated.name, updated.description, updated.scheduleExpression],
    ['a/1', 'later', 'cron(30 * * * ? *)'],
  );
  await moveTo(nowMs + 10 * MINUTE_MS);
  assert.deepEqual([await history('a/1'), await history('b')], [[], []]);
  await logs.send(new DeleteScheduledQueryCommand({ identifier: 'a/1' }));
  await assert.rejects(logs.send(new GetScheduledQueryCommand({ identifier: 'a/1' })), {
    name: 'ResourceNotFoundException',
  });
  await moveTo(nowMs + 60 * MINUTE_MS);
  assert.deepEqual(await list(), ['b', 'levels']);
});

test('what a run cannot do stands in its history', async () => {
  const { scheduledQueryArn } = await logs.send(
    new CreateScheduledQueryCommand({
      ...definition,
      name: 'no-bucket',
      destinationConfiguration: { s3Configuration: { destinationIdentifier: 's3://none-such', roleArn: ROLE } },
    }),
  );
  await moveTo(nowMs + 5 * MINUTE_MS);
  const [run] = await history(scheduledQueryArn!);
  assert.equal(run!.executionStatus, 'Complete');
  const [destination] = run!.destinations!;
  assert.equal(destination!.status, 'CLIENT_ERROR');
  assert.match(destination!.errorMessage!, /bucket does not exist/);
});

test('a schedule outlives a restart', async () => {
  const dataDir = join(temporaryDirectory(), 'data');
  const first = await startBrume({ dataDir, clock: 'virtual' });
  let client = new CloudWatchLogsClient(clientConfig(first));
  await client.send(new CreateLogGroupCommand({ logGroupName: GROUP }));
  await client.send(
    new CreateScheduledQueryCommand({ ...definition, name: 'kept', scheduleExpression: 'cron(* * * * ? *)' }),
  );
  await first.stop();
  const second = await startBrume({ dataDir, clock: 'virtual' });
  client = new CloudWatchLogsClient(clientConfig(second));
  await advance(second, MINUTE_MS);
  const { lastExecutionStatus } = await client.send(new GetScheduledQueryCommand({ identifier: 'kept' }));
  assert.equal(lastExecutionStatus, 'Complete');
});

test('what is refused', async () => {
  const cases: [change: object, message: RegExp][] = [
    [{ name: 'a b' }, /'name' failed to satisfy constraint/],
    [{ scheduleExpression: 'rate(5 minutes)' }, /The schedule expression is invalid/],
    [{ scheduleExpression: 'cron(99 * * * ? *)' }, /'99' is no minutes/],
    [{ timezone: 'Mars/Olympus' }, /There is no time zone 'Mars\/Olympus'/],
    [{ queryString: 'fields a | filtre' }, /The query string is invalid/],
    [{ executionRoleArn: 'me' }, /executionRoleArn is no ARN of a role/],
    [{ startTimeOffset: 60, endTimeOffset: 60 }, /startTimeOffset must be greater/],
    [
      { destinationConfiguration: { s3Configuration: { destinationIdentifier: 'results', roleArn: ROLE } } },
      /destinationIdentifier/,
    ],
  ];
  for (const [change, message] of cases) {
    const input = { ...definition, name: 'x', ...change };
    await assert.rejects(logs.send(new CreateScheduledQueryCommand(input)), (error: Error) => {
      assert.equal(error.name, 'ValidationException');
      assert.match(error.message, message);
      return true;
    });
  }
  const none = new CreateScheduledQueryCommand({ ...definition, name: 'x', logGroupIdentifiers: ['/none'] });
  await assert.rejects(logs.send(none), { name: 'ResourceNotFoundException' });
});
