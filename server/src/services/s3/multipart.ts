// What the multipart operations share. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html

import { createHash } from 'node:crypto';
import { randomCharacters } from '#core/ids.ts';
import type { DocumentReader } from '#storage/state/state.ts';
import {
  type Checksum,
  type ChecksumAlgorithm,
  type ChecksumType,
  createHasher,
  DEFAULT_ALGORITHM,
} from './checksums/checksum.ts';
import { joinCrcs } from './checksums/crc.ts';
import {
  type BucketDocument,
  type PartDocument,
  scopeOf,
  UPLOADS,
  type UploadDocument,
  uploadKey,
} from './documents.ts';
import { invalidArgument, invalidRequest, noSuchUpload } from './errors.ts';

export const MAX_PART_NUMBER = 10_000;
export const MIN_PART_BYTES = 5 * 1024 ** 2;

const ID_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_RANDOM_CHARACTERS = 52;

/** Ids of uploads sort by their time, as listings show the uploads of one key. */
export function newUploadId(atMs: number): string {
  return Math.floor(atMs).toString(16).padStart(12, '0') + randomCharacters(ID_ALPHABET, ID_RANDOM_CHARACTERS);
}

export async function requireUpload(
  documents: DocumentReader,
  bucket: BucketDocument,
  key: string | undefined,
  uploadId: string | undefined,
): Promise<UploadDocument> {
  const upload = await documents.get(UPLOADS, scopeOf(bucket), uploadKey(bucket, key ?? '', uploadId ?? ''));
  if (!upload) throw noSuchUpload(uploadId ?? '');
  return upload;
}

export function checkPartNumber(number: number | undefined): number {
  if (number === undefined || !Number.isInteger(number) || number < 1 || number > MAX_PART_NUMBER) {
    throw invalidArgument(
      `Part number must be an integer between 1 and ${MAX_PART_NUMBER}, inclusive`,
      'partNumber',
      number,
    );
  }
  return number;
}

/**
 * The checksum that an upload is going to have. CRC-64/NVME is always of the full object; a digest (SHA, MD5) can only
 * be composed of those of the parts.
 */
export function acceptChecksumType(
  given: ChecksumAlgorithm | undefined,
  type: string | undefined,
): { algorithm: ChecksumAlgorithm; checksumType: ChecksumType } {
  if (type !== undefined && type !== 'FULL_OBJECT' && type !== 'COMPOSITE') {
    throw invalidRequest('Value for x-amz-checksum-type header is invalid.');
  }
  if (type !== undefined && given === undefined) {
    throw invalidRequest('The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.');
  }
  const algorithm = given ?? DEFAULT_ALGORITHM;
  const checksumType = type ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE');
  const isPossible =
    algorithm === 'CRC64NVME' ? checksumType === 'FULL_OBJECT' : checksumType === 'COMPOSITE' || isCrc(algorithm);
  if (!isPossible) {
    throw invalidRequest(
      `The ${checksumType} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return { algorithm, checksumType };
}

function isCrc(algorithm: ChecksumAlgorithm): algorithm is 'CRC32' | 'CRC32C' | 'CRC64NVME' {
  return algorithm === 'CRC32' || algorithm === 'CRC32C' || algorithm === 'CRC64NVME';
}

/** The MD5 of the parts' MD5s, and how many they are. */
export function etagOfParts(parts: readonly PartDocument[]): string {
  const md5 = createHash('md5');
  for (const { etag } of parts) md5.update(Buffer.from(etag, 'hex'));
  return `${md5.digest('hex')}-${parts.length}`;
}

export function checksumOfParts(
  { algorithm, checksumType }: Pick<UploadDocument, 'algorithm' | 'checksumType'>,
  parts: readonly PartDocument[],
): Checksum {
  const digests = parts.map(({ checksum, size }) => ({ digest: Buffer.from(checksum, 'base64'), size }));
  if (checksumType === 'FULL_OBJECT' && isCrc(algorithm)) {
    return { algorithm, type: checksumType, value: joinCrcs(algorithm, digests).toString('base64') };
  }
  const hasher = createHasher(algorithm);
  for (const { digest } of digests) hasher.update(digest);
  return { algorithm, type: 'COMPOSITE', value: `${hasher.digest().toString('base64')}-${parts.length}` };
}
