// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListDeadLetterSourceQueues.html

import type { ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResult } from '@aws-sdk/client-sqs';
import type { Handler } from '#wire/service.ts';
import { deadLetterSources } from '../dead-letter.ts';
import { pageOf } from '../paging.ts';
import { queueUrl } from '../queue-directory.ts';
import { queueOf, type Sqs } from '../sqs.ts';

export function listDeadLetterSourceQueues(
  sqs: Sqs,
): Handler<ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResult> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const sources = await deadLetterSources(sqs.queues, queue);
    const { page, nextToken } = pageOf(sources, input.MaxResults, input.NextToken);
    return {
      queueUrls: page.map((source) => queueUrl(context.endpoint, source)),
      ...(nextToken ? { NextToken: nextToken } : {}),
    };
  };
}
