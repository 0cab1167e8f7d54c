// Field index policies of log groups (field-indexes.ts): kept, and the fields that they name described with the time of the
// events that may have them.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutIndexPolicy.html

import type {
  DeleteIndexPolicyRequest,
  DescribeFieldIndexesRequest,
  DescribeFieldIndexesResponse,
  DescribeIndexPoliciesRequest,
  DescribeIndexPoliciesResponse,
  FieldIndex,
  IndexPolicy,
  PutIndexPolicyRequest,
  PutIndexPolicyResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import { indexedFields, inheritedPolicies } from '#engines/logs/field-indexes.ts';
import type { IndexPolicyDocument, LogGroup, LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, LOG_GROUP_IDENTIFIER } from '../constraints.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { groupDoesNotExist, requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';

const LONGEST_DOCUMENT = 51_200;
const MOST_FIELDS = 20;
const LONGEST_FIELD = 100;
const PAGE = 100;

export function putIndexPolicy(logs: Logs): Handler<PutIndexPolicyRequest, PutIndexPolicyResponse> {
  return async ({ logGroupIdentifier, policyDocument }, context) => {
    new Constraints()
      .text('logGroupIdentifier', logGroupIdentifier, LOG_GROUP_IDENTIFIER)
      .text('policyDocument', policyDocument, { min: 1, max: LONGEST_DOCUMENT })
      .check();
    const group = await requireIndexable(logs, context, logGroupIdentifier!, 'PutIndexPolicy');
    const fields = parseIndexPolicy(policyDocument!);
    const policy: IndexPolicyDocument = {
      text: policyDocument!,
      fields,
      sinceMs: keptSince(fields, group.document.indexPolicy),
      updatedAtMs: logs.clock.now(),
    };
    if (!(await logs.store.groups.update(group, (document) => ({ ...document, indexPolicy: policy })))) {
      throw groupDoesNotExist();
    }
    return { indexPolicy: describePolicy(group, policy) };
  };
}

/** Fields that the policy before had too go on being indexed. */
function keptSince(fields: Record<string, string>, before: IndexPolicyDocument | undefined): Record<string, number> {
  const kept = Object.keys(fields).filter((name) => before && Object.hasOwn(before.fields, name));
  return Object.fromEntries(kept.map((name) => [name, before!.sinceMs?.[name] ?? before!.updatedAtMs]));
}

export function deleteIndexPolicy(logs: Logs): Handler<DeleteIndexPolicyRequest, object> {
  return async ({ logGroupIdentifier }, context) => {
    const group = await requireIndexable(logs, context, logGroupIdentifier!, 'DeleteIndexPolicy');
    if (!group.document.indexPolicy) {
      throw new AwsError('ResourceNotFoundException', 'The specified log group has no index policy.');
    }
    if (!(await logs.store.groups.update(group, ({ indexPolicy, ...rest }) => rest))) throw groupDoesNotExist();
    return {};
  };
}

export function describeIndexPolicies(
  logs: Logs,
): Handler<DescribeIndexPoliciesRequest, DescribeIndexPoliciesResponse> {
  return async ({ logGroupIdentifiers }, context) => {
    new Constraints()
      .list('logGroupIdentifiers', logGroupIdentifiers!, { min: 1, max: 1 }, LOG_GROUP_IDENTIFIER)
      .check();
    const group = await requireIdentifiedGroup(logs, context, logGroupIdentifiers![0]!);
    const { indexPolicy } = group.document;
    const inherited = inheritedPolicies(group).map((policy) => ({
      logGroupIdentifier: group.arn,
      lastUpdateTime: policy.updatedAtMs,
      policyDocument: policy.text,
      policyName: policy.name,
      source: 'ACCOUNT' as const,
    }));
    return { indexPolicies: [...(indexPolicy ? [describePolicy(group, indexPolicy)] : []), ...inherited] };
  };
}

export function describeFieldIndexes(logs: Logs): Handler<DescribeFieldIndexesRequest, DescribeFieldIndexesResponse> {
  return async ({ logGroupIdentifiers, nextToken }, context) => {
    new Constraints()
      .list('logGroupIdentifiers', logGroupIdentifiers!, { min: 1, max: 100 }, LOG_GROUP_IDENTIFIER)
      .check();
    await logs.store.statistics.ready();
    const indexes: FieldIndex[] = [];
    for (const identifier of new Set(logGroupIdentifiers)) {
      const group = await requireIdentifiedGroup(logs, context, identifier);
      indexes.push(...(await indexesOf(logs, group)));
    }
    const keyOf = ({ logGroupIdentifier, fieldIndexName }: FieldIndex) => `${logGroupIdentifier}\n${fieldIndexName}`;
    indexes.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const { page, nextToken: next } = pageByName(indexes, keyOf, PAGE, nextToken);
    return { fieldIndexes: page, ...(next && { nextToken: next }) };
  };
}

async function indexesOf({ store }: Logs, group: LogGroup): Promise<FieldIndex[]> {
  const indexes = indexedFields(group);
  const since = new Map([...indexes].map(([name, { sinceMs }]) => [name, sinceMs]));
  const times = await store.events.fieldTimes(group, since);
  const streams = [...(await store.groups.streams(group)).values()];
  // Events are looked at as they are ingested.
  const scannedMs = streams.reduce((last, { lastIngestionMs = 0 }) => Math.max(last, lastIngestionMs), 0);
  return [...indexes].map(([name, { type, sinceMs }]) => {
    const seen = times.get(name);
    return {
      logGroupIdentifier: group.arn,
      fieldIndexName: name,
      type,
      ...(scannedMs > 0 && scannedMs >= sinceMs && { lastScanTime: scannedMs }),
      ...(seen && { firstEventTime: seen.firstMs, lastEventTime: seen.lastMs }),
    };
  });
}

/** Field -> kind of index. Throws InvalidParameterException. */
export function parseIndexPolicy(text: string): Record<string, string> {
  const fail = (reason: string) => invalidParameter(`Invalid policyDocument: ${reason}`);
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch (error) {
    throw fail(`it is not JSON (${(error as Error).message})`);
  }
  if (!isObject(policy)) throw fail('expected an object');
  const unknown = Object.keys(policy).find((key) => key !== 'Fields' && key !== 'FieldsV2');
  if (unknown !== undefined) throw fail(`unknown member ${unknown}`);
  const { Fields = [], FieldsV2 = {} } = policy;
  if (!Array.isArray(Fields)) throw fail('Fields must be a list');
  if (!isObject(FieldsV2)) throw fail('FieldsV2 must be an object');
  const fields = new Map<string, string>();
  const add = (name: unknown, type: string) => {
    if (typeof name !== 'string' || name === '' || name.length > LONGEST_FIELD) throw fail(`invalid field: ${name}`);
    if (fields.has(name)) throw fail(`the field ${name} is there twice`);
    fields.set(name, type);
  };
  for (const name of Fields) add(name, 'FIELD_INDEX');
  for (const [name, settings] of Object.entries(FieldsV2)) {
    const type = isObject(settings) ? settings.type : undefined;
    if (type !== 'FIELD_INDEX' && type !== 'FACET') throw fail(`the type of ${name} must be FIELD_INDEX or FACET`);
    add(name, type);
  }
  if (fields.size === 0) throw fail('expected at least one field');
  if (fields.size > MOST_FIELDS) throw fail(`at most ${MOST_FIELDS} fields can be indexed`);
  return Object.fromEntries(fields);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describePolicy(group: LogGroup, { text, updatedAtMs }: IndexPolicyDocument): IndexPolicy {
  return { logGroupIdentifier: group.arn, lastUpdateTime: updatedAtMs, policyDocument: text, source: 'LOG_GROUP' };
}

async function requireIndexable(logs: Logs, scope: LogScope, identifier: string, operation: string): Promise<LogGroup> {
  new Constraints().text('logGroupIdentifier', identifier, LOG_GROUP_IDENTIFIER).check();
  const group = await requireIdentifiedGroup(logs, scope, identifier);
  refuseInfrequentAccess(group, operation);
  return group;
}
