// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogStream.html

import type { DeleteLogStreamRequest } from '@aws-sdk/client-cloudwatch-logs';
import type { Handler } from '#wire/service.ts';
import { Constraints, LOG_GROUP_NAME, LOG_STREAM_NAME } from '../constraints.ts';
import { refuseWhenProtected } from '../deletion-protection.ts';
import { requireGroup, requireStream, streamDoesNotExist } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

export function deleteLogStream(logs: Logs): Handler<DeleteLogStreamRequest, object> {
  return async ({ logGroupName, logStreamName }, context) => {
    new Constraints()
      .text('logGroupName', logGroupName, LOG_GROUP_NAME)
      .text('logStreamName', logStreamName, LOG_STREAM_NAME)
      .check();
    const group = await requireGroup(logs, context, logGroupName!);
    const stream = await requireStream(logs, group, logStreamName!);
    refuseWhenProtected(group);
    if (!(await logs.store.groups.deleteStream(group, stream))) throw streamDoesNotExist();
    return {};
  };
}
