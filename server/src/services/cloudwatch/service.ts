// Amazon CloudWatch: table of operations.

import { createRequire } from 'node:module';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { missingMembers } from './errors.ts';
import { disableAlarmActions, enableAlarmActions } from './operations/alarm-actions.ts';
import { deleteAlarms } from './operations/delete-alarms.ts';
import { describeAlarmHistory } from './operations/describe-alarm-history.ts';
import { describeAlarms } from './operations/describe-alarms.ts';
import { describeAlarmsForMetric } from './operations/describe-alarms-for-metric.ts';
import { getMetricData } from './operations/get-metric-data.ts';
import { getMetricStatistics } from './operations/get-metric-statistics.ts';
import { listMetrics } from './operations/list-metrics.ts';
import { putMetricAlarm } from './operations/put-metric-alarm.ts';
import { putMetricData } from './operations/put-metric-data.ts';
import { setAlarmState } from './operations/set-alarm-state.ts';
import { listTagsForResource, tagResource, untagResource } from './operations/tags.ts';

const require = createRequire(import.meta.url);

export const CLOUDWATCH_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-cloudwatch'),
  signingName: 'monitoring',
  protocols: ['rpcV2Cbor', 'awsJson1_0', 'awsQuery'],
  targetPrefix: 'GraniteServiceVersion20100801',
  queryVersion: '2010-08-01',
  xmlNamespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/',
  awsQueryCompatible: true,
  missingMembers,
};

export function createCloudWatchService(dependencies: ServiceDependencies): Service {
  const { metrics } = dependencies;
  return {
    name: 'cloudwatch',
    model: CLOUDWATCH_MODEL,
    operations: {
      DeleteAlarms: deleteAlarms(dependencies),
      DescribeAlarmHistory: describeAlarmHistory(dependencies),
      DescribeAlarms: describeAlarms(dependencies),
      DescribeAlarmsForMetric: describeAlarmsForMetric(dependencies),
      DisableAlarmActions: disableAlarmActions(dependencies),
      EnableAlarmActions: enableAlarmActions(dependencies),
      GetMetricData: getMetricData(dependencies),
      GetMetricStatistics: getMetricStatistics(dependencies),
      ListMetrics: listMetrics(dependencies),
      ListTagsForResource: listTagsForResource(dependencies),
      PutMetricAlarm: putMetricAlarm(dependencies),
      PutMetricData: putMetricData(dependencies),
      SetAlarmState: setAlarmState(dependencies),
      TagResource: tagResource(dependencies),
      UntagResource: untagResource(dependencies),
    },
    start: () => metrics.start(),
    stop: () => metrics.stop(),
    reset: () => metrics.reset(),
  };
}
