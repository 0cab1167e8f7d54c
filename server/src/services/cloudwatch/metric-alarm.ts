// An alarm in the form that the API answers with.

import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { AlarmConfiguration, AlarmDocument } from '#engines/alarms/alarm-document.ts';
import { BASIC_STATISTICS } from '#engines/metrics/statistic.ts';

export function toMetricAlarm({ arn, configuration, configurationUpdatedMs, state }: AlarmDocument): MetricAlarm {
  const { alarmDescription, treatMissingData, evaluateLowSampleCountPercentile, datapointsToAlarm } = configuration;
  return {
    AlarmName: configuration.alarmName,
    AlarmArn: arn,
    ...(alarmDescription === undefined ? {} : { AlarmDescription: alarmDescription }),
    AlarmConfigurationUpdatedTimestamp: new Date(configurationUpdatedMs),
    ActionsEnabled: configuration.actionsEnabled,
    OKActions: configuration.okActions,
    AlarmActions: configuration.alarmActions,
    InsufficientDataActions: configuration.insufficientDataActions,
    StateValue: state.value,
    StateReason: state.reason,
    ...(state.reasonData === undefined ? {} : { StateReasonData: state.reasonData }),
    StateUpdatedTimestamp: new Date(state.updatedMs),
    ...metricMembers(configuration),
    EvaluationPeriods: configuration.evaluationPeriods,
    ...(datapointsToAlarm === undefined ? {} : { DatapointsToAlarm: datapointsToAlarm }),
    Threshold: configuration.threshold,
    ComparisonOperator: configuration.comparisonOperator,
    ...(treatMissingData === undefined ? {} : { TreatMissingData: treatMissingData }),
    ...(evaluateLowSampleCountPercentile === undefined
      ? {}
      : { EvaluateLowSampleCountPercentile: evaluateLowSampleCountPercentile }),
    StateTransitionedTimestamp: new Date(state.transitionedMs),
  };
}

function metricMembers({ metric, query }: AlarmConfiguration): Partial<MetricAlarm> {
  const { namespace, metricName, dimensions, statistic, periodS } = metric;
  const unit = metric.unit === undefined ? {} : { Unit: metric.unit as NonNullable<MetricAlarm['Unit']> };
  if (query) {
    const Metric = { Namespace: namespace, MetricName: metricName, Dimensions: dimensions };
    return {
      Metrics: [
        {
          Id: query.id,
          MetricStat: { Metric, Period: periodS, Stat: statistic, ...unit },
          ...(query.label === undefined ? {} : { Label: query.label }),
          ReturnData: true,
          ...(query.accountId === undefined ? {} : { AccountId: query.accountId }),
        },
      ],
    };
  }
  const basic = (BASIC_STATISTICS as readonly string[]).includes(statistic);
  return {
    MetricName: metricName,
    Namespace: namespace,
    ...(basic ? { Statistic: statistic as NonNullable<MetricAlarm['Statistic']> } : { ExtendedStatistic: statistic }),
    Dimensions: dimensions,
    Period: periodS,
    ...unit,
  };
}
