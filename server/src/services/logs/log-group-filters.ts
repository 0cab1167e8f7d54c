// What ListLogGroups and ListAggregateLogGroupSummaries choose groups by: names, tags, and the data source that a group's
// tags name. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/custom-data-sources.html

import type { DataSourceFilter, TagFilter } from '@aws-sdk/client-cloudwatch-logs';
import type { LogGroup } from '#engines/logs/log-group.ts';
import type { TextConstraint } from './constraints.ts';
import { inheritedPolicies, parseIndexPolicy } from './operations/index-policies.ts';

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

/** Any of the values: as they are, with `*` at an end (whatever the case), or all but them, after `!`. */
export function hasTag({ document }: LogGroup, { key, values }: TagFilter): boolean {
  const value = document.tags[key!];
  if (value === undefined) return false;
  if (!values || values.length === 0) return true;
  return values.some((wanted) => (wanted.startsWith('!') ? !fits(wanted.slice(1), value) : fits(wanted, value)));
}

function fits(wanted: string, value: string): boolean {
  return wanted.includes('*') ? wildcard(wanted, 'si').test(value) : wanted === value;
}

/** Whether the group's policy makes an index of the field. */
export function hasFieldIndex(group: LogGroup, field: string): boolean {
  const own = group.document.indexPolicy?.fields ?? {};
  return (
    Object.hasOwn(own, field) ||
    inheritedPolicies(group).some(({ text }) => Object.hasOwn(parseIndexPolicy(text), field))
  );
}

export interface GroupDataSource {
  name: string;
  type: string;
}

/** Names that begin so are AWS's own. */
const RESERVED = /^(aws|amazon)/i;

/** Undefined for groups whose logs have none. */
export function dataSourceOf({ document: { tags } }: LogGroup): GroupDataSource | undefined {
  const { 'cw:datasource:name': name, 'cw:datasource:type': type } = tags;
  return name && type && !RESERVED.test(name) ? { name, type } : undefined;
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

function wildcard(text: string, flags = 's'): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, flags);
}
