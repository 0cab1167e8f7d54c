// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateScheduledQuery.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetScheduledQuery.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListScheduledQueries.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_UpdateScheduledQuery.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteScheduledQuery.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetScheduledQueryHistory.html

import type {
  CreateScheduledQueryRequest,
  CreateScheduledQueryResponse,
  DeleteScheduledQueryRequest,
  GetScheduledQueryHistoryRequest,
  GetScheduledQueryHistoryResponse,
  GetScheduledQueryRequest,
  GetScheduledQueryResponse,
  ListScheduledQueriesRequest,
  ListScheduledQueriesResponse,
  UpdateScheduledQueryRequest,
  UpdateScheduledQueryResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { QuerySyntaxError } from '#engines/insights/syntax/query-syntax-error.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import {
  type DestinationConfiguration,
  type ScheduledQueryDocument,
  type ScheduledRun,
  scheduledQueryArn,
} from '#engines/logs/queries/scheduled-query.ts';
import { CronError, isTimeZone, parseCron } from '#engines/schedule/cron.ts';
import type { Handler } from '#wire/service.ts';
import { ACCOUNT_ID, Constraints, LOG_GROUP_IDENTIFIER, QUERY_LANGUAGE, TIMESTAMP } from '../constraints.ts';
import type { Logs } from '../logs.ts';
import { openPageToken, pageByName, pageToken } from '../page-token.ts';
import { checkTags } from '../tags.ts';

const NAME = { min: 1, max: 300, pattern: '^[a-zA-Z0-9_\\-/.#]+$' };
const STATE = { values: ['ENABLED', 'DISABLED'] };
const IDENTIFIER = { pattern: '[\\w#+=/:,.@-]*' };
const S3_URI = { max: 1024, pattern: 's3://[a-z0-9][\\.\\-a-z0-9]{1,61}[a-z0-9](/.*)?' };
const TABLE_NAME = { min: 1, max: 256, pattern: '^[a-zA-Z0-9_]+$' };
const EXECUTION_STATUS = { values: ['Running', 'InvalidQuery', 'Complete', 'Failed', 'Timeout'] };
const PAGE = { min: 1, max: 1000 };
const DEFAULT_PAGE = 1000;
/** A time in seconds beyond this would lie in the sixth millennium: it is one in milliseconds. */
const FEWEST_MILLISECONDS = 1e11;

export function createScheduledQuery(logs: Logs): Handler<CreateScheduledQueryRequest, CreateScheduledQueryResponse> {
  return async (input, context) => {
    const { name, tags } = input;
    new Constraints().text('name', name, NAME).check('ValidationException');
    checkTags(tags, 'ValidationException');
    const definition = await readDefinition(logs, context, input);
    const created = await logs.insights.scheduler.create(context, { ...definition, name: name!, tags: tags ?? {} });
    if (created === 'exists') throw new AwsError('ConflictException', `The scheduled query ${name} already exists.`);
    if (created === 'too many') {
      throw new AwsError('ServiceQuotaExceededException', 'The number of scheduled queries has reached its quota.');
    }
    return { scheduledQueryArn: scheduledQueryArn(context, created.id), state: created.state };
  };
}

export function updateScheduledQuery(logs: Logs): Handler<UpdateScheduledQueryRequest, UpdateScheduledQueryResponse> {
  return async (input, context) => {
    const definition = await readDefinition(logs, context, input);
    const query = await requireQuery(logs, context, input.identifier!);
    const updated = await logs.insights.scheduler.update(context, query, definition);
    if (!updated) throw doesNotExist(input.identifier!);
    return describe(context, updated);
  };
}

export function getScheduledQuery(logs: Logs): Handler<GetScheduledQueryRequest, GetScheduledQueryResponse> {
  return async ({ identifier }, context) => describe(context, await requireQuery(logs, context, identifier!));
}

export function listScheduledQueries(logs: Logs): Handler<ListScheduledQueriesRequest, ListScheduledQueriesResponse> {
  return async ({ maxResults = DEFAULT_PAGE, nextToken, state, scheduleType }, context) => {
    new Constraints().number('maxResults', maxResults, PAGE).text('state', state, STATE).check('ValidationException');
    const all = scheduleType === 'AWS_MANAGED' ? [] : await logs.insights.scheduler.list(context);
    const found = all.filter((query) => state === undefined || query.state === state);
    const { page, nextToken: next } = pageByName(
      found,
      ({ name }) => name,
      maxResults,
      nextToken,
      'ValidationException',
    );
    return {
      scheduledQueries: page.map((query) => {
        const { queryString: _, description: __, queryLanguage: ___, ...summary } = describe(context, query);
        return summary;
      }),
      ...(next !== undefined && { nextToken: next }),
    };
  };
}

