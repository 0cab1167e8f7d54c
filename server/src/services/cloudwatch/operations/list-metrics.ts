// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html

import type { DimensionFilter, ListMetricsInput, ListMetricsOutput } from '@aws-sdk/client-cloudwatch';
import type { Metric } from '#engines/metrics/metric-store.ts';
import type { Handler } from '#wire/service.ts';
import type { ServiceDependencies } from '../../dependencies.ts';
import { invalidParameter, invalidValue, missingParameter } from '../errors.ts';
import { checkDimensionName, checkDimensionValue, checkMetricName, checkNamespace } from '../metric-identity.ts';
import { isInteger, readToken, writeToken } from '../page-token.ts';

const PAGE = 500;
const MAX_FILTERS = 10;
const VISIBLE_MS = 14 * 24 * 3_600_000;
const RECENT_MS = 3 * 3_600_000;

export function listMetrics({
  metrics,
  clock,
}: Pick<ServiceDependencies, 'metrics' | 'clock'>): Handler<ListMetricsInput, ListMetricsOutput> {
  return async (input, context) => {
    const { Namespace: namespace, MetricName: name, RecentlyActive, OwningAccount } = input;
    if (namespace !== undefined) checkNamespace(namespace);
    if (name !== undefined) checkMetricName(name, 'MetricName');
    const filters = checkFilters(input.Dimensions);
    if (RecentlyActive !== undefined && RecentlyActive !== 'PT3H') throw invalidValue(RecentlyActive, 'RecentlyActive');
    // Its model, unlike those of the other listings, has no InvalidNextToken.
    const invalid = () => invalidParameter('Request parameter NextToken is invalid');
    const after = readToken(input.NextToken, isInteger, invalid) ?? -1;
    const sinceMs = clock.now() - (RecentlyActive === undefined ? VISIBLE_MS : RECENT_MS);

    const page: Metric[] = [];
    let more = false;
    const ofAnotherAccount = OwningAccount !== undefined && OwningAccount !== context.account;
    const all = ofAnotherAccount
      ? []
      : await metrics.list(context, {
          ...(namespace === undefined ? {} : { namespace }),
          ...(name === undefined ? {} : { name }),
        });
    for (let i = firstAfter(all, after); i < all.length; i++) {
      const metric = all[i]!;
      if (metric.lastPutMs < sinceMs || !filters.every((filter) => matches(metric, filter))) continue;
      more = page.length === PAGE;
      if (more) break;
      page.push(metric);
    }
    return {
      Metrics: page.map((metric) => ({
        Namespace: metric.namespace,
        MetricName: metric.name,
        Dimensions: metric.dimensions.map(({ Name, Value }) => ({ Name, Value })),
      })),
      ...(input.IncludeLinkedAccounts ? { OwningAccounts: page.map(() => context.account) } : {}),
      ...(more ? { NextToken: writeToken(page.at(-1)!.id) } : {}),
    };
  };
}

function checkFilters(filters: readonly DimensionFilter[] | undefined): readonly DimensionFilter[] {
  if (!filters) return [];
  if (filters.length > MAX_FILTERS) {
    throw invalidParameter(`The collection Dimensions must not have a size greater than ${MAX_FILTERS}.`);
  }
  for (const [i, { Name, Value }] of filters.entries()) {
    const path = `Dimensions.member.${i + 1}`;
    if (Name === undefined) throw missingParameter(`${path}.Name`);
    checkDimensionName(Name, `${path}.Name`);
    if (Value !== undefined) checkDimensionValue(Value, `${path}.Value`);
  }
  return filters;
}

function matches(metric: Metric, filter: DimensionFilter): boolean {
  return metric.dimensions.some(
    ({ Name, Value }) => Name === filter.Name && (filter.Value === undefined || Value === filter.Value),
  );
}

/** Metrics come by rising id. */
function firstAfter(metrics: readonly Metric[], id: number): number {
  let low = 0;
  let high = metrics.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (metrics[middle]!.id > id) high = middle;
    else low = middle + 1;
  }
  return low;
}
