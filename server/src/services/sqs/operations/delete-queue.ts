// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html

import type { DeleteQueueRequest } from '@aws-sdk/client-sqs';
import type { Handler } from '#wire/service.ts';
import { queueOf, type Sqs } from '../sqs.ts';

export function deleteQueue(sqs: Sqs): Handler<DeleteQueueRequest, object> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    await sqs.queues.delete(queue);
    sqs.fifo.forget(queue);
    sqs.arrivals.ringAll(queue.stateQueue);
    return {};
  };
}
