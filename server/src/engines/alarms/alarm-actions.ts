// What an alarm sends when its state changes: the notification that SNS topics get and the event that Lambda
// functions get. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html

import { createHash } from 'node:crypto';
import { parseArn } from '#core/arn.ts';
import { jsonDouble } from '#core/java-double.ts';
import type { DeliveryRequest, RetryPolicy } from '#engines/delivery/delivery.ts';
import { BASIC_STATISTICS } from '#engines/metrics/statistic.ts';
import type { Scope } from '#storage/state/state.ts';
import type { AlarmConfiguration, AlarmDocument, AlarmState, AlarmStateValue } from './alarm-document.ts';
import { regionName } from './region-names.ts';
import { awsTimestamp } from './state-reason.ts';

export const SNS_ACTION_SOURCE = 'cloudwatch.amazonaws.com';
export const LAMBDA_ACTION_SOURCE = 'lambda.alarms.cloudwatch.amazonaws.com';

/** SNS refuses longer subjects. */
const MAX_SUBJECT_LENGTH = 100;

const RETRY: RetryPolicy = {
  maximumAttempts: 50,
  maximumAgeMs: 6 * 3_600_000,
  initialBackoffMs: 1000,
  longestBackoffMs: 10 * 60_000,
};

export interface StateChange {
  scope: Scope;
  /** With the new state. */
  alarm: AlarmDocument;
  previous: AlarmState;
}

/** The actions that a state calls for. */
export function actionsFor(configuration: AlarmConfiguration, state: AlarmStateValue): readonly string[] {
  switch (state) {
    case 'OK':
      return configuration.okActions;
    case 'ALARM':
      return configuration.alarmActions;
    case 'INSUFFICIENT_DATA':
      return configuration.insufficientDataActions;
  }
}

/** What is to be delivered for an action, or the reason why it cannot be. */
export function actionRequest(action: string, change: StateChange): DeliveryRequest | { failure: string } {
  const arn = parseArn(action);
  const { scope, alarm } = change;
  const base = {
    targetArn: action,
    sourceArn: alarm.arn,
    sourceAccount: scope.account,
    region: scope.region,
    retry: RETRY,
  };
  switch (arn?.service) {
    case 'sns':
      return {
        ...base,
        sourceService: SNS_ACTION_SOURCE,
        payload: snsMessage(change),
        subject: snsSubject(change),
      };
    case 'lambda':
      return { ...base, sourceService: LAMBDA_ACTION_SOURCE, payload: lambdaEvent(change) };
    default:
      return { failure: `Brume does not execute ${arn ? `${arn.service} actions` : 'this action'} yet` };
  }
}

export function snsSubject({ scope, alarm }: StateChange): string {
  const { alarmName } = alarm.configuration;
  const subject = (name: string) => `${alarm.state.value}: "${name}" in ${regionName(scope.region)}`;
  const excess = subject(alarmName).length - MAX_SUBJECT_LENGTH;
  // SNS subjects are ASCII without line breaks.
  const printable = alarmName.replace(/[^\x20-\x7e]/g, '?');
  return subject(excess > 0 ? `${printable.slice(0, printable.length - excess - 3)}...` : printable);
}

export function snsMessage({ scope, alarm, previous }: StateChange): string {
  const { configuration, state } = alarm;
  return JSON.stringify({
    AlarmName: configuration.alarmName,
    AlarmDescription: configuration.alarmDescription ?? null,
    AWSAccountId: scope.account,
    AlarmConfigurationUpdatedTimestamp: awsTimestamp(alarm.configurationUpdatedMs),
    NewStateValue: state.value,
    NewStateReason: state.reason,
    StateChangeTime: awsTimestamp(state.updatedMs),
    Region: regionName(scope.region),
    AlarmArn: alarm.arn,
    OldStateValue: previous.value,
    OKActions: configuration.okActions,
    AlarmActions: configuration.alarmActions,
    InsufficientDataActions: configuration.insufficientDataActions,
    Trigger: configuration.query ? queryTrigger(configuration, configuration.query) : metricTrigger(configuration),
  });
}

