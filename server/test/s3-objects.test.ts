// Objects through HTTP with the official SDK, and with plain requests for what an SDK cannot send.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import {
  type ChecksumAlgorithm,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const s3 = new S3Client(clientConfig(brume));
/** Sends no checksum unless told to. */
const quiet = new S3Client({ ...clientConfig(brume), requestChecksumCalculation: 'WHEN_REQUIRED' });
const Bucket = 'objects';
await s3.send(new CreateBucketCommand({ Bucket }));
const url = (key: string) => `${brume.endpoint}/${Bucket}/${encodeURIComponent(key).replaceAll('%2F', '/')}`;

const errorOf = async (work: Promise<unknown>) => {
  try {
    await work;
    return 'none';
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return `${name} ${$metadata?.httpStatusCode}`;
  }
};
const put = (Key: string, Body: PutObjectCommandInput['Body'], more: Partial<PutObjectCommandInput> = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = (Key: string, more: Partial<GetObjectCommandInput> = {}) =>
  s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
const text = async (Key: string, more = {}) => (await get(Key, more)).Body!.transformToString();
const head = (Key: string) => s3.send(new HeadObjectCommand({ Bucket, Key }));
const md5 = (bytes: string | Uint8Array) => createHash('md5').update(bytes).digest('hex');

test('bytes come back as they were put', async () => {
  const cases: [name: string, body: Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['one byte', Buffer.from([0])],
    ['small', randomBytes(4_096)],
    ['as large as what is read at once', randomBytes(256 * 1024)],
    ['streamed', randomBytes(1_500_001)],
  ];
  for (const [Key, body] of cases) {
    const { ETag } = await put(Key, body);
    assert.equal(ETag, `"${md5(body)}"`);
    const got = await get(Key);
    assert.deepEqual(Buffer.from(await got.Body!.transformToByteArray()), body, Key);
    assert.equal(got.ContentLength, body.length);
    assert.equal(got.ETag, ETag);
    assert.equal((await head(Key)).ContentLength, body.length);
  }
  await put('small', 'replaced');
  assert.equal(await text('small'), 'replaced');
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'small' }));
  assert.equal(await errorOf(get('small')), 'NoSuchKey 404');
  assert.equal(await errorOf(head('small')), 'NotFound 404');
  assert.equal(await errorOf(s3.send(new DeleteObjectCommand({ Bucket, Key: 'small' }))), 'none', 'deleting nothing');
  assert.equal(await errorOf(s3.send(new GetObjectCommand({ Bucket: 'no-bucket', Key: 'k' }))), 'NoSuchBucket 404');
});

test('keys of any characters are just keys', async () => {
  const keys = [
    '../../etc/passwd',
    '/leading',
    '//two',
    'trailing/',
    'a//b/./../c',
    'spaces and + plus %41 percent',
    'grüße/世界/\u{1f600}',
    'quote"\'<>&;`$()[]{}|\\^~*?#=@!,:',
    'new\nline\ttab\rreturn',
    'nul\0inside',
    '\u0001\u007f',
    'k'.repeat(1_024),
    'ü'.repeat(512),
  ];
  for (const [i, Key] of keys.entries()) await put(Key, `body ${i}`);
  for (const [i, Key] of keys.entries()) {
    assert.equal(await text(Key), `body ${i}`, JSON.stringify(Key));
    assert.equal((await head(Key)).ContentLength, `body ${i}`.length);
  }
  const copied = await s3.send(
    new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: encodeURIComponent(`${Bucket}/${keys[5]}`) }),
  );
  assert.ok(copied.CopyObjectResult?.ETag);
  assert.equal(await text('copied'), 'body 5');
  const Objects = keys.map((Key) => ({ Key }));
  // XML 1.0 has no way to write most control characters, so such keys are deleted one by one.
  const writable = Objects.filter(({ Key }) => !/[\x00-\x08\x0b\x0c\x0e-\x1f]/.test(Key));
  const { Deleted } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: writable } }));
  assert.deepEqual(Deleted, writable);
  assert.equal(await errorOf(put('k'.repeat(1_025), 'x')), 'KeyTooLongError 400');
  assert.equal(await errorOf(put(`${'ü'.repeat(512)}x`, 'x')), 'KeyTooLongError 400');
});

