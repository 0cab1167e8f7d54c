import { AwsError } from '#core/errors.ts';

/** What the NextMarker of a list is made of: where the list goes on. */
export function makeMarker(after: string): string {
  return Buffer.from(after).toString('base64url');
}

export function readMarker(marker: string): string {
  const after = Buffer.from(marker, 'base64url').toString();
  if (makeMarker(after) === marker) return after;
  throw new AwsError('InvalidParameterValueException', `Invalid marker: ${marker}`);
}
