// Amazon CloudWatch Logs: table of operations.

import { createRequire } from 'node:module';
import { AwsError } from '#core/errors.ts';
import { constraintMessage } from '#wire/required-members.ts';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import type { Logs } from './logs.ts';
import { createLogGroup } from './operations/create-log-group.ts';
import { createLogStream } from './operations/create-log-stream.ts';
import { deleteLogGroup } from './operations/delete-log-group.ts';
import { deleteLogStream } from './operations/delete-log-stream.ts';
import { deleteMetricFilter } from './operations/delete-metric-filter.ts';
import { describeLogGroups } from './operations/describe-log-groups.ts';
import { describeLogStreams } from './operations/describe-log-streams.ts';
import { describeMetricFilters } from './operations/describe-metric-filters.ts';
import {
  deleteDestination,
  describeDestinations,
  putDestination,
  putDestinationPolicy,
} from './operations/destinations.ts';
import { filterLogEvents } from './operations/filter-log-events.ts';
import { getLogEvents } from './operations/get-log-events.ts';
import { associateKmsKey, disassociateKmsKey } from './operations/kms-key.ts';
import { listLogGroups } from './operations/list-log-groups.ts';
import { putLogEvents, putRawLogEvents } from './operations/put-log-events.ts';
import { putLogGroupDeletionProtection } from './operations/put-log-group-deletion-protection.ts';
import { putMetricFilter } from './operations/put-metric-filter.ts';
import { deleteRetentionPolicy, putRetentionPolicy } from './operations/retention-policy.ts';
import { startLiveTail } from './operations/start-live-tail.ts';
import {
  deleteSubscriptionFilter,
  describeSubscriptionFilters,
  putSubscriptionFilter,
} from './operations/subscription-filters.ts';
import {
  listTagsForResource,
  listTagsLogGroup,
  tagLogGroup,
  tagResource,
  untagLogGroup,
  untagResource,
} from './operations/tags.ts';
import { testMetricFilter } from './operations/test-metric-filter.ts';
import { createSharing } from './sharing.ts';

const require = createRequire(import.meta.url);

export const LOGS_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-cloudwatch-logs'),
  signingName: 'logs',
  protocols: ['awsJson1_1'],
  targetPrefix: 'Logs_20140328',
  missingMembers: (missing) => new AwsError('InvalidParameterException', constraintMessage(missing)),
};

/** What CloudWatch Logs needs of the dependencies that all services share. */
export type LogsDependencies = Pick<
  ServiceDependencies,
  'logs' | 'clock' | 'state' | 'telemetry' | 'call' | 'delivery' | 'meter' | 'log'
>;

export function createLogsService(dependencies: LogsDependencies): Service {
  const { logs: store, clock } = dependencies;
  const sharing = createSharing(dependencies);
  const { subscriptions } = sharing;
  const logs: Logs = { store, clock, sharing };
  return {
    name: 'logs',
    model: LOGS_MODEL,
    operations: {
      AssociateKmsKey: associateKmsKey(logs),
      CreateLogGroup: createLogGroup(logs),
      CreateLogStream: createLogStream(logs),
      DeleteDestination: deleteDestination(logs),
      DeleteLogGroup: deleteLogGroup(logs),
      DeleteLogStream: deleteLogStream(logs),
      DeleteMetricFilter: deleteMetricFilter(logs),
      DeleteRetentionPolicy: deleteRetentionPolicy(logs),
      DeleteSubscriptionFilter: deleteSubscriptionFilter(logs),
      DescribeDestinations: describeDestinations(logs),
      DescribeLogGroups: describeLogGroups(logs),
      DescribeLogStreams: describeLogStreams(logs),
      DescribeMetricFilters: describeMetricFilters(logs),
      DescribeSubscriptionFilters: describeSubscriptionFilters(logs),
      DisassociateKmsKey: disassociateKmsKey(logs),
      FilterLogEvents: filterLogEvents(logs),
      GetLogEvents: getLogEvents(logs),
      ListLogGroups: listLogGroups(logs),
      ListTagsForResource: listTagsForResource(logs),
      ListTagsLogGroup: listTagsLogGroup(logs),
      PutDestination: putDestination(logs),
      PutDestinationPolicy: putDestinationPolicy(logs),
      PutLogEvents: putLogEvents(logs),
      PutLogGroupDeletionProtection: putLogGroupDeletionProtection(logs),
      PutMetricFilter: putMetricFilter(logs),
      PutRetentionPolicy: putRetentionPolicy(logs),
      PutSubscriptionFilter: putSubscriptionFilter(logs),
      StartLiveTail: startLiveTail(logs),
      TagLogGroup: tagLogGroup(logs),
      TagResource: tagResource(logs),
      TestMetricFilter: testMetricFilter(),
      UntagLogGroup: untagLogGroup(logs),
      UntagResource: untagResource(logs),
    },
    rawOperations: { PutLogEvents: putRawLogEvents(logs) },
    async start() {
      await store.start();
      await subscriptions.start();
    },
    async stop() {
      await subscriptions.stop();
      await store.stop();
    },
    async reset() {
      await subscriptions.reset();
      await store.reset();
    },
  };
}
