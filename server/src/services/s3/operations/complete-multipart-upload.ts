// CompleteMultipartUpload: the parts become the object as they lie; nothing is copied.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html

import type { CompletedPart, CompleteMultipartUploadOutput, CompleteMultipartUploadRequest } from '@aws-sdk/client-s3';
import { AwsError } from '#core/errors.ts';
import type { Transaction } from '#storage/state/state.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { type Checksum, checksumMembers, givenChecksum } from '../checksums/checksum.ts';
import {
  type BucketDocument,
  type ObjectAttributes,
  type ObjectDocument,
  PARTS_OF_OBJECTS,
  type PartDocument,
  scopeOf,
  UPLOADED_PARTS,
  UPLOADS,
  type UploadDocument,
  uploadKey,
} from '../documents.ts';
import { invalidRequest, malformedXml } from '../errors.ts';
import { ENCRYPTION } from '../metadata.ts';
import { checksumOfParts, etagOfParts, MAX_PART_NUMBER, MIN_PART_BYTES, requireUpload } from '../multipart.ts';
import { urlEncodeKey } from '../object-name.ts';
import { findObject } from '../object-table.ts';
import { badChecksum } from '../receive-body.ts';
import { openBucket, type S3 } from '../s3.ts';
import { storeIn } from '../store-object.ts';

export function completeMultipartUpload(
  s3: S3,
): Handler<CompleteMultipartUploadRequest, CompleteMultipartUploadOutput> {
  return async (input, context) => {
    const listed = acceptList(input.MultipartUpload?.Parts);
    const completed = await s3.state.transact(async (tx) => {
      const bucket = await openBucket(tx.documents, input.Bucket, context, input.ExpectedBucketOwner);
      const earlier = await completedEarlier(tx, bucket, input);
      return earlier ?? complete(s3, tx, bucket, input, listed, context);
    });
    s3.garbage.collect(completed.dropped);
    s3.usage.changed(completed.bucket);
    const { object } = completed;
    return {
      Location: `${context.endpoint}/${input.Bucket}/${urlEncodeKey(input.Key!).replaceAll('+', '%20')}`,
      Bucket: input.Bucket!,
      Key: input.Key!,
      ETag: `"${object.etag}"`,
      ...checksumMembers(object.checksum),
      ServerSideEncryption: ENCRYPTION,
    };
  };
}

interface Completed {
  bucket: BucketDocument;
  object: ObjectDocument;
  dropped: string[];
}

/** A client that did not see our answer asks again: the object is there, and that is the answer. */
async function completedEarlier(
  tx: Transaction,
  bucket: BucketDocument,
  { Key, UploadId }: CompleteMultipartUploadRequest,
): Promise<Completed | undefined> {
  const object = await findObject(tx.documents, bucket, Key);
  return object && object.uploadId === UploadId ? { bucket, object, dropped: [] } : undefined;
}

async function complete(
  s3: S3,
  tx: Transaction,
  bucket: BucketDocument,
  input: CompleteMultipartUploadRequest,
  listed: readonly ListedPart[],
  context: RequestContext,
): Promise<Completed> {
  const scope = scopeOf(bucket);
  const upload = await requireUpload(tx.documents, bucket, input.Key, input.UploadId);
  const uploaded = await tx.documents.range(UPLOADED_PARTS, scope, { prefix: `${upload.uploadId}/` });
  const parts = selectParts(
    uploaded.map(({ value }) => value),
    listed,
    upload,
  );
  const object = assemble(upload, parts, input, s3.clock.now());

  await tx.documents.put(PARTS_OF_OBJECTS, scope, upload.uploadId, parts);
  await tx.documents.delete(UPLOADS, scope, uploadKey(bucket, upload.key, upload.uploadId));
  await tx.documents.deleteRange(UPLOADED_PARTS, scope, { prefix: `${upload.uploadId}/` });
  const used = new Set(parts.map(({ number }) => number));
  const unused = uploaded.filter(({ value }) => !used.has(value.number)).map(({ value }) => value.blob);
  const { dropped } = await storeIn(
    s3,
    tx,
    {
      bucket: bucket.name,
      key: upload.key,
      object,
      event: 's3:ObjectCreated:CompleteMultipartUpload',
      conditions: input,
    },
    context,
  );
  return { bucket, object, dropped: [...dropped, ...(await s3.garbage.condemn(tx, unused))] };
}

