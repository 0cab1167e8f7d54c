// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html

import type { CreateMultipartUploadOutput, CreateMultipartUploadRequest } from '@aws-sdk/client-s3';
import type { Handler } from '#wire/service.ts';
import { parseAlgorithm } from '../checksums/checksum.ts';
import { scopeOf, UPLOADS, uploadKey } from '../documents.ts';
import { acceptAttributes, ENCRYPTION } from '../metadata.ts';
import { acceptChecksumType, newUploadId } from '../multipart.ts';
import { checkKey } from '../object-name.ts';
import { openBucket, type S3 } from '../s3.ts';

export function createMultipartUpload({
  state,
  clock,
}: S3): Handler<CreateMultipartUploadRequest, CreateMultipartUploadOutput> {
  return async (input, context) => {
    const key = input.Key!;
    checkKey(key);
    const attributes = acceptAttributes(input, context);
    const given = input.ChecksumAlgorithm === undefined ? undefined : parseAlgorithm(input.ChecksumAlgorithm);
    const { algorithm, checksumType } = acceptChecksumType(given, input.ChecksumType);
    const uploadId = newUploadId(clock.now());
    await state.transact(async (tx) => {
      const bucket = await openBucket(tx.documents, input.Bucket, context, input.ExpectedBucketOwner);
      await tx.documents.put(UPLOADS, scopeOf(bucket), uploadKey(bucket, key, uploadId), {
        ...attributes,
        key,
        uploadId,
        initiatedAtMs: clock.now(),
        initiator: context.principalArn,
        algorithm,
        algorithmGiven: given !== undefined,
        checksumType,
      });
    });
    return {
      Bucket: input.Bucket!,
      Key: key,
      UploadId: uploadId,
      ...(given === undefined ? {} : { ChecksumAlgorithm: algorithm, ChecksumType: checksumType }),
      ServerSideEncryption: ENCRYPTION,
    };
  };
}
