// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html

import type { PutMetricAlarmInput } from '@aws-sdk/client-cloudwatch';
import { parseArn } from '#core/arn.ts';
import { AwsError, notImplemented } from '#core/errors.ts';
import type {
  AlarmConfiguration,
  AlarmMetric,
  ComparisonOperator,
  MissingDataTreatment,
} from '#engines/alarms/alarm-document.ts';
import { BASIC_STATISTICS, parseExtendedStatistic } from '#engines/metrics/statistic.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { checkCount, checkRange, checkText } from '../../constraints.ts';
import type { ServiceDependencies } from '../../dependencies.ts';
import { missingParameter, mutuallyExclusive, validationError } from '../errors.ts';
import { checkMetricDataQuery } from '../metric-data-query.ts';
import { checkDimensions, checkMetricName, checkNamespace } from '../metric-identity.ts';
import { toTags } from '../tags.ts';
import { checkUnit } from '../unit.ts';

const MAX_ALARMS = 5000;
const MAX_ACTIONS = 5;
const DAY_S = 86_400;
const WEEK_S = 7 * DAY_S;
const HOUR_S = 3600;

const OPERATORS: readonly string[] = [
  'GreaterThanOrEqualToThreshold',
  'GreaterThanThreshold',
  'LessThanThreshold',
  'LessThanOrEqualToThreshold',
];
const ANOMALY_OPERATORS: readonly string[] = [
  'LessThanLowerOrGreaterThanUpperThreshold',
  'LessThanLowerThreshold',
  'GreaterThanUpperThreshold',
];
const TREATMENTS: readonly string[] = ['missing', 'ignore', 'breaching', 'notBreaching'];

export function putMetricAlarm({ alarms }: Pick<ServiceDependencies, 'alarms'>): Handler<PutMetricAlarmInput, object> {
  return async (input, context) => {
    const configuration = checkAlarm(input, context);
    const tags = toTags(input.Tags);
    const existing = await alarms.get(context, configuration.alarmName);
    if (!existing && (await alarms.list(context)).length >= MAX_ALARMS) {
      throw new AwsError('LimitExceededFault', `The limit of ${MAX_ALARMS} alarms has been reached.`);
    }
    await alarms.put(context, configuration, tags);
    return {};
  };
}

function checkAlarm(input: PutMetricAlarmInput, context: RequestContext): AlarmConfiguration {
  if (input.EvaluationCriteria !== undefined)
    throw notImplemented('PutMetricAlarm', 'the parameter EvaluationCriteria (PromQL)');
  if (input.EvaluationInterval !== undefined) {
    throw validationError('EvaluationInterval can only be specified for alarms that use EvaluationCriteria.');
  }
  if (input.ThresholdMetricId !== undefined || ANOMALY_OPERATORS.includes(input.ComparisonOperator ?? '')) {
    throw notImplemented('PutMetricAlarm', 'alarms on anomaly detection (ThresholdMetricId)');
  }
  const alarmName = checkName(input.AlarmName!);
  checkText('alarmDescription', input.AlarmDescription, { max: 1024 });
  const { metric, query } = checkMetric(input, context);
  const { EvaluationPeriods: evaluationPeriods, Threshold: threshold } = input;
  if (evaluationPeriods === undefined) throw missingParameter('EvaluationPeriods');
  if (threshold === undefined) throw missingParameter('Threshold');
  if (!Number.isFinite(threshold))
    throw validationError(`The value ${threshold} for parameter Threshold is not supported.`);
  checkRange('evaluationPeriods', evaluationPeriods, 1, Number.MAX_SAFE_INTEGER);
  checkWindow(metric.periodS, evaluationPeriods);
  const datapointsToAlarm = checkDatapointsToAlarm(input.DatapointsToAlarm, evaluationPeriods);
  return {
    alarmName,
    ...(input.AlarmDescription === undefined ? {} : { alarmDescription: input.AlarmDescription }),
    actionsEnabled: input.ActionsEnabled ?? true,
    okActions: checkActions(input.OKActions, 'OKActions'),
    alarmActions: checkActions(input.AlarmActions, 'alarmActions'),
    insufficientDataActions: checkActions(input.InsufficientDataActions, 'insufficientDataActions'),
    metric,
    ...(query ? { query } : {}),
    evaluationPeriods,
    ...(datapointsToAlarm === undefined ? {} : { datapointsToAlarm }),
    threshold,
    comparisonOperator: checkOperator(input.ComparisonOperator),
    ...checkTreatment(input.TreatMissingData),
    ...checkLowSampleCount(input.EvaluateLowSampleCountPercentile),
  };
}

function checkName(name: string): string {
  checkText('alarmName', name, { min: 1, max: 255 });
  if (/[\x00-\x1f\x7f]/.test(name)) throw validationError('AlarmName must not contain ASCII control characters');
  return name;
}

type WatchedMetric = Pick<AlarmConfiguration, 'metric' | 'query'>;

function checkMetric(input: PutMetricAlarmInput, context: RequestContext): WatchedMetric {
  if (input.Metrics === undefined) return { metric: checkSingleMetric(input) };
  for (const name of [
    'MetricName',
    'Namespace',
    'Dimensions',
    'Period',
    'Unit',
    'Statistic',
    'ExtendedStatistic',
  ] as const) {
    if (input[name] !== undefined) throw mutuallyExclusive(name, 'Metrics');
  }
  return checkMetricQueries(input.Metrics, context);
}

