import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { createLogger } from '#core/log.ts';
import { type ChdbTelemetry, openTelemetry } from './chdb-telemetry.ts';
import { sql } from './sql.ts';
import type { LogEventBatch, MetricPoint } from './telemetry.ts';
import { TelemetryQueryError } from './telemetry.ts';

const NOW = 1_763_860_000_000;
const ENDLESS = sql`SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1`;

let dir: string;
let logged: string[];
let telemetry: ChdbTelemetry;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'brume-telemetry-'));
  logged = [];
  telemetry = await open();
});
afterEach(async () => {
  await telemetry.close();
  await rm(dir, { recursive: true });
});

test('the engine loads on first use', async () => {
  assert.deepEqual(telemetry.status(), { engine: 'idle', version: undefined, restarts: 0 });
  await telemetry.warmUp();
  assert.equal(telemetry.status().engine, 'ready');
  assert.match(telemetry.status().version!, /^\d+\.\d+/);
});

test('log events come back as they were given, to those who ask right after', async () => {
  const messages = ['plain', '', 'é日𝄞', 'line\nbreak\0\x1b[31m', 'x'.repeat(300_000), '{"a":"\\u00e9"}'];
  const { segment } = await telemetry.appendLogEvents(batch(1, messages));
  const { rows, rowsRead } = await telemetry.query(sql`SELECT * FROM log_events ORDER BY timestamp`);
  assert.deepEqual(
    rows,
    messages.map((message, i) => ({
      group_id: 1,
      stream: 'stream',
      timestamp: NOW + i,
      ingestion_time: NOW,
      message,
      transformed: '',
      entity: '',
      segment,
      row: 0,
    })),
  );
  assert.equal(rowsRead, messages.length);
});

test('metric points come back as they were given, with sums and extremes of both kinds', async () => {
  const at = { timestampS: 1_763_860_000, unit: 'None', storageResolution: 60 };
  const points: MetricPoint[] = [
    { metricId: 4_000_000_000, ...at, data: { kind: 'value', value: -2.5, count: 3 } },
    { metricId: 2, ...at, unit: 'Count/Second', storageResolution: 1, data: { kind: 'value', value: 1e300, count: 1 } },
    { metricId: 1, ...at, data: { kind: 'statistics', sampleCount: 4, sum: 10, minimum: -1, maximum: 5.5 } },
  ];
  await telemetry.appendMetricPoints(points);
  const { rows } = await telemetry.query(
    sql`SELECT metric_id, timestamp, unit, storage_resolution, kind, value, sample_count, sum, minimum, maximum
        FROM metric_points ORDER BY metric_id`,
  );
  const common = { timestamp: at.timestampS, unit: 'None', storage_resolution: 60, kind: 'value' };
  assert.deepEqual(rows, [
    { metric_id: 1, ...common, kind: 'statistics', value: 10, sample_count: 4, sum: 10, minimum: -1, maximum: 5.5 },
    { ...common, metric_id: 2, unit: 'Count/Second', storage_resolution: 1, ...sameEverywhere(1e300) },
    { metric_id: 4_000_000_000, ...common, value: -2.5, sample_count: 3, sum: -7.5, minimum: -2.5, maximum: -2.5 },
  ]);
});

test('timestamps of any age and partition are taken', async () => {
  const timestamps = [0, 1, NOW, -62_135_596_800_000, 253_402_300_799_999, Number.MAX_SAFE_INTEGER];
  for (let month = 0; month < 150; month++) timestamps.push(month * 31 * 86_400_000 + 5);
  await telemetry.appendLogEvents({
    ...batch(1, []),
    events: timestamps.map((timestamp) => ({ timestamp, message: String(timestamp) })),
  });
  const { rows } = await telemetry.query<{ timestamp: number; message: string }>(
    sql`SELECT timestamp, message FROM log_events ORDER BY timestamp`,
  );
  assert.deepEqual(
    rows.map(({ timestamp }) => timestamp),
    timestamps.toSorted((a, b) => a - b),
  );
  assert.ok(rows.every(({ timestamp, message }) => String(timestamp) === message));
});

