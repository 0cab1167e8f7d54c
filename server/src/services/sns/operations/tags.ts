// TagResource, UntagResource and ListTagsForResource.
// https://docs.aws.amazon.com/sns/latest/api/API_TagResource.html

import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-sns';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import type { Sns } from '../sns.ts';
import { acceptTags, checkTagCount } from '../tags.ts';
import type { Topic } from '../topic.ts';

export function tagResource(sns: Sns): Handler<TagResourceRequest, object> {
  return async (input) => {
    const topic = await resourceOf(sns, input.ResourceArn);
    const given = acceptTags(input.Tags);
    await changeTags(sns, topic, (tags) => ({ ...tags, ...given }));
    return {};
  };
}

export function untagResource(sns: Sns): Handler<UntagResourceRequest, object> {
  return async (input) => {
    const topic = await resourceOf(sns, input.ResourceArn);
    const keys = new Set(input.TagKeys ?? []);
    await changeTags(sns, topic, (tags) => Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.has(key))));
    return {};
  };
}

export function listTagsForResource(sns: Sns): Handler<ListTagsForResourceRequest, ListTagsForResourceResponse> {
  return async (input) => {
    const { tags } = (await resourceOf(sns, input.ResourceArn)).document;
    return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
  };
}

async function resourceOf(sns: Sns, arn: string | undefined): Promise<Topic> {
  const topic = await sns.topics.find(arn ?? '');
  if (!topic) throw resourceDoesNotExist();
  return topic;
}

function resourceDoesNotExist(): AwsError {
  return new AwsError('ResourceNotFoundException', 'Resource does not exist');
}

async function changeTags(
  sns: Sns,
  topic: Topic,
  change: (tags: Record<string, string>) => Record<string, string>,
): Promise<void> {
  await sns.topics.update(topic, topic.name, (current) => {
    if (!current) throw resourceDoesNotExist();
    const tags = change(current.tags);
    checkTagCount(tags);
    return { ...current, tags };
  });
}
