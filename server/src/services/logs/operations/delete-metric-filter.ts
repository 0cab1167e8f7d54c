// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteMetricFilter.html

import type { DeleteMetricFilterRequest } from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, FILTER_NAME, LOG_GROUP_NAME } from '../constraints.ts';
import { requireGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

export function deleteMetricFilter(logs: Logs): Handler<DeleteMetricFilterRequest, object> {
  return async ({ logGroupName, filterName }, context) => {
    new Constraints()
      .text('logGroupName', logGroupName, LOG_GROUP_NAME)
      .text('filterName', filterName, FILTER_NAME)
      .check();
    const group = await requireGroup(logs, context, logGroupName!);
    if (!(await logs.store.metricFilters.delete(group, filterName!))) {
      throw new AwsError('ResourceNotFoundException', 'The specified metric filter does not exist.');
    }
    return {};
  };
}