export function deleteScheduledQuery(logs: Logs): Handler<DeleteScheduledQueryRequest, object> {
  return async ({ identifier }, context) => {
    await logs.insights.scheduler.delete(context, await requireQuery(logs, context, identifier!));
    return {};
  };
}

export function getScheduledQueryHistory(
  logs: Logs,
): Handler<GetScheduledQueryHistoryRequest, GetScheduledQueryHistoryResponse> {
  return async (
    { identifier, startTime, endTime, executionStatuses, maxResults = DEFAULT_PAGE, nextToken },
    context,
  ) => {
    new Constraints()
      .number('startTime', startTime, TIMESTAMP)
      .number('endTime', endTime, TIMESTAMP)
      .list('executionStatuses', executionStatuses, {}, EXECUTION_STATUS)
      .number('maxResults', maxResults, PAGE)
      .check('ValidationException');
    const query = await requireQuery(logs, context, identifier!);
    const beforeMs =
      nextToken === undefined
        ? Number.POSITIVE_INFINITY
        : (openPageToken(nextToken, ['number'], 'ValidationException')[0] as number);
    const fromMs = inMs(startTime!);
    const toMs = endTime! >= FEWEST_MILLISECONDS ? endTime! : inMs(endTime!) + 999;
    const found = (await logs.insights.scheduler.runs(context, query.id)).filter(
      ({ triggeredAtMs, status }) =>
        triggeredAtMs >= fromMs &&
        triggeredAtMs <= toMs &&
        triggeredAtMs < beforeMs &&
        (!executionStatuses?.length || executionStatuses.includes(status)),
    );
    const page = found.slice(0, maxResults);
    return {
      name: query.name,
      scheduledQueryArn: scheduledQueryArn(context, query.id),
      triggerHistory: page.map(describeRun),
      ...(page.length < found.length && { nextToken: pageToken([page.at(-1)!.triggeredAtMs]) }),
    };
  };
}

type DefinitionInput = CreateScheduledQueryRequest | UpdateScheduledQueryRequest;

async function readDefinition(logs: Logs, scope: LogScope, input: DefinitionInput) {
  const { scheduleStartTime, scheduleEndTime, startTimeOffset, endTimeOffset, timezone, logGroupIdentifiers } = input;
  const { description, queryLanguage, queryString, scheduleExpression, executionRoleArn, state = 'ENABLED' } = input;
  const constraints = new Constraints()
    .text('identifier', 'identifier' in input ? input.identifier : undefined, IDENTIFIER)
    .text('description', description, { max: 1024 })
    .text('queryLanguage', queryLanguage, QUERY_LANGUAGE)
    .text('queryString', queryString, { max: 10_000 })
    .list('logGroupIdentifiers', logGroupIdentifiers, { min: 1, max: 50 }, LOG_GROUP_IDENTIFIER)
    .text('scheduleExpression', scheduleExpression, { max: 256 })
    .text('timezone', timezone, { min: 1 })
    .number('scheduleStartTime', scheduleStartTime, TIMESTAMP)
    .number('scheduleEndTime', scheduleEndTime, TIMESTAMP)
    .text('executionRoleArn', executionRoleArn, { min: 1 })
    .text('state', state, STATE);
  checkDestinations(constraints, input.destinationConfiguration);
  constraints.check('ValidationException');
  requireRole('executionRoleArn', executionRoleArn!);
  checkSchedule(scheduleExpression!, timezone);
  if ((startTimeOffset ?? 0) < 0 || (endTimeOffset ?? 0) < 0) throw invalid('Time offsets must not be negative.');
  if (startTimeOffset !== undefined && startTimeOffset <= (endTimeOffset ?? 0)) {
    throw invalid('startTimeOffset must be greater than endTimeOffset.');
  }
  const scheduleStartMs = scheduleStartTime === undefined ? undefined : inMs(scheduleStartTime);
  const scheduleEndMs = scheduleEndTime === undefined ? undefined : inMs(scheduleEndTime);
  if (scheduleStartMs !== undefined && scheduleEndMs !== undefined && scheduleStartMs >= scheduleEndMs) {
    throw invalid('scheduleStartTime must be before scheduleEndTime.');
  }
  const destinationConfiguration = readDestinations(input.destinationConfiguration);
  try {
    await logs.insights.checkQuery(scope, queryString!, queryLanguage!, logGroupIdentifiers ?? []);
  } catch (error) {
    if (error instanceof QuerySyntaxError) throw invalid(`The query string is invalid: ${error.message}`);
    throw error;
  }
  return {
    queryLanguage: queryLanguage!,
    queryString: queryString!,
    scheduleExpression: scheduleExpression!,
    executionRoleArn: executionRoleArn!,
    state,
    ...(description !== undefined && { description }),
    ...(logGroupIdentifiers && { logGroupIdentifiers }),
    ...(timezone !== undefined && { timezone }),
    ...(startTimeOffset !== undefined && { startTimeOffset }),
    ...(endTimeOffset !== undefined && { endTimeOffset }),
    ...(scheduleStartMs !== undefined && { scheduleStartMs }),
    ...(scheduleEndMs !== undefined && { scheduleEndMs }),
    ...(destinationConfiguration && { destinationConfiguration }),
  };
}