test('many appenders and readers at once: every reader sees what was acknowledged to it', async () => {
  const worker = async (groupId: number) => {
    for (let i = 1; i <= 10; i++) {
      await telemetry.appendLogEvents(batch(groupId, [`event ${i}`]));
      assert.equal(await count(groupId), i);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => worker(i)));
});

test('rows become visible in the table without a query too, and their segments are deleted', async () => {
  await telemetry.appendLogEvents(batch(1, ['a', 'b']));
  const deadline = performance.now() + 10_000;
  while ((await segmentFiles()).length > 0 && performance.now() < deadline) await sleep(50);
  assert.deepEqual(await segmentFiles(), []);
  assert.equal(await count(1), 2);
});

test('a query that fails says why and leaves the store usable', async () => {
  const cases: [string, ReturnType<typeof sql>, RegExp, number][] = [
    ['syntax', sql`SELEKT 1`, /Syntax error/, 62],
    ['unknown column', sql`SELECT bogus FROM log_events`, /Unknown expression identifier `bogus`/, 47],
    ['a write', sql`DROP TABLE log_events`, /readonly/, 164],
    ['an error after rows', sql`SELECT number, throwIf(number = 200000) FROM numbers(300000)`, /throwIf/, 395],
    [
      'too much memory',
      sql`SELECT uniqExact(number) FROM numbers(1e7) SETTINGS max_memory_usage = 1e7`,
      /memory/i,
      241,
    ],
  ];
  for (const [what, query, message, code] of cases) {
    await assert.rejects(telemetry.query(query), (error) => {
      assert.ok(error instanceof TelemetryQueryError, what);
      assert.match(error.message, message);
      assert.equal(error.clickhouseCode, code);
      return true;
    });
    // Nothing of the failed query's output is in the next result.
    assert.deepEqual((await telemetry.query(sql`SELECT 1 AS one`)).rows, [{ one: 1 }]);
  }
  assert.equal(await count(1), 0);
  assert.equal(telemetry.status().restarts, 0);
});

test('a query ends at its time limit, and when its caller gives up', async () => {
  await telemetry.warmUp();
  const started = performance.now();
  await assert.rejects(telemetry.query(ENDLESS, { timeoutMs: 200 }), {
    name: 'TelemetryQueryError',
    clickhouseCode: 159,
  });
  await assert.rejects(telemetry.query(ENDLESS, { signal: AbortSignal.timeout(200) }), { name: 'TimeoutError' });
  const early = AbortSignal.abort();
  await assert.rejects(telemetry.query(ENDLESS, { signal: early }), { name: 'AbortError' });
  assert.ok(performance.now() - started < 10_000);
  // More endless queries than there are sessions: the ones that wait for a session end as well.
  const many = Array.from({ length: 30 }, () => telemetry.query(ENDLESS, { timeoutMs: 300 }));
  for (const result of await Promise.allSettled(many)) assert.equal(result.status, 'rejected');
  // A query's entry goes when its session is closed, a moment after its error is told.
  const deadline = performance.now() + 5_000;
  for (;;) {
    const { rows } = await telemetry.query(
      sql`SELECT elapsed, is_cancelled FROM system.processes WHERE query LIKE 'SELECT count() FROM numbers%'`,
    );
    if (rows.length === 0) break;
    assert.ok(performance.now() < deadline, `still running: ${JSON.stringify(rows)}`);
    await sleep(20);
  }
});

test('a statement acts on all that was acknowledged before it', async () => {
  await telemetry.appendLogEvents(batch(1, ['a', 'b']));
  await telemetry.appendLogEvents(batch(2, ['c']));
  await telemetry.statement(sql`DELETE FROM log_events WHERE group_id = 1`);
  assert.deepEqual([await count(1), await count(2)], [0, 1]);
  await telemetry.statement(sql`ALTER TABLE log_events DELETE WHERE group_id = 2`);
  assert.equal(await count(2), 0);
});