test('metadata, tags and system headers', async () => {
  await put('described', 'x', {
    CacheControl: 'max-age=60',
    ContentDisposition: 'attachment; filename="a.csv"',
    ContentEncoding: 'gzip',
    ContentLanguage: 'de, en',
    ContentType: 'text/csv; charset=utf-8',
    Expires: new Date('2030-01-01T00:00:00Z'),
    WebsiteRedirectLocation: '/elsewhere',
    StorageClass: 'STANDARD_IA',
    ServerSideEncryption: 'AES256',
    Tagging: 'a=1&b=2',
    Metadata: { Mixed: 'Value', other: ' spaced ' },
  });
  const got = await head('described');
  assert.deepEqual(
    {
      ...got,
      $metadata: 0,
      LastModified: 0,
    },
    {
      $metadata: 0,
      LastModified: 0,
      AcceptRanges: 'bytes',
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment; filename="a.csv"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de, en',
      ContentLength: 1,
      ContentType: 'text/csv; charset=utf-8',
      ETag: `"${md5('x')}"`,
      Expires: new Date('2030-01-01T00:00:00Z'),
      ExpiresString: 'Tue, 01 Jan 2030 00:00:00 GMT',
      Metadata: { mixed: 'Value', other: 'spaced' },
      ServerSideEncryption: 'AES256',
      StorageClass: 'STANDARD_IA',
      TagCount: 2,
      WebsiteRedirectLocation: '/elsewhere',
    },
  );
  await fetch(url('plain'), { method: 'PUT', body: new Uint8Array([1]) });
  assert.equal((await head('plain')).ContentType, 'binary/octet-stream');
  const raw = await fetch(url('odd-expires'), {
    method: 'PUT',
    body: 'x',
    headers: { expires: '0', 'x-amz-meta-u': Buffer.from('grüß').toString('latin1') },
  });
  assert.equal(raw.status, 200, await raw.text());
  const answer = await fetch(url('odd-expires'));
  assert.equal(answer.headers.get('expires'), '0');
  assert.equal(answer.headers.get('x-amz-meta-u'), '=?UTF-8?B?Z3LDvMOf?=');
  assert.equal(await errorOf(put('k', 'x', { Metadata: { a: 'x'.repeat(2_048) } })), 'MetadataTooLarge 400');
});

test('response headers by request', async () => {
  await put('overridden', 'x', { ContentType: 'text/plain', CacheControl: 'a' });
  const got = await get('overridden', {
    ResponseContentType: 'application/json',
    ResponseCacheControl: 'no-store',
    ResponseContentDisposition: 'inline',
    ResponseContentEncoding: 'identity',
    ResponseContentLanguage: 'fr',
    ResponseExpires: new Date('2031-01-01T00:00:00Z'),
  });
  assert.deepEqual(
    [
      got.ContentType,
      got.CacheControl,
      got.ContentDisposition,
      got.ContentEncoding,
      got.ContentLanguage,
      got.ExpiresString,
    ],
    ['application/json', 'no-store', 'inline', 'identity', 'fr', 'Wed, 01 Jan 2031 00:00:00 GMT'],
  );
});

