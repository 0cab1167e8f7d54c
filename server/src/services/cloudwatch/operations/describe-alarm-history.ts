// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html

import type { DescribeAlarmHistoryInput, DescribeAlarmHistoryOutput } from '@aws-sdk/client-cloudwatch';
import { notImplemented } from '#core/errors.ts';
import type { HistoryItemType } from '#engines/alarms/alarm-history.ts';
import type { Handler } from '#wire/service.ts';
import { checkRange, checkText } from '../../constraints.ts';
import type { ServiceDependencies } from '../../dependencies.ts';
import { isText, readToken, writeToken } from '../page-token.ts';

const MAX_RECORDS = 100;
const ITEM_TYPES = [
  'ConfigurationUpdate',
  'StateUpdate',
  'Action',
  'AlarmContributorStateUpdate',
  'AlarmContributorAction',
];

export function describeAlarmHistory({
  alarms,
}: Pick<ServiceDependencies, 'alarms'>): Handler<DescribeAlarmHistoryInput, DescribeAlarmHistoryOutput> {
  return async (input, context) => {
    check(input);
    const after = readToken(input.NextToken, isText);
    if (!(input.AlarmTypes ?? ['MetricAlarm']).includes('MetricAlarm')) return { AlarmHistoryItems: [] };
    const { items, next } = await alarms.history(context, {
      ...(input.AlarmName === undefined ? {} : { alarmName: input.AlarmName }),
      ...(input.HistoryItemType === undefined ? {} : { type: input.HistoryItemType as HistoryItemType }),
      ...(input.StartDate === undefined ? {} : { startMs: input.StartDate.getTime() }),
      ...(input.EndDate === undefined ? {} : { endMs: input.EndDate.getTime() }),
      newestFirst: input.ScanBy !== 'TimestampAscending',
      ...(after === undefined ? {} : { after }),
      limit: input.MaxRecords ?? MAX_RECORDS,
    });
    return {
      AlarmHistoryItems: items.map(({ alarmName, timestampMs, type, summary, data }) => ({
        AlarmName: alarmName,
        AlarmType: 'MetricAlarm',
        Timestamp: new Date(timestampMs),
        HistoryItemType: type,
        HistorySummary: summary,
        HistoryData: data,
      })),
      ...(next === undefined ? {} : { NextToken: writeToken(next) }),
    };
  };
}

function check(input: DescribeAlarmHistoryInput): void {
  checkText('alarmName', input.AlarmName, { min: 1, max: 255 });
  checkText('historyItemType', input.HistoryItemType, { values: ITEM_TYPES });
  checkText('scanBy', input.ScanBy, { values: ['TimestampDescending', 'TimestampAscending'] });
  checkRange('maxRecords', input.MaxRecords, 1, MAX_RECORDS);
  for (const type of input.AlarmTypes ?? [])
    checkText('alarmTypes', type, { values: ['CompositeAlarm', 'MetricAlarm'] });
  if (input.AlarmContributorId !== undefined) {
    throw notImplemented('DescribeAlarmHistory', 'the parameter AlarmContributorId (alarms with contributors)');
  }
}
