// ListObjectsV2, ListObjects and ListObjectVersions.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html

import type {
  CommonPrefix,
  _Object as ListedObject,
  ListObjectsOutput,
  ListObjectsRequest,
  ListObjectsV2Output,
  ListObjectsV2Request,
  ListObjectVersionsOutput,
  ListObjectVersionsRequest,
  ObjectVersionStorageClass,
} from '@aws-sdk/client-s3';
import { type Handler, RESPONSE_HEADERS } from '#wire/service.ts';
import { type BucketDocument, OBJECTS, type ObjectDocument, scopeOf } from '../documents.ts';
import { invalidArgument } from '../errors.ts';
import { acceptLimit, keyEncoder, makeToken, readToken } from '../listing/parameters.ts';
import { behindPrefix, commonPrefix, type Page, walkPage } from '../listing/walk.ts';
import { canonicalUserId } from '../owner.ts';
import { openBucket, type S3 } from '../s3.ts';
import { wholeSeconds } from '../timestamp.ts';

const ONLY_VERSION = 'null';

type Encode = ReturnType<typeof keyEncoder>;

export function listObjectsV2({ state }: S3): Handler<ListObjectsV2Request, ListObjectsV2Output> {
  return async (input, context) => {
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    const { Prefix = '', Delimiter = '', StartAfter, ContinuationToken, FetchOwner } = input;
    const maxKeys = acceptLimit('maxKeys', input.MaxKeys);
    const encode = keyEncoder(input.EncodingType);
    const after =
      ContinuationToken === undefined ? placeOf(StartAfter ?? '', Prefix, Delimiter) : readToken(ContinuationToken);
    const page = await pageOf(state.documents, bucket, Prefix, Delimiter, after, maxKeys);
    return {
      [RESPONSE_HEADERS]: { 'x-amz-bucket-region': bucket.region },
      Name: bucket.name,
      Prefix: encode(Prefix),
      ...(Delimiter === '' ? {} : { Delimiter: encode(Delimiter) }),
      MaxKeys: maxKeys,
      ...(input.EncodingType ? { EncodingType: input.EncodingType } : {}),
      KeyCount: page.entries.length + page.commonPrefixes.length,
      IsTruncated: page.next !== undefined,
      ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
      ...(page.next
        ? { NextContinuationToken: makeToken(page.next.kind === 'key' ? page.next.text : behindPrefix(page.next.text)) }
        : {}),
      ...(StartAfter === undefined ? {} : { StartAfter: encode(StartAfter) }),
      Contents: contentsOf(page, encode, FetchOwner ? canonicalUserId(bucket.account) : undefined),
      CommonPrefixes: commonPrefixesOf(page, encode),
    };
  };
}

export function listObjects({ state }: S3): Handler<ListObjectsRequest, ListObjectsOutput> {
  return async (input, context) => {
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    const { Prefix = '', Delimiter = '', Marker = '' } = input;
    const maxKeys = acceptLimit('maxKeys', input.MaxKeys);
    const encode = keyEncoder(input.EncodingType);
    const after = placeOf(Marker, Prefix, Delimiter);
    const page = await pageOf(state.documents, bucket, Prefix, Delimiter, after, maxKeys);
    return {
      [RESPONSE_HEADERS]: { 'x-amz-bucket-region': bucket.region },
      Name: bucket.name,
      Prefix: encode(Prefix),
      Marker: encode(Marker),
      ...(Delimiter === '' ? {} : { Delimiter: encode(Delimiter) }),
      MaxKeys: maxKeys,
      ...(input.EncodingType ? { EncodingType: input.EncodingType } : {}),
      IsTruncated: page.next !== undefined,
      // Without a delimiter the last key of the page is the next marker, and AWS leaves it at that.
      ...(page.next && Delimiter !== '' ? { NextMarker: encode(page.next.text) } : {}),
      Contents: contentsOf(page, encode, canonicalUserId(bucket.account)),
      CommonPrefixes: commonPrefixesOf(page, encode),
    };
  };
}

