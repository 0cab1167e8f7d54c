// The rules of tags on topics. https://docs.aws.amazon.com/sns/latest/dg/sns-tags.html

import type { Tag } from '@aws-sdk/client-sns';
import { AwsError } from '#core/errors.ts';
import { invalidParameter } from './errors.ts';

const MAX_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;

/** A list of tags as a map; throws InvalidParameter for keys twice or malformed. */
export function acceptTags(tags: readonly Tag[] | undefined): Record<string, string> {
  const accepted: Record<string, string> = {};
  for (const { Key: key = '', Value: value = '' } of tags ?? []) {
    if (Object.hasOwn(accepted, key)) throw invalidParameter('Duplicated keys are not allowed.');
    if (key.length === 0 || key.length > MAX_KEY || value.length > MAX_VALUE || /^aws:/i.test(key)) {
      throw invalidParameter('Tags');
    }
    accepted[key] = value;
  }
  return accepted;
}

export function checkTagCount(tags: Readonly<Record<string, string>>): void {
  if (Object.keys(tags).length <= MAX_TAGS) return;
  throw new AwsError('TagLimitExceededException', 'Could not complete request: tag quota of per resource exceeded');
}
