// The rules of cost allocation tags.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html

import { invalidParameterValue } from './errors.ts';

const MAX_TAGS = 50;
const MAX_KEY = 128;
const MAX_VALUE = 256;

/** Throws InvalidParameterValue for tags that no queue can have. */
export function checkTags(tags: Readonly<Record<string, string>>): void {
  const entries = Object.entries(tags);
  if (entries.length > MAX_TAGS) throw invalidParameterValue(`Too many tags added for queue. Maximum is ${MAX_TAGS}.`);
  for (const [key, value] of entries) {
    if (key.length === 0 || key.length > MAX_KEY) {
      throw invalidParameterValue(`Tag keys must be between 1 and ${MAX_KEY} characters in length.`);
    }
    if (/^aws:/i.test(key)) throw invalidParameterValue('Tag keys starting with aws: are reserved for system use.');
    if (value.length > MAX_VALUE) {
      throw invalidParameterValue(`Tag values must be between 0 and ${MAX_VALUE} characters in length.`);
    }
  }
}
