// Entities that metric data and log events may carry: checked, not kept (see the services' GAPS.md).
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/adding-your-own-related-telemetry.html

import type { Entity } from '@aws-sdk/client-cloudwatch';

/** X-Amzn-Failure-Message of metric data, `rejectedEntityInfo` of log events. */
export type EntityFailure =
  | 'InvalidEntity'
  | 'InvalidKeyAttributes'
  | 'InvalidAttributes'
  | 'InvalidTypeValue'
  | 'EntitySizeTooLarge'
  | 'MissingRequiredFields';

export const MAX_ENTITIES = 2;
const KEY_ATTRIBUTES: readonly string[] = ['Type', 'ResourceType', 'Identifier', 'Name', 'Environment'];
const REQUIRED_FIELDS: Record<string, readonly string[]> = {
  Service: ['Name', 'Environment'],
  RemoteService: ['Name'],
  Resource: ['ResourceType', 'Identifier'],
  'AWS::Resource': ['ResourceType', 'Identifier'],
};
const MAX_ATTRIBUTES = 10;
const LONGEST_ATTRIBUTE_NAME = 256;
const LONGEST_VALUE = 2048;

/** What is wrong with an entity, if anything. */
export function entityFailure(entity: Entity | undefined): EntityFailure | undefined {
  if (!entity) return 'InvalidEntity';
  const keys = entity.KeyAttributes;
  if (!keys) return 'InvalidKeyAttributes';
  const names = Object.keys(keys);
  if (names.length < 2 || names.length > 4 || names.some((name) => !KEY_ATTRIBUTES.includes(name)))
    return 'InvalidKeyAttributes';
  if (Object.values(keys).some((value) => !isValue(value))) return 'InvalidKeyAttributes';
  if (keys.Type === undefined) return 'MissingRequiredFields';
  const required = REQUIRED_FIELDS[keys.Type];
  if (!required) return 'InvalidTypeValue';
  if (required.some((name) => keys[name] === undefined)) return 'MissingRequiredFields';
  const attributes = Object.entries(entity.Attributes ?? {});
  if (attributes.length > MAX_ATTRIBUTES) return 'InvalidAttributes';
  const valid = attributes.every(
    ([name, value]) => name.length >= 1 && name.length <= LONGEST_ATTRIBUTE_NAME && isValue(value),
  );
  return valid ? undefined : 'InvalidAttributes';
}

function isValue(value: string | undefined): boolean {
  return value !== undefined && value.length >= 1 && value.length <= LONGEST_VALUE;
}
