// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDeliveryDestination.html

import type {
  DeleteDeliveryDestinationPolicyRequest,
  DeleteDeliveryDestinationRequest,
  DeliveryDestination,
  DeliveryDestinationType,
  DescribeDeliveryDestinationsRequest,
  DescribeDeliveryDestinationsResponse,
  GetDeliveryDestinationPolicyRequest,
  GetDeliveryDestinationPolicyResponse,
  GetDeliveryDestinationRequest,
  GetDeliveryDestinationResponse,
  PutDeliveryDestinationPolicyRequest,
  PutDeliveryDestinationPolicyResponse,
  PutDeliveryDestinationRequest,
  PutDeliveryDestinationResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, DESCRIBE_LIMIT } from '../constraints.ts';
import {
  DELIVERIES,
  DELIVERY_DESTINATIONS,
  DELIVERY_NAME,
  type DeliveryDestinationDocument,
  deliveryArn,
  invalid,
  missing,
  pageByCreation,
  tagsOf,
} from '../deliveries/documents.ts';
import type { Logs } from '../logs.ts';
import { policyFault } from '../policy-text.ts';
import { checkTags } from '../tags.ts';

const OUTPUT_FORMAT = { values: ['w3c', 'raw', 'json', 'plain', 'parquet'] };
const DESTINATION_TYPE = { values: ['S3', 'CWL', 'FH', 'XRAY'] };
const LARGEST_POLICY_BYTES = 51_200;

export function putDeliveryDestination({
  sharing,
}: Logs): Handler<PutDeliveryDestinationRequest, PutDeliveryDestinationResponse> {
  return async (input, context) => {
    const name = input.name!;
    const { outputFormat, deliveryDestinationType, tags } = input;
    const resourceArn = input.deliveryDestinationConfiguration?.destinationResourceArn;
    new Constraints()
      .text('name', name, DELIVERY_NAME)
      .text('outputFormat', outputFormat, OUTPUT_FORMAT)
      .text('deliveryDestinationType', deliveryDestinationType, DESTINATION_TYPE)
      .check('ValidationException');
    checkTags(tags, 'ValidationException');
    const type = typeOf(resourceArn, deliveryDestinationType);
    const document = await sharing.state.transact(async (tx) => {
      const existing = await tx.documents.get(DELIVERY_DESTINATIONS, context, name);
      if (existing && existing.type !== type && (await isUsed(tx.documents, context, name))) {
        throw new AwsError('ConflictException', 'The type of a delivery destination that is used cannot be changed.');
      }
      const next: DeliveryDestinationDocument = {
        name,
        type,
        ...(outputFormat && { outputFormat }),
        ...(resourceArn !== undefined && { resourceArn }),
        ...(existing?.policy !== undefined && { policy: existing.policy }),
        tags: tags ?? existing?.tags ?? {},
        createdAtMs: existing?.createdAtMs ?? sharing.clock.now(),
      };
      await tx.documents.put(DELIVERY_DESTINATIONS, context, name, next);
      return next;
    });
    // AWS answers this one without the tags.
    const { tags: _, ...deliveryDestination } = describe(context, document);
    return { deliveryDestination };
  };
}

export function getDeliveryDestination(
  logs: Logs,
): Handler<GetDeliveryDestinationRequest, GetDeliveryDestinationResponse> {
  return async ({ name }, context) => {
    new Constraints().text('name', name, DELIVERY_NAME).check('ValidationException');
    return { deliveryDestination: describe(context, await requireDestination(logs, context, name!)) };
  };
}

export function describeDeliveryDestinations({
  sharing,
}: Logs): Handler<DescribeDeliveryDestinationsRequest, DescribeDeliveryDestinationsResponse> {
  return async ({ limit, nextToken }, context) => {
    new Constraints().number('limit', limit, DESCRIBE_LIMIT).check('ValidationException');
    const all = await sharing.state.documents.range(DELIVERY_DESTINATIONS, context);
    const { page, nextToken: next } = pageByCreation(all, limit, nextToken);
    const deliveryDestinations = page.map((it) => describe(context, it));
    return { deliveryDestinations, ...(next && { nextToken: next }) };
  };
}

export function deleteDeliveryDestination({ sharing }: Logs): Handler<DeleteDeliveryDestinationRequest, object> {
  return async ({ name }, context) => {
    new Constraints().text('name', name, DELIVERY_NAME).check('ValidationException');
    await sharing.state.transact(async (tx) => {
      if (await isUsed(tx.documents, context, name!)) {
        throw new AwsError('ConflictException', 'The delivery destination is used by a delivery. Delete that first.');
      }
      if (!(await tx.documents.delete(DELIVERY_DESTINATIONS, context, name!))) throw missing('Delivery Destination');
    });
    return {};
  };
}

