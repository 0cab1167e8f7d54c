// `brume logs …` as a process, against a whole server.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig, startBrume, temporaryDirectory } from '#test/harness.ts';
import { type CliOptions, spawnCli } from './cli-process.ts';

const brume = await startBrume();
const client = new CloudWatchLogsClient(clientConfig(brume));
const dir = temporaryDirectory();
const HOUR_MS = 3_600_000;

const brumeLogs = (args: string[], options: CliOptions = {}) =>
  spawnCli(['logs', ...args], { endpoint: brume.endpoint, ...options });

const run = (args: string[], options?: CliOptions) => brumeLogs(args, options).ended;

function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

async function messages(logGroupName: string): Promise<[at: number, message: string][]> {
  const { events = [] } = await client.send(new FilterLogEventsCommand({ logGroupName }));
  return events.map(({ timestamp, message }) => [timestamp!, message!]);
}

const recent = Math.floor((Date.now() - HOUR_MS) / 1000) * 1000;
const at = (ms: number) => new Date(ms).toISOString();

test('import: text with a stack trace, plain, gzip, zstd and from standard input', async () => {
  const text = `${at(recent)} INFO start\n${at(recent + 1000)} ERROR boom\nTraceback (most recent call last):\n  File "a.py"\nValueError: no\n${at(recent + 2000)} INFO end\n`;
  const events = [
    [recent, `${at(recent)} INFO start`],
    [
      recent + 1000,
      `${at(recent + 1000)} ERROR boom\nTraceback (most recent call last):\n  File "a.py"\nValueError: no`,
    ],
    [recent + 2000, `${at(recent + 2000)} INFO end`],
  ];
  const cases: [group: string, path: string, stream: string][] = [
    ['/import/plain', file('app.log', text), 'app.log'],
    ['/import/gzip', file('app.log.gz', gzipSync(text)), 'app.log'],
    ['/import/zstd', file('app.log.zst', zstdCompressSync(Buffer.from(text))), 'app.log'],
    ['/import/stdin', '-', 'stdin'],
    ['/import/packed-stdin', '-', 'stdin'],
  ];
  for (const [group, path, stream] of cases) {
    const { code, stdout, stderr } = await run(['import', path, '--group', group], {
      input: group.includes('packed') ? gzipSync(text) : text,
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^3 of 3 events \\(text\\) are in the new group ${group}, in `));
    assert.deepEqual(await messages(group), events);
    const { logStreams } = await client.send(new DescribeLogStreamsCommand({ logGroupName: group }));
    assert.deepEqual(
      logStreams!.map(({ logStreamName }) => logStreamName),
      [stream],
    );
  }
});

test('import: formats are told by their lines', async () => {
  const access = new Date(recent).toUTCString().replace(/^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/, '$1/$2/$3:$4 +0000');
  const cases: [format: string, line: string][] = [
    ['json', JSON.stringify({ timestamp: recent, level: 'info' })],
    ['apache', `127.0.0.1 - - [${access}] "GET / HTTP/1.1" 200 1`],
    ['syslog', `<34>1 ${at(recent)} host app - - - hello`],
  ];
  for (const [format, line] of cases) {
    const group = `/import/${format}`;
    const { code, stdout, stderr } = await run(['import', file(`${format}.log`, `${line}\n`), '--group', group]);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes(`(${format})`), stdout);
    assert.deepEqual(await messages(group), [[recent, line]]);
  }
});

test('import: files that are one JSON list', async () => {
  const records = [1, 2, 3].map((n) => ({
    eventTime: at(recent + n),
    eventName: `event ${n}`,
    note: 'x'.repeat(n * 1000),
  }));
  const expected = records.map((record, i) => [recent + i + 1, JSON.stringify(record)]);
  const cases: [group: string, content: string][] = [
    ['/import/cloudtrail', JSON.stringify({ Records: records })],
    ['/import/list', JSON.stringify(records, undefined, 2)],
  ];
  for (const [group, content] of cases) {
    const { code, stdout, stderr } = await run(['import', file('list.json.gz', gzipSync(content)), '--group', group]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^3 of 3 events \(json\)/);
    assert.deepEqual(await messages(group), expected);
  }
  const text = await run(['import', file('list.json', cases[0]![1]), '--group', '/import/as-text', '--format', 'text']);
  assert.match(text.stdout, /^1 of 1 events \(text\)/);
});

test('import: out of order, over days, and many events', async () => {
  const DAY_MS = 24 * HOUR_MS;
  const times = Array.from({ length: 25_000 }, (_, i) => recent - ((i * 7919) % 25_000) * ((5 * DAY_MS) / 25_000));
  const path = file('many.log', times.map((ms, i) => `${at(ms)} event ${i}\n`).join(''));
  const { code, stdout, stderr } = await run(['import', path, '--group', '/import/many']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^25,000 of 25,000 events/);
  const all = await run(['tail', '/import/many', '--since', '6d']);
  assert.equal(all.stdout.trimEnd().split('\n').length, 25_000);
});

test('import: what PutLogEvents rejects is counted, and --shift-to-now helps', async () => {
  const old = Date.UTC(2005, 5, 3);
  const path = file('old.log', `${at(old)} a\n${at(old + 1000)} b\n`);
  const rejected = await run(['import', path, '--group', '/import/old']);
  assert.equal(rejected.code, 1);
  assert.match(rejected.stdout, /^0 of 2 events .*\n2 were rejected: older than 14 days.*--shift-to-now/);
  const shifted = await run(['import', path, '--group', '/import/old', '--shift-to-now']);
  assert.equal(shifted.code, 0, shifted.stderr);
  const [first, last] = (await messages('/import/old')) as [[number, string], [number, string]];
  assert.equal(last[0] - first[0], 1000);
  assert.ok(Date.now() - last[0] < 60_000);
});

test('tail: since, filter, JSON, follow', async () => {
  const logGroupName = '/tail/app';
  const logStreamName = 'stream-1';
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  const put = (...events: [number, string][]) =>
    client.send(
      new PutLogEventsCommand({
        logGroupName,
        logStreamName,
        logEvents: events.map(([timestamp, message]) => ({ timestamp, message })),
      }),
    );
  await put([recent, 'ERROR one'], [recent + 1, 'fine'], [Date.now() - 1000, 'ERROR two']);
  const all = await run(['tail', logGroupName, '--since', '2h']);
  assert.equal(all.stdout.split('\n')[0], `${at(recent)} ${logStreamName} ERROR one`);
  assert.equal(all.stdout.trim().split('\n').length, 3);
  const filtered = await run(['tail', logGroupName, '--since', '10m', '--filter', 'ERROR', '--json']);
  assert.equal(JSON.parse(filtered.stdout).message, 'ERROR two');

  const names = ['--log-stream-names', logStreamName, '--filter-pattern', 'ERROR', '--format', 'short'];
  const short = await run(['tail', logGroupName, '--since', '2h', ...names]);
  assert.equal(short.stdout.split('\n')[0], `${at(recent)} ERROR one`, 'with the options of aws logs tail');
  assert.equal(short.stdout.trim().split('\n').length, 2);
  const ofOthers = await run(['tail', logGroupName, '--since', '2h', '--log-stream-name-prefix', 'x']);
  assert.deepEqual([ofOthers.code, ofOthers.stdout], [0, '']);

  const following = brumeLogs(['tail', logGroupName, '--follow', '--filter', 'ERROR']);
  for (let i = 0; i < 200 && !following.output.stdout.includes('two'); i++) await sleep(50);
  await put([Date.now(), 'ERROR three'], [Date.now(), 'fine']);
  for (let i = 0; i < 200 && !following.output.stdout.includes('three'); i++) await sleep(50);
  following.child.kill('SIGINT');
  const { code, stdout } = await following.ended;
  assert.equal(code, 0);
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(2).join(' ')),
    ['ERROR two', 'ERROR three'],
  );
});

test('query: table, CSV, JSON; the place of a fault', async () => {
  const group = '/query/levels';
  const lines = [1, 2, 3].map((n) => JSON.stringify({ timestamp: recent + n, level: n === 1 ? 'error' : 'info', n }));
  await run(['import', file('query.log', `${lines.join('\n')}\n`), '--group', group]);
  const text = 'stats count(*) as events, sum(n) as total by level | sort level asc';
  const query = (...args: string[]) => run(['query', group, text, '--since', '3h', ...args]);
  const table = await query();
  assert.equal(table.code, 0, table.stderr);
  const [header, rule, ...rows] = table.stdout.trimEnd().split('\n');
  assert.deepEqual(header!.split(/ +/).toSorted(), ['events', 'level', 'total']);
  assert.match(rule!, /^─+ {2}─+ {2}─+$/);
  assert.deepEqual(
    rows.map((row) => row.trim().split(/ +/).toSorted()),
    [
      ['1', '1', 'error'],
      ['2', '5', 'info'],
    ],
  );
  assert.match(table.stderr, /^2 rows; 3 of 3 events scanned /);
  const csv = (await query('--format', 'csv')).stdout.trimEnd().split('\n');
  assert.deepEqual([csv.length, csv[1]!.split(',').toSorted()], [3, ['1', '1', 'error']]);
  const json = (await query('--format', 'json')).stdout.trimEnd().split('\n');
  assert.deepEqual(JSON.parse(json[1]!), { level: 'info', events: '2', total: '5' });
  const shorter = await query('--end', at(recent - 1000));
  assert.match(shorter.stderr, /^Query's end date and time is either before/);
  const wrong = await run(['query', group, 'fields @message | filtre x']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /\n {2}fields @message \| filtre x\n {20}\^{6}\n$/);
});

test('what stands in the way is said with what to do', async () => {
  const cutOff = file('cut.gz', gzipSync('a line\n'.repeat(1000)).subarray(0, 30));
  const cases: [what: string, args: string[], endpoint: string | undefined, message: RegExp][] = [
    ['no server', ['tail', 'g'], 'http://127.0.0.1:9', /^No Brume answers at http:\/\/127\.0\.0\.1:9: nothing listens/],
    ['no group', ['tail', '/tail-app'], undefined, /^There is no log group \/tail-app\. Did you mean \/tail\/app\?/],
    ['no group to query', ['query', '/tail-app', 'fields a'], undefined, /^There is no log group \/tail-app\./],
    ['no query', ['query', '/tail/app'], undefined, /^No query for \/tail\/app: brume logs query/],
    ['no limit', ['query', '/tail/app', 'fields a', '--limit', 'x'], undefined, /^"x" is no number of rows/],
    ['no time', ['tail', '/tail/app', '--since', 'ever'], undefined, /^"ever" is no time: give 15m/],
    [
      'a file cut off',
      ['import', cutOff, '--group', 'g'],
      undefined,
      /^\S+ cannot be unpacked to its end \(unexpected end of file\)/,
    ],
    ['no file', ['import', '/none.log', '--group', 'g'], undefined, /^There is no file \/none\.log\./],
    [
      'no pattern',
      ['tail', '/tail/app', '--filter', '{ $.a'],
      undefined,
      /^InvalidParameterException: If a filter pattern/,
    ],
  ];
  for (const [what, args, endpoint, message] of cases) {
    const { code, stderr } = await run(args, endpoint === undefined ? {} : { endpoint });
    assert.equal(code, 1, what);
    assert.match(stderr, message, what);
  }
});
