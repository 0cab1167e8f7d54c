// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html

import type { CreateLogStreamRequest } from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, LOG_GROUP_NAME, LOG_STREAM_NAME } from '../constraints.ts';
import { groupDoesNotExist, requireGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

export function createLogStream(logs: Logs): Handler<CreateLogStreamRequest, object> {
  return async ({ logGroupName, logStreamName }, context) => {
    new Constraints()
      .text('logGroupName', logGroupName, LOG_GROUP_NAME)
      .text('logStreamName', logStreamName, LOG_STREAM_NAME)
      .check();
    const group = await requireGroup(logs, context, logGroupName!);
    const created = await logs.store.groups.createStream(group, logStreamName!);
    if (group.deleted) throw groupDoesNotExist();
    if (!created) throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    return {};
  };
}
