// GetObjectTagging, PutObjectTagging, DeleteObjectTagging.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html

import type {
  DeleteObjectTaggingOutput,
  DeleteObjectTaggingRequest,
  GetObjectTaggingOutput,
  GetObjectTaggingRequest,
  PutObjectTaggingOutput,
  PutObjectTaggingRequest,
} from '@aws-sdk/client-s3';
import type { Handler, RequestContext } from '#wire/service.ts';
import { OBJECTS, objectKey, scopeOf, type Tags } from '../documents.ts';
import { notify } from '../notifications/notify.ts';
import { requireObject } from '../object-table.ts';
import { openBucket, type S3 } from '../s3.ts';
import { acceptTagging, MAX_OBJECT_TAGS, tagSet } from '../tags.ts';

export function getObjectTagging({ state }: S3): Handler<GetObjectTaggingRequest, GetObjectTaggingOutput> {
  return async (input, context) => {
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    const object = await requireObject(state.documents, bucket, input.Key, input.VersionId);
    return { TagSet: tagSet(object.tags) };
  };
}

export function putObjectTagging(s3: S3): Handler<PutObjectTaggingRequest, PutObjectTaggingOutput> {
  return async (input, context) => {
    const tags = acceptTagging(input.Tagging, MAX_OBJECT_TAGS);
    await changeTags(s3, input, tags, 's3:ObjectTagging:Put', context);
    return {};
  };
}

export function deleteObjectTagging(s3: S3): Handler<DeleteObjectTaggingRequest, DeleteObjectTaggingOutput> {
  return async (input, context) => {
    await changeTags(s3, input, [], 's3:ObjectTagging:Delete', context);
    return {};
  };
}

async function changeTags(
  s3: S3,
  { Bucket, Key, VersionId, ExpectedBucketOwner }: DeleteObjectTaggingRequest,
  tags: Tags,
  event: string,
  context: RequestContext,
): Promise<void> {
  await s3.state.transact(async (tx) => {
    const bucket = await openBucket(tx.documents, Bucket, context, ExpectedBucketOwner);
    const { tags: _former, ...object } = await requireObject(tx.documents, bucket, Key, VersionId);
    const changed = { ...object, ...(tags.length > 0 ? { tags } : {}) };
    await tx.documents.put(OBJECTS, scopeOf(bucket), objectKey(bucket, Key!), changed);
    await notify(s3, tx, bucket, [{ name: event, key: Key!, object }], context);
  });
}
