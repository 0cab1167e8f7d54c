import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NOON, openTestStore, type TestEvent, type TestOptions } from '../../../../test/insights-store.ts';
import { parseQuery } from '../syntax/parser.ts';
import { QuerySyntaxError } from '../syntax/query-syntax-error.ts';
import { compileQuery } from './compile-query.ts';

let store: Awaited<ReturnType<typeof openTestStore>>;
before(async () => {
  store = await openTestStore();
});
after(() => store.close());

interface Golden extends TestOptions {
  name: string;
  query: string;
  events: readonly (string | TestEvent)[];
  group?: string;
  gives: Record<string, string>[];
}

function golden(cases: readonly Golden[]): void {
  for (const { name, query, events, group, gives, ...options } of cases) {
    test(name, async () => {
      const { found } = await store.run(query, [await store.group(events, group)], options);
      assert.deepEqual(found, gives);
    });
  }
}

const at = (ms: number, message: string): TestEvent => ({ message, timestamp: NOON + ms });
const LEVELS = [
  '{"level":"INFO","ms":5,"user":{"id":"u1","tags":["a","b"]}}',
  '{"level":"ERROR","ms":"12.5","user":{"id":"u2"}}',
  '{"level":"ERROR","ms":100,"ok":true}',
  'plain text ERROR',
];

