// ListParts and ListMultipartUploads.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html

import type {
  ListMultipartUploadsOutput,
  ListMultipartUploadsRequest,
  ListPartsOutput,
  ListPartsRequest,
  StorageClass,
} from '@aws-sdk/client-s3';
import type { Handler } from '#wire/service.ts';
import { checksumMember } from '../checksums/checksum.ts';
import { type BucketDocument, partKey, scopeOf, UPLOADED_PARTS, UPLOADS, type UploadDocument } from '../documents.ts';
import { invalidArgument } from '../errors.ts';
import { acceptLimit, keyEncoder } from '../listing/parameters.ts';
import { behindPrefix, commonPrefix, walkPage } from '../listing/walk.ts';
import { requireUpload } from '../multipart.ts';
import { canonicalUserId } from '../owner.ts';
import { openBucket, type S3 } from '../s3.ts';
import { wholeSeconds } from '../timestamp.ts';

export function listParts({ state }: S3): Handler<ListPartsRequest, ListPartsOutput> {
  return async (input, context) => {
    const { documents } = state;
    const maxParts = acceptLimit('max-parts', input.MaxParts);
    const marker = Number(input.PartNumberMarker ?? 0);
    if (!Number.isInteger(marker) || marker < 0) {
      throw invalidArgument(
        'Argument part-number-marker must be an integer between 0 and 2147483647',
        'part-number-marker',
        input.PartNumberMarker,
      );
    }
    const bucket = await openBucket(documents, input.Bucket, context, input.ExpectedBucketOwner);
    const upload = await requireUpload(documents, bucket, input.Key, input.UploadId);
    const found = await documents.range(UPLOADED_PARTS, scopeOf(bucket), {
      prefix: `${upload.uploadId}/`,
      after: partKey(upload.uploadId, marker),
      limit: maxParts + 1,
    });
    const page = found.slice(0, maxParts).map(({ value }) => value);
    const isTruncated = found.length > maxParts;
    return {
      Bucket: bucket.name,
      Key: upload.key,
      UploadId: upload.uploadId,
      PartNumberMarker: String(marker),
      NextPartNumberMarker: String(page.at(-1)?.number ?? marker),
      MaxParts: maxParts,
      IsTruncated: isTruncated,
      Parts: page.map((part) => ({
        PartNumber: part.number,
        LastModified: wholeSeconds(part.modifiedAtMs),
        ETag: `"${part.etag}"`,
        Size: part.size,
        ...(upload.algorithmGiven ? checksumMember(upload.algorithm, part.checksum) : {}),
      })),
      ...describe(upload, bucket),
    };
  };
}

export function listMultipartUploads({ state }: S3): Handler<ListMultipartUploadsRequest, ListMultipartUploadsOutput> {
  return async (input, context) => {
    const { Prefix = '', Delimiter = '', KeyMarker = '', UploadIdMarker = '' } = input;
    const maxUploads = acceptLimit('max-uploads', input.MaxUploads);
    const encode = keyEncoder(input.EncodingType);
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    const page = await walkPage(state.documents, {
      collection: UPLOADS,
      scope: scopeOf(bucket),
      base: `${bucket.name}/`,
      keyOf: ({ value }) => value.key,
      prefix: Prefix,
      delimiter: Delimiter,
      after: placeOf(KeyMarker, UploadIdMarker, Prefix, Delimiter),
      limit: maxUploads,
    });
    const lastUpload = page.next?.kind === 'key' ? page.entries.at(-1)!.value.uploadId : undefined;
    return {
      Bucket: bucket.name,
      KeyMarker: encode(KeyMarker),
      UploadIdMarker,
      ...(page.next ? { NextKeyMarker: encode(page.next.text), NextUploadIdMarker: lastUpload ?? '' } : {}),
      ...(Prefix === '' ? {} : { Prefix: encode(Prefix) }),
      ...(Delimiter === '' ? {} : { Delimiter: encode(Delimiter) }),
      ...(input.EncodingType ? { EncodingType: input.EncodingType } : {}),
      MaxUploads: maxUploads,
      IsTruncated: page.next !== undefined,
      Uploads: page.entries.map(({ value }) => ({
        Key: encode(value.key)!,
        UploadId: value.uploadId,
        Initiated: wholeSeconds(value.initiatedAtMs),
        ...describe(value, bucket),
      })),
      CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix)! })),
    };
  };
}

/** The place among document keys, where `key NUL uploadId` is an upload. */
function placeOf(keyMarker: string, uploadIdMarker: string, prefix: string, delimiter: string): string {
  if (keyMarker === '') return '';
  if (uploadIdMarker !== '') return `${keyMarker}\0${uploadIdMarker}`;
  if (commonPrefix(keyMarker, prefix, delimiter) === keyMarker) return behindPrefix(keyMarker);
  return behindPrefix(`${keyMarker}\0`);
}

function describe(upload: UploadDocument, bucket: BucketDocument) {
  const owner = canonicalUserId(bucket.account);
  return {
    StorageClass: (upload.storageClass ?? 'STANDARD') as StorageClass,
    Owner: { ID: owner },
    Initiator: upload.initiator.endsWith(':root')
      ? { ID: owner }
      : { ID: upload.initiator, DisplayName: upload.initiator.slice(upload.initiator.lastIndexOf('/') + 1) },
    ...(upload.algorithmGiven ? { ChecksumAlgorithm: upload.algorithm, ChecksumType: upload.checksumType } : {}),
  };
}