interface ListedPart {
  number: number;
  etag: string;
  given: CompletedPart;
}

/** Throws MalformedXML and InvalidPartOrder. */
function acceptList(parts: readonly CompletedPart[] | undefined): ListedPart[] {
  if (!parts || parts.length === 0 || parts.length > MAX_PART_NUMBER) throw malformedXml();
  let last = 0;
  return parts.map((given) => {
    const { PartNumber: number, ETag: etag } = given;
    if (number === undefined || !Number.isInteger(number) || etag === undefined) throw malformedXml();
    if (number <= last) {
      throw new AwsError(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
        { status: 400 },
      );
    }
    last = number;
    return { number, etag: etag.replace(/^"(.*)"$/, '$1'), given };
  });
}

/** The uploaded parts that the list names. Throws InvalidPart and EntityTooSmall. */
function selectParts(
  uploaded: readonly PartDocument[],
  listed: readonly ListedPart[],
  upload: UploadDocument,
): PartDocument[] {
  const byNumber = new Map(uploaded.map((part) => [part.number, part]));
  const parts = listed.map(({ number, etag, given }) => {
    const part = byNumber.get(number);
    if (!part || part.etag !== etag.toLowerCase() || !hasChecksum(part, number, given, upload)) {
      throw new AwsError(
        'InvalidPart',
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { status: 400, fields: { UploadId: upload.uploadId, PartNumber: number, ETag: etag } },
      );
    }
    return part;
  });
  for (const part of parts.slice(0, -1)) {
    if (part.size >= MIN_PART_BYTES) continue;
    throw new AwsError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      status: 400,
      fields: { ProposedSize: part.size, MinSizeAllowed: MIN_PART_BYTES, PartNumber: part.number, ETag: part.etag },
    });
  }
  return parts;
}

function hasChecksum(part: PartDocument, number: number, given: CompletedPart, upload: UploadDocument): boolean {
  const listed = givenChecksum(given);
  if (!listed && upload.algorithmGiven && upload.checksumType === 'COMPOSITE') {
    throw invalidRequest(
      `The upload was created using a ${upload.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
    );
  }
  // Without an algorithm of its own an upload keeps CRC-64/NVME; what the parts came with was verified then.
  if (!listed || (!upload.algorithmGiven && listed.algorithm !== upload.algorithm)) return true;
  return listed.algorithm === upload.algorithm && listed.value === part.checksum;
}

function assemble(
  upload: UploadDocument,
  parts: readonly PartDocument[],
  input: CompleteMultipartUploadRequest,
  nowMs: number,
): ObjectDocument {
  let size = 0;
  for (const part of parts) size += part.size;
  if (input.MpuObjectSize !== undefined && Number(input.MpuObjectSize) !== size) {
    throw invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${input.MpuObjectSize} does not match what was computed: ${size}`,
    );
  }
  const checksum = checksumOfParts(upload, parts);
  checkWholeChecksum(upload, checksum, input);
  return {
    ...attributesOf(upload),
    size,
    etag: etagOfParts(parts),
    modifiedAtMs: nowMs,
    checksum,
    uploadId: upload.uploadId,
    partCount: parts.length,
  };
}

function checkWholeChecksum(upload: UploadDocument, checksum: Checksum, input: CompleteMultipartUploadRequest): void {
  if (input.ChecksumType !== undefined && input.ChecksumType !== upload.checksumType) {
    throw invalidRequest(
      `The upload was created using the ${upload.checksumType} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const given = givenChecksum(input, { composite: upload.checksumType === 'COMPOSITE' });
  if (!given) return;
  if (given.algorithm !== upload.algorithm) {
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual checksum Type: ${given.algorithm.toLowerCase()}`,
    );
  }
  // A composite value may come without its number of parts.
  if (given.value !== checksum.value && given.value !== checksum.value.replace(/-\d+$/, '')) {
    throw badChecksum(given.algorithm);
  }
}

function attributesOf({ headers, metadata, tags, storageClass }: UploadDocument): ObjectAttributes {
  return {
    headers,
    ...(metadata ? { metadata } : {}),
    ...(tags ? { tags } : {}),
    ...(storageClass ? { storageClass } : {}),
  };
}
