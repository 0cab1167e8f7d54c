// Listings through HTTP with the official SDK.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  ListObjectsCommand,
  type ListObjectsCommandInput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const s3 = new S3Client(clientConfig(brume));

async function fill(Bucket: string, keys: readonly string[]): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket }));
  const waiting = [...keys];
  const worker = async () => {
    for (let Key = waiting.pop(); Key !== undefined; Key = waiting.pop()) {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key.slice(0, 5) }));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

const KEYS = ['a.txt', 'docs/1', 'docs/2', 'docs/sub/3', 'grüße/x', 'photos/2026/a b+c.jpg', 'photos/2027/d.jpg', 'z'];
const Bucket = 'listed';
await fill(Bucket, KEYS);

const v2 = (input: Partial<ListObjectsV2CommandInput> = {}) => s3.send(new ListObjectsV2Command({ Bucket, ...input }));
const v1 = (input: Partial<ListObjectsCommandInput> = {}) => s3.send(new ListObjectsCommand({ Bucket, ...input }));
const shape = ({ Contents = [], CommonPrefixes = [] }: { Contents?: any[]; CommonPrefixes?: any[] }) => [
  Contents.map(({ Key }) => Key),
  CommonPrefixes.map(({ Prefix }) => Prefix),
];

test('keys and common prefixes', async () => {
  const cases: [input: Partial<ListObjectsV2CommandInput>, keys: string[], prefixes: string[]][] = [
    [{}, KEYS, []],
    [{ Prefix: 'docs/' }, ['docs/1', 'docs/2', 'docs/sub/3'], []],
    [{ Delimiter: '/' }, ['a.txt', 'z'], ['docs/', 'grüße/', 'photos/']],
    [{ Delimiter: '/', Prefix: 'docs/' }, ['docs/1', 'docs/2'], ['docs/sub/']],
    [{ Delimiter: '/', Prefix: 'photos/20' }, [], ['photos/2026/', 'photos/2027/']],
    [{ Delimiter: '2' }, ['a.txt', 'docs/1', 'docs/sub/3', 'grüße/x', 'z'], ['docs/2', 'photos/2']],
    [{ StartAfter: 'docs/2' }, KEYS.slice(3), []],
    [{ StartAfter: 'docs/2', Prefix: 'photos' }, KEYS.slice(5, 7), []],
    [{ Prefix: 'none' }, [], []],
    [{ MaxKeys: 0 }, [], []],
  ];
  for (const [input, keys, prefixes] of cases) {
    const output = await v2(input);
    assert.deepEqual(shape(output), [keys, prefixes], JSON.stringify(input));
    assert.equal(output.KeyCount, keys.length + prefixes.length);
    assert.equal(output.IsTruncated, false);
    if (input.StartAfter === undefined)
      assert.deepEqual(shape(await v1(input as Partial<ListObjectsCommandInput>)), [keys, prefixes]);
  }
});

test('what is told of each object', async () => {
  const { Contents, Name, MaxKeys, Prefix } = await v2({ Prefix: 'a' });
  const [object] = Contents!;
  assert.deepEqual([Name, MaxKeys, Prefix], [Bucket, 1_000, 'a']);
  assert.deepEqual(
    { ...object, LastModified: object!.LastModified instanceof Date },
    {
      Key: 'a.txt',
      LastModified: true,
      ETag: '"a5e54d1fd7bb69a228ef0dcd2431367e"',
      ChecksumAlgorithm: ['CRC32'],
      ChecksumType: 'FULL_OBJECT',
      Size: 5,
      StorageClass: 'STANDARD',
    },
  );
  assert.match((await v2({ FetchOwner: true })).Contents![0]!.Owner!.ID!, /^[0-9a-f]{64}$/);
  assert.match((await v1()).Contents![0]!.Owner!.ID!, /^[0-9a-f]{64}$/);
});

test('pages by token and by marker', async () => {
  for (const Delimiter of [undefined, '/']) {
    for (const size of [1, 2, 3]) {
      const whole = shape(await v2({ Delimiter }));
      const byToken: string[][] = [[], []];
      let token: string | undefined;
      do {
        const page = await v2({ Delimiter, MaxKeys: size, ContinuationToken: token });
        const [keys, prefixes] = shape(page) as [string[], string[]];
        assert.ok(keys.length + prefixes.length <= size);
        byToken[0]!.push(...keys);
        byToken[1]!.push(...prefixes);
        token = page.NextContinuationToken;
        assert.equal(page.IsTruncated, token !== undefined);
      } while (token);
      assert.deepEqual(byToken, whole, `${Delimiter} ${size} by token`);

      const byMarker: string[][] = [[], []];
      let marker: string | undefined;
      for (;;) {
        const page = await v1({ Delimiter, MaxKeys: size, Marker: marker });
        const [keys, prefixes] = shape(page) as [string[], string[]];
        byMarker[0]!.push(...keys);
        byMarker[1]!.push(...prefixes);
        if (!page.IsTruncated) break;
        assert.equal(page.NextMarker === undefined, Delimiter === undefined);
        marker = page.NextMarker ?? keys.at(-1);
      }
      assert.deepEqual(byMarker, whole, `${Delimiter} ${size} by marker`);
    }
  }
});

