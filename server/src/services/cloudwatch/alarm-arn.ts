// arn:aws:cloudwatch:region:account:alarm:name

import { parseArn } from '#core/arn.ts';
import type { Scope } from '#storage/state/state.ts';

export interface AlarmReference {
  scope: Scope;
  name: string;
}

/** Undefined when the ARN names something else. */
export function parseAlarmArn(text: string): AlarmReference | undefined {
  const arn = parseArn(text);
  if (arn?.service !== 'cloudwatch' || !arn.resource.startsWith('alarm:')) return undefined;
  return { scope: { account: arn.account, region: arn.region }, name: arn.resource.slice('alarm:'.length) };
}
