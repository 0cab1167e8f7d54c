// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListLogGroups.html

import type { ListLogGroupsRequest, ListLogGroupsResponse, TagFilter } from '@aws-sdk/client-cloudwatch-logs';
import { notImplemented } from '#core/errors.ts';
import type { LogGroup } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, LOG_GROUP_CLASS } from '../constraints.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';

const DEFAULT_LIMIT = 50;
const NAME_PATTERN = {
  min: 3,
  max: 129,
  pattern: '(\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24})(\\|\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24}){0,4}',
};

export function listLogGroups({ store }: Logs): Handler<ListLogGroupsRequest, ListLogGroupsResponse> {
  return async (input, context) => {
    const { logGroupNamePattern, logGroupClass, limit, nextToken, logGroupTags } = input;
    new Constraints()
      .text('logGroupNamePattern', logGroupNamePattern, NAME_PATTERN)
      .text('logGroupClass', logGroupClass, LOG_GROUP_CLASS)
      .number('limit', limit, { min: 1, max: 1_000 })
      .check();
    if (input.dataSources) throw notImplemented('ListLogGroups', 'dataSources');
    if (input.fieldIndexNames) throw notImplemented('ListLogGroups', 'fieldIndexNames');
    const hasName = nameMatcher(logGroupNamePattern);
    const groups = (await store.groups.list(context)).filter(
      (group) =>
        hasName(group.name) &&
        (logGroupClass === undefined || group.document.logGroupClass === logGroupClass) &&
        (logGroupTags ?? []).every((filter) => hasTag(group, filter)),
    );
    const { page, nextToken: next } = pageByName(groups, ({ name }) => name, limit ?? DEFAULT_LIMIT, nextToken);
    const logGroups = page.map((group) => ({
      logGroupName: group.name,
      logGroupArn: group.arn,
      logGroupClass: group.document.logGroupClass,
    }));
    return { logGroups, ...(next && { nextToken: next }) };
  };
}

/** Alternatives between |, each a part of the name, or its beginning after ^. */
function nameMatcher(pattern: string | undefined): (name: string) => boolean {
  const parts = pattern?.split('|');
  if (!parts) return () => true;
  return (name) => parts.some((part) => (part.startsWith('^') ? name.startsWith(part.slice(1)) : name.includes(part)));
}

function hasTag({ document }: LogGroup, { key, values }: TagFilter): boolean {
  const value = document.tags[key!];
  if (value === undefined) return false;
  if (!values || values.length === 0) return true;
  return values.some((wanted) => wildcard(wanted).test(value));
}

function wildcard(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
