// GetMetricData with MetricStat queries; all of a page go to ClickHouse in one statement.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html

import type {
  GetMetricDataInput,
  GetMetricDataOutput,
  MessageData,
  MetricDataResult,
} from '@aws-sdk/client-cloudwatch';
import { availableSinceS, type DataPoint, type MetricQuery, statisticOf } from '#engines/metrics/metric-query.ts';
import type { MetricStore } from '#engines/metrics/metric-store.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import type { ServiceDependencies } from '../../dependencies.ts';
import { expandLabel } from '../dynamic-label.ts';
import { invalidParameter, invalidValue, validationError } from '../errors.ts';
import { checkMetricDataQuery, type MetricDataQuery } from '../metric-data-query.ts';
import { readToken, writeToken } from '../page-token.ts';
import { checkPeriod, type Window, windowOf } from '../period.ts';
import { unitsInOrder } from '../unit.ts';

const MAX_QUERIES = 500;
const MAX_DATAPOINTS = 100_800;

export function getMetricData({
  metrics,
  clock,
}: Pick<ServiceDependencies, 'metrics' | 'clock'>): Handler<GetMetricDataInput, GetMetricDataOutput> {
  return async (input, context) => {
    const queries = checkQueries(input);
    if (input.StartTime! >= input.EndTime!) {
      throw validationError('The parameter StartTime must be less than the parameter EndTime.');
    }
    const descending = checkScanBy(input.ScanBy) === 'TimestampDescending';
    const limit = checkLimit(input.MaxDatapoints);
    const timezoneMinutes = checkTimezone(input.LabelOptions?.Timezone);
    const position = readToken(input.NextToken, isPosition) ?? { query: 0, afterS: undefined };
    const nowMs = clock.now();

    const pending = queries.map((query, index) => ({
      index,
      query,
      window: windowOf(input.StartTime!, input.EndTime!, query.periodS, nowMs),
    }));
    const remaining = pending.slice(position.query).filter(({ query }) => query.returnData);
    const first = remaining[0];
    if (first && first.index === position.query && position.afterS !== undefined) {
      first.window = continued(first.window, position.afterS, descending, first.query.periodS);
    }

    const results: MetricDataResult[] = [];
    let room = limit;
    let next: Position | undefined;
    while (remaining.length > 0 && next === undefined) {
      const batch = takeBatch(remaining, room, nowMs);
      const series = await readSeries(metrics, batch, nowMs, context);
      for (const [i, { index, query }] of batch.entries()) {
        const { values: whole, units } = series[i]!;
        const ordered = descending ? whole.toReversed() : whole;
        const given = ordered.slice(0, room);
        const complete = given.length === ordered.length;
        if (given.length === 0 && !complete) {
          next = { query: index, afterS: undefined };
          break;
        }
        room -= given.length;
        results.push({
          Id: query.id,
          Label: labelOf(query, whole, { nowMs, timezoneMinutes, context, queries }),
          Timestamps: given.map(({ timestampS }) => new Date(timestampS * 1000)),
          Values: given.map(({ value }) => value),
          StatusCode: complete ? 'Complete' : 'PartialData',
          ...(units.length > 1 && { Messages: [multipleUnits(units)] }),
        });
        if (!complete) {
          next = { query: index, afterS: given.at(-1)!.timestampS };
          break;
        }
      }
    }
    return { MetricDataResults: results, Messages: [], ...(next ? { NextToken: writeToken(next) } : {}) };
  };
}

/** Where the next page begins: a query, and the period after which it goes on. */
interface Position {
  query: number;
  afterS: number | undefined;
}

interface PendingQuery {
  index: number;
  query: MetricDataQuery;
  window: Window;
}

interface Value {
  timestampS: number;
  value: number;
}

interface Series {
  values: Value[];
  /** What the data was put with; the values are of the first. */
  units: string[];
}

/** Queries that together may fill the page, taken off the list; at least one. */
function takeBatch(remaining: PendingQuery[], room: number, nowMs: number): PendingQuery[] {
  let bound = 0;
  let count = 0;
  while (count < remaining.length && (count === 0 || bound < room)) {
    const { query, window } = remaining[count++]!;
    const fromS = Math.max(window.startS, availableSinceS(query.periodS, nowMs / 1000));
    bound += Math.max(0, Math.ceil((window.endS - fromS) / query.periodS));
  }
  return remaining.splice(0, count);
}

