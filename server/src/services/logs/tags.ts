// Tags of log groups. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html

import { AwsError } from '#core/errors.ts';
import { Constraints, type InvalidInputCode } from './constraints.ts';

export const MOST_TAGS = 50;
export const TAG_KEY = { min: 1, max: 128, pattern: '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$' };
const TAG_VALUE = { max: 256, pattern: '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$' };

export function checkTags(tags: Record<string, string> | undefined, code?: InvalidInputCode): void {
  if (!tags) return;
  new Constraints().map('tags', tags, { min: 1, max: MOST_TAGS }, TAG_KEY, TAG_VALUE).check(code);
  const reserved = Object.keys(tags).find((key) => /^aws:/i.test(key));
  if (reserved !== undefined) {
    const message = 'aws: prefixed tag key names are not allowed for external use.';
    throw new AwsError(code ?? 'InvalidParameterException', message);
  }
}

export function addTags(
  current: Record<string, string>,
  added: Record<string, string>,
  resourceName: string,
): Record<string, string> {
  const tags = { ...current, ...added };
  if (Object.keys(tags).length > MOST_TAGS) {
    throw new AwsError('TooManyTagsException', 'The resource has too many tags.', { fields: { resourceName } });
  }
  return tags;
}

export function removeTags(current: Record<string, string>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(current).filter(([key]) => !keys.includes(key)));
}
