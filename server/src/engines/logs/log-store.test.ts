import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { VirtualClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import type { MeterSample } from '#core/meter.ts';
import { compileMatcher, LogLine, parseFilterPattern, sqlCondition } from '#engines/filter-pattern/filter-pattern.ts';
import { createMetricStore, type MetricStore } from '#engines/metrics/metric-store.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import type { StateStore } from '#storage/state/state.ts';
import { openTelemetry } from '#storage/telemetry/chdb-telemetry.ts';
import { RowBinaryBuffer } from '#storage/telemetry/row-binary.ts';
import { sql } from '#storage/telemetry/sql.ts';
import { streamHash } from '#storage/telemetry/stream-hash.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import { type EventPosition, eventId, FIRST_POSITION, parseEventId } from './event-position.ts';
import type { LiveTailUpdate } from './live-tail.ts';
import type { LogGroup, LogStream } from './log-group.ts';
import { createLogStore, type LogStore } from './log-store.ts';
import { METRIC_FILTERS } from './metric-filter.ts';

const NOW = Date.parse('2026-11-23T10:00:30Z');
const HOUR_MS = 3_600_000;
const SCOPE = { account: '000000000000', region: 'us-east-1' };

interface World {
  state: StateStore;
  telemetry: Telemetry;
  metrics: MetricStore;
  logs: LogStore;
  metered: MeterSample[];
}

let dir: string;
let clock: VirtualClock;
let world: World;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'brume-logs-'));
  clock = new VirtualClock(NOW);
  world = await open();
});
afterEach(async () => {
  await close(world);
  await rm(dir, { recursive: true });
});

async function open(): Promise<World> {
  const log = createLogger('error');
  const state = await openStateStore({ dir: join(dir, 'state'), durable: false, log });
  const telemetry = await openTelemetry({ dir: join(dir, 'telemetry'), durable: false, log });
  const metrics = createMetricStore({ state, telemetry, clock, log });
  const metered: MeterSample[] = [];
  const meter = { record: (_: object, sample: MeterSample) => void metered.push(sample) };
  const logs = createLogStore({ state, telemetry, clock, metrics, meter, log });
  await logs.start();
  return { state, telemetry, metrics, logs, metered };
}

async function close({ state, telemetry, logs }: World, { cleanly = true } = {}): Promise<void> {
  if (cleanly) await logs.stop();
  else logs.retention.stop();
  await telemetry.close();
  await state.close();
}

/** What a kill leaves: nothing that only memory held. */
async function crash(): Promise<void> {
  await close(world, { cleanly: false });
  world = await open();
}

async function newStream(group = 'group', stream = 'stream'): Promise<[LogGroup, LogStream]> {
  const { groups } = world.logs;
  const found = (await groups.find(SCOPE, group)) ?? (await groups.create(SCOPE, group));
  return [found!, (await groups.createStream(found!, stream))!];
}

/** One event a millisecond from `fromMs`. */
function put([group, stream]: [LogGroup, LogStream], messages: string[], fromMs = NOW) {
  const events = messages.map((message, i) => ({ timestamp: fromMs + i, message }));
  return world.logs.append(group, stream, events, Buffer.byteLength(messages.join('')));
}

const messagesOf = (page: { events: { message: string }[] }) => page.events.map(({ message }) => message);

test('event ids are 56 digits, sort as events do, and can be read back', () => {
  const positions = [
    { timestamp: 0, segment: 0, row: 0, streamHash: 0 },
    { timestamp: NOW, segment: 9, row: 4_294_967_295, streamHash: 2 ** 52 - 1 },
    { timestamp: NOW, segment: 10, row: 0, streamHash: 7 },
    { timestamp: NOW, segment: 10, row: 0, streamHash: 2 ** 52 - 1 },
    { timestamp: NOW, segment: 10, row: 1, streamHash: 0 },
    { timestamp: NOW + 1, segment: 1, row: 0, streamHash: 0 },
  ];
  const ids = positions.map(eventId);
  assert.deepEqual([...ids].sort(), ids);
  for (const id of ids) assert.match(id, /^\d{56}$/);
  assert.deepEqual(ids.map(parseEventId), positions);
  for (const text of ['', '3', `4${'0'.repeat(55)}`, 'x'.repeat(56), `3${'9'.repeat(55)}`]) {
    assert.equal(parseEventId(text), undefined, text);
  }
});

