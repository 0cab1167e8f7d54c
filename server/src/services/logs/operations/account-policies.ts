// Policies that hold for all groups of an account, or those that their criteria select. Each type has what puts it into
// effect; the types without are refused, so that none is accepted and then ignored.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html

import type {
  AccountPolicy,
  DeleteAccountPolicyRequest,
  DescribeAccountPoliciesRequest,
  DescribeAccountPoliciesResponse,
  PolicyType,
  PutAccountPolicyRequest,
  PutAccountPolicyResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError, notImplemented } from '#core/errors.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import { type DocumentReader, defineCollection } from '#storage/state/state.ts';
import type { Handler } from '#wire/service.ts';
import { accountSubscriptionPolicy } from '../account-subscription-policy.ts';
import { Constraints, invalidParameter } from '../constraints.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';

export interface AccountPolicyDocument {
  name: string;
  type: PolicyType;
  text: string;
  selectionCriteria?: string;
  updatedAtMs: number;
}

/** What puts a type of policy into effect. */
export interface AccountPolicyKind {
  /** How many an account may have. */
  most: number;
  /** Throws InvalidParameterException for a policy that cannot be. */
  check(logs: Logs, scope: LogScope, policy: AccountPolicyDocument): Promise<void>;
  put(logs: Logs, scope: LogScope, policy: AccountPolicyDocument): Promise<void>;
  delete(logs: Logs, scope: LogScope, name: string): Promise<void>;
}

const KINDS: Partial<Record<PolicyType, AccountPolicyKind>> = {
  SUBSCRIPTION_FILTER_POLICY: accountSubscriptionPolicy,
};

/** Keyed by `TYPE/name`. */
const ACCOUNT_POLICIES = defineCollection<AccountPolicyDocument>('logs.account-policies');

const POLICY_TYPE = {
  values: [
    'DATA_PROTECTION_POLICY',
    'SUBSCRIPTION_FILTER_POLICY',
    'FIELD_INDEX_POLICY',
    'TRANSFORMER_POLICY',
    'METRIC_EXTRACTION_POLICY',
  ],
};
const LONGEST_DOCUMENT = 30_720;
const LARGEST_CRITERIA_BYTES = 25 * 1024;
const PAGE = 50;

export function putAccountPolicy(logs: Logs): Handler<PutAccountPolicyRequest, PutAccountPolicyResponse> {
  return async (input, context) => {
    const name = input.policyName!;
    const text = input.policyDocument!;
    const { policyType, scope, selectionCriteria } = input;
    new Constraints()
      .text('policyName', name, { min: 1, max: 256 })
      .text('policyDocument', text, { min: 1, max: LONGEST_DOCUMENT })
      .text('policyType', policyType, POLICY_TYPE)
      .text('scope', scope, { values: ['ALL'] })
      .check();
    if (/^aws\//i.test(name)) throw invalidParameter('A policy name cannot start with aws/.');
    if (Buffer.byteLength(selectionCriteria ?? '') > LARGEST_CRITERIA_BYTES) {
      throw invalidParameter(`Invalid selectionCriteria: it is longer than ${LARGEST_CRITERIA_BYTES} bytes`);
    }
    const type = policyType as PolicyType;
    const kind = KINDS[type];
    if (!kind) throw notImplemented('PutAccountPolicy', `policies of type ${type}`);
    const policy: AccountPolicyDocument = {
      name,
      type,
      text,
      ...(selectionCriteria && { selectionCriteria }),
      updatedAtMs: logs.clock.now(),
    };
    await kind.check(logs, context, policy);
    const { state } = logs.sharing;
    const checkLimit = async (documents: DocumentReader) => {
      const others = await documents.range(ACCOUNT_POLICIES, context, { prefix: `${type}/` });
      if (others.filter(({ value }) => value.name !== name).length >= kind.most) {
        throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
      }
    };
    await checkLimit(state.documents);
    // In effect before it is listed: what a crash leaves between the two, the caller's next attempt mends.
    await kind.put(logs, context, policy);
    await state.transact(async (tx) => {
      await checkLimit(tx.documents);
      await tx.documents.put(ACCOUNT_POLICIES, context, keyOf(type, name), policy);
    });
    return { accountPolicy: describe(context, policy) };
  };
}

export function describeAccountPolicies({
  sharing,
}: Logs): Handler<DescribeAccountPoliciesRequest, DescribeAccountPoliciesResponse> {
  return async ({ policyType, policyName, accountIdentifiers, nextToken }, context) => {
    new Constraints()
      .text('policyType', policyType, POLICY_TYPE)
      .list('accountIdentifiers', accountIdentifiers, { max: 20 }, { min: 12, max: 12, pattern: '\\d{12}' })
      .check();
    const stored = await sharing.state.documents.range(ACCOUNT_POLICIES, context, { prefix: `${policyType}/` });
    const found = stored.filter(({ value }) => policyName === undefined || value.name === policyName);
    const { page, nextToken: next } = pageByName(found, ({ key }) => key, PAGE, nextToken);
    return { accountPolicies: page.map(({ value }) => describe(context, value)), ...(next && { nextToken: next }) };
  };
}

export function deleteAccountPolicy(logs: Logs): Handler<DeleteAccountPolicyRequest, object> {
  return async ({ policyName, policyType }, context) => {
    new Constraints().text('policyType', policyType, POLICY_TYPE).check();
    const type = policyType as PolicyType;
    const key = keyOf(type, policyName!);
    const { state } = logs.sharing;
    if (!(await state.documents.get(ACCOUNT_POLICIES, context, key))) {
      throw new AwsError('ResourceNotFoundException', 'The specified account policy does not exist.');
    }
    await KINDS[type]?.delete(logs, context, policyName!);
    await state.transact((tx) => tx.documents.delete(ACCOUNT_POLICIES, context, key));
    return {};
  };
}

function keyOf(type: PolicyType, name: string): string {
  return `${type}/${name}`;
}

function describe(scope: LogScope, policy: AccountPolicyDocument): AccountPolicy {
  const { name, type, text, selectionCriteria, updatedAtMs } = policy;
  return {
    policyName: name,
    policyDocument: text,
    lastUpdatedTime: updatedAtMs,
    policyType: type,
    scope: 'ALL',
    ...(selectionCriteria && { selectionCriteria }),
    accountId: scope.account,
  };
}
