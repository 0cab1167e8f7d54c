// Multipart uploads through HTTP with the official SDK.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type UploadPartCommandInput,
  UploadPartCopyCommand,
  type UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3';
import { clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const s3 = new S3Client(clientConfig(brume));
const quiet = new S3Client({ ...clientConfig(brume), requestChecksumCalculation: 'WHEN_REQUIRED' });
const Bucket = 'multipart';
await s3.send(new CreateBucketCommand({ Bucket }));

const MIB = 1024 * 1024;
const PIECES = [randomBytes(5 * MIB), randomBytes(5 * MIB + 1), randomBytes(1_000)];
const WHOLE = Buffer.concat(PIECES);

const errorOf = async (work: Promise<unknown>) => {
  try {
    await work;
    return 'none';
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return `${name} ${$metadata?.httpStatusCode}`;
  }
};
const create = async (Key: string, more: Partial<CreateMultipartUploadCommandInput> = {}) =>
  (await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId!;
const upload = (
  Key: string,
  UploadId: string,
  PartNumber: number,
  Body: Buffer,
  more: Partial<UploadPartCommandInput> = {},
) => s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }));
const complete = (
  Key: string,
  UploadId: string,
  Parts: CompletedPart[],
  more: Partial<CompleteMultipartUploadCommandInput> = {},
) => s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));
const bytesOf = async (Key: string, more = {}) =>
  Buffer.from(await (await s3.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body!.transformToByteArray());
const digest = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest();
const crc32Of = (bytes: Buffer) => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value.toString('base64');
};

async function uploadAll(
  Key: string,
  UploadId: string,
  more: Partial<UploadPartCommandInput> = {},
): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = [];
  for (const [i, piece] of PIECES.entries()) {
    const { ETag, ChecksumSHA256, ChecksumCRC32 } = await upload(Key, UploadId, i + 1, piece, more);
    assert.equal(ETag, `"${digest('md5', piece).toString('hex')}"`);
    parts.push({
      PartNumber: i + 1,
      ETag,
      ...(ChecksumSHA256 ? { ChecksumSHA256 } : {}),
      ...(ChecksumCRC32 && more.ChecksumAlgorithm === 'CRC32' ? { ChecksumCRC32 } : {}),
    });
  }
  return parts;
}

const ETAG = `"${digest('md5', Buffer.concat(PIECES.map((piece) => digest('md5', piece)))).toString('hex')}-3"`;

