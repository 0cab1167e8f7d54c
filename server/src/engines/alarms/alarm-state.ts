// Data points in, decision out: the state that an alarm's data call for. Pure.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

import type { AlarmStateValue, ComparisonOperator, MissingDataTreatment } from './alarm-document.ts';

export interface AlarmRule {
  evaluationPeriods: number;
  datapointsToAlarm: number;
  comparisonOperator: ComparisonOperator;
  threshold: number;
  treatMissingData: MissingDataTreatment;
}

export interface Datapoint {
  timestampMs: number;
  /** Undefined when the period has no data. */
  value: number | undefined;
  sampleCount: number;
}

export interface RealDatapoint extends Datapoint {
  value: number;
}

export interface Decision {
  /** Undefined: the alarm keeps the state it has. */
  state: AlarmStateValue | undefined;
  /** The data points that were looked at, newest first. */
  evaluated: RealDatapoint[];
  /** How many more were needed and filled as the alarm treats missing data. */
  missing: number;
}

/** Data points retrieved beyond the evaluation periods, to stand in for missing ones (5 for 3 in AWS's tables). */
export const EXTRA_DATAPOINTS = 2;

/** How many periods an evaluation looks back. */
export function evaluationRange(evaluationPeriods: number): number {
  return evaluationPeriods + EXTRA_DATAPOINTS;
}

/** @param datapoints the evaluation range, newest first */
export function decideState(rule: AlarmRule, datapoints: readonly Datapoint[]): Decision {
  const real = datapoints.filter((datapoint): datapoint is RealDatapoint => datapoint.value !== undefined);
  const evaluated = real.slice(0, rule.evaluationPeriods);
  const missing = rule.evaluationPeriods - evaluated.length;
  const breaching = evaluated.filter(({ value }) => isBreaching(rule, value)).length;
  const decide = (state: AlarmStateValue | undefined): Decision => ({ state, evaluated, missing });

  if (missing === 0) return decide(breaching >= rule.datapointsToAlarm ? 'ALARM' : 'OK');
  switch (rule.treatMissingData) {
    case 'breaching':
      return decide(breaching + missing >= rule.datapointsToAlarm ? 'ALARM' : 'OK');
    case 'notBreaching':
      return decide(breaching >= rule.datapointsToAlarm ? 'ALARM' : 'OK');
    case 'missing':
    case 'ignore': {
      if (breaching >= rule.datapointsToAlarm) return decide('ALARM');
      if (breaching < evaluated.length) return decide('OK');
      // Nothing but breaching data, fewer than needed: once the oldest has been there long enough for
      // `datapointsToAlarm` periods, and nothing good came since, the alarm waits no longer.
      const ignored = rule.treatMissingData === 'ignore';
      const alarms = oldestAge(datapoints) >= rule.datapointsToAlarm;
      return decide(ignored ? undefined : alarms ? 'ALARM' : 'INSUFFICIENT_DATA');
    }
  }
}

/** How many periods ago, the newest being 1, the oldest data point lies; 0 without any. */
function oldestAge(datapoints: readonly Datapoint[]): number {
  return datapoints.findLastIndex(({ value }) => value !== undefined) + 1;
}

export function isBreaching({ comparisonOperator, threshold }: AlarmRule, value: number): boolean {
  switch (comparisonOperator) {
    case 'GreaterThanOrEqualToThreshold':
      return value >= threshold;
    case 'GreaterThanThreshold':
      return value > threshold;
    case 'LessThanThreshold':
      return value < threshold;
    case 'LessThanOrEqualToThreshold':
      return value <= threshold;
  }
}

/**
 * Whether a breach in a period that has not ended yet stays one whatever else comes in: sums of what is not negative,
 * counts and maxima only rise, minima only fall. Such an alarm need not wait for the end of the period.
 */
export function breachIsFinal(rule: AlarmRule, statistic: string, minimum: number): boolean {
  const rises = rule.comparisonOperator.startsWith('Greater');
  if (statistic === 'Minimum') return !rises;
  return rises && (statistic === 'SampleCount' || statistic === 'Maximum' || (statistic === 'Sum' && minimum >= 0));
}

/**
 * Whether a percentile of so few samples says little: fewer than 10/(1-p) above the median, 10/p below it.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
 */
export function tooFewSamples(statistic: string, sampleCount: number): boolean {
  const match = /^p(\d+(?:\.\d+)?)$/.exec(statistic);
  if (!match) return false;
  const share = Number(match[1]) / 100;
  const rare = share >= 0.5 ? 1 - share : share;
  return sampleCount * rare < 10 - 1e-9;
}
