// Copies a range of an object into a new blob, hashing it on the way.

import { createHash } from 'node:crypto';
import { type ChecksumAlgorithm, createHasher } from './checksums/checksum.ts';
import { readBytes, type Segment } from './object-bytes.ts';
import type { ByteRange } from './range.ts';
import { BLOB_OWNER, type S3 } from './s3.ts';

export interface CopiedBytes {
  /** Absent when the range is empty. */
  blob?: string;
  size: number;
  /** Hex. */
  md5: string;
  /** Base64. */
  checksum: string;
}

/** Throws BlobGoneError when the source was replaced meanwhile. */
export async function copyHashed(
  s3: S3,
  segments: readonly Segment[],
  range: ByteRange,
  algorithm: ChecksumAlgorithm,
): Promise<CopiedBytes> {
  const md5 = createHash('md5');
  const hasher = createHasher(algorithm);
  const size = range.end - range.start;
  let blob: string | undefined;
  if (size > 0) {
    const bytes = await readBytes(s3, segments, range);
    const onChunk = (chunk: Uint8Array) => {
      md5.update(chunk);
      hasher.update(chunk);
    };
    blob = (await s3.objects.write(bytes, onChunk, { owner: BLOB_OWNER })).id;
  }
  return {
    ...(blob === undefined ? {} : { blob }),
    size,
    md5: md5.digest('hex'),
    checksum: hasher.digest().toString('base64'),
  };
}
