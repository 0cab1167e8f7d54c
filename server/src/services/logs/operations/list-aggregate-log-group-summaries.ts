// How many log groups each data source has. Groups have the data source that their tags name; no AWS service that would bring
// one writes to Brume. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListAggregateLogGroupSummaries.html

import type {
  ListAggregateLogGroupSummariesRequest,
  ListAggregateLogGroupSummariesResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { dataSourceOf } from '#engines/logs/log-group-tags.ts';
import type { Handler } from '#wire/service.ts';
import { ACCOUNT_ID, ACCOUNT_IDENTIFIERS, Constraints, LOG_GROUP_CLASS } from '../constraints.ts';
import { dataSourceMatcher, LOG_GROUP_NAME_REGEX, nameMatcher } from '../log-group-filters.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';

const DEFAULT_LIMIT = 50;
const GROUP_BY = { values: ['DATA_SOURCE_NAME_TYPE_AND_FORMAT', 'DATA_SOURCE_NAME_AND_TYPE'] };
/** Of logs that are as their source wrote them. */
const FORMAT = 'Default';

export function listAggregateLogGroupSummaries({
  store,
}: Logs): Handler<ListAggregateLogGroupSummariesRequest, ListAggregateLogGroupSummariesResponse> {
  return async (input, context) => {
    const { logGroupNamePattern, logGroupClass, dataSources, groupBy, limit, nextToken } = input;
    new Constraints()
      .text('logGroupNamePattern', logGroupNamePattern, LOG_GROUP_NAME_REGEX)
      .text('logGroupClass', logGroupClass, LOG_GROUP_CLASS)
      .list('accountIdentifiers', input.accountIdentifiers, ACCOUNT_IDENTIFIERS, ACCOUNT_ID)
      .text('groupBy', groupBy, GROUP_BY)
      .list(
        'dataSources',
        dataSources?.map(({ name }) => name!),
        { min: 1, max: 5 },
      )
      .number('limit', limit, { min: 1, max: 50 })
      .check('ValidationException');
    const hasName = nameMatcher(logGroupNamePattern);
    const hasSource = dataSourceMatcher(dataSources);
    const summaries = new Map<string, { name: string; type: string; count: number }>();
    for (const group of await store.groups.list(context)) {
      const source = dataSourceOf(group);
      if (!source || !hasName(group.name) || !hasSource(group)) continue;
      if (logGroupClass !== undefined && group.document.logGroupClass !== logGroupClass) continue;
      const key = `${source.name}\n${source.type}`;
      const summary = summaries.get(key) ?? { ...source, count: 0 };
      summary.count++;
      summaries.set(key, summary);
    }
    const sorted = [...summaries].sort(([a], [b]) => (a < b ? -1 : 1));
    const { page, nextToken: next } = pageByName(sorted, ([key]) => key, limit ?? DEFAULT_LIMIT, nextToken);
    const withFormat = groupBy === 'DATA_SOURCE_NAME_TYPE_AND_FORMAT';
    return {
      aggregateLogGroupSummaries: page.map(([, { name, type, count }]) => ({
        logGroupCount: count,
        groupingIdentifiers: [
          { key: 'dataSource.Name', value: name },
          { key: 'dataSource.Type', value: type },
          ...(withFormat ? [{ key: 'dataSource.Format', value: FORMAT }] : []),
        ],
      })),
      ...(next && { nextToken: next }),
    };
  };
}
