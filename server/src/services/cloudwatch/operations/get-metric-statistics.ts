// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html

import type {
  Datapoint,
  GetMetricStatisticsInput,
  GetMetricStatisticsOutput,
  StandardUnit,
} from '@aws-sdk/client-cloudwatch';
import { availableSinceS, type DataPoint, statisticOf } from '#engines/metrics/metric-query.ts';
import {
  BASIC_STATISTICS,
  type BasicStatistic,
  parseExtendedStatistic,
  type Statistic,
} from '#engines/metrics/statistic.ts';
import type { Handler } from '#wire/service.ts';
import type { ServiceDependencies } from '../../dependencies.ts';
import { invalidCombination, invalidParameter, invalidValue } from '../errors.ts';
import { checkDimensions, checkMetricName, checkNamespace } from '../metric-identity.ts';
import { checkPeriod, windowOf } from '../period.ts';
import { checkUnit } from '../unit.ts';

const MAX_DATAPOINTS = 1440;
const MAX_STATISTICS = 5;
const MAX_EXTENDED_STATISTICS = 10;

export function getMetricStatistics({
  metrics,
  clock,
}: Pick<ServiceDependencies, 'metrics' | 'clock'>): Handler<GetMetricStatisticsInput, GetMetricStatisticsOutput> {
  return async (input, context) => {
    const { Unit: unit } = input;
    const name = input.MetricName!;
    const namespace = input.Namespace!;
    const periodS = input.Period!;
    checkNamespace(namespace);
    checkMetricName(name, 'MetricName');
    const dimensions = checkDimensions(input.Dimensions, 'Dimensions');
    checkUnit(unit, 'Unit');
    checkPeriod(periodS, 'Period');
    const basics = checkStatistics(input.Statistics);
    const extended = checkExtendedStatistics(input.ExtendedStatistics);
    if (basics.length === 0 && extended.length === 0) {
      throw invalidCombination('At least one of the parameters Statistics and ExtendedStatistics must be specified.');
    }
    if (input.StartTime! >= input.EndTime!) {
      throw invalidCombination('The parameter StartTime must be less than the parameter EndTime.');
    }
    const nowMs = clock.now();
    const { startS, endS } = windowOf(input.StartTime!, input.EndTime!, periodS, nowMs);
    checkCount(Math.ceil((endS - startS) / periodS));

    await metrics.settle();
    const metric = await metrics.find({ scope: context, namespace, name, dimensions });
    if (!metric) return { Label: name, Datapoints: [] };
    const statistics = extended.map(([, statistic]) => statistic);
    const visibleFromS = availableSinceS(periodS, Math.floor(nowMs / 1000));
    const inUnit = unit === undefined ? {} : { unit };
    const query = { metric, startS, endS, periodS, visibleFromS, ...inUnit, byUnit: true, extended: statistics };
    const [points] = await metrics.query([query], { signal: context.signal });
    const datapoints = points!.map((point) => toDatapoint(point, basics, extended));
    return { Label: name, Datapoints: datapoints.filter((datapoint) => datapoint !== undefined) };
  };
}

function checkStatistics(names: readonly string[] | undefined): readonly BasicStatistic[] {
  if (!names) return [];
  if (names.length > MAX_STATISTICS) {
    throw invalidParameter(`The collection Statistics must not have a size greater than ${MAX_STATISTICS}.`);
  }
  for (const [i, name] of names.entries()) {
    if (!(BASIC_STATISTICS as readonly string[]).includes(name)) {
      throw invalidParameter(
        `The parameter Statistics.member.${i + 1} must be a value in the set [ ${BASIC_STATISTICS.join(', ')} ].`,
      );
    }
  }
  return names as readonly BasicStatistic[];
}

function checkExtendedStatistics(names: readonly string[] | undefined): (readonly [string, Statistic])[] {
  if (!names) return [];
  if (names.length > MAX_EXTENDED_STATISTICS) {
    throw invalidParameter(
      `The collection ExtendedStatistics must not have a size greater than ${MAX_EXTENDED_STATISTICS}.`,
    );
  }
  return names.map((name, i) => {
    const statistic = parseExtendedStatistic(name);
    if (!statistic) throw invalidValue(name, `ExtendedStatistics.member.${i + 1}`);
    return [name, statistic] as const;
  });
}

function checkCount(datapoints: number): void {
  if (datapoints <= MAX_DATAPOINTS) return;
  const text = (count: number) => count.toLocaleString('en-US');
  throw invalidCombination(
    `You have requested up to ${text(datapoints)} datapoints, which exceeds the limit of ${text(MAX_DATAPOINTS)}. ` +
      'You may reduce the datapoints requested by increasing Period, or decreasing the time range.',
  );
}

/** Undefined when the period has nothing that was asked for: percentiles of statistic sets. */
function toDatapoint(
  point: DataPoint,
  basics: readonly BasicStatistic[],
  extended: readonly (readonly [string, Statistic])[],
): Datapoint | undefined {
  const values = extended.flatMap(([name], i) =>
    point.extended[i] === null ? [] : [[name, point.extended[i]!] as const],
  );
  if (basics.length === 0 && values.length === 0) return undefined;
  return {
    Timestamp: new Date(point.timestampS * 1000),
    ...Object.fromEntries(basics.map((name) => [name, statisticOf(point, name)])),
    Unit: point.unit as StandardUnit,
    ...(extended.length === 0 ? {} : { ExtendedStatistics: Object.fromEntries(values) }),
  };
}
