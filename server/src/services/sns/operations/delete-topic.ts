// https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html

import type { DeleteTopicInput } from '@aws-sdk/client-sns';
import type { Handler } from '#wire/service.ts';
import { forgetPublications } from '../fifo.ts';
import type { Sns } from '../sns.ts';
import { checkArn } from '../topic-directory.ts';

/** Deleting what is not there succeeds. */
export function deleteTopic(sns: Sns): Handler<DeleteTopicInput, object> {
  return async (input) => {
    checkArn(input.TopicArn ?? '', 'TopicArn');
    const topic = await sns.topics.find(input.TopicArn!);
    if (topic) await sns.topics.delete(topic, (tx) => forgetPublications(tx, topic));
    return {};
  };
}
