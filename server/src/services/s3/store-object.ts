// The transaction that makes an object visible: in place of the one before, counted, announced.

import type { Transaction } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkWriteConditions, type WriteConditions } from './conditions.ts';
import type { BucketDocument, ObjectDocument } from './documents.ts';
import { notify } from './notifications/notify.ts';
import { BlobGoneError } from './object-bytes.ts';
import { findObject, replaceObject } from './object-table.ts';
import { openBucket, type S3 } from './s3.ts';
import { countChange } from './usage.ts';

export interface Store {
  bucket: string;
  key: string;
  object: ObjectDocument;
  /** `s3:ObjectCreated:Put` … */
  event: string;
  conditions: WriteConditions;
  /** The blob of the object is that of the one before, which must still be there: throws BlobGoneError otherwise. */
  sharedBlob?: string | undefined;
}

/** Throws NoSuchBucket when the bucket went meanwhile, and what the conditions throw. */
export async function storeObject(s3: S3, store: Store, context: RequestContext): Promise<void> {
  const { bucket, dropped } = await s3.state.transact((tx) => storeIn(s3, tx, store, context));
  s3.garbage.collect(dropped);
  s3.usage.changed(bucket);
}

/** The same as part of a larger transaction; the caller collects what was dropped after the commit. */
export async function storeIn(
  s3: S3,
  tx: Transaction,
  { bucket: bucketName, key, object, event, conditions, sharedBlob }: Store,
  context: RequestContext,
): Promise<{ bucket: BucketDocument; dropped: string[] }> {
  const bucket = await openBucket(tx.documents, bucketName, context);
  const previous = await findObject(tx.documents, bucket, key);
  checkWriteConditions(key, previous, conditions);
  if (sharedBlob !== undefined && previous?.blob !== sharedBlob) throw new BlobGoneError();
  const dropped = await replaceObject(s3, tx, bucket, key, previous, object);
  await countChange(tx, bucket, previous ? [previous] : [], [object]);
  await notify(s3, tx, bucket, [{ name: event, key, object }], context);
  return { bucket, dropped };
}
