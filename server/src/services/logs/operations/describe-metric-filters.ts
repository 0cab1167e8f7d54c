// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html

import type {
  DescribeMetricFiltersRequest,
  DescribeMetricFiltersResponse,
  MetricFilter,
} from '@aws-sdk/client-cloudwatch-logs';
import type { LogGroup } from '#engines/logs/log-group.ts';
import type { MetricFilterDocument } from '#engines/logs/metric-filter.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, DESCRIBE_LIMIT, FILTER_NAME, invalidParameter, LOG_GROUP_NAME } from '../constraints.ts';
import { requireGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';

const DEFAULT_LIMIT = 50;
const METRIC_NAME = { max: 255, pattern: '[^:*$]*' };

export function describeMetricFilters(
  logs: Logs,
): Handler<DescribeMetricFiltersRequest, DescribeMetricFiltersResponse> {
  return async (input, context) => {
    const { logGroupName, filterNamePrefix, metricName, metricNamespace, limit, nextToken } = input;
    new Constraints()
      .text('logGroupName', logGroupName, LOG_GROUP_NAME)
      .text('filterNamePrefix', filterNamePrefix, FILTER_NAME)
      .text('metricName', metricName, METRIC_NAME)
      .text('metricNamespace', metricNamespace, METRIC_NAME)
      .number('limit', limit, DESCRIBE_LIMIT)
      .check();
    const given = [metricName, metricNamespace].filter((part) => part !== undefined).length;
    if (given === 1 || (given === 2 && logGroupName !== undefined)) {
      throw invalidParameter(
        'Describe Metric Filters request must contain either logGroupName or metricName and metricNamespace',
      );
    }
    const group = logGroupName === undefined ? undefined : await requireGroup(logs, context, logGroupName);
    const found = (await logs.store.metricFilters.list(context, group)).filter(
      ({ document }) =>
        // AWS heeds the prefix only beside a group.
        (group === undefined || document.name.startsWith(filterNamePrefix ?? '')) &&
        (metricName === undefined ||
          document.transformations.some(({ name, namespace }) => name === metricName && namespace === metricNamespace)),
    );
    const { page, nextToken: next } = pageByName(found, sortKey, limit ?? DEFAULT_LIMIT, nextToken);
    return { metricFilters: page.map(describe), ...(next && { nextToken: next }) };
  };
}

interface FoundFilter {
  group: LogGroup;
  document: MetricFilterDocument;
}

/** Filters of several groups may have one name. */
function sortKey({ group, document }: FoundFilter): string {
  return `${document.name}\n${group.name}`;
}

function describe({ group, document }: FoundFilter): MetricFilter {
  return {
    filterName: document.name,
    filterPattern: document.pattern,
    metricTransformations: document.transformations.map(
      ({ name, namespace, value, defaultValue, unit, dimensions }) => ({
        metricName: name,
        metricNamespace: namespace,
        metricValue: value,
        ...(defaultValue !== undefined && { defaultValue }),
        ...(unit !== undefined && { unit: unit as never }),
        ...(dimensions && { dimensions }),
      }),
    ),
    creationTime: document.createdAtMs,
    logGroupName: group.name,
    applyOnTransformedLogs: document.applyOnTransformedLogs ?? false,
    ...(document.fieldSelectionCriteria && { fieldSelectionCriteria: document.fieldSelectionCriteria }),
    ...(document.systemFieldDimensions && { emitSystemFieldDimensions: document.systemFieldDimensions }),
  };
}
