// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmsForMetric.html

import type { DescribeAlarmsForMetricInput, DescribeAlarmsForMetricOutput } from '@aws-sdk/client-cloudwatch';
import type { AlarmDocument } from '#engines/alarms/alarm-document.ts';
import { BASIC_STATISTICS } from '#engines/metrics/statistic.ts';
import type { Handler } from '#wire/service.ts';
import { checkText } from '../../constraints.ts';
import type { ServiceDependencies } from '../../dependencies.ts';
import { mutuallyExclusive } from '../errors.ts';
import { toMetricAlarm } from '../metric-alarm.ts';
import { checkDimensions, checkMetricName, checkNamespace } from '../metric-identity.ts';
import { checkUnit } from '../unit.ts';

export function describeAlarmsForMetric({
  alarms,
}: Pick<ServiceDependencies, 'alarms'>): Handler<DescribeAlarmsForMetricInput, DescribeAlarmsForMetricOutput> {
  return async (input, context) => {
    checkNamespace(input.Namespace!);
    checkMetricName(input.MetricName!, 'MetricName');
    checkDimensions(input.Dimensions, 'Dimensions');
    checkUnit(input.Unit, 'Unit');
    checkText('statistic', input.Statistic, { values: BASIC_STATISTICS });
    if (input.Statistic !== undefined && input.ExtendedStatistic !== undefined) {
      throw mutuallyExclusive('Statistic', 'ExtendedStatistic');
    }
    const matching = (await alarms.list(context)).filter((alarm) => matches(alarm, input));
    return { MetricAlarms: matching.map(toMetricAlarm) };
  };
}

function matches({ configuration: { metric } }: AlarmDocument, input: DescribeAlarmsForMetricInput): boolean {
  const statistic = input.Statistic ?? input.ExtendedStatistic;
  return (
    metric.namespace === input.Namespace &&
    metric.metricName === input.MetricName &&
    sameDimensions(metric.dimensions, input.Dimensions ?? []) &&
    (statistic === undefined || metric.statistic === statistic) &&
    (input.Period === undefined || metric.periodS === input.Period) &&
    (input.Unit === undefined || metric.unit === input.Unit)
  );
}

/** In any order; names are unique in both. */
function sameDimensions(
  one: readonly { Name: string; Value: string }[],
  other: readonly { Name?: string | undefined; Value?: string | undefined }[],
): boolean {
  if (one.length !== other.length) return false;
  return other.every(({ Name, Value }) =>
    one.some((dimension) => dimension.Name === Name && dimension.Value === Value),
  );
}
