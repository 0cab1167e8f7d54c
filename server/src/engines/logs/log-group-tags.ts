// What is chosen by the tags of log groups, and the data source that they name.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/custom-data-sources.html

import type { LogGroup } from './log-group.ts';

export interface TagFilter {
  key?: string | undefined;
  values?: readonly string[] | undefined;
}

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

/** `*` stands for any text. */
export function wildcard(text: string, flags = 's'): RegExp {
  const parts = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, flags);
}
