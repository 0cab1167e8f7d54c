// What happened to alarms: configurations, state changes, actions. Each item is kept twice, by alarm and by time, so
// that both ways of reading are range scans; 30 days, as CloudWatch keeps them, also after the alarm was deleted.

import { jsonDouble } from '#core/java-double.ts';
import { BASIC_STATISTICS } from '#engines/metrics/statistic.ts';
import {
  type DocumentReader,
  defineCollection,
  type Scope,
  type StateStore,
  type Transaction,
} from '#storage/state/state.ts';
import type { AlarmConfiguration, AlarmDocument, AlarmState } from './alarm-document.ts';
import { awsTimestamp } from './state-reason.ts';

export type HistoryItemType = 'ConfigurationUpdate' | 'StateUpdate' | 'Action';

export interface HistoryItem {
  alarmName: string;
  timestampMs: number;
  type: HistoryItemType;
  summary: string;
  /** JSON text. */
  data: string;
}

export interface HistoryFilter {
  alarmName?: string;
  type?: HistoryItemType;
  startMs?: number;
  /** Inclusive. */
  endMs?: number;
  newestFirst: boolean;
  /** The `next` of the page before. */
  after?: string;
  limit: number;
}

export interface HistoryPage {
  items: HistoryItem[];
  /** Where the next page goes on. */
  next: string | undefined;
}

const HISTORY = defineCollection<HistoryItem>('cloudwatch.alarm-history');
const RETENTION_MS = 30 * 24 * 3_600_000;
const MAX_SUMMARY_LENGTH = 255;
const MAX_DATA_LENGTH = 4095;
/** Documents read at a time while filtering. */
const SCAN_PAGE = 500;

export async function recordHistory(tx: Transaction, scope: Scope, item: HistoryItem): Promise<void> {
  const order = await tx.documents.nextSequence('cloudwatch.alarm-history');
  const position = `${digits(item.timestampMs, 16)}-${digits(order, 12)}`;
  const stored = { ...item, summary: cut(item.summary) };
  await tx.documents.put(HISTORY, scope, byTimeKey(position), stored);
  await tx.documents.put(HISTORY, scope, byAlarmKey(item.alarmName, position), stored);
}

export async function readHistory(
  documents: DocumentReader,
  scope: Scope,
  filter: HistoryFilter,
): Promise<HistoryPage> {
  const prefix = filter.alarmName === undefined ? byTimeKey('') : byAlarmKey(filter.alarmName, '');
  const reverse = filter.newestFirst;
  const startKey =
    prefix + (reverse ? `${digits((filter.endMs ?? LAST_MS) + 1, 16)}` : digits(filter.startMs ?? 0, 16));
  let after = filter.after === undefined ? startKey : prefix + filter.after;
  const items: HistoryItem[] = [];
  for (;;) {
    const page = await documents.range(HISTORY, scope, { prefix, after, limit: SCAN_PAGE, reverse });
    for (const { key, value } of page) {
      after = key;
      if (reverse ? value.timestampMs < (filter.startMs ?? 0) : value.timestampMs > (filter.endMs ?? LAST_MS)) {
        return { items, next: undefined };
      }
      if (filter.type !== undefined && value.type !== filter.type) continue;
      items.push(value);
      if (items.length === filter.limit) return { items, next: key.slice(prefix.length) };
    }
    if (page.length < SCAN_PAGE) return { items, next: undefined };
  }
}

/** Deletes what is older than the retention. */
export async function expireHistory(state: StateStore, scope: Scope, nowMs: number): Promise<void> {
  for (;;) {
    const oldest = await state.documents.range(HISTORY, scope, { prefix: byTimeKey(''), limit: SCAN_PAGE });
    const expired = oldest.filter(({ value }) => value.timestampMs < nowMs - RETENTION_MS);
    if (expired.length === 0) return;
    await state.transact(async (tx) => {
      for (const { key, value } of expired) {
        await tx.documents.delete(HISTORY, scope, key);
        await tx.documents.delete(HISTORY, scope, byAlarmKey(value.alarmName, key.slice(byTimeKey('').length)));
      }
    });
    if (expired.length < SCAN_PAGE) return;
  }
}

// ---- items ----

export function configurationItem(
  kind: 'Create' | 'Update' | 'Delete',
  alarm: AlarmDocument,
  nowMs: number,
): HistoryItem {
  const { alarmName } = alarm.configuration;
  const [verb, member] = {
    Create: ['created', 'createdAlarm'],
    Update: ['updated', 'updatedAlarm'],
    Delete: ['deleted', 'deletedAlarm'],
  }[kind] as [string, string];
  return {
    alarmName,
    timestampMs: nowMs,
    type: 'ConfigurationUpdate',
    summary: `Alarm "${alarmName}" ${verb}`,
    data: JSON.stringify({ version: '1.0', type: kind, [member]: describe(alarm) }),
  };
}

