// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html

import type {
  DescribeLogGroupsRequest,
  DescribeLogGroupsResponse,
  LogGroup as LogGroupOutput,
} from '@aws-sdk/client-cloudwatch-logs';
import type { LogGroup } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import {
  Constraints,
  DESCRIBE_LIMIT,
  invalidParameter,
  LOG_GROUP_CLASS,
  LOG_GROUP_IDENTIFIER,
  LOG_GROUP_NAME,
} from '../constraints.ts';
import { nameOf } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';

const DEFAULT_LIMIT = 50;

export function describeLogGroups({ store }: Logs): Handler<DescribeLogGroupsRequest, DescribeLogGroupsResponse> {
  return async (input, context) => {
    const { logGroupNamePrefix, logGroupNamePattern, logGroupIdentifiers, logGroupClass, limit, nextToken } = input;
    new Constraints()
      .text('logGroupNamePrefix', logGroupNamePrefix, LOG_GROUP_NAME)
      .text('logGroupNamePattern', logGroupNamePattern, { max: 512, pattern: '[\\.\\-_/#A-Za-z0-9]*' })
      .text('logGroupClass', logGroupClass, LOG_GROUP_CLASS)
      .list('logGroupIdentifiers', logGroupIdentifiers, { min: 1, max: 50 }, LOG_GROUP_IDENTIFIER)
      .list('accountIdentifiers', input.accountIdentifiers, { max: 20 }, { min: 12, max: 12, pattern: '\\d{12}' })
      .number('limit', limit, DESCRIBE_LIMIT)
      .check();
    if (logGroupNamePrefix !== undefined && logGroupNamePattern !== undefined) {
      throw invalidParameter('LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.');
    }
    if (logGroupIdentifiers && (logGroupNamePrefix ?? logGroupNamePattern ?? logGroupClass) !== undefined) {
      throw invalidParameter('logGroupIdentifiers cannot be combined with other filters.');
    }
    const names = logGroupIdentifiers && new Set(logGroupIdentifiers.map((identifier) => nameOf(identifier, context)));
    const wanted = (group: LogGroup) =>
      (logGroupNamePrefix === undefined || group.name.startsWith(logGroupNamePrefix)) &&
      (logGroupNamePattern === undefined || group.name.includes(logGroupNamePattern)) &&
      (logGroupClass === undefined || group.document.logGroupClass === logGroupClass) &&
      (names === undefined || names.has(group.name));
    const groups = (await store.groups.list(context)).filter(wanted);
    const { page, nextToken: next } = pageByName(groups, ({ name }) => name, limit ?? DEFAULT_LIMIT, nextToken);
    const brief = logGroupNamePattern !== undefined;
    if (!brief) await store.statistics.ready();
    return { logGroups: page.map(brief ? describeBriefly : describe), ...(next && { nextToken: next }) };
  };
}

function describe(group: LogGroup): LogGroupOutput {
  const { deletionProtection = false, bearerTokenAuthentication = false } = group.document;
  const { dataProtection, dataProtectionDeleted } = group.document;
  return {
    ...describeBriefly(group),
    storedBytes: group.storedBytes,
    ...(dataProtection
      ? { dataProtectionStatus: 'ACTIVATED' }
      : dataProtectionDeleted && { dataProtectionStatus: 'DELETED' }),
    ...(group.inherited.protection && { inheritedProperties: ['ACCOUNT_DATA_PROTECTION'] }),
    deletionProtectionEnabled: deletionProtection,
    bearerTokenAuthenticationEnabled: bearerTokenAuthentication,
  };
}

/** With a name pattern AWS gives no more than this. */
function describeBriefly(group: LogGroup): LogGroupOutput {
  const { createdAtMs, retentionInDays, kmsKeyId, logGroupClass } = group.document;
  return {
    logGroupName: group.name,
    creationTime: createdAtMs,
    ...(retentionInDays !== undefined && { retentionInDays }),
    metricFilterCount: group.metricFilters.size,
    arn: `${group.arn}:*`,
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    logGroupClass,
    logGroupArn: group.arn,
  };
}