function metricTrigger(configuration: AlarmConfiguration) {
  const { metric } = configuration;
  const basic = (BASIC_STATISTICS as readonly string[]).includes(metric.statistic);
  return {
    MetricName: metric.metricName,
    Namespace: metric.namespace,
    ...(basic
      ? { StatisticType: 'Statistic', Statistic: UPPER_CASE[metric.statistic] }
      : { StatisticType: 'ExtendedStatistic', ExtendedStatistic: metric.statistic }),
    Unit: metric.unit ?? null,
    Dimensions: metric.dimensions.map(({ Name, Value }) => ({ value: Value, name: Name })),
    Period: metric.periodS,
    ...thresholdMembers(configuration),
  };
}

function queryTrigger(configuration: AlarmConfiguration, query: NonNullable<AlarmConfiguration['query']>) {
  const { metric } = configuration;
  return {
    Period: metric.periodS,
    ...thresholdMembers(configuration),
    Metrics: [
      {
        Id: query.id,
        ...(query.label === undefined ? {} : { Label: query.label }),
        MetricStat: {
          Metric: {
            Dimensions: metric.dimensions.map(({ Name, Value }) => ({ value: Value, name: Name })),
            MetricName: metric.metricName,
            Namespace: metric.namespace,
          },
          Period: metric.periodS,
          Stat: metric.statistic,
          ...(metric.unit === undefined ? {} : { Unit: metric.unit }),
        },
        ReturnData: true,
      },
    ],
  };
}

function thresholdMembers(configuration: AlarmConfiguration) {
  return {
    EvaluationPeriods: configuration.evaluationPeriods,
    ...(configuration.datapointsToAlarm === undefined ? {} : { DatapointsToAlarm: configuration.datapointsToAlarm }),
    ComparisonOperator: configuration.comparisonOperator,
    Threshold: jsonDouble(configuration.threshold),
    TreatMissingData: configuration.treatMissingData ?? 'missing',
    EvaluateLowSampleCountPercentile: configuration.evaluateLowSampleCountPercentile ?? '',
  };
}

/** As notifications spell them. */
const UPPER_CASE: Record<string, string> = {
  SampleCount: 'SAMPLE_COUNT',
  Average: 'AVERAGE',
  Sum: 'SUM',
  Minimum: 'MINIMUM',
  Maximum: 'MAXIMUM',
};

export function lambdaEvent({ scope, alarm, previous }: StateChange): string {
  const { configuration, state } = alarm;
  return JSON.stringify({
    source: 'aws.cloudwatch',
    alarmArn: alarm.arn,
    accountId: scope.account,
    time: awsTimestamp(state.updatedMs),
    region: scope.region,
    alarmData: {
      alarmName: configuration.alarmName,
      state: eventState(state),
      previousState: eventState(previous),
      configuration: {
        ...(configuration.alarmDescription === undefined ? {} : { description: configuration.alarmDescription }),
        metrics: [eventMetric(alarm)],
      },
    },
  });
}

function eventState(state: AlarmState) {
  return {
    value: state.value,
    reason: state.reason,
    ...(state.reasonData === undefined ? {} : { reasonData: state.reasonData }),
    timestamp: awsTimestamp(state.updatedMs),
  };
}

function eventMetric({ arn, configuration }: AlarmDocument) {
  const { metric, query } = configuration;
  return {
    id: query?.id ?? metricId(arn),
    metricStat: {
      metric: {
        namespace: metric.namespace,
        name: metric.metricName,
        dimensions: Object.fromEntries(metric.dimensions.map(({ Name, Value }) => [Name, Value])),
      },
      period: metric.periodS,
      stat: metric.statistic,
      ...(metric.unit === undefined ? {} : { unit: metric.unit }),
    },
    ...(query?.label === undefined ? {} : { label: query.label }),
    returnData: true,
  };
}

/** AWS makes up a UUID for the metric of an alarm that names none; ours stays the same for the alarm. */
function metricId(arn: string): string {
  const hex = createHash('sha256').update(arn).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
