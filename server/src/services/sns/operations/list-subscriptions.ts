// ListSubscriptions and ListSubscriptionsByTopic.
// https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptions.html

import type {
  ListSubscriptionsByTopicInput,
  ListSubscriptionsByTopicResponse,
  ListSubscriptionsInput,
  ListSubscriptionsResponse,
  Subscription as SubscriptionOutput,
} from '@aws-sdk/client-sns';
import type { Handler } from '#wire/service.ts';
import { pageOf } from '../paging.ts';
import type { Sns } from '../sns.ts';
import type { Subscription, Topic } from '../topic.ts';

export function listSubscriptions(sns: Sns): Handler<ListSubscriptionsInput, ListSubscriptionsResponse> {
  return async (input, context) => answer(await sns.topics.subscriptionsOf(context), input.NextToken);
}

export function listSubscriptionsByTopic(
  sns: Sns,
): Handler<ListSubscriptionsByTopicInput, ListSubscriptionsByTopicResponse> {
  return async (input) => {
    const topic = await sns.topics.topic(input.TopicArn);
    const subscriptions = [...topic.subscriptions.values()].sort((a, b) => (a.arn < b.arn ? -1 : 1));
    return answer(
      subscriptions.map((subscription) => ({ topic, subscription })),
      input.NextToken,
    );
  };
}

function answer(
  subscriptions: { topic: Topic; subscription: Subscription }[],
  token: string | undefined,
): ListSubscriptionsResponse {
  const { page, nextToken } = pageOf(subscriptions, ({ subscription }) => subscription.arn, token);
  return { Subscriptions: page.map(outputOf), ...(nextToken ? { NextToken: nextToken } : {}) };
}

function outputOf({ topic, subscription }: { topic: Topic; subscription: Subscription }): SubscriptionOutput {
  const { document } = subscription;
  return {
    SubscriptionArn: document.pendingToken === undefined ? subscription.arn : 'PendingConfirmation',
    Owner: document.owner,
    Protocol: document.protocol,
    Endpoint: document.endpoint,
    TopicArn: topic.arn,
  };
}
