// The message by which an endpoint of another account is asked whether it wants a subscription.
// https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html

import { uuid } from '#core/ids.ts';
import type { DeliveryRequest } from '#engines/delivery/delivery.ts';
import { layOut } from './envelope.ts';
import { RETRY_POLICY } from './fan-out.ts';
import { SNS_PRINCIPAL } from './sns.ts';
import type { SubscriptionDocument, Topic } from './topic.ts';

export function confirmationRequest(
  topic: Topic,
  document: SubscriptionDocument,
  endpoint: string,
  nowMs: number,
): DeliveryRequest {
  const token = document.pendingToken!;
  const messageId = uuid();
  const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: topic.arn, Token: token });
  return {
    targetArn: document.endpoint,
    payload: layOut({
      Type: 'SubscriptionConfirmation',
      MessageId: messageId,
      Token: token,
      TopicArn: topic.arn,
      Message: `You have chosen to subscribe to the topic ${topic.arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
      SubscribeURL: `${endpoint}/?${query}`,
      Timestamp: new Date(nowMs).toISOString(),
    }),
    sourceService: SNS_PRINCIPAL,
    sourceArn: topic.arn,
    sourceAccount: topic.account,
    region: topic.region,
    retry: RETRY_POLICY,
    ...(document.endpoint.endsWith('.fifo') ? { messageGroupId: topic.name, messageDeduplicationId: messageId } : {}),
  };
}
