// A delivery joins a source to a destination. None of the services that send such logs is part of Brume, so a delivery
// is kept and given back, and nothing comes through it. DeleteDelivery, GetDelivery, DescribeDeliveries beside.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateDelivery.html

import type {
  CreateDeliveryRequest,
  CreateDeliveryResponse,
  DeleteDeliveryRequest,
  Delivery,
  DescribeDeliveriesRequest,
  DescribeDeliveriesResponse,
  GetDeliveryRequest,
  GetDeliveryResponse,
  UpdateDeliveryConfigurationRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { randomCharacters } from '#core/ids.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, DESCRIBE_LIMIT } from '../constraints.ts';
import {
  DELIVERIES,
  DELIVERY_DESTINATIONS,
  DELIVERY_ID,
  DELIVERY_NAME,
  DELIVERY_SOURCES,
  type DeliveryDestinationDocument,
  type DeliveryDocument,
  type DeliverySourceDocument,
  deliveryArn,
  invalid,
  missing,
  pageByCreation,
  tagsOf,
} from '../deliveries/documents.ts';
import type { Logs } from '../logs.ts';
import { checkTags } from '../tags.ts';

const ID_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_LENGTH = 16;

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html */
const CLOUDFRONT_FIELDS =
  `date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query
  cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol
  ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte
  x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end`.split(/\s+/);
const CLOUDFRONT_SUFFIX = 'AWSLogs/{account-id}/CloudFront/';

type Configuration = Pick<CreateDeliveryRequest, 'recordFields' | 'fieldDelimiter' | 's3DeliveryConfiguration'>;

export function createDelivery({ sharing }: Logs): Handler<CreateDeliveryRequest, CreateDeliveryResponse> {
  return async (input, context) => {
    const sourceName = input.deliverySourceName!;
    const { tags } = input;
    checkConfiguration(new Constraints().text('deliverySourceName', sourceName, DELIVERY_NAME), input);
    checkTags(tags, 'ValidationException');
    const destinationName = destinationNameOf(input.deliveryDestinationArn!, context);
    return sharing.state.transact(async (tx) => {
      const source = await tx.documents.get(DELIVERY_SOURCES, context, sourceName);
      if (!source) throw missing('Delivery Source');
      const destination = await tx.documents.get(DELIVERY_DESTINATIONS, context, destinationName);
      if (!destination) throw missing('Delivery Destination');
      checkFits(destination, input);
      const others = await tx.documents.range(DELIVERIES, context);
      if (others.some(({ value: it }) => it.sourceName === sourceName && it.destinationName === destinationName)) {
        throw new AwsError('ConflictException', 'This delivery source and delivery destination are joined already.');
      }
      const delivery: DeliveryDocument = {
        id: randomCharacters(ID_ALPHABET, ID_LENGTH),
        sourceName,
        destinationName,
        ...defaultConfiguration(source, destination),
        ...configurationOf(input),
        tags: tags ?? {},
        createdAtMs: sharing.clock.now(),
      };
      await tx.documents.put(DELIVERIES, context, delivery.id, delivery);
      return { delivery: describe(context, delivery, destination) };
    });
  };
}

export function updateDeliveryConfiguration({ sharing }: Logs): Handler<UpdateDeliveryConfigurationRequest, object> {
  return async (input, context) => {
    checkConfiguration(new Constraints().text('id', input.id, DELIVERY_ID), input);
    await sharing.state.transact(async (tx) => {
      const delivery = await tx.documents.get(DELIVERIES, context, input.id!);
      if (!delivery) throw missing('Delivery');
      const destination = await tx.documents.get(DELIVERY_DESTINATIONS, context, delivery.destinationName);
      checkFits(destination!, input);
      await tx.documents.put(DELIVERIES, context, delivery.id, { ...delivery, ...configurationOf(input) });
    });
    return {};
  };
}

export function getDelivery({ sharing }: Logs): Handler<GetDeliveryRequest, GetDeliveryResponse> {
  return async ({ id }, context) => {
    new Constraints().text('id', id, DELIVERY_ID).check('ValidationException');
    const { documents } = sharing.state;
    const delivery = await documents.get(DELIVERIES, context, id!);
    const destination = delivery && (await documents.get(DELIVERY_DESTINATIONS, context, delivery.destinationName));
    if (!delivery || !destination) throw missing('Delivery');
    return { delivery: describe(context, delivery, destination) };
  };
}

export function describeDeliveries({ sharing }: Logs): Handler<DescribeDeliveriesRequest, DescribeDeliveriesResponse> {
  return async ({ limit, nextToken }, context) => {
    new Constraints().number('limit', limit, DESCRIBE_LIMIT).check('ValidationException');
    const { documents } = sharing.state;
    const all = await documents.range(DELIVERIES, context);
    const destinations = new Map(
      (await documents.range(DELIVERY_DESTINATIONS, context)).map(({ key, value }) => [key, value]),
    );
    const { page, nextToken: next } = pageByCreation(all, limit, nextToken);
    const deliveries = page.flatMap((delivery) => {
      const destination = destinations.get(delivery.destinationName);
      return destination ? [describe(context, delivery, destination)] : [];
    });
    return { deliveries, ...(next && { nextToken: next }) };
  };
}

export function deleteDelivery({ sharing }: Logs): Handler<DeleteDeliveryRequest, object> {
  return async ({ id }, context) => {
    new Constraints().text('id', id, DELIVERY_ID).check('ValidationException');
    if (!(await sharing.state.transact((tx) => tx.documents.delete(DELIVERIES, context, id!)))) {
      throw missing('Delivery');
    }
    return {};
  };
}

function checkConfiguration(constraints: Constraints, input: Configuration): void {
  constraints
    .list('recordFields', input.recordFields, { max: 128 }, { min: 1, max: 64 })
    .text('fieldDelimiter', input.fieldDelimiter, { max: 5 })
    .text('s3DeliveryConfiguration.suffixPath', input.s3DeliveryConfiguration?.suffixPath, { min: 1, max: 256 })
    .check('ValidationException');
}

/** What AWS publishes of it: CloudFront's, of the first delivery on. */
function defaultConfiguration(
  { service }: DeliverySourceDocument,
  { type }: DeliveryDestinationDocument,
): Pick<DeliveryDocument, 'recordFields' | 's3'> {
  if (service !== 'cloudfront') return {};
  return {
    recordFields: [...CLOUDFRONT_FIELDS],
    ...(type === 'S3' && { s3: { suffixPath: CLOUDFRONT_SUFFIX, enableHiveCompatiblePath: false } }),
  };
}

/** What only some destinations take. */
function checkFits({ type, outputFormat }: DeliveryDestinationDocument, input: Configuration): void {
  if (input.s3DeliveryConfiguration && type !== 'S3') {
    throw invalid('s3DeliveryConfiguration is valid only when the delivery destination is an S3 bucket.');
  }
  if (input.fieldDelimiter && (outputFormat === 'json' || outputFormat === 'parquet')) {
    throw invalid(`fieldDelimiter is not valid for the output format ${outputFormat}.`);
  }
}

function configurationOf({ recordFields, fieldDelimiter, s3DeliveryConfiguration }: Configuration) {
  return {
    ...(recordFields && { recordFields }),
    ...(fieldDelimiter !== undefined && { fieldDelimiter }),
    ...(s3DeliveryConfiguration && { s3: s3DeliveryConfiguration as NonNullable<DeliveryDocument['s3']> }),
  };
}

function destinationNameOf(text: string, scope: LogScope): string {
  const arn = parseArn(text);
  const name = /^delivery-destination:([\w-]{1,60})$/.exec(arn?.resource ?? '')?.[1];
  if (arn?.service !== 'logs' || name === undefined) throw invalid(`Invalid delivery destination ARN: ${text}`);
  if (arn.account !== scope.account || arn.region !== scope.region) throw missing('Delivery Destination');
  return name;
}

function describe(scope: LogScope, delivery: DeliveryDocument, destination: DeliveryDestinationDocument): Delivery {
  const { id, sourceName, destinationName, recordFields, fieldDelimiter, s3, tags } = delivery;
  return {
    id,
    arn: deliveryArn(scope, 'delivery', id),
    deliverySourceName: sourceName,
    deliveryDestinationArn: deliveryArn(scope, 'delivery-destination', destinationName),
    deliveryDestinationType: destination.type,
    ...(recordFields && { recordFields }),
    ...(fieldDelimiter !== undefined && { fieldDelimiter }),
    ...(s3 && { s3DeliveryConfiguration: s3 }),
    ...tagsOf(tags),
  };
}