/**
 * Buckets have no versioning, so every object is its only version, `null`.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
 */
export function listObjectVersions({ state }: S3): Handler<ListObjectVersionsRequest, ListObjectVersionsOutput> {
  return async (input, context) => {
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    const { Prefix = '', Delimiter = '', KeyMarker = '', VersionIdMarker } = input;
    const maxKeys = acceptLimit('maxKeys', input.MaxKeys);
    const encode = keyEncoder(input.EncodingType);
    if (VersionIdMarker !== undefined) checkVersionIdMarker(VersionIdMarker, KeyMarker);
    const after = placeOf(KeyMarker, Prefix, Delimiter);
    const page = await pageOf(state.documents, bucket, Prefix, Delimiter, after, maxKeys);
    return {
      [RESPONSE_HEADERS]: { 'x-amz-bucket-region': bucket.region },
      Name: bucket.name,
      Prefix: encode(Prefix),
      KeyMarker: encode(KeyMarker),
      VersionIdMarker: VersionIdMarker ?? '',
      ...(page.next ? { NextKeyMarker: encode(page.next.text) } : {}),
      ...(page.next?.kind === 'key' ? { NextVersionIdMarker: ONLY_VERSION } : {}),
      ...(Delimiter === '' ? {} : { Delimiter: encode(Delimiter) }),
      MaxKeys: maxKeys,
      ...(input.EncodingType ? { EncodingType: input.EncodingType } : {}),
      IsTruncated: page.next !== undefined,
      Versions: contentsOf(page, encode, canonicalUserId(bucket.account)).map(({ StorageClass, ...object }) => ({
        ...object,
        StorageClass: StorageClass as ObjectVersionStorageClass,
        VersionId: ONLY_VERSION,
        IsLatest: true,
      })),
      CommonPrefixes: commonPrefixesOf(page, encode),
    };
  };
}

function checkVersionIdMarker(marker: string, keyMarker: string): void {
  const fault = (message: string) => invalidArgument(message, 'version-id-marker', marker);
  if (marker === '') throw fault('A version-id marker cannot be empty.');
  if (keyMarker === '') throw fault('A version-id marker cannot be specified without a key marker.');
  if (marker !== ONLY_VERSION) throw fault('Invalid version id specified');
}

function pageOf(
  documents: S3['state']['documents'],
  bucket: BucketDocument,
  prefix: string,
  delimiter: string,
  after: string,
  limit: number,
): Promise<Page<ObjectDocument>> {
  const base = `${bucket.name}/`;
  const keyOf = ({ key }: { key: string }) => key.slice(base.length);
  return walkPage(documents, {
    collection: OBJECTS,
    scope: scopeOf(bucket),
    base,
    keyOf,
    prefix,
    delimiter,
    after,
    limit,
  });
}

/** Where a marker stands: one that is a common prefix itself (an earlier NextMarker) is behind all keys under it. */
function placeOf(marker: string, prefix: string, delimiter: string): string {
  return marker !== '' && commonPrefix(marker, prefix, delimiter) === marker ? behindPrefix(marker) : marker;
}

function contentsOf(page: Page<ObjectDocument>, encode: Encode, owner: string | undefined): ListedObject[] {
  return page.entries.map(({ key, value }) => ({
    Key: encode(key)!,
    LastModified: wholeSeconds(value.modifiedAtMs),
    ETag: `"${value.etag}"`,
    ...(value.checksum ? { ChecksumAlgorithm: [value.checksum.algorithm], ChecksumType: value.checksum.type } : {}),
    Size: value.size,
    StorageClass: (value.storageClass ?? 'STANDARD') as NonNullable<ListedObject['StorageClass']>,
    ...(owner === undefined ? {} : { Owner: { ID: owner } }),
  }));
}

function commonPrefixesOf(page: Page<unknown>, encode: Encode): CommonPrefix[] {
  return page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix)! }));
}
