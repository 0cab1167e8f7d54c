// SUBSCRIPTION_FILTER_POLICY: one subscription for all groups of the account that its criteria select.
// { "DestinationArn": "…", "RoleArn": "…", "FilterPattern": "ERROR", "Distribution": "Random" }

import { formatArn } from '#core/arn.ts';
import type { AccountPolicyDocument } from '#engines/logs/account-policies.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import { invalidParameter } from './constraints.ts';
import type { AccountPolicyKind } from './operations/account-policies.ts';
import { parsePattern } from './pattern.ts';
import { checkExcludedGroups } from './selection.ts';
import { checkSubscriber } from './subscriptions/destination.ts';

interface SubscriptionPolicy {
  DestinationArn: string;
  RoleArn?: string;
  FilterPattern: string;
  Distribution?: 'Random' | 'ByLogStream';
}

export const accountSubscriptionPolicy: AccountPolicyKind = {
  most: 1,

  async check({ sharing }, scope, policy) {
    const { DestinationArn, RoleArn, FilterPattern } = read(policy);
    parsePattern(FilterPattern, 'Invalid filter pattern');
    checkExcludedGroups(policy.selectionCriteria);
    await checkSubscriber(sharing, scope, `${everyGroup(scope)}:*`, DestinationArn, RoleArn);
  },

  async put({ sharing, clock }, scope, policy) {
    const { DestinationArn, RoleArn, FilterPattern, Distribution = 'ByLogStream' } = read(policy);
    await sharing.subscriptions.putPolicy(scope, {
      name: policy.name,
      pattern: FilterPattern,
      destinationArn: DestinationArn,
      ...(RoleArn !== undefined && { roleArn: RoleArn }),
      distribution: Distribution,
      createdAtMs: clock.now(),
      ...(policy.selectionCriteria && { selectionCriteria: policy.selectionCriteria }),
    });
  },

  delete: ({ sharing }, scope, name) => sharing.subscriptions.deletePolicy(scope, name),
};

function everyGroup(scope: LogScope): string {
  return formatArn({ service: 'logs', account: scope.account, region: scope.region, resource: 'log-group' });
}

function read({ text }: AccountPolicyDocument): SubscriptionPolicy {
  let policy: Record<string, unknown>;
  try {
    policy = JSON.parse(text);
  } catch (error) {
    throw invalidParameter(`Invalid policyDocument: it is not JSON (${(error as Error).message})`);
  }
  const fault = faultOf(policy);
  if (fault) throw invalidParameter(`Invalid policyDocument: ${fault}`);
  return policy as unknown as SubscriptionPolicy;
}

function faultOf(policy: Record<string, unknown> | null): string | undefined {
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) return 'expected an object';
  const { DestinationArn, RoleArn, FilterPattern, Distribution, ...others } = policy;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) return `unknown property ${unknown}`;
  if (typeof DestinationArn !== 'string') return 'expected a DestinationArn';
  if (typeof FilterPattern !== 'string') return 'expected a FilterPattern';
  if (RoleArn !== undefined && typeof RoleArn !== 'string') return 'RoleArn must be a string';
  if (Distribution !== undefined && Distribution !== 'Random' && Distribution !== 'ByLogStream') {
    return 'Distribution must be Random or ByLogStream';
  }
  return undefined;
}
