// What IAM's operations need.

import type { ServiceDependencies } from '../dependencies.ts';

export type IamDependencies = Pick<ServiceDependencies, 'state' | 'clock'>;

/** IAM's state is one for all regions. */
export function iamScope(caller: { account: string }): { account: string; region: string } {
  return { account: caller.account, region: '' };
}
