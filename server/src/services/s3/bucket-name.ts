// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html

import { AwsError } from '#core/errors.ts';

const RESERVED_PREFIXES = ['xn--', 'sthree-', 'amzn-s3-demo-'];
const RESERVED_SUFFIXES = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3'];

/** Throws InvalidBucketName for a name that a general purpose bucket cannot have. */
export function checkBucketName(name: string): void {
  if (isValidBucketName(name)) return;
  throw new AwsError('InvalidBucketName', 'The specified bucket is not valid.', {
    status: 400,
    fields: { BucketName: name },
  });
}

export function isValidBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d{1,3}(\.\d{1,3}){3}$/.test(name) &&
    !RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix)) &&
    !RESERVED_SUFFIXES.some((suffix) => name.endsWith(suffix))
  );
}
