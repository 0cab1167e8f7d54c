// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html

import type { PurgeQueueRequest } from '@aws-sdk/client-sqs';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { queueDoesNotExist } from '../errors.ts';
import { queueOf, type Sqs } from '../sqs.ts';

const PURGE_INTERVAL_MS = 60_000;

export function purgeQueue(sqs: Sqs): Handler<PurgeQueueRequest, object> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    await sqs.queues.update(queue, queue.name, async (current, tx) => {
      if (!current) throw queueDoesNotExist();
      const nowMs = sqs.clock.now();
      if (current.purgedAtMs !== undefined && nowMs - current.purgedAtMs < PURGE_INTERVAL_MS) {
        throw new AwsError(
          'PurgeQueueInProgress',
          `Only one PurgeQueue operation on ${queue.name} is allowed every ${PURGE_INTERVAL_MS / 1_000} seconds.`,
        );
      }
      await tx.queues.purge(queue.stateQueue);
      return { ...current, purgedAtMs: nowMs };
    });
    queue.live.inFlightAtMost = undefined;
    sqs.fifo.forget(queue);
    return {};
  };
}
