import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestContext } from '#wire/service.ts';
import {
  type AttributesInput,
  acceptAttributes,
  attributesOutput,
  decodeHeaderText,
  encodeHeaderText,
} from './metadata.ts';

const context = { operation: 'PutObject', headers: {} } as RequestContext;

test('values of user metadata', () => {
  const asHeaderBytes = (text: string) => Buffer.from(text).toString('latin1');
  const cases: [given: string, kept: string, returned: string][] = [
    ['plain value', 'plain value', 'plain value'],
    [asHeaderBytes('Grüße'), 'Grüße', '=?UTF-8?B?R3LDvMOfZQ==?='],
    ['Grüße 世界', 'Grüße 世界', '=?UTF-8?B?R3LDvMOfZSDkuJbnlYw=?='],
    ['=?UTF-8?B?R3LDvMOfZQ==?=', 'Grüße', '=?UTF-8?B?R3LDvMOfZQ==?='],
    ['=?UTF-8?Q?Gr=C3=BC=C3=9Fe_x?=', 'Grüße x', '=?UTF-8?B?R3LDvMOfZSB4?='],
    // Latin-1 that is no UTF-8 is taken as it is.
    ['caf\xe9', 'café', '=?UTF-8?B?Y2Fmw6k=?='],
    ['=?unknown?X?y?=', '=?unknown?X?y?=', '=?unknown?X?y?='],
  ];
  for (const [given, kept, returned] of cases) {
    assert.equal(decodeHeaderText(given), kept);
    assert.equal(encodeHeaderText(kept), returned);
  }
});

test('what an upload says of its object comes back', () => {
  const input: AttributesInput = {
    CacheControl: 'no-cache',
    ContentType: 'text/csv',
    Expires: new Date('2030-01-01T00:00:00Z'),
    Metadata: { Name: 'x' },
    Tagging: 'a=1',
    StorageClass: 'STANDARD_IA',
  };
  const attributes = acceptAttributes(input, context);
  assert.deepEqual(attributes, {
    headers: { 'cache-control': 'no-cache', 'content-type': 'text/csv', expires: 'Tue, 01 Jan 2030 00:00:00 GMT' },
    metadata: { name: 'x' },
    tags: [['a', '1']],
    storageClass: 'STANDARD_IA',
  });
  const { CacheControl, ContentType, Metadata, TagCount, StorageClass } = attributesOutput(attributes);
  assert.deepEqual(
    { CacheControl, ContentType, Metadata, TagCount, StorageClass },
    {
      CacheControl: 'no-cache',
      ContentType: 'text/csv',
      Metadata: { name: 'x' },
      TagCount: 1,
      StorageClass: 'STANDARD_IA',
    },
  );
  assert.deepEqual(acceptAttributes({}, context), { headers: { 'content-type': 'binary/octet-stream' } });
});

test('what Brume or S3 refuses', () => {
  const cases: [input: AttributesInput, code: string][] = [
    [{ ACL: 'public-read' }, 'AccessControlListNotSupported'],
    [{ GrantRead: 'id="x"' }, 'AccessControlListNotSupported'],
    [{ ServerSideEncryption: 'aws:kms' }, 'NotImplemented'],
    [{ ServerSideEncryption: 'rot13' as never }, 'InvalidArgument'],
    [{ SSEKMSKeyId: 'k' }, 'InvalidArgument'],
    [{ SSECustomerAlgorithm: 'AES256' }, 'NotImplemented'],
    [{ ObjectLockMode: 'GOVERNANCE' }, 'InvalidRequest'],
    [{ StorageClass: 'FROZEN' as never }, 'InvalidStorageClass'],
    [{ StorageClass: 'GLACIER' }, 'NotImplemented'],
    [{ Metadata: { a: 'x'.repeat(2_048) } }, 'MetadataTooLarge'],
    [{ WebsiteRedirectLocation: 'elsewhere' }, 'InvalidRedirectLocation'],
  ];
  for (const [input, code] of cases)
    assert.throws(() => acceptAttributes(input, context), { code }, JSON.stringify(input));
  assert.equal(acceptAttributes({ Metadata: { a: 'x'.repeat(2_047) } }, context).metadata?.a?.length, 2_047);
});
