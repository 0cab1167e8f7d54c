// Identifiers in the forms that AWS gives them.

import { createHash, randomBytes, randomUUID } from 'node:crypto';

export { randomUUID as uuid };

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const S3_ALPHABET = '0123456789ABCDEFGHJKLMNPQRSTVWXYZ';

/** IAM's unique ids: a four-letter prefix (`AROA`, `AIDA`, `ASIA`) and 17 upper-case characters. */
export function iamUniqueId(prefix: string): string {
  return prefix + randomCharacters(BASE32, 17);
}

/** S3's `x-amz-request-id`: 16 upper-case characters. */
export function s3RequestId(): string {
  return randomCharacters(S3_ALPHABET, 16);
}

/** S3's `x-amz-id-2`: 76 characters that follow from the request id, so that event records can name it too. */
export function s3HostId(requestId: string): string {
  return createHash('sha512').update(requestId).digest().subarray(0, 57).toString('base64');
}

/** Out of UUIDs, which Node.js makes in batches: a tenth of the time of as many random bytes by themselves. */
export function randomHex(characters: number): string {
  let text = '';
  while (text.length < characters) {
    const id = randomUUID();
    // Without the digits that tell version and variant.
    text += id.slice(0, 8) + id.slice(9, 13) + id.slice(15, 18) + id.slice(20, 23) + id.slice(24);
  }
  return text.slice(0, characters);
}

export function randomCharacters(alphabet: string, count: number): string {
  let text = '';
  for (const byte of randomBytes(count)) text += alphabet[byte % alphabet.length];
  return text;
}
