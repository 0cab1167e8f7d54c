// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html

import type { DescribeAlarmsInput, DescribeAlarmsOutput } from '@aws-sdk/client-cloudwatch';
import { notImplemented } from '#core/errors.ts';
import { ALARM_STATES, type AlarmDocument } from '#engines/alarms/alarm-document.ts';
import type { Handler } from '#wire/service.ts';
import { checkCount, checkRange, checkText } from '../../constraints.ts';
import type { ServiceDependencies } from '../../dependencies.ts';
import { mutuallyExclusive } from '../errors.ts';
import { toMetricAlarm } from '../metric-alarm.ts';
import { isText, readToken, writeToken } from '../page-token.ts';

const DEFAULT_RECORDS = 50;
const MAX_RECORDS = 100;
const MAX_NAMES = 100;
const ALARM_TYPES = ['CompositeAlarm', 'MetricAlarm'];

export function describeAlarms({
  alarms,
}: Pick<ServiceDependencies, 'alarms'>): Handler<DescribeAlarmsInput, DescribeAlarmsOutput> {
  return async (input, context) => {
    check(input);
    const after = readToken(input.NextToken, isText);
    // There are no composite alarms yet: none is a parent, none is listed.
    const metricAlarms =
      input.ParentsOfAlarmName === undefined && (input.AlarmTypes ?? ['MetricAlarm']).includes('MetricAlarm');
    const matching = metricAlarms ? (await alarms.list(context)).filter((alarm) => matches(alarm, input)) : [];
    const rest =
      after === undefined ? matching : matching.filter(({ configuration }) => configuration.alarmName > after);
    const page = rest.slice(0, input.MaxRecords ?? DEFAULT_RECORDS);
    return {
      CompositeAlarms: [],
      MetricAlarms: page.map(toMetricAlarm),
      ...(page.length < rest.length ? { NextToken: writeToken(page.at(-1)!.configuration.alarmName) } : {}),
    };
  };
}

function check(input: DescribeAlarmsInput): void {
  checkCount('alarmNames', input.AlarmNames, MAX_NAMES);
  checkText('alarmNamePrefix', input.AlarmNamePrefix, { min: 1, max: 255 });
  checkText('stateValue', input.StateValue, { values: ALARM_STATES });
  checkText('actionPrefix', input.ActionPrefix, { min: 1, max: 1024 });
  checkRange('maxRecords', input.MaxRecords, 1, MAX_RECORDS);
  for (const type of input.AlarmTypes ?? []) checkText('alarmTypes', type, { values: ALARM_TYPES });
  if (input.AlarmNames !== undefined && input.AlarmNamePrefix !== undefined) {
    throw mutuallyExclusive('AlarmNames', 'AlarmNamePrefix');
  }
  if (input.ChildrenOfAlarmName !== undefined) {
    throw notImplemented('DescribeAlarms', 'the parameter ChildrenOfAlarmName (composite alarms)');
  }
}

function matches({ configuration, state }: AlarmDocument, input: DescribeAlarmsInput): boolean {
  const { alarmName, okActions, alarmActions, insufficientDataActions } = configuration;
  if (input.AlarmNames && !input.AlarmNames.includes(alarmName)) return false;
  if (input.AlarmNamePrefix !== undefined && !alarmName.startsWith(input.AlarmNamePrefix)) return false;
  if (input.StateValue !== undefined && state.value !== input.StateValue) return false;
  if (input.ActionPrefix === undefined) return true;
  return [...okActions, ...alarmActions, ...insufficientDataActions].some((action) =>
    action.startsWith(input.ActionPrefix!),
  );
}
