// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html

import type { DeleteLogGroupRequest } from '@aws-sdk/client-cloudwatch-logs';
import type { Handler } from '#wire/service.ts';
import { Constraints, LOG_GROUP_NAME } from '../constraints.ts';
import { refuseWhenProtected } from '../deletion-protection.ts';
import { groupDoesNotExist, requireGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

export function deleteLogGroup(logs: Logs): Handler<DeleteLogGroupRequest, object> {
  return async ({ logGroupName }, context) => {
    new Constraints().text('logGroupName', logGroupName, LOG_GROUP_NAME).check();
    const group = await requireGroup(logs, context, logGroupName!);
    refuseWhenProtected(group);
    if (!(await logs.store.groups.delete(group))) throw groupDoesNotExist();
    return {};
  };
}
