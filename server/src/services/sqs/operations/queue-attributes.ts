// GetQueueAttributes and SetQueueAttributes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html

import type {
  GetQueueAttributesRequest,
  GetQueueAttributesResult,
  SetQueueAttributesRequest,
} from '@aws-sdk/client-sqs';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { checkDeadLetterTarget } from '../dead-letter.ts';
import { queueDoesNotExist } from '../errors.ts';
import { applyAttributes, describeAttributes, selectQueueAttributes, wantsCounts } from '../queue-attributes.ts';
import { queueOf, type Sqs } from '../sqs.ts';

export function getQueueAttributes(sqs: Sqs): Handler<GetQueueAttributesRequest, GetQueueAttributesResult> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const names: readonly string[] = input.AttributeNames ?? [];
    const all = describeAttributes(queue);
    if (wantsCounts(names)) {
      const counts = await sqs.state.queues.counts(queue.stateQueue, sqs.clock.now());
      all.ApproximateNumberOfMessages = String(counts.visible);
      all.ApproximateNumberOfMessagesNotVisible = String(counts.inFlight);
      all.ApproximateNumberOfMessagesDelayed = String(counts.delayed);
    }
    const selected = selectQueueAttributes(all, names);
    return Object.keys(selected).length > 0 ? { Attributes: selected } : {};
  };
}

export function setQueueAttributes(sqs: Sqs): Handler<SetQueueAttributesRequest, object> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const given = (input.Attributes ?? {}) as Record<string, string>;
    if (given.FifoQueue !== undefined) throw new AwsError('InvalidAttributeName', 'Unknown Attribute FifoQueue.');
    applyAttributes(queue.document.attributes, given);
    if (given.RedrivePolicy) await checkDeadLetterTarget(sqs.queues, queue, given.RedrivePolicy);
    const retentionS = given.MessageRetentionPeriod;
    await sqs.queues.update(queue, queue.name, async (current, tx) => {
      if (!current) throw queueDoesNotExist();
      if (retentionS !== undefined) await tx.queues.setRetention(queue.stateQueue, Number(retentionS) * 1_000);
      return {
        ...current,
        attributes: applyAttributes(current.attributes, given),
        modifiedAtMs: sqs.clock.now(),
      };
    });
    return {};
  };
}
