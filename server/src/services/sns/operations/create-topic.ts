// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html

import type { CreateTopicInput, CreateTopicResponse } from '@aws-sdk/client-sns';
import { notImplemented } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { invalidParameter } from '../errors.ts';
import type { Sns } from '../sns.ts';
import { acceptTags, checkTagCount } from '../tags.ts';
import { openTopic } from '../topic.ts';
import { describeTopic, setAttribute } from '../topic-attributes.ts';

/** Making a topic that is there already succeeds when nothing given differs from what it has. */
export function createTopic(sns: Sns): Handler<CreateTopicInput, CreateTopicResponse> {
  return async (input, context) => {
    const name = input.Name ?? '';
    const given = input.Attributes ?? {};
    const fifo = given.FifoTopic === 'true';
    if (fifo && !/^[A-Za-z0-9_-]{1,251}\.fifo$/.test(name)) {
      throw invalidParameter(
        'Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.',
      );
    }
    if (!fifo && !/^[A-Za-z0-9_-]{1,256}$/.test(name)) throw invalidParameter('Topic Name');
    if (input.DataProtectionPolicy !== undefined) throw notImplemented('CreateTopic', 'DataProtectionPolicy');
    const tags = acceptTags(input.Tags);
    checkTagCount(tags);
    let attributes: Record<string, string> = fifo ? { FifoTopic: 'true', ContentBasedDeduplication: 'false' } : {};
    for (const [attribute, value] of Object.entries(given)) {
      if (attribute === 'FifoTopic') continue;
      attributes = setAttribute(fifo, attributes, attribute, value, (reason) =>
        invalidParameter(`Attributes Reason: ${reason}`),
      );
    }
    const scope = { account: context.account, region: context.region };
    const topic = await sns.topics.update(scope, name, (current) => {
      if (!current) return { name, createdAtMs: sns.clock.now(), attributes, tags, subscriptionsDeleted: 0 };
      const existing = describeTopic(openTopic(scope, current));
      if (Object.entries(attributes).some(([attribute, value]) => existing[attribute] !== value)) {
        throw invalidParameter('Attributes Reason: Topic already exists with different attributes');
      }
      if (input.Tags?.length && !sameTags(current.tags, tags)) {
        throw invalidParameter('Tags Reason: Topic already exists with different tags');
      }
      return undefined;
    });
    return { TopicArn: topic.arn };
  };
}

function sameTags(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