function checkSchedule(expression: string, timezone: string | undefined): void {
  try {
    parseCron(expression);
  } catch (error) {
    if (error instanceof CronError) throw invalid(`The schedule expression is invalid: ${error.message}.`);
    throw error;
  }
  if (timezone !== undefined && !isTimeZone(timezone)) throw invalid(`There is no time zone '${timezone}'.`);
}

function checkDestinations(constraints: Constraints, given: DefinitionInput['destinationConfiguration']): void {
  const { s3Configuration: s3, lookupTableConfiguration: table } = given ?? {};
  if (s3) {
    const path = 'destinationConfiguration.s3Configuration';
    constraints
      .text(`${path}.destinationIdentifier`, s3.destinationIdentifier, S3_URI)
      .text(`${path}.roleArn`, s3.roleArn, { min: 1 })
      .text(`${path}.ownerAccountId`, s3.ownerAccountId, ACCOUNT_ID)
      .text(`${path}.kmsKeyId`, s3.kmsKeyId, { max: 256 });
  }
  if (table) {
    const path = 'destinationConfiguration.lookupTableConfiguration';
    constraints
      .text(`${path}.tableName`, table.tableName, TABLE_NAME)
      .text(`${path}.description`, table.description, { max: 1024 })
      .text(`${path}.roleArn`, table.roleArn, { min: 1 });
  }
}

function readDestinations(given: DefinitionInput['destinationConfiguration']): DestinationConfiguration | undefined {
  const { s3Configuration: s3, lookupTableConfiguration: table } = given ?? {};
  if (s3) requireRole('destinationConfiguration.s3Configuration.roleArn', s3.roleArn!);
  if (table) {
    checkTags(table.tags, 'ValidationException');
    requireRole('destinationConfiguration.lookupTableConfiguration.roleArn', table.roleArn!);
  }
  if (!s3 && !table) return undefined;
  return {
    ...(s3 && { s3Configuration: s3 as Required<DestinationConfiguration>['s3Configuration'] }),
    ...(table && { lookupTableConfiguration: table as Required<DestinationConfiguration>['lookupTableConfiguration'] }),
  };
}

function requireRole(path: string, arn: string): void {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'iam' || !parsed.resource.startsWith('role/')) {
    throw invalid(`${path} is no ARN of a role: ${arn}`);
  }
}

async function requireQuery(logs: Logs, scope: LogScope, identifier: string): Promise<ScheduledQueryDocument> {
  new Constraints().text('identifier', identifier, IDENTIFIER).check('ValidationException');
  const query = await logs.insights.scheduler.find(scope, identifier);
  if (!query) throw doesNotExist(identifier);
  return query;
}

function describe(scope: LogScope, query: ScheduledQueryDocument) {
  const { id, tags: _, createdAtMs, updatedAtMs, lastTriggeredMs, scheduleStartMs, scheduleEndMs, ...rest } = query;
  return {
    ...rest,
    scheduledQueryArn: scheduledQueryArn(scope, id),
    scheduleType: 'CUSTOMER_MANAGED' as const,
    creationTime: createdAtMs,
    lastUpdatedTime: updatedAtMs,
    ...(lastTriggeredMs !== undefined && { lastTriggeredTime: lastTriggeredMs }),
    ...(scheduleStartMs !== undefined && { scheduleStartTime: scheduleStartMs }),
    ...(scheduleEndMs !== undefined && { scheduleEndTime: scheduleEndMs }),
  };
}

function describeRun({ triggeredAtMs, queryId, status, error, destinations }: ScheduledRun) {
  return {
    triggeredTimestamp: triggeredAtMs,
    queryId,
    executionStatus: status,
    errorMessage: error,
    destinations: destinations.map(({ type, identifier, status: outcome, processedIdentifier, error: reason }) => ({
      destinationType: type,
      destinationIdentifier: identifier,
      status: outcome,
      processedIdentifier,
      errorMessage: reason,
    })),
  };
}

function inMs(time: number): number {
  return time >= FEWEST_MILLISECONDS ? time : time * 1000;
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

function doesNotExist(identifier: string): AwsError {
  return new AwsError('ResourceNotFoundException', `The scheduled query ${identifier} does not exist.`);
}
