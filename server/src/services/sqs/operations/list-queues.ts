// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html

import type { ListQueuesRequest, ListQueuesResult } from '@aws-sdk/client-sqs';
import type { Handler } from '#wire/service.ts';
import { pageOf } from '../paging.ts';
import { queueUrl } from '../queue-directory.ts';
import type { Sqs } from '../sqs.ts';

export function listQueues(sqs: Sqs): Handler<ListQueuesRequest, ListQueuesResult> {
  return async (input, context) => {
    const prefix = input.QueueNamePrefix ?? '';
    const queues = (await sqs.queues.list(context)).filter(({ name }) => name.startsWith(prefix));
    const { page, nextToken } = pageOf(queues, input.MaxResults, input.NextToken);
    return {
      ...(page.length > 0 ? { QueueUrls: page.map((queue) => queueUrl(context.endpoint, queue)) } : {}),
      ...(nextToken ? { NextToken: nextToken } : {}),
    };
  };
}