test('pages run forwards and backwards, in order, within bounds', async () => {
  const { events } = world.logs;
  const target = await newStream();
  const other = await newStream('group', 'other');
  await put(target, ['a', 'b', 'c'], NOW);
  await put(other, ['x'], NOW + 1);
  await put(target, ['d', 'e'], NOW + 1);
  const group = target[0];
  const range = { group, streams: ['stream'] };
  const first = await events.forward(range, FIRST_POSITION, 2);
  assert.deepEqual([messagesOf(first), first.more], [['a', 'b'], true]);
  const second = await events.forward(range, first.events.at(-1)!, 3);
  assert.deepEqual([messagesOf(second), second.more], [['d', 'c', 'e'], false]);
  const last = await events.backward(range, undefined, 2);
  assert.deepEqual([messagesOf(last), last.more], [['c', 'e'], true]);
  const before = await events.backward(range, last.events[0], 10);
  assert.deepEqual([messagesOf(before), before.more], [['a', 'b', 'd'], false]);
  const bounded = await events.forward({ group, fromMs: NOW + 1, toMs: NOW + 2 }, FIRST_POSITION, 10);
  assert.deepEqual(messagesOf(bounded), ['b', 'x', 'd']);
  const prefixed = await events.forward({ group, streamPrefix: 'oth' }, FIRST_POSITION, 10);
  assert.deepEqual(messagesOf(prefixed), ['x']);
});

test('a page ends at 1 MB, but holds at least one event', async () => {
  const { events } = world.logs;
  const target = await newStream();
  const [group] = target;
  const large = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(400_000));
  await put(target, large);
  await put(target, ['e'.repeat(1_048_000), 'f'.repeat(1_048_000)], NOW + 10);
  const pages: number[] = [];
  for (let after = FIRST_POSITION; ; ) {
    const { events: page, more } = await events.forward({ group }, after, 10_000);
    pages.push(page.length);
    assert.ok(page.every(({ message }) => message.length >= 400_000));
    if (!more) break;
    after = page.at(-1)!;
  }
  assert.deepEqual(pages, [2, 2, 1, 1]);
  const { events: last, more } = await events.backward({ group }, undefined, 10_000);
  assert.deepEqual([last.length, more], [1, true]);
});

/** Limit of a page, and how long each message is: pages of 40 events end in the midst of a millisecond, or of a megabyte. */
const TIED_PAGES: [limit: number, length: number][] = [
  [1, 10],
  [4, 10],
  [7, 10],
  [40, 10],
  [40, 200_000],
  [7, 200_000],
];

for (const [limit, length] of TIED_PAGES)
  test(`streams with events in the same millisecond, ${limit} a page, of ${length} bytes`, async () => {
    const { events } = world.logs;
    for (const letter of 'abcdefghij') {
      const target = await newStream('group', letter);
      const messages = Array.from({ length: 4 }, (_, i) => `${letter}${i}`.padEnd(length, '.'));
      await put(target, messages);
    }
    const whole = await idsInOrder();
    const group = (await world.logs.groups.find(SCOPE, 'group'))!;
    const forward: string[] = [];
    for (let after = FIRST_POSITION; ; ) {
      const page = await events.forward({ group }, after, limit);
      forward.push(...page.events.map(eventId));
      if (!page.more) break;
      after = page.events.at(-1)!;
    }
    assert.deepEqual(forward, whole);
    const backward: string[] = [];
    for (let before: EventPosition | undefined; ; ) {
      const page = await events.backward({ group }, before, limit);
      backward.unshift(...page.events.map(eventId));
      if (!page.more) break;
      before = page.events[0];
    }
    assert.deepEqual(backward, whole);
  });

/** Ids of all events, sorted as texts. */
async function idsInOrder(): Promise<string[]> {
  const { rows } = await world.telemetry.query<Omit<EventPosition, 'streamHash'> & { stream: string }>(
    sql`SELECT timestamp, segment, row, stream FROM log_events`,
  );
  return rows.map(({ stream, ...row }) => eventId({ ...row, streamHash: streamHash(stream) })).sort();
}

