// Topics and their subscriptions: the documents that are kept, and the form in which operations use them.

import { formatArn } from '#core/arn.ts';
import { defineCollection } from '#storage/state/state.ts';
import { type FilterPolicy, openFilterPolicy } from './filter-policy.ts';

/** Keyed by the topic's name. */
export const TOPICS = defineCollection<TopicDocument>('sns.topics');
/** Keyed by the topic's name, a slash and the subscription's id, in the scope of the topic. */
export const SUBSCRIPTIONS = defineCollection<SubscriptionDocument>('sns.subscriptions');

export interface TopicDocument {
  name: string;
  createdAtMs: number;
  /** What the caller set; what is absent has AWS's default. */
  attributes: Record<string, string>;
  tags: Record<string, string>;
  subscriptionsDeleted: number;
}

export type Protocol = 'sqs' | 'lambda';

export interface SubscriptionDocument {
  id: string;
  topicName: string;
  protocol: Protocol;
  endpoint: string;
  owner: string;
  /** Who subscribed. */
  principalArn: string;
  attributes: Record<string, string>;
  createdAtMs: number;
  /** Set until the endpoint's owner has confirmed with this token. */
  pendingToken?: string;
}

export interface Topic {
  readonly account: string;
  readonly region: string;
  readonly arn: string;
  readonly name: string;
  readonly document: TopicDocument;
  /** By ARN. One map for the topic's life in this process. */
  readonly subscriptions: Map<string, Subscription>;
}

export interface Subscription {
  readonly arn: string;
  readonly document: SubscriptionDocument;
  readonly raw: boolean;
  readonly filter: FilterPolicy | undefined;
  readonly deadLetterArn: string | undefined;
}

export function topicArn(scope: { account: string; region: string }, name: string): string {
  return formatArn({ service: 'sns', region: scope.region, account: scope.account, resource: name });
}

export function openTopic(
  { account, region }: { account: string; region: string },
  document: TopicDocument,
  subscriptions: Map<string, Subscription> = new Map(),
): Topic {
  return {
    account,
    region,
    arn: topicArn({ account, region }, document.name),
    name: document.name,
    document,
    subscriptions,
  };
}

export function openSubscription(topic: string, document: SubscriptionDocument): Subscription {
  const { attributes } = document;
  return {
    arn: `${topic}:${document.id}`,
    document,
    raw: attributes.RawMessageDelivery === 'true',
    filter: openFilterPolicy(attributes),
    deadLetterArn: attributes.RedrivePolicy ? JSON.parse(attributes.RedrivePolicy).deadLetterTargetArn : undefined,
  };
}

export function subscriptionKey(document: SubscriptionDocument): string {
  return `${document.topicName}/${document.id}`;
}
