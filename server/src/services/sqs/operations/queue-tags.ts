// TagQueue, UntagQueue and ListQueueTags.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_TagQueue.html

import type {
  ListQueueTagsRequest,
  ListQueueTagsResult,
  TagQueueRequest,
  UntagQueueRequest,
} from '@aws-sdk/client-sqs';
import type { Handler } from '#wire/service.ts';
import { missingParameter, queueDoesNotExist } from '../errors.ts';
import { checkTags } from '../queue-tags.ts';
import { queueOf, type Sqs } from '../sqs.ts';

export function tagQueue(sqs: Sqs): Handler<TagQueueRequest, object> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const given = input.Tags ?? {};
    if (Object.keys(given).length === 0) throw missingParameter('Tags');
    await sqs.queues.update(queue, queue.name, (current) => {
      if (!current) throw queueDoesNotExist();
      const tags = { ...current.tags, ...given };
      checkTags(tags);
      return { ...current, tags };
    });
    return {};
  };
}

export function untagQueue(sqs: Sqs): Handler<UntagQueueRequest, object> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const keys = new Set(input.TagKeys ?? []);
    if (keys.size === 0) throw missingParameter('TagKeys');
    await sqs.queues.update(queue, queue.name, (current) => {
      if (!current) throw queueDoesNotExist();
      return { ...current, tags: Object.fromEntries(Object.entries(current.tags).filter(([key]) => !keys.has(key))) };
    });
    return {};
  };
}

export function listQueueTags(sqs: Sqs): Handler<ListQueueTagsRequest, ListQueueTagsResult> {
  return async (input, context) => {
    const { tags } = (await queueOf(sqs, input.QueueUrl, context)).document;
    return Object.keys(tags).length > 0 ? { Tags: tags } : {};
  };
}