test('a stored metric filter that this version takes no more is there, and counts nothing', async () => {
  const target = await newStream();
  const [group] = target;
  const transformations = [{ name: 'n', namespace: 'N', value: '1' }];
  const filter = { name: 'f', pattern: '[..., a, ...]', transformations, createdAtMs: NOW };
  await world.state.transact((tx) => tx.documents.put(METRIC_FILTERS, SCOPE, group.streamKey('f'), filter));
  await crash();
  const [found] = await world.logs.metricFilters.list(SCOPE);
  assert.equal(found?.document.pattern, filter.pattern);
  const again = (await world.logs.groups.find(SCOPE, 'group'))!;
  const stream = (await world.logs.groups.streams(again)).get('stream')!;
  await put([again, stream], ['a b c']);
  assert.deepEqual(messagesOf(await world.logs.events.forward({ group: again }, FIRST_POSITION, 10)), ['a b c']);
});

test('a bounded read does not touch rows outside its bounds', async () => {
  const target = await newStream();
  const [group] = target;
  const line = 'some words that fill a row of the table';
  for (let hour = 0; hour < 20; hour++) {
    await put(
      target,
      Array.from({ length: 10_000 }, (_, i) => `${line} ${i}`),
      NOW + hour * HOUR_MS,
    );
  }
  let rowsRead = 0;
  const { telemetry } = world;
  const query = telemetry.query.bind(telemetry);
  telemetry.query = async (...args) => {
    const result = await query(...args);
    rowsRead += result.rowsRead;
    return result as never;
  };
  const fromMs = NOW + 19 * HOUR_MS;
  const bounded = await world.logs.events.forward({ group, fromMs }, FIRST_POSITION, 100);
  assert.equal(bounded.events.length, 100);
  assert.ok(rowsRead < 30_000, `bounded: ${rowsRead} of 200000 rows read`);
  rowsRead = 0;
  await world.logs.events.backward({ group, streams: ['stream'] }, undefined, 100);
  assert.ok(rowsRead < 50_000, `newest: ${rowsRead} of 200000 rows read`);
});

