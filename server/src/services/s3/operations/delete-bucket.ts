// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html

import type { DeleteBucketRequest } from '@aws-sdk/client-s3';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { BUCKETS, GLOBAL, OBJECTS, scopeOf, UPLOADED_PARTS, UPLOADS, USAGE } from '../documents.ts';
import { openBucket, type S3 } from '../s3.ts';

export function deleteBucket({ state, garbage }: S3): Handler<DeleteBucketRequest, object> {
  return async (input, context) => {
    const dropped = await state.transact(async (tx) => {
      const bucket = await openBucket(tx.documents, input.Bucket, context, input.ExpectedBucketOwner);
      const scope = scopeOf(bucket);
      const prefix = `${bucket.name}/`;
      const [object] = await tx.documents.range(OBJECTS, scope, { prefix, limit: 1 });
      if (object) {
        throw new AwsError('BucketNotEmpty', 'The bucket you tried to delete is not empty', {
          status: 409,
          fields: { BucketName: bucket.name },
        });
      }
      // Uploads under way are no objects yet: they end with their bucket.
      const blobs: (string | undefined)[] = [];
      for (const { value } of await tx.documents.range(UPLOADS, scope, { prefix })) {
        const parts = await tx.documents.range(UPLOADED_PARTS, scope, { prefix: `${value.uploadId}/` });
        for (const part of parts) blobs.push(part.value.blob);
        await tx.documents.deleteRange(UPLOADED_PARTS, scope, { prefix: `${value.uploadId}/` });
      }
      await tx.documents.deleteRange(UPLOADS, scope, { prefix });
      await tx.documents.delete(USAGE, scope, bucket.name);
      await tx.documents.delete(BUCKETS, GLOBAL, bucket.name);
      return garbage.condemn(tx, blobs);
    });
    garbage.collect(dropped);
    return {};
  };
}
