// An alarm as it is kept: its configuration, its state, its tags. One document an alarm.

import { defineCollection } from '#storage/state/state.ts';

export type AlarmStateValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export const ALARM_STATES: readonly AlarmStateValue[] = ['INSUFFICIENT_DATA', 'ALARM', 'OK'];

export type ComparisonOperator =
  | 'GreaterThanOrEqualToThreshold'
  | 'GreaterThanThreshold'
  | 'LessThanThreshold'
  | 'LessThanOrEqualToThreshold';

export type MissingDataTreatment = 'missing' | 'ignore' | 'breaching' | 'notBreaching';

/** The metric and statistic that an alarm watches. */
export interface AlarmMetric {
  namespace: string;
  metricName: string;
  /** As given: the order shows in answers. */
  dimensions: { Name: string; Value: string }[];
  /** `Average` …, or an extended one: `p99`. */
  statistic: string;
  periodS: number;
  unit?: string;
}

export interface AlarmConfiguration {
  alarmName: string;
  alarmDescription?: string;
  actionsEnabled: boolean;
  okActions: string[];
  alarmActions: string[];
  insufficientDataActions: string[];
  metric: AlarmMetric;
  /** Set when the metric was given as the only query of a `Metrics` array. */
  query?: { id: string; label?: string; accountId?: string };
  evaluationPeriods: number;
  datapointsToAlarm?: number;
  threshold: number;
  comparisonOperator: ComparisonOperator;
  treatMissingData?: MissingDataTreatment;
  evaluateLowSampleCountPercentile?: 'evaluate' | 'ignore';
}

export interface AlarmState {
  value: AlarmStateValue;
  reason: string;
  /** JSON text. */
  reasonData?: string;
  updatedMs: number;
  /** When the value last changed. */
  transitionedMs: number;
}

export interface AlarmDocument {
  arn: string;
  configuration: AlarmConfiguration;
  configurationUpdatedMs: number;
  state: AlarmState;
  tags: Record<string, string>;
  /** Rises with every change of the configuration: an evaluation of an older one is dropped. */
  revision: number;
}

export const ALARMS = defineCollection<AlarmDocument>('cloudwatch.alarms');
