// Logs Insights: queries and what is kept for them, with the official client on a whole server.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteQueryDefinitionCommand,
  DescribeQueryDefinitionsCommand,
  GetLogGroupFieldsCommand,
  GetLogRecordCommand,
  PutLogEventsCommand,
  PutQueryDefinitionCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const logs = new CloudWatchLogsClient(clientConfig(brume));

test('query definitions', async () => {
  const put = (input: object) => logs.send(new PutQueryDefinitionCommand(input as never));
  const describe = async (input: object = {}) => {
    const { queryDefinitions, nextToken } = await logs.send(new DescribeQueryDefinitionsCommand(input));
    return { names: queryDefinitions!.map(({ name }) => name), queryDefinitions: queryDefinitions!, nextToken };
  };
  const parameters = [{ name: 'level', defaultValue: 'error', description: 'what to look for' }];
  const { queryDefinitionId } = await put({
    name: 'team/errors',
    queryString: 'filter level = "{{level}}"',
    logGroupNames: ['/a', '/b'],
    parameters,
  });
  const same = { name: 'again', queryString: 'fields @message', clientToken: 'x'.repeat(36) };
  assert.deepEqual(await put(same).then(id), await put(same).then(id));
  await put({ name: 'ppl', queryString: 'fields a', queryLanguage: 'PPL' });
  assert.deepEqual((await describe()).names, ['again', 'ppl', 'team/errors']);
  assert.deepEqual((await describe({ queryLanguage: 'PPL' })).names, ['ppl']);
  const [stored] = (await describe({ queryDefinitionNamePrefix: 'team/' })).queryDefinitions;
  assert.ok(Math.abs(stored!.lastModified! - Date.now()) < 60_000);
  assert.deepEqual(
    { ...stored, lastModified: 0 },
    {
      queryDefinitionId,
      queryLanguage: 'CWLI',
      name: 'team/errors',
      queryString: 'filter level = "{{level}}"',
      lastModified: 0,
      logGroupNames: ['/a', '/b'],
      parameters,
    },
  );
  const first = await describe({ maxResults: 2 });
  assert.deepEqual(first.names, ['again', 'ppl']);
  assert.deepEqual((await describe({ maxResults: 2, nextToken: first.nextToken })).names, ['team/errors']);

  await put({ queryDefinitionId, name: 'renamed', queryString: 'fields @message' });
  const [renamed] = (await describe({ queryDefinitionNamePrefix: 'renamed' })).queryDefinitions;
  assert.deepEqual([renamed!.queryDefinitionId, renamed!.logGroupNames], [queryDefinitionId, undefined]);

  const refused: [input: object, error: RegExp][] = [
    [{ name: 'n', queryString: 'q', queryDefinitionId: 'none' }, /ResourceNotFoundException/],
    [{ name: '', queryString: 'q' }, /'name' failed to satisfy constraint: Member must have length greater/],
    [{ name: 'n', queryString: 'q', queryLanguage: 'KQL' }, /enum value set: \[CWLI, SQL, PPL\]/],
    [{ name: 'n', queryString: 'q', parameters: [{ name: '1x' }] }, /parameters\.1\.member\.name/],
    [{ name: 'n', queryString: 'q', parameters: [{ name: 'x' }, { name: 'x' }] }, /x is given more than once/],
    [{ name: 'n', queryString: 'q', queryLanguage: 'SQL', parameters }, /only for Logs Insights QL/],
  ];
  for (const [input, error] of refused)
    await assert.rejects(put(input), (e: Error) => error.test(`${e.name} ${e.message}`));

  const remove = () => logs.send(new DeleteQueryDefinitionCommand({ queryDefinitionId }));
  assert.equal((await remove()).success, true);
  await assert.rejects(remove(), { name: 'ResourceNotFoundException' });
  assert.deepEqual((await describe()).names, ['again', 'ppl']);
});

function id({ queryDefinitionId }: { queryDefinitionId?: string | undefined }) {
  return queryDefinitionId;
}

test('the fields of a group and of one event', async () => {
  const logGroupName = '/fields';
  const now = Date.now();
  await fill(logGroupName, [
    [now - 3000, '{"level":"error","request":{"path":"/x"},"list":[1,2]}'],
    [now - 2000, '{"level":"info"}'],
    [now - 1000, 'plain'],
  ]);
  const { logGroupFields } = await logs.send(new GetLogGroupFieldsCommand({ logGroupName }));
  assert.deepEqual(
    logGroupFields!.map(({ name, percent }) => [name, percent]),
    [
      ['@ingestionTime', 100],
      ['@log', 100],
      ['@logStream', 100],
      ['@message', 100],
      ['@timestamp', 100],
      ['level', 67],
      ['list.0', 33],
      ['list.1', 33],
      ['request.path', 33],
    ],
  );
  const longAgo = new GetLogGroupFieldsCommand({
    logGroupIdentifier: logGroupName,
    time: Math.floor(now / 1000) - 3600,
  });
  assert.deepEqual((await logs.send(longAgo)).logGroupFields, []);
  const get = (logRecordPointer: string) => logs.send(new GetLogRecordCommand({ logRecordPointer }));
  await assert.rejects(get('none'), { name: 'InvalidParameterException' });
});

/** Makes the group with one stream, `s`, and puts the events into it. */
async function fill(logGroupName: string, events: [timestamp: number, message: string][]): Promise<void> {
  const logStreamName = 's';
  await logs.send(new CreateLogGroupCommand({ logGroupName }));
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  const logEvents = events.map(([timestamp, message]) => ({ timestamp, message }));
  await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}
