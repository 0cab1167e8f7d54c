// GetBucketTagging, PutBucketTagging, DeleteBucketTagging.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html

import type {
  DeleteBucketTaggingRequest,
  GetBucketTaggingOutput,
  GetBucketTaggingRequest,
  PutBucketTaggingRequest,
} from '@aws-sdk/client-s3';
import { AwsError } from '#core/errors.ts';
import { type Handler, RESPONSE_STATUS } from '#wire/service.ts';
import { BUCKETS, GLOBAL } from '../documents.ts';
import { openBucket, type S3 } from '../s3.ts';
import { acceptTagging, MAX_BUCKET_TAGS, tagSet } from '../tags.ts';

export function getBucketTagging({ state }: S3): Handler<GetBucketTaggingRequest, GetBucketTaggingOutput> {
  return async (input, context) => {
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    if (!bucket.tags) {
      throw new AwsError('NoSuchTagSet', 'The TagSet does not exist', {
        status: 404,
        fields: { BucketName: bucket.name },
      });
    }
    return { TagSet: tagSet(bucket.tags) };
  };
}

export function putBucketTagging({ state }: S3): Handler<PutBucketTaggingRequest, object> {
  return async (input, context) => {
    const tags = acceptTagging(input.Tagging, MAX_BUCKET_TAGS);
    await state.transact(async (tx) => {
      const bucket = await openBucket(tx.documents, input.Bucket, context, input.ExpectedBucketOwner);
      await tx.documents.put(BUCKETS, GLOBAL, bucket.name, { ...bucket, tags });
    });
    return { [RESPONSE_STATUS]: 204 };
  };
}

export function deleteBucketTagging({ state }: S3): Handler<DeleteBucketTaggingRequest, object> {
  return async (input, context) => {
    await state.transact(async (tx) => {
      const bucket = await openBucket(tx.documents, input.Bucket, context, input.ExpectedBucketOwner);
      const { tags: _former, ...untagged } = bucket;
      await tx.documents.put(BUCKETS, GLOBAL, bucket.name, untagged);
    });
    return {};
  };
}