test('rows are still there after a restart, flushed or not', async () => {
  await telemetry.appendLogEvents(batch(1, ['a']));
  assert.equal(await count(1), 1);
  await telemetry.appendLogEvents(batch(1, ['b']));
  telemetry = await reopen();
  await telemetry.appendLogEvents(batch(1, ['c']));
  assert.equal(await count(1), 3);
});

test('a directory of an earlier version opens, and what is written from then on is compressed as it is now', async () => {
  await telemetry.appendLogEvents(batch(1, ['before']));
  await telemetry.flush();
  await telemetry.statement(sql`ALTER TABLE log_events MODIFY COLUMN message String CODEC(ZSTD(1))`);
  await telemetry.close();
  telemetry = await open();
  await telemetry.appendLogEvents(batch(1, ['after']));
  const { rows } = await telemetry.query(sql`SELECT message FROM log_events ORDER BY segment`);
  assert.deepEqual(rows, [{ message: 'before' }, { message: 'after' }]);
  const codecs = await telemetry.query(sql`
    SELECT (SELECT compression_codec FROM system.columns WHERE table = 'log_events' AND name = 'message') AS column,
      groupUniqArray(default_compression_codec) AS parts FROM system.parts WHERE active AND table = 'log_events'`);
  assert.deepEqual(codecs.rows, [{ column: 'CODEC(Default)', parts: ['ZSTD(1)'] }]);
});

/** Form of frames, and the bytes at their end that it did not have. */
const EARLIER_FORMS: [suffix: string, without: number][] = [
  // That nothing is transformed, and of no entity.
  ['.segment', 6],
  // The number of the first row.
  ['.2.segment', 4],
];

for (const [suffix, without] of EARLIER_FORMS)
  test(`a table and a ${suffix} of earlier versions are taken over`, async () => {
    await telemetry.appendLogEvents(batch(1, ['in the table']));
    await telemetry.flush();
    await telemetry.statement(sql`ALTER TABLE log_events DROP COLUMN transformed, DROP COLUMN entity`);
    await telemetry.close();
    telemetry = await open();
    await telemetry.appendLogEvents(batch(1, ['in a segment', 'and another']));
    await telemetry.close();
    const [name] = (await segmentFiles()).filter((file) => file.startsWith('log_events'));
    const path = join(dir, 'log', name!);
    const frame = (await readFile(path)).subarray(0, -without);
    frame.writeUInt32LE(frame.length - 8, 0);
    frame.writeUInt32LE(crc32(frame.subarray(8)), 4);
    await writeFile(path.replace('.3.segment', suffix), frame);
    await unlink(path);

    telemetry = await open();
    const events = [
      { timestamp: NOW, message: '{"a":1}', transformed: '{"a":1,"b":2}' },
      { timestamp: NOW, message: 'x' },
    ];
    await telemetry.appendLogEvents({ groupId: 1, stream: 's', ingestionTimeMs: NOW, events });
    const { rows } = await telemetry.query(
      sql`SELECT message, transformed FROM log_events ORDER BY segment, timestamp, row`,
    );
    assert.deepEqual(rows, [
      { message: 'in the table', transformed: '' },
      { message: 'in a segment', transformed: '' },
      { message: 'and another', transformed: '' },
      { message: '{"a":1}', transformed: '{"a":1,"b":2}' },
      { message: 'x', transformed: '' },
    ]);
  });

test('rows that were appended while the engine was idle wait in the log', async () => {
  await telemetry.appendLogEvents(batch(1, ['a']));
  await telemetry.close();
  assert.equal((await segmentFiles()).length, 1);
  telemetry = await open();
  assert.equal(await count(1), 1);
});