test('ranges', async () => {
  const body = 'abcdefghij';
  const large = randomBytes(700_000);
  await put('ranged', body);
  await put('ranged-large', large);
  const cases: [range: string, status: number, content: string, contentRange: string | null][] = [
    ['bytes=0-3', 206, 'abcd', 'bytes 0-3/10'],
    ['bytes=7-', 206, 'hij', 'bytes 7-9/10'],
    ['bytes=-2', 206, 'ij', 'bytes 8-9/10'],
    ['bytes=0-100', 206, body, 'bytes 0-9/10'],
    ['bytes=5-2', 200, body, null],
    ['bytes=0-1,3-4', 200, body, null],
  ];
  for (const [range, status, content, contentRange] of cases) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await fetch(url('ranged'), { method, headers: { range } });
      assert.equal(answer.status, status, `${method} ${range}`);
      assert.equal(answer.headers.get('content-range'), contentRange);
      assert.equal(answer.headers.get('content-length'), String(content.length));
      assert.equal(await answer.text(), method === 'HEAD' ? '' : content);
    }
  }
  const beyond = await fetch(url('ranged'), { headers: { range: 'bytes=10-' } });
  assert.equal(beyond.status, 416);
  assert.match(await beyond.text(), /<Code>InvalidRange<\/Code>.*<ActualObjectSize>10<\/ActualObjectSize>/s);
  const middle = await (await get('ranged-large', { Range: 'bytes=100000-599999' })).Body!.transformToByteArray();
  assert.deepEqual(Buffer.from(middle), large.subarray(100_000, 600_000));
  assert.equal(await text('ranged', { PartNumber: 1 }), body);
  assert.equal(await errorOf(get('ranged', { PartNumber: 2 })), 'InvalidPartNumber 416');
  assert.equal(await errorOf(get('ranged', { PartNumber: 0 })), 'InvalidArgument 400');
  assert.equal(await errorOf(get('ranged', { PartNumber: 1, Range: 'bytes=0-1' })), 'InvalidRequest 400');
});

test('conditional reads', async () => {
  await put('conditional', 'x');
  const { ETag, LastModified } = await head('conditional');
  const past = new Date(LastModified!.getTime() - 10_000);
  const cases: [condition: Partial<GetObjectCommandInput>, status: number][] = [
    [{ IfMatch: ETag }, 200],
    [{ IfMatch: '"other"' }, 412],
    [{ IfNoneMatch: ETag }, 304],
    [{ IfNoneMatch: '"other"' }, 200],
    [{ IfModifiedSince: LastModified }, 304],
    [{ IfModifiedSince: past }, 200],
    [{ IfUnmodifiedSince: past }, 412],
    [{ IfUnmodifiedSince: LastModified }, 200],
  ];
  for (const [condition, status] of cases) {
    for (const Command of [GetObjectCommand, HeadObjectCommand]) {
      const seen = await s3.send(new Command({ Bucket, Key: 'conditional', ...condition }) as GetObjectCommand).then(
        (output) => output.$metadata.httpStatusCode,
        (error) => error.$metadata.httpStatusCode,
      );
      assert.equal(seen, status, JSON.stringify(condition));
    }
  }
  const answer = await fetch(url('conditional'), { headers: { 'if-none-match': ETag! } });
  assert.equal(answer.status, 304);
  assert.equal(answer.headers.get('etag'), ETag);
  assert.ok(answer.headers.get('last-modified'));
});

test('conditional writes and deletes', async () => {
  const Key = 'written-once';
  const remove = (IfMatch: string) => s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));
  assert.equal(await errorOf(put(Key, 'x', { IfMatch: '"x"' })), 'NoSuchKey 404');
  const first = await put(Key, 'one', { IfNoneMatch: '*' });
  assert.equal(await errorOf(put(Key, 'two', { IfNoneMatch: '*' })), 'PreconditionFailed 412');
  assert.equal(await errorOf(put(Key, 'two', { IfNoneMatch: '"x"' })), 'NotImplemented 501');
  assert.equal(await errorOf(put(Key, 'two', { IfMatch: '"x"' })), 'PreconditionFailed 412');
  assert.equal(await text(Key), 'one');
  await put(Key, 'two', { IfMatch: first.ETag });
  assert.equal(await errorOf(remove(first.ETag!)), 'PreconditionFailed 412');
  assert.equal(await text(Key), 'two');
  await remove('*');
  assert.equal(await errorOf(remove('*')), 'NoSuchKey 404');
  const racers = await Promise.all(
    Array.from({ length: 8 }, (_, i) => errorOf(put('race', `${i}`.repeat(100_000), { IfNoneMatch: '*' }))),
  );
  assert.equal(racers.filter((outcome) => outcome === 'none').length, 1, racers.join());
  assert.equal(racers.filter((outcome) => outcome === 'PreconditionFailed 412').length, 7);
});

const ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
/** Of `Hello world`: published in AWS's own test cases of the SDKs. */
const HELLO: Record<(typeof ALGORITHMS)[number], string> = {
  CRC32: 'i9aeUg==',
  CRC32C: 'crUfeA==',
  CRC64NVME: 'OOJZ0D8xKts=',
  SHA1: 'e1AsOh9IyGCa4hLN+2Od7jlnP14=',
  SHA256: 'ZOyIygCyaOW6GjVnihtTFtIS9PNmskdyMlNKiuyjfzw=',
};

test('checksums of every algorithm: computed, given, wrong, in headers and in trailers', async () => {
  for (const algorithm of ALGORITHMS) {
    const member = `Checksum${algorithm}` as const;
    const Key = `checksum-${algorithm}`;
    const stored = await put(Key, 'Hello world', { [member]: HELLO[algorithm] });
    assert.equal(stored[member], HELLO[algorithm]);
    assert.equal(stored.ChecksumType, 'FULL_OBJECT');
    const got = await get(Key, { ChecksumMode: 'ENABLED' });
    assert.equal(got[member], HELLO[algorithm], algorithm);
    assert.equal(await got.Body!.transformToString(), 'Hello world');
    const bytes = Buffer.from(HELLO[algorithm], 'base64');
    bytes[0]! ^= 1;
    const wrong = bytes.toString('base64');
    assert.equal(await errorOf(put('wrong', 'Hello world', { [member]: wrong })), 'BadDigest 400', algorithm);
    assert.equal(await errorOf(put('wrong', 'Hello world', { [member]: 'AAA=' })), 'InvalidRequest 400', algorithm);
    // A stream of unknown content: the SDK computes the checksum on the way and sends it as a trailer.
    const body = randomBytes(300_000);
    const chunks = Readable.from([body.subarray(0, 100_000), body.subarray(100_000)]);
    const streamed = await put('streamed', chunks, {
      ChecksumAlgorithm: algorithm as ChecksumAlgorithm,
      ContentLength: body.length,
    });
    assert.ok(streamed[member], `${algorithm} of a stream`);
    assert.equal(streamed.ETag, `"${md5(body)}"`);
  }
  assert.equal(await errorOf(get('wrong')), 'NoSuchKey 404', 'nothing is left of a refused upload');
});

/** As SDKs send streams over TLS: unsigned chunks with the checksum behind them. */
function chunkedBody(content: string, trailer: string): string {
  return `${content.length.toString(16)}\r\n${content}\r\n0\r\n${trailer === '' ? '' : `${trailer}\r\n`}\r\n`;
}

test('trailers as they stand on the wire', async () => {
  const send = (trailer: string, declared = 'x-amz-checksum-crc32') =>
    fetch(url('trailed'), {
      method: 'PUT',
      body: chunkedBody('Hello world', trailer),
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': '11',
        'x-amz-trailer': declared,
      },
    });
  const good = await send(`x-amz-checksum-crc32:${HELLO.CRC32}`);
  assert.equal(good.status, 200, await good.text());
  assert.equal(good.headers.get('x-amz-checksum-crc32'), HELLO.CRC32);
  assert.equal((await head('trailed')).ContentEncoding, undefined);
  const cases: [trailer: string, declared: string, code: string][] = [
    ['x-amz-checksum-crc32:AAAAAA==', 'x-amz-checksum-crc32', 'BadDigest'],
    [`x-amz-checksum-sha1:${HELLO.SHA1}`, 'x-amz-checksum-crc32', 'MalformedTrailerError'],
    ['', 'x-amz-checksum-crc32', 'MalformedTrailerError'],
  ];
  for (const [trailer, declared, code] of cases) {
    const answer = await send(trailer, declared);
    const body = await answer.text();
    assert.equal(answer.status, 400, body);
    assert.match(body, new RegExp(`<Code>${code}</Code>`));
  }
  assert.equal(await text('trailed'), 'Hello world');
});

