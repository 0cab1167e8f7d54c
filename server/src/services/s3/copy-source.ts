// The source of CopyObject and UploadPartCopy: `bucket/key`, URL-encoded, with or without a leading slash.

import { notImplemented } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { type CopySourceConditions, checkCopySourceConditions } from './conditions.ts';
import type { BucketDocument, ObjectDocument } from './documents.ts';
import { invalidArgument } from './errors.ts';
import type { Segment } from './object-bytes.ts';
import { partsOf, requireObject } from './object-table.ts';
import { openBucket, type S3 } from './s3.ts';

export interface CopySourceInput extends CopySourceConditions {
  CopySource?: string | undefined;
  ExpectedSourceBucketOwner?: string | undefined;
  CopySourceSSECustomerAlgorithm?: string | undefined;
}

export interface CopySource {
  bucket: BucketDocument;
  key: string;
  object: ObjectDocument;
  segments: readonly Segment[];
}

/** Finds the source and checks its conditions. */
export async function openCopySource(s3: S3, input: CopySourceInput, context: RequestContext): Promise<CopySource> {
  if (input.CopySourceSSECustomerAlgorithm !== undefined) {
    throw notImplemented(context.operation, 'CopySourceSSECustomerAlgorithm');
  }
  const { documents } = s3.state;
  const { bucket: name, key, versionId } = parseCopySource(input.CopySource ?? '', context.operation);
  const bucket = await openBucket(documents, name, context, input.ExpectedSourceBucketOwner);
  const object = await requireObject(documents, bucket, key, versionId);
  checkCopySourceConditions(object, input, s3.clock.now());
  const segments = object.uploadId === undefined ? [object] : await partsOf(documents, bucket, object);
  return { bucket, key, object, segments };
}

export function parseCopySource(
  source: string,
  operation: string,
): { bucket: string; key: string; versionId: string | undefined } {
  if (source.startsWith('arn:')) throw notImplemented(operation, 'CopySource of an access point');
  const [, encodedPath = source, versionId] = /^(.*)\?versionId=([^?&]*)$/.exec(source) ?? [];
  let path: string;
  try {
    path = decodeURIComponent(encodedPath);
  } catch {
    // Clients that send the key as it is may well have a bare % in it.
    path = encodedPath;
  }
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(path) ?? [];
  if (bucket === undefined || key === undefined) {
    throw invalidArgument(
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      'x-amz-copy-source',
      source,
    );
  }
  return { bucket, key, versionId };
}
