// https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html

import type { UnsubscribeInput } from '@aws-sdk/client-sns';
import type { Handler } from '#wire/service.ts';
import type { Sns } from '../sns.ts';

/** Ending a subscription that is not there succeeds. */
export function unsubscribe(sns: Sns): Handler<UnsubscribeInput, object> {
  return async (input) => {
    const found = await sns.topics.subscription(input.SubscriptionArn);
    if (found) await sns.topics.deleteSubscription(found.topic, found.subscription);
    return {};
  };
}
