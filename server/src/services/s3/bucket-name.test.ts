import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isValidBucketName } from './bucket-name.ts';

test('names of buckets', () => {
  const cases: [name: string, valid: boolean][] = [
    ['abc', true],
    ['my-bucket.with.dots-1', true],
    ['1a2', true],
    ['a'.repeat(63), true],
    ['1.2.3', true],
    ['', false],
    ['ab', false],
    ['a'.repeat(64), false],
    ['Upper', false],
    ['under_score', false],
    ['-abc', false],
    ['abc-', false],
    ['.abc', false],
    ['a..b', false],
    ['192.168.5.4', false],
    ['xn--bucket', false],
    ['sthree-bucket', false],
    ['amzn-s3-demo-bucket', false],
    ['bucket-s3alias', false],
    ['bucket--ol-s3', false],
    ['bucket.mrap', false],
    ['bucket--x-s3', false],
    ['bücket', false],
    ['a/b', false],
  ];
  for (const [name, valid] of cases) assert.equal(isValidBucketName(name), valid, name);
});
