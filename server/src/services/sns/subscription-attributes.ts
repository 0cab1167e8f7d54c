// Subscription attributes: what Subscribe and SetSubscriptionAttributes accept.
// https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html

import { parseArn } from '#core/arn.ts';
import { type FilterPolicyScope, findPolicyFault, isEmptyPolicy } from './filter-policy.ts';
import type { Subscription, SubscriptionDocument, Topic } from './topic.ts';

const NAMES = new Set(['DeliveryPolicy', 'FilterPolicy', 'FilterPolicyScope', 'RawMessageDelivery', 'RedrivePolicy']);

export function isSubscriptionAttribute(name: string): boolean {
  return NAMES.has(name);
}

/** The attributes after one was set; an empty value (or filter policy) removes it. Throws `fault` with SNS's reason. */
export function setAttribute(
  current: Readonly<Record<string, string>>,
  name: string,
  value: string,
  { protocol, endpoint }: Pick<SubscriptionDocument, 'protocol' | 'endpoint'>,
  fault: (reason: string) => Error,
): Record<string, string> {
  const next = { ...current };
  switch (name) {
    case 'RawMessageDelivery': {
      if (!/^(true|false)$/i.test(value)) {
        throw fault(`RawMessageDelivery: Invalid value [${value}]. Must be true or false.`);
      }
      const raw = value.toLowerCase();
      if (raw === 'true' && protocol !== 'sqs') {
        throw fault(`Delivery protocol [${protocol}] does not support raw message delivery.`);
      }
      next.RawMessageDelivery = raw;
      return next;
    }
    case 'FilterPolicyScope':
      if (value !== 'MessageAttributes' && value !== 'MessageBody') {
        throw fault(`FilterPolicyScope: Invalid value [${value}]. Please use either MessageBody or MessageAttributes`);
      }
      next.FilterPolicyScope = value;
      checkFilterPolicy(next, fault);
      return next;
    case 'FilterPolicy':
      if (value === '' || isEmptyPolicy(value)) {
        delete next.FilterPolicy;
        return next;
      }
      next.FilterPolicy = value;
      checkFilterPolicy(next, fault);
      return next;
    case 'RedrivePolicy':
      if (value === '' || isEmptyPolicy(value)) {
        delete next.RedrivePolicy;
        return next;
      }
      checkRedrivePolicy(value, endpoint.endsWith('.fifo'), fault);
      next.RedrivePolicy = value;
      return next;
    default:
      if (value === '') delete next[name];
      else {
        parseObject(value, (detail) => fault(`${name}: failed to parse JSON. ${detail}`));
        next[name] = value;
      }
      return next;
  }
}

/** Everything that GetSubscriptionAttributes tells. */
export function describeSubscription(topic: Topic, { arn, document }: Subscription): Record<string, string> {
  const { FilterPolicyScope, RawMessageDelivery = 'false', ...attributes } = document.attributes;
  return {
    SubscriptionPrincipal: document.principalArn,
    Owner: document.owner,
    RawMessageDelivery,
    TopicArn: topic.arn,
    Endpoint: document.endpoint,
    Protocol: document.protocol,
    PendingConfirmation: String(document.pendingToken !== undefined),
    ConfirmationWasAuthenticated: String(document.pendingToken === undefined),
    SubscriptionArn: arn,
    ...attributes,
    // The scope shows only beside a policy.
    ...(attributes.FilterPolicy ? { FilterPolicyScope: FilterPolicyScope ?? 'MessageAttributes' } : {}),
  };
}

function checkFilterPolicy(attributes: Readonly<Record<string, string>>, fault: (reason: string) => Error): void {
  if (!attributes.FilterPolicy) return;
  const scope = (attributes.FilterPolicyScope ?? 'MessageAttributes') as FilterPolicyScope;
  const found = findPolicyFault(attributes.FilterPolicy, scope);
  if (found !== undefined) throw fault(found);
}

function checkRedrivePolicy(text: string, fifo: boolean, fault: (reason: string) => Error): void {
  const policy = parseObject(text, (detail) => fault(`RedrivePolicy: failed to parse JSON. ${detail}`));
  const arn = parseArn(String(policy.deadLetterTargetArn ?? ''));
  if (arn?.service !== 'sqs' || !arn.account || !arn.region) {
    throw fault('RedrivePolicy: deadLetterTargetArn is an invalid arn');
  }
  if (fifo && !arn.resource.endsWith('.fifo')) {
    throw fault('RedrivePolicy: must use a FIFO queue as DLQ for a FIFO queue subscribed to a FIFO Topic.');
  }
  if (!fifo && arn.resource.endsWith('.fifo')) {
    throw fault('RedrivePolicy: must use a standard queue as DLQ for a Subscription to a standard Topic.');
  }
}

function parseObject(text: string, error: (detail: string) => Error): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw error((cause as Error).message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw error('Value must be an object');
  return value as Record<string, unknown>;
}
