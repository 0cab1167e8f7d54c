// The errors that SNS's operations share.

import { AwsError } from '#core/errors.ts';

/** `Invalid parameter: …` */
export function invalidParameter(detail: string): AwsError {
  return new AwsError('InvalidParameterException', `Invalid parameter: ${detail}`);
}

export function topicDoesNotExist(): AwsError {
  return new AwsError('NotFoundException', 'Topic does not exist');
}

export function subscriptionDoesNotExist(): AwsError {
  return new AwsError('NotFoundException', 'Subscription does not exist');
}