async function readSeries(
  metrics: MetricStore,
  batch: readonly PendingQuery[],
  nowMs: number,
  context: RequestContext,
): Promise<Series[]> {
  await metrics.settle();
  const asked: { place: number; query: MetricQuery }[] = [];
  for (const [place, { query, window }] of batch.entries()) {
    const { namespace, metricName: name, dimensions, periodS, unit, statistic, accountId } = query;
    if (accountId !== undefined && accountId !== context.account) continue;
    const metric = await metrics.find({ scope: context, namespace, name, dimensions });
    if (!metric || window.startS >= window.endS) continue;
    const visibleFromS = availableSinceS(periodS, Math.floor(nowMs / 1000));
    const extended = statistic.kind === 'basic' ? {} : { extended: [statistic] };
    asked.push({
      place,
      query: {
        metric,
        ...window,
        periodS,
        visibleFromS,
        ...(unit === undefined ? { byUnit: true } : { unit }),
        ...extended,
      },
    });
  }
  const found = await metrics.query(
    asked.map(({ query }) => query),
    { signal: context.signal },
  );
  const series: Series[] = batch.map(() => ({ values: [], units: [] }));
  for (const [i, { place }] of asked.entries()) {
    const points = found[i]!;
    const units = unitsInOrder(new Set(points.map(({ unit }) => unit)));
    const ofFirst = units.length > 1 ? points.filter(({ unit }) => unit === units[0]) : points;
    series[place] = { values: valuesOf(ofFirst, batch[place]!.query.statisticName), units };
  }
  return series;
}

function valuesOf(points: readonly DataPoint[], statistic: string): Value[] {
  const values: Value[] = [];
  for (const point of points) {
    const value = statisticOf(point, statistic);
    if (value !== null) values.push({ timestampS: point.timestampS, value });
  }
  return values;
}

/** The rest of a window after a period that was given, along the direction of the scan. */
function continued({ startS, endS }: Window, afterS: number, descending: boolean, periodS: number): Window {
  return descending ? { startS, endS: Math.min(endS, afterS) } : { startS: afterS + periodS, endS };
}

interface LabelContext {
  nowMs: number;
  timezoneMinutes: number;
  context: RequestContext;
  /** All of the request. */
  queries: readonly MetricDataQuery[];
}

/** The metric's name, and what queries of the same name differ in. */
function defaultLabelOf({ metricName, statisticName, periodS }: MetricDataQuery, queries: readonly MetricDataQuery[]) {
  const alike = queries.filter((it) => it.returnData && it.label === undefined && it.metricName === metricName);
  const label = [metricName];
  if (alike.some((query) => query.statisticName !== statisticName)) label.push(statisticName);
  if (alike.some((query) => query.periodS !== periodS)) label.push(String(periodS));
  return label.join(' ');
}

function multipleUnits(units: readonly string[]): MessageData {
  return { Code: 'MultipleUnits', Value: `Multiple units returned: '[${units.join(', ')}]'` };
}

function labelOf(
  query: MetricDataQuery,
  values: readonly Value[],
  { nowMs, timezoneMinutes, context, queries }: LabelContext,
): string {
  const { label, metricName, namespace, periodS, statisticName, dimensions } = query;
  if (label === undefined) return defaultLabelOf(query, queries);
  if (!label.includes('${')) return label;
  const properties = {
    AccountId: context.account,
    Region: context.region,
    MetricName: metricName,
    Namespace: namespace,
    Period: String(periodS),
    Stat: statisticName,
    ...Object.fromEntries(dimensions.map(({ Name, Value }) => [`Dim.${Name}`, Value])),
  };
  const points = values.map(({ timestampS, value }) => ({ timestampMs: timestampS * 1000, value }));
  return expandLabel(label, { defaultLabel: metricName, properties, points, nowMs, timezoneMinutes });
}

function checkQueries({ MetricDataQueries }: GetMetricDataInput): MetricDataQuery[] {
  if (MetricDataQueries!.length === 0) throw validationError('The parameter MetricDataQueries is required.');
  if (MetricDataQueries!.length > MAX_QUERIES) {
    throw validationError(`The collection MetricDataQueries must not have a size greater than ${MAX_QUERIES}.`);
  }
  const ids = new Set<string>();
  return MetricDataQueries!.map((query, i) => {
    const path = `MetricDataQueries.member.${i + 1}`;
    const checked = checkMetricDataQuery(query, 'GetMetricData', path);
    checkPeriod(checked.periodS, `${path}.MetricStat.Period`);
    if (ids.has(checked.id)) throw validationError('The values for parameter id in MetricDataQueries are not unique.');
    ids.add(checked.id);
    return checked;
  });
}

function checkScanBy(scanBy = 'TimestampDescending'): string {
  if (scanBy === 'TimestampDescending' || scanBy === 'TimestampAscending') return scanBy;
  throw invalidParameter(
    'The parameter ScanBy must be a value in the set [ TimestampDescending, TimestampAscending ].',
  );
}

function checkLimit(limit = MAX_DATAPOINTS): number {
  if (limit >= 1 && limit <= MAX_DATAPOINTS) return limit;
  throw invalidParameter(`The parameter MaxDatapoints must be between 1 and ${MAX_DATAPOINTS}.`);
}

/** Minutes ahead of UTC. */
function checkTimezone(timezone = '+0000'): number {
  const match = /^([+-])(\d\d)([0-5]\d)$/.exec(timezone);
  if (!match) throw invalidValue(timezone, 'LabelOptions.Timezone');
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === '-' ? -minutes : minutes;
}

function isPosition(content: unknown): content is Position {
  const { query, afterS } = (content ?? {}) as Position;
  return Number.isSafeInteger(query) && query >= 0 && (afterS === undefined || Number.isSafeInteger(afterS));
}
