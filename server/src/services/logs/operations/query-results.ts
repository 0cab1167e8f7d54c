// What became of queries.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StopQuery.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeQueries.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListLogGroupsForQuery.html

import type {
  DescribeQueriesRequest,
  DescribeQueriesResponse,
  GetQueryResultsRequest,
  GetQueryResultsResponse,
  ListLogGroupsForQueryRequest,
  ListLogGroupsForQueryResponse,
  StopQueryRequest,
  StopQueryResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import type { QueryDocument, QueryStatistics } from '#engines/logs/queries/query-document.ts';
import { type QueryRows, resultFields } from '#engines/logs/queries/query-results.ts';
import { type Handler, RESPONSE_HEADERS } from '#wire/service.ts';
import { Constraints, invalidParameter, LOG_GROUP_NAME, QUERY_ID, QUERY_LANGUAGE } from '../constraints.ts';
import type { Logs } from '../logs.ts';
import { invalidToken, openPageToken, pageByName, pageToken } from '../page-token.ts';

const LARGEST_PAGE = 10_000;
/** Characters of values in a page that holds more than one row: an answer is made in memory. */
const LARGEST_PAGE_CHARACTERS = 32 * 1_048_576;
const QUERY_STATUS = { values: ['Scheduled', 'Running', 'Complete', 'Failed', 'Cancelled', 'Timeout', 'Unknown'] };

export function getQueryResults({
  insights: { queries },
}: Logs): Handler<GetQueryResultsRequest, GetQueryResultsResponse> {
  return async ({ queryId, nextToken, maxItems }, context) => {
    new Constraints()
      .text('queryId', queryId, QUERY_ID)
      .text('nextToken', nextToken, { max: 1024 })
      .number('maxItems', maxItems, { min: 0, max: LARGEST_PAGE })
      .check();
    const answer = await queries.results(context, queryId!);
    if (!answer) throw doesNotExist();
    const { query, rows } = answer;
    const start = nextToken === undefined ? 0 : openToken(nextToken, query.id);
    const end = endOfPage(rows, start, maxItems || LARGEST_PAGE);
    return {
      queryLanguage: query.queryLanguage,
      results: resultFields(rows, start, end),
      statistics: describeStatistics(query.statistics),
      status: query.status,
      ...(end < rows.rows.length && { nextToken: pageToken([query.id, end]) }),
      // AWS does not tell why a query failed.
      ...(query.error !== undefined && { [RESPONSE_HEADERS]: { 'x-brume-query-error': headerText(query.error) } }),
    };
  };
}

export function stopQuery({ insights: { queries } }: Logs): Handler<StopQueryRequest, StopQueryResponse> {
  return async ({ queryId }, context) => {
    new Constraints().text('queryId', queryId, QUERY_ID).check();
    const stopped = await queries.stop(context, queryId!);
    if (stopped === undefined) throw doesNotExist();
    if (!stopped) throw invalidParameter('The specified query is not running.');
    return { success: true };
  };
}

export function describeQueries({
  insights: { queries },
}: Logs): Handler<DescribeQueriesRequest, DescribeQueriesResponse> {
  return async ({ logGroupName, status, maxResults = 1000, nextToken, queryLanguage }, context) => {
    new Constraints()
      .text('logGroupName', logGroupName, LOG_GROUP_NAME)
      .text('status', status, QUERY_STATUS)
      .number('maxResults', maxResults, { min: 1, max: 1000 })
      .text('queryLanguage', queryLanguage, QUERY_LANGUAGE)
      .check();
    const found = (await queries.list(context)).filter(
      (query) =>
        (logGroupName === undefined || query.logGroupNames.includes(logGroupName)) &&
        (status === undefined || query.status === status) &&
        (queryLanguage === undefined || query.queryLanguage === queryLanguage),
    );
    const after =
      nextToken === undefined ? -1 : found.findIndex(({ id }) => id === openPageToken(nextToken, ['string'])[0]);
    if (nextToken !== undefined && after < 0) throw invalidToken();
    const page = found.slice(after + 1, after + 1 + maxResults);
    const more = after + 1 + maxResults < found.length;
    return {
      queries: page.map((query) => describe(query, logGroupName)),
      ...(more && { nextToken: pageToken([page.at(-1)!.id]) }),
    };
  };
}

export function listLogGroupsForQuery(
  logs: Logs,
): Handler<ListLogGroupsForQueryRequest, ListLogGroupsForQueryResponse> {
  return async ({ queryId, maxResults = 500, nextToken }, context) => {
    new Constraints()
      .text('queryId', queryId, QUERY_ID)
      .number('maxResults', maxResults, { min: 50, max: 500 })
      .check();
    const query = await logs.insights.queries.find(context, queryId!);
    if (!query) throw doesNotExist();
    const names = [...query.logGroupNames].sort((a, b) => (a < b ? -1 : 1));
    const { page, nextToken: next } = pageByName(names, (name) => name, maxResults, nextToken);
    const identifiers: string[] = [];
    for (const name of page) identifiers.push((await logs.store.groups.find(context, name))?.arn ?? name);
    return { logGroupIdentifiers: identifiers, ...(next !== undefined && { nextToken: next }) };
  };
}

function endOfPage({ rows }: QueryRows, start: number, most: number): number {
  const last = Math.min(rows.length, start + most);
  let characters = 0;
  for (let i = start; i < last; i++) {
    for (const value of rows[i]!) characters += value?.length ?? 0;
    if (characters > LARGEST_PAGE_CHARACTERS && i > start) return i;
  }
  return last;
}

/** With its groups and its time range in the query, as AWS tells it. */
function describedText({ queryString, queryLanguage, logGroupNames, fromMs, toMs }: QueryDocument): string {
  if (queryLanguage !== 'CWLI' || /^\s*source\b/i.test(queryString)) return queryString;
  const sources = logGroupNames.map((name) => `SOURCE ${JSON.stringify(name)}`).join(' | ');
  return `${sources} START=${fromMs} END=${toMs} | ${queryString}`;
}

function describe(query: QueryDocument, wanted: string | undefined) {
  const { id, queryLanguage, status, createdAtMs, endedAtMs, logGroupNames, userIdentity } = query;
  return {
    queryId: id,
    queryString: describedText(query),
    queryLanguage,
    status,
    createTime: createdAtMs,
    logGroupName: wanted ?? logGroupNames[0],
    bytesScanned: query.statistics.bytesScanned,
    userIdentity,
    ...(endedAtMs !== undefined && { queryDuration: endedAtMs - createdAtMs }),
  };
}

function describeStatistics(statistics: QueryStatistics) {
  return { ...statistics, estimatedRecordsSkipped: 0, estimatedBytesSkipped: 0 };
}

function openToken(token: string, queryId: string): number {
  const [id, start] = openPageToken(token, ['string', 'number']);
  if (id !== queryId) throw invalidToken();
  return start as number;
}

/** Headers hold printable ASCII. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 500);
}

function doesNotExist(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified query does not exist.');
}
