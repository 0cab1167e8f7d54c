// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueUrl.html

import type { GetQueueUrlRequest, GetQueueUrlResult } from '@aws-sdk/client-sqs';
import type { Handler } from '#wire/service.ts';
import { queueUrl } from '../queue-directory.ts';
import type { Sqs } from '../sqs.ts';

export function getQueueUrl(sqs: Sqs): Handler<GetQueueUrlRequest, GetQueueUrlResult> {
  return async (input, context) => {
    const account = input.QueueOwnerAWSAccountId ?? context.account;
    const queue = await sqs.queues.byName({ account, region: context.region }, input.QueueName ?? '');
    return { QueueUrl: queueUrl(context.endpoint, queue) };
  };
}