describe('commands', () => {
  golden([
    {
      name: 'newest first, with @timestamp and @message, when nothing is said',
      query: 'filter @message like /b/',
      events: ['a', 'b1', 'b2'],
      gives: [
        { '@timestamp': '2026-11-23 12:00:00.002', '@message': 'b2' },
        { '@timestamp': '2026-11-23 12:00:00.001', '@message': 'b1' },
      ],
    },
    {
      name: 'fields adds columns, and leaves out what an event does not have',
      query: 'fields level, ms * 2 as double | fields user.id',
      events: LEVELS,
      gives: [
        {},
        { level: 'ERROR', double: '200' },
        { level: 'ERROR', double: '25', 'user.id': 'u2' },
        { level: 'INFO', double: '10', 'user.id': 'u1' },
      ],
    },
    {
      name: 'display replaces them',
      query: 'fields level, ms | display user.tags.1 | filter ispresent(user.tags)',
      events: LEVELS,
      gives: [{ 'user.tags.1': 'b' }],
    },
    {
      name: 'sort: texts before numbers, missing last',
      query: 'fields v | sort v',
      events: ['{"v":10}', '{"v":"b"}', '{"v":9}', '{"v":"a10"}', '{"v":"a9"}', '{}'],
      gives: [{ v: 'a9' }, { v: 'a10' }, { v: 'b' }, { v: '9' }, { v: '10' }, {}],
    },
    {
      name: 'sort desc',
      query: 'fields v | sort v desc | limit 2',
      events: ['{"v":10}', '{"v":"b"}', '{"v":9}', '{}'],
      gives: [{ v: '10' }, { v: '9' }],
    },
    {
      name: 'sort by time, and a limit before a filter',
      query: 'fields @message | sort @timestamp asc | limit 2 | filter @message like "b"',
      events: ['a', 'b1', 'b2'],
      gives: [{ '@message': 'b1' }],
    },
    {
      name: 'the limit of the request',
      query: 'fields @message',
      events: ['a', 'b', 'c'],
      limit: 1,
      gives: [{ '@message': 'c' }],
    },
    {
      name: 'parse with a glob',
      query:
        'parse @message "user=*, method:*, latency := *" as @user, @method, @latency | stats avg(@latency) by @method, @user',
      events: ['x user=ann, method:GET, latency := 10', 'user=ann, method:GET, latency := 20', 'user=bob, method:PUT'],
      gives: [{ '@method': 'GET', '@user': 'ann', 'avg(@latency)': '15' }, {}],
    },
    {
      name: 'parse with named groups',
      query: 'parse @message /(?<time>[0-9]{2}:[0-9]{2}) (\\w+ )?(?<code>[A-Z]+)/ | display time, code',
      events: ['at 10:11 GET', 'nothing', '10:12 x PUT'],
      gives: [{ time: '10:12', code: 'PUT' }, {}, { time: '10:11', code: 'GET' }],
    },
    {
      name: 'dedup keeps the newest, and those without the field',
      query: 'fields server, n | dedup server',
      events: ['{"server":"a","n":1}', '{"server":"b","n":2}', '{"server":"a","n":3}', '{"n":4}', '{"n":5}'],
      gives: [{ n: '5' }, { n: '4' }, { server: 'a', n: '3' }, { server: 'b', n: '2' }],
    },
    {
      name: 'dedup after a sort keeps the first of it',
      query: 'fields server, n | sort n asc | dedup server | limit 1',
      events: ['{"server":"a","n":3}', '{"server":"b","n":2}', '{"server":"a","n":1}'],
      gives: [{ server: 'a', n: '1' }],
    },
    {
      name: 'unnest',
      query:
        'fields jsonParse(@message) as json_message | unnest json_message.events into event | display event.name | sort event.name',
      events: [
        '{"events":[{"name":"exception"},{"name":"user action"}]}',
        '{"events":{"name":"alone"}}',
        '{"events":[]}',
      ],
      gives: [{ 'event.name': 'alone' }, { 'event.name': 'exception' }, { 'event.name': 'user action' }],
    },
    {
      name: 'stats over stats',
      query: 'stats count(*) as n by level, bin(1m) | stats max(n) as most, sum(n) as all',
      events: [at(0, '{"level":"a"}'), at(1, '{"level":"a"}'), at(60_000, '{"level":"b"}')],
      gives: [{ most: '2', all: '3' }],
    },
    {
      name: 'bins come newest first, under their own text',
      query: 'stats count(*) by bin(5m)',
      events: [at(0, 'a'), at(299_999, 'b'), at(300_000, 'c')],
      gives: [
        { 'bin(5m)': '2026-11-23 12:05:00.000', 'count(*)': '1' },
        { 'bin(5m)': '2026-11-23 12:00:00.000', 'count(*)': '2' },
      ],
    },
    {
      name: 'stats sorted by a column named by its text, and filtered',
      query: 'stats count(*) by level | sort count(*) desc | filter level = "ERROR" or level = "INFO"',
      events: LEVELS,
      gives: [
        { level: 'ERROR', 'count(*)': '2' },
        { level: 'INFO', 'count(*)': '1' },
      ],
    },
    {
      name: 'stats of JSON fields only, of keys however they are written',
      query: 'stats sum(n.v) as s, count(m) as c',
      events: ['{"n":{"v":1}}', '{"n.v":2}', '{"\\u006e":{"v":4}}', '{"m":1}', 'text', '{"x":{"n":{"v":8}}}'],
      gives: [{ s: '7', c: '1' }],
    },
    {
      name: 'stats of nothing',
      query: 'filter level = "none" | stats count(*) as n, sum(ms) as s, max(ms) as m',
      events: LEVELS,
      gives: [{ n: '0' }],
    },
  ]);

  test('lookup appends columns where the key is known', async () => {
    const group = await store.group(['{"id":"1"}', '{"id":2}', '{"id":"9"}']);
    const tables = {
      users: {
        columns: ['user_id', 'name', 'team'],
        rows: [
          ['1', 'ann', 'red'],
          ['2', 'bob', ''],
          ['1', 'x', 'y'],
        ],
      },
    };
    const { found } = await store.run(
      'fields id | lookup users user_id as id OUTPUT name, team as t | display id, name, t | sort id',
      [group],
      { tables },
    );
    assert.deepEqual(found, [{ id: '1', name: 'ann', t: 'red' }, { id: '2', name: 'bob', t: '' }, { id: '9' }]);
  });
});