test('the SQL condition of a pattern drops no match, and is exact where it says so', async () => {
  const target = await newStream();
  const [group] = target;
  const messages = [
    'ERROR one',
    'warn 100%_sure \\ backslash',
    'WARN and ERROR',
    'multi\nline ERROR end',
    'Ünïcode ✓ 😀 text',
    '{"a":1,"b":{"c":"x y"},"n":null,"t":true}',
    '{"a":"1","b":{"c":"x\\u0020y"}}',
    '{ "a" : 4e2, "list":[{"id":7}] }',
    '{"quoted \\" key":"v","a":400}',
    '10.0.0.1 - u [10/Oct/2026:13:00:00 +0000] "GET /a.html HTTP/1.1" 404 17',
    '10.0.0.2 - u [10/Oct/2026:13:00:01 +0000] "POST /b HTTP/1.1" 200 1700',
    'tab\tseparated\tERROR',
    '{"a":1,"a":400}',
    '{"a":400,"a":1}',
    '{"n":{"a":5},"a":400.0000001}',
    '{"a":"400.5","b":{"c":""}}',
    '{"a":"+7"}',
    '{"a":1e400}',
    '{"a":12345678901234567890123}',
    '{"a":400,"x":"\\ud800"}',
    '{"a":[400,{"b":"x y"}],"b":[{"c":"x"}]}',
    '{"a":{"0":400}}',
    `{"deep":${'['.repeat(1500)}${']'.repeat(1500)},"a":400}`,
    '{"a":401} trailing',
    '[{"a":400}]',
    '{"a":"true","b":{"c":"\u00e9t\u00e9 x"}}',
    '{"a":-0.0,"list":[{"id":"8"}]}',
  ];
  await put(target, messages);
  const patterns = [
    ...['', 'ERROR', '"100%_sure"', '"\\\\ backslash"', '-ERROR', 'ERROR -WARN', '?WARN ?warn', '"😀 text"'],
    ...['%^ERROR%', '%ERROR.end%', '%ERROR\\send%', '%e.*ERROR%', '%\\d{1,3}\\.0\\.0\\.[12]%', '%a{2000}%', '%a{200}%'],
    ...['%[\\S]ERROR%', '%\\x45RROR one$%', '%^.* .$%', 'ERROR -%^E|W%'],
    ...['{ $.a = 1 }', '{ $.a = "1" }', '{ $.a = 400 }', '{ $.a = "400" }', '{ $.b.c = "x y" }', '{ $.b.c = x* }'],
    ...['{ $.n IS NULL }', '{ $.t IS TRUE }', '{ $.a NOT EXISTS }', '{ $.a != 1 }', '{ $.list[0].id > 6 }'],
    ...['{ $["quoted \\" key"] = v }', '{ $.a = 1 || $.t IS FALSE }', '{ $.a = 1 && $.b.c = "x*" }', '{ $.a = 4* }'],
    ...['{ $.a > 399 }', '{ $.a >= 400 }', '{ $.a < 400.5 }', '{ $.a <= -0 }', '{ $.a > 1e300 }', '{ $.a = +7 }'],
    ...[
      '{ $.a = 12345678901234567890123 }',
      '{ $.a[0] = 400 }',
      '{ $.a[1].b = *y }',
      '{ $.b.c = *x }',
      '{ $.a = *u* }',
    ],
    ...['{ $.a = true }', '{ $.b.c = "été*" }', '{ $[0].a = 400 }', '{ $.n.a < 6 && $.a > 400 }', '{ $.b[0].c = x }'],
    ...[
      '{ $.b.c = "x y" && $.a = "1" }',
      '{ $.b.c = "x y" && ($.a = 1 || $.a = 400) }',
      '{ $.b.c = "x*" && $.b.c = "*y" }',
    ],
    ...[
      '{ $.a != 400 }',
      '{ $.a != "x*" }',
      '{ $.a = %^4% }',
      '{ $.list[*].id = 8 }',
      '{ $.b.c = "" }',
      '{ $.a = inf }',
    ],
    ...[
      '[ip, ..., status=404, bytes]',
      '[..., r="GET*", s, b<100]',
      '[..., s=2* || s=404, b]',
      '[a, b, c]',
      '[x!=1*, ...]',
    ],
  ];
  for (const text of patterns) {
    let pattern: ReturnType<typeof parseFilterPattern>;
    try {
      pattern = parseFilterPattern(text);
    } catch {
      assert.equal(text, '%a{2000}%');
      continue;
    }
    const matches = compileMatcher(pattern);
    const expected = messages.filter((message) => matches(new LogLine(message)));
    const page = await world.logs.events.filter({ group }, pattern, FIRST_POSITION, 100);
    assert.deepEqual(messagesOf(page), expected, text);
    assert.equal(page.next, undefined, text);
    const { where, exact } = sqlCondition(pattern, sql`message`);
    if (!where) continue;
    const { rows } = await world.telemetry.query<{ message: string }>(
      sql`SELECT message FROM log_events WHERE ${where} ORDER BY timestamp`,
    );
    const kept = rows.map(({ message }) => message);
    if (exact) assert.deepEqual(kept, expected, `${text} exactly`);
    for (const message of expected) assert.ok(kept.includes(message), `${text} keeps ${message}`);
  }
});

test('a filtered search goes on where it ended', async () => {
  const target = await newStream();
  const [group] = target;
  await put(
    target,
    Array.from({ length: 5_000 }, (_, i) => JSON.stringify({ i, even: i % 2 === 0 })),
  );
  for (const text of ['{ $.even IS TRUE }', '"true"']) {
    const found: number[] = [];
    let calls = 0;
    for (let after = FIRST_POSITION; ; calls++) {
      const page = await world.logs.events.filter({ group }, parseFilterPattern(text), after, 700);
      assert.ok(page.events.length <= 700);
      found.push(...page.events.map(({ message }) => JSON.parse(message).i));
      if (!page.next) break;
      after = page.next;
    }
    assert.deepEqual(
      found,
      Array.from({ length: 2_500 }, (_, i) => i * 2),
      text,
    );
    assert.ok(calls >= 3);
  }
});

