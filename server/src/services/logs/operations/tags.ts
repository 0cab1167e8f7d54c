// Tags by ARN (TagResource, UntagResource, ListTagsForResource) and, on the way out, by group name.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html

import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  ListTagsLogGroupRequest,
  ListTagsLogGroupResponse,
  TagLogGroupRequest,
  TagResourceRequest,
  UntagLogGroupRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { ANOMALY_DETECTORS } from '#engines/logs/anomalies/anomaly-detector.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import { LOOKUP_TABLES } from '#engines/logs/queries/lookup-table.ts';
import { SCHEDULED_QUERIES } from '#engines/logs/queries/scheduled-query.ts';
import type { Collection } from '#storage/state/state.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, LOG_GROUP_NAME } from '../constraints.ts';
import { DELIVERIES, DELIVERY_DESTINATIONS, DELIVERY_SOURCES } from '../deliveries/documents.ts';
import { groupDoesNotExist, nameOf, requireGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { DESTINATIONS } from '../subscriptions/documents.ts';
import { addTags, checkTags, MOST_TAGS, removeTags, TAG_KEY } from '../tags.ts';

export function tagResource(logs: Logs): Handler<TagResourceRequest, object> {
  return async ({ resourceArn, tags }, context) => {
    checkTags(tags);
    const change = (current: Record<string, string>) => addTags(current, tags!, resourceArn!);
    const document = taggedDocument(context, resourceArn!);
    if (document) return setDocumentTags(logs, context, document, change);
    return setTags(logs, await taggedGroup(logs, context, resourceArn!), change);
  };
}

export function untagResource(logs: Logs): Handler<UntagResourceRequest, object> {
  return async ({ resourceArn, tagKeys }, context) => {
    new Constraints().list('tagKeys', tagKeys, { max: MOST_TAGS }, TAG_KEY).check();
    const change = (current: Record<string, string>) => removeTags(current, tagKeys!);
    const document = taggedDocument(context, resourceArn!);
    if (document) return setDocumentTags(logs, context, document, change);
    return setTags(logs, await taggedGroup(logs, context, resourceArn!), change);
  };
}

export function listTagsForResource(logs: Logs): Handler<ListTagsForResourceRequest, ListTagsForResourceResponse> {
  return async ({ resourceArn }, context) => {
    const document = taggedDocument(context, resourceArn!);
    if (!document) return { tags: (await taggedGroup(logs, context, resourceArn!)).document.tags };
    const found = await logs.sharing.state.documents.get(document.collection, context, document.name);
    if (!found) throw noSuchResource();
    return { tags: found.tags };
  };
}

export function tagLogGroup(logs: Logs): Handler<TagLogGroupRequest, object> {
  return async ({ logGroupName, tags }, context) => {
    checkTags(tags);
    return setTags(logs, await namedGroup(logs, context, logGroupName!), (current) =>
      addTags(current, tags!, logGroupName!),
    );
  };
}

export function untagLogGroup(logs: Logs): Handler<UntagLogGroupRequest, object> {
  return async ({ logGroupName, tags }, context) => {
    new Constraints().list('tags', tags, { min: 1 }, TAG_KEY).check();
    return setTags(logs, await namedGroup(logs, context, logGroupName!), (current) => removeTags(current, tags!));
  };
}

export function listTagsLogGroup(logs: Logs): Handler<ListTagsLogGroupRequest, ListTagsLogGroupResponse> {
  return async ({ logGroupName }, context) => ({
    tags: (await namedGroup(logs, context, logGroupName!)).document.tags,
  });
}

function namedGroup(logs: Logs, scope: LogScope, name: string): Promise<LogGroup> {
  new Constraints().text('logGroupName', name, LOG_GROUP_NAME).check();
  return requireGroup(logs, scope, name);
}

async function taggedGroup(logs: Logs, scope: LogScope, resourceArn: string): Promise<LogGroup> {
  const name = nameOf(resourceArn, scope);
  const group = name === undefined ? undefined : await logs.store.groups.find(scope, name);
  if (!group) throw noSuchResource();
  return group;
}

/** What has tags beside groups, by the first part of the resource in its ARN. */
const TAGGED: Readonly<Record<string, Collection<{ tags: Record<string, string> }>>> = {
  'anomaly-detector': ANOMALY_DETECTORS,
  destination: DESTINATIONS,
  delivery: DELIVERIES,
  'delivery-source': DELIVERY_SOURCES,
  'delivery-destination': DELIVERY_DESTINATIONS,
  'lookup-table': LOOKUP_TABLES,
  'scheduled-query': SCHEDULED_QUERIES,
};

interface TaggedDocument {
  collection: Collection<{ tags: Record<string, string> }>;
  name: string;
}

/** Undefined for ARNs of groups, and of what does not exist. Throws ValidationException for what is no ARN of this service. */
function taggedDocument(scope: LogScope, resourceArn: string): TaggedDocument | undefined {
  new Constraints().text('resourceArn', resourceArn, { min: 1, max: 1011 }).check();
  const arn = parseArn(resourceArn);
  // AWS refuses the form with `:*` too, which DescribeLogGroups gives beside the other.
  if (arn?.service !== 'logs' || resourceArn.endsWith(':*')) {
    throw new AwsError('ValidationException', 'Invalid resourceArn');
  }
  const [, kind, name] = /^([a-z-]+):(.+)$/.exec(arn.resource) ?? [];
  const collection = kind === undefined ? undefined : TAGGED[kind];
  if (!collection) return undefined;
  if (arn.account !== scope.account || arn.region !== scope.region) throw noSuchResource();
  return { collection, name: name! };
}

async function setDocumentTags(
  { sharing }: Logs,
  scope: LogScope,
  { collection, name }: TaggedDocument,
  change: (tags: Record<string, string>) => Record<string, string>,
): Promise<object> {
  await sharing.state.transact(async (tx) => {
    const document = await tx.documents.get(collection, scope, name);
    if (!document) throw noSuchResource();
    await tx.documents.put(collection, scope, name, { ...document, tags: change(document.tags) });
  });
  return {};
}

function noSuchResource(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified resource does not exist.');
}

async function setTags(
  { store }: Logs,
  group: LogGroup,
  change: (tags: Record<string, string>) => Record<string, string>,
): Promise<object> {
  const done = await store.groups.update(group, (document) => ({ ...document, tags: change(document.tags) }));
  if (!done) throw groupDoesNotExist();
  return {};
}