test('the checksum that S3 computes by itself, and Content-MD5', async () => {
  const putQuietly = (more: Partial<PutObjectCommandInput>) =>
    quiet.send(new PutObjectCommand({ Bucket, Key: 'unasked', Body: 'Hello world', ...more }));
  const stored = await putQuietly({ ContentMD5: createHash('md5').update('Hello world').digest('base64') });
  assert.equal(stored.ChecksumCRC64NVME, HELLO.CRC64NVME);
  assert.equal(
    await errorOf(putQuietly({ ContentMD5: createHash('md5').update('x').digest('base64') })),
    'BadDigest 400',
  );
  assert.equal(await errorOf(putQuietly({ ContentMD5: 'nonsense' })), 'InvalidDigest 400');
  const two = await fetch(url('two'), {
    method: 'PUT',
    body: 'Hello world',
    headers: { 'x-amz-checksum-crc32': HELLO.CRC32, 'x-amz-checksum-sha1': HELLO.SHA1 },
  });
  assert.match(await two.text(), /<Code>InvalidRequest<\/Code><Message>Expecting a single x-amz-checksum-/);
  const named = await fetch(url('named'), {
    method: 'PUT',
    body: 'x',
    headers: { 'x-amz-sdk-checksum-algorithm': 'CRC32' },
  });
  assert.match(await named.text(), /<Code>InvalidRequest<\/Code><Message>x-amz-sdk-checksum-algorithm specified, but/);
  const exotic = await fetch(url('named'), {
    method: 'PUT',
    body: 'x',
    headers: { 'x-amz-checksum-xxhash64': 'AAAAAAAAAAA=' },
  });
  assert.equal(exotic.status, 501);
  // A part of an object must not come with the checksum of the whole: clients would find it wrong.
  const part = await get('unasked', { ChecksumMode: 'ENABLED', Range: 'bytes=0-3' });
  assert.equal(part.ChecksumCRC64NVME, undefined);
  const asked = await get('unasked', { ChecksumMode: 'ENABLED', Range: 'bytes=0-' });
  assert.equal(asked.ChecksumCRC64NVME, HELLO.CRC64NVME);
  assert.equal((await get('unasked', { ChecksumMode: undefined })).$metadata.httpStatusCode, 200);
});

test('attributes of an object', async () => {
  await put('attributed', 'Hello world', { ChecksumSHA256: HELLO.SHA256 });
  const attributes = await s3.send(
    new GetObjectAttributesCommand({
      Bucket,
      Key: 'attributed',
      ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'],
    }),
  );
  const { ETag, Checksum, ObjectParts, StorageClass, ObjectSize } = attributes;
  assert.deepEqual(
    { ETag, Checksum, ObjectParts, StorageClass, ObjectSize },
    {
      ETag: md5('Hello world'),
      Checksum: { ChecksumSHA256: HELLO.SHA256, ChecksumType: 'FULL_OBJECT' },
      ObjectParts: undefined,
      StorageClass: 'STANDARD',
      ObjectSize: 11,
    },
  );
  const odd = new GetObjectAttributesCommand({ Bucket, Key: 'attributed', ObjectAttributes: ['Colour' as never] });
  assert.equal(await errorOf(s3.send(odd)), 'InvalidArgument 400');
});

