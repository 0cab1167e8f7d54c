// What a statement reads and what it costs: bounds on time, the token index, reading from the end, memory.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from '#storage/telemetry/sql.ts';
import { TelemetryQueryError } from '#storage/telemetry/telemetry.ts';
import { NOON, openTestStore } from '../../../../test/insights-store.ts';
import { QuerySyntaxError } from '../syntax/query-syntax-error.ts';
import type { QueriedGroup } from './compile-query.ts';

const ROWS = 200_000;
const NEEDLES = [3, 70_000, 150_000];

let store: Awaited<ReturnType<typeof openTestStore>>;
let large: QueriedGroup;
let other: QueriedGroup;
before(async () => {
  store = await openTestStore();
  const message = (i: number) =>
    NEEDLES.includes(i) ? `found the needle-7f3a9-here in ${i}` : `{"worker":${i % 16},"ms":${i % 1000},"batch":${i}}`;
  const events = Array.from({ length: ROWS }, (_, i) => ({
    message: message(i),
    timestamp: NOON - ROWS + i,
    stream: i % 1000 === 0 ? 'rare' : 'usual',
  }));
  large = await store.group(events);
  other = await store.group([{ message: 'of the other', timestamp: NOON }]);
  await store.telemetry.flush();
  // The token index comes with merges.
  await store.telemetry.statement(sql`OPTIMIZE TABLE log_events FINAL`);
});
after(() => store.close());

describe('rows read', () => {
  const cases: [name: string, query: string, atMost: number, found: number, options?: object][] = [
    ['all of a count', 'stats count(*)', ROWS, 1],
    ['only the time asked for', 'stats count(*)', ROWS / 10, 1, { startMs: NOON - 1000 }],
    ['only until the limit, newest first', 'fields @message | limit 20', ROWS / 10, 20],
    ['only until the limit, oldest first', 'fields @message | sort @timestamp asc | limit 20', ROWS / 10, 20],
    ['granules that have the tokens', 'filter @message like "needle-7f3a9-here" | limit 20', ROWS / 4, 3],
    ['the same of an expression', 'filter @message like /needle-7f3a9-here/ | limit 20', ROWS / 4, 3],
    ['and of alternatives', 'filter @message like /needle-7f3a9-here|needle-7f3b0-there/', ROWS / 4, 3],
    ['a filter that many match', 'filter @message like "worker" and ms > 500 | limit 5', ROWS / 4, 5],
  ];
  for (const [name, query, atMost, count, options] of cases) {
    test(name, async () => {
      const { rowsRead, found } = await store.run(query, [large], options);
      assert.equal(found.length, count);
      assert.ok(rowsRead <= atMost, `${rowsRead} rows of ${ROWS}`);
    });
  }

  test('of several groups each is read from its end', async () => {
    const { rowsRead, found, matched } = await store.run('fields @log, @message | limit 6', [large, other]);
    assert.equal(found[0]!['@message'], 'of the other');
    assert.equal(found[0]!['@log'], '123456789012:group-2');
    assert.deepEqual(matched, { count: 6, atLeast: true });
    assert.ok(rowsRead < ROWS / 10, `${rowsRead} rows of ${ROWS}`);
  });
});

