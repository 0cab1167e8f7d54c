// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html

import type { StartQueryRequest, StartQueryResponse } from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import { QuerySyntaxError } from '#engines/insights/syntax/query-syntax-error.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import { NoGroupsError } from '#engines/logs/queries/insights-planner.ts';
import { TooManyQueriesError } from '#engines/logs/queries/query-engine.ts';
import type { Handler } from '#wire/service.ts';
import {
  Constraints,
  invalidParameter,
  LOG_GROUP_IDENTIFIER,
  LOG_GROUP_NAME,
  QUERY_LANGUAGE,
  TIMESTAMP,
} from '../constraints.ts';
import { nameOf } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

const MOST_GROUPS = 50;
const MOST_RESULTS = 100_000;
const LONGEST_QUERY = 10_000;
const NO_GROUPS =
  'Exactly one of logGroupName, logGroupNames, or logGroupIdentifiers must be specified, or the query must begin with a SOURCE command.';
/** A time in seconds beyond this would lie in the sixth millennium: it is one in milliseconds. */
const FEWEST_MILLISECONDS = 1e11;

export function startQuery(logs: Logs): Handler<StartQueryRequest, StartQueryResponse> {
  return async (input, context) => {
    const { queryString, queryLanguage = 'CWLI', limit } = input;
    new Constraints()
      .text('queryLanguage', queryLanguage, QUERY_LANGUAGE)
      .text('logGroupName', input.logGroupName, LOG_GROUP_NAME)
      .list('logGroupNames', input.logGroupNames, { max: MOST_GROUPS }, LOG_GROUP_NAME)
      .list('logGroupIdentifiers', input.logGroupIdentifiers, { max: MOST_GROUPS }, LOG_GROUP_IDENTIFIER)
      .number('startTime', input.startTime, TIMESTAMP)
      .number('endTime', input.endTime, TIMESTAMP)
      .text('queryString', queryString, { max: LONGEST_QUERY })
      .number('limit', limit, { min: 1, max: MOST_RESULTS })
      .check();
    const fromMs = inMs(input.startTime!);
    // The second that it names is part of the range.
    const toMs = input.endTime! >= FEWEST_MILLISECONDS ? input.endTime! : inMs(input.endTime!) + 999;
    if (fromMs > toMs) throw invalidParameter('The start time must not be after the end time.');
    const groups = await namedGroups(logs, context, input);
    try {
      const { id } = await logs.insights.queries.start(context, {
        queryString: queryString!,
        queryLanguage,
        fromMs,
        toMs,
        ...(limit !== undefined && { limit }),
        groups,
        userIdentity: context.principalArn,
      });
      return { queryId: id };
    } catch (error) {
      if (error instanceof NoGroupsError) throw invalidParameter(NO_GROUPS);
      if (error instanceof TooManyQueriesError) throw new AwsError('LimitExceededException', error.message);
      throw malformed(error);
    }
  };
}

/** AWS's error for what QuerySyntaxError says; others as they are. */
export function malformed(error: unknown): unknown {
  if (!(error instanceof QuerySyntaxError)) return error;
  const { message, start, end } = error;
  return new AwsError('MalformedQueryException', message, {
    fields: { queryCompileError: { location: { startCharOffset: start, endCharOffset: end }, message } },
  });
}

async function namedGroups(logs: Logs, scope: LogScope, input: StartQueryRequest): Promise<LogGroup[]> {
  const { logGroupName, logGroupNames, logGroupIdentifiers } = input;
  const given = [logGroupName, logGroupNames, logGroupIdentifiers].filter(
    (value) => value !== undefined && value.length > 0,
  );
  if (given.length > 1) {
    throw invalidParameter('Exactly one of logGroupName, logGroupNames, or logGroupIdentifiers can be specified.');
  }
  const identifiers = logGroupIdentifiers ?? logGroupNames ?? (logGroupName === undefined ? [] : [logGroupName]);
  const groups = new Set<LogGroup>();
  for (const identifier of identifiers) {
    const name = nameOf(identifier, scope);
    const group = name === undefined ? undefined : await logs.store.groups.find(scope, name);
    if (!group) {
      const message = `Log group '${identifier}' does not exist for account ID '${scope.account}'`;
      throw new AwsError('ResourceNotFoundException', message);
    }
    if (group.document.logGroupClass === 'DELIVERY') {
      throw invalidParameter('StartQuery is not supported for log groups of the DELIVERY class.');
    }
    groups.add(group);
  }
  return [...groups];
}

function inMs(time: number): number {
  return time >= FEWEST_MILLISECONDS ? time : time * 1000;
}