export function putDeliveryDestinationPolicy(
  logs: Logs,
): Handler<PutDeliveryDestinationPolicyRequest, PutDeliveryDestinationPolicyResponse> {
  return async (input, context) => {
    const name = input.deliveryDestinationName!;
    const policy = input.deliveryDestinationPolicy!;
    new Constraints()
      .text('deliveryDestinationName', name, DELIVERY_NAME)
      .text('deliveryDestinationPolicy', policy, { min: 1, max: LARGEST_POLICY_BYTES })
      .check('ValidationException');
    const fault = policyFault(policy, LARGEST_POLICY_BYTES);
    if (fault) throw invalid(`Invalid deliveryDestinationPolicy: ${fault}`);
    await setPolicy(logs, context, name, policy);
    return { policy: { deliveryDestinationPolicy: policy } };
  };
}

export function getDeliveryDestinationPolicy(
  logs: Logs,
): Handler<GetDeliveryDestinationPolicyRequest, GetDeliveryDestinationPolicyResponse> {
  return async ({ deliveryDestinationName }, context) => {
    new Constraints()
      .text('deliveryDestinationName', deliveryDestinationName, DELIVERY_NAME)
      .check('ValidationException');
    const { policy } = await requireDestination(logs, context, deliveryDestinationName!);
    return { policy: policy === undefined ? {} : { deliveryDestinationPolicy: policy } };
  };
}

export function deleteDeliveryDestinationPolicy(logs: Logs): Handler<DeleteDeliveryDestinationPolicyRequest, object> {
  return async ({ deliveryDestinationName }, context) => {
    new Constraints()
      .text('deliveryDestinationName', deliveryDestinationName, DELIVERY_NAME)
      .check('ValidationException');
    await setPolicy(logs, context, deliveryDestinationName!, undefined);
    return {};
  };
}

async function setPolicy({ sharing }: Logs, scope: LogScope, name: string, policy: string | undefined): Promise<void> {
  await sharing.state.transact(async (tx) => {
    const document = await tx.documents.get(DELIVERY_DESTINATIONS, scope, name);
    if (!document) throw missing('Delivery Destination');
    const { policy: _, ...rest } = document;
    const next = policy === undefined ? rest : { ...rest, policy };
    await tx.documents.put(DELIVERY_DESTINATIONS, scope, name, next);
  });
}

async function requireDestination({ sharing }: Logs, scope: LogScope, name: string) {
  const document = await sharing.state.documents.get(DELIVERY_DESTINATIONS, scope, name);
  if (!document) throw missing('Delivery Destination');
  return document;
}

/** What an ARN stands for; only X-Ray is named by its type alone. */
function typeOf(resourceArn: string | undefined, wanted: DeliveryDestinationType | undefined): DeliveryDestinationType {
  if (resourceArn === undefined) {
    if (wanted === 'XRAY') return 'XRAY';
    throw invalid('deliveryDestinationConfiguration must be specified for this type of delivery destination.');
  }
  const arn = parseArn(resourceArn);
  let type: DeliveryDestinationType | undefined;
  if (arn?.service === 's3' && arn.resource !== '') type = 'S3';
  else if (arn?.service === 'logs' && arn.resource.startsWith('log-group:')) type = 'CWL';
  else if (arn?.service === 'firehose' && arn.resource.startsWith('deliverystream/')) type = 'FH';
  if (!type) throw invalid(`Invalid destination resource ARN: ${resourceArn}`);
  if (wanted !== undefined && wanted !== type) {
    throw invalid(`The destination resource is of type ${type}, not ${wanted}: ${resourceArn}`);
  }
  return type;
}

async function isUsed(documents: Pick<Logs['sharing']['state']['documents'], 'range'>, scope: LogScope, name: string) {
  const deliveries = await documents.range(DELIVERIES, scope);
  return deliveries.some(({ value }) => value.destinationName === name);
}

function describe(scope: LogScope, destination: DeliveryDestinationDocument): DeliveryDestination {
  const { name, type, outputFormat, resourceArn, tags } = destination;
  return {
    name,
    arn: deliveryArn(scope, 'delivery-destination', name),
    deliveryDestinationType: type,
    ...(outputFormat && { outputFormat }),
    ...(resourceArn !== undefined && {
      deliveryDestinationConfiguration: { destinationResourceArn: resourceArn },
    }),
    ...tagsOf(tags),
  };
}
