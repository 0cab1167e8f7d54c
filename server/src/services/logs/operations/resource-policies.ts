// Resource policies let AWS's services write logs. Brume's own services always may, so they are kept and given back.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html

import type {
  DeleteResourcePolicyRequest,
  DescribeResourcePoliciesRequest,
  DescribeResourcePoliciesResponse,
  PutResourcePolicyRequest,
  PutResourcePolicyResponse,
  ResourcePolicy,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import { randomHex } from '#core/ids.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import { defineCollection } from '#storage/state/state.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, DESCRIBE_LIMIT, invalidParameter } from '../constraints.ts';
import { requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';
import { canonicalPolicy, checkPolicyText } from '../policy-text.ts';

interface ResourcePolicyDocument {
  name?: string;
  text: string;
  updatedAtMs: number;
  /** Of policies on one group. */
  groupId?: number;
  resourceArn?: string;
  revisionId?: string;
}

/** Keyed by `account/NAME` or `group/GROUPID`. */
const RESOURCE_POLICIES = defineCollection<ResourcePolicyDocument>('logs.resource-policies');

const MOST_POLICIES = 10;
const LARGEST_BYTES = 51_200;
const DEFAULT_LIMIT = 50;
const ACCOUNT_PREFIX = 'account/';
const GROUP_PREFIX = 'group/';

export function putResourcePolicy(logs: Logs): Handler<PutResourcePolicyRequest, PutResourcePolicyResponse> {
  return async (input, context) => {
    const { policyName, policyDocument, resourceArn, expectedRevisionId } = input;
    new Constraints()
      .text('policyDocument', policyDocument, { min: 1, max: LARGEST_BYTES })
      .text('expectedRevisionId', expectedRevisionId, { min: 1 })
      .check();
    if (policyDocument === undefined) throw invalidParameter('A policy document must be specified.');
    checkPolicyText(policyDocument, 'policyDocument', LARGEST_BYTES);
    const group = resourceArn === undefined ? undefined : await requireIdentifiedGroup(logs, context, resourceArn);
    if (!group && !policyName) throw invalidParameter('A policy name must be specified.');
    const key = keyOf(group, policyName);
    const document = await logs.sharing.state.transact(async (tx) => {
      const existing = await tx.documents.get(RESOURCE_POLICIES, context, key);
      if (group) checkRevision(existing, expectedRevisionId);
      else if (!existing) {
        const others = await tx.documents.range(RESOURCE_POLICIES, context, { prefix: ACCOUNT_PREFIX });
        if (others.length >= MOST_POLICIES) throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
      }
      const next: ResourcePolicyDocument = {
        ...(policyName !== undefined && { name: policyName }),
        text: policyDocument,
        updatedAtMs: logs.clock.now(),
        ...(group && { groupId: group.id, resourceArn: group.arn, revisionId: randomHex(32) }),
      };
      await tx.documents.put(RESOURCE_POLICIES, context, key, next);
      return next;
    });
    return {
      resourcePolicy: describe(document),
      ...(document.revisionId !== undefined && { revisionId: document.revisionId }),
    };
  };
}

export function describeResourcePolicies(
  logs: Logs,
): Handler<DescribeResourcePoliciesRequest, DescribeResourcePoliciesResponse> {
  return async ({ resourceArn, policyScope, limit, nextToken }, context) => {
    new Constraints()
      .text('policyScope', policyScope, { values: ['ACCOUNT', 'RESOURCE'] })
      .number('limit', limit, DESCRIBE_LIMIT)
      .check();
    const group = resourceArn === undefined ? undefined : await requireIdentifiedGroup(logs, context, resourceArn);
    const ofGroups = policyScope === 'RESOURCE' || (policyScope === undefined && group !== undefined);
    const prefix = ofGroups ? GROUP_PREFIX : ACCOUNT_PREFIX;
    await logs.store.groups.load();
    const stored = await logs.sharing.state.documents.range(RESOURCE_POLICIES, context, { prefix });
    const found = stored.filter(
      ({ value: { groupId } }) =>
        (group === undefined || groupId === group.id) &&
        (groupId === undefined || logs.store.groups.findById(groupId) !== undefined),
    );
    const { page, nextToken: next } = pageByName(found, ({ key }) => key, limit ?? DEFAULT_LIMIT, nextToken);
    return {
      resourcePolicies: page.map(({ value }) => ({ ...describe(value), policyDocument: canonicalPolicy(value.text) })),
      ...(next && { nextToken: next }),
    };
  };
}

export function deleteResourcePolicy(logs: Logs): Handler<DeleteResourcePolicyRequest, object> {
  return async ({ policyName, resourceArn, expectedRevisionId }, context) => {
    new Constraints().text('expectedRevisionId', expectedRevisionId, { min: 1 }).check();
    const group = resourceArn === undefined ? undefined : await requireIdentifiedGroup(logs, context, resourceArn);
    if (!group && !policyName) throw invalidParameter('A policy name must be specified.');
    await deletePolicy(logs, context, group, policyName, expectedRevisionId);
    return {};
  };
}

async function deletePolicy(
  { sharing }: Logs,
  scope: LogScope,
  group: LogGroup | undefined,
  name: string | undefined,
  expectedRevisionId: string | undefined,
): Promise<void> {
  const key = keyOf(group, name);
  await sharing.state.transact(async (tx) => {
    const existing = await tx.documents.get(RESOURCE_POLICIES, scope, key);
    if (!existing) {
      const message = group
        ? 'The specified resource policy does not exist.'
        : `Policy with name [${name}] does not exist.`;
      throw new AwsError('ResourceNotFoundException', message);
    }
    if (group) checkRevision(existing, expectedRevisionId);
    await tx.documents.delete(RESOURCE_POLICIES, scope, key);
  });
}

function keyOf(group: LogGroup | undefined, name: string | undefined): string {
  return group ? `${GROUP_PREFIX}${group.id}` : `${ACCOUNT_PREFIX}${name}`;
}

/** Whoever changes a group's policy must have seen it. */
function checkRevision(existing: ResourcePolicyDocument | undefined, expected: string | undefined): void {
  if (existing?.revisionId === expected) return;
  throw new AwsError(
    'OperationAbortedException',
    'The expected revision ID does not match the current revision ID of the resource policy.',
  );
}

function describe({ name, text, updatedAtMs, resourceArn, revisionId }: ResourcePolicyDocument): ResourcePolicy {
  return {
    ...(name !== undefined && { policyName: name }),
    policyDocument: text,
    lastUpdatedTime: updatedAtMs,
    policyScope: resourceArn === undefined ? 'ACCOUNT' : 'RESOURCE',
    ...(resourceArn !== undefined && { resourceArn, revisionId }),
  } as ResourcePolicy;
}
