// What ListLogGroups and ListAggregateLogGroupSummaries choose groups by: names, tags, and the data source that a group's
// tags name. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/custom-data-sources.html

import type { DataSourceFilter } from '@aws-sdk/client-cloudwatch-logs';
import { inheritedPolicies } from '#engines/logs/field-indexes.ts';
import type { LogGroup } from '#engines/logs/log-group.ts';
import { dataSourceOf, wildcard } from '#engines/logs/log-group-tags.ts';
import type { TextConstraint } from './constraints.ts';
import { parseIndexPolicy } from './operations/index-policies.ts';

export const LOG_GROUP_NAME_REGEX: TextConstraint = {
  min: 3,
  max: 129,
  pattern: '(\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24})(\\|\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24}){0,4}',
};

/** Alternatives between |, each a part of the name, or its beginning after ^. */
export function nameMatcher(pattern: string | undefined): (name: string) => boolean {
  const parts = pattern?.split('|');
  if (!parts) return () => true;
  return (name) => parts.some((part) => (part.startsWith('^') ? name.startsWith(part.slice(1)) : name.includes(part)));
}

export const TAG_FILTER_KEY: TextConstraint = { min: 1, max: 128, pattern: '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$' };
export const TAG_FILTER_VALUE: TextConstraint = {
  max: 256,
  pattern: '^!?\\*?([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)\\*?$',
};

/** Whether the group's policy makes an index of the field. */
export function hasFieldIndex(group: LogGroup, field: string): boolean {
  const own = group.document.indexPolicy?.fields ?? {};
  return (
    Object.hasOwn(own, field) ||
    inheritedPolicies(group).some(({ text }) => Object.hasOwn(parseIndexPolicy(text), field))
  );
}

/** Any of the names and, where there are any, any of the types. */
export function dataSourceMatcher(filters: readonly DataSourceFilter[] | undefined): (group: LogGroup) => boolean {
  if (!filters) return () => true;
  const names = filters.map(({ name }) => wildcard(name!));
  const types = filters.flatMap(({ type }) => (type === undefined ? [] : [wildcard(type)]));
  return (group) => {
    const source = dataSourceOf(group);
    if (!source || !names.some((name) => name.test(source.name))) return false;
    return types.length === 0 || types.some((type) => type.test(source.type));
  };
}
