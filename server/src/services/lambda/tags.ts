// https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html

import { AwsError } from '#core/errors.ts';

const MOST_TAGS = 50;
const LONGEST_KEY = 128;
const LONGEST_VALUE = 256;

export function checkTags(tags: Record<string, string>): void {
  const entries = Object.entries(tags);
  if (entries.length > MOST_TAGS) throw invalid('Number of tags exceeds resource tag limit.');
  for (const [key, value] of entries) {
    if (key === '' || key.length > LONGEST_KEY) {
      throw invalid(`The tag key '${key}' must have between 1 and ${LONGEST_KEY} characters.`);
    }
    if (key.toLowerCase().startsWith('aws:')) throw invalid(`The tag key '${key}' must not begin with 'aws:'.`);
    if (value.length > LONGEST_VALUE) {
      throw invalid(`The value of the tag '${key}' must have at most ${LONGEST_VALUE} characters.`);
    }
  }
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}
