import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { VirtualClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import type { StateStore } from '#storage/state/state.ts';
import { openTelemetry } from '#storage/telemetry/chdb-telemetry.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import { seeded } from '#test/seeded-random.ts';
import { availableSinceS, compileGroups, type DataPoint, groupQueries, type MetricQuery } from './metric-query.ts';
import { createMetricStore, type MetricDatumInput, type MetricStore } from './metric-store.ts';
import { type Bound, parseExtendedStatistic, type Statistic } from './statistic.ts';

const SCOPE = { account: '000000000000', region: 'us-east-1' };
const NAMESPACE = 'Property';
const START_S = Date.UTC(2026, 10, 23) / 1000;
const EXTENDED = [
  'p0',
  'p50',
  'p99',
  'p99.9',
  'p100',
  'tm90',
  'tm50',
  'tc90',
  'ts80',
  'wm95',
  'IQM',
  'TM(10%:90%)',
  'TM(5%:)',
]
  .concat([
    'WM(10%:90%)',
    'WM(:50)',
    'WM(-20:60)',
    'TM(10:80)',
    'TC(-10:40)',
    'TS(:30)',
    'PR(:50)',
    'PR(0:75)',
    'TS(20%:80%)',
  ])
  .map((name) => [name, parseExtendedStatistic(name)!] as const);

const dir = mkdtempSync(join(tmpdir(), 'brume-metrics-'));
const log = createLogger('error');
const clock = new VirtualClock(START_S * 1000);
let state: StateStore;
let telemetry: Telemetry;
let metrics: MetricStore;

before(async () => {
  state = await openStateStore({ dir: join(dir, 'state'), durable: false, log });
  telemetry = await openTelemetry({ dir: join(dir, 'telemetry'), durable: false, log });
  metrics = createMetricStore({ state, telemetry, clock, log });
});

after(async () => {
  await telemetry.close();
  await state.close();
  rmSync(dir, { recursive: true, force: true });
});

// ---- the slow, obviously right evaluator: every sample in one sorted array ----

interface PeriodData {
  /** Sorted samples of what has a distribution. */
  samples: number[];
  data: MetricDatumInput[];
}

function extendedOf(statistic: Statistic, samples: readonly number[]): number | null {
  const n = samples.length;
  if (n === 0) return null;
  if (statistic.kind === 'basic') throw new Error('not extended');
  if (statistic.kind === 'percentile') return samples[Math.max(1, ceilShare(n, statistic.percent)) - 1]!;
  const { kind, lower, upper } = statistic;
  const byValue = lower?.kind === 'value' || upper?.kind === 'value';
  const low = byValue ? 0 : floorShare(n, shareOf(lower, 0));
  const high = byValue ? n : ceilShare(n, shareOf(upper, 100));
  const kept = byValue
    ? samples.filter((x) => x > limitOf(lower, -Infinity) && x <= limitOf(upper, Infinity))
    : samples.slice(low, high);
  const sum = kept.reduce((a, b) => a + b, 0);
  switch (kind) {
    case 'tm':
      return kept.length === 0 ? null : sum / kept.length;
    case 'tc':
      return kept.length;
    case 'ts':
      return sum;
    case 'pr':
      return (100 * kept.length) / n;
    case 'wm': {
      const edges: [number, number] = byValue
        ? [limitOf(lower, -Infinity), limitOf(upper, Infinity)]
        : [samples[low]!, samples[high - 1]!];
      return samples.reduce((a, x) => a + Math.min(Math.max(x, edges[0]), edges[1]), 0) / n;
    }
  }
}

/** Shares in the test have one decimal, so that ranks can be computed in whole numbers. */
function ceilShare(n: number, percent: number): number {
  return Math.ceil((n * Math.round(percent * 10)) / 1000);
}

function floorShare(n: number, percent: number): number {
  return Math.floor((n * Math.round(percent * 10)) / 1000);
}

function shareOf(bound: Bound | undefined, otherwise: number): number {
  return bound?.kind === 'percent' ? bound.percent : otherwise;
}

function limitOf(bound: Bound | undefined, otherwise: number): number {
  return bound?.kind === 'value' ? bound.value : otherwise;
}

function periodsOf(data: readonly MetricDatumInput[], query: MetricQuery): Map<number, PeriodData> {
  const periods = new Map<number, PeriodData>();
  for (const datum of data) {
    const unitS = datum.storageResolution === 1 ? 1 : 60;
    const timestampS = Math.floor(datum.timestampMs / 1000 / unitS) * unitS;
    if (timestampS < query.startS || timestampS >= query.endS) continue;
    if (query.unit !== undefined && query.unit !== (datum.unit ?? 'None')) continue;
    const at = query.startS + Math.floor((timestampS - query.startS) / query.periodS) * query.periodS;
    const period = periods.get(at) ?? { samples: [], data: [] };
    periods.set(at, period);
    period.data.push(datum);
    if (datum.data.kind === 'values') {
      const { values, counts } = datum.data;
      for (const [i, value] of values.entries()) period.samples.push(...Array<number>(counts?.[i] ?? 1).fill(value));
    } else if (datum.data.minimum === datum.data.maximum) {
      period.samples.push(...Array<number>(datum.data.sampleCount).fill(datum.data.minimum));
    }
  }
  for (const period of periods.values()) period.samples.sort((a, b) => a - b);
  return periods;
}

function basicsOf({ data }: PeriodData) {
  const basics = { sampleCount: 0, sum: 0, minimum: Infinity, maximum: -Infinity };
  const add = (count: number, sum: number, minimum: number, maximum: number) => {
    basics.sampleCount += count;
    basics.sum += sum;
    basics.minimum = Math.min(basics.minimum, minimum);
    basics.maximum = Math.max(basics.maximum, maximum);
  };
  for (const { data: datum } of data) {
    if (datum.kind === 'statistics') add(datum.sampleCount, datum.sum, datum.minimum, datum.maximum);
    else
      for (const [i, value] of datum.values.entries()) {
        const count = datum.counts?.[i] ?? 1;
        add(count, value * count, value, value);
      }
  }
  return basics;
}

// ---- random data ----

function generator(seed: number) {
  const next = seeded(seed);
  const integer = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  const pick = <T>(of: readonly T[]) => of[integer(0, of.length - 1)]!;
  return { next, integer, pick };
}

function randomDatum(
  { next, integer, pick }: ReturnType<typeof generator>,
  metricName: string,
  spanS: number,
): MetricDatumInput {
  const number = () => (next() < 0.5 ? integer(-50, 100) : Math.round(next() * 1e6) / 1e4);
  const values = Array.from({ length: integer(1, 6) }, number);
  const minimum = number();
  const maximum = next() < 0.4 ? minimum : minimum + integer(1, 50);
  const sampleCount = integer(1, 9);
  const sum = minimum === maximum ? minimum * sampleCount : minimum + maximum + number();
  return {
    metricName,
    dimensions: {},
    timestampMs: (START_S + integer(0, spanS)) * 1000 + integer(0, 999),
    ...(next() < 0.5 ? {} : { unit: pick(['Count', 'Seconds']) }),
    ...(next() < 0.5 ? {} : { storageResolution: 1 }),
    data:
      next() < 0.75
        ? { kind: 'values', values, ...(next() < 0.5 ? {} : { counts: values.map(() => integer(1, 5)) }) }
        : { kind: 'statistics', sampleCount, sum, minimum, maximum },
  };
}

function assertClose(actual: number | null, expected: number | null, what: string) {
  if (actual === null || expected === null) return assert.equal(actual, expected, what);
  assert.ok(
    Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, expected ${expected}`,
  );
}

test('ClickHouse and a slow evaluator agree on random data', async (t) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const random = generator(seed);
  const spanS = 3600;
  const names = ['dense', 'sparse', 'one'];
  const data = names.flatMap((name, i) =>
    Array.from({ length: [3000, 60, 1][i]! }, () => randomDatum(random, name, spanS)),
  );
  await metrics.put(SCOPE, NAMESPACE, data);

  const queries: MetricQuery[] = [];
  for (const name of names) {
    const metric = (await metrics.find({ scope: SCOPE, namespace: NAMESPACE, name, dimensions: [] }))!;
    for (const periodS of [1, 10, 60, 300, 3600]) {
      const startS = START_S + random.integer(0, 10) * 60;
      const unit = random.pick([undefined, 'Count', 'Seconds', 'None']);
      const endS = START_S + random.integer(1000, spanS);
      const extended = EXTENDED.map(([, statistic]) => statistic);
      queries.push({ metric, startS, endS, periodS, extended, ...(unit === undefined ? {} : { unit }) });
    }
  }
  const results = await metrics.query(queries);
  for (const [i, query] of queries.entries()) {
    const mine = data.filter(({ metricName }) => metricName === query.metric.name);
    const expected = [...periodsOf(mine, query)].sort(([a], [b]) => a - b);
    const what = `${query.metric.name} period ${query.periodS} unit ${query.unit}`;
    assert.deepEqual(
      results[i]!.map(({ timestampS }) => timestampS),
      expected.map(([at]) => at),
      what,
    );
    for (const [j, [at, period]] of expected.entries()) {
      const point = results[i]![j]!;
      for (const [name, value] of Object.entries(basicsOf(period))) {
        assertClose(point[name as 'sum'], value, `${what} at ${at}: ${name}`);
      }
      for (const [k, [name, statistic]] of EXTENDED.entries()) {
        assertClose(
          point.extended[k]!,
          extendedOf(statistic, period.samples),
          `${what} at ${at}: ${name} of ${period.samples}`,
        );
      }
    }
  }
});

test('by unit, one data point for each', async () => {
  const put = (unit: string, value: number) =>
    metrics.put(SCOPE, NAMESPACE, [
      {
        metricName: 'units',
        dimensions: {},
        timestampMs: START_S * 1000,
        unit,
        data: { kind: 'values', values: [value] },
      },
    ]);
  await put('Seconds', 1);
  await put('Count', 2);
  await put('Count', 3);
  const metric = (await metrics.find({ scope: SCOPE, namespace: NAMESPACE, name: 'units', dimensions: [] }))!;
  const window = { metric, startS: START_S, endS: START_S + 60, periodS: 60 };
  const [byUnit, together] = await metrics.query([{ ...window, byUnit: true }, window]);
  const seen = (points: DataPoint[]) => points.map(({ unit, sum, sampleCount }) => [unit, sum, sampleCount]);
  assert.deepEqual(seen(byUnit!), [
    ['Count', 5, 2],
    ['Seconds', 1, 1],
  ]);
  assert.deepEqual(seen(together!), [['', 6, 3]]);
});

test('fractional counts weigh as they are', async () => {
  const data = { kind: 'values' as const, values: [1, 2, 3], counts: [0.5, 1.5, 2] };
  await metrics.put(SCOPE, NAMESPACE, [{ metricName: 'weights', dimensions: {}, timestampMs: START_S * 1000, data }]);
  const metric = (await metrics.find({ scope: SCOPE, namespace: NAMESPACE, name: 'weights', dimensions: [] }))!;
  const extended = ['p12', 'p50', 'p51', 'p100'].map((name) => parseExtendedStatistic(name)!);
  const [points] = await metrics.query([{ metric, startS: START_S, endS: START_S + 60, periodS: 60, extended }]);
  assert.deepEqual(points![0]!.extended, [2, 2, 3, 3]);
  assert.equal(points![0]!.sampleCount, 4);
});

test('queries over the same window share a SELECT, all share a statement', async () => {
  const metric = (id: number) => ({ id }) as MetricQuery['metric'];
  const window = { startS: 600, endS: 1200, periodS: 60 };
  const groups = groupQueries([
    { metric: metric(7), ...window },
    { metric: metric(8), ...window, unit: "O'Neill" },
    { metric: metric(9), ...window },
    { metric: metric(7), ...window, periodS: 300, visibleFromS: 900 },
  ]);
  const conditions = compileGroups(groups).text.match(/WHERE .*? GROUP/g);
  assert.deepEqual(conditions, [
    'WHERE metric_id IN (7, 9) AND timestamp >= 600 AND timestamp < 1200 GROUP',
    "WHERE metric_id IN (8) AND timestamp >= 600 AND timestamp < 1200 AND unit = 'O\\'Neill' GROUP",
    'WHERE metric_id IN (7) AND timestamp >= 900 AND timestamp < 1200 GROUP',
  ]);
});

test('since when data are kept at a period', () => {
  const nowS = 1_000_000_000;
  const rows = [
    [1, 3 * 3600],
    [30, 3 * 3600],
    [60, 15 * 86_400],
    [120, 15 * 86_400],
    [300, 63 * 86_400],
    [3600, 455 * 86_400],
    [86_400, 455 * 86_400],
  ] as const;
  for (const [periodS, ageS] of rows) assert.equal(availableSinceS(periodS, nowS), nowS - ageS, `${periodS}`);
});
