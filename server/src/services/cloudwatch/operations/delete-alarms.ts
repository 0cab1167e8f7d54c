// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html

import type { DeleteAlarmsInput } from '@aws-sdk/client-cloudwatch';
import type { Handler } from '#wire/service.ts';
import { checkCount, checkText } from '../../constraints.ts';
import type { ServiceDependencies } from '../../dependencies.ts';

const MAX_NAMES = 100;

/** Names of no alarm are passed over, as CloudWatch does. */
export function deleteAlarms({ alarms }: Pick<ServiceDependencies, 'alarms'>): Handler<DeleteAlarmsInput, object> {
  return async ({ AlarmNames }, context) => {
    checkCount('alarmNames', AlarmNames, MAX_NAMES);
    for (const name of AlarmNames!) checkText('alarmNames', name, { min: 1, max: 255 });
    await alarms.delete(context, AlarmNames!);
    return {};
  };
}
