import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach, before } from 'node:test';
import { VirtualClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import type { StateStore } from '#storage/state/state.ts';
import { openTelemetry } from '#storage/telemetry/chdb-telemetry.ts';
import { sql } from '#storage/telemetry/sql.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import { createMeter } from './meter.ts';
import { RETENTION_S } from './metric-query.ts';
import { createMetricStore, type MetricStore } from './metric-store.ts';

const SCOPE = { account: '000000000000', region: 'us-east-1' };
const START_MS = Date.UTC(2026, 10, 23, 1);
const HOUR_MS = 3_600_000;

const dir = mkdtempSync(join(tmpdir(), 'brume-metrics-'));
const log = createLogger('error');
let clock = new VirtualClock(START_MS);
let state: StateStore;
let telemetry: Telemetry;

const openMetrics = () => createMetricStore({ state, telemetry, clock, log });

before(async () => {
  state = await openStateStore({ dir: join(dir, 'state'), durable: false, log });
  telemetry = await openTelemetry({ dir: join(dir, 'telemetry'), durable: false, log });
});

afterEach(async () => {
  clock = new VirtualClock(START_MS);
  await state.reset();
  await telemetry.reset();
});

after(async () => {
  await telemetry.close();
  await state.close();
  rmSync(dir, { recursive: true, force: true });
});

function putOne(
  metrics: MetricStore,
  metricName: string,
  dimensions: Record<string, string> = {},
  namespace = 'Shop',
  value = 1,
) {
  const data = { kind: 'values' as const, values: [value] };
  return metrics.put(SCOPE, namespace, [{ metricName, dimensions, timestampMs: clock.now(), data }]);
}

const identity = (name: string, dimensions: Record<string, string> = {}, namespace = 'Shop') => ({
  scope: SCOPE,
  namespace,
  name,
  dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
});

async function sum(metrics: MetricStore, name: string, dimensions: Record<string, string> = {}, namespace = 'Shop') {
  const metric = await metrics.find(identity(name, dimensions, namespace));
  if (!metric) return undefined;
  const startS = START_MS / 1000 - 3600;
  const [points] = await metrics.query([{ metric, startS, endS: startS + 100 * 86_400, periodS: 100 * 86_400 }]);
  return points!.reduce((total, point) => total + point.sum, 0);
}

test('the order of dimensions does not tell metrics apart, all else does', async () => {
  const metrics = openMetrics();
  await putOne(metrics, 'Orders', { a: '1', b: '2', c: '3' });
  await putOne(metrics, 'Orders', { c: '3', a: '1', b: '2' });
  await putOne(metrics, 'Orders', { c: '3', b: '2', a: '1' });
  const others: [string, Record<string, string>, string][] = [
    ['Orders', {}, 'Shop'],
    ['Orders', { a: '1', b: '2' }, 'Shop'],
    ['Orders', { a: '2', b: '1', c: '3' }, 'Shop'],
    ['orders', { a: '1', b: '2', c: '3' }, 'Shop'],
    ['Orders', { a: '1', b: '2', c: '3' }, 'Store'],
  ];
  for (const [name, dimensions, namespace] of others) await putOne(metrics, name, dimensions, namespace);
  assert.equal(await sum(metrics, 'Orders', { b: '2', c: '3', a: '1' }), 3);
  for (const [name, dimensions, namespace] of others) assert.equal(await sum(metrics, name, dimensions, namespace), 1);
  assert.equal(await sum(metrics, 'Orders', { a: '1' }), undefined);
  assert.equal((await metrics.list(SCOPE)).length, 6);
});

test('metrics survive a restart under their numbers', async () => {
  const first = openMetrics();
  await putOne(first, 'Orders', { shop: 'Lyon' });
  await putOne(first, 'Visits');
  const again = openMetrics();
  await putOne(again, 'Visits');
  await putOne(again, 'Orders', { shop: 'Lyon' });
  await putOne(again, 'Orders', { shop: 'Nice' });
  assert.equal(await sum(again, 'Orders', { shop: 'Lyon' }), 2);
  assert.equal(await sum(again, 'Visits'), 2);
  const listed = await again.list(SCOPE);
  assert.deepEqual(
    listed.map(({ name, dimensions }) => [name, dimensions[0]?.Value]),
    [
      ['Orders', 'Lyon'],
      ['Visits', undefined],
      ['Orders', 'Nice'],
    ],
  );
  assert.equal(new Set(listed.map(({ id }) => id)).size, 3);
});

test('a metric that many put first at once is created once', async () => {
  const metrics = openMetrics();
  await Promise.all(Array.from({ length: 50 }, (_, i) => putOne(metrics, `Name${i % 5}`, { x: 'y' })));
  assert.equal((await metrics.list(SCOPE)).length, 5);
  assert.equal(await sum(metrics, 'Name3', { x: 'y' }), 10);
});

test('accounts and regions are apart', async () => {
  const metrics = openMetrics();
  await putOne(metrics, 'Orders');
  for (const scope of [
    { account: '111111111111', region: 'us-east-1' },
    { account: '000000000000', region: 'eu-west-1' },
  ]) {
    assert.deepEqual(await metrics.list(scope), []);
    assert.equal(await metrics.find({ ...identity('Orders'), scope }), undefined);
  }
});

test('watchers hear of data, also of a metric that is created later, until they leave', async () => {
  const metrics = openMetrics();
  const heard: string[] = [];
  const leaveOrders = metrics.watch(identity('Orders', { a: '1', b: '2' }), () => heard.push('orders'));
  metrics.watch(identity('Visits'), () => heard.push('visits'));
  await putOne(metrics, 'Orders', { b: '2', a: '1' });
  await putOne(metrics, 'Orders', { a: '1' });
  await putOne(metrics, 'Visits');
  await putOne(metrics, 'Orders', { a: '1', b: '2' });
  assert.deepEqual(heard, ['orders', 'visits', 'orders']);
  leaveOrders();
  await putOne(metrics, 'Orders', { a: '1', b: '2' });
  await putOne(metrics, 'Visits');
  assert.deepEqual(heard, ['orders', 'visits', 'orders', 'visits']);
});

test('when data last came is remembered over a restart, to the precision that ListMetrics needs', async () => {
  const metrics = openMetrics();
  await metrics.start();
  await putOne(metrics, 'Orders');
  await clock.advanceBy(5 * HOUR_MS);
  await putOne(metrics, 'Orders');
  await clock.advanceBy(HOUR_MS);
  await metrics.stop();
  const [metric] = await openMetrics().list(SCOPE);
  assert.equal(metric!.lastPutMs, START_MS + 5 * HOUR_MS);
});

test('data and metrics end after 15 months without data', async () => {
  const metrics = openMetrics();
  await metrics.start();
  await putOne(metrics, 'Old');
  await putOne(metrics, 'Kept');
  await clock.advanceTo(START_MS + RETENTION_S * 1000 - HOUR_MS);
  await putOne(metrics, 'Kept');
  await clock.advanceBy(40 * 24 * HOUR_MS);
  assert.deepEqual(
    (await metrics.list(SCOPE)).map(({ name }) => name),
    ['Kept'],
  );
  const { rows } = await telemetry.query<{ n: number }>(sql`SELECT count() AS n FROM metric_points`);
  assert.deepEqual(rows, [{ n: 1 }]);
  await putOne(metrics, 'Old');
  assert.equal((await metrics.list(SCOPE)).length, 2);
  await metrics.stop();
});

test('the meter keeps every value with its count, and a reader sees what was recorded before', async () => {
  const metrics = openMetrics();
  const meter = createMeter({ metrics, clock, log });
  const record = (value: number) =>
    meter.record(SCOPE, {
      namespace: 'AWS/Lambda',
      metricName: 'Duration',
      dimensions: [{ FunctionName: 'f' }, {}],
      value,
      unit: 'Milliseconds',
    });
  for (const value of [3, 3, 3, 10]) record(value);
  assert.equal((await metrics.list(SCOPE)).length, 2);
  record(20);
  const metric = (await metrics.find(identity('Duration', { FunctionName: 'f' }, 'AWS/Lambda')))!;
  const startS = START_MS / 1000;
  const extended = [{ kind: 'percentile' as const, percent: 60 }];
  const [points] = await metrics.query([
    { metric, startS, endS: startS + 60, periodS: 60, extended, unit: 'Milliseconds' },
  ]);
  assert.deepEqual(points, [
    { timestampS: startS, unit: '', sampleCount: 5, sum: 39, minimum: 3, maximum: 20, extended: [3] },
  ]);
  await meter.stop();
});

test('the meter puts by itself after some seconds, sooner what is watched', async () => {
  const metrics = openMetrics();
  const meter = createMeter({ metrics, clock, log });
  const heard: number[] = [];
  const sample = { namespace: 'AWS/SQS', dimensions: [{}], value: 1, unit: 'Count' };
  metrics.watch(identity('Quick', {}, 'AWS/SQS'), () => heard.push(clock.now() - START_MS));
  meter.record(SCOPE, { ...sample, metricName: 'Slow' });
  await clock.advanceBy(4900);
  assert.equal(await metrics.find(identity('Slow', {}, 'AWS/SQS')), undefined);
  await clock.advanceBy(200);
  assert.ok(await metrics.find(identity('Slow', {}, 'AWS/SQS')));
  meter.record(SCOPE, { ...sample, metricName: 'Quick' });
  await clock.advanceBy(1000);
  assert.deepEqual(heard, [5300]);
  await meter.stop();
});
