// Policies that hold for all groups of an account, or those that their criteria select.
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
import { AwsError } from '#core/errors.ts';
import { ACCOUNT_POLICIES, type AccountPolicyDocument, policyKey } from '#engines/logs/account-policies.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import type { DocumentReader } from '#storage/state/state.ts';
import type { Handler } from '#wire/service.ts';
import {
  accountDataProtection,
  accountFieldIndexes,
  accountMetricExtraction,
  accountTransformer,
} from '../account-policy-kinds.ts';
import { accountSubscriptionPolicy } from '../account-subscription-policy.ts';
import { ACCOUNT_ID, ACCOUNT_IDENTIFIERS, Constraints, invalidParameter } from '../constraints.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';

/** What is special about a type of policy. */
export interface AccountPolicyKind {
  /** How many an account may have. */
  most: number;
  /** Throws InvalidParameterException for a policy that cannot be, or cannot be beside the others of its type. */
  check(
    logs: Logs,
    scope: LogScope,
    policy: AccountPolicyDocument,
    others: readonly AccountPolicyDocument[],
  ): Promise<void> | void;
  /** Beside what groups inherit. */
  put?(logs: Logs, scope: LogScope, policy: AccountPolicyDocument): Promise<void>;
  delete?(logs: Logs, scope: LogScope, name: string): Promise<void>;
}

const KINDS: Partial<Record<PolicyType, AccountPolicyKind>> = {
  DATA_PROTECTION_POLICY: accountDataProtection,
  SUBSCRIPTION_FILTER_POLICY: accountSubscriptionPolicy,
  FIELD_INDEX_POLICY: accountFieldIndexes,
  TRANSFORMER_POLICY: accountTransformer,
  METRIC_EXTRACTION_POLICY: accountMetricExtraction,
};

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
    const kind = KINDS[type]!;
    const { state } = logs.sharing;
    const nowMs = logs.clock.now();
    const before = await state.documents.get(ACCOUNT_POLICIES, context, policyKey(type, name));
    const policy: AccountPolicyDocument = {
      name,
      type,
      text,
      ...(selectionCriteria && { selectionCriteria }),
      createdAtMs: before?.createdAtMs ?? before?.updatedAtMs ?? nowMs,
      updatedAtMs: nowMs,
    };
    const check = async (documents: DocumentReader) => {
      const stored = await documents.range(ACCOUNT_POLICIES, context, { prefix: `${type}/` });
      const others = stored.map(({ value }) => value).filter((other) => other.name !== name);
      await kind.check(logs, context, policy, others);
      if (others.length >= kind.most) throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
    };
    await check(state.documents);
    // In effect before it is listed: what a crash leaves between the two, the caller's next attempt mends.
    await kind.put?.(logs, context, policy);
    await state.transact(async (tx) => {
      await check(tx.documents);
      await tx.documents.put(ACCOUNT_POLICIES, context, policyKey(type, name), policy);
    });
    logs.store.groups.policies.set(context, policy);
    return { accountPolicy: describe(context, policy) };
  };
}

export function describeAccountPolicies({
  sharing,
}: Logs): Handler<DescribeAccountPoliciesRequest, DescribeAccountPoliciesResponse> {
  return async ({ policyType, policyName, accountIdentifiers, nextToken }, context) => {
    new Constraints()
      .text('policyType', policyType, POLICY_TYPE)
      .list('accountIdentifiers', accountIdentifiers, ACCOUNT_IDENTIFIERS, ACCOUNT_ID)
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
    const key = policyKey(type, policyName!);
    const { state } = logs.sharing;
    if (!(await state.documents.get(ACCOUNT_POLICIES, context, key))) {
      throw new AwsError('ResourceNotFoundException', 'The specified account policy does not exist.');
    }
    await KINDS[type]!.delete?.(logs, context, policyName!);
    await state.transact((tx) => tx.documents.delete(ACCOUNT_POLICIES, context, key));
    logs.store.groups.policies.remove(context, type, policyName!);
    return {};
  };
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
