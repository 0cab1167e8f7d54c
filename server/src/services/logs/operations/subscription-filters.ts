// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html

import type {
  DeleteSubscriptionFilterRequest,
  DescribeSubscriptionFiltersRequest,
  DescribeSubscriptionFiltersResponse,
  PutSubscriptionFilterRequest,
  SubscriptionFilter,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { countRegexes } from '#engines/filter-pattern/filter-pattern.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import type { Distribution, SubscriptionDocument } from '#engines/logs/subscriptions/subscription.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, DESCRIBE_LIMIT, FILTER_NAME, FILTER_PATTERN, LOG_GROUP_NAME } from '../constraints.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { groupDoesNotExist, requireGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';
import { parsePattern } from '../pattern.ts';
import { checkSystemFieldCriteria, checkSystemFields } from '../selection.ts';
import { checkDestination } from '../subscriptions/destination.ts';

const MOST_FILTERS = 2;
const MOST_FILTERS_WITH_REGEX = 5;
const DEFAULT_LIMIT = 50;
const DISTRIBUTION = { values: ['Random', 'ByLogStream'] };

export function putSubscriptionFilter(logs: Logs): Handler<PutSubscriptionFilterRequest, object> {
  return async (input, context) => {
    const filterName = input.filterName!;
    const filterPattern = input.filterPattern!;
    const destinationArn = input.destinationArn!;
    const { roleArn, distribution = 'ByLogStream', fieldSelectionCriteria, emitSystemFields } = input;
    new Constraints()
      .text('logGroupName', input.logGroupName, LOG_GROUP_NAME)
      .text('filterName', filterName, FILTER_NAME)
      .text('filterPattern', filterPattern, FILTER_PATTERN)
      .text('destinationArn', destinationArn, { min: 1 })
      .text('roleArn', roleArn, { min: 1 })
      .text('distribution', distribution, DISTRIBUTION)
      .text('fieldSelectionCriteria', fieldSelectionCriteria, { max: 2000 })
      .check();
    checkSystemFields(emitSystemFields);
    refuseFunctionOfOthers(destinationArn, context);
    const group = await requireGroup(logs, context, input.logGroupName!);
    refuseInfrequentAccess(group, 'PutSubscriptionFilter', 'InvalidOperationException');
    parsePattern(filterPattern, 'Invalid filter pattern');
    checkSystemFieldCriteria(fieldSelectionCriteria);
    checkQuotas(logs, group, filterName, filterPattern);
    await checkDestination(logs.sharing, group, destinationArn, roleArn);
    const existing = logs.sharing.subscriptions.list(group).find(({ name }) => name === filterName);
    const stored = await logs.sharing.subscriptions.put(group, {
      name: filterName,
      pattern: filterPattern,
      destinationArn,
      ...(roleArn !== undefined && { roleArn }),
      distribution: distribution as Distribution,
      createdAtMs: existing?.createdAtMs ?? logs.clock.now(),
      ...(fieldSelectionCriteria && { fieldSelectionCriteria }),
      ...(emitSystemFields && emitSystemFields.length > 0 && { systemFields: emitSystemFields }),
      ...(input.applyOnTransformedLogs && { applyOnTransformedLogs: true }),
    });
    if (!stored) throw groupDoesNotExist();
    return {};
  };
}

export function describeSubscriptionFilters(
  logs: Logs,
): Handler<DescribeSubscriptionFiltersRequest, DescribeSubscriptionFiltersResponse> {
  return async ({ logGroupName, filterNamePrefix, limit, nextToken }, context) => {
    new Constraints()
      .text('logGroupName', logGroupName, LOG_GROUP_NAME)
      .text('filterNamePrefix', filterNamePrefix, FILTER_NAME)
      .number('limit', limit, DESCRIBE_LIMIT)
      .check();
    const group = await requireGroup(logs, context, logGroupName!);
    const found = logs.sharing.subscriptions.list(group).filter(({ name }) => name.startsWith(filterNamePrefix ?? ''));
    const { page, nextToken: next } = pageByName(found, ({ name }) => name, limit ?? DEFAULT_LIMIT, nextToken);
    return { subscriptionFilters: page.map((filter) => describe(group, filter)), ...(next && { nextToken: next }) };
  };
}

export function deleteSubscriptionFilter(logs: Logs): Handler<DeleteSubscriptionFilterRequest, object> {
  return async ({ logGroupName, filterName }, context) => {
    new Constraints()
      .text('logGroupName', logGroupName, LOG_GROUP_NAME)
      .text('filterName', filterName, FILTER_NAME)
      .check();
    const group = await requireGroup(logs, context, logGroupName!);
    if (!(await logs.sharing.subscriptions.delete(group, filterName!))) {
      throw new AwsError('ResourceNotFoundException', 'The specified subscription filter does not exist.');
    }
    return {};
  };
}

function refuseFunctionOfOthers(destinationArn: string, { account }: LogScope): void {
  const arn = parseArn(destinationArn);
  if (arn?.service !== 'lambda' || arn.account === account) return;
  throw new AwsError(
    'AccessDeniedException',
    'Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers.',
    { status: 400 },
  );
}

function checkQuotas({ sharing }: Logs, group: LogGroup, name: string, pattern: string): void {
  const others = sharing.subscriptions.list(group).filter((filter) => filter.name !== name);
  if (others.length >= MOST_FILTERS) throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
  if (countRegexes(pattern) === 0) return;
  const withRegex = [...others, ...[...group.metricFilters.values()].map(({ document }) => document)].filter(
    (filter) => countRegexes(filter.pattern) > 0,
  );
  if (withRegex.length >= MOST_FILTERS_WITH_REGEX) {
    throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
  }
}

function describe(group: LogGroup, filter: SubscriptionDocument): SubscriptionFilter {
  const { name, pattern, destinationArn, roleArn, distribution, createdAtMs } = filter;
  return {
    filterName: name,
    logGroupName: group.name,
    filterPattern: pattern,
    destinationArn,
    ...(roleArn !== undefined && { roleArn }),
    distribution,
    applyOnTransformedLogs: filter.applyOnTransformedLogs ?? false,
    creationTime: createdAtMs,
    ...(filter.fieldSelectionCriteria && { fieldSelectionCriteria: filter.fieldSelectionCriteria }),
    ...(filter.systemFields && { emitSystemFields: filter.systemFields }),
  };
}
