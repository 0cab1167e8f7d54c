// Transformed versions of events, kept beside the originals: what sees which, before and after kill -9.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteTransformerCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  GetLogGroupFieldsCommand,
  GetLogRecordCommand,
  GetQueryResultsCommand,
  PutAccountPolicyCommand,
  PutDataProtectionPolicyCommand,
  PutLogEventsCommand,
  PutTransformerCommand,
  StartQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';

const brume = await startBrume();
const logs = new CloudWatchLogsClient(clientConfig(brume));

const KEY_VALUES = [
  { parseKeyValue: { fieldDelimiter: ' ' } },
  { addKeys: { entries: [{ key: 'team', value: 'data' }] } },
];
const PARSE_JSON = [{ parseJSON: {} }, { addKeys: { entries: [{ key: 'team', value: 'data' }] } }];

async function group(logGroupName: string, transformerConfig?: object[], client = logs): Promise<string> {
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 's' }));
  const transformer = { logGroupIdentifier: logGroupName, transformerConfig: transformerConfig as never };
  if (transformerConfig) await client.send(new PutTransformerCommand(transformer));
  return logGroupName;
}

async function put(logGroupName: string, messages: string[], client = logs): Promise<void> {
  const timestamp = Date.now();
  const logEvents = messages.map((message) => ({ message, timestamp }));
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName: 's', logEvents }));
}

type Row = Record<string, string>;

async function query(logGroupNames: string[], queryString: string, client = logs): Promise<Row[]> {
  const endTime = Date.now() + 60_000;
  const request = { logGroupNames, queryString, startTime: endTime - 3_600_000, endTime };
  const { queryId } = await client.send(new StartQueryCommand(request));
  for (;;) {
    const { status, results } = await client.send(new GetQueryResultsCommand({ queryId }));
    if (status === 'Complete') {
      return results!.map((row) => Object.fromEntries(row.map(({ field, value }) => [field!, value!])));
    }
    assert.match(status!, /Scheduled|Running/);
    await sleep(20);
  }
}

function without(name: string, rows: Row[]): Row[] {
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([field]) => field !== name)));
}

test('queries find fields in the transformed version; what gives events back gives the originals', async () => {
  const logGroupName = await group('keys');
  await put(logGroupName, ['step=early']);
  await put(await group('plain'), ['{"team":"other","step":"plain"}']);
  const before = { logGroupIdentifier: logGroupName, transformerConfig: KEY_VALUES };
  await logs.send(new PutTransformerCommand(before));
  await put(logGroupName, ['step=load rows=12', 'step=clean rows=30']);
  await logs.send(new DeleteTransformerCommand({ logGroupIdentifier: logGroupName }));
  await put(logGroupName, ['step=late']);

  const table: [text: string, groups: string[], rows: Row[]][] = [
    [
      'fields @message, step, rows | filter team = "data" | sort step',
      ['keys'],
      [
        { '@message': 'step=clean rows=30', step: 'clean', rows: '30' },
        { '@message': 'step=load rows=12', step: 'load', rows: '12' },
      ],
    ],
    ['stats sum(rows) as total by team | sort total desc | limit 1', ['keys'], [{ team: 'data', total: '42' }]],
    [
      'stats count(*) as n by team | filter ispresent(team) | sort n',
      ['keys', 'plain'],
      [
        { team: 'other', n: '1' },
        { team: 'data', n: '2' },
      ],
    ],
    ['fields @message | filter @message like /rows=12/', ['keys'], [{ '@message': 'step=load rows=12' }]],
    ['stats count(step) as n', ['keys'], [{ n: '2' }]],
    ['fields step | sort step | limit 1 | filter rows > 1', ['keys'], [{ step: 'clean' }]],
  ];
  for (const [text, groups, expected] of table) {
    assert.deepEqual(without('@ptr', await query(groups, text)), expected, text);
  }

  const originals = ['step=early', 'step=load rows=12', 'step=clean rows=30', 'step=late'];
  const got = await logs.send(new GetLogEventsCommand({ logGroupName, logStreamName: 's', startFromHead: true }));
  assert.deepEqual(
    got.events!.map(({ message }) => message),
    originals,
  );
  const filtered = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: '{ $.team = "data" }' }));
  assert.deepEqual(filtered.events, []);

  const [row] = await query(['keys'], 'fields @ptr | filter step = "load"');
  const { logRecord } = await logs.send(new GetLogRecordCommand({ logRecordPointer: row!['@ptr']! }));
  const { '@message': message, step, team } = logRecord!;
  assert.deepEqual([message, step, team], ['step=load rows=12', 'load', 'data']);
  const { logGroupFields } = await logs.send(new GetLogGroupFieldsCommand({ logGroupName }));
  assert.equal(logGroupFields!.find(({ name }) => name === 'team')?.percent, 50);
});

