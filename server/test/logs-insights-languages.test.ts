// OpenSearch PPL and SQL: what queries in them answer, with the official client on a whole server.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  GetQueryResultsCommand,
  type MalformedQueryException,
  PutLogEventsCommand,
  type QueryLanguage,
  StartQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const logs = new CloudWatchLogsClient(clientConfig(brume));
const NOW = Date.now();
const APP = '/languages/app';

await logs.send(
  new CreateLogGroupCommand({
    logGroupName: APP,
    tags: { 'cw:datasource:name': 'shop', 'cw:datasource:type': 'orders' },
  }),
);
await logs.send(new CreateLogStreamCommand({ logGroupName: APP, logStreamName: 's' }));
const events = [
  { user: 'ann', ms: 5, path: '/a/one' },
  { user: 'bob', ms: 50, path: '/a/two' },
  { user: 'ann', ms: 70, path: '/b/one' },
  { ms: 1 },
];
await logs.send(
  new PutLogEventsCommand({
    logGroupName: APP,
    logStreamName: 's',
    logEvents: events.map((event, i) => ({ timestamp: NOW - 60_000 + i, message: JSON.stringify(event) })),
  }),
);

const start = (queryLanguage: QueryLanguage, queryString: string) =>
  logs.send(
    new StartQueryCommand({
      queryLanguage,
      queryString,
      ...(queryLanguage === 'PPL' && { logGroupName: APP }),
      startTime: Math.floor(NOW / 1000) - 3600,
      endTime: Math.ceil(NOW / 1000),
    }),
  );

async function rows(queryLanguage: QueryLanguage, queryString: string): Promise<Record<string, string>[]> {
  const { queryId } = await start(queryLanguage, queryString);
  for (;;) {
    const answer = await logs.send(new GetQueryResultsCommand({ queryId }));
    if (answer.status !== 'Scheduled' && answer.status !== 'Running') {
      assert.equal(answer.status, 'Complete');
      assert.equal(answer.queryLanguage, queryLanguage);
      return answer.results!.map((row) =>
        Object.fromEntries(row.filter(({ field }) => field !== '@ptr').map(({ field, value }) => [field!, value!])),
      );
    }
    await sleep(20);
  }
}

const QUERIES: [language: QueryLanguage, text: string, rows: Record<string, string>[]][] = [
  [
    'PPL',
    'where ms > 10 | sort - ms | fields user, ms',
    [
      { user: 'ann', ms: '70' },
      { user: 'bob', ms: '50' },
    ],
  ],
  [
    'PPL',
    'stats count() as n, max(ms) as most by user | where isnotnull(user) | sort user',
    [
      { user: 'ann', n: '2', most: '70' },
      { user: 'bob', n: '1', most: '50' },
    ],
  ],
  [
    'PPL',
    'where path like "/a/%" | parse path "/(?<top>[^/]+)/(?<leaf>.+)" | sort ms | fields top, leaf',
    [
      { top: 'a', leaf: 'one' },
      { top: 'a', leaf: 'two' },
    ],
  ],
  [
    'PPL',
    'fillnull with "nobody" in user | dedup user | sort user | fields user',
    [{ user: 'ann' }, { user: 'bob' }, { user: 'nobody' }],
  ],
  ['PPL', 'where isnotnull(user) | top 1 user', [{ user: 'ann', count: '2' }]],
  [
    'PPL',
    'eval half = ms / 2, tail = substring(path, 4) | sort ms | head 2 | fields half, tail',
    [{ half: '0.5' }, { half: '2.5', tail: 'one' }],
  ],
  [
    'PPL',
    'stats count() as n by span(ms, 50) as band | rename n as events | sort band',
    [
      { band: '0', events: '2' },
      { band: '50', events: '2' },
    ],
  ],
  [
    'SQL',
    `SELECT user, ms AS took FROM \`${APP}\` WHERE ms BETWEEN 5 AND 50 ORDER BY took`,
    [
      { user: 'ann', took: '5' },
      { user: 'bob', took: '50' },
    ],
  ],
  ['PPL', `source = [lg:\`${APP}\`, ds:\`shop.orders\`] | stats count() as n`, [{ n: '4' }]],
  ['PPL', `source = [lg:\`${APP}\`, ds:\`shop.returns\`] | where ms > 0 | fields ms`, []],
  ['SQL', "SELECT user FROM `dataSource(['shop.orders'])` WHERE ms = 50", [{ user: 'bob' }]],
  ['SQL', `SELECT ms FROM \`logGroups(logGroupIdentifier: ['${APP}']) filterIndex('user' = 'ann')\``, []],
  ['SQL', `SELECT ms FROM \`${APP}\` WHERE user != 'ann'`, [{ ms: '50' }]],
  ['SQL', `SELECT ms FROM \`${APP}\` WHERE NOT (user = 'ann' AND ms < 10) ORDER BY ms`, [{ ms: '50' }, { ms: '70' }]],
  [
    'SQL',
    `SELECT user, SUM(ms) AS total FROM \`${APP}\` WHERE user IS NOT NULL GROUP BY user HAVING COUNT(*) > 1`,
    [{ user: 'ann', total: '75' }],
  ],
  ['SQL', `SELECT COUNT(*) FROM \`logGroups(logGroupIdentifier: ['${APP}'])\``, [{ 'COUNT(*)': '4' }]],
  [
    'SQL',
    `SELECT DISTINCT user FROM \`${APP}\` WHERE user LIKE '%n%' OR user ILIKE 'B__'  ORDER BY user DESC`,
    [{ user: 'bob' }, { user: 'ann' }],
  ],
  [
    'SQL',
    `SELECT date_trunc('year', \`@timestamp\`) AS y, MAX(ms) AS most FROM \`${APP}\` GROUP BY y ORDER BY y LIMIT 1`,
    [{ y: `${new Date(NOW - 60_000).getUTCFullYear()}-01-01 00:00:00.000`, most: '70' }],
  ],
];

for (const [language, text, expected] of QUERIES) {
  test(`${language}: ${text}`, async () => assert.deepEqual(await rows(language, text), expected));
}

test('a fault in PPL and SQL tells its place', async () => {
  const faults: [QueryLanguage, string, number, number][] = [
    ['PPL', 'fields a | lookup b', 11, 17],
    ['SQL', `SELECT a FROM \`${APP}\` WHERE`, 36, 36],
  ];
  for (const [language, text, startCharOffset, endCharOffset] of faults) {
    await assert.rejects(start(language, text), (error: MalformedQueryException) => {
      assert.equal(error.name, 'MalformedQueryException');
      assert.deepEqual(error.queryCompileError?.location, { startCharOffset, endCharOffset });
      return true;
    });
  }
});
