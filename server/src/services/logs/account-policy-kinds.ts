// The types of account policies that groups inherit: what their documents and criteria must be, alone and beside each other.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html

import type { Processor } from '@aws-sdk/client-cloudwatch-logs';
import type { AccountPolicyDocument } from '#engines/logs/account-policies.ts';
import type { SelectionCriteria } from '#engines/logs/selection-criteria.ts';
import { invalidParameter } from './constraints.ts';
import { requireGroup } from './log-group-reference.ts';
import type { AccountPolicyKind } from './operations/account-policies.ts';
import { requireProtection } from './operations/data-protection.ts';
import { parseIndexPolicy } from './operations/index-policies.ts';
import { checkCriteria } from './selection.ts';
import { requireTransformer } from './transformer-config.ts';

export const accountDataProtection: AccountPolicyKind = {
  most: 1,
  async check(logs, scope, { text, selectionCriteria }) {
    if (selectionCriteria) throw invalidParameter('selectionCriteria is not supported for DATA_PROTECTION_POLICY.');
    const { findingsGroup } = requireProtection('PutAccountPolicy', text);
    if (findingsGroup !== undefined) await requireGroup(logs, scope, findingsGroup);
  },
};

export const accountTransformer: AccountPolicyKind = {
  most: 20,
  check(_logs, _scope, { text, selectionCriteria }, others) {
    const config = readDocument(text);
    if (!Array.isArray(config)) throw invalidDocument('expected a list of processors');
    requireTransformer('PutAccountPolicy', config as Processor[]);
    refuseOverlap(prefixesOf(selectionCriteria), others);
  },
};

export const accountFieldIndexes: AccountPolicyKind = {
  most: 40,
  check(_logs, _scope, { text, selectionCriteria }, others) {
    parseIndexPolicy(text);
    const source = dataSourceOf(selectionCriteria);
    if (!source) {
      refuseOverlap(
        prefixesOf(selectionCriteria),
        others.filter((other) => !dataSourceOf(other.selectionCriteria)),
      );
    } else if (others.some((other) => dataSourceOf(other.selectionCriteria) === source)) {
      throw invalidParameter('Another policy has the same data source name and type.');
    }
  },
};

const MOST_VALUES = 50;

export const accountMetricExtraction: AccountPolicyKind = {
  most: 5,
  check(_logs, _scope, { text, selectionCriteria }, others) {
    const policy = readDocument(text) as { EmbeddedMetricFormat?: { Status?: unknown } } | null;
    const status = policy?.EmbeddedMetricFormat?.Status;
    if (status !== 'Enabled' && status !== 'Disabled') {
      throw invalidDocument('EmbeddedMetricFormat needs a Status, Enabled or Disabled');
    }
    const own = listOf(selectionCriteria);
    for (const other of others) {
      if (overlap(own, listOf(other.selectionCriteria))) {
        throw invalidParameter(`The selectionCriteria overlap with those of the policy ${other.name}.`);
      }
    }
  },
};

interface NameList {
  not: boolean;
  isPrefix: boolean;
  values: readonly string[];
}

/** All groups are those without any. */
const EVERYTHING: NameList = { not: true, isPrefix: true, values: [] };

function listOf(text: string | undefined): NameList {
  if (!text) return EVERYTHING;
  const criteria = checkCriteria('selectionCriteria', text, ['LogGroupName', 'LogGroupNamePrefix']);
  if (!('field' in criteria)) throw invalidParameter('Invalid selectionCriteria: expected one IN or NOT IN');
  if (criteria.values.length > MOST_VALUES) {
    throw invalidParameter(`Invalid selectionCriteria: at most ${MOST_VALUES} values`);
  }
  const isPrefix = criteria.field === 'LogGroupNamePrefix';
  return { not: criteria.kind === 'notIn', isPrefix, values: criteria.values };
}

function overlap(a: NameList, b: NameList): boolean {
  if (a.not && b.not) return true;
  if (a.not) return overlap(b, a);
  const within = (value: string, isPrefix: boolean, list: NameList) =>
    list.values.some((other) => (list.isPrefix ? value.startsWith(other) : !isPrefix && value === other));
  if (b.not) return !a.values.every((value) => within(value, a.isPrefix, b));
  return (
    a.values.some((value) => within(value, a.isPrefix, b)) || b.values.some((value) => within(value, b.isPrefix, a))
  );
}

/** The prefixes that a policy of such criteria applies to; '' stands for all groups. */
function prefixesOf(text: string | undefined): readonly string[] {
  if (!text) return [''];
  const criteria = checkCriteria('selectionCriteria', text, ['LogGroupNamePrefix']);
  if (criteria.kind !== 'in') throw invalidParameter('Invalid selectionCriteria: expected LogGroupNamePrefix IN []');
  return criteria.values;
}

function refuseOverlap(prefixes: readonly string[], others: readonly AccountPolicyDocument[]): void {
  for (const other of others) {
    for (const theirs of prefixesOf(other.selectionCriteria)) {
      if (!prefixes.some((prefix) => prefix.startsWith(theirs) || theirs.startsWith(prefix))) continue;
      throw invalidParameter(`The log group name prefixes overlap with those of the policy ${other.name}.`);
    }
  }
}

/** `DataSourceName = "n" AND DataSourceType = "t"` as one text; undefined for criteria of another kind. */
function dataSourceOf(text: string | undefined): string | undefined {
  if (!text?.includes('DataSource')) return undefined;
  const criteria = checkCriteria('selectionCriteria', text, ['DataSourceName', 'DataSourceType']);
  const terms: readonly SelectionCriteria[] = criteria.kind === 'and' ? criteria.terms : [criteria];
  const valueGiven = (field: string) => {
    const [term, ...more] = terms.filter((each) => 'field' in each && each.field === field);
    return term?.kind === 'in' && more.length === 0 && term.values.length === 1 ? term.values[0] : undefined;
  };
  const [name, type] = [valueGiven('DataSourceName'), valueGiven('DataSourceType')];
  if (name === undefined || type === undefined || terms.length !== 2) {
    throw invalidParameter('Invalid selectionCriteria: expected DataSourceName AND DataSourceType');
  }
  return `${name}\n${type}`;
}

function readDocument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidDocument(`it is not JSON (${(error as Error).message})`);
  }
}

function invalidDocument(reason: string) {
  return invalidParameter(`Invalid policyDocument: ${reason}`);
}
