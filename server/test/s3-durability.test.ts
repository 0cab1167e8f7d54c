// What S3 answered with success is there after kill -9; what an interrupted upload left is swept; what was replaced
// leaves no files behind.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { openObjectStore } from '#storage/objects/file-objects.ts';
import { clientConfig, spawnBrume, temporaryDirectory } from '#test/harness.ts';

const Bucket = 'kept';
const PART = randomBytes(5 * 1024 * 1024);

const clientOf = (brume: { endpoint: string }) => new S3Client(clientConfig(brume));
const blobs = (dataDir: string) =>
  readdirSync(join(dataDir, 'objects', 'blobs'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length;

/** Waits until there are `count` blob files: they are removed behind the answers. */
async function blobsBecome(dataDir: string, count: number): Promise<void> {
  for (const until = Date.now() + 10_000; blobs(dataDir) !== count && Date.now() < until; ) await sleep(20);
  assert.equal(blobs(dataDir), count);
}

test('kill -9 in the middle of uploads', { timeout: 60_000 }, async () => {
  const dataDir = temporaryDirectory();
  const first = await spawnBrume(dataDir);
  const s3 = clientOf(first);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const acknowledged = new Map<string, string>();
  const deleted = new Set<string>();
  let isAlive = true;
  const writer = async (name: string) => {
    for (let i = 0; isAlive; i++) {
      const [Key, body] = [`${name}/${i % 20}`, `${name} ${i} `.repeat(1_000)];
      try {
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: body }));
        acknowledged.set(Key, body);
        deleted.delete(Key);
        if (i % 7 !== 3) continue;
        deleted.add(Key);
        acknowledged.delete(Key);
        await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      } catch {
        // In doubt: it may have happened or not.
        acknowledged.delete(Key);
        deleted.delete(Key);
      }
    }
  };
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
  const parts = [];
  for (const PartNumber of [1, 2]) {
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body: PART }));
    parts.push({ PartNumber, ETag });
  }
  const writers = ['a', 'b', 'c'].map(writer);
  await sleep(800);
  await first.kill();
  isAlive = false;
  await Promise.all(writers);
  assert.ok(acknowledged.size > 10, `${acknowledged.size} acknowledged`);

  const second = await spawnBrume(dataDir);
  const again = clientOf(second);
  const { Contents = [] } = await again.send(new ListObjectsV2Command({ Bucket }));
  const keys = new Set(Contents.map(({ Key }) => Key!));
  for (const [Key, body] of acknowledged) {
    const got = await again.send(new GetObjectCommand({ Bucket, Key }));
    assert.equal(await got.Body!.transformToString(), body, Key);
  }
  for (const Key of deleted) assert.ok(!keys.has(Key), `${Key} was deleted`);
  // Every listed object can be read, and an upload goes on where it stood.
  for (const Key of keys) await (await again.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToByteArray();
  const MultipartUpload = { Parts: parts };
  await again.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'parts', UploadId, MultipartUpload }));
  await blobsBecome(dataDir, keys.size + 2);
  await second.stop();
});

test('files go with what they held', { timeout: 60_000 }, async () => {
  const dataDir = temporaryDirectory();
  const brume = await spawnBrume(dataDir);
  const s3 = clientOf(brume);
  await s3.send(new CreateBucketCommand({ Bucket }));
  for (let i = 0; i < 5; i++) await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: `body ${i}` }));
  await blobsBecome(dataDir, 1);
  await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', IfNoneMatch: '*' })));
  await assert.rejects(
    s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' })),
  );
  await blobsBecome(dataDir, 1);
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
  await blobsBecome(dataDir, 0);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'kept' }));
  await brume.kill();

  // As a crash between the writing of a blob and its transaction leaves it; the other one is not S3's.
  const objects = await openObjectStore({ dir: join(dataDir, 'objects'), durable: true });
  await objects.write(Buffer.from('orphan'), undefined, { owner: 's3' });
  const foreign = await objects.write(Buffer.from('code'));
  await sleep(20);
  const again = await spawnBrume(dataDir);
  await blobsBecome(dataDir, 2);
  assert.equal(Buffer.from(await objects.readAll(foreign.id)).toString(), 'code');
  const got = await clientOf(again).send(new GetObjectCommand({ Bucket, Key: 'kept' }));
  assert.equal(await got.Body!.transformToString(), 'kept');
  await again.stop();
});
