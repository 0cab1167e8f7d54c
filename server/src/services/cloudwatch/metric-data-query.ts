// One element of MetricDataQueries, checked: what GetMetricData and metric alarms share.

import type { MetricDataQuery as SdkQuery } from '@aws-sdk/client-cloudwatch';
import { notImplemented } from '#core/errors.ts';
import type { Dimension } from '#engines/metrics/metric-store.ts';
import { parseStatistic, type Statistic } from '#engines/metrics/statistic.ts';
import { invalidValue, missingParameter, mutuallyExclusive, validationError } from './errors.ts';
import { checkDimensions, checkMetricName, checkNamespace } from './metric-identity.ts';
import { checkUnit } from './unit.ts';

export interface MetricDataQuery {
  id: string;
  namespace: string;
  metricName: string;
  dimensions: readonly Dimension[];
  periodS: number;
  statisticName: string;
  statistic: Statistic;
  unit: string | undefined;
  label: string | undefined;
  returnData: boolean;
  accountId: string | undefined;
}

const ID = /^[a-z][a-zA-Z0-9_]{0,254}$/;

/** @param path `MetricDataQueries.member.1` */
export function checkMetricDataQuery(query: SdkQuery, operation: string, path: string): MetricDataQuery {
  const { Id, MetricStat, Expression, Label, ReturnData = true, AccountId } = query;
  if (Id === undefined) throw missingParameter(`${path}.Id`);
  if (!ID.test(Id)) throw invalidValue(Id, `${path}.Id`);
  if (MetricStat && Expression !== undefined) throw mutuallyExclusive(`${path}.MetricStat`, `${path}.Expression`);
  if (Expression !== undefined) throw notImplemented(operation, `the parameter Expression (metric math) of ${path}`);
  if (!MetricStat) throw missingParameter(`${path}.MetricStat`);
  if (query.Period !== undefined) {
    throw validationError(`The parameter ${path}.Period must not be specified together with ${path}.MetricStat.`);
  }
  const { Metric, Period, Stat, Unit } = MetricStat;
  const { Namespace, MetricName, Dimensions } = Metric ?? {};
  if (Namespace === undefined) throw missingParameter(`${path}.MetricStat.Metric.Namespace`);
  if (MetricName === undefined) throw missingParameter(`${path}.MetricStat.Metric.MetricName`);
  if (Period === undefined) throw missingParameter(`${path}.MetricStat.Period`);
  checkNamespace(Namespace, `${path}.MetricStat.Metric.Namespace`);
  checkMetricName(MetricName, `${path}.MetricStat.Metric.MetricName`);
  const dimensions = checkDimensions(Dimensions, `${path}.MetricStat.Metric.Dimensions`);
  const statistic = Stat === undefined ? undefined : parseStatistic(Stat);
  if (!statistic) throw validationError(`The value ${Stat} for parameter ${path}.MetricStat.Stat is not supported.`);
  checkUnit(Unit, `${path}.MetricStat.Unit`);
  return {
    id: Id,
    namespace: Namespace,
    metricName: MetricName,
    dimensions,
    periodS: Period,
    statisticName: Stat!,
    statistic,
    unit: Unit,
    label: Label,
    returnData: ReturnData,
    accountId: AccountId,
  };
}