test('a deleted stream takes its events along, and one of the same name begins empty', async () => {
  const { groups, events } = world.logs;
  const target = await newStream();
  const other = await newStream('group', 'other');
  const [group, stream] = target;
  await put(other, ['kept']);
  const underWay = put(target, ['a', 'b']);
  assert.ok(await groups.deleteStream(group, stream));
  assert.ok(!(await groups.deleteStream(group, stream)));
  await underWay;
  assert.deepEqual(messagesOf(await events.forward({ group }, FIRST_POSITION, 10)), ['kept']);
  const again = await newStream();
  assert.deepEqual(messagesOf(await events.forward({ group }, FIRST_POSITION, 10)), ['kept']);
  await put(again, ['new']);
  assert.deepEqual(messagesOf(await events.forward({ group, streams: ['stream'] }, FIRST_POSITION, 10)), ['new']);
  const { rows } = await world.telemetry.query(sql`SELECT message FROM log_events ORDER BY message`);
  assert.deepEqual(rows, [{ message: 'kept' }, { message: 'new' }]);
});

test('a deleted group frees its rows, also after a crash in between; its number is not given again', async () => {
  const target = await newStream();
  await put(target, ['a']);
  await world.logs.metricFilters.put(target[0], { name: 'f', pattern: '', createdAtMs: NOW, transformations: [] });
  await world.logs.groups.delete(target[0]);
  const [again] = await newStream();
  assert.ok(again.id > target[0].id);
  assert.equal(again.metricFilters.size, 0);
  assert.equal((await world.logs.events.forward({ group: again }, FIRST_POSITION, 10)).events.length, 0);
  await crash();
  await rowsBecome(0);
});

