// Why an alarm is in its state: StateReason, the sentence that people and scripts read, and StateReasonData, the same
// as JSON. Texts in CloudWatch's own words.

import { javaDouble, jsonDouble } from '#core/java-double.ts';
import type { AlarmStateValue, ComparisonOperator } from './alarm-document.ts';
import { type AlarmRule, type Datapoint, type Decision, isBreaching, type RealDatapoint } from './alarm-state.ts';

export const INITIAL_REASON = 'Unchecked: Initial alarm creation';

/** StateReason and StateReasonData end there. */
const MAX_REASON_LENGTH = 1023;
const MAX_REASON_DATA_LENGTH = 4000;

const COMPARISONS: Record<ComparisonOperator, string> = {
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  GreaterThanThreshold: 'greater than',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
};

export interface ReasonInput {
  rule: AlarmRule;
  /** Whether DatapointsToAlarm was given: CloudWatch then says `1 out of the last 3 datapoints`. */
  saysOutOf: boolean;
  decision: Decision;
  state: AlarmStateValue;
}

export function stateReason({ rule, saysOutOf, decision, state }: ReasonInput): string {
  const { evaluated, missing } = decision;
  if (state === 'INSUFFICIENT_DATA') return `Insufficient Data: ${datapoints(missing)} ${was(missing)} unknown.`;
  const alarming = state === 'ALARM';
  const telling = evaluated.filter(({ value }) => isBreaching(rule, value) === alarming);
  const filled = missingClause(rule, missing);
  if (telling.length === 0) {
    const received =
      evaluated.length === 0 ? 'no datapoints were' : `${datapoints(evaluated.length)} ${was(evaluated.length)}`;
    const periods = `${rule.evaluationPeriods} period${plural(rule.evaluationPeriods)}`;
    return `Threshold Crossed: ${received} received for ${periods}${filled}.`;
  }
  const needed = alarming ? rule.datapointsToAlarm : rule.evaluationPeriods - rule.datapointsToAlarm + 1;
  const transition = alarming ? 'OK -> ALARM' : 'ALARM -> OK';
  const count = saysOutOf
    ? `${telling.length} out of the last ${rule.evaluationPeriods} datapoints`
    : datapoints(telling.length);
  const comparison = `${alarming ? '' : 'not '}${COMPARISONS[rule.comparisonOperator]}`;
  const start = `Threshold Crossed: ${count} [`;
  const end =
    `] ${was(telling.length)} ${comparison} the threshold (${javaDouble(rule.threshold)})${filled}` +
    `${saysOutOf ? ` (minimum ${datapoints(needed)} for ${transition} transition)` : ''}.`;
  return start + listed(telling, MAX_REASON_LENGTH - start.length - end.length) + end;
}

export interface ReasonDataInput {
  rule: AlarmRule;
  decision: Decision;
  statistic: string;
  unit?: string;
  periodS: number;
  queryMs: number;
  /** The evaluation range, newest first. */
  range: readonly Datapoint[];
}

export function stateReasonData(input: ReasonDataInput): string {
  const { rule, decision, statistic, unit, periodS, queryMs, range } = input;
  const evaluated = [...decision.evaluated];
  for (;;) {
    const oldest = evaluated.at(-1);
    const data = JSON.stringify({
      version: '1.0',
      queryDate: awsTimestamp(queryMs),
      ...(oldest ? { startDate: awsTimestamp(oldest.timestampMs) } : {}),
      ...(unit === undefined ? {} : { unit }),
      statistic,
      period: periodS,
      recentDatapoints: evaluated.toReversed().map(({ value }) => jsonDouble(value)),
      threshold: jsonDouble(rule.threshold),
      evaluatedDatapoints: evaluatedDatapoints(evaluated, rule, range),
    });
    if (data.length <= MAX_REASON_DATA_LENGTH || evaluated.length <= 1) return data;
    evaluated.pop();
  }
}

/** The newest data point; without any, the periods that were looked at in vain. */
function evaluatedDatapoints(
  evaluated: readonly RealDatapoint[],
  rule: AlarmRule,
  range: readonly Datapoint[],
): unknown[] {
  const newest = evaluated[0];
  if (!newest) {
    return range
      .slice(0, Math.min(rule.evaluationPeriods, MAX_UNKNOWN_DATAPOINTS))
      .map(({ timestampMs }) => ({ timestamp: awsTimestamp(timestampMs) }));
  }
  const { timestampMs, sampleCount, value } = newest;
  return [{ timestamp: awsTimestamp(timestampMs), sampleCount: jsonDouble(sampleCount), value: jsonDouble(value) }];
}

/** Each takes 45 characters of StateReasonData. */
const MAX_UNKNOWN_DATAPOINTS = 80;

/** `2026-11-23T01:00:00.000+0000`, as CloudWatch writes times into texts. */
export function awsTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+0000');
}

function missingClause({ treatMissingData }: AlarmRule, missing: number): string {
  if (missing === 0 || treatMissingData === 'missing' || treatMissingData === 'ignore') return '';
  const treated = treatMissingData === 'breaching' ? 'Breaching' : 'NonBreaching';
  return ` and ${missing} missing datapoint${plural(missing)} ${was(missing)} treated as [${treated}]`;
}

/** `5.0 (23/11/26 01:00:00), …`: as many as there is room for. */
function listed(points: readonly RealDatapoint[], room: number): string {
  let text = '';
  for (const [i, { value, timestampMs }] of points.entries()) {
    const item = `${i === 0 ? '' : ', '}${javaDouble(value)} (${shortTimestamp(timestampMs)})`;
    const rest = i === points.length - 1 ? 0 : ', ...'.length;
    if (text.length + item.length + rest > room) return `${text}, ...`;
    text += item;
  }
  return text;
}

/** `23/11/26 01:00:00` */
function shortTimestamp(ms: number): string {
  const [date, time] = new Date(ms).toISOString().split('T') as [string, string];
  const [year, month, day] = date.split('-') as [string, string, string];
  return `${day}/${month}/${year.slice(-2)} ${time.slice(0, 8)}`;
}

function datapoints(count: number): string {
  return `${count} datapoint${plural(count)}`;
}

function plural(count: number): string {
  return count === 1 ? '' : 's';
}

function was(count: number): string {
  return count === 1 ? 'was' : 'were';
}
