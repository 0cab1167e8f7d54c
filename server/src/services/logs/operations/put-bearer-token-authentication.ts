// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutBearerTokenAuthentication.html

import type { PutBearerTokenAuthenticationRequest } from '@aws-sdk/client-cloudwatch-logs';
import type { Handler } from '#wire/service.ts';
import { Constraints, LOG_GROUP_IDENTIFIER } from '../constraints.ts';
import { groupDoesNotExist, requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

export function putBearerTokenAuthentication(logs: Logs): Handler<PutBearerTokenAuthenticationRequest, object> {
  return async ({ logGroupIdentifier, bearerTokenAuthenticationEnabled }, context) => {
    new Constraints().text('logGroupIdentifier', logGroupIdentifier, LOG_GROUP_IDENTIFIER).check();
    const group = await requireIdentifiedGroup(logs, context, logGroupIdentifier!);
    const done = await logs.store.groups.update(group, ({ bearerTokenAuthentication: _, ...document }) =>
      bearerTokenAuthenticationEnabled ? { ...document, bearerTokenAuthentication: true } : document,
    );
    if (!done) throw groupDoesNotExist();
    return {};
  };
}