test('parts become an object, read as one, in ranges and by part', async () => {
  const Key = 'whole';
  const id = await create(Key, { ContentType: 'text/plain', Metadata: { a: '1' }, Tagging: 't=1' });
  const parts = await uploadAll(Key, id);
  const done = await complete(Key, id, parts);
  assert.equal(done.ETag, ETAG);
  assert.equal(done.Location, `${brume.endpoint}/${Bucket}/${Key}`);
  assert.equal(done.ChecksumType, 'FULL_OBJECT');
  assert.ok(done.ChecksumCRC64NVME);
  assert.deepEqual(await bytesOf(Key), WHOLE);
  const ranges: [number, number][] = [
    [0, 10],
    [5 * MIB - 3, 5 * MIB + 3],
    [5 * MIB, 10 * MIB + 500],
    [10 * MIB + 1, WHOLE.length],
    [100, WHOLE.length - 100],
  ];
  for (const [start, end] of ranges) {
    const got = await bytesOf(Key, { Range: `bytes=${start}-${end - 1}` });
    assert.ok(got.equals(WHOLE.subarray(start, end)), `${start}-${end}`);
  }
  for (const [i, piece] of PIECES.entries()) {
    const part = await s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: i + 1, ChecksumMode: 'ENABLED' }));
    assert.equal(part.PartsCount, 3);
    assert.equal(part.$metadata.httpStatusCode, 206);
    assert.ok(Buffer.from(await part.Body!.transformToByteArray()).equals(piece), `part ${i + 1}`);
  }
  assert.equal(await errorOf(bytesOf(Key, { PartNumber: 4 })), 'InvalidPartNumber 416');
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 2 }));
  assert.deepEqual([head.ContentLength, head.PartsCount], [5 * MIB + 1, 3]);
  assert.deepEqual([head.ContentType, head.Metadata, head.TagCount], ['text/plain', { a: '1' }, 1]);
  const again = await complete(Key, id, parts);
  assert.equal(again.ETag, ETAG, 'asking again after success succeeds');
  const { ObjectParts } = await s3.send(
    new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ObjectParts'] }),
  );
  assert.deepEqual(ObjectParts, { TotalPartsCount: 3 });

  const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${Key}` }));
  assert.equal(copied.CopyObjectResult?.ETag, `"${digest('md5', WHOLE).toString('hex')}"`, 'a copy is one piece');
  assert.equal(copied.CopyObjectResult?.ChecksumCRC64NVME, done.ChecksumCRC64NVME);
  assert.ok((await bytesOf('copy')).equals(WHOLE));
});

test('checksums of the object', async () => {
  const compositeSha = `${digest('sha256', Buffer.concat(PIECES.map((piece) => digest('sha256', piece)))).toString('base64')}-3`;
  const composite = await create('composite', { ChecksumAlgorithm: 'SHA256' });
  assert.equal(
    await errorOf(
      quiet.send(new UploadPartCommand({ Bucket, Key: 'composite', UploadId: composite, PartNumber: 1, Body: 'x' })),
    ),
    'InvalidRequest 400',
    'a part without checksum',
  );
  assert.equal(
    await errorOf(upload('composite', composite, 1, PIECES[2]!, { ChecksumAlgorithm: 'CRC32' })),
    'InvalidRequest 400',
    'a part with another checksum',
  );
  const shaParts = await uploadAll('composite', composite, { ChecksumAlgorithm: 'SHA256' });
  const bare = shaParts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
  assert.equal(await errorOf(complete('composite', composite, bare)), 'InvalidRequest 400', 'a list without checksums');
  const swapped = shaParts.map((part) => ({ ...part, ChecksumSHA256: shaParts[0]!.ChecksumSHA256 }));
  assert.equal(await errorOf(complete('composite', composite, swapped)), 'InvalidPart 400');
  assert.equal(
    await errorOf(
      complete('composite', composite, shaParts, { ChecksumSHA256: `${digest('sha256', WHOLE).toString('base64')}` }),
    ),
    'BadDigest 400',
  );
  assert.equal(
    await errorOf(complete('composite', composite, shaParts, { ChecksumType: 'FULL_OBJECT' })),
    'InvalidRequest 400',
  );
  const done = await complete('composite', composite, shaParts, { ChecksumSHA256: compositeSha });
  assert.deepEqual([done.ChecksumSHA256, done.ChecksumType], [compositeSha, 'COMPOSITE']);
  const attributes = await s3.send(
    new GetObjectAttributesCommand({
      Bucket,
      Key: 'composite',
      ObjectAttributes: ['Checksum', 'ObjectParts'],
      MaxParts: 2,
    }),
  );
  assert.deepEqual(attributes.Checksum, { ChecksumSHA256: compositeSha.slice(0, -2), ChecksumType: 'COMPOSITE' });
  assert.deepEqual(
    [attributes.ObjectParts?.IsTruncated, attributes.ObjectParts?.NextPartNumberMarker, attributes.ObjectParts?.Parts],
    [
      true,
      '2',
      shaParts
        .slice(0, 2)
        .map(({ PartNumber, ChecksumSHA256 }, i) => ({ PartNumber, Size: PIECES[i]!.length, ChecksumSHA256 })),
    ],
  );
  const part = await s3.send(
    new HeadObjectCommand({ Bucket, Key: 'composite', PartNumber: 2, ChecksumMode: 'ENABLED' }),
  );
  assert.equal(part.ChecksumSHA256, shaParts[1]!.ChecksumSHA256);

  const full = await create('full', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
  const crcParts = await uploadAll('full', full, { ChecksumAlgorithm: 'CRC32' });
  assert.equal(
    await errorOf(complete('full', full, crcParts, { ChecksumCRC32: crc32Of(PIECES[0]!) })),
    'BadDigest 400',
  );
  const fullDone = await complete('full', full, crcParts, {
    ChecksumCRC32: crc32Of(WHOLE),
    ChecksumType: 'FULL_OBJECT',
  });
  assert.deepEqual([fullDone.ChecksumCRC32, fullDone.ChecksumType], [crc32Of(WHOLE), 'FULL_OBJECT']);
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'full', ChecksumMode: 'ENABLED' }));
  assert.equal(got.ChecksumCRC32, crc32Of(WHOLE));
  assert.ok(Buffer.from(await got.Body!.transformToByteArray()).equals(WHOLE), 'and the SDK agrees');

  const refusals: [input: Partial<CreateMultipartUploadCommandInput>, outcome: string][] = [
    [{ ChecksumAlgorithm: 'SHA1', ChecksumType: 'FULL_OBJECT' }, 'InvalidRequest 400'],
    [{ ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' }, 'InvalidRequest 400'],
    [{ ChecksumType: 'FULL_OBJECT' }, 'InvalidRequest 400'],
    [{ ChecksumAlgorithm: 'ROT13' as never }, 'InvalidRequest 400'],
  ];
  for (const [input, outcome] of refusals)
    assert.equal(await errorOf(create('k', input)), outcome, JSON.stringify(input));
});

test('what does not complete', async () => {
  const Key = 'incomplete';
  const id = await create(Key);
  const [one, two, three] = await uploadAll(Key, id);
  const small = await upload(Key, id, 4, Buffer.from('small'));
  const four = { PartNumber: 4, ETag: small.ETag };
  const cases: [parts: CompletedPart[], outcome: string, more?: Partial<CompleteMultipartUploadCommandInput>][] = [
    [[], 'MalformedXML 400'],
    [[two!, one!], 'InvalidPartOrder 400'],
    [[one!, one!], 'InvalidPartOrder 400'],
    [[one!, { PartNumber: 9, ETag: one!.ETag }], 'InvalidPart 400'],
    [[one!, { PartNumber: 2, ETag: '"x"' }], 'InvalidPart 400'],
    [[one!, two!, three!, four], 'EntityTooSmall 400'],
    [[one!, two!, three!], 'InvalidRequest 400', { MpuObjectSize: 5 as never }],
    [[one!, two!, three!], 'NoSuchKey 404', { IfMatch: '"x"' }],
  ];
  for (const [parts, outcome, more] of cases) {
    assert.equal(
      await errorOf(complete(Key, id, parts, more)),
      outcome,
      JSON.stringify(parts.map((p) => p.PartNumber)),
    );
  }
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
  assert.equal(await errorOf(complete(Key, id, [one!, two!], { IfNoneMatch: '*' })), 'PreconditionFailed 412');
  await complete(Key, id, [one!, four], { MpuObjectSize: (5 * MIB + 5) as never });
  assert.ok((await bytesOf(Key)).equals(Buffer.concat([PIECES[0]!, Buffer.from('small')])), 'parts may be left out');
  assert.equal(await errorOf(upload(Key, id, 1, PIECES[2]!)), 'NoSuchUpload 404');
  assert.equal(await errorOf(complete(Key, 'nonsense', [one!])), 'NoSuchUpload 404');
  const other = await create('other');
  assert.equal(await errorOf(upload(Key, other, 1, PIECES[2]!)), 'NoSuchUpload 404', 'the upload of another key');
  for (const number of [0, 10_001]) {
    assert.equal(await errorOf(upload('other', other, number, PIECES[2]!)), 'InvalidArgument 400');
  }
});

test('a part uploaded again replaces the first; an abort ends the upload', async () => {
  const Key = 'aborted';
  const id = await create(Key);
  await upload(Key, id, 1, Buffer.from('first'));
  const { ETag } = await upload(Key, id, 1, Buffer.from('second'));
  const parts = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId: id }));
  assert.deepEqual(
    parts.Parts?.map(({ ETag, Size }) => [ETag, Size]),
    [[ETag, 6]],
  );
  const abort = () => s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }));
  await abort();
  assert.equal(await errorOf(abort()), 'NoSuchUpload 404');
  assert.equal(await errorOf(s3.send(new ListPartsCommand({ Bucket, Key, UploadId: id }))), 'NoSuchUpload 404');
  assert.equal(await errorOf(bytesOf(Key)), 'NoSuchKey 404');
});

test('listing parts', async () => {
  const Key = 'parts';
  const id = await create(Key, { ChecksumAlgorithm: 'CRC32', StorageClass: 'STANDARD_IA' });
  for (const PartNumber of [3, 1, 10, 2]) {
    await upload(Key, id, PartNumber, Buffer.from('x'.repeat(PartNumber)), { ChecksumAlgorithm: 'CRC32' });
  }
  const list = (more = {}) => s3.send(new ListPartsCommand({ Bucket, Key, UploadId: id, ...more }));
  const all = await list();
  assert.deepEqual(
    all.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
    [
      [1, 1],
      [2, 2],
      [3, 3],
      [10, 10],
    ],
  );
  assert.equal(all.Parts![0]!.ChecksumCRC32, crc32Of(Buffer.from('x')));
  assert.deepEqual(
    [all.IsTruncated, all.StorageClass, all.ChecksumAlgorithm, all.ChecksumType],
    [false, 'STANDARD_IA', 'CRC32', 'COMPOSITE'],
  );
  const first = await list({ MaxParts: 2 });
  assert.deepEqual([first.IsTruncated, first.NextPartNumberMarker, first.Parts?.length], [true, '2', 2]);
  const second = await list({ MaxParts: 2, PartNumberMarker: first.NextPartNumberMarker });
  assert.deepEqual(
    second.Parts?.map(({ PartNumber }) => PartNumber),
    [3, 10],
  );
  assert.equal(second.IsTruncated, false);
});

test('listing uploads', async () => {
  const name = 'uploads';
  await s3.send(new CreateBucketCommand({ Bucket: name }));
  const ids = new Set<string | undefined>();
  for (const Key of ['a', 'b/1', 'b/2', 'b/2', 'c']) {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: name, Key }));
    ids.add(UploadId);
  }
  const list = async (more: Partial<ListMultipartUploadsCommandInput> = {}) => {
    const output = await s3.send(new ListMultipartUploadsCommand({ Bucket: name, ...more }));
    return { ...output, keys: (output.Uploads ?? []).map(({ Key }) => Key) };
  };
  const all = await list();
  assert.deepEqual(all.keys, ['a', 'b/1', 'b/2', 'b/2', 'c']);
  assert.deepEqual(new Set(all.Uploads!.map(({ UploadId }) => UploadId)), ids);
  assert.ok(all.Uploads!.every(({ Initiated }) => Initiated instanceof Date));
  assert.deepEqual((await list({ Prefix: 'b/' })).keys, ['b/1', 'b/2', 'b/2']);
  const rolled = await list({ Delimiter: '/' });
  assert.deepEqual([rolled.keys, rolled.CommonPrefixes], [['a', 'c'], [{ Prefix: 'b/' }]]);
  assert.deepEqual((await list({ KeyMarker: 'b/1' })).keys, ['b/2', 'b/2', 'c']);
  const seen: unknown[] = [];
  let page = await list({ MaxUploads: 1 });
  for (;;) {
    seen.push(...page.Uploads!.map(({ UploadId }) => UploadId));
    if (!page.IsTruncated) break;
    page = await list({ MaxUploads: 1, KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker });
  }
  assert.deepEqual(
    seen,
    all.Uploads!.map(({ UploadId }) => UploadId),
  );
});

test('parts copied from objects', async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: WHOLE }));
  const Key = 'from-copies';
  const id = await create(Key);
  const copy = (PartNumber: number, more: Partial<UploadPartCopyCommandInput> = {}) =>
    s3.send(
      new UploadPartCopyCommand({ Bucket, Key, UploadId: id, PartNumber, CopySource: `${Bucket}/source`, ...more }),
    );
  const first = await copy(1, { CopySourceRange: `bytes=0-${6 * MIB - 1}` });
  const second = await copy(2);
  await complete(Key, id, [
    { PartNumber: 1, ETag: first.CopyPartResult?.ETag },
    { PartNumber: 2, ETag: second.CopyPartResult?.ETag },
  ]);
  assert.ok((await bytesOf(Key)).equals(Buffer.concat([WHOLE.subarray(0, 6 * MIB), WHOLE])));
  // From an object that lies in parts itself.
  const nested = await create('nested');
  const { CopyPartResult } = await s3.send(
    new UploadPartCopyCommand({
      Bucket,
      Key: 'nested',
      UploadId: nested,
      PartNumber: 1,
      CopySource: `${Bucket}/${Key}`,
      CopySourceRange: `bytes=${5 * MIB}-${7 * MIB - 1}`,
    }),
  );
  await complete('nested', nested, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
  assert.ok(
    (await bytesOf('nested')).equals(Buffer.concat([WHOLE.subarray(5 * MIB, 6 * MIB), WHOLE.subarray(0, MIB)])),
  );
  const third = await create(Key);
  const cases: [more: Partial<UploadPartCopyCommandInput>, outcome: string][] = [
    [{ CopySourceRange: 'bytes=0-' }, 'InvalidArgument 400'],
    [{ CopySourceRange: `bytes=0-${WHOLE.length}` }, 'InvalidArgument 400'],
    [{ CopySourceIfMatch: '"x"' }, 'PreconditionFailed 412'],
    [{ CopySource: `${Bucket}/missing` }, 'NoSuchKey 404'],
    [{ UploadId: 'nonsense' }, 'NoSuchUpload 404'],
  ];
  for (const [more, outcome] of cases) {
    assert.equal(await errorOf(copy(1, { UploadId: third, ...more })), outcome, JSON.stringify(more));
  }
});

test('a slow reader of parts gets all of them, though the object is replaced', async () => {
  const Key = 'slow';
  const id = await create(Key);
  await complete(Key, id, await uploadAll(Key, id));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'after' }));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(Buffer.from(await Body!.transformToByteArray()).equals(WHOLE));
  assert.equal((await bytesOf(Key)).toString(), 'after');
});
