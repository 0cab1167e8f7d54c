// Access key ids as AWS builds them: four letters for the kind (`AKIA` a user's, `ASIA` a temporary one) and 16
// base32 characters that carry the account number in 40 of their bits, so that the account can be read from an id alone.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html

import { randomBytes } from 'node:crypto';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const ENCODED_CHARACTERS = 16;
/** The account lies above the lowest 7 bits of the first 6 bytes; the highest bit marks the form. */
const ACCOUNT_SHIFT = 7n;
const FORM_BIT = 1n << 79n;
const ACCOUNT_BITS = (1n << 40n) - 1n;
/** 80 bits in all, of which the first 48 hold form, account and 7 random bits. */
const BITS_BELOW_ACCOUNT = 32n + ACCOUNT_SHIFT;

/** A new id; `prefix` is `AKIA` or `ASIA`, `account` 12 digits. */
export function newAccessKeyId(prefix: 'AKIA' | 'ASIA', account: string): string {
  const noise = BigInt(`0x${randomBytes(10).toString('hex')}`) & ((1n << BITS_BELOW_ACCOUNT) - 1n);
  let bits = FORM_BIT | (BigInt(account) << BITS_BELOW_ACCOUNT) | noise;
  let text = '';
  for (let i = 0; i < ENCODED_CHARACTERS; i++) {
    text = BASE32[Number(bits & 31n)]! + text;
    bits >>= 5n;
  }
  return prefix + text;
}

/** The account that an id carries, or undefined when it is not of that form (test keys, keys from before 2019). */
export function accountOfAccessKeyId(accessKeyId: string): string | undefined {
  const encoded = accessKeyId.slice(4);
  if (encoded.length !== ENCODED_CHARACTERS || !/^A[KS]IA[Q-Z2-7]/.test(accessKeyId)) return undefined;
  let bits = 0n;
  for (const character of encoded) {
    const value = BASE32.indexOf(character);
    if (value < 0) return undefined;
    bits = (bits << 5n) | BigInt(value);
  }
  const account = (bits >> BITS_BELOW_ACCOUNT) & ACCOUNT_BITS;
  return account > 999_999_999_999n ? undefined : String(account).padStart(12, '0');
}

/** 40 characters of the base64 alphabet, as secret access keys are. */
export function newSecretAccessKey(): string {
  return randomBytes(30).toString('base64');
}