async function rowsBecome(expected: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const { rows } = await world.telemetry.query<{ rows: number }>(sql`SELECT count() AS rows FROM log_events`);
    if (rows[0]!.rows === expected) return;
    assert.ok(attempt < 100, `${rows[0]!.rows} rows`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('expired events are not read, and are erased within the hour', async () => {
  const target = await newStream();
  const [group] = target;
  await put(target, ['old'], NOW - 10 * HOUR_MS);
  await put(target, ['fresh'], NOW);
  await world.logs.groups.update(group, (document) => ({ ...document, retentionInDays: 1 }));
  await clock.advanceBy(15 * HOUR_MS);
  assert.deepEqual(messagesOf(await world.logs.events.forward({ group }, FIRST_POSITION, 10)), ['fresh']);
  const { rows } = await world.telemetry.query(sql`SELECT message FROM log_events`);
  assert.deepEqual(rows, [{ message: 'fresh' }]);
  assert.equal(group.storedBytes, 5);
});

test('statistics survive a clean stop and a crash, and count nothing twice', async () => {
  const check = async (bytes: number, first: number, last: number) => {
    await world.logs.statistics.ready();
    const group = (await world.logs.groups.find(SCOPE, 'group'))!;
    const stream = (await world.logs.groups.streams(group)).get('stream')!;
    assert.deepEqual(
      [group.storedBytes, stream.firstEventMs, stream.lastEventMs, stream.lastIngestionMs],
      [bytes, first, last, NOW],
    );
    return [group, stream] as [LogGroup, LogStream];
  };
  await put(await newStream(), ['12345', '67890']);
  await check(10, NOW, NOW + 1);
  await crash();
  await put(await check(10, NOW, NOW + 1), ['x'], NOW - 5);
  await world.logs.statistics.flush();
  await world.telemetry.flush();
  await put(await check(11, NOW - 5, NOW + 1), ['y'], NOW + 9);
  await crash();
  const target = await check(12, NOW - 5, NOW + 9);
  await close(world);
  world = await open();
  await check(12, NOW - 5, NOW + 9);
  assert.equal(world.telemetry.status().engine, 'idle', 'nothing was to be counted again');
  const [group, stream] = [(await world.logs.groups.find(SCOPE, 'group'))!, target[1]];
  const same = (await world.logs.groups.streams(group)).get(stream.name)!;
  await put([group, same], ['z'], NOW + 10);
  await crash();
  await check(13, NOW - 5, NOW + 10);
});

test('services append without asking whether group and stream exist', async () => {
  const { logs } = world;
  const event = (message: string, timestamp: number) => ({ message, timestamp });
  await Promise.all([
    logs.appendFromService(SCOPE, '/aws/lambda/f', 's', [event('2', NOW + 2), event('1', NOW + 1)]),
    logs.appendFromService(SCOPE, '/aws/lambda/f', 's', [event('3', NOW + 3)]),
    logs.appendFromService(SCOPE, '/aws/lambda/f', 't', [event('4', NOW + 4)]),
    logs.appendFromService(SCOPE, '/aws/lambda/g', 't', []),
  ]);
  const group = (await logs.groups.find(SCOPE, '/aws/lambda/f'))!;
  assert.deepEqual(messagesOf(await logs.events.forward({ group }, FIRST_POSITION, 10)), ['1', '2', '3', '4']);
  assert.equal(await logs.groups.find(SCOPE, '/aws/lambda/g'), undefined);
  assert.deepEqual(
    world.metered
      .filter(({ metricName }) => metricName === 'IncomingBytes')
      .map(({ value }) => value)
      .sort(),
    [1, 1, 2],
  );
  assert.deepEqual(world.metered[0]!.dimensions, [{ LogGroupName: '/aws/lambda/f' }, {}]);
});

test('what looks at events makes the same of rows as of events', async () => {
  const { logs, metrics } = world;
  const messages = ['ERROR a', 'fine', '{"ms": 5}', '{"ms": 7, "x": "\\u00e9"}', 'é ERROR', 'fine again'];
  const events = messages.map((message, i) => ({ timestamp: NOW + i * 20_000, message }));
  const buffer = new RowBinaryBuffer();
  for (const { timestamp, message } of events) {
    buffer.reserve(8);
    buffer.int64(timestamp);
    buffer.string(message);
  }
  const rows = buffer.bytes.subarray(0, buffer.length);
  const found: unknown[] = [];
  for (const name of ['events', 'rows']) {
    const target = await newStream(name);
    const [group, stream] = target;
    const filter = (metric: string, pattern: string, transformation: object) =>
      logs.metricFilters.put(group, {
        name: metric,
        pattern,
        createdAtMs: NOW,
        transformations: [{ namespace: name, name: metric, value: '1', ...transformation }],
      });
    await filter('errors', 'ERROR', { defaultValue: 0 });
    await filter('ms', '{ $.ms > 4 }', { value: '$.ms' });
    const tail = logs.openTail({
      groups: [group],
      matches: compileMatcher(parseFilterPattern('ERROR')),
      acceptsStream: () => true,
    });
    const updates = tail.updates(new AbortController().signal);
    const messageBytes = Buffer.byteLength(messages.join(''));
    if (name === 'events') await logs.append(group, stream, events, messageBytes);
    else {
      assert.equal(logs.wantsLines(group, rows), false);
      const encoded = { length: events.length, rows, firstMs: NOW, lastMs: events.at(-1)!.timestamp };
      await logs.appendEncoded(group, stream, { events: encoded, messageBytes });
    }
    await clock.advanceBy(1_000);
    const points = [];
    for (const metric of ['errors', 'ms']) {
      const { id } = (await metrics.find({ scope: SCOPE, namespace: name, name: metric, dimensions: [] }))!;
      const { rows: ofMetric } = await world.telemetry.query<object>(sql`
        SELECT timestamp, sample_count, sum, minimum, maximum FROM metric_points WHERE metric_id = ${id} ORDER BY timestamp`);
      points.push(ofMetric);
    }
    found.push({ points, tailed: messagesOf((await updates.next()).value as LiveTailUpdate) });
    tail.close();
    await filter('all', '', {});
    assert.equal(logs.wantsLines(group, rows), true);
  }
  assert.deepEqual(found[1], found[0]);
  assert.deepEqual((found[1] as { tailed: string[] }).tailed, ['ERROR a', 'é ERROR']);
});

test('metric filters publish before the append is acknowledged', async () => {
  const { logs, metrics } = world;
  const target = await newStream();
  const filter = (name: string, pattern: string, transformation: object) =>
    logs.metricFilters.put(target[0], {
      name,
      pattern,
      createdAtMs: NOW,
      transformations: [{ namespace: 'App', name, value: '1', ...transformation }],
    });
  await filter('errors', 'ERROR', { defaultValue: 0, unit: 'Count' });
  await filter('latency', '{ $.latency = * }', { value: '$.latency', unit: 'Milliseconds' });
  await filter('bytes', '[ip, ..., bytes]', { value: '$bytes', dimensions: { Client: '$ip' } });
  await put(target, [
    'ERROR a',
    'fine',
    '{"latency": 12.5}',
    '{"latency": "20"}',
    '{"latency": "many"}',
    '10.0.0.1 x 5',
    '10.0.0.2 7',
  ]);
  await put(target, ['ERROR b'], NOW + 60_000);
  const statistics = async (name: string, dimensions: { Name: string; Value: string }[] = []) => {
    const metric = await metrics.find({ scope: SCOPE, namespace: 'App', name, dimensions });
    assert.ok(metric, name);
    const { rows } = await world.telemetry.query<{ timestamp: number; unit: string; n: number; sum: number }>(sql`
      SELECT timestamp, any(unit) AS unit, sum(sample_count) AS n, sum(sum) AS sum FROM metric_points
      WHERE metric_id = ${metric.id} GROUP BY timestamp ORDER BY timestamp`);
    return rows.map(({ timestamp, unit, n, sum }) => [timestamp - NOW / 1000, unit, n, sum]);
  };
  assert.deepEqual(await statistics('errors'), [
    [-30, 'Count', 7, 1],
    [30, 'Count', 1, 1],
  ]);
  assert.deepEqual(await statistics('latency'), [[-30, 'Milliseconds', 2, 32.5]]);
  assert.deepEqual(await statistics('bytes', [{ Name: 'Client', Value: '10.0.0.1' }]), [[-30, 'None', 1, 5]]);
  assert.deepEqual(await statistics('bytes', [{ Name: 'Client', Value: '10.0.0.2' }]), [[-30, 'None', 1, 7]]);
  await crash();
  const group = (await world.logs.groups.find(SCOPE, 'group'))!;
  assert.deepEqual([...group.metricFilters.keys()], ['bytes', 'errors', 'latency']);
});

test('live tail gives what matches once a second, sampled to 500, and ends after three hours', async () => {
  const { logs } = world;
  const target = await newStream();
  const other = await newStream('group', 'other');
  const [group] = target;
  const abort = new AbortController();
  const tail = logs.openTail({
    groups: [group],
    matches: compileMatcher(parseFilterPattern('ERROR')),
    acceptsStream: (stream) => stream === 'stream',
  });
  const updates: LiveTailUpdate[] = [];
  const reading = (async () => {
    for await (const update of tail.updates(abort.signal)) updates.push(update);
  })();
  await put(target, ['ERROR 1', 'fine', 'ERROR 2']);
  await put(other, ['ERROR elsewhere']);
  await clock.advanceBy(1_000);
  await put(
    target,
    Array.from({ length: 900 }, (_, i) => `ERROR ${i}`),
  );
  await clock.advanceBy(1_000);
  await clock.advanceBy(1_000);
  assert.deepEqual(
    updates.map(({ events, sampled }) => [events.length, sampled]),
    [
      [2, false],
      [500, true],
      [0, false],
    ],
  );
  assert.deepEqual(messagesOf(updates[0]!), ['ERROR 1', 'ERROR 2']);
  assert.equal(updates[0]!.events[0]!.ingestionTimeMs, NOW);
  assert.equal(group.tails.size, 1);
  await clock.advanceBy(3 * HOUR_MS);
  await reading;
  assert.ok(tail.timedOut);
  assert.equal(group.tails.size, 0);

  const aborted = logs.openTail({ groups: [group], matches: () => true, acceptsStream: () => true });
  const ended = (async () => {
    for await (const _ of aborted.updates(abort.signal));
  })();
  abort.abort();
  await ended;
  assert.equal(group.tails.size, 0);
  assert.ok(!aborted.timedOut);
});

test('creations at the same time make one', async () => {
  const { groups } = world.logs;
  const made = await Promise.all(Array.from({ length: 20 }, () => groups.create(SCOPE, 'once')));
  assert.equal(made.filter((group) => group !== undefined).length, 1);
  const group = (await groups.find(SCOPE, 'once'))!;
  const streams = await Promise.all(Array.from({ length: 20 }, () => groups.createStream(group, 'once')));
  assert.equal(streams.filter((stream) => stream !== undefined).length, 1);
  const events = Array.from({ length: 30 }, (_, i) => ({ timestamp: NOW + i, message: `${i}` }));
  await Promise.all(events.map((event) => world.logs.appendFromService(SCOPE, '/many', 's', [event])));
  const many = (await groups.find(SCOPE, '/many'))!;
  const page = await world.logs.events.forward({ group: many }, FIRST_POSITION, 100);
  assert.deepEqual(
    messagesOf(page),
    events.map(({ message }) => message),
  );
});
