// Filter policies: an event pattern with SNS's limits, over the attributes of a message or over its body.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html

import { AwsError } from '#core/errors.ts';
import { PatternError } from '#engines/event-pattern/json-tokens.ts';
import { compilePattern, type ObjectPattern, type Pattern } from '#engines/event-pattern/pattern.ts';
import type { MessageAttributes } from './message-attributes.ts';

export type FilterPolicyScope = 'MessageAttributes' | 'MessageBody';

export interface FilterPolicy {
  scope: FilterPolicyScope;
  pattern: Pattern;
}

const MAX_KEYS = 5;
const MAX_COMBINATIONS = 150;
const MAX_BYTES = 262_144;

/** The policy of a subscription's attributes; undefined when it takes every message. */
export function openFilterPolicy(attributes: Readonly<Record<string, string>>): FilterPolicy | undefined {
  const { FilterPolicy: text, FilterPolicyScope: scope = 'MessageAttributes' } = attributes;
  if (!text || isEmptyPolicy(text)) return undefined;
  return { scope: scope as FilterPolicyScope, pattern: compilePattern(text) };
}

/** `{}` takes every message, as no policy does. */
export function isEmptyPolicy(text: string): boolean {
  return /^\s*\{\s*\}\s*$/.test(text);
}

/** Why SNS does not take this policy; undefined when it does. */
export function findPolicyFault(text: string, scope: FilterPolicyScope): string | undefined {
  if (Buffer.byteLength(text) > MAX_BYTES) return 'FilterPolicy: Filter policy is too large';
  if (isEmptyPolicy(text)) return undefined;
  let pattern: Pattern;
  try {
    pattern = compilePattern(text);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return `FilterPolicy: ${error.malformed ? 'failed to parse JSON. ' : ''}${error.reason}${placeOf(error)}`;
  }
  if (scope === 'MessageAttributes' && isNested(pattern.root)) {
    return 'Filter policy scope MessageAttributes does not support nested filter policy';
  }
  if (keysOf(pattern.root).size > MAX_KEYS)
    return `FilterPolicy: Filter policy can not have more than ${MAX_KEYS} keys`;
  if (combinationsOf(pattern.root, 1) > MAX_COMBINATIONS) return 'FilterPolicy: Filter policy is too complex';
  return undefined;
}

export type Verdict =
  | 'accepted'
  | 'NoMessageAttributes'
  | 'MessageAttributes'
  | 'InvalidAttributes'
  | 'MessageBody'
  | 'InvalidMessageBody';

/** Whether a message passes; if not, the reason under which AWS counts it. */
export function judge(policy: FilterPolicy, message: string, attributes: MessageAttributes): Verdict {
  if (policy.scope === 'MessageBody') {
    let body: unknown;
    try {
      body = JSON.parse(message);
    } catch {
      return 'InvalidMessageBody';
    }
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'InvalidMessageBody';
    return policy.pattern.matches(body) ? 'accepted' : 'MessageBody';
  }
  const event: Record<string, unknown> = {};
  let invalid = false;
  for (const [name, { t: type, s: text }] of Object.entries(attributes)) {
    // Binary attributes do not take part.
    if (text === undefined) continue;
    const value = comparableOf(type, text);
    if (value === undefined) invalid = true;
    else event[name] = value;
  }
  if (policy.pattern.matches(event)) return 'accepted';
  if (invalid) return 'InvalidAttributes';
  return Object.keys(attributes).length === 0 ? 'NoMessageAttributes' : 'MessageAttributes';
}

/** What a pattern compares an attribute with; undefined when the text is not what its type says. */
function comparableOf(type: string, text: string): unknown {
  if (type === 'Number' || type.startsWith('Number.')) {
    const number = Number(text);
    return text.trim() === '' || Number.isNaN(number) ? undefined : number;
  }
  if (type !== 'String.Array') return text;
  try {
    const values: unknown = JSON.parse(text);
    return Array.isArray(values) ? values : undefined;
  } catch {
    return undefined;
  }
}

function placeOf({ place }: PatternError): string {
  if (!place) return '';
  return `\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: ${place.line}, column: ${place.column}]`;
}

function isNested(pattern: ObjectPattern): boolean {
  return pattern.fields.some(({ kind }) => kind === 'object') || pattern.alternatives.flat().some(isNested);
}

function keysOf(pattern: ObjectPattern, prefix = ''): Set<string> {
  const keys = new Set<string>();
  for (const field of pattern.fields) {
    if (field.kind === 'values') keys.add(prefix + field.name);
    else for (const key of keysOf(field.pattern, `${prefix}${field.name}.`)) keys.add(key);
  }
  for (const alternative of pattern.alternatives.flat()) for (const key of keysOf(alternative, prefix)) keys.add(key);
  return keys;
}

/**
 * The product of the numbers of values, each times its depth; alternatives add up.
 * https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
 */
function combinationsOf(pattern: ObjectPattern, depth: number): number {
  let product = 1;
  for (const field of pattern.fields) {
    product *= field.kind === 'values' ? field.test.count * depth : combinationsOf(field.pattern, depth + 1);
  }
  for (const list of pattern.alternatives) {
    product *= list.reduce((sum, alternative) => sum + combinationsOf(alternative, depth), 0);
  }
  return product;
}

/** How many subscriptions of a topic may have a policy. */
export const MAX_POLICIES_A_TOPIC = 200;

export function tooManyPolicies(): AwsError {
  return new AwsError(
    'FilterPolicyLimitExceededException',
    `The topic has the maximum of ${MAX_POLICIES_A_TOPIC} subscriptions with a filter policy.`,
  );
}
