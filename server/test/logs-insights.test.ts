// Logs Insights: queries and what is kept for them, with the official client on a whole server.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  CreateLookupTableCommand,
  DeleteLookupTableCommand,
  DeleteQueryDefinitionCommand,
  DescribeLookupTablesCommand,
  DescribeQueriesCommand,
  DescribeQueryDefinitionsCommand,
  GetLogGroupFieldsCommand,
  GetLogRecordCommand,
  GetLookupTableCommand,
  GetQueryResultsCommand,
  type GetQueryResultsResponse,
  ListLogGroupsForQueryCommand,
  ListTagsForResourceCommand,
  PutLogEventsCommand,
  PutQueryDefinitionCommand,
  PutRetentionPolicyCommand,
  StartQueryCommand,
  StopQueryCommand,
  TagResourceCommand,
  UpdateLookupTableCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { ACCOUNT, clientConfig, REGION, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';

const brume = await startBrume();
const logs = new CloudWatchLogsClient(clientConfig(brume));
const NOW = Date.now();
const APP = '/insights/app';
const OTHER = '/insights/other';

const arnOf = (resource: string) => `arn:aws:logs:${REGION}:${ACCOUNT}:${resource}`;

await fill(APP, [
  [NOW - 60_000, '{"level":"info","ms":5,"user":"u1"}'],
  [NOW - 50_000, '{"level":"error","ms":50,"user":"u2"}'],
  [NOW - 40_000, '{"level":"error","ms":70,"user":"u1"}'],
  [NOW - 30_000, 'plain text'],
]);
await fill(OTHER, [[NOW - 45_000, '{"level":"error","ms":1}']]);

interface Answer {
  rows: Record<string, string>[];
  answer: GetQueryResultsResponse;
  queryId: string;
}

async function query(queryString: string, input: object = { logGroupName: APP }, client = logs): Promise<Answer> {
  const range = { startTime: Math.floor(NOW / 1000) - 3600, endTime: Math.ceil(Date.now() / 1000) };
  const { queryId } = await client.send(new StartQueryCommand({ queryString, ...range, ...input }));
  return { queryId: queryId!, ...(await results(queryId!, client)) };
}

async function results(queryId: string, client = logs) {
  for (;;) {
    const answer = await client.send(new GetQueryResultsCommand({ queryId }));
    if (answer.status !== 'Scheduled' && answer.status !== 'Running') {
      const rows = answer.results!.map((row) => Object.fromEntries(row.map(({ field, value }) => [field!, value!])));
      return { answer, rows };
    }
    await sleep(20);
  }
}

test('what events are of', async () => {
  const group = '/entities';
  await fill(group, [[NOW - 20_000, 'of nothing']]);
  await logs.send(
    new PutLogEventsCommand({
      logGroupName: group,
      logStreamName: 's',
      logEvents: [{ timestamp: NOW - 10_000, message: 'of a service' }],
      entity: {
        keyAttributes: { Type: 'Service', Name: 'PetClinic', Environment: 'prod' },
        attributes: { PlatformType: 'AWS::EC2', 'EC2.InstanceId': 'i-1' },
      },
    }),
  );
  const display = 'fields @entity.KeyAttributes.Name, @entity.Attributes.EC2.InstanceId, @entity.Attributes.None';
  assert.deepEqual(
    (await query(display, { logGroupName: group })).rows.map(({ '@ptr': _, ...row }) => row),
    [{ '@entity.KeyAttributes.Name': 'PetClinic', '@entity.Attributes.EC2.InstanceId': 'i-1' }, {}],
  );
  const { rows } = await query(
    'filter ispresent(@entity) | stats count(*) as n by @entity.KeyAttributes.Type as type',
    {
      logGroupName: group,
    },
  );
  assert.deepEqual(rows, [{ type: 'Service', n: '1' }]);
});

test('a join with another group, and a filter by what it has', async () => {
  const joined = await query(
    `filter user = "u1" | join type=left left=app right=other where app.level=other.level (SOURCE '${OTHER}')
     | fields app.ms, other.ms | sort app.ms`,
  );
  assert.deepEqual(
    joined.rows.map(({ 'app.ms': ms, 'other.ms': other }) => [ms, other]),
    [
      ['5', undefined],
      ['70', '1'],
    ],
  );
  assert.equal(joined.answer.statistics!.logGroupsScanned, 2);
  const filtered = await query(`filter level in (SOURCE '${arnOf(`log-group:${OTHER}`)}' | fields level) | fields ms`);
  assert.deepEqual(
    filtered.rows.map(({ ms }) => ms),
    ['70', '50'],
  );
});

test('patterns and relevant fields, and commands over them', async () => {
  const commands = 'filter @sampleCount > 1 | stats sum(@sampleCount) as events | fields events + 1 as more';
  const { rows, answer } = await query(`pattern @message | ${commands}`);
  assert.deepEqual(rows, [{ events: '2', more: '3' }]);
  const { recordsMatched, recordsScanned, resultCount } = answer.statistics!;
  assert.deepEqual([recordsMatched, resultCount], [4, 1]);
  assert.ok(recordsScanned! >= 4);
  const relevant = await query('relevantfields where level = "error" | filter @relevanceScore = 1 | limit 1');
  assert.deepEqual(
    relevant.rows.map((row) => row['@fieldName']),
    ['level'],
  );
  assert.deepEqual([relevant.answer.statistics!.recordsMatched, relevant.rows[0]!['@ptr']], [4, undefined]);
});

test('a query: rows, statistics, the record behind a row', async () => {
  const { rows, answer } = await query('fields @timestamp, ms | filter level = "error" | sort ms desc');
  assert.equal(answer.status, 'Complete');
  assert.equal(answer.queryLanguage, 'CWLI');
  assert.deepEqual(
    rows.map(({ ms }) => ms),
    ['70', '50'],
  );
  assert.equal(rows[0]!['@timestamp'], new Date(NOW - 40_000).toISOString().replace('T', ' ').slice(0, -1));
  const { recordsMatched, recordsScanned, bytesScanned, logGroupsScanned, resultCount } = answer.statistics!;
  assert.deepEqual([recordsMatched, logGroupsScanned, resultCount], [2, 1, 2]);
  assert.ok(recordsScanned! >= 4 && bytesScanned! > 0);
  const { logRecord } = await logs.send(new GetLogRecordCommand({ logRecordPointer: rows[0]!['@ptr']! }));
  assert.deepEqual(
    { ...logRecord, '@ingestionTime': '' },
    {
      level: 'error',
      ms: '70',
      user: 'u1',
      '@message': '{"level":"error","ms":70,"user":"u1"}',
      '@timestamp': String(NOW - 40_000),
      '@ingestionTime': '',
      '@logStream': 's',
      '@log': `${ACCOUNT}:${APP}`,
    },
  );
});

test('groups: by name, names, identifiers, ARNs, SOURCE', async () => {
  const count = 'stats count(*) as n';
  const cases: [what: string, queryString: string, input: object, n: string, groups: string[]][] = [
    ['a name', count, { logGroupName: APP }, '4', [APP]],
    ['names', count, { logGroupNames: [APP, OTHER] }, '5', [APP, OTHER]],
    ['identifiers', count, { logGroupIdentifiers: [OTHER, arnOf(`log-group:${OTHER}`)] }, '1', [OTHER]],
    ['an ARN', count, { logGroupIdentifiers: [arnOf(`log-group:${APP}`)] }, '4', [APP]],
    ['SOURCE', `SOURCE logGroups(namePrefix: ['/insights/']) | ${count}`, {}, '5', [APP, OTHER]],
  ];
  for (const [what, queryString, input, n, groups] of cases) {
    const { rows, answer, queryId } = await query(queryString, input);
    assert.deepEqual(rows, [{ n }], what);
    assert.equal(answer.statistics!.logGroupsScanned, groups.length, what);
    const { logGroupIdentifiers } = await logs.send(new ListLogGroupsForQueryCommand({ queryId }));
    assert.deepEqual(
      logGroupIdentifiers,
      groups.map((name) => arnOf(`log-group:${name}`)),
      what,
    );
  }
});

test('SOURCE by tags and by data source', async () => {
  const tagged: [logGroupName: string, tags: Record<string, string>][] = [
    ['/tagged/a', { team: 'red', stage: 'prod', 'cw:datasource:name': 'shop', 'cw:datasource:type': 'orders' }],
    ['/tagged/b', { team: 'blue', stage: 'prod' }],
    ['/tagged/c', { team: 'red' }],
  ];
  for (const [logGroupName, tags] of tagged) {
    await fill(logGroupName, [[NOW - 1000, 'x']]);
    const resourceArn = arnOf(`log-group:${logGroupName}`);
    await logs.send(new TagResourceCommand({ resourceArn, tags }));
  }
  const cases: [source: string, groups: string[]][] = [
    ['logGroupTags([{key: "team", values: ["red"]}])', ['/tagged/a', '/tagged/c']],
    ['logGroupTags([{"key": "team", "values": ["!red"]}])', ['/tagged/b']],
    ['logGroupTags([{key: "stage"}, {key: "team", values: ["RE*", "x"]}])', ['/tagged/a']],
    ["dataSource(['shop.orders'])", ['/tagged/a']],
    ["dataSource(['shop.orders']) logGroups(namePrefix: ['/other'])", []],
    ["dataSource(['amazon_vpc.flow'])", []],
  ];
  for (const [source, groups] of cases) {
    const { rows } = await query(`SOURCE ${source} | stats count(*) by @log | sort @log`, {});
    assert.deepEqual(
      rows.map((row) => row['@log']),
      groups.map((name) => `${ACCOUNT}:${name}`),
      source,
    );
  }
});

test('the other languages: PPL and SQL', async () => {
  const cases: [queryLanguage: string, queryString: string, input: object][] = [
    ['PPL', 'where level = "error" | stats count() as n by user | sort user', { logGroupName: APP }],
    ['SQL', `SELECT user, COUNT(*) AS n FROM \`${APP}\` WHERE level = 'error' GROUP BY user ORDER BY user`, {}],
  ];
  for (const [queryLanguage, queryString, input] of cases) {
    const { rows, answer } = await query(queryString, { ...input, queryLanguage });
    assert.equal(answer.queryLanguage, queryLanguage);
    assert.deepEqual(
      rows.map(({ user, n }) => [user, n]),
      [
        ['u1', '1'],
        ['u2', '1'],
      ],
      queryLanguage,
    );
    await assert.rejects(query('nonsense', { ...input, queryLanguage }), { name: 'MalformedQueryException' });
  }
});

test('the time range: seconds or milliseconds, both ends included', async () => {
  const second = Math.floor((NOW - 50_000) / 1000);
  const cases: [startTime: number, endTime: number, n: number][] = [
    [second, second, 1],
    [second + 1, second + 1, 0],
    [NOW - 50_000, NOW - 40_000, 2],
    [0, second, 2],
  ];
  for (const [startTime, endTime, n] of cases) {
    const { rows } = await query('fields @message', { logGroupName: APP, startTime, endTime });
    assert.equal(rows.length, n, `${startTime} to ${endTime}`);
  }
});

test('pages of a result, and the limit', async () => {
  const { queryId, rows } = await query('fields @message | sort @timestamp asc', { logGroupName: APP, limit: 3 });
  assert.equal(rows.length, 3);
  const get = (input: object) => logs.send(new GetQueryResultsCommand({ queryId, ...input }));
  const first = await get({ maxItems: 2 });
  const second = await get({ maxItems: 2, nextToken: first.nextToken });
  assert.deepEqual([first.results!.length, second.results!.length, second.nextToken], [2, 1, undefined]);
  await assert.rejects(get({ nextToken: 'x' }), { name: 'InvalidParameterException' });
});

test('what is refused', async () => {
  await logs.send(new CreateLogGroupCommand({ logGroupName: '/delivered', logGroupClass: 'DELIVERY' }));
  const cases: [what: string, queryString: string, input: object, name: string, message: RegExp][] = [
    ['class', 'fields a', { logGroupName: '/delivered' }, 'InvalidParameterException', /the DELIVERY class/],
    ['no group', 'fields a', {}, 'InvalidParameterException', /^Exactly one of logGroupName, /],
    ['two ways', 'fields a', { logGroupName: APP, logGroupNames: [APP] }, 'InvalidParameterException', /^Exactly one/],
    [
      'unknown group',
      'fields a',
      { logGroupName: '/none' },
      'ResourceNotFoundException',
      /^Log group '\/none' does not exist for account ID '000000000000'$/,
    ],
    ['range', 'fields a', { logGroupName: APP, startTime: 10, endTime: 5 }, 'InvalidParameterException', /start time/],
    ['limit', 'fields a', { logGroupName: APP, limit: 0 }, 'InvalidParameterException', /'limit' failed/],
    [
      '51 groups',
      'fields a',
      { logGroupNames: Array.from({ length: 51 }, (_, i) => `/g${i}`) },
      'InvalidParameterException',
      /length less than or equal to 50/,
    ],
  ];
  for (const [what, queryString, input, name, message] of cases) {
    await assert.rejects(
      query(queryString, input),
      (error: Error) => error.name === name && message.test(error.message),
      what,
    );
  }
  await assert.rejects(query('fields @message | filtre x = 1'), (error: any) => {
    assert.equal(error.name, 'MalformedQueryException');
    const { location, message } = error.queryCompileError;
    assert.equal(location.startCharOffset, 18);
    assert.equal(location.endCharOffset, 24);
    assert.equal(error.message, message);
    return true;
  });
  const none = { queryId: 'none' };
  const unknown = { name: 'ResourceNotFoundException' };
  await assert.rejects(logs.send(new GetQueryResultsCommand(none)), unknown);
  await assert.rejects(logs.send(new StopQueryCommand(none)), unknown);
  await assert.rejects(logs.send(new ListLogGroupsForQueryCommand(none)), unknown);
});

test('a query that ends before its groups have events, by their age or retention, is malformed', async () => {
  const text = 'fields @message';
  const group = '/insights/young';
  await fill(group, [[NOW - 5 * 86_400_000, 'old']]);
  const until = (endTime: number, logGroupName = group) => query(text, { logGroupName, startTime: 1, endTime });
  const daysAgo = (days: number) => Math.floor(NOW / 1000) - days * 86_400;
  const malformed = {
    name: 'MalformedQueryException',
    message: `Query's end date and time is either before the log groups creation time or exceeds the log groups log retention settings ([0,${text.length}])`,
  };
  // Events put late are found, though the group is younger.
  assert.equal((await until(daysAgo(4))).rows.length, 1);
  await assert.rejects(until(daysAgo(6)), malformed);
  await logs.send(new PutRetentionPolicyCommand({ logGroupName: group, retentionInDays: 3 }));
  await assert.rejects(until(daysAgo(4)), malformed);
});

test('what groups of the class INFREQUENT_ACCESS do not support', async () => {
  const logGroupName = '/insights/infrequent';
  await logs.send(new CreateLogGroupCommand({ logGroupName, logGroupClass: 'INFREQUENT_ACCESS' }));
  assert.deepEqual((await query('stats count(*) as n', { logGroupName })).rows, [{ n: '0' }]);
  for (const [text, name, start] of [
    ['pattern @message', 'pattern', 0],
    ['filterIndex a = 1', 'filterIndex', 0],
    ['fields a | unmask @message', 'unmask', 18],
    ['fields concat("a", unmask(b))', 'unmask', 19],
  ] as const) {
    await assert.rejects(query(text, { logGroupNames: [APP, logGroupName] }), (error: any) => {
      assert.equal(error.message, `${name} is not supported for log groups of the Infrequent Access class`);
      assert.equal(error.queryCompileError.location.startCharOffset, start);
      return error.name === 'MalformedQueryException';
    });
  }
});

test('DescribeQueries: newest first, filtered, in pages; a query that has ended cannot be stopped', async () => {
  const { queryId: first } = await query('fields @message | limit 1', { logGroupName: OTHER });
  const { queryId: second } = await query('fields @message | limit 2', { logGroupNames: [OTHER, APP] });
  const describe = (input: object) => logs.send(new DescribeQueriesCommand(input));
  const { queries, nextToken } = await describe({ logGroupName: OTHER, maxResults: 1 });
  assert.equal(queries![0]!.queryId, second);
  const next = await describe({ logGroupName: OTHER, maxResults: 1, nextToken });
  assert.equal(next.queries![0]!.queryId, first);
  const { createTime, queryDuration, bytesScanned, userIdentity, queryString, ...rest } = next.queries![0]!;
  assert.match(queryString!, /^SOURCE "\/insights\/other" START=\d{13} END=\d{10}999 \| fields @message \| limit 1$/);
  assert.deepEqual(rest, {
    queryId: first,
    queryLanguage: 'CWLI',
    status: 'Complete',
    logGroupName: OTHER,
  });
  assert.ok(createTime! >= NOW && queryDuration! >= 0 && bytesScanned! > 0 && userIdentity!.includes(ACCOUNT));
  assert.deepEqual((await describe({ status: 'Running' })).queries, []);
  await assert.rejects(logs.send(new StopQueryCommand({ queryId: first })), {
    name: 'InvalidParameterException',
    message: 'The specified query is not running.',
  });
});

test('results outlive a crash; what ran then has failed', { timeout: 60_000 }, async () => {
  const dir = temporaryDirectory();
  let server = await spawnBrume(dir);
  let client = new CloudWatchLogsClient(clientConfig(server));
  await fill(APP, [[NOW - 1000, '{"a":1}']], client);
  const { queryId, rows } = await query('fields a', { logGroupName: APP }, client);
  assert.equal(rows[0]!.a, '1');
  await server.kill();
  server = await spawnBrume(dir);
  client = new CloudWatchLogsClient(clientConfig(server));
  const again = await results(queryId, client);
  assert.deepEqual([again.answer.status, again.rows], ['Complete', rows]);
  await server.stop();
});

test('lookup tables', async () => {
  const create = (input: object) => logs.send(new CreateLookupTableCommand(input as never));
  const tableBody = 'user,name,team\nu1,"Doe, Jane",red\nu2,Max,blue\n';
  const { lookupTableArn } = await create({ lookupTableName: 'users', tableBody, description: 'who is who' });
  assert.equal(lookupTableArn, arnOf('lookup-table:users'));
  const describe = async (input: object = {}) =>
    (await logs.send(new DescribeLookupTablesCommand(input))).lookupTables!;
  const [described] = await describe();
  assert.deepEqual(
    { ...described, lastUpdatedTime: 0 },
    {
      lookupTableArn,
      lookupTableName: 'users',
      description: 'who is who',
      tableFields: ['user', 'name', 'team'],
      recordsCount: 2,
      sizeBytes: tableBody.length,
      lastUpdatedTime: 0,
    },
  );
  const get = async () => (await logs.send(new GetLookupTableCommand({ lookupTableArn }))).tableBody;
  assert.equal(await get(), tableBody);

  await create({ lookupTableName: 'nets', tableBody: 'range,owner\n10.0.0.0/8,ours\n' });
  const owners = 'fields "10.1.2.3" as address | cidrlookup nets address output owner | display owner | limit 1';
  assert.deepEqual(
    (await query(owners)).rows.map(({ owner }) => owner),
    ['ours'],
  );

  const tags = { team: 'data' };
  await logs.send(new TagResourceCommand({ resourceArn: lookupTableArn, tags }));
  assert.deepEqual((await logs.send(new ListTagsForResourceCommand({ resourceArn: lookupTableArn }))).tags, tags);

  const refused: [input: object, name: string, message: RegExp][] = [
    [{ lookupTableName: 'users', tableBody }, 'ResourceAlreadyExistsException', /already exists/],
    [{ lookupTableName: 'a-b', tableBody }, 'InvalidParameterException', /'lookupTableName' failed/],
    [{ lookupTableName: 'x' }, 'InvalidParameterException', /Exactly one of tableBody and queryId/],
    [{ lookupTableName: 'x', tableBody, queryId: 'none' }, 'InvalidParameterException', /Exactly one/],
    [{ lookupTableName: 'x', tableBody: 'a,a\n1,2' }, 'ValidationException', /'a' more than once/],
    [{ lookupTableName: 'x', tableBody: 'a,b\n1' }, 'ValidationException', /Row 1 has 1 columns; the header row has 2/],
    [{ lookupTableName: 'x', tableBody: 'a,"b' }, 'ValidationException', /line 1: a quote that is not closed/],
    [{ lookupTableName: 'x', queryId: 'none' }, 'ResourceNotFoundException', /query/],
  ];
  for (const [input, name, message] of refused) {
    await assert.rejects(
      create(input),
      (error: Error) => error.name === name && message.test(error.message),
      String(message),
    );
  }
  await logs.send(new UpdateLookupTableCommand({ lookupTableArn, tableBody: 'user,name\nu1,Jane\n' }));
  assert.equal(await get(), 'user,name\nu1,Jane\n');
  assert.equal((await describe({ lookupTableNamePrefix: 'users' }))[0]!.recordsCount, 1);
  await logs.send(new DeleteLookupTableCommand({ lookupTableArn }));
  await assert.rejects(get(), { name: 'ResourceNotFoundException' });
});

test('a lookup table from the result of a query', async () => {
  const { queryId } = await query('stats count(*) as n by level | sort n desc | filter ispresent(level)');
  await logs.send(new CreateLookupTableCommand({ lookupTableName: 'levels', queryId }));
  assert.deepEqual(
    (await logs.send(new DescribeLookupTablesCommand({ lookupTableNamePrefix: 'lev' }))).lookupTables!.map(
      ({ tableFields, recordsCount }) => [tableFields!.sort(), recordsCount],
    ),
    [[['level', 'n'], 2]],
  );
});

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
async function fill(
  logGroupName: string,
  events: [timestamp: number, message: string][],
  client = logs,
): Promise<void> {
  const logStreamName = 's';
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  const logEvents = events.map(([timestamp, message]) => ({ timestamp, message }));
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}
