// Buckets through HTTP with the official SDK: creation rules of the regions, listing, deletion, tags, and what a bucket
// answers about features it was never configured for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketReplicationCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketAclCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const clientOf = (region: string, accessKeyId = '000000000000') =>
  new S3Client({ ...clientConfig(brume), region, credentials: { accessKeyId, secretAccessKey: 'x' } });
const s3 = clientOf('us-east-1');

/** `InvalidBucketName 400` */
const errorOf = async (work: Promise<unknown>) => {
  try {
    await work;
    return 'none';
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return `${name} ${$metadata?.httpStatusCode}`;
  }
};

test('where a bucket may be created', async () => {
  const cases: [region: string, constraint: string | undefined, outcome: string][] = [
    ['us-east-1', undefined, 'us-east-1'],
    ['us-east-1', 'eu-west-1', 'eu-west-1'],
    ['us-east-1', 'EU', 'eu-west-1'],
    ['us-east-1', 'us-east-1', 'InvalidLocationConstraint 400'],
    ['us-east-1', 'mars', 'InvalidLocationConstraint 400'],
    ['eu-west-1', 'eu-west-1', 'eu-west-1'],
    ['eu-west-1', 'us-west-2', 'IllegalLocationConstraintException 400'],
  ];
  for (const [i, [region, constraint, outcome]] of cases.entries()) {
    const Bucket = `location-${i}`;
    const create = clientOf(region).send(
      new CreateBucketCommand({
        Bucket,
        ...(constraint ? { CreateBucketConfiguration: { LocationConstraint: constraint as never } } : {}),
      }),
    );
    if (/ \d+$/.test(outcome)) {
      assert.equal(await errorOf(create), outcome, `${region} ${constraint}`);
      continue;
    }
    await create;
    const head = await s3.send(new HeadBucketCommand({ Bucket }));
    assert.equal(head.BucketRegion, outcome);
    const { LocationConstraint } = await s3.send(new GetBucketLocationCommand({ Bucket }));
    assert.equal(LocationConstraint, constraint, `location of ${Bucket}`);
  }
});

test('creating a bucket that exists', async () => {
  const create = (client: S3Client, Bucket: string, constraint?: string) =>
    client.send(
      new CreateBucketCommand({
        Bucket,
        ...(constraint ? { CreateBucketConfiguration: { LocationConstraint: constraint as never } } : {}),
      }),
    );
  await create(s3, 'again-us');
  await s3.send(new PutObjectCommand({ Bucket: 'again-us', Key: 'kept', Body: 'x' }));
  assert.equal(await errorOf(create(s3, 'again-us')), 'none', 'in us-east-1 it succeeds');
  await s3.send(new DeleteObjectCommand({ Bucket: 'again-us', Key: 'kept', IfMatch: '*' }));
  const eu = clientOf('eu-west-1');
  await create(eu, 'again-eu', 'eu-west-1');
  assert.equal(await errorOf(create(eu, 'again-eu', 'eu-west-1')), 'BucketAlreadyOwnedByYou 409');
  const other = clientOf('us-east-1', '111122223333');
  assert.equal(await errorOf(create(other, 'again-us')), 'BucketAlreadyExists 409');
});

test('what CreateBucket refuses', async () => {
  const cases: [input: object, outcome: string][] = [
    [{ Bucket: 'UPPER' }, 'InvalidBucketName 400'],
    [{ Bucket: 'ab' }, 'InvalidBucketName 400'],
    [{ ACL: 'public-read' }, 'InvalidBucketAclWithObjectOwnership 400'],
    [{ ACL: 'anything' }, 'InvalidArgument 400'],
    [{ ObjectLockEnabledForBucket: true }, 'NotImplemented 501'],
    [{ ObjectOwnership: 'ObjectWriter' }, 'NotImplemented 501'],
    [{ CreateBucketConfiguration: { Tags: [{ Key: 'aws:x', Value: '' }] } }, 'InvalidTag 400'],
  ];
  for (const [input, outcome] of cases) {
    const command = new CreateBucketCommand({ Bucket: 'refused', ...input });
    assert.equal(await errorOf(s3.send(command)), outcome, JSON.stringify(input));
  }
  assert.equal(await errorOf(s3.send(new HeadBucketCommand({ Bucket: 'refused' }))), 'NotFound 404');
});