export function stateItem(alarm: AlarmDocument, previous: AlarmState): HistoryItem {
  const { configuration, state } = alarm;
  const data = (withReasonData: boolean) => {
    const [oldState, newState] = [previous, state].map((one) => describeState(one, withReasonData));
    return `{"version":"1.0","oldState":${oldState},"newState":${newState}}`;
  };
  const whole = data(true);
  return {
    alarmName: configuration.alarmName,
    timestampMs: state.updatedMs,
    type: 'StateUpdate',
    summary: `Alarm updated from ${previous.value} to ${state.value}`,
    data: whole.length <= MAX_DATA_LENGTH ? whole : data(false),
  };
}

export interface ExecutedAction {
  alarmName: string;
  action: string;
  stateUpdatedMs: number;
  /** What was sent, if anything. */
  published?: string;
  /** Why it failed; absent on success. */
  error?: string;
}

export function actionItem(
  { alarmName, action, stateUpdatedMs, published, error }: ExecutedAction,
  nowMs: number,
): HistoryItem {
  const summary =
    error === undefined
      ? `Successfully executed action ${action}`
      : `Failed to execute action ${action}. Received error: "${error}"`;
  const data = (publishedMessage: string | undefined) =>
    JSON.stringify({
      actionState: error === undefined ? 'Succeeded' : 'Failed',
      stateUpdateTimestamp: stateUpdatedMs,
      notificationResource: action,
      publishedMessage: publishedMessage ?? null,
      error: error ?? null,
    });
  const whole = data(published);
  return {
    alarmName,
    timestampMs: nowMs,
    type: 'Action',
    summary,
    data: whole.length <= MAX_DATA_LENGTH ? whole : data(undefined),
  };
}

function describe({ arn, configuration, configurationUpdatedMs, state }: AlarmDocument) {
  return {
    alarmName: configuration.alarmName,
    ...(configuration.alarmDescription === undefined ? {} : { alarmDescription: configuration.alarmDescription }),
    alarmArn: arn,
    alarmConfigurationUpdatedTimestamp: awsTimestamp(configurationUpdatedMs),
    ...describeMetric(configuration),
    threshold: jsonDouble(configuration.threshold),
    comparisonOperator: configuration.comparisonOperator,
    evaluationPeriods: configuration.evaluationPeriods,
    ...(configuration.datapointsToAlarm === undefined ? {} : { datapointsToAlarm: configuration.datapointsToAlarm }),
    ...(configuration.treatMissingData === undefined ? {} : { treatMissingData: configuration.treatMissingData }),
    ...(configuration.evaluateLowSampleCountPercentile === undefined
      ? {}
      : { evaluateLowSampleCountPercentile: configuration.evaluateLowSampleCountPercentile }),
    stateValue: state.value,
    stateUpdatedTimestamp: awsTimestamp(state.updatedMs),
    actionsEnabled: configuration.actionsEnabled,
    alarmActions: configuration.alarmActions,
    insufficientDataActions: configuration.insufficientDataActions,
    okactions: configuration.okActions,
  };
}

function describeMetric({ metric, query }: AlarmConfiguration) {
  const dimensions = metric.dimensions.map(({ Name, Value }) => ({ value: Value, name: Name }));
  const { namespace, metricName, statistic, periodS: period, unit } = metric;
  const inUnit = unit === undefined ? {} : { unit };
  if (query) {
    const metricStat = { metric: { namespace, metricName, dimensions }, period, stat: statistic, ...inUnit };
    return { metrics: [{ id: query.id, metricStat, returnData: true }] };
  }
  const basic = (BASIC_STATISTICS as readonly string[]).includes(statistic);
  return {
    namespace,
    metricName,
    ...(basic ? { statistic } : { extendedStatistic: statistic }),
    period,
    ...inUnit,
    dimensions,
  };
}

function describeState(state: AlarmState, withReasonData: boolean): string {
  const value = JSON.stringify({ stateValue: state.value, stateReason: state.reason });
  if (state.reasonData === undefined || !withReasonData) return value;
  return `${value.slice(0, -1)},"stateReasonData":${asJson(state.reasonData)}}`;
}

/** The text itself when it is JSON, so that numbers keep their form; SetAlarmState takes any text. */
function asJson(reasonData: string): string {
  try {
    JSON.parse(reasonData);
    return reasonData;
  } catch {
    return JSON.stringify(reasonData);
  }
}

/** The last time that a Date can hold. */
const LAST_MS = 8.64e15 - 1;

function byTimeKey(position: string): string {
  return `time/${position}`;
}

function byAlarmKey(alarmName: string, position: string): string {
  // No alarm name has a control character.
  return `alarm/${alarmName}\x01${position}`;
}

function digits(number: number, width: number): string {
  return String(Math.floor(number)).padStart(width, '0');
}

function cut(summary: string): string {
  return summary.length <= MAX_SUMMARY_LENGTH ? summary : `${summary.slice(0, MAX_SUMMARY_LENGTH - 3)}...`;
}