test('copies', async () => {
  await put('original', 'Hello world', {
    ContentType: 'text/plain',
    Metadata: { a: '1' },
    Tagging: 'x=1',
    WebsiteRedirectLocation: '/r',
    ChecksumSHA1: HELLO.SHA1,
  });
  const copy = (Key: string, more: Partial<CopyObjectCommandInput> = {}) =>
    s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/original`, ...more }));
  const look = async (Key: string) => {
    const { ContentType, Metadata, TagCount, WebsiteRedirectLocation, StorageClass } = await head(Key);
    return { ContentType, Metadata, TagCount, WebsiteRedirectLocation, StorageClass };
  };
  const { CopyObjectResult } = await copy('copy');
  assert.equal(CopyObjectResult?.ETag, `"${md5('Hello world')}"`);
  assert.equal(CopyObjectResult?.ChecksumSHA1, HELLO.SHA1);
  assert.equal(await text('copy'), 'Hello world');
  const plain = { StorageClass: undefined, WebsiteRedirectLocation: undefined };
  assert.deepEqual(await look('copy'), { ContentType: 'text/plain', Metadata: { a: '1' }, TagCount: 1, ...plain });

  await copy('replaced', {
    MetadataDirective: 'REPLACE',
    ContentType: 'text/csv',
    Metadata: { b: '2' },
    TaggingDirective: 'REPLACE',
    Tagging: 'y=2&z=3',
    StorageClass: 'ONEZONE_IA',
  });
  assert.deepEqual(await look('replaced'), {
    ContentType: 'text/csv',
    Metadata: { b: '2' },
    TagCount: 2,
    StorageClass: 'ONEZONE_IA',
    WebsiteRedirectLocation: undefined,
  });
  const rehashed = await copy('rehashed', { ChecksumAlgorithm: 'CRC32C' });
  assert.equal(rehashed.CopyObjectResult?.ChecksumCRC32C, HELLO.CRC32C);

  assert.equal(await errorOf(copy('original')), 'InvalidRequest 400', 'onto itself without a change');
  await copy('original', { MetadataDirective: 'REPLACE', Metadata: { c: '3' } });
  assert.deepEqual((await head('original')).Metadata, { c: '3' });
  assert.equal(await text('original'), 'Hello world', 'bytes outlive a copy onto itself');
  await copy('original', { ChecksumAlgorithm: 'SHA256' });
  assert.equal(await text('original'), 'Hello world');
  await put('nothing', '');
  await copy('copy-of-nothing', { CopySource: `/${Bucket}/nothing` });
  assert.equal(await text('copy-of-nothing'), '');

  const etag = `"${md5('Hello world')}"`;
  const cases: [input: Partial<CopyObjectCommandInput>, outcome: string][] = [
    [{ CopySourceIfMatch: etag }, 'none'],
    [{ CopySourceIfMatch: '"x"' }, 'PreconditionFailed 412'],
    [{ CopySourceIfNoneMatch: etag }, 'PreconditionFailed 412'],
    [{ IfNoneMatch: '*' }, 'PreconditionFailed 412'],
    [{ IfMatch: etag }, 'none'],
    [{ IfMatch: '"x"' }, 'PreconditionFailed 412'],
    [{ CopySource: `${Bucket}/missing` }, 'NoSuchKey 404'],
    [{ CopySource: 'no-such-bucket/k' }, 'NoSuchBucket 404'],
    [{ CopySource: 'nonsense' }, 'InvalidArgument 400'],
    [{ CopySource: `${Bucket}/original?versionId=abc` }, 'InvalidArgument 400'],
    [{ MetadataDirective: 'KEEP' as never }, 'InvalidArgument 400'],
  ];
  for (const [input, outcome] of cases)
    assert.equal(await errorOf(copy('copy', input)), outcome, JSON.stringify(input));
});

test('tags of an object', async () => {
  await put('tagged', 'x');
  const tags = async () => (await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))).TagSet;
  assert.deepEqual(await tags(), []);
  const TagSet = [{ Key: 'k', Value: 'v' }];
  await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: { TagSet } }));
  assert.deepEqual(await tags(), TagSet);
  assert.equal((await head('tagged')).TagCount, 1);
  await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'tagged' }));
  assert.deepEqual(await tags(), []);
  const missing = new PutObjectTaggingCommand({ Bucket, Key: 'missing', Tagging: { TagSet } });
  assert.equal(await errorOf(s3.send(missing)), 'NoSuchKey 404');
});

test('deleting many', async () => {
  const { ETag } = await put('d1', 'x');
  await put('d2', 'y');
  const remove = (Objects: { Key: string; ETag?: string; VersionId?: string }[], Quiet?: boolean) =>
    s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, ...(Quiet ? { Quiet } : {}) } }));
  const first = await remove([{ Key: 'd1', ETag: '"x"' }, { Key: 'd2' }, { Key: 'd3' }, { Key: 'd2', VersionId: 'v' }]);
  assert.deepEqual(first.Deleted, [{ Key: 'd2' }, { Key: 'd3' }]);
  assert.deepEqual(
    first.Errors?.map(({ Key, Code }) => [Key, Code]),
    [
      ['d1', 'PreconditionFailed'],
      ['d2', 'InvalidArgument'],
    ],
  );
  const second = await remove([{ Key: 'd1', ...(ETag ? { ETag } : {}) }], true);
  assert.equal(second.Deleted, undefined);
  assert.equal(await errorOf(get('d1')), 'NoSuchKey 404');
  assert.equal(await errorOf(remove([])), 'MalformedXML 400');
  assert.equal(await errorOf(remove(Array.from({ length: 1_001 }, (_, i) => ({ Key: `${i}` })))), 'MalformedXML 400');
  const bare = await fetch(`${brume.endpoint}/${Bucket}?delete`, {
    method: 'POST',
    body: '<Delete><Object><Key>k</Key></Object></Delete>',
  });
  assert.match(await bare.text(), /Missing required header for this request: Content-MD5 OR x-amz-checksum-\*/);
});

test('what is refused before a byte is taken', async () => {
  const huge = await rawRequest(
    `PUT /${Bucket}/huge HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5368709121\r\nconnection: close\r\n\r\n`,
  );
  assert.match(huge, /^HTTP\/1\.1 400 .*<Code>EntityTooLarge<\/Code>/s);
  const unknown = await rawRequest(
    `PUT /${Bucket}/unknown HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
  );
  assert.match(unknown, /^HTTP\/1\.1 411 .*<Code>MissingContentLength<\/Code>/s);
});