test('an event that a processor cannot work on says so', async () => {
  await put(await group('failing', PARSE_JSON), ['{"a":1}', 'no JSON']);
  const failed = await query(['failing'], 'fields @message | filter ispresent(@transformationError)');
  assert.deepEqual(without('@ptr', failed), [{ '@message': 'no JSON' }]);
  const [error] = await query(['failing'], 'stats count(@transformationError) as errors, count(team) as fine');
  assert.deepEqual(error, { errors: '1', fine: '1' });
  assert.deepEqual(await query(['plain'], 'filter ispresent(@transformationError)'), []);
});

test('an account-level transformer, and data protection of what is transformed', async () => {
  await logs.send(
    new PutAccountPolicyCommand({
      policyName: 'p',
      policyType: 'TRANSFORMER_POLICY',
      policyDocument: JSON.stringify(PARSE_JSON),
      selectionCriteria: 'LogGroupNamePrefix IN ["of-account/"]',
    }),
  );
  const name = await group('of-account/a');
  const identifiers = ['arn:aws:dataprotection::aws:data-identifier/EmailAddress'];
  const statement = { DataIdentifier: identifiers };
  await logs.send(
    new PutDataProtectionPolicyCommand({
      logGroupIdentifier: name,
      policyDocument: JSON.stringify({
        Name: 'p',
        Version: '2021-06-01',
        Statement: [
          { ...statement, Operation: { Audit: { FindingsDestination: {} } } },
          { ...statement, Operation: { Deidentify: { MaskConfig: {} } } },
        ],
      }),
    }),
  );
  await put(name, ['{"mail":"a@example.com"}']);
  const rows = await query([name], 'fields mail, team, unmask(mail) as plain');
  assert.deepEqual(without('@ptr', rows), [{ mail: '*************', team: 'data', plain: 'a@example.com' }]);
});

test('kill -9 keeps transformed versions, in the table or not yet', { timeout: 120_000 }, async () => {
  const dataDir = temporaryDirectory();
  const acknowledged: number[] = [];
  for (let round = 0; round < 3; round++) {
    const server = await spawnBrume(dataDir);
    const client = new CloudWatchLogsClient(clientConfig(server));
    if (round === 0) await group('kept', PARSE_JSON, client);
    const writing = (async () => {
      for (let i = round * 100_000; ; i++) {
        try {
          await put('kept', [JSON.stringify({ n: i }), `no JSON ${i}`], client);
        } catch {
          return;
        }
        acknowledged.push(i);
      }
    })();
    await sleep(1_500);
    await server.kill();
    await writing;
  }
  assert.ok(acknowledged.length > 30, `too little was put to prove anything: ${acknowledged.length}`);
  const server = await spawnBrume(dataDir);
  try {
    const client = new CloudWatchLogsClient(clientConfig(server));
    const found = await query(['kept'], 'filter team = "data" | fields n | sort n | limit 10000', client);
    const numbers = new Set(found.map(({ n }) => Number(n)));
    assert.equal(numbers.size, found.length, 'each once');
    assert.deepEqual(
      acknowledged.filter((n) => !numbers.has(n)),
      [],
      'acknowledged and lost',
    );
    const [failed] = await query(['kept'], 'stats count(@transformationError) as n', client);
    assert.equal(Number(failed!.n), found.length);
  } finally {
    await server.stop();
  }
});
