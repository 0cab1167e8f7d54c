// The checksums that S3 keeps with an object: what computes them, and how they stand in requests and answers.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { notImplemented } from '#core/errors.ts';
import { invalidRequest } from '../errors.ts';
import { Crc32c, Crc64Nvme } from './crc.ts';

const DIGEST_BYTES = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32, SHA512: 64, MD5: 16 } as const;
/** In the schema, and not computed here. */
const NOT_COMPUTED = ['XXHASH64', 'XXHASH3', 'XXHASH128'];

export type ChecksumAlgorithm = keyof typeof DIGEST_BYTES;
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export const CHECKSUM_ALGORITHMS = Object.keys(DIGEST_BYTES) as ChecksumAlgorithm[];
/** What S3 computes when the client names none. */
export const DEFAULT_ALGORITHM: ChecksumAlgorithm = 'CRC64NVME';

/** As kept in documents. */
export interface Checksum {
  algorithm: ChecksumAlgorithm;
  /** Base64; of a composite one with `-` and the number of parts behind it. */
  value: string;
  type: ChecksumType;
}

export type ChecksumMember = `Checksum${ChecksumAlgorithm}`;
export type ChecksumMembers = Partial<Record<ChecksumMember, string>> & { ChecksumType?: ChecksumType };

export interface Hasher {
  update(chunk: Uint8Array): void;
  /** Once, at the end. */
  digest(): Buffer;
}

export function createHasher(algorithm: ChecksumAlgorithm): Hasher {
  switch (algorithm) {
    case 'CRC32':
      return new Crc32();
    case 'CRC32C':
      return new Crc32c();
    case 'CRC64NVME':
      return new Crc64Nvme();
    default:
      return createHash(algorithm.toLowerCase());
  }
}

class Crc32 implements Hasher {
  #crc = 0;

  update(chunk: Uint8Array): void {
    this.#crc = crc32(chunk, this.#crc);
  }

  digest(): Buffer {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(this.#crc);
    return digest;
  }
}

/** `{ ChecksumCRC32: 'aGk…', ChecksumType: 'FULL_OBJECT' }`, as outputs carry it; nothing for no checksum. */
export function checksumMembers(checksum: Checksum | undefined): ChecksumMembers {
  if (!checksum) return {};
  return { ...checksumMember(checksum.algorithm, checksum.value), ChecksumType: checksum.type };
}

/** The same without the type, as parts carry it. */
export function checksumMember(algorithm: ChecksumAlgorithm, value: string | undefined): ChecksumMembers {
  return value === undefined ? {} : { [`Checksum${algorithm}`]: value };
}

/** Reads an algorithm's name; throws for one that S3 or Brume does not have. */
export function parseAlgorithm(name: string): ChecksumAlgorithm {
  const upper = name.toUpperCase();
  if (NOT_COMPUTED.includes(upper)) throw notImplemented('checksums', upper);
  if (!Object.hasOwn(DIGEST_BYTES, upper)) {
    throw invalidRequest(
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5]',
    );
  }
  return upper as ChecksumAlgorithm;
}

/**
 * The one checksum among the members of an input, if there is one. Throws InvalidRequest for several, and for a value
 * that cannot be one of its algorithm. `composite`: a value may end in `-` and a number of parts.
 */
export function givenChecksum(
  input: object,
  { composite = false } = {},
): { algorithm: ChecksumAlgorithm; value: string } | undefined {
  const members = input as Record<string, unknown>;
  for (const name of NOT_COMPUTED) {
    if (members[`Checksum${name}`] !== undefined) throw notImplemented('checksums', name);
  }
  const found = CHECKSUM_ALGORITHMS.filter((algorithm) => members[`Checksum${algorithm}`] !== undefined);
  if (found.length > 1) {
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  }
  const [algorithm] = found;
  if (!algorithm) return undefined;
  const value = String(members[`Checksum${algorithm}`]);
  const digest = composite ? value.replace(/-\d+$/, '') : value;
  if (!isBase64Of(digest, DIGEST_BYTES[algorithm])) {
    throw invalidRequest(`Value for x-amz-checksum-${algorithm.toLowerCase()} header is invalid.`);
  }
  return { algorithm, value };
}

/** Whether a text is the canonical base64 of that many bytes. */
export function isBase64Of(text: string, bytes: number): boolean {
  const decoded = Buffer.from(text, 'base64');
  return decoded.length === bytes && decoded.toString('base64') === text;
}