test('reset empties both tables and the log', async () => {
  await telemetry.appendLogEvents(batch(1, ['a']));
  await telemetry.flush();
  await telemetry.appendLogEvents(batch(1, ['b']));
  await telemetry.appendMetricPoints([metricPoint(1)]);
  const resetting = telemetry.reset();
  const during = telemetry.appendLogEvents(batch(1, ['after']));
  await resetting;
  await during;
  assert.equal(await count(1), 1);
  const { rows } = await telemetry.query(sql`SELECT count() AS points FROM metric_points`);
  assert.deepEqual(rows, [{ points: 0 }]);
  telemetry = await reopen();
  assert.equal(await count(1), 1);
});

test('nothing is taken after close', async () => {
  await telemetry.close();
  await assert.rejects(telemetry.appendLogEvents(batch(1, ['a'])), /closed/);
  await assert.rejects(telemetry.query(sql`SELECT 1`), /closed/);
  telemetry = await open();
});

test('a second engine on the same directory is refused while the first lives', async () => {
  await telemetry.warmUp();
  const second = await open();
  // The lock is waited for, so that an engine whose server was just killed can die; here it does not.
  await assert.rejects(second.warmUp(), /another process uses .*database is locked/);
  await second.close();
  await telemetry.query(sql`SELECT 1`);
});

test('a directory whose path ClickHouse would take for a pattern is refused; other odd names are fine', async () => {
  const openIn = (name: string) => openTelemetry({ dir: join(dir, name), durable: false, log: createLogger('silent') });
  for (const name of ['{a,b}', 'st*r', 'wh?t']) await assert.rejects(openIn(name), /must not have a "[*?{]" in it/);
  const odd = await openIn('we ird \'é" [x] %20 $HOME :: b\\');
  await odd.appendLogEvents(batch(1, ['a']));
  assert.deepEqual((await odd.query(sql`SELECT message FROM log_events`)).rows, [{ message: 'a' }]);
  await odd.close();
});

test('when the engine cannot start, appends are still taken and queries say what to do', async () => {
  await telemetry.close();
  await rm(join(dir, 'clickhouse'), { recursive: true });
  telemetry = await open();
  await rm(join(dir, 'clickhouse'), { recursive: true });
  await writeFile(join(dir, 'clickhouse'), 'not a directory');
  await telemetry.appendLogEvents(batch(1, ['a']));
  for (let i = 0; i < 2; i++) {
    await assert.rejects(count(1), (error) => {
      assert.ok(error instanceof TelemetryQueryError);
      assert.match(error.message, /cannot start \(.+\)\. It needs macOS, or Linux with glibc/s);
      assert.equal(error.clickhouseCode, 0);
      return true;
    });
  }
  await rm(join(dir, 'clickhouse'));
  const deadline = performance.now() + 10_000;
  let events: number | undefined;
  while (events === undefined && performance.now() < deadline) {
    await sleep(100);
    events = await count(1).catch(() => undefined);
  }
  assert.equal(events, 1);
});

// ---- exactly once ----

test('a segment whose file came back after its insert is not inserted twice', async () => {
  await telemetry.appendLogEvents(batch(1, ['a', 'b', 'c']));
  const [name] = await segmentFiles();
  await copyFile(join(dir, 'log', name!), join(dir, 'copy'));
  assert.equal(await count(1), 3);
  await telemetry.close();
  await rename(join(dir, 'copy'), join(dir, 'log', name!));
  telemetry = await open();
  assert.equal(await count(1), 3);
  assert.match(logged.join(), /was in doubt.*"rows":3,"rowsFound":3/);
});

test('a segment of which a part was inserted is completed', async () => {
  await telemetry.appendLogEvents(batch(1, ['a', 'b', 'c']));
  const [name] = await segmentFiles();
  await copyFile(join(dir, 'log', name!), join(dir, 'copy'));
  assert.equal(await count(1), 3);
  await telemetry.statement(sql`ALTER TABLE log_events DELETE WHERE message = 'b'`);
  await telemetry.close();
  await rename(join(dir, 'copy'), join(dir, 'log', name!));
  telemetry = await open();
  const { rows } = await telemetry.query<{ message: string }>(sql`SELECT message FROM log_events ORDER BY timestamp`);
  assert.deepEqual(
    rows.map(({ message }) => message),
    ['a', 'b', 'c'],
  );
});