test('versions: each object is its only one', async () => {
  const versions = (input: Partial<ListObjectVersionsCommandInput> = {}) =>
    s3.send(new ListObjectVersionsCommand({ Bucket, ...input }));
  const { Versions, $metadata: _, ...whole } = await versions({ Delimiter: '/', Prefix: 'docs/' });
  assert.deepEqual(
    Versions!.map(({ Key, VersionId, IsLatest, Size }) => [Key, VersionId, IsLatest, Size]),
    [
      ['docs/1', 'null', true, 5],
      ['docs/2', 'null', true, 5],
    ],
  );
  assert.deepEqual(whole, {
    Name: Bucket,
    Prefix: 'docs/',
    Delimiter: '/',
    KeyMarker: '',
    VersionIdMarker: '',
    MaxKeys: 1000,
    IsTruncated: false,
    CommonPrefixes: [{ Prefix: 'docs/sub/' }],
  });
  const first = await versions({ MaxKeys: 2 });
  assert.deepEqual([first.NextKeyMarker, first.NextVersionIdMarker, first.IsTruncated], ['docs/1', 'null', true]);
  const keys: (string | undefined)[] = [];
  for (let next: Partial<ListObjectVersionsCommandInput> | undefined = {}; next; ) {
    const page: ListObjectVersionsCommandOutput = await versions({ MaxKeys: 3, ...next });
    keys.push(...(page.Versions ?? []).map(({ Key }) => Key));
    const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
    next = page.IsTruncated ? { KeyMarker: KeyMarker!, VersionIdMarker: VersionIdMarker! } : undefined;
  }
  assert.deepEqual(keys, KEYS);
  const refused: [Partial<ListObjectVersionsCommandInput>, RegExp][] = [
    [{ VersionIdMarker: 'null' }, /cannot be specified without a key marker/],
    [{ KeyMarker: 'z', VersionIdMarker: 'x' }, /Invalid version id specified/],
  ];
  for (const [input, message] of refused) await assert.rejects(versions(input), { name: 'InvalidArgument', message });

  // As Terraform and boto3 empty a bucket.
  await fill('emptied', ['a', 'b']);
  const { Versions: all } = await s3.send(new ListObjectVersionsCommand({ Bucket: 'emptied' }));
  const Objects = all!.map(({ Key, VersionId }) => ({ Key: Key!, VersionId: VersionId! }));
  const { Deleted } = await s3.send(new DeleteObjectsCommand({ Bucket: 'emptied', Delete: { Objects } }));
  assert.equal(Deleted!.length, 2);
  assert.equal((await s3.send(new ListObjectVersionsCommand({ Bucket: 'emptied' }))).Versions, undefined);
});

test('keys in URL encoding', async () => {
  const output = await v2({ EncodingType: 'url', Prefix: 'photos/2026', StartAfter: 'a b' });
  assert.equal(output.Contents![0]!.Key, 'photos/2026/a+b%2Bc.jpg');
  assert.deepEqual([output.EncodingType, output.StartAfter], ['url', 'a+b']);
  const rolled = await v2({ EncodingType: 'url', Delimiter: '/' });
  assert.deepEqual(shape(rolled)[1], ['docs/', 'gr%C3%BC%C3%9Fe/', 'photos/']);
});

test('refused', async () => {
  const cases: [input: Partial<ListObjectsV2CommandInput>, code: string][] = [
    [{ MaxKeys: -1 }, 'InvalidArgument'],
    [{ ContinuationToken: 'nonsense' }, 'InvalidArgument'],
    [{ EncodingType: 'base64' as never }, 'InvalidArgument'],
    [{ Bucket: 'no-such-bucket' }, 'NoSuchBucket'],
  ];
  for (const [input, code] of cases) await assert.rejects(v2(input), { name: code }, JSON.stringify(input));
});

test('more than a thousand keys', async () => {
  const keys = Array.from({ length: 1_203 }, (_, i) => `${i % 7}/${String(i).padStart(5, '0')}`);
  await fill('many', keys);
  const first = await s3.send(new ListObjectsV2Command({ Bucket: 'many', MaxKeys: 5_000 }));
  assert.deepEqual([first.Contents!.length, first.MaxKeys, first.IsTruncated], [1_000, 1_000, true]);
  const found: string[] = [];
  let pages = 0;
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: 'many' })) {
    pages++;
    found.push(...page.Contents!.map(({ Key }) => Key!));
  }
  assert.equal(pages, 2);
  assert.deepEqual(found, [...keys].sort());
  const rolled = await s3.send(new ListObjectsV2Command({ Bucket: 'many', Delimiter: '/' }));
  assert.deepEqual(shape(rolled), [[], ['0/', '1/', '2/', '3/', '4/', '5/', '6/']]);
});
