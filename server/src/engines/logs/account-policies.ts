// Policies of an account, and what each of its log groups inherits from those whose criteria select it. They are in memory
// before any group is found.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html

import type { PolicyType, Processor } from '@aws-sdk/client-cloudwatch-logs';
import { type DataProtection, parseDataProtectionPolicy } from '#engines/data-protection/data-protection.ts';
import { compileTransformer, type Transformer } from '#engines/log-transforms/transformer.ts';
import { defineCollection, type StateStore } from '#storage/state/state.ts';
import type { LogGroup, LogScope } from './log-group.ts';
import { groupsSelected, parseSelectionCriteria, type SelectionCriteria } from './selection-criteria.ts';

export interface AccountPolicyDocument {
  name: string;
  type: PolicyType;
  text: string;
  selectionCriteria?: string;
  createdAtMs?: number;
  updatedAtMs: number;
}

/** Keyed by `TYPE/name`. */
export const ACCOUNT_POLICIES = defineCollection<AccountPolicyDocument>('logs.account-policies');

export interface Inherited {
  transformer?: Transformer;
  protection?: ActiveProtection;
  indexPolicies: readonly AccountPolicyDocument[];
  /** Whether embedded metrics become metrics. */
  extractsMetrics: boolean;
}

/** Data protection, and since when: events ingested before are not masked. */
export interface ActiveProtection {
  protection: DataProtection;
  sinceMs: number;
}

/** Where a group finds what it inherits. */
export interface PolicySource {
  /** Changes with every change of a policy. */
  readonly version: number;
  inheritedBy(group: LogGroup): Inherited;
}

export const NO_POLICIES: PolicySource = {
  version: 0,
  inheritedBy: () => ({ indexPolicies: [], extractsMetrics: true }),
};

interface ActivePolicy {
  document: AccountPolicyDocument;
  criteria: SelectionCriteria | undefined;
  transformer?: Transformer;
  protection?: ActiveProtection;
}

export class AccountPolicies implements PolicySource {
  version = 0;
  readonly #state: StateStore;
  readonly #byScope = new Map<string, Map<string, ActivePolicy>>();

  constructor(state: StateStore) {
    this.#state = state;
  }

  async load(): Promise<void> {
    const stored = await this.#state.documents.scan(ACCOUNT_POLICIES);
    this.#byScope.clear();
    for (const { account, region, value } of stored) this.set({ account, region }, value);
  }

  /** A policy that was stored. */
  set(scope: LogScope, document: AccountPolicyDocument): void {
    const key = scopeKey(scope);
    const policies = this.#byScope.get(key) ?? new Map<string, ActivePolicy>();
    this.#byScope.set(key, policies.set(policyKey(document.type, document.name), activate(document)));
    this.version++;
  }

  /** A policy that was deleted. */
  remove(scope: LogScope, type: PolicyType, name: string): void {
    this.#byScope.get(scopeKey(scope))?.delete(policyKey(type, name));
    this.version++;
  }

  /** What a group has without a policy of its own. */
  inheritedBy(group: LogGroup): Inherited {
    const inherited: Inherited = { indexPolicies: [], extractsMetrics: true };
    const selected = [...(this.#byScope.get(scopeKey(group.scope))?.values() ?? [])].filter(
      ({ criteria }) => !criteria || groupsSelected(criteria, group),
    );
    const isStandard = group.document.logGroupClass === 'STANDARD';
    for (const { document, transformer, protection } of selected) {
      if (protection && isStandard) inherited.protection = protection;
      if (transformer && isStandard) inherited.transformer = transformer;
      if (document.type === 'METRIC_EXTRACTION_POLICY') inherited.extractsMetrics = !disablesExtraction(document.text);
    }
    if (isStandard) {
      inherited.indexPolicies = selected
        .map(({ document }) => document)
        .filter(({ type }) => type === 'FIELD_INDEX_POLICY');
    }
    return inherited;
  }
}

export function policyKey(type: PolicyType, name: string): string {
  return `${type}/${name}`;
}

function activate(document: AccountPolicyDocument): ActivePolicy {
  const { type, text, selectionCriteria, createdAtMs, updatedAtMs } = document;
  const policy: ActivePolicy = {
    document,
    criteria: selectionCriteria ? parseSelectionCriteria(selectionCriteria) : undefined,
  };
  if (type === 'TRANSFORMER_POLICY') policy.transformer = compileTransformer(JSON.parse(text) as Processor[]);
  if (type === 'DATA_PROTECTION_POLICY') {
    policy.protection = { protection: parseDataProtectionPolicy(text), sinceMs: createdAtMs ?? updatedAtMs };
  }
  return policy;
}

/** `{"EmbeddedMetricFormat":{"Status":"Disabled"}}` */
function disablesExtraction(text: string): boolean {
  return (JSON.parse(text) as { EmbeddedMetricFormat: { Status: string } }).EmbeddedMetricFormat.Status === 'Disabled';
}

function scopeKey({ account, region }: LogScope): string {
  return `${account}/${region}`;
}
