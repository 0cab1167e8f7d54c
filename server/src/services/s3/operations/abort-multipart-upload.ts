// https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html

import type { AbortMultipartUploadOutput, AbortMultipartUploadRequest } from '@aws-sdk/client-s3';
import type { Handler } from '#wire/service.ts';
import { scopeOf, UPLOADED_PARTS, UPLOADS, uploadKey } from '../documents.ts';
import { preconditionFailed } from '../errors.ts';
import { requireUpload } from '../multipart.ts';
import { openBucket, type S3 } from '../s3.ts';

export function abortMultipartUpload({
  state,
  garbage,
}: S3): Handler<AbortMultipartUploadRequest, AbortMultipartUploadOutput> {
  return async (input, context) => {
    const dropped = await state.transact(async (tx) => {
      const bucket = await openBucket(tx.documents, input.Bucket, context, input.ExpectedBucketOwner);
      const scope = scopeOf(bucket);
      const upload = await requireUpload(tx.documents, bucket, input.Key, input.UploadId);
      const asked = input.IfMatchInitiatedTime;
      if (asked && Math.floor(asked.getTime() / 1000) !== Math.floor(upload.initiatedAtMs / 1000)) {
        throw preconditionFailed('x-amz-if-match-initiated-time');
      }
      const prefix = `${upload.uploadId}/`;
      const parts = await tx.documents.range(UPLOADED_PARTS, scope, { prefix });
      await tx.documents.deleteRange(UPLOADED_PARTS, scope, { prefix });
      await tx.documents.delete(UPLOADS, scope, uploadKey(bucket, upload.key, upload.uploadId));
      return garbage.condemn(
        tx,
        parts.map(({ value }) => value.blob),
      );
    });
    garbage.collect(dropped);
    return {};
  };
}
