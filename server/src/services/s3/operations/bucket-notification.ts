// PutBucketNotificationConfiguration and GetBucketNotificationConfiguration.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html

import type {
  GetBucketNotificationConfigurationRequest,
  NotificationConfiguration,
  PutBucketNotificationConfigurationRequest,
} from '@aws-sdk/client-s3';
import type { Handler } from '#wire/service.ts';
import { BUCKETS, GLOBAL } from '../documents.ts';
import { acceptConfiguration, configurationOutput } from '../notifications/configuration.ts';
import { validateDestinations } from '../notifications/destinations.ts';
import { openBucket, type S3 } from '../s3.ts';

export function putBucketNotificationConfiguration(s3: S3): Handler<PutBucketNotificationConfigurationRequest, object> {
  return async (input, context) => {
    const { state } = s3;
    const { ExpectedBucketOwner, SkipDestinationValidation } = input;
    const bucket = await openBucket(state.documents, input.Bucket, context, ExpectedBucketOwner);
    const configuration = acceptConfiguration(input.NotificationConfiguration!, bucket);
    if (!SkipDestinationValidation) await validateDestinations(s3, bucket, configuration.rules, context);
    await state.transact(async (tx) => {
      const current = await openBucket(tx.documents, input.Bucket, context, ExpectedBucketOwner);
      const { notification: _former, ...rest } = current;
      // An empty configuration turns notifications off.
      const next = configuration.rules.length === 0 ? rest : { ...rest, notification: configuration };
      await tx.documents.put(BUCKETS, GLOBAL, current.name, next);
    });
    return {};
  };
}

export function getBucketNotificationConfiguration({
  state,
}: S3): Handler<GetBucketNotificationConfigurationRequest, NotificationConfiguration> {
  return async (input, context) => {
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    return configurationOutput(bucket.notification);
  };
}
