// Amazon CloudWatch Logs: table of operations.

import { createRequire } from 'node:module';
import { AwsError } from '#core/errors.ts';
import { AnomalyDetectors } from '#engines/logs/anomalies/anomaly-detectors.ts';
import { PatternMining } from '#engines/logs/pattern-mining/pattern-mining.ts';
import { constraintMessage } from '#wire/required-members.ts';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { invalidInputCode } from './constraints.ts';
import { createIngestionSite } from './ingestion/ingestion-site.ts';
import { createInsights } from './insights.ts';
import type { Logs } from './logs.ts';
import { deleteAccountPolicy, describeAccountPolicies, putAccountPolicy } from './operations/account-policies.ts';
import {
  createLogAnomalyDetector,
  deleteLogAnomalyDetector,
  getLogAnomalyDetector,
  listAnomalies,
  listLogAnomalyDetectors,
  updateAnomaly,
  updateLogAnomalyDetector,
} from './operations/anomaly-detectors.ts';
import { createLogGroup } from './operations/create-log-group.ts';
import { createLogStream } from './operations/create-log-stream.ts';
import {
  deleteDataProtectionPolicy,
  getDataProtectionPolicy,
  putDataProtectionPolicy,
} from './operations/data-protection.ts';
import { deleteLogGroup } from './operations/delete-log-group.ts';
import { deleteLogStream } from './operations/delete-log-stream.ts';
import { deleteMetricFilter } from './operations/delete-metric-filter.ts';
import {
  createDelivery,
  deleteDelivery,
  describeDeliveries,
  getDelivery,
  updateDeliveryConfiguration,
} from './operations/deliveries.ts';
import {
  deleteDeliveryDestination,
  deleteDeliveryDestinationPolicy,
  describeDeliveryDestinations,
  getDeliveryDestination,
  getDeliveryDestinationPolicy,
  putDeliveryDestination,
  putDeliveryDestinationPolicy,
} from './operations/delivery-destinations.ts';
import {
  deleteDeliverySource,
  describeDeliverySources,
  getDeliverySource,
  putDeliverySource,
} from './operations/delivery-sources.ts';
import { describeLogGroups } from './operations/describe-log-groups.ts';
import { describeLogStreams } from './operations/describe-log-streams.ts';
import { describeMetricFilters } from './operations/describe-metric-filters.ts';
import {
  deleteDestination,
  describeDestinations,
  putDestination,
  putDestinationPolicy,
} from './operations/destinations.ts';
import { cancelExportTask, createExportTask, describeExportTasks } from './operations/export-tasks.ts';
import { filterLogEvents } from './operations/filter-log-events.ts';
import { getLogEvents } from './operations/get-log-events.ts';
import { getLogObject } from './operations/get-log-object.ts';
import {
  deleteIndexPolicy,
  describeFieldIndexes,
  describeIndexPolicies,
  putIndexPolicy,
} from './operations/index-policies.ts';
import { associateKmsKey, disassociateKmsKey } from './operations/kms-key.ts';
import { listAggregateLogGroupSummaries } from './operations/list-aggregate-log-group-summaries.ts';
import { listLogGroups } from './operations/list-log-groups.ts';
import { getLogGroupFields, getLogRecord } from './operations/log-record.ts';
import {
  createLookupTable,
  deleteLookupTable,
  describeLookupTables,
  getLookupTable,
  updateLookupTable,
} from './operations/lookup-tables.ts';
import { putBearerTokenAuthentication } from './operations/put-bearer-token-authentication.ts';
import { putLogEvents, putRawLogEvents } from './operations/put-log-events.ts';
import { putLogGroupDeletionProtection } from './operations/put-log-group-deletion-protection.ts';
import { putMetricFilter } from './operations/put-metric-filter.ts';
import { deleteQueryDefinition, describeQueryDefinitions, putQueryDefinition } from './operations/query-definitions.ts';
import { describeQueries, getQueryResults, listLogGroupsForQuery, stopQuery } from './operations/query-results.ts';
import { deleteResourcePolicy, describeResourcePolicies, putResourcePolicy } from './operations/resource-policies.ts';
import { deleteRetentionPolicy, putRetentionPolicy } from './operations/retention-policy.ts';
import {
  createScheduledQuery,
  deleteScheduledQuery,
  getScheduledQuery,
  getScheduledQueryHistory,
  listScheduledQueries,
  updateScheduledQuery,
} from './operations/scheduled-queries.ts';
import { startLiveTail } from './operations/start-live-tail.ts';
import { startQuery } from './operations/start-query.ts';
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
import { deleteTransformer, getTransformer, putTransformer, testTransformer } from './operations/transformers.ts';
import { createSharing } from './sharing.ts';

