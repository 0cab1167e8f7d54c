// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html

import type { CreateQueueRequest, CreateQueueResult } from '@aws-sdk/client-sqs';
import { formatArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { checkDeadLetterTarget } from '../dead-letter.ts';
import { invalidParameterValue } from '../errors.ts';
import { newQueueDocument, openQueue } from '../queue.ts';
import { applyAttributes, checkQueueType, differingAttribute } from '../queue-attributes.ts';
import { queueUrl } from '../queue-directory.ts';
import { checkTags } from '../queue-tags.ts';
import type { Sqs } from '../sqs.ts';

/** Making a queue that is there already succeeds when no attribute given differs from what it has. */
export function createQueue(sqs: Sqs): Handler<CreateQueueRequest, CreateQueueResult> {
  return async (input, context) => {
    const name = input.QueueName ?? '';
    const given = (input.Attributes ?? {}) as Record<string, string>;
    const tags = input.tags ?? {};
    checkQueueType(name, given);
    if (given.FifoQueue === undefined && !/^[A-Za-z0-9_-]{1,80}$/.test(name)) {
      throw invalidParameterValue(
        'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
      );
    }
    checkTags(tags);
    const scope = { account: context.account, region: context.region };
    const attributes = applyAttributes({}, given);
    if (attributes.RedrivePolicy && !(await sqs.queues.find(scope, name))) {
      const arn = formatArn({ service: 'sqs', ...scope, resource: name });
      await checkDeadLetterTarget(sqs.queues, { ...scope, arn }, attributes.RedrivePolicy);
    }
    const queue = await sqs.queues.update(scope, name, (current) => {
      if (!current) return newQueueDocument(name, sqs.clock.now(), attributes, tags);
      const differing = differingAttribute(openQueue(scope, current), given);
      if (differing === undefined) return undefined;
      throw new AwsError(
        'QueueNameExists',
        `A queue already exists with the same name and a different value for attribute ${differing}`,
      );
    });
    queue.live.activeAtMs = sqs.clock.now();
    return { QueueUrl: queueUrl(context.endpoint, queue) };
  };
}