test('events that have none of the fields count as matched', async () => {
  const group = await store.group(['{"n":1}', 'text', '{}']);
  const { matched, found } = await store.run('stats avg(n) as a', [group]);
  assert.deepEqual({ matched, found }, { matched: { count: 3, atLeast: false }, found: [{ a: '1' }] });
});

describe('what does not compile', () => {
  const scope = { groups: [], startMs: 0, endMs: 0, nowMs: 0, pointer: () => '' };
  const faults: [query: string, start: number, message: string][] = [
    ['stats count(*) by a | filter b = 1', 29, 'Unknown symbols found in or after stats: b'],
    ['stats count(*) by a | fields b', 29, 'Unknown symbols found in or after stats: b'],
    ['stats count(*) as n by a | stats max(n) by bin(5m)', 43, 'Unknown symbols found in or after stats: @timestamp'],
    ['stats count(*) as n | sort m', 27, 'Unknown symbols found in or after stats: m'],
    ['filter a = 1 | diff', 15, 'Diff compilation Failed : Diff operation has to be used after Pattern'],
  ];
  for (const [query, start, message] of faults) {
    test(query, () => {
      assert.throws(() => compileQuery(parseQuery(query), scope), { name: 'QuerySyntaxError', start, message });
    });
  }

  test('estimate, where the request has a limit', () => {
    const message = 'unexpected symbol found limit';
    assert.throws(() => compileQuery(parseQuery('estimate'), { ...scope, limit: 5 }), { message });
  });
});

test('estimate tells the bytes of the messages in the time and groups of a query, and of those inside of it', async () => {
  const group = await store.group([at(0, 'four'), at(1, 'seven..'), at(3_600_000, 'too late')]);
  const other = await store.group([at(0, 'eleven bytes')]);
  const hour = { startMs: NOON, endMs: NOON + 3_599_999 };
  const { found } = await store.run('filter @message like /x/ | limit 1 | estimate', [group], hour);
  assert.deepEqual(found, [{ '@estimatedBytesScanned': '11' }]);
  const options = { ...hour, groupsOf: () => [other] };
  const joined = await store.run(`filter a in (SOURCE 'other' | fields b) | estimate`, [group], options);
  assert.deepEqual(joined.found, [{ '@estimatedBytesScanned': '23' }]);
});

