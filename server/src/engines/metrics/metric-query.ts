// Many metric queries as few ClickHouse statements: queries over the same window, period, unit and extended
// statistics share one SELECT, and up to a bound of them share one statement (UNION ALL). A row of metric_points is a
// value that occurred sample_count times, several such values (its samples), or a statistic set; the last adds to the
// five basic statistics but has no distribution, so extended ones see it only when all its samples are equal.

import { join, list, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { QueryOptions, Telemetry } from '#storage/telemetry/telemetry.ts';
import type { Metric } from './metric-registry.ts';
import type { Bound, Statistic } from './statistic.ts';

export interface MetricQuery {
  metric: Metric;
  /** Seconds since the epoch; the window [startS, endS) is cut into periods that begin at startS. */
  startS: number;
  endS: number;
  periodS: number;
  /** Data older than this are not seen (see `availableSinceS`). */
  visibleFromS?: number;
  /** Only data put with this unit. */
  unit?: string;
  /** One data point for each unit instead of one for all. */
  byUnit?: boolean;
  /** Basic statistics come with every data point. */
  extended?: readonly Statistic[];
}

export interface DataPoint {
  /** When its period begins, in seconds. */
  timestampS: number;
  /** Set when the query asked by unit. */
  unit: string;
  sampleCount: number;
  sum: number;
  minimum: number;
  maximum: number;
  /** In the order of the query's `extended`; null where the period has no sample that can count. */
  extended: (number | null)[];
}

/** So many metrics' ids stand in one statement. */
const MAX_QUERIES_PER_STATEMENT = 500;

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
/** How long points are kept at all: 455 days, 15 months. */
export const RETENTION_S = 455 * DAY_S;

/**
 * Since when CloudWatch has data at this period: 3 hours below a minute, 15 days for minutes, 63 days for
 * multiples of 5 minutes, 455 days for whole hours.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
 */
export function availableSinceS(periodS: number, nowS: number): number {
  if (periodS % HOUR_S === 0) return nowS - RETENTION_S;
  if (periodS % 300 === 0) return nowS - 63 * DAY_S;
  if (periodS % 60 === 0) return nowS - 15 * DAY_S;
  return nowS - 3 * HOUR_S;
}

/** The data points of each query, oldest first; periods without data have none. */
export async function runMetricQueries(
  telemetry: Telemetry,
  queries: readonly MetricQuery[],
  options?: QueryOptions,
): Promise<DataPoint[][]> {
  const results: DataPoint[][] = queries.map(() => []);
  for (let from = 0; from < queries.length; from += MAX_QUERIES_PER_STATEMENT) {
    const groups = groupQueries(queries.slice(from, from + MAX_QUERIES_PER_STATEMENT));
    const { rows } = await telemetry.query<Row>(compileGroups(groups), options);
    const points = collectPoints(groups, rows);
    for (const [g, group] of groups.entries()) {
      for (const { index, metricId } of group.members) results[from + index] = points.get(`${g}/${metricId}`) ?? [];
    }
  }
  return results;
}

/** A statistic of a data point by its name; one that is not basic is the query's first extended one. */
export function statisticOf(point: DataPoint, statistic: string): number | null {
  switch (statistic) {
    case 'SampleCount':
      return point.sampleCount;
    case 'Average':
      return point.sum / point.sampleCount;
    case 'Sum':
      return point.sum;
    case 'Minimum':
      return point.minimum;
    case 'Maximum':
      return point.maximum;
    default:
      return point.extended[0] ?? null;
  }
}

interface QueryGroup {
  startS: number;
  endS: number;
  periodS: number;
  visibleFromS: number;
  unit: string | undefined;
  byUnit: boolean;
  extended: readonly Statistic[];
  members: { index: number; metricId: number }[];
}

/** g: group, m: metric, b: number of the period, u: unit, n, s, lo, hi: basic statistics, x: extended ones. */
interface Row {
  g: number;
  m: number;
  b: number;
  u: string;
  n: number;
  s: number;
  lo: number;
  hi: number;
  x: (number | null)[];
}

export function groupQueries(queries: readonly MetricQuery[]): QueryGroup[] {
  const groups = new Map<string, QueryGroup>();
  for (const [index, query] of queries.entries()) {
    const { startS, endS, periodS, unit, byUnit = false, extended = [] } = query;
    const visibleFromS = Math.max(startS, query.visibleFromS ?? startS);
    const key = JSON.stringify([startS, endS, periodS, visibleFromS, unit, byUnit, extended]);
    let group = groups.get(key);
    if (!group) {
      group = { startS, endS, periodS, visibleFromS, unit, byUnit, extended, members: [] };
      groups.set(key, group);
    }
    group.members.push({ index, metricId: query.metric.id });
  }
  return [...groups.values()];
}

export function compileGroups(groups: readonly QueryGroup[]): Sql {
  return join(groups.map(compileGroup), ' UNION ALL ');
}

function compileGroup(group: QueryGroup, g: number): Sql {
  const ids = list([...new Set(group.members.map(({ metricId }) => metricId))]);
  const conditions = [
    sql`metric_id IN ${ids}`,
    sql`timestamp >= ${group.visibleFromS}`,
    sql`timestamp < ${group.endS}`,
    ...(group.unit === undefined ? [] : [sql`unit = ${group.unit}`]),
  ];
  const unit = group.byUnit ? sql`toString(unit)` : sql`''`;
  const aggregates = sql`SELECT metric_id, intDiv(timestamp - ${group.startS}, ${group.periodS}) AS b, ${unit} AS u,
 sum(sample_count) AS n, sum(sum) AS s, min(minimum) AS lo, max(maximum) AS hi${distribution(group.extended)}
 FROM metric_points WHERE ${join(conditions, ' AND ')} GROUP BY metric_id, b, u`;
  return sql`SELECT toUInt32(${g}) AS g, toFloat64(metric_id) AS m, toUInt32(b) AS b, u, n, s, lo, hi, ${extendedColumn(group.extended)} AS x
 FROM (${weigh(aggregates, group.extended)})`;
}

// The distribution of a period is two arrays: `v`, its values in rising order, and `w`, how often each occurred.
// `c` is the running sum of `w` and `t` its end, so c[i] samples are at most v[i].

function distribution(extended: readonly Statistic[]): Sql {
  if (extended.length === 0) return sql``;
  const alike = sql`kind != 'values' AND minimum = maximum AND sample_count > 0`;
  return sql`, arraySort(arrayConcat(groupArrayIf((minimum, sample_count), ${alike}), groupArrayArray(samples))) AS d`;
}

function weigh(aggregates: Sql, extended: readonly Statistic[]): Sql {
  if (extended.length === 0) return aggregates;
  return sql`SELECT metric_id, b, u, n, s, lo, hi, v, w, arrayCumSum(w) AS c, if(empty(w), 0, c[-1]) AS t
 FROM (SELECT metric_id, b, u, n, s, lo, hi, d.1 AS v, d.2 AS w FROM (${aggregates}))`;
}

function extendedColumn(extended: readonly Statistic[]): Sql {
  if (extended.length === 0) return sql`CAST([], 'Array(Nullable(Float64))')`;
  return sql`[${join(extended.map(compileExtended), ', ')}]`;
}

function compileExtended(statistic: Statistic): Sql {
  switch (statistic.kind) {
    case 'percentile':
      // Nearest rank: the least value that at least this share of the samples does not exceed.
      return sql`if(t > 0, v[arrayFirstIndex(x -> x >= ${upperRank(statistic.percent)}, c)], NULL)`;
    case 'tm':
      return sql`if(${kept(statistic)} > 0, ${keptSum(statistic)} / ${kept(statistic)}, NULL)`;
    case 'tc':
      return sql`if(t > 0, ${kept(statistic)}, NULL)`;
    case 'ts':
      return sql`if(t > 0, ${keptSum(statistic)}, NULL)`;
    case 'pr':
      return sql`if(t > 0, 100 * ${kept(statistic)} / t, NULL)`;
    case 'wm':
      return sql`if(t > 0, ${winsorizedSum(statistic.lower, statistic.upper)} / t, NULL)`;
    default:
      throw new Error(`BUG: ${statistic.kind} is not an extended statistic`);
  }
}

type Trimmed = { lower?: Bound; upper?: Bound };

/** How many samples lie within the bounds: above the lower one, up to and with the upper one. */
function kept({ lower, upper }: Trimmed): Sql {
  return sql`arraySum(${keptWeights(lower, upper)})`;
}

function keptSum({ lower, upper }: Trimmed): Sql {
  return sql`arraySum(arrayMap((x, y) -> x * y, v, ${keptWeights(lower, upper)}))`;
}

function keptWeights(lower: Bound | undefined, upper: Bound | undefined): Sql {
  if (lower?.kind === 'value' || upper?.kind === 'value') {
    const within = [
      ...(lower ? [sql`x > ${magnitude(lower)}`] : []),
      ...(upper ? [sql`x <= ${magnitude(upper)}`] : []),
    ];
    return sql`arrayMap((x, y) -> if(${join(within, ' AND ')}, y, 0.), v, w)`;
  }
  return sql`arrayMap((x, y) -> greatest(0., least(x, ${upperRank(percentOf(upper, 100))}) - greatest(x - y, ${lowerRank(percentOf(lower, 0))})), c, w)`;
}

/** Samples beyond a bound count as if they stood on it. */
function winsorizedSum(lower: Bound | undefined, upper: Bound | undefined): Sql {
  if (lower?.kind === 'value' || upper?.kind === 'value') {
    const raised = lower ? sql`greatest(x, ${magnitude(lower)})` : sql`x`;
    const clipped = upper ? sql`least(${raised}, ${magnitude(upper)})` : raised;
    return sql`arraySum(arrayMap((x, y) -> ${clipped} * y, v, w))`;
  }
  const low = lowerRank(percentOf(lower, 0));
  const high = upperRank(percentOf(upper, 100));
  const weights = keptWeights(lower, upper);
  return sql`(arraySum(arrayMap((x, y) -> x * y, v, ${weights})) + ${low} * v[arrayFirstIndex(x -> x > ${low}, c)] + (t - ${high}) * v[arrayFirstIndex(x -> x >= ${high}, c)])`;
}

/** Samples below the lower share, rounded down; the guard keeps 7% of 100 at 7. */
function lowerRank(share: number): Sql {
  return sql`floor(t * ${share} / 100 + 1e-9)`;
}

/** Samples up to the upper share, rounded up. */
function upperRank(share: number): Sql {
  return sql`least(t, ceil(t * ${share} / 100 - 1e-9))`;
}

function percentOf(bound: Bound | undefined, otherwise: number): number {
  return bound?.kind === 'percent' ? bound.percent : otherwise;
}

function magnitude(bound: Bound): Sql {
  return sql`toFloat64(${bound.kind === 'percent' ? bound.percent : bound.value})`;
}

function collectPoints(groups: readonly QueryGroup[], rows: readonly Row[]): Map<string, DataPoint[]> {
  const points = new Map<string, DataPoint[]>();
  for (const row of rows) {
    const group = groups[row.g]!;
    const key = `${row.g}/${row.m}`;
    const point: DataPoint = {
      timestampS: group.startS + row.b * group.periodS,
      unit: row.u,
      sampleCount: row.n,
      sum: row.s,
      minimum: row.lo,
      maximum: row.hi,
      extended: row.x,
    };
    const series = points.get(key);
    if (series) series.push(point);
    else points.set(key, [point]);
  }
  for (const series of points.values()) {
    series.sort((a, b) => a.timestampS - b.timestampS || (a.unit < b.unit ? -1 : a.unit > b.unit ? 1 : 0));
  }
  return points;
}
