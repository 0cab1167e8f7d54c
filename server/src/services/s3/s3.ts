// What the operations of S3 share.

import type { Caller, OperationCall } from '#core/caller.ts';
import type { Clock } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { Delivery } from '#engines/delivery/delivery.ts';
import type { Garbage } from '#storage/objects/garbage.ts';
import type { ObjectStore } from '#storage/objects/objects.ts';
import type { DocumentReader, StateStore } from '#storage/state/state.ts';
import { BUCKETS, type BucketDocument, GLOBAL } from './documents.ts';
import { accessDenied, noSuchBucket } from './errors.ts';
import type { Sequencer } from './notifications/sequencer.ts';
import type { UsageReporter } from './usage.ts';

export interface S3 {
  state: StateStore;
  objects: ObjectStore;
  clock: Clock;
  log: Logger;
  delivery: Delivery;
  call: OperationCall;
  garbage: Garbage;
  usage: UsageReporter;
  sequencer: Sequencer;
}

/** The suffix of the ids of S3's blobs. */
export const BLOB_OWNER = 's3';

/**
 * The bucket that a request is about. Throws NoSuchBucket, and AccessDenied when it belongs to another account or to
 * another than the request expects.
 */
export async function openBucket(
  documents: DocumentReader,
  name: string | undefined,
  caller: Caller,
  expectedOwner?: string,
): Promise<BucketDocument> {
  const bucket = await documents.get(BUCKETS, GLOBAL, name ?? '');
  if (!bucket) throw noSuchBucket(name ?? '');
  if (bucket.account !== caller.account) throw accessDenied();
  if (expectedOwner !== undefined && expectedOwner !== bucket.account) throw accessDenied();
  return bucket;
}
