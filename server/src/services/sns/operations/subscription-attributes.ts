// GetSubscriptionAttributes and SetSubscriptionAttributes.
// https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html

import type {
  GetSubscriptionAttributesInput,
  GetSubscriptionAttributesResponse,
  SetSubscriptionAttributesInput,
} from '@aws-sdk/client-sns';
import { notImplemented } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { invalidParameter, subscriptionDoesNotExist } from '../errors.ts';
import type { Sns } from '../sns.ts';
import { describeSubscription, isSubscriptionAttribute, setAttribute } from '../subscription-attributes.ts';
import { checkPolicyCount } from './subscribe.ts';

export function getSubscriptionAttributes(
  sns: Sns,
): Handler<GetSubscriptionAttributesInput, GetSubscriptionAttributesResponse> {
  return async (input) => {
    const found = await sns.topics.subscription(input.SubscriptionArn);
    if (!found) throw subscriptionDoesNotExist();
    return { Attributes: describeSubscription(found.topic, found.subscription) };
  };
}

export function setSubscriptionAttributes(sns: Sns): Handler<SetSubscriptionAttributesInput, object> {
  return async (input) => {
    const { AttributeName: name = '', AttributeValue: value = '' } = input;
    const found = await sns.topics.subscription(input.SubscriptionArn);
    if (!found) throw subscriptionDoesNotExist();
    if (name === 'SubscriptionRoleArn' || name === 'ReplayPolicy') {
      throw notImplemented('SetSubscriptionAttributes', `attribute ${name}`);
    }
    if (!isSubscriptionAttribute(name)) throw invalidParameter('AttributeName');
    const { topic, subscription } = found;
    await sns.topics.changeSubscription(topic, subscription, (current) => {
      const attributes = setAttribute(current.attributes, name, value, current, invalidParameter);
      if (attributes.FilterPolicy && !current.attributes.FilterPolicy) checkPolicyCount(topic);
      return { ...current, attributes };
    });
    return {};
  };
}
