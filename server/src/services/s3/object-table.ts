// Objects as documents: looking one up, putting one in place of another.

import type { DocumentReader, Transaction } from '#storage/state/state.ts';
import {
  type BucketDocument,
  OBJECTS,
  type ObjectDocument,
  objectKey,
  PARTS_OF_OBJECTS,
  type PartDocument,
  scopeOf,
} from './documents.ts';
import { invalidArgument, noSuchKey } from './errors.ts';
import type { S3 } from './s3.ts';

/** The object under a key, or undefined. Buckets have no versions, so any version but `null` is none. */
export async function findObject(
  documents: DocumentReader,
  bucket: BucketDocument,
  key: string | undefined,
  versionId?: string,
): Promise<ObjectDocument | undefined> {
  if (versionId !== undefined && versionId !== 'null') {
    throw invalidArgument('Invalid version id specified', 'versionId', versionId);
  }
  return documents.get(OBJECTS, scopeOf(bucket), objectKey(bucket, key ?? ''));
}

/** The same; throws NoSuchKey when there is none. */
export async function requireObject(
  documents: DocumentReader,
  bucket: BucketDocument,
  key: string | undefined,
  versionId?: string,
): Promise<ObjectDocument> {
  const object = await findObject(documents, bucket, key, versionId);
  if (!object) throw noSuchKey(key ?? '');
  return object;
}

/**
 * Puts an object in place of what was under the key (`previous`, as read in this transaction), or deletes that.
 * Returns the blobs that have become garbage. Counting and announcing is up to the caller.
 */
export async function replaceObject(
  { garbage }: S3,
  tx: Transaction,
  bucket: BucketDocument,
  key: string,
  previous: ObjectDocument | undefined,
  next: ObjectDocument | undefined,
): Promise<string[]> {
  const scope = scopeOf(bucket);
  if (next) await tx.documents.put(OBJECTS, scope, objectKey(bucket, key), next);
  else if (previous) await tx.documents.delete(OBJECTS, scope, objectKey(bucket, key));
  if (!previous) return [];
  const dropped: (string | undefined)[] = [];
  // A copy of an object onto itself keeps its bytes.
  if (previous.blob !== next?.blob) dropped.push(previous.blob);
  if (previous.uploadId !== undefined && previous.uploadId !== next?.uploadId) {
    for (const part of await partsOf(tx.documents, bucket, previous)) dropped.push(part.blob);
    await tx.documents.delete(PARTS_OF_OBJECTS, scope, previous.uploadId);
  }
  return garbage.condemn(tx, dropped);
}

/** The parts of an object that was uploaded in parts; empty for others. */
export async function partsOf(
  documents: DocumentReader,
  bucket: BucketDocument,
  object: ObjectDocument,
): Promise<PartDocument[]> {
  if (object.uploadId === undefined) return [];
  return (await documents.get(PARTS_OF_OBJECTS, scopeOf(bucket), object.uploadId)) ?? [];
}
