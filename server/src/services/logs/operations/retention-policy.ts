// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteRetentionPolicy.html

import type { DeleteRetentionPolicyRequest, PutRetentionPolicyRequest } from '@aws-sdk/client-cloudwatch-logs';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, LOG_GROUP_NAME } from '../constraints.ts';
import { groupDoesNotExist, requireGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

export function putRetentionPolicy(logs: Logs): Handler<PutRetentionPolicyRequest, object> {
  return async ({ logGroupName, retentionInDays }, context) => {
    new Constraints().text('logGroupName', logGroupName, LOG_GROUP_NAME).check();
    if (!RETENTION_DAYS.includes(retentionInDays!)) {
      throw invalidParameter(`Invalid retention value. Valid values are: [${RETENTION_DAYS.join(', ')}]`);
    }
    const group = await requireGroup(logs, context, logGroupName!);
    if (group.document.logGroupClass === 'DELIVERY') {
      throw invalidParameter('The retention of log groups of the DELIVERY class cannot be changed.');
    }
    const done = await logs.store.groups.update(group, (document) => ({
      ...document,
      retentionInDays: retentionInDays!,
    }));
    if (!done) throw groupDoesNotExist();
    return {};
  };
}

export function deleteRetentionPolicy(logs: Logs): Handler<DeleteRetentionPolicyRequest, object> {
  return async ({ logGroupName }, context) => {
    new Constraints().text('logGroupName', logGroupName, LOG_GROUP_NAME).check();
    const group = await requireGroup(logs, context, logGroupName!);
    if (group.document.logGroupClass === 'DELIVERY') {
      throw invalidParameter('The retention of log groups of the DELIVERY class cannot be changed.');
    }
    const done = await logs.store.groups.update(group, ({ retentionInDays: _, ...document }) => document);
    if (!done) throw groupDoesNotExist();
    return {};
  };
}
