// GetObject and HeadObject.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

import type { GetObjectOutput, GetObjectRequest, HeadObjectOutput, HeadObjectRequest } from '@aws-sdk/client-s3';
import { AwsError, notImplemented } from '#core/errors.ts';
import { type Handler, RESPONSE_HEADERS, RESPONSE_STATUS, type RequestContext } from '#wire/service.ts';
import { type Checksum, checksumMembers } from '../checksums/checksum.ts';
import { checkReadConditions } from '../conditions.ts';
import type { ObjectDocument, PartDocument } from '../documents.ts';
import { invalidArgument, invalidRequest } from '../errors.ts';
import { attributesOutput } from '../metadata.ts';
import { BlobGoneError, readBytes } from '../object-bytes.ts';
import { partsOf, requireObject } from '../object-table.ts';
import { type ByteRange, contentRange, parseRange } from '../range.ts';
import { openBucket, type S3 } from '../s3.ts';
import { wholeSeconds } from '../timestamp.ts';

/** An object may be replaced again and again between the reading of its document and of its bytes. */
const MAX_ATTEMPTS = 5;

export function getObject(s3: S3): Handler<GetObjectRequest, GetObjectOutput> {
  return async (input, context) => {
    for (let attempt = 1; ; attempt++) {
      const found = await look(s3, input, context);
      if (found.isNotModified) return found.output;
      try {
        return { ...found.output, Body: (await bytesOf(s3, found)) as GetObjectOutput['Body'] };
      } catch (error) {
        if (!(error instanceof BlobGoneError) || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  };
}

export function headObject(s3: S3): Handler<HeadObjectRequest, HeadObjectOutput> {
  return async (input, context) => (await look(s3, input, context)).output;
}

interface Found {
  object: ObjectDocument;
  range: ByteRange;
  parts: PartDocument[];
  /** All but the body. */
  output: GetObjectOutput & { [RESPONSE_STATUS]?: number; [RESPONSE_HEADERS]?: Record<string, string> };
  isNotModified: boolean;
}

async function look({ state, clock }: S3, input: GetObjectRequest, context: RequestContext): Promise<Found> {
  if (input.SSECustomerAlgorithm !== undefined) throw notImplemented(context.operation, 'SSECustomerAlgorithm');
  const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
  const object = await requireObject(state.documents, bucket, input.Key, input.VersionId);
  const common = {
    ETag: `"${object.etag}"`,
    LastModified: wholeSeconds(object.modifiedAtMs),
  };
  if (checkReadConditions(object, input, clock.now()) === 'not-modified') {
    const output = { [RESPONSE_STATUS]: 304, ...common };
    return { object, range: { start: 0, end: 0 }, parts: [], output, isNotModified: true };
  }
  const parts = await partsOf(state.documents, bucket, object);
  const asked = askedRange(input, object, parts);
  const range = asked?.range ?? { start: 0, end: object.size };
  const checksum = input.ChecksumMode === 'ENABLED' ? checksumOf(object, parts, input, range) : undefined;
  const output: Found['output'] = {
    ...attributesOutput(object),
    ...common,
    AcceptRanges: 'bytes',
    ContentLength: range.end - range.start,
    ...checksumMembers(checksum),
    ...overrides(input),
    ...(input.PartNumber !== undefined && object.partCount !== undefined ? { PartsCount: object.partCount } : {}),
  };
  if (input.ResponseExpires) output[RESPONSE_HEADERS] = { expires: input.ResponseExpires.toUTCString() };
  if (asked) {
    output[RESPONSE_STATUS] = 206;
    output.ContentRange = contentRange(range, object.size);
  }
  return { object, range, parts, output, isNotModified: false };
}

async function bytesOf(s3: S3, { object, range, parts }: Found): Promise<NonNullable<unknown>> {
  return readBytes(s3, object.uploadId === undefined ? [object] : parts, range);
}

/** What a Range header or a part number asks for; undefined for the whole as a plain 200. */
function askedRange(
  { Range, PartNumber }: GetObjectRequest,
  object: ObjectDocument,
  parts: readonly PartDocument[],
): { range: ByteRange } | undefined {
  if (PartNumber === undefined) {
    const range = parseRange(Range, object.size);
    return range && { range };
  }
  if (Range !== undefined) throw invalidRequest('Cannot specify both Range header and partNumber query parameter');
  if (!Number.isInteger(PartNumber) || PartNumber < 1 || PartNumber > 10_000) throw invalidPartNumber(PartNumber);
  if (object.uploadId === undefined) {
    if (PartNumber !== 1) throw invalidPartNumber(PartNumber, 1);
    return object.size === 0 ? undefined : { range: { start: 0, end: object.size } };
  }
  if (PartNumber > parts.length) throw invalidPartNumber(PartNumber, parts.length);
  let start = 0;
  for (const part of parts.slice(0, PartNumber - 1)) start += part.size;
  return { range: { start, end: start + parts[PartNumber - 1]!.size } };
}

/** Clients check what they receive: only a checksum of just these bytes may go with them. */
function checksumOf(
  object: ObjectDocument,
  parts: readonly PartDocument[],
  { PartNumber }: GetObjectRequest,
  { start, end }: ByteRange,
): Checksum | undefined {
  if (PartNumber !== undefined && object.uploadId !== undefined && object.checksum) {
    return { ...object.checksum, value: parts[PartNumber - 1]!.checksum };
  }
  return start === 0 && end === object.size ? object.checksum : undefined;
}

function overrides(input: GetObjectRequest): Partial<GetObjectOutput> {
  const given = {
    CacheControl: input.ResponseCacheControl,
    ContentDisposition: input.ResponseContentDisposition,
    ContentEncoding: input.ResponseContentEncoding,
    ContentLanguage: input.ResponseContentLanguage,
    ContentType: input.ResponseContentType,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function invalidPartNumber(given: number, count?: number): AwsError {
  if (count === undefined) {
    return invalidArgument('Part number must be an integer between 1 and 10000, inclusive', 'partNumber', given);
  }
  return new AwsError('InvalidPartNumber', 'The requested partnumber is not satisfiable', {
    status: 416,
    fields: { ActualPartCount: count },
  });
}
