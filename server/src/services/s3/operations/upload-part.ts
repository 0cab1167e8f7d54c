// UploadPart and UploadPartCopy.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html

import type {
  UploadPartCopyOutput,
  UploadPartCopyRequest,
  UploadPartOutput,
  UploadPartRequest,
} from '@aws-sdk/client-s3';
import { AwsError } from '#core/errors.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { type ChecksumAlgorithm, checksumMember } from '../checksums/checksum.ts';
import { copyHashed } from '../copy-bytes.ts';
import { openCopySource } from '../copy-source.ts';
import { type PartDocument, partKey, scopeOf, UPLOADED_PARTS, type UploadDocument } from '../documents.ts';
import { entityTooLarge, invalidArgument, invalidRequest } from '../errors.ts';
import { ENCRYPTION } from '../metadata.ts';
import { checkPartNumber, requireUpload } from '../multipart.ts';
import { BlobGoneError } from '../object-bytes.ts';
import type { ByteRange } from '../range.ts';
import { announcedAlgorithm, MAX_UPLOAD_BYTES, receiveBody } from '../receive-body.ts';
import { openBucket, type S3 } from '../s3.ts';
import { wholeSeconds } from '../timestamp.ts';

/** The source may be replaced between the reading of its document and of its bytes. */
const MAX_ATTEMPTS = 5;

type PartAddress = Pick<UploadPartRequest, 'Bucket' | 'Key' | 'UploadId' | 'ExpectedBucketOwner'>;

export function uploadPart(s3: S3): Handler<UploadPartRequest, UploadPartOutput> {
  return async (input, context) => {
    const number = checkPartNumber(input.PartNumber);
    const upload = await findUpload(s3, input, context);
    const announced = announcedAlgorithm(input, context);
    checkAlgorithm(upload, announced);
    const body = await receiveBody(s3, input, context, upload.algorithm, announced);
    const part: PartDocument = {
      number,
      size: body.size,
      etag: body.md5,
      modifiedAtMs: s3.clock.now(),
      checksum: body.checksum,
      ...(body.blob === undefined ? {} : { blob: body.blob }),
    };
    await storePart(s3, input, part, context);
    return {
      ETag: `"${part.etag}"`,
      ...(body.given
        ? checksumMember(body.given.algorithm, body.given.value)
        : checksumMember(upload.algorithm, part.checksum)),
      ServerSideEncryption: ENCRYPTION,
    };
  };
}

export function uploadPartCopy(s3: S3): Handler<UploadPartCopyRequest, UploadPartCopyOutput> {
  return async (input, context) => {
    const number = checkPartNumber(input.PartNumber);
    const upload = await findUpload(s3, input, context);
    const copied = await copyPart(s3, input, upload.algorithm, context);
    const part: PartDocument = {
      number,
      size: copied.size,
      etag: copied.md5,
      modifiedAtMs: s3.clock.now(),
      checksum: copied.checksum,
      ...(copied.blob === undefined ? {} : { blob: copied.blob }),
    };
    await storePart(s3, input, part, context);
    return {
      CopyPartResult: {
        ETag: `"${part.etag}"`,
        LastModified: wholeSeconds(part.modifiedAtMs),
        ...(upload.algorithmGiven ? checksumMember(upload.algorithm, part.checksum) : {}),
      },
      ServerSideEncryption: ENCRYPTION,
    };
  };
}

async function findUpload({ state }: S3, input: PartAddress, context: RequestContext): Promise<UploadDocument> {
  const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
  return requireUpload(state.documents, bucket, input.Key, input.UploadId);
}

/**
 * An upload that was created without an algorithm takes parts with any; a checksum that is composed of those of the
 * parts needs one of each.
 */
function checkAlgorithm(upload: UploadDocument, announced: ChecksumAlgorithm | undefined): void {
  if (!upload.algorithmGiven || announced === upload.algorithm) return;
  if (announced === undefined && upload.checksumType === 'FULL_OBJECT') return;
  const actual = announced?.toLowerCase() ?? 'null';
  throw invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual checksum Type: ${actual}`,
  );
}

async function copyPart(
  s3: S3,
  input: UploadPartCopyRequest,
  algorithm: ChecksumAlgorithm,
  context: RequestContext,
): ReturnType<typeof copyHashed> {
  for (let attempt = 1; ; attempt++) {
    const source = await openCopySource(s3, input, context);
    const range = acceptSourceRange(input.CopySourceRange, source.object.size);
    try {
      return await copyHashed(s3, source.segments, range, algorithm);
    } catch (error) {
      if (!(error instanceof BlobGoneError) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function acceptSourceRange(header: string | undefined, size: number): ByteRange {
  if (header === undefined) {
    if (size > MAX_UPLOAD_BYTES) throw entityTooLarge(size, MAX_UPLOAD_BYTES);
    return { start: 0, end: size };
  }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  const start = Number(first);
  const end = Number(last) + 1;
  if (first === undefined || start >= end) {
    throw invalidArgument(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      'x-amz-copy-source-range',
      header,
    );
  }
  if (end > size) {
    throw invalidArgument(
      `Range specified is not valid for source object of size: ${size}`,
      'x-amz-copy-source-range',
      header,
    );
  }
  if (end - start > MAX_UPLOAD_BYTES) throw entityTooLarge(end - start, MAX_UPLOAD_BYTES);
  return { start, end };
}

/** Puts a part in place of an earlier one of its number, unless the upload has ended meanwhile. */
async function storePart(s3: S3, input: PartAddress, part: PartDocument, context: RequestContext): Promise<void> {
  const { state, garbage } = s3;
  try {
    const dropped = await state.transact(async (tx) => {
      const bucket = await openBucket(tx.documents, input.Bucket, context);
      const { uploadId } = await requireUpload(tx.documents, bucket, input.Key, input.UploadId);
      const key = partKey(uploadId, part.number);
      const previous = await tx.documents.get(UPLOADED_PARTS, scopeOf(bucket), key);
      await tx.documents.put(UPLOADED_PARTS, scopeOf(bucket), key, part);
      return garbage.condemn(tx, [previous?.blob]);
    });
    garbage.collect(dropped);
  } catch (error) {
    // After any other error the transaction may have committed all the same; then the blob is needed.
    if (error instanceof AwsError) await garbage.discard(part.blob);
    throw error;
  }
}
