// Keys: any text of up to 1,024 bytes. Nothing in a key means anything to Brume: `../` is four characters.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html

import { AwsError } from '#core/errors.ts';

export const MAX_KEY_BYTES = 1_024;

/** Throws KeyTooLongError. */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes <= MAX_KEY_BYTES) return;
  throw new AwsError('KeyTooLongError', 'Your key is too long', {
    status: 400,
    fields: { Size: bytes, MaxSizeAllowed: MAX_KEY_BYTES },
  });
}

/** As listings with `encoding-type=url` and event records write keys: a space is `+`, slashes stay. */
export function urlEncodeKey(key: string): string {
  return encodeURIComponent(key.toWellFormed())
    .replace(/%20/g, '+')
    .replace(/%2F/g, '/')
    .replace(/[!'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
