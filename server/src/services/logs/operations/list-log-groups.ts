// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListLogGroups.html

import type { ListLogGroupsRequest, ListLogGroupsResponse } from '@aws-sdk/client-cloudwatch-logs';
import { hasTag } from '#engines/logs/log-group-tags.ts';
import type { Handler } from '#wire/service.ts';
import { ACCOUNT_ID, ACCOUNT_IDENTIFIERS, Constraints, LOG_GROUP_CLASS, LOG_GROUP_NAME } from '../constraints.ts';
import {
  dataSourceMatcher,
  hasFieldIndex,
  LOG_GROUP_NAME_REGEX,
  nameMatcher,
  TAG_FILTER_KEY,
  TAG_FILTER_VALUE,
} from '../log-group-filters.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';

const DEFAULT_LIMIT = 50;
/** As the model has it: what names a group. */
const FIELD_INDEX_NAME = LOG_GROUP_NAME;

export function listLogGroups({ store }: Logs): Handler<ListLogGroupsRequest, ListLogGroupsResponse> {
  return async (input, context) => {
    const { logGroupNamePattern, logGroupClass, limit, nextToken, logGroupTags, dataSources, fieldIndexNames } = input;
    const constraints = new Constraints()
      .text('logGroupNamePattern', logGroupNamePattern, LOG_GROUP_NAME_REGEX)
      .text('logGroupClass', logGroupClass, LOG_GROUP_CLASS)
      .list('accountIdentifiers', input.accountIdentifiers, ACCOUNT_IDENTIFIERS, ACCOUNT_ID)
      .number('limit', limit, { min: 1, max: 1_000 })
      .list(
        'logGroupTags',
        logGroupTags?.map(({ key }) => key!),
        { min: 1, max: 5 },
      )
      .list(
        'dataSources',
        dataSources?.map(({ name }) => name!),
        { min: 1, max: 5 },
      )
      .list('fieldIndexNames', fieldIndexNames, { min: 1, max: 20 }, FIELD_INDEX_NAME);
    for (const [i, { key, values }] of (logGroupTags ?? []).entries()) {
      constraints
        .text(`logGroupTags.${i + 1}.member.key`, key, TAG_FILTER_KEY)
        .list(`logGroupTags.${i + 1}.member.values`, values, { max: 5 }, TAG_FILTER_VALUE);
    }
    constraints.check();
    const hasName = nameMatcher(logGroupNamePattern);
    const hasSource = dataSourceMatcher(dataSources);
    const groups = (await store.groups.list(context)).filter((group) => {
      if (!hasName(group.name) || !hasSource(group)) return false;
      if (logGroupClass !== undefined && group.document.logGroupClass !== logGroupClass) return false;
      if (!(logGroupTags ?? []).every((filter) => hasTag(group, filter))) return false;
      return (fieldIndexNames ?? []).every((name) => hasFieldIndex(group, name));
    });
    const { page, nextToken: next } = pageByName(groups, ({ name }) => name, limit ?? DEFAULT_LIMIT, nextToken);
    const logGroups = page.map((group) => ({
      logGroupName: group.name,
      logGroupArn: group.arn,
      logGroupClass: group.document.logGroupClass,
    }));
    return { logGroups, ...(next && { nextToken: next }) };
  };
}
