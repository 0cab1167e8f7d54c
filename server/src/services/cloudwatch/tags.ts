// Tags of alarms: limits and forms.

import type { Tag } from '@aws-sdk/client-cloudwatch';
import { invalidParameter, missingParameter } from './errors.ts';

export const MAX_TAGS = 50;
const LONGEST_KEY = 128;
const LONGEST_VALUE = 256;

/** Checked; absent is none. */
export function toTags(tags: readonly Tag[] | undefined): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [i, { Key, Value }] of (tags ?? []).entries()) {
    const path = `Tags.member.${i + 1}`;
    if (Key === undefined || Key === '') throw missingParameter(`${path}.Key`);
    if (Value === undefined) throw missingParameter(`${path}.Value`);
    if (Key.length > LONGEST_KEY)
      throw invalidParameter(`The parameter ${path}.Key must be shorter than ${LONGEST_KEY + 1} characters.`);
    if (Value.length > LONGEST_VALUE) {
      throw invalidParameter(`The parameter ${path}.Value must be shorter than ${LONGEST_VALUE + 1} characters.`);
    }
    if (/^aws:/i.test(Key)) throw invalidParameter('aws: prefixed tag key names are not allowed for external use.');
    if (Object.hasOwn(checked, Key))
      throw invalidParameter(`The collection Tags must not contain the key ${Key} twice.`);
    checked[Key] = Value;
  }
  checkTagCount(checked);
  return checked;
}

export function checkTagCount(tags: Record<string, string>): void {
  if (Object.keys(tags).length > MAX_TAGS) {
    throw invalidParameter(`The collection Tags must not have a size greater than ${MAX_TAGS}.`);
  }
}
