// https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html

import type { ListTopicsInput, ListTopicsResponse } from '@aws-sdk/client-sns';
import type { Handler } from '#wire/service.ts';
import { pageOf } from '../paging.ts';
import type { Sns } from '../sns.ts';

export function listTopics(sns: Sns): Handler<ListTopicsInput, ListTopicsResponse> {
  return async (input, context) => {
    const { page, nextToken } = pageOf(await sns.topics.list(context), ({ name }) => name, input.NextToken);
    return { Topics: page.map(({ arn }) => ({ TopicArn: arn })), ...(nextToken ? { NextToken: nextToken } : {}) };
  };
}