const require = createRequire(import.meta.url);

export const LOGS_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-cloudwatch-logs'),
  signingName: 'logs',
  protocols: ['awsJson1_1'],
  targetPrefix: 'Logs_20140328',
  missingMembers: (missing, operation) => new AwsError(invalidInputCode(operation), constraintMessage(missing)),
};

/** What CloudWatch Logs needs of the dependencies that all services share. */
export type LogsDependencies = Pick<
  ServiceDependencies,
  'logs' | 'clock' | 'state' | 'telemetry' | 'call' | 'delivery' | 'meter' | 'log' | 'config'
>;

export function createLogsService(dependencies: LogsDependencies): Service {
  const { logs: store, clock } = dependencies;
  const sharing = createSharing(dependencies);
  const { subscriptions, exports } = sharing;
  const patternMining = new PatternMining();
  const insights = createInsights(dependencies, patternMining);
  const { state, meter, log } = dependencies;
  const anomalies = new AnomalyDetectors({ state, store, clock, meter, log, patternMining });
  const logs: Logs = { store, clock, sharing, insights, anomalies };
  return {
    name: 'logs',
    model: LOGS_MODEL,
    operations: {
      AssociateKmsKey: associateKmsKey(logs),
      CancelExportTask: cancelExportTask(logs),
      CreateDelivery: createDelivery(logs),
      CreateExportTask: createExportTask(logs),
      CreateLogAnomalyDetector: createLogAnomalyDetector(logs),
      CreateLogGroup: createLogGroup(logs),
      CreateLogStream: createLogStream(logs),
      CreateLookupTable: createLookupTable(logs),
      CreateScheduledQuery: createScheduledQuery(logs),
      DeleteAccountPolicy: deleteAccountPolicy(logs),
      DeleteDataProtectionPolicy: deleteDataProtectionPolicy(logs),
      DeleteDelivery: deleteDelivery(logs),
      DeleteDeliveryDestination: deleteDeliveryDestination(logs),
      DeleteDeliveryDestinationPolicy: deleteDeliveryDestinationPolicy(logs),
      DeleteDeliverySource: deleteDeliverySource(logs),
      DeleteDestination: deleteDestination(logs),
      DeleteIndexPolicy: deleteIndexPolicy(logs),
      DeleteLogAnomalyDetector: deleteLogAnomalyDetector(logs),
      DeleteLogGroup: deleteLogGroup(logs),
      DeleteLogStream: deleteLogStream(logs),
      DeleteLookupTable: deleteLookupTable(logs),
      DeleteMetricFilter: deleteMetricFilter(logs),
      DeleteQueryDefinition: deleteQueryDefinition(logs),
      DeleteResourcePolicy: deleteResourcePolicy(logs),
      DeleteRetentionPolicy: deleteRetentionPolicy(logs),
      DeleteScheduledQuery: deleteScheduledQuery(logs),
      DeleteSubscriptionFilter: deleteSubscriptionFilter(logs),
      DeleteTransformer: deleteTransformer(logs),
      DescribeAccountPolicies: describeAccountPolicies(logs),
      DescribeDeliveries: describeDeliveries(logs),
      DescribeDeliveryDestinations: describeDeliveryDestinations(logs),
      DescribeDeliverySources: describeDeliverySources(logs),
      DescribeDestinations: describeDestinations(logs),
      DescribeExportTasks: describeExportTasks(logs),
      DescribeFieldIndexes: describeFieldIndexes(logs),
      DescribeIndexPolicies: describeIndexPolicies(logs),
      DescribeLogGroups: describeLogGroups(logs),
      DescribeLogStreams: describeLogStreams(logs),
      DescribeLookupTables: describeLookupTables(logs),
      DescribeMetricFilters: describeMetricFilters(logs),
      DescribeQueries: describeQueries(logs),
      DescribeQueryDefinitions: describeQueryDefinitions(logs),
      DescribeResourcePolicies: describeResourcePolicies(logs),
      DescribeSubscriptionFilters: describeSubscriptionFilters(logs),
      DisassociateKmsKey: disassociateKmsKey(logs),
      FilterLogEvents: filterLogEvents(logs),
      GetDataProtectionPolicy: getDataProtectionPolicy(logs),
      GetDelivery: getDelivery(logs),
      GetDeliveryDestination: getDeliveryDestination(logs),
      GetDeliveryDestinationPolicy: getDeliveryDestinationPolicy(logs),
      GetDeliverySource: getDeliverySource(logs),
      GetLogAnomalyDetector: getLogAnomalyDetector(logs),
      GetLogEvents: getLogEvents(logs),
      GetLogGroupFields: getLogGroupFields(logs),
      GetLogObject: getLogObject(logs),
      GetLogRecord: getLogRecord(logs),
      GetLookupTable: getLookupTable(logs),
      GetQueryResults: getQueryResults(logs),
      GetScheduledQuery: getScheduledQuery(logs),
      GetScheduledQueryHistory: getScheduledQueryHistory(logs),
      GetTransformer: getTransformer(logs),
      ListAggregateLogGroupSummaries: listAggregateLogGroupSummaries(logs),
      ListAnomalies: listAnomalies(logs),
      ListLogAnomalyDetectors: listLogAnomalyDetectors(logs),
      ListLogGroups: listLogGroups(logs),
      ListLogGroupsForQuery: listLogGroupsForQuery(logs),
      ListScheduledQueries: listScheduledQueries(logs),
      ListTagsForResource: listTagsForResource(logs),
      ListTagsLogGroup: listTagsLogGroup(logs),
      PutAccountPolicy: putAccountPolicy(logs),
      PutBearerTokenAuthentication: putBearerTokenAuthentication(logs),
      PutDataProtectionPolicy: putDataProtectionPolicy(logs),
      PutDeliveryDestination: putDeliveryDestination(logs),
      PutDeliveryDestinationPolicy: putDeliveryDestinationPolicy(logs),
      PutDeliverySource: putDeliverySource(logs),
      PutDestination: putDestination(logs),
      PutDestinationPolicy: putDestinationPolicy(logs),
      PutIndexPolicy: putIndexPolicy(logs),
      PutLogEvents: putLogEvents(logs),
      PutLogGroupDeletionProtection: putLogGroupDeletionProtection(logs),
      PutMetricFilter: putMetricFilter(logs),
      PutQueryDefinition: putQueryDefinition(logs),
      PutResourcePolicy: putResourcePolicy(logs),
      PutRetentionPolicy: putRetentionPolicy(logs),
      PutSubscriptionFilter: putSubscriptionFilter(logs),
      PutTransformer: putTransformer(logs),
      StartLiveTail: startLiveTail(logs),
      StartQuery: startQuery(logs),
      StopQuery: stopQuery(logs),
      TagLogGroup: tagLogGroup(logs),
      TagResource: tagResource(logs),
      TestMetricFilter: testMetricFilter(),
      TestTransformer: testTransformer(logs),
      UntagLogGroup: untagLogGroup(logs),
      UntagResource: untagResource(logs),
      UpdateAnomaly: updateAnomaly(logs),
      UpdateDeliveryConfiguration: updateDeliveryConfiguration(logs),
      UpdateLogAnomalyDetector: updateLogAnomalyDetector(logs),
      UpdateLookupTable: updateLookupTable(logs),
      UpdateScheduledQuery: updateScheduledQuery(logs),
    },
    rawOperations: { PutLogEvents: putRawLogEvents(logs) },
    web: createIngestionSite(dependencies),
    async start() {
      await store.start();
      await subscriptions.start();
      await insights.scheduler.start();
      exports.start();
      await anomalies.start();
    },
    async stop() {
      await anomalies.stop();
      await insights.scheduler.stop();
      await insights.queries.end();
      await exports.stop();
      await subscriptions.stop();
      await store.stop();
      await patternMining.close();
    },
    async reset() {
      await anomalies.reset();
      insights.scheduler.reset();
      insights.queries.reset();
      await exports.stop();
      exports.start();
      await subscriptions.reset();
      await store.reset();
    },
  };
}
