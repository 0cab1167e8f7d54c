// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDeliverySource.html

import type {
  DeleteDeliverySourceRequest,
  DeliverySource,
  DescribeDeliverySourcesRequest,
  DescribeDeliverySourcesResponse,
  GetDeliverySourceRequest,
  GetDeliverySourceResponse,
  PutDeliverySourceRequest,
  PutDeliverySourceResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, DESCRIBE_LIMIT } from '../constraints.ts';
import {
  DELIVERIES,
  DELIVERY_NAME,
  DELIVERY_SOURCES,
  type DeliverySourceDocument,
  deliveryArn,
  invalid,
  missing,
  pageByCreation,
  tagsOf,
} from '../deliveries/documents.ts';
import type { Logs } from '../logs.ts';
import { checkTags } from '../tags.ts';

/** Which logs the services send, by the service in the ARN of what sends them. */
const LOG_TYPES: Readonly<Record<string, readonly string[]>> = {
  bedrock: ['APPLICATION_LOGS', 'EVENT_LOGS'],
  'bedrock-agentcore': ['APPLICATION_LOGS', 'USAGE_LOGS', 'TRACES'],
  cloudfront: ['ACCESS_LOGS'],
  codewhisperer: ['EVENT_LOGS'],
  ec2: ['EVENT_LOGS'],
  eks: [
    'AUTO_MODE_BLOCK_STORAGE_LOGS',
    'AUTO_MODE_COMPUTE_LOGS',
    'AUTO_MODE_IPAM_LOGS',
    'AUTO_MODE_LOAD_BALANCING_LOGS',
  ],
  elasticloadbalancing: ['NLB_ACCESS_LOGS'],
  entityresolution: ['WORKFLOW_LOGS'],
  mediapackagev2: ['EGRESS_ACCESS_LOGS', 'INGRESS_ACCESS_LOGS'],
  mediatailor: ['AD_DECISION_SERVER_LOGS', 'MANIFEST_SERVICE_LOGS', 'TRANSCODE_LOGS'],
  'network-firewall': ['ALERT_LOGS', 'ALLOW_LOGS', 'DENY_LOGS'],
  pcs: ['PCS_SCHEDULER_LOGS', 'PCS_JOBCOMP_LOGS', 'PCS_SCHEDULER_AUDIT_LOGS'],
  qbusiness: ['EVENT_LOGS', 'SYNC_JOB_LOGS'],
  quicksight: ['CHAT_LOGS', 'FEEDBACK_LOGS'],
  rtbfabric: ['APPLICATION_LOGS'],
  securityhub: ['SECURITY_FINDING_LOGS'],
  ses: ['APPLICATION_LOGS', 'TRAFFIC_POLICY_DEBUG_LOGS'],
  sso: ['ERROR_LOGS'],
  workmail: [
    'ACCESS_CONTROL_LOGS',
    'AUTHENTICATION_LOGS',
    'WORKMAIL_AVAILABILITY_PROVIDER_LOGS',
    'WORKMAIL_MAILBOX_ACCESS_LOGS',
    'WORKMAIL_PERSONAL_ACCESS_TOKEN_LOGS',
  ],
};
const CONFIGURATION_TEXT = { min: 1, max: 255 };

export function putDeliverySource({ sharing }: Logs): Handler<PutDeliverySourceRequest, PutDeliverySourceResponse> {
  return async (input, context) => {
    const name = input.name!;
    const resourceArn = input.resourceArn!;
    const logType = input.logType!;
    const { tags, deliverySourceConfiguration: configuration } = input;
    new Constraints()
      .text('name', name, DELIVERY_NAME)
      .text('logType', logType, { min: 1, max: 255, pattern: '[\\w]*' })
      .map('deliverySourceConfiguration', configuration, {}, CONFIGURATION_TEXT, CONFIGURATION_TEXT)
      .check('ValidationException');
    checkTags(tags, 'ValidationException');
    const service = parseArn(resourceArn)?.service;
    if (service === undefined) throw invalid(`Invalid resource ARN: ${resourceArn}`);
    const types = LOG_TYPES[service];
    if (!types) throw new AwsError('ResourceNotFoundException', 'Cannot access provided service.');
    if (!types.includes(logType)) {
      throw invalid(`${service} does not send ${logType}. Its log types are: ${types.join(', ')}.`);
    }
    const document = await sharing.state.transact(async (tx) => {
      const existing = await tx.documents.get(DELIVERY_SOURCES, context, name);
      if (existing && (existing.service !== service || existing.logType !== logType)) {
        throw new AwsError('ConflictException', 'The service and log type of a delivery source cannot be changed.');
      }
      const next: DeliverySourceDocument = {
        name,
        resourceArn,
        service,
        logType,
        ...(configuration && { configuration }),
        tags: tags ?? existing?.tags ?? {},
        createdAtMs: existing?.createdAtMs ?? sharing.clock.now(),
      };
      await tx.documents.put(DELIVERY_SOURCES, context, name, next);
      return next;
    });
    return { deliverySource: describe(context, document) };
  };
}

export function getDeliverySource({ sharing }: Logs): Handler<GetDeliverySourceRequest, GetDeliverySourceResponse> {
  return async ({ name }, context) => {
    new Constraints().text('name', name, DELIVERY_NAME).check('ValidationException');
    const document = await sharing.state.documents.get(DELIVERY_SOURCES, context, name!);
    if (!document) throw missing('Delivery Source');
    return { deliverySource: describe(context, document) };
  };
}

export function describeDeliverySources({
  sharing,
}: Logs): Handler<DescribeDeliverySourcesRequest, DescribeDeliverySourcesResponse> {
  return async ({ limit, nextToken }, context) => {
    new Constraints().number('limit', limit, DESCRIBE_LIMIT).check('ValidationException');
    const all = await sharing.state.documents.range(DELIVERY_SOURCES, context);
    const { page, nextToken: next } = pageByCreation(all, limit, nextToken);
    return { deliverySources: page.map((it) => describe(context, it)), ...(next && { nextToken: next }) };
  };
}

export function deleteDeliverySource({ sharing }: Logs): Handler<DeleteDeliverySourceRequest, object> {
  return async ({ name }, context) => {
    new Constraints().text('name', name, DELIVERY_NAME).check('ValidationException');
    await sharing.state.transact(async (tx) => {
      const deliveries = await tx.documents.range(DELIVERIES, context);
      if (deliveries.some(({ value }) => value.sourceName === name)) {
        throw new AwsError('ConflictException', 'The delivery source is used by a delivery. Delete that first.');
      }
      if (!(await tx.documents.delete(DELIVERY_SOURCES, context, name!))) throw missing('Delivery Source');
    });
    return {};
  };
}

function describe(scope: LogScope, source: DeliverySourceDocument): DeliverySource {
  const { name, resourceArn, service, logType, configuration, tags } = source;
  return {
    name,
    arn: deliveryArn(scope, 'delivery-source', name),
    resourceArns: [resourceArn],
    service,
    logType,
    ...tagsOf(tags),
    ...(configuration && { deliverySourceConfiguration: configuration }),
  };
}