describe('patterns', () => {
  const messages = (base: number, count: number) =>
    Array.from({ length: count }, (_, i) => at(base + i, `took ${i} ms to write block ${i * 7}`));
  const previous = -3_600_000;

  test('pattern counts all events of a shape', async () => {
    const group = await store.group([
      ...messages(0, 30),
      at(50, 'ERROR: the disk is full'),
      at(51, 'ERROR: the disk is full'),
    ]);
    const { found, matched } = await store.run('fields @message | pattern @message', [group]);
    assert.deepEqual(
      found.map((row) => [row['@sampleCount'], row['@ratio'], row['@severityLabel']]),
      [
        ['30', '0.9375', 'None'],
        ['2', '0.0625', 'Error'],
      ],
    );
    assert.match(found[0]!['@pattern']!, /^took <.*> ms to write block <.*>$/);
    assert.deepEqual(matched, { count: 32, atLeast: false });
    const sorted = await store.run('pattern @message | sort @sampleCount asc | limit 1 | display @pattern', [group]);
    assert.deepEqual(sorted.found, [{ '@pattern': 'ERROR: the disk is full' }]);
  });

  const following: [commands: string, gives: Record<string, string>[]][] = [
    ['filter @severityLabel = "Error" | display @sampleCount', [{ '@sampleCount': '2' }]],
    ['filter @pattern like /block/ and @sampleCount > 10 | display @ratio', [{ '@ratio': '0.9375' }]],
    ['stats sum(@sampleCount) as events, count(*) as patterns', [{ events: '32', patterns: '2' }]],
    [
      'stats max(@ratio) as most by @severityLabel | sort most desc | limit 1',
      [{ '@severityLabel': 'None', most: '0.9375' }],
    ],
    [
      'fields @sampleCount * 2 as twice, tolower(@severityLabel) as label | display label, twice',
      [
        { label: 'none', twice: '60' },
        { label: 'error', twice: '4' },
      ],
    ],
    ['parse @pattern "ERROR: *" as error | filter ispresent(error) | display error', [{ error: 'the disk is full' }]],
    ['accum @sampleCount as upTo | display upTo', [{ upTo: '30' }, { upTo: '32' }]],
    [
      'limit 1 | addtotals row=false col=true @sampleCount | display @sampleCount',
      [{ '@sampleCount': '30' }, { '@sampleCount': '30' }],
    ],
    ['filter @sampleCount > 100', []],
  ];
  for (const [commands, gives] of following) {
    test(`pattern @message | ${commands}`, async () => {
      const group = await store.group([
        ...messages(0, 30),
        at(50, 'ERROR: the disk is full'),
        at(51, 'ERROR: the disk is full'),
      ]);
      assert.deepEqual((await store.run(`pattern @message | ${commands}`, [group])).found, gives);
    });
  }

  for (const command of ['pattern @message', 'anomaly | diff', 'lookup none a as b output c', 'sessionize @pattern']) {
    test(`pattern @message | ${command}: refused before anything is read`, () => {
      const scope = { groups: [], startMs: 0, endMs: 0, nowMs: 0, pointer: () => '' };
      assert.throws(() => compileQuery(parseQuery(`pattern @message | ${command}`), scope), QuerySyntaxError);
    });
  }

  test('diff compares with the period before', async () => {
    const group = await store.group([
      ...messages(previous, 10),
      ...messages(0, 30),
      at(1000, 'ERROR: the disk is full'),
    ]);
    const hour = { startMs: NOON, endMs: NOON + 3_599_999 };
    const query = 'pattern @message | diff | filter @previousSampleCount = 0 | display @pattern, @differenceInCount';
    const fresh = await store.run(query, [group], hour);
    assert.deepEqual(fresh.found, [{ '@pattern': 'ERROR: the disk is full', '@differenceInCount': '1' }]);
    const { found } = await store.run('pattern @message | diff', [group], hour);
    assert.deepEqual(
      found.map((row) => [row['@sampleCount'], row['@previousSampleCount'], row['@differenceInCount']]),
      [
        ['30', '10', '20'],
        ['1', '0', '1'],
      ],
    );
  });

  test('logcompare compares with so long before, whatever came between', async () => {
    const group = await store.group([...messages(-86_400_000, 10), ...messages(-3_600_000, 5), ...messages(0, 30)]);
    const hour = { startMs: NOON, endMs: NOON + 3_599_999 };
    const { found } = await store.run('filter @message like /block/ | logcompare timeshift 1d', [group], hour);
    assert.deepEqual(
      found.map((row) => [row['@sampleCount'], row['@previousSampleCount'], row['@differenceInCount']]),
      [['30', '10', '20']],
    );
  });

  test('anomaly finds a pattern that is new', async () => {
    const hours = Array.from({ length: 24 }, (_, hour) => messages(hour * 3_600_000, 20)).flat();
    const group = await store.group([...hours, at(23 * 3_600_000 + 500, 'ERROR: the disk is full')]);
    const day = { startMs: NOON, endMs: NOON + 86_399_999 };
    const query = 'pattern @message | anomaly | stats latest(@lastSeen) as at';
    await assert.rejects(store.run(query, [group], day), /latest needs events/);
    const seen = await store.run('pattern @message | anomaly | stats max(@lastSeen) as at', [group], day);
    assert.deepEqual(seen.found, [{ at: String(NOON + 23 * 3_600_000 + 500) }]);
    const { found } = await store.run('pattern @message | anomaly', [group], day);
    assert.deepEqual(
      found.map((row) => [row['@pattern'], row['@anomalyType'], row['@priority']]),
      [['ERROR: the disk is full', 'New pattern', 'HIGH']],
    );
  });
});
