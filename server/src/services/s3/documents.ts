// What S3 keeps in the state store. Object documents name the blobs that hold their bytes; a blob that no document
// names is garbage.

import { type Collection, defineCollection, type Scope } from '#storage/state/state.ts';
import type { Checksum, ChecksumAlgorithm, ChecksumType } from './checksums/checksum.ts';
import type { NotificationDocument } from './notifications/configuration.ts';

/** Bucket names are unique over all accounts and regions. */
export const GLOBAL: Scope = { account: '', region: '' };

export interface BucketDocument {
  name: string;
  account: string;
  region: string;
  createdAtMs: number;
  /** As the creator wrote it; none in us-east-1. */
  locationConstraint?: string;
  tags?: Tags;
  notification?: NotificationDocument;
}

/** Pairs, sorted by key. */
export type Tags = [key: string, value: string][];

/** By name, in GLOBAL. */
export const BUCKETS: Collection<BucketDocument> = defineCollection('s3.buckets');

/** What a client says of an object beside its bytes; the same for single and multipart uploads. */
export interface ObjectAttributes {
  /** Cache-Control, Content-Type … by lower-case header name. */
  headers: Record<string, string>;
  metadata?: Record<string, string>;
  tags?: Tags;
  /** STANDARD when absent. */
  storageClass?: string;
}

export interface ObjectDocument extends ObjectAttributes {
  size: number;
  /** Hex, without quotes; of a multipart upload with `-N`. */
  etag: string;
  modifiedAtMs: number;
  checksum?: Checksum;
  /** The blob; absent when the object is empty or was uploaded in parts. */
  blob?: string;
  /** Of a multipart upload: the upload's id, under which PARTS_OF_OBJECTS has the parts. */
  uploadId?: string;
  partCount?: number;
}

/** By `bucket/key`, in the bucket's scope. */
export const OBJECTS: Collection<ObjectDocument> = defineCollection('s3.objects');

export interface PartDocument {
  number: number;
  size: number;
  etag: string;
  modifiedAtMs: number;
  /** Base64, by the algorithm of the upload. */
  checksum: string;
  /** Absent when the part is empty. */
  blob?: string;
}

/** The parts of a finished multipart upload in their order: by upload id, in the bucket's scope. */
export const PARTS_OF_OBJECTS: Collection<PartDocument[]> = defineCollection('s3.object-parts');

export interface UploadDocument extends ObjectAttributes {
  key: string;
  uploadId: string;
  initiatedAtMs: number;
  initiator: string;
  /** Always computed; `algorithmGiven` tells whether the client chose it. */
  algorithm: ChecksumAlgorithm;
  algorithmGiven: boolean;
  checksumType: ChecksumType;
}

/** Multipart uploads under way: by `bucket/key NUL uploadId`, in the bucket's scope. */
export const UPLOADS: Collection<UploadDocument> = defineCollection('s3.uploads');

/** By `uploadId/number`, in the bucket's scope. */
export const UPLOADED_PARTS: Collection<PartDocument> = defineCollection('s3.uploaded-parts');

/** Kept up with every change, so that nobody counts objects. */
export interface UsageDocument {
  objects: number;
  bytesByStorageClass: Record<string, number>;
}

/** By bucket, in the bucket's scope. */
export const USAGE: Collection<UsageDocument> = defineCollection('s3.usage');

export function objectKey(bucket: BucketDocument, key: string): string {
  return `${bucket.name}/${key}`;
}

export function uploadKey(bucket: BucketDocument, key: string, uploadId: string): string {
  return `${bucket.name}/${key}\0${uploadId}`;
}

export function partKey(uploadId: string, number: number): string {
  return `${uploadId}/${String(number).padStart(5, '0')}`;
}

export function scopeOf({ account, region }: BucketDocument): Scope {
  return { account, region };
}
