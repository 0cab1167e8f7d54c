// DeleteObject and DeleteObjects.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html

import type {
  DeleteObjectOutput,
  DeleteObjectRequest,
  DeleteObjectsOutput,
  DeleteObjectsRequest,
  ObjectIdentifier,
} from '@aws-sdk/client-s3';
import { AwsError, notImplemented } from '#core/errors.ts';
import type { Transaction } from '#storage/state/state.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { checkWriteConditions } from '../conditions.ts';
import type { BucketDocument, ObjectDocument } from '../documents.ts';
import { invalidRequest, malformedXml } from '../errors.ts';
import type { ObjectEvent } from '../notifications/event-record.ts';
import { notify } from '../notifications/notify.ts';
import { findObject, replaceObject } from '../object-table.ts';
import { openBucket, type S3 } from '../s3.ts';
import { countChange } from '../usage.ts';

const MAX_KEYS = 1_000;

export function deleteObject(s3: S3): Handler<DeleteObjectRequest, DeleteObjectOutput> {
  return async (input, context) => {
    if (input.IfMatchLastModifiedTime || input.IfMatchSize !== undefined) {
      throw notImplemented('DeleteObject', 'conditions of directory buckets');
    }
    const { Key, VersionId, IfMatch: ETag } = input;
    const [failure] = await deleteAll(s3, input, [{ Key, VersionId, ETag }], context);
    if (failure) throw failure.error;
    return {};
  };
}

export function deleteObjects(s3: S3): Handler<DeleteObjectsRequest, DeleteObjectsOutput> {
  return async (input, context) => {
    requireDigest(context);
    const { Objects = [], Quiet = false } = input.Delete ?? {};
    if (Objects.length === 0 || Objects.length > MAX_KEYS || Objects.some(({ Key }) => !Key)) throw malformedXml();
    if (Objects.some(({ LastModifiedTime, Size }) => LastModifiedTime || Size !== undefined)) {
      throw notImplemented('DeleteObjects', 'conditions of directory buckets');
    }
    const failures = await deleteAll(s3, input, Objects, context);
    const failed = new Set(failures.map(({ object }) => object));
    const deleted = Objects.filter((object) => !failed.has(object));
    return {
      ...(Quiet
        ? {}
        : { Deleted: deleted.map(({ Key, VersionId }) => ({ Key, ...(VersionId ? { VersionId } : {}) })) }),
      Errors: failures.map(({ object: { Key, VersionId }, error }) => ({
        Key,
        ...(VersionId ? { VersionId } : {}),
        Code: error.code,
        Message: error.message,
      })),
    };
  };
}

type Deletion = Partial<Pick<ObjectIdentifier, 'Key' | 'VersionId' | 'ETag'>>;

interface Failure<T> {
  object: T;
  error: AwsError;
}

/** Deletes all in one transaction but those whose condition does not hold. Deleting what is not there succeeds. */
async function deleteAll<T extends Deletion>(
  s3: S3,
  { Bucket, ExpectedBucketOwner }: Pick<DeleteObjectRequest, 'Bucket' | 'ExpectedBucketOwner'>,
  objects: readonly T[],
  context: RequestContext,
): Promise<Failure<T>[]> {
  const { bucket, failures, dropped } = await s3.state.transact(async (tx) => {
    const bucket = await openBucket(tx.documents, Bucket, context, ExpectedBucketOwner);
    const failures: Failure<T>[] = [];
    const dropped: string[] = [];
    const removed: ObjectDocument[] = [];
    const events: ObjectEvent[] = [];
    for (const object of objects) {
      try {
        const previous = await findForDeletion(tx, bucket, object);
        if (!previous) continue;
        dropped.push(...(await replaceObject(s3, tx, bucket, object.Key!, previous, undefined)));
        removed.push(previous);
        events.push({ name: 's3:ObjectRemoved:Delete', key: object.Key! });
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        failures.push({ object, error });
      }
    }
    if (removed.length > 0) {
      await countChange(tx, bucket, removed, []);
      await notify(s3, tx, bucket, events, context);
    }
    return { bucket, failures, dropped };
  });
  s3.garbage.collect(dropped);
  s3.usage.changed(bucket);
  return failures;
}

async function findForDeletion(
  tx: Transaction,
  bucket: BucketDocument,
  { Key, VersionId, ETag }: Deletion,
): Promise<ObjectDocument | undefined> {
  const object = await findObject(tx.documents, bucket, Key, VersionId);
  checkWriteConditions(Key!, object, { IfMatch: ETag });
  return object;
}

/** A list of keys to delete must not be damaged on the way. */
function requireDigest({ headers }: RequestContext): void {
  const names = Object.keys(headers);
  if (names.length === 0) return;
  if (names.some((name) => name === 'content-md5' || name === 'x-amz-trailer' || name.startsWith('x-amz-checksum-'))) {
    return;
  }
  throw invalidRequest('Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
}
