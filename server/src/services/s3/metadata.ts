// What a client says of an object beside its bytes: system metadata (Content-Type …), user metadata (x-amz-meta-…),
// tags, storage class. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html

import type { CreateMultipartUploadRequest, GetObjectOutput } from '@aws-sdk/client-s3';
import { AwsError, notImplemented } from '#core/errors.ts';
import { RESPONSE_HEADERS, type RequestContext } from '#wire/service.ts';
import type { ObjectAttributes } from './documents.ts';
import { invalidArgument, invalidRequest } from './errors.ts';
import { acceptTaggingHeader } from './tags.ts';

const MAX_USER_METADATA_BYTES = 2_048;
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';

/** Header names and the members that carry them. Expires stands apart: its text is kept as it came. */
const SYSTEM_HEADERS = [
  ['cache-control', 'CacheControl'],
  ['content-disposition', 'ContentDisposition'],
  ['content-encoding', 'ContentEncoding'],
  ['content-language', 'ContentLanguage'],
  ['content-type', 'ContentType'],
  ['x-amz-website-redirect-location', 'WebsiteRedirectLocation'],
] as const;

const STORAGE_CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
];
/** Objects in these can be read only after RestoreObject, which Brume has not. */
const ARCHIVE_CLASSES = ['GLACIER', 'DEEP_ARCHIVE'];

/** The members that PutObject, CopyObject and CreateMultipartUpload have in common. */
export type AttributesInput = Pick<
  CreateMultipartUploadRequest,
  | 'ACL'
  | 'CacheControl'
  | 'ContentDisposition'
  | 'ContentEncoding'
  | 'ContentLanguage'
  | 'ContentType'
  | 'Expires'
  | 'GrantFullControl'
  | 'GrantRead'
  | 'GrantReadACP'
  | 'GrantWriteACP'
  | 'Metadata'
  | 'ObjectLockLegalHoldStatus'
  | 'ObjectLockMode'
  | 'ObjectLockRetainUntilDate'
  | 'SSECustomerAlgorithm'
  | 'SSEKMSKeyId'
  | 'ServerSideEncryption'
  | 'StorageClass'
  | 'Tagging'
  | 'WebsiteRedirectLocation'
>;

/** What every answer about an object says, as on AWS since 2023. What Brume keeps is encrypted where its disk is. */
export const ENCRYPTION = 'AES256';

/** Checks and reads what a request says of its object. */
export function acceptAttributes(input: AttributesInput, context: RequestContext): ObjectAttributes {
  refuseUnsupported(input, context.operation);
  const metadata = acceptUserMetadata(input.Metadata);
  const tags = acceptTaggingHeader(input.Tagging);
  const storageClass = acceptStorageClass(input.StorageClass, context.operation);
  return {
    headers: systemHeaders(input, context),
    ...(metadata ? { metadata } : {}),
    ...(tags ? { tags } : {}),
    ...(storageClass ? { storageClass } : {}),
  };
}

function systemHeaders(input: AttributesInput, context: RequestContext): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [header, member] of SYSTEM_HEADERS) {
    const value = input[member];
    if (value !== undefined && value !== '') headers[header] = value;
  }
  headers['content-type'] ??= DEFAULT_CONTENT_TYPE;
  const expires = context.headers.expires ?? input.Expires?.toUTCString();
  if (expires) headers.expires = expires;
  const redirect = headers['x-amz-website-redirect-location'];
  if (redirect !== undefined && !/^(\/|https?:\/\/)/.test(redirect)) {
    throw new AwsError(
      'InvalidRedirectLocation',
      'The website redirect location must have a prefix of "http://" or "https://" or "/".',
      { status: 400 },
    );
  }
  return headers;
}

/** STANDARD is not written down: it is what the absence of a class means. */
export function acceptStorageClass(storageClass: string | undefined, operation: string): string | undefined {
  if (storageClass === undefined || storageClass === 'STANDARD') return undefined;
  if (ARCHIVE_CLASSES.includes(storageClass)) throw notImplemented(operation, `StorageClass ${storageClass}`);
  if (!STORAGE_CLASSES.includes(storageClass)) {
    throw new AwsError('InvalidStorageClass', 'The storage class you specified is not valid', {
      status: 400,
      fields: { StorageClassRequested: storageClass },
    });
  }
  return storageClass;
}