function checkSingleMetric(input: PutMetricAlarmInput): AlarmMetric {
  const { MetricName, Namespace, Dimensions, Period, Statistic, ExtendedStatistic, Unit } = input;
  if (MetricName === undefined) throw missingParameter('MetricName');
  if (Namespace === undefined) throw missingParameter('Namespace');
  if (Period === undefined) throw missingParameter('Period');
  checkMetricName(MetricName, 'MetricName');
  checkNamespace(Namespace);
  const dimensions = checkDimensions(Dimensions, 'Dimensions').map(({ Name, Value }) => ({ Name, Value }));
  if (Statistic !== undefined && ExtendedStatistic !== undefined)
    throw mutuallyExclusive('Statistic', 'ExtendedStatistic');
  checkText('statistic', Statistic, { values: BASIC_STATISTICS });
  if (ExtendedStatistic !== undefined && !parseExtendedStatistic(ExtendedStatistic)) {
    throw validationError(`The value ${ExtendedStatistic} for parameter ExtendedStatistic is not supported.`);
  }
  const statistic = Statistic ?? ExtendedStatistic;
  if (statistic === undefined) throw missingParameter('Statistic');
  checkUnit(Unit, 'Unit');
  checkAlarmPeriod(Period);
  const unit = Unit === undefined ? {} : { unit: Unit };
  return { namespace: Namespace, metricName: MetricName, dimensions, statistic, periodS: Period, ...unit };
}

function checkMetricQueries(
  queries: NonNullable<PutMetricAlarmInput['Metrics']>,
  context: RequestContext,
): WatchedMetric {
  if (queries.length === 0) throw missingParameter('Metrics');
  const checked = queries.map((query, i) => checkMetricDataQuery(query, 'PutMetricAlarm', `Metrics.member.${i + 1}`));
  const returned = checked.filter(({ returnData }) => returnData);
  if (returned.length !== 1) throw validationError('Exactly one element of the metrics list should return data.');
  if (checked.length > 1) throw notImplemented('PutMetricAlarm', 'Metrics with more than one query (metric math)');
  const { id, namespace, metricName, dimensions, statisticName, periodS, unit, label, accountId } = returned[0]!;
  if (accountId !== undefined && accountId !== context.account) {
    throw notImplemented('PutMetricAlarm', 'AccountId of another account (cross-account alarms)');
  }
  checkAlarmPeriod(periodS);
  const copied = dimensions.map(({ Name, Value }) => ({ Name, Value }));
  const inUnit = unit === undefined ? {} : { unit };
  return {
    metric: { namespace, metricName, dimensions: copied, statistic: statisticName, periodS, ...inUnit },
    query: { id, ...(label === undefined ? {} : { label }), ...(accountId === undefined ? {} : { accountId }) },
  };
}

function checkAlarmPeriod(periodS: number): void {
  if ([10, 20, 30].includes(periodS) || (periodS >= 60 && periodS % 60 === 0)) return;
  throw validationError('Period must be 10, 20, 30 or a multiple of 60');
}

function checkWindow(periodS: number, evaluationPeriods: number): void {
  const windowS = periodS * evaluationPeriods;
  if (periodS < HOUR_S && windowS > DAY_S) {
    throw validationError(
      `Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= ${DAY_S}) for alarms using period < ${HOUR_S}`,
    );
  }
  if (windowS > WEEK_S) {
    throw validationError(
      `Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= ${WEEK_S}) for alarms using period >= ${HOUR_S}`,
    );
  }
}

function checkDatapointsToAlarm(datapoints: number | undefined, evaluationPeriods: number): number | undefined {
  checkRange('datapointsToAlarm', datapoints, 1, Number.MAX_SAFE_INTEGER);
  if (datapoints !== undefined && datapoints > evaluationPeriods) {
    throw validationError('DatapointsToAlarm must be less than or equal to EvaluationPeriods');
  }
  return datapoints;
}

function checkOperator(operator: string | undefined): ComparisonOperator {
  if (operator === undefined) throw missingParameter('ComparisonOperator');
  checkText('comparisonOperator', operator, { values: [...OPERATORS, ...ANOMALY_OPERATORS] });
  return operator as ComparisonOperator;
}

function checkTreatment(treatment: string | undefined): { treatMissingData?: MissingDataTreatment } {
  if (treatment === undefined) return {};
  if (!TREATMENTS.includes(treatment))
    throw validationError(`The value ${treatment} for parameter TreatMissingData is not supported.`);
  return { treatMissingData: treatment as MissingDataTreatment };
}

function checkLowSampleCount(option: string | undefined): { evaluateLowSampleCountPercentile?: 'evaluate' | 'ignore' } {
  if (option === undefined) return {};
  if (option !== 'evaluate' && option !== 'ignore') {
    throw validationError(
      `Option ${option} is not supported. Supported options for parameter EvaluateLowSampleCountPercentile are evaluate and ignore.`,
    );
  }
  return { evaluateLowSampleCountPercentile: option };
}

function checkActions(actions: readonly string[] | undefined, path: string): string[] {
  if (!actions) return [];
  checkCount(path, actions, MAX_ACTIONS);
  for (const action of actions) {
    checkText(path, action, { min: 1, max: 1024 });
    if (!parseArn(action)) throw validationError(`Invalid arn syntax: ${action}`);
  }
  return [...actions];
}
