// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_EnableAlarmActions.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DisableAlarmActions.html

import type { DisableAlarmActionsInput, EnableAlarmActionsInput } from '@aws-sdk/client-cloudwatch';
import type { Handler } from '#wire/service.ts';
import { checkCount, checkText } from '../../constraints.ts';
import type { ServiceDependencies } from '../../dependencies.ts';

const MAX_NAMES = 100;

type Dependencies = Pick<ServiceDependencies, 'alarms'>;

export function enableAlarmActions(dependencies: Dependencies): Handler<EnableAlarmActionsInput, object> {
  return setActionsEnabled(dependencies, true);
}

export function disableAlarmActions(dependencies: Dependencies): Handler<DisableAlarmActionsInput, object> {
  return setActionsEnabled(dependencies, false);
}

function setActionsEnabled({ alarms }: Dependencies, enabled: boolean): Handler<EnableAlarmActionsInput, object> {
  return async ({ AlarmNames }, context) => {
    checkCount('alarmNames', AlarmNames, MAX_NAMES);
    for (const name of AlarmNames!) checkText('alarmNames', name, { min: 1, max: 255 });
    await alarms.setActionsEnabled(context, AlarmNames!, enabled);
    return {};
  };
}
