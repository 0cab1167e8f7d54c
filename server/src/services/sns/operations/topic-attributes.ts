// GetTopicAttributes and SetTopicAttributes.
// https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html

import type { GetTopicAttributesInput, GetTopicAttributesResponse, SetTopicAttributesInput } from '@aws-sdk/client-sns';
import type { Handler } from '#wire/service.ts';
import { invalidParameter, topicDoesNotExist } from '../errors.ts';
import { isFifo } from '../fifo.ts';
import type { Sns } from '../sns.ts';
import { describeTopic, setAttribute } from '../topic-attributes.ts';

export function getTopicAttributes(sns: Sns): Handler<GetTopicAttributesInput, GetTopicAttributesResponse> {
  return async (input) => ({ Attributes: describeTopic(await sns.topics.topic(input.TopicArn)) });
}

export function setTopicAttributes(sns: Sns): Handler<SetTopicAttributesInput, object> {
  return async (input) => {
    const topic = await sns.topics.topic(input.TopicArn);
    await sns.topics.update(topic, topic.name, (current) => {
      if (!current) throw topicDoesNotExist();
      const { AttributeName: name = '', AttributeValue: value = '' } = input;
      return { ...current, attributes: setAttribute(isFifo(topic), current.attributes, name, value, invalidParameter) };
    });
    return {};
  };
}
