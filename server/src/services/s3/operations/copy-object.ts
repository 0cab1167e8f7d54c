// CopyObject. Blobs are copied by the object store when what is known of the source stays true of the copy; they pass
// through here when a checksum or an ETag has to be computed. A copy onto itself keeps its bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html

import type { CopyObjectOutput, CopyObjectRequest } from '@aws-sdk/client-s3';
import { AwsError } from '#core/errors.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { type ChecksumAlgorithm, checksumMembers, DEFAULT_ALGORITHM, parseAlgorithm } from '../checksums/checksum.ts';
import { checkWriteConditions } from '../conditions.ts';
import { copyHashed } from '../copy-bytes.ts';
import { type CopySource, openCopySource } from '../copy-source.ts';
import type { BucketDocument, ObjectAttributes, ObjectDocument } from '../documents.ts';
import { invalidArgument, invalidRequest } from '../errors.ts';
import { acceptAttributes, ENCRYPTION } from '../metadata.ts';
import { BlobGoneError, isGone } from '../object-bytes.ts';
import { checkKey } from '../object-name.ts';
import { findObject } from '../object-table.ts';
import { BLOB_OWNER, openBucket, type S3 } from '../s3.ts';
import { storeObject } from '../store-object.ts';
import { wholeSeconds } from '../timestamp.ts';

const MAX_COPY_BYTES = 5 * 1024 ** 3;
/** The source may be replaced between the reading of its document and of its bytes. */
const MAX_ATTEMPTS = 5;
const WEBSITE_REDIRECT = 'x-amz-website-redirect-location';

export function copyObject(s3: S3): Handler<CopyObjectRequest, CopyObjectOutput> {
  return async (input, context) => {
    checkKey(input.Key!);
    checkDirectives(input);
    const given = acceptAttributes(input, context);
    const algorithm = input.ChecksumAlgorithm === undefined ? undefined : parseAlgorithm(input.ChecksumAlgorithm);
    const bucket = await openBucket(s3.state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    if (input.IfMatch !== undefined || input.IfNoneMatch !== undefined) {
      checkWriteConditions(input.Key!, await findObject(s3.state.documents, bucket, input.Key), input);
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await copy(s3, bucket, input, given, algorithm, context);
      } catch (error) {
        if (!(error instanceof BlobGoneError) || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  };
}

async function copy(
  s3: S3,
  bucket: BucketDocument,
  input: CopyObjectRequest,
  given: ObjectAttributes,
  algorithm: ChecksumAlgorithm | undefined,
  context: RequestContext,
): Promise<CopyObjectOutput> {
  const source = await openCopySource(s3, input, context);
  if (source.object.size > MAX_COPY_BYTES) {
    throw invalidRequest(
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_COPY_BYTES}`,
    );
  }
  const isSelf = source.bucket.name === bucket.name && source.key === input.Key;
  if (isSelf && !changesSomething(input)) {
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const bytes = await copyBytes(s3, source, algorithm, isSelf);
  const object: ObjectDocument = {
    ...copiedAttributes(source.object, given, input),
    ...bytes,
    modifiedAtMs: s3.clock.now(),
  };
  const sharedBlob = bytes.blob === source.object.blob ? bytes.blob : undefined;
  try {
    const store = { bucket: bucket.name, key: input.Key!, object, event: 's3:ObjectCreated:Copy', conditions: input };
    await storeObject(s3, { ...store, sharedBlob }, context);
  } catch (error) {
    const isRolledBack = error instanceof AwsError || error instanceof BlobGoneError;
    if (isRolledBack && sharedBlob === undefined) await s3.garbage.discard(bytes.blob);
    throw error;
  }
  return {
    CopyObjectResult: {
      ETag: `"${object.etag}"`,
      LastModified: wholeSeconds(object.modifiedAtMs),
      ...checksumMembers(object.checksum),
    },
    ServerSideEncryption: ENCRYPTION,
  };
}

type Bytes = Pick<ObjectDocument, 'size' | 'etag' | 'checksum' | 'blob'>;

async function copyBytes(
  s3: S3,
  { object, segments }: CopySource,
  algorithm: ChecksumAlgorithm | undefined,
  isSelf: boolean,
): Promise<Bytes> {
  const { size, etag, checksum, blob, uploadId } = object;
  const staysTrue =
    uploadId === undefined && checksum !== undefined && (algorithm === undefined || algorithm === checksum.algorithm);
  if (!staysTrue) {
    const wanted = algorithm ?? checksum?.algorithm ?? DEFAULT_ALGORITHM;
    const copied = await copyHashed(s3, segments, { start: 0, end: size }, wanted);
    return {
      size,
      etag: copied.md5,
      checksum: { algorithm: wanted, value: copied.checksum, type: 'FULL_OBJECT' },
      ...(copied.blob === undefined ? {} : { blob: copied.blob }),
    };
  }
  if (isSelf || blob === undefined) return { size, etag, checksum, ...(blob === undefined ? {} : { blob }) };
  const copied = await s3.objects.concat([blob], { owner: BLOB_OWNER }).catch((error) => {
    throw isGone(error) ? new BlobGoneError() : error;
  });
  return { size, etag, checksum, blob: copied.id };
}

function copiedAttributes(
  source: ObjectDocument,
  given: ObjectAttributes,
  { MetadataDirective, TaggingDirective }: CopyObjectRequest,
): ObjectAttributes {
  const described = MetadataDirective === 'REPLACE' ? given : source;
  const headers = { ...described.headers };
  // A redirect is never copied.
  delete headers[WEBSITE_REDIRECT];
  if (given.headers[WEBSITE_REDIRECT] !== undefined) headers[WEBSITE_REDIRECT] = given.headers[WEBSITE_REDIRECT];
  const tags = TaggingDirective === 'REPLACE' ? given.tags : source.tags;
  return {
    headers,
    ...(described.metadata ? { metadata: described.metadata } : {}),
    ...(tags ? { tags } : {}),
    ...(given.storageClass ? { storageClass: given.storageClass } : {}),
  };
}

function changesSomething(input: CopyObjectRequest): boolean {
  return (
    input.MetadataDirective === 'REPLACE' ||
    input.StorageClass !== undefined ||
    input.WebsiteRedirectLocation !== undefined ||
    input.ServerSideEncryption !== undefined ||
    input.ChecksumAlgorithm !== undefined
  );
}

function checkDirectives({ MetadataDirective, TaggingDirective }: CopyObjectRequest): void {
  const directives: (string | undefined)[] = [undefined, 'COPY', 'REPLACE'];
  if (!directives.includes(MetadataDirective)) {
    throw invalidArgument('Unknown metadata directive.', 'x-amz-metadata-directive', MetadataDirective);
  }
  if (!directives.includes(TaggingDirective)) {
    throw invalidArgument('Unknown tagging directive.', 'x-amz-tagging-directive', TaggingDirective);
  }
}
