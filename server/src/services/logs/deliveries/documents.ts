// Deliveries of the logs that AWS's services send ("vended logs"): a source and a destination, and what joins them.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html

import type { DeliveryDestinationType, OutputFormat } from '@aws-sdk/client-cloudwatch-logs';
import { formatArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import { defineCollection } from '#storage/state/state.ts';
import type { TextConstraint } from '../constraints.ts';
import { pageByName } from '../page-token.ts';

export interface DeliverySourceDocument {
  name: string;
  resourceArn: string;
  service: string;
  logType: string;
  configuration?: Record<string, string>;
  tags: Record<string, string>;
  createdAtMs?: number;
}

export interface DeliveryDestinationDocument {
  name: string;
  type: DeliveryDestinationType;
  outputFormat?: OutputFormat;
  /** Not of X-Ray. */
  resourceArn?: string;
  policy?: string;
  tags: Record<string, string>;
  createdAtMs?: number;
}

export interface DeliveryDocument {
  id: string;
  sourceName: string;
  destinationName: string;
  recordFields?: string[];
  fieldDelimiter?: string;
  s3?: { suffixPath?: string; enableHiveCompatiblePath?: boolean };
  tags: Record<string, string>;
  createdAtMs?: number;
}

/** Keyed by name, by name, and by id. */
export const DELIVERY_SOURCES = defineCollection<DeliverySourceDocument>('logs.delivery-sources');
export const DELIVERY_DESTINATIONS = defineCollection<DeliveryDestinationDocument>('logs.delivery-destinations');
export const DELIVERIES = defineCollection<DeliveryDocument>('logs.deliveries');

export const DELIVERY_NAME: TextConstraint = { min: 1, max: 60, pattern: '[\\w-]*' };
export const DELIVERY_ID: TextConstraint = { min: 1, max: 64, pattern: '^[0-9A-Za-z]+$' };
const DEFAULT_LIMIT = 50;
/** Of milliseconds, enough until the year 33658. */
const TIME_DIGITS = 15;

export function deliveryArn(
  { account, region }: LogScope,
  kind: 'delivery-source' | 'delivery-destination' | 'delivery',
  name: string,
): string {
  return formatArn({ service: 'logs', account, region, resource: `${kind}:${name}` });
}

export function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

export function missing(what: 'Delivery' | 'Delivery Destination' | 'Delivery Source'): AwsError {
  return new AwsError('ResourceNotFoundException', `Requested ${what} does not exist in this account.`);
}

/** A page of what is listed as it was made, the order in which AWS lists all three kinds. */
export function pageByCreation<Item extends { createdAtMs?: number }>(
  stored: readonly { key: string; value: Item }[],
  limit: number | undefined,
  token: string | undefined,
): { page: Item[]; nextToken: string | undefined } {
  const keyOf = ({ key, value }: { key: string; value: Item }) =>
    `${String(value.createdAtMs ?? 0).padStart(TIME_DIGITS, '0')}\n${key}`;
  const sorted = stored.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const { page, nextToken } = pageByName(sorted, keyOf, limit ?? DEFAULT_LIMIT, token, 'ValidationException');
  return { page: page.map(({ value }) => value), nextToken };
}

/** Of an answer: AWS leaves out what is empty. */
export function tagsOf(tags: Record<string, string>): { tags?: Record<string, string> } {
  return Object.keys(tags).length === 0 ? {} : { tags };
}