test('an upload that breaks off leaves nothing', async () => {
  await put('whole', 'before');
  const socket = connect(Number(new URL(brume.endpoint).port), '127.0.0.1');
  socket.write(
    `PUT /${Bucket}/whole HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(500_000)}`,
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(await text('whole'), 'before');
});

test('a slow reader gets the bytes it began to read', async () => {
  const before = randomBytes(8 * 1024 * 1024);
  await put('slow', before);
  const { Body } = await get('slow', { ChecksumMode: undefined });
  await put('slow', 'after');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(crc32(await Body!.transformToByteArray()), crc32(before));
  assert.equal(await text('slow'), 'after');
});

test('readers and writers of one key never see a mixture', async () => {
  const bodies = ['a', 'b'].map((letter) => Buffer.alloc(300_000, letter));
  await put('contended', bodies[0]!);
  const writes = Array.from({ length: 20 }, (_, i) => put('contended', bodies[i % 2]!));
  const reads = Array.from({ length: 40 }, async () => {
    const bytes = Buffer.from(await (await get('contended')).Body!.transformToByteArray());
    assert.ok(bodies.some((body) => body.equals(bytes)));
  });
  await Promise.all([...writes, ...reads]);
});

function rawRequest(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(brume.endpoint).port), '127.0.0.1', () => socket.write(request));
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (data) => {
      answer += data;
      if (answer.includes('</Error>')) socket.destroy();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
