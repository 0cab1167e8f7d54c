// PutObject: the body goes to a blob first; then one transaction names it, counts it and announces it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html

import type { PutObjectOutput, PutObjectRequest } from '@aws-sdk/client-s3';
import { AwsError, notImplemented } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { checksumMembers, DEFAULT_ALGORITHM } from '../checksums/checksum.ts';
import { checkWriteConditions } from '../conditions.ts';
import type { ObjectDocument } from '../documents.ts';
import { acceptAttributes, ENCRYPTION } from '../metadata.ts';
import { checkKey } from '../object-name.ts';
import { findObject } from '../object-table.ts';
import { announcedAlgorithm, receiveBody } from '../receive-body.ts';
import { openBucket, type S3 } from '../s3.ts';
import { storeObject } from '../store-object.ts';

export function putObject(s3: S3): Handler<PutObjectRequest, PutObjectOutput> {
  return async (input, context) => {
    const { state, clock, garbage } = s3;
    const key = input.Key!;
    checkKey(key);
    if (input.WriteOffsetBytes !== undefined) throw notImplemented('PutObject', 'WriteOffsetBytes');
    const attributes = acceptAttributes(input, context);
    const algorithm = announcedAlgorithm(input, context) ?? DEFAULT_ALGORITHM;
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    if (input.IfMatch !== undefined || input.IfNoneMatch !== undefined) {
      // What is sure to fail fails before the body is taken in; the transaction decides.
      checkWriteConditions(key, await findObject(state.documents, bucket, key), input);
    }

    const body = await receiveBody(s3, input, context, algorithm);
    const object: ObjectDocument = {
      ...attributes,
      size: body.size,
      etag: body.md5,
      modifiedAtMs: clock.now(),
      checksum: { algorithm, value: body.checksum, type: 'FULL_OBJECT' },
      ...(body.blob === undefined ? {} : { blob: body.blob }),
    };
    try {
      await storeObject(
        s3,
        { bucket: input.Bucket!, key, object, event: 's3:ObjectCreated:Put', conditions: input },
        context,
      );
    } catch (error) {
      // After any other error the transaction may have committed all the same; then the blob is needed.
      if (error instanceof AwsError) await garbage.discard(body.blob);
      throw error;
    }
    return {
      ETag: `"${object.etag}"`,
      ...checksumMembers(object.checksum),
      ServerSideEncryption: ENCRYPTION,
    };
  };
}