test('buckets of an account, in pages', async () => {
  const mine = clientOf('us-east-1', '222233334444');
  const names = ['l-a', 'l-b', 'l-c', 'm-d'];
  for (const Bucket of names) await mine.send(new CreateBucketCommand({ Bucket }));
  const inEurope = { CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' as const } };
  await mine.send(new CreateBucketCommand({ Bucket: 'l-e', ...inEurope }));
  const list = async (input = {}) => {
    const output = await mine.send(new ListBucketsCommand(input));
    return { ...output, names: output.Buckets!.map(({ Name }) => Name) };
  };
  const all = await list();
  assert.deepEqual(all.names, ['l-a', 'l-b', 'l-c', 'l-e', 'm-d']);
  assert.equal(all.ContinuationToken, undefined);
  assert.match(all.Owner!.ID!, /^[0-9a-f]{64}$/);
  assert.ok(all.Buckets!.every(({ CreationDate }) => CreationDate instanceof Date));
  assert.deepEqual((await list({ Prefix: 'l-' })).names, ['l-a', 'l-b', 'l-c', 'l-e']);
  assert.deepEqual((await list({ BucketRegion: 'eu-west-1' })).names, ['l-e']);
  const first = await list({ MaxBuckets: 2, Prefix: 'l-' });
  assert.deepEqual(first.names, ['l-a', 'l-b']);
  const second = await list({ MaxBuckets: 2, Prefix: 'l-', ContinuationToken: first.ContinuationToken });
  assert.deepEqual(second.names, ['l-c', 'l-e']);
  assert.equal(second.ContinuationToken, undefined);
  assert.equal(await errorOf(list({ MaxBuckets: 0 })), 'InvalidArgument 400');
  assert.equal(await errorOf(list({ ContinuationToken: 'nonsense' })), 'InvalidArgument 400');
});

test('deleting buckets', async () => {
  const Bucket = 'to-delete';
  assert.equal(await errorOf(s3.send(new DeleteBucketCommand({ Bucket }))), 'NoSuchBucket 404');
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
  assert.equal(await errorOf(s3.send(new DeleteBucketCommand({ Bucket }))), 'BucketNotEmpty 409');
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }));
  await s3.send(
    new UploadPartCommand({ Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'CRC32' }),
  );
  await s3.send(new DeleteBucketCommand({ Bucket }));
  assert.equal(await errorOf(s3.send(new HeadBucketCommand({ Bucket }))), 'NotFound 404');
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
});

test("a bucket is its owner's alone", async () => {
  const Bucket = 'private-one';
  await s3.send(new CreateBucketCommand({ Bucket }));
  const stranger = clientOf('us-east-1', '111122223333');
  assert.equal(await errorOf(stranger.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))), 'AccessDenied 403');
  assert.equal(await errorOf(stranger.send(new DeleteBucketCommand({ Bucket }))), 'AccessDenied 403');
  const head = (ExpectedBucketOwner: string) => s3.send(new HeadBucketCommand({ Bucket, ExpectedBucketOwner }));
  assert.equal(await errorOf(head('000000000000')), 'none');
  assert.match(await errorOf(head('111122223333')), / 403$/);
});

test('tags of a bucket', async () => {
  const Bucket = 'tagged';
  await s3.send(new CreateBucketCommand({ Bucket }));
  const get = () => s3.send(new GetBucketTaggingCommand({ Bucket }));
  assert.equal(await errorOf(get()), 'NoSuchTagSet 404');
  const TagSet = [
    { Key: 'a', Value: '1' },
    { Key: 'b', Value: '' },
  ];
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  assert.deepEqual((await get()).TagSet, TagSet);
  await s3.send(new DeleteBucketTaggingCommand({ Bucket }));
  assert.equal(await errorOf(get()), 'NoSuchTagSet 404');
});

test('features that no bucket has been configured for', async () => {
  const Bucket = 'plain';
  await s3.send(new CreateBucketCommand({ Bucket }));
  const cases: [command: { new (input: { Bucket: string }): any }, outcome: string][] = [
    [GetBucketPolicyCommand, 'NoSuchBucketPolicy 404'],
    [GetBucketCorsCommand, 'NoSuchCORSConfiguration 404'],
    [GetBucketLifecycleConfigurationCommand, 'NoSuchLifecycleConfiguration 404'],
    [GetBucketReplicationCommand, 'ReplicationConfigurationNotFoundError 404'],
    [GetBucketWebsiteCommand, 'NoSuchWebsiteConfiguration 404'],
    [GetObjectLockConfigurationCommand, 'ObjectLockConfigurationNotFoundError 404'],
    [GetBucketVersioningCommand, 'none'],
  ];
  for (const [Command, outcome] of cases) {
    assert.equal(await errorOf(s3.send(new Command({ Bucket }))), outcome, Command.name);
  }
  const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
  assert.equal(
    ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm,
    'AES256',
  );
  const acl = await s3.send(new GetBucketAclCommand({ Bucket }));
  assert.equal(acl.Grants?.[0]?.Permission, 'FULL_CONTROL');
  assert.equal(acl.Grants?.[0]?.Grantee?.Type, 'CanonicalUser');
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
  const acls: [command: any, outcome: string][] = [
    [new PutBucketAclCommand({ Bucket, ACL: 'private' }), 'AccessControlListNotSupported 400'],
    [new PutObjectAclCommand({ Bucket, Key: 'k', ACL: 'public-read' }), 'AccessControlListNotSupported 400'],
    [new PutObjectAclCommand({ Bucket, Key: 'none', ACL: 'private' }), 'NoSuchKey 404'],
  ];
  for (const [command, outcome] of acls) assert.equal(await errorOf(s3.send(command)), outcome);
  const { PublicAccessBlockConfiguration } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
  assert.equal(PublicAccessBlockConfiguration?.BlockPublicAcls, true);
  const versioning = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  assert.equal(await errorOf(s3.send(versioning)), 'NotImplemented 501');
});
