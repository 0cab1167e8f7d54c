// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogGroupDeletionProtection.html

import type { PutLogGroupDeletionProtectionRequest } from '@aws-sdk/client-cloudwatch-logs';
import type { Handler } from '#wire/service.ts';
import { Constraints, LOG_GROUP_IDENTIFIER } from '../constraints.ts';
import { groupDoesNotExist, requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

export function putLogGroupDeletionProtection(logs: Logs): Handler<PutLogGroupDeletionProtectionRequest, object> {
  return async ({ logGroupIdentifier, deletionProtectionEnabled }, context) => {
    new Constraints().text('logGroupIdentifier', logGroupIdentifier, LOG_GROUP_IDENTIFIER).check();
    const group = await requireIdentifiedGroup(logs, context, logGroupIdentifier!);
    const done = await logs.store.groups.update(group, ({ deletionProtection: _, ...document }) =>
      deletionProtectionEnabled ? { ...document, deletionProtection: true } : document,
    );
    if (!done) throw groupDoesNotExist();
    return {};
  };
}
