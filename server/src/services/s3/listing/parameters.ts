// What the listing operations have in common: limits, tokens, and the encoding of keys in their answers.

import type { EncodingType } from '@aws-sdk/client-s3';
import { invalidArgument } from '../errors.ts';
import { urlEncodeKey } from '../object-name.ts';

const LARGEST_PAGE = 1_000;

/** A page size: `given` between 0 and 2^31-1, and never more than 1,000. */
export function acceptLimit(name: string, given: number | undefined, largest = LARGEST_PAGE): number {
  if (given === undefined) return largest;
  if (!Number.isInteger(given) || given < 0 || given > 2_147_483_647) {
    throw invalidArgument(`Argument ${name} must be an integer between 0 and 2147483647`, name, given);
  }
  return Math.min(given, largest);
}

/** How keys and prefixes are written; undefined stays undefined. */
export function keyEncoder(encodingType: EncodingType | undefined): (text: string | undefined) => string | undefined {
  if (encodingType === undefined) return (text) => text;
  if (encodingType !== 'url') {
    throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', encodingType);
  }
  return (text) => text && urlEncodeKey(text);
}

/** Tokens are opaque to clients: the place to go on from, in base64. */
export function makeToken(place: string): string {
  return Buffer.from(`1${place}`).toString('base64');
}

export function readToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString();
  if (!text.startsWith('1') || makeToken(text.slice(1)) !== token) {
    throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', token);
  }
  return text.slice(1);
}
