// Whether the destinations of a configuration are there and let S3 in: functions are asked by a dry run, queues and
// topics by the test event that AWS sends them.

import { serviceCaller } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import type { BucketDocument } from '../documents.ts';
import type { S3 } from '../s3.ts';
import type { Destination, NotificationRule } from './configuration.ts';
import { bucketArn, testEventMessage } from './event-record.ts';
import { deliveryTo } from './notify.ts';

/** Throws InvalidArgument that lists each destination that fails, and why. */
export async function validateDestinations(
  s3: S3,
  bucket: BucketDocument,
  rules: readonly NotificationRule[],
  context: RequestContext,
): Promise<void> {
  const failures: { arn: string; reason: string }[] = [];
  const byArn = new Map(rules.map((rule) => [rule.arn, rule.destination]));
  // Functions first: a test event cannot be taken back.
  for (const destination of ['lambda', 'sqs', 'sns'] as const) {
    for (const [arn, kind] of byArn) {
      if (kind !== destination || (destination !== 'lambda' && failures.length > 0)) continue;
      const reason = await tryDestination(s3, bucket, destination, arn, context);
      if (reason !== undefined) failures.push({ arn, reason });
    }
  }
  if (failures.length === 0) return;
  const fields: Record<string, unknown> = {};
  for (const [i, { arn, reason }] of failures.entries()) {
    fields[`ArgumentName${i + 1}`] = `${arn}, null`;
    fields[`ArgumentValue${i + 1}`] = reason;
  }
  throw new AwsError('InvalidArgument', 'Unable to validate the following destination configurations', {
    status: 400,
    fields,
  });
}

/** Why the destination does not do; undefined when it does. */
async function tryDestination(
  s3: S3,
  bucket: BucketDocument,
  destination: Destination,
  arn: string,
  context: RequestContext,
): Promise<string | undefined> {
  if (destination === 'sqs' && arn.endsWith('.fifo')) return 'SQS FIFO queues are not supported as a destination';
  try {
    if (destination === 'lambda') {
      const { account, region } = bucket;
      const caller = serviceCaller(
        's3.amazonaws.com',
        { account, region, sourceArn: bucketArn(bucket) },
        context.requestId,
      );
      await s3.call('lambda', 'Invoke', { FunctionName: arn, InvocationType: 'DryRun' }, caller);
    } else {
      await s3.delivery.deliverNow(
        deliveryTo({ arn, destination }, bucket, testEventMessage(bucket, context, s3.clock.now())),
      );
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof AwsError) || error.status === 501) throw error;
    return reasonOf(destination, arn, error.code);
  }
}

function reasonOf(destination: Destination, arn: string, code: string): string {
  const isMissing = /NotFound|NonExistent|DoesNotExist/.test(code);
  switch (destination) {
    case 'lambda':
      return isMissing
        ? 'The destination Lambda function does not exist'
        : `Not authorized to invoke function [${arn}]`;
    case 'sqs':
      return isMissing
        ? 'The destination queue does not exist'
        : 'Permissions on the destination queue do not allow S3 to publish notifications from this bucket';
    case 'sns':
      return isMissing
        ? 'The destination topic does not exist'
        : 'Permissions on the destination topic do not allow S3 to publish notifications from this bucket';
  }
}
