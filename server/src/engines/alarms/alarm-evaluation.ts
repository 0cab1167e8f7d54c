// The evaluation of many alarms at one instant: which periods each looks at, one query for all of them, and the
// state that each one's data call for. Windows slide: an alarm over 5 minutes looks, each minute, at the 5 minutes
// that just ended, and at the 5 before those.

import { type DataPoint, type MetricQuery, statisticOf } from '#engines/metrics/metric-query.ts';
import type { Metric, MetricStore } from '#engines/metrics/metric-store.ts';
import { parseExtendedStatistic } from '#engines/metrics/statistic.ts';
import type { AlarmConfiguration, AlarmStateValue } from './alarm-document.ts';
import type { LiveAlarm } from './alarm-engine.ts';
import {
  type AlarmRule,
  breachIsFinal,
  type Datapoint,
  type Decision,
  decideState,
  evaluationRange,
  isBreaching,
  tooFewSamples,
} from './alarm-state.ts';
import { stateReason, stateReasonData } from './state-reason.ts';

export interface Evaluation {
  alarm: LiveAlarm;
  /** Of the configuration that was evaluated. */
  revision: number;
  decision: Decision;
  state: { value: AlarmStateValue; reason: string; reasonData: string };
}

const DAY_S = 86_400;

/** How often an alarm is evaluated: every minute, every 10 s when its period is shorter, every hour over more than a day. */
export function evaluationStepS({ metric, evaluationPeriods }: AlarmConfiguration): number {
  if (metric.periodS < 60) return 10;
  return metric.periodS * evaluationPeriods > DAY_S ? 3600 : 60;
}

/** One evaluation for each alarm that its data call a state; those that keep theirs have none. */
export async function evaluateAlarms(
  metrics: MetricStore,
  alarms: readonly LiveAlarm[],
  nowS: number,
  queryMs: number,
): Promise<Evaluation[]> {
  await metrics.settle();
  const plans = await Promise.all(alarms.map((alarm) => plan(metrics, alarm, nowS)));
  const queries = plans.flatMap(({ ended, underWay }) => [ended, underWay].filter((query) => query !== undefined));
  const results = await metrics.query(queries);
  const pointsOf = new Map<MetricQuery, DataPoint[]>(queries.map((query, i) => [query, results[i]!]));
  return plans.flatMap((planned) => conclude(planned, pointsOf, queryMs) ?? []);
}

interface Plan {
  alarm: LiveAlarm;
  revision: number;
  configuration: AlarmConfiguration;
  rule: AlarmRule;
  /** The end of the last period that has ended. */
  endS: number;
  stepS: number;
  ended: MetricQuery | undefined;
  /** The same one step later, whose newest period is still under way; set when it can tell more. */
  underWay: MetricQuery | undefined;
}

async function plan(metrics: MetricStore, alarm: LiveAlarm, nowS: number): Promise<Plan> {
  const { scope, document } = alarm;
  const { configuration, revision } = document;
  const { namespace, metricName: name, dimensions, statistic, periodS } = configuration.metric;
  const rule = ruleOf(configuration);
  const stepS = evaluationStepS(configuration);
  const endS = Math.floor(nowS / stepS) * stepS;
  const planned: Plan = { alarm, revision, configuration, rule, endS, stepS, ended: undefined, underWay: undefined };
  const metric = await metrics.find({ scope, namespace, name, dimensions });
  const startS = endS - evaluationRange(rule.evaluationPeriods) * periodS;
  if (!metric || metric.newestDataMs < startS * 1000) return planned;
  planned.ended = queryFor(configuration, metric, startS, endS);
  if (breachIsFinal(rule, statistic, 0) && metric.newestDataMs >= endS * 1000) {
    planned.underWay = queryFor(configuration, metric, startS + stepS, endS + stepS);
  }
  return planned;
}

function ruleOf(configuration: AlarmConfiguration): AlarmRule {
  const { evaluationPeriods, datapointsToAlarm = evaluationPeriods, comparisonOperator, threshold } = configuration;
  // DynamoDB sends most of its metrics only while there is traffic.
  const untold = configuration.metric.namespace === 'AWS/DynamoDB' ? 'ignore' : 'missing';
  const treatMissingData = configuration.treatMissingData ?? untold;
  return { evaluationPeriods, datapointsToAlarm, comparisonOperator, threshold, treatMissingData };
}

function queryFor({ metric: watched }: AlarmConfiguration, metric: Metric, startS: number, endS: number): MetricQuery {
  const extended = parseExtendedStatistic(watched.statistic);
  return {
    metric,
    startS,
    endS,
    periodS: watched.periodS,
    ...(watched.unit === undefined ? {} : { unit: watched.unit }),
    ...(extended ? { extended: [extended] } : {}),
  };
}

function conclude(
  planned: Plan,
  pointsOf: ReadonlyMap<MetricQuery, DataPoint[]>,
  queryMs: number,
): Evaluation | undefined {
  const { configuration, rule, endS, stepS } = planned;
  const { statistic } = configuration.metric;
  if (planned.underWay) {
    const points = pointsOf.get(planned.underWay)!;
    const range = toRange(configuration, points, endS + stepS);
    const newest = points.at(-1);
    const value = range[0]?.value;
    if (newest && value !== undefined && isBreaching(rule, value) && breachIsFinal(rule, statistic, newest.minimum)) {
      const decision = decideState(rule, range);
      if (decision.state === 'ALARM') return evaluation(planned, decision, range, queryMs);
    }
  }
  const range = toRange(configuration, planned.ended ? pointsOf.get(planned.ended)! : [], endS);
  const decision = decideState(rule, range);
  if (decision.state === undefined || ignoresFewSamples(configuration, decision)) return undefined;
  // What is missing from before the alarm was configured says nothing: its metric may be about to come.
  if (decision.evaluated.length === 0 && planned.alarm.document.configurationUpdatedMs >= endS * 1000) return undefined;
  return evaluation(planned, decision, range, queryMs);
}

function ignoresFewSamples(
  { metric, evaluateLowSampleCountPercentile }: AlarmConfiguration,
  decision: Decision,
): boolean {
  if (evaluateLowSampleCountPercentile !== 'ignore') return false;
  const samples = decision.evaluated.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
  return tooFewSamples(metric.statistic, samples);
}

function evaluation(planned: Plan, decision: Decision, range: readonly Datapoint[], queryMs: number): Evaluation {
  const { alarm, revision, configuration, rule } = planned;
  const { statistic, periodS, unit } = configuration.metric;
  const value = decision.state!;
  const saysOutOf = configuration.datapointsToAlarm !== undefined;
  const reason = stateReason({ rule, saysOutOf, decision, state: value });
  const inUnit = unit === undefined ? {} : { unit };
  const reasonData = stateReasonData({ rule, decision, statistic, ...inUnit, periodS, queryMs, range });
  return { alarm, revision, decision, state: { value, reason, reasonData } };
}

/** One data point for each period of the evaluation range that ends at `endS`, newest first. */
function toRange(
  { metric, evaluationPeriods }: AlarmConfiguration,
  points: readonly DataPoint[],
  endS: number,
): Datapoint[] {
  const byTime = new Map(points.map((point) => [point.timestampS, point]));
  return Array.from({ length: evaluationRange(evaluationPeriods) }, (_, i) => {
    const timestampS = endS - (i + 1) * metric.periodS;
    const point = byTime.get(timestampS);
    const value = point && statisticOf(point, metric.statistic);
    return { timestampMs: timestampS * 1000, value: value ?? undefined, sampleCount: point?.sampleCount ?? 0 };
  });
}