describe('scope', () => {
  test('retention and streams that are being erased', async () => {
    const group = await store.group([
      { message: 'old', timestamp: NOON - 5000 },
      { message: 'erased', timestamp: NOON, stream: 'gone' },
      { message: 'kept', timestamp: NOON },
    ]);
    const limited = { ...group, oldestKeptMs: NOON - 1000, hiddenStreams: ['gone'] };
    for (const groups of [[limited], [limited, other]]) {
      const { found } = await store.run('filter @message in ["old", "erased", "kept"]', groups);
      assert.deepEqual(
        found.map((row) => row['@message']),
        ['kept'],
      );
      const stats = await store.run('filter @message in ["old", "erased", "kept"] | stats count(*) as n', groups);
      assert.deepEqual(stats.found, [{ n: '1' }]);
    }
  });

  test('both ends of the time are inside', async () => {
    const group = await store.group(['a', 'b', 'c', 'd']);
    const { found } = await store.run('fields @message', [group], { startMs: NOON + 1, endMs: NOON + 2 });
    assert.deepEqual(found, [{ '@message': 'c' }, { '@message': 'b' }]);
  });

  test('no groups, no events', async () => {
    assert.deepEqual((await store.run('fields @message', [])).found, []);
    assert.deepEqual((await store.run('stats count(*) as n', [])).found, [{ n: '0' }]);
  });

  test('a mask covers the message and what is found in it', async () => {
    const group = await store.group(['{"mail":"a@b.c","n":1}']);
    const maskMessage = (message: { text: string }) => sql`replaceAll(${message}, 'a@b.c', '*****')`;
    const { found } = await store.run('display mail, unmask(mail) as clear, @message', [group], { maskMessage });
    assert.deepEqual(found, [{ mail: '*****', clear: 'a@b.c', '@message': '{"mail":"*****","n":1}' }]);
  });
});

describe('values never become SQL', () => {
  for (const text of ["'", "\\'", '`', "') OR 1=1 --", '\\', '%', '{x:String}', "\u0000'"]) {
    test(JSON.stringify(text), async () => {
      const group = await store.group([JSON.stringify({ [text]: text, plain: 1 }), 'x']);
      const name = text.includes('`') ? 'plain' : `\`${text}\``;
      const quoted = `"${text.replace(/[\\"]/g, '\\$&')}"`;
      const { found } = await store.run(
        `fields ${name} as v, ${quoted} as w | filter ${name} = ${quoted} or plain = 1`,
        [group],
      );
      assert.equal(found.length, 1);
      assert.equal(found[0]!.w, text);
    });
  }
});

describe('what cannot be run is refused, at its place', () => {
  const cases: [query: string, message: RegExp, start: number][] = [
    ['filter @message like /(?=a)b/', /look-around/, 21],
    ['filter @message like /(a)\\1/', /back-reference/, 21],
    ['filter @message like /a++/', /possessive/, 21],
    ['filter @message like /(a/', /Invalid regular expression/, 21],
    ['fields bin(x)', /period/, 7],
    ['stats pct(ms, 101)', /percentage/, 14],
    ['lookup nothing id as id output name', /no lookup table nothing/, 0],
  ];
  for (const [query, message, start] of cases) {
    test(query, async () => {
      await assert.rejects(store.run(query, [large]), (error: QuerySyntaxError) => {
        assert.ok(error instanceof QuerySyntaxError, String(error));
        assert.match(error.message, message);
        assert.equal(error.start, start);
        return true;
      });
    });
  }
});

test('more groups than fit in memory are spilled; without that the query fails clearly and the store goes on', async () => {
  // The statement of a query by a field of many values, over rows made of numbers for speed.
  const { sql: text } = await store.run('stats count(*) as n by batch', [large]);
  const heavy = text
    .replace(
      'FROM log_events',
      'FROM (SELECT 1 AS group_id, number AS timestamp, repeat(toString(number), 12) AS message FROM numbers(2000000))',
    )
    .replace(/timestamp >= \d+/, 'timestamp >= 0')
    .replace(/JSONExtract\(message, 'batch', 'Nullable\(String\)'\)/g, 'message');
  assert.match(heavy, /numbers\(2000000\).*GROUP BY message/s);
  const limited = (spillFrom: number) => ({
    text: `${heavy} SETTINGS max_memory_usage = 250000000, max_bytes_before_external_group_by = ${spillFrom},
      max_bytes_ratio_before_external_group_by = 0, max_bytes_before_external_sort = 50000000`,
  });
  const { rows } = await store.telemetry.query<object>(limited(60_000_000));
  assert.equal(rows.length, 10_000);
  await assert.rejects(store.telemetry.query(limited(0)), (error: TelemetryQueryError) => {
    assert.equal(error.clickhouseCode, 241);
    return error instanceof TelemetryQueryError;
  });
  assert.deepEqual((await store.run('stats count(*) as n', [other])).found, [{ n: '1' }]);
});
