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
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, LOG_GROUP_NAME } from '../constraints.ts';
import { groupDoesNotExist, nameOf, requireGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { addTags, checkTags, removeTags } from '../tags.ts';

export function tagResource(logs: Logs): Handler<TagResourceRequest, object> {
  return async ({ resourceArn, tags }, context) => {
    checkTags(tags);
    return setTags(logs, await taggedGroup(logs, context, resourceArn!), (current) =>
      addTags(current, tags!, resourceArn!),
    );
  };
}

export function untagResource(logs: Logs): Handler<UntagResourceRequest, object> {
  return async ({ resourceArn, tagKeys }, context) =>
    setTags(logs, await taggedGroup(logs, context, resourceArn!), (current) => removeTags(current, tagKeys!));
}

export function listTagsForResource(logs: Logs): Handler<ListTagsForResourceRequest, ListTagsForResourceResponse> {
  return async ({ resourceArn }, context) => ({
    tags: (await taggedGroup(logs, context, resourceArn!)).document.tags,
  });
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
  return async ({ logGroupName, tags }, context) =>
    setTags(logs, await namedGroup(logs, context, logGroupName!), (current) => removeTags(current, tags!));
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
  new Constraints().text('resourceArn', resourceArn, { min: 1, max: 1011, pattern: '[\\w+=/:,.@\\-#*]*' }).check();
  if (parseArn(resourceArn)?.service !== 'logs') throw invalidParameter(`Invalid resource ARN: ${resourceArn}`);
  const name = nameOf(resourceArn, scope);
  const group = name === undefined ? undefined : await logs.store.groups.find(scope, name);
  if (!group) throw new AwsError('ResourceNotFoundException', 'The specified resource does not exist.');
  return group;
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
