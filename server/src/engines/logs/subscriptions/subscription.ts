// What a subscription is: a filter of one group (PutSubscriptionFilter), or one that an account policy puts on all of
// its groups (PutAccountPolicy); and how far each of them has delivered.

import {
  compileMatcher,
  type FilterPattern,
  FilterPatternError,
  type Matcher,
  parseFilterPattern,
} from '#engines/filter-pattern/filter-pattern.ts';
import { defineCollection } from '#storage/state/state.ts';
import type { LogScope } from '../log-group.ts';
import { selectsScope } from '../selection-criteria.ts';

export type Distribution = 'ByLogStream' | 'Random';

/**
 * After all that a group has in earlier segments. In this one, as long as it may grow, after so many of the group's rows in
 * the order that they came; which ones only their number tells, so that later it is all of them or none. Where it is read
 * from the table, after all rows up to one.
 */
export interface IngestionPosition {
  segment: number;
  rows: number;
  after?: RowKey;
}

/** What a segment is read back in the order of. */
export interface RowKey {
  stream: string;
  timestamp: number;
  row: number;
}

export interface SubscriptionDocument {
  name: string;
  pattern: string;
  destinationArn: string;
  roleArn?: string;
  distribution: Distribution;
  createdAtMs: number;
  fieldSelectionCriteria?: string;
  /** `@aws.account`, `@aws.region`: given with each event. */
  systemFields?: string[];
  /** Sees the transformed versions of events that have one. */
  applyOnTransformedLogs?: boolean;
  /** The first event that is delivered stands here or later. */
  since: IngestionPosition;
}

/** Keyed by `GROUPID/filter name`. */
export const SUBSCRIPTION_FILTERS = defineCollection<SubscriptionDocument>('logs.subscription-filters');

/** The subscription in a policy of an account, without what only filters have. */
export interface AccountSubscription extends SubscriptionDocument {
  /** Which groups: `LogGroupName NOT IN ["a", "b"]`; all when absent. */
  selectionCriteria?: string;
}

/** Keyed by the policy's name. */
export const ACCOUNT_SUBSCRIPTIONS = defineCollection<AccountSubscription>('logs.account-subscriptions');

/** Everything before it is delivered or given up. */
export interface SubscriptionCursor extends IngestionPosition {
  /** Something at or after it may not be. */
  behind: boolean;
}

/** Keyed by `GROUPID/filter/NAME` or `GROUPID/policy/NAME`. */
export const SUBSCRIPTION_CURSORS = defineCollection<SubscriptionCursor>('logs.subscription-cursors');

export interface CompiledSubscription {
  document: SubscriptionDocument;
  pattern: FilterPattern;
  /** Matches nothing where the criteria leave out the group's account or region. */
  matches: Matcher;
}

/** Throws FilterPatternError. */
export function compileSubscription(document: SubscriptionDocument, scope: LogScope): CompiledSubscription {
  const pattern = parseFilterPattern(document.pattern);
  const selected = selectsScope(document.fieldSelectionCriteria, scope);
  return { document, pattern, matches: selected ? compileMatcher(pattern) : NOTHING };
}

/** One that is stored: with a pattern that only an earlier version took it matches nothing. */
export function compileStoredSubscription(document: SubscriptionDocument, scope: LogScope): CompiledSubscription {
  try {
    return compileSubscription(document, scope);
  } catch (error) {
    if (!(error instanceof FilterPatternError)) throw error;
    return { document, pattern: parseFilterPattern(''), matches: NOTHING };
  }
}

const NOTHING: Matcher = Object.assign(() => false, { needed: [] });

export function isBefore(a: IngestionPosition, b: IngestionPosition): boolean {
  if (a.segment !== b.segment) return a.segment < b.segment;
  if (a.after && b.after) return compareKeys(a.after, b.after) < 0;
  return a.after || b.after ? !a.after : a.rows < b.rows;
}

/** As ClickHouse does, which compares texts by their bytes. */
function compareKeys(a: RowKey, b: RowKey): number {
  return Buffer.from(a.stream).compare(Buffer.from(b.stream)) || a.timestamp - b.timestamp || a.row - b.row;
}

export function earlier(a: IngestionPosition, b: IngestionPosition): IngestionPosition {
  return isBefore(b, a) ? b : a;
}

export function later(a: IngestionPosition, b: IngestionPosition): IngestionPosition {
  return isBefore(a, b) ? b : a;
}