test('a torn segment gives its valid prefix and says so', async () => {
  await telemetry.appendLogEvents(batch(1, ['a', 'b']));
  await telemetry.appendLogEvents(batch(1, ['c']));
  await telemetry.close();
  const [name] = await segmentFiles();
  const path = join(dir, 'log', name!);
  await writeFile(path, Buffer.from('half a frame'), { flag: 'a' });
  telemetry = await open();
  assert.equal(await count(1), 3);
  assert.match(logged.join(), /cut the torn end.*"rowsKept":3,.*"bytesCut":12/);
});

test('an engine killed under a query costs that query; the next works', async () => {
  await telemetry.appendLogEvents(batch(1, ['a']));
  await telemetry.warmUp();
  const query = telemetry.query(ENDLESS);
  await sleep(100);
  process.kill(telemetry.enginePid!, 'SIGKILL');
  await assert.rejects(query, { name: 'TelemetryQueryError', clickhouseCode: 0 });
  assert.equal(await count(1), 1);
  assert.equal(telemetry.status().restarts, 1);
});

test('an engine killed under inserts loses and doubles nothing', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed} (set SEED to repeat)`);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
  await telemetry.warmUp();
  let appended = 0;
  for (let kill = 0; kill < 5; kill++) {
    const messages = Array.from({ length: 20_000 }, (_, i) => `event ${appended + i} ${'x'.repeat(100)}`);
    // Old and new events fall into several partitions, hence several parts of one insert.
    const events = messages.map((message, i) => ({ timestamp: NOW - (2 - (i % 3)) * 31 * 86_400_000, message }));
    events.sort((a, b) => a.timestamp - b.timestamp);
    await telemetry.appendLogEvents({ ...batch(1, []), events });
    appended += messages.length;
    const flushed = telemetry.flush();
    await sleep(random() * 120);
    const pid = telemetry.enginePid;
    if (pid) process.kill(pid, 'SIGKILL');
    await flushed;
  }
  // The last kill may come to light only under a query; that one is lost.
  await telemetry.query(sql`SELECT 1`).catch(() => {});
  const { rows } = await telemetry.query(
    sql`SELECT count() AS total, uniqExact(message) AS different, uniqExact(stream, timestamp, segment, row) AS ids FROM log_events`,
  );
  assert.deepEqual(rows, [{ total: appended, different: appended, ids: appended }]);
});

async function open(): Promise<ChdbTelemetry> {
  return openTelemetry({ dir, durable: true, log: createLogger('info', (line) => logged.push(line)) });
}

async function reopen(): Promise<ChdbTelemetry> {
  await telemetry.close();
  return open();
}

async function count(groupId: number): Promise<number> {
  const { rows } = await telemetry.query<{ events: number }>(
    sql`SELECT count() AS events FROM log_events WHERE group_id = ${groupId}`,
  );
  return rows[0]!.events;
}

async function segmentFiles(): Promise<string[]> {
  return (await readdir(join(dir, 'log'))).filter((name) => name.endsWith('.segment'));
}

function batch(groupId: number, messages: string[]): LogEventBatch {
  const events = messages.map((message, i) => ({ timestamp: NOW + i, message }));
  return { groupId, stream: 'stream', ingestionTimeMs: NOW, events };
}

function metricPoint(metricId: number): MetricPoint {
  const data = { kind: 'value', value: 1, count: 1 } as const;
  return { metricId, timestampS: NOW / 1000, unit: 'None', storageResolution: 60, data };
}

function sameEverywhere(value: number) {
  return { value, sample_count: 1, sum: value, minimum: value, maximum: value };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
