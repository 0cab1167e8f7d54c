// What a subscriber gets: the JSON envelope for queues, the event for functions.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html

import type { MessageAttributes } from './message-attributes.ts';

/** A notification as one protocol's subscribers get it: signed, or numbered where the topic is FIFO. */
export interface Notification {
  messageId: string;
  topicArn: string;
  subject: string | undefined;
  message: string;
  timestamp: string;
  attributes: MessageAttributes;
  sequenceNumber?: string;
  signature?: { version: string; value: string; certificateUrl: string };
}

/** What the signature covers, in AWS's order. */
export function signedParts(
  notification: Pick<Notification, 'message' | 'messageId' | 'subject' | 'timestamp' | 'topicArn'>,
): [string, string][] {
  return [
    ['Message', notification.message],
    ['MessageId', notification.messageId],
    ...(notification.subject === undefined ? [] : ([['Subject', notification.subject]] as [string, string][])),
    ['Timestamp', notification.timestamp],
    ['TopicArn', notification.topicArn],
    ['Type', 'Notification'],
  ];
}

/** The body of an SQS message, laid out as AWS does. */
export function notificationJson(notification: Notification, unsubscribeUrl: string): string {
  const { signature } = notification;
  return layOut({
    Type: 'Notification',
    MessageId: notification.messageId,
    ...(notification.sequenceNumber === undefined ? {} : { SequenceNumber: notification.sequenceNumber }),
    TopicArn: notification.topicArn,
    ...(notification.subject === undefined ? {} : { Subject: notification.subject }),
    Message: notification.message,
    Timestamp: notification.timestamp,
    ...(signature && {
      SignatureVersion: signature.version,
      Signature: signature.value,
      SigningCertURL: signature.certificateUrl,
    }),
    UnsubscribeURL: unsubscribeUrl,
    ...(Object.keys(notification.attributes).length > 0 ? { MessageAttributes: envelopeAttributes(notification) } : {}),
  });
}

/** The event of a function. https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html */
export function lambdaEventJson(notification: Notification, subscriptionArn: string, unsubscribeUrl: string): string {
  return JSON.stringify({
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: subscriptionArn,
        Sns: {
          Type: 'Notification',
          MessageId: notification.messageId,
          TopicArn: notification.topicArn,
          Subject: notification.subject ?? null,
          Message: notification.message,
          Timestamp: notification.timestamp,
          SignatureVersion: notification.signature?.version,
          Signature: notification.signature?.value,
          SigningCertUrl: notification.signature?.certificateUrl,
          UnsubscribeUrl: unsubscribeUrl,
          MessageAttributes: envelopeAttributes(notification),
        },
      },
    ],
  });
}

/** One member a line, ` : ` between name and value: some subscribers are known to rely on it. */
export function layOut(members: Record<string, unknown>): string {
  const lines = Object.entries(members).map(([name, value]) => {
    if (typeof value !== 'object' || value === null) return `  ${JSON.stringify(name)} : ${JSON.stringify(value)}`;
    const inner = Object.entries(value).map(([key, item]) => `    ${JSON.stringify(key)} : ${JSON.stringify(item)}`);
    return `  ${JSON.stringify(name)} : {\n${inner.join(',\n')}\n  }`;
  });
  return `{\n${lines.join(',\n')}\n}`;
}

function envelopeAttributes({ attributes }: Notification): Record<string, { Type: string; Value: string }> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { t, s, b }]) => [name, { Type: t, Value: b ?? s ?? '' }]),
  );
}
