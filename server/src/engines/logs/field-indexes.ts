// Which fields of a group are indexed, and since when. ClickHouse finds things without them; what is left of an index is what
// it means: filterIndex reads only groups with the index, and of those only events that came after it.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatchLogs-Field-Indexing.html

import type { IndexType } from '@aws-sdk/client-cloudwatch-logs';
import type { AccountPolicyDocument } from './account-policies.ts';
import type { LogGroup } from './log-group.ts';

export interface IndexedField {
  type: IndexType;
  /** Events ingested before are not in the index. */
  sinceMs: number;
}

/** Indexed in every group of the Standard class. */
const DEFAULT_FIELDS = [
  '@aws.account',
  '@aws.region',
  '@data_format',
  '@data_source_name',
  '@data_source_type',
  '@logStream',
  '@source.log',
  'attributes.session.id',
  'severityText',
  'traceId',
];

/** By name; a policy may name a default field as well. */
export function indexedFields(group: LogGroup): Map<string, IndexedField> {
  const indexes = new Map<string, IndexedField>();
  if (group.document.logGroupClass !== 'STANDARD') return indexes;
  for (const name of DEFAULT_FIELDS) indexes.set(name, { type: 'FIELD_INDEX', sinceMs: 0 });
  const add = (fields: Record<string, string>, sinceMs: (name: string) => number) => {
    for (const [name, type] of Object.entries(fields)) {
      indexes.set(name, { type: type as IndexType, sinceMs: sinceMs(name) });
    }
  };
  for (const { text, updatedAtMs } of inheritedPolicies(group)) add(fieldsOfPolicy(text), () => updatedAtMs);
  const { indexPolicy } = group.document;
  if (indexPolicy) add(indexPolicy.fields, (name) => indexPolicy.sinceMs?.[name] ?? indexPolicy.updatedAtMs);
  return indexes;
}

/** The account's policies that index fields of the group: those of its data source, and others where it has none of its own. */
export function inheritedPolicies({ document, inherited }: LogGroup): readonly AccountPolicyDocument[] {
  return inherited.indexPolicies.filter(
    ({ selectionCriteria }) => !document.indexPolicy || selectionCriteria?.includes('DataSource'),
  );
}

/** Of a policy that was found valid: field -> FIELD_INDEX or FACET. */
function fieldsOfPolicy(text: string): Record<string, string> {
  const { Fields = [], FieldsV2 = {} } = JSON.parse(text) as {
    Fields?: string[];
    FieldsV2?: Record<string, { type: string }>;
  };
  return Object.fromEntries([
    ...Fields.map((name) => [name, 'FIELD_INDEX']),
    ...Object.entries(FieldsV2).map(([name, { type }]) => [name, type]),
  ]);
}
