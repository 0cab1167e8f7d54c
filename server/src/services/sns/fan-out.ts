// From a published message to one delivery a subscription: filtered, in the form of its protocol, signed.

import type { DeliveryRequest, RetryPolicy } from '#engines/delivery/delivery.ts';
import { lambdaEventJson, type Notification, notificationJson, signedParts } from './envelope.ts';
import { judge } from './filter-policy.ts';
import type { MessageAttributes } from './message-attributes.ts';
import { measure, SNS_PRINCIPAL, type Sns } from './sns.ts';
import type { Subscription, Topic } from './topic.ts';

/**
 * Towards queues and functions SNS goes on for 23 days: some quick attempts, then one every 20 seconds.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
 */
export const RETRY_POLICY: RetryPolicy = {
  maximumAttempts: 100_015,
  maximumAgeMs: 23 * 86_400_000,
  initialBackoffMs: 1_000,
  longestBackoffMs: 20_000,
};

export interface PublishedMessage {
  messageId: string;
  subject: string | undefined;
  /** By protocol where the publisher gave one (MessageStructure json); `default` always. */
  bodies: Record<string, string>;
  attributes: MessageAttributes;
  groupId: string | undefined;
  /** Of messages to FIFO topics. */
  deduplicationId?: string;
  traceHeader: string | undefined;
  /** Scheme, host and port for the URLs in the envelope. */
  endpoint: string;
}

/** The deliveries of a message, not yet enqueued. Counts what filter policies hold back. */
export async function fanOut(sns: Sns, topic: Topic, published: PublishedMessage): Promise<DeliveryRequest[]> {
  const signed = new Map<string, Promise<Notification>>();
  const timestamp = new Date(sns.clock.now()).toISOString();
  const requests: DeliveryRequest[] = [];
  for (const { subscription, message } of recipients(sns, topic, published)) {
    const common = {
      ...addressed(topic, subscription, published),
      ...(published.groupId === undefined ? {} : { messageGroupId: published.groupId }),
    };
    if (subscription.raw) {
      requests.push({ ...common, payload: message, messageAttributes: deliveryAttributes(published.attributes) });
      continue;
    }
    let notification = signed.get(message);
    if (!notification) {
      notification = sign(sns, topic, published, message, timestamp);
      signed.set(message, notification);
    }
    requests.push({ ...common, ...payloadsOf(subscription, await notification, published.endpoint) });
  }
  return requests;
}

/**
 * The deliveries of a message of a FIFO topic. Each FIFO queue gets those of a group in their order; standard queues get neither
 * group nor id. Nothing is signed, as on AWS.
 */
export function fanOutInOrder(
  sns: Sns,
  topic: Topic,
  published: PublishedMessage,
  sequenceNumber: string,
): DeliveryRequest[] {
  const { messageId, subject, attributes, groupId, deduplicationId, endpoint } = published;
  const timestamp = new Date(sns.clock.now()).toISOString();
  return recipients(sns, topic, published).map(({ subscription, message }) => {
    const common = {
      ...addressed(topic, subscription, published),
      ...(subscription.document.endpoint.endsWith('.fifo')
        ? {
            messageGroupId: groupId!,
            messageDeduplicationId: deduplicationId!,
            orderingKey: `${subscription.arn}/${groupId}`,
          }
        : {}),
    };
    if (subscription.raw) return { ...common, payload: message, messageAttributes: deliveryAttributes(attributes) };
    const notification = { messageId, topicArn: topic.arn, subject, message, timestamp, attributes, sequenceNumber };
    return { ...common, ...payloadsOf(subscription, notification, endpoint) };
  });
}

/** Who gets a message, and in which form. Counts what filter policies hold back. */
function recipients(
  sns: Sns,
  topic: Topic,
  published: PublishedMessage,
): { subscription: Subscription; message: string }[] {
  const found: { subscription: Subscription; message: string }[] = [];
  for (const subscription of topic.subscriptions.values()) {
    const { document, filter } = subscription;
    if (document.pendingToken !== undefined) continue;
    const message = published.bodies[document.protocol] ?? published.bodies.default!;
    const verdict = filter ? judge(filter, message, published.attributes) : 'accepted';
    if (verdict === 'accepted') {
      found.push({ subscription, message });
      continue;
    }
    measure(sns, topic, 'NumberOfNotificationsFilteredOut');
    measure(sns, topic, `NumberOfNotificationsFilteredOut-${verdict}`);
  }
  return found;
}

function addressed(topic: Topic, { document, deadLetterArn }: Subscription, { traceHeader }: PublishedMessage) {
  return {
    targetArn: document.endpoint,
    sourceService: SNS_PRINCIPAL,
    sourceArn: topic.arn,
    sourceAccount: topic.account,
    region: topic.region,
    retry: RETRY_POLICY,
    ...(deadLetterArn === undefined ? {} : { deadLetterArn }),
    ...(traceHeader === undefined ? {} : { traceHeader }),
  };
}

async function sign(
  { signer }: Sns,
  topic: Topic,
  { messageId, subject, attributes, endpoint }: PublishedMessage,
  message: string,
  timestamp: string,
): Promise<Notification> {
  const version = topic.document.attributes.SignatureVersion ?? '1';
  const content = { messageId, topicArn: topic.arn, subject, message, timestamp };
  return {
    ...content,
    attributes,
    signature: {
      version,
      value: await signer.sign(signedParts(content), version),
      certificateUrl: `${endpoint}/SimpleNotificationService-${(await signer.key()).id}.pem`,
    },
  };
}

function payloadsOf(
  subscription: Subscription,
  notification: Notification,
  endpoint: string,
): Pick<DeliveryRequest, 'payload' | 'deadLetterPayload'> {
  const unsubscribeUrl = `${endpoint}/?Action=Unsubscribe&SubscriptionArn=${subscription.arn}`;
  const envelope = notificationJson(notification, unsubscribeUrl);
  if (subscription.document.protocol === 'sqs') return { payload: envelope };
  return {
    payload: lambdaEventJson(notification, subscription.arn, unsubscribeUrl),
    ...(subscription.deadLetterArn === undefined ? {} : { deadLetterPayload: envelope }),
  };
}

function deliveryAttributes(attributes: MessageAttributes): NonNullable<DeliveryRequest['messageAttributes']> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { t, s, b }]) => [
      name,
      b === undefined ? { DataType: t, StringValue: s! } : { DataType: t, BinaryValueBase64: b },
    ]),
  );
}