function refuseUnsupported(input: AttributesInput, operation: string): void {
  const grants = [input.GrantFullControl, input.GrantRead, input.GrantReadACP, input.GrantWriteACP];
  const aclIsOwners = input.ACL === undefined || input.ACL === 'private' || input.ACL === 'bucket-owner-full-control';
  if (!aclIsOwners || grants.some((grant) => grant !== undefined)) {
    throw new AwsError('AccessControlListNotSupported', 'The bucket does not allow ACLs', { status: 400 });
  }
  if (input.ObjectLockMode || input.ObjectLockRetainUntilDate || input.ObjectLockLegalHoldStatus) {
    throw invalidRequest('Bucket is missing Object Lock Configuration');
  }
  if (input.SSECustomerAlgorithm !== undefined) throw notImplemented(operation, 'SSECustomerAlgorithm');
  const { ServerSideEncryption: encryption } = input;
  if (encryption?.startsWith('aws:')) throw notImplemented(operation, `ServerSideEncryption ${encryption}`);
  if (encryption !== undefined && encryption !== 'AES256') {
    throw invalidArgument(
      'The encryption method specified is not supported',
      'x-amz-server-side-encryption',
      encryption,
    );
  }
  if (input.SSEKMSKeyId !== undefined) {
    throw invalidArgument(
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
      'x-amz-server-side-encryption',
      encryption,
    );
  }
}

function acceptUserMetadata(given: Record<string, string> | undefined): Record<string, string> | undefined {
  const entries = Object.entries(given ?? {}).map(([name, value]) => [name.toLowerCase(), decodeHeaderText(value)]);
  if (entries.length === 0) return undefined;
  let bytes = 0;
  for (const [name, value] of entries) bytes += Buffer.byteLength(name!) + Buffer.byteLength(value!);
  if (bytes > MAX_USER_METADATA_BYTES) {
    throw new AwsError('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', {
      status: 400,
      fields: { Size: bytes, MaxSizeAllowed: MAX_USER_METADATA_BYTES },
    });
  }
  return Object.fromEntries(entries);
}

/** The members of GetObject and HeadObject that tell what was said of the object. */
export function attributesOutput(attributes: ObjectAttributes): Partial<GetObjectOutput> {
  const { headers, metadata, tags, storageClass } = attributes;
  const output: Partial<GetObjectOutput> = {};
  for (const [header, member] of SYSTEM_HEADERS) {
    if (headers[header] !== undefined) output[member] = headers[header];
  }
  if (headers.expires !== undefined) Object.assign(output, { [RESPONSE_HEADERS]: { expires: headers.expires } });
  if (metadata) {
    output.Metadata = Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [name, encodeHeaderText(value)]),
    );
  }
  if (tags) output.TagCount = tags.length;
  if (storageClass) output.StorageClass = storageClass as NonNullable<GetObjectOutput['StorageClass']>;
  output.ServerSideEncryption = ENCRYPTION;
  return output;
}

const ENCODED_WORD = /=\?(utf-8|us-ascii|iso-8859-1)\?([bq])\?([^?\s]*)\?=/gi;

/** RFC 2047 encoded words become text; so does UTF-8 that came as header bytes (which Node reads as Latin-1). */
export function decodeHeaderText(value: string): string {
  const text = fromHeaderBytes(value);
  if (!text.includes('=?')) return text;
  return text.replace(ENCODED_WORD, (_word, charset: string, encoding: string, content: string) => {
    const bytes =
      encoding.toLowerCase() === 'b'
        ? Buffer.from(content, 'base64')
        : Buffer.from(unquotePrintable(content), 'latin1');
    return bytes.toString(charset.toLowerCase() === 'utf-8' ? 'utf8' : 'latin1');
  });
}

/** Plain ASCII as it is, all else as one RFC 2047 word. */
export function encodeHeaderText(text: string): string {
  return /^[\x20-\x7e\t]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;
}

function fromHeaderBytes(value: string): string {
  if (!/[\x80-\xff]/.test(value) || /[^\x00-\xff]/.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

function unquotePrintable(content: string): string {
  return content
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
