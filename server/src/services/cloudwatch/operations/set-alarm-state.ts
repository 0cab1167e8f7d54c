// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html

import type { SetAlarmStateInput } from '@aws-sdk/client-cloudwatch';
import { AwsError } from '#core/errors.ts';
import { ALARM_STATES } from '#engines/alarms/alarm-document.ts';
import type { Handler } from '#wire/service.ts';
import { checkText } from '../../constraints.ts';
import type { ServiceDependencies } from '../../dependencies.ts';

export function setAlarmState({ alarms }: Pick<ServiceDependencies, 'alarms'>): Handler<SetAlarmStateInput, object> {
  return async (input, context) => {
    const { StateReason, StateReasonData } = input;
    const name = input.AlarmName!;
    const value = input.StateValue!;
    checkText('alarmName', name, { min: 1, max: 255 });
    checkText('stateValue', value, { values: ALARM_STATES });
    checkText('stateReason', StateReason, { max: 1023 });
    checkText('stateReasonData', StateReasonData, { max: 4000 });
    if (StateReasonData !== undefined) checkJson(StateReasonData);
    if (!(await alarms.setState(context, name, value, StateReason!, StateReasonData))) {
      throw new AwsError('ResourceNotFound', `Alarm ${name} does not exist.`);
    }
    return {};
  };
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new AwsError('InvalidFormatFault', 'StateReasonData is not valid JSON.');
  }
}
