// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html

import type { CreateLogGroupRequest } from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import type { LogGroupClass } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, LOG_GROUP_CLASS, LOG_GROUP_NAME } from '../constraints.ts';
import type { Logs } from '../logs.ts';
import { checkTags } from '../tags.ts';

/** Groups of the DELIVERY class keep their events for a day. */
const DELIVERY_RETENTION_DAYS = 1;

export function createLogGroup({ store }: Logs): Handler<CreateLogGroupRequest, object> {
  return async (input, context) => {
    const name = input.logGroupName!;
    const { kmsKeyId, tags, logGroupClass = 'STANDARD', deletionProtectionEnabled } = input;
    new Constraints()
      .text('logGroupName', name, LOG_GROUP_NAME)
      .text('kmsKeyId', kmsKeyId, { max: 256 })
      .text('logGroupClass', logGroupClass, LOG_GROUP_CLASS)
      .check();
    if (/^aws\//i.test(name)) throw invalidParameter('Log groups starting with AWS/ are reserved for AWS.');
    checkTags(tags);
    const created = await store.groups.create(context, name, {
      logGroupClass: logGroupClass as LogGroupClass,
      ...(tags && { tags }),
      ...(kmsKeyId !== undefined && { kmsKeyId }),
      ...(deletionProtectionEnabled && { deletionProtection: true }),
      ...(logGroupClass === 'DELIVERY' && { retentionInDays: DELIVERY_RETENTION_DAYS }),
    });
    if (!created) throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
    return {};
  };
}
