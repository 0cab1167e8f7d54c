// Signatures: header, presigned, chunked; wrong, old, unknown.

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';
import { test } from 'node:test';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { deriveSigningKey, encodeRfc3986 } from '#wire/sigv4.ts';
import { bareListener } from './bare-listener.ts';

const KEY = { secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', account: '111122223333' };
const ID = 'AKIAIOSFODNN7EXAMPLE';
const accessKeys = new Map([[ID, KEY]]);
const sessions = new Map([
  [
    'ASIASESSION',
    {
      secretAccessKey: 'temporary',
      sessionToken: 'token',
      account: '444455556666',
      principalArn: 'arn:aws:sts::444455556666:assumed-role/r/s',
      expiresAtMs: Date.now() + 3_600_000,
    },
  ],
  [
    'ASIAEXPIRED',
    {
      secretAccessKey: 'temporary',
      sessionToken: 'token',
      account: '444455556666',
      principalArn: 'arn:aws:sts::444455556666:assumed-role/r/s',
      expiresAtMs: 1,
    },
  ],
]);
const bare = await bareListener({ accessKeys, sessions });

function config(
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
  extra: object = {},
) {
  return { endpoint: bare.endpoint, region: 'eu-west-1', forcePathStyle: true, maxAttempts: 1, credentials, ...extra };
}
const good = { accessKeyId: ID, secretAccessKey: KEY.secretAccessKey };

test('a good signature tells account and region', async () => {
  await new STSClient(config(good)).send(new GetCallerIdentityCommand({}));
  assert.equal(bare.received?.context.account, '111122223333');
  assert.equal(bare.received?.context.region, 'eu-west-1');
  await new CloudWatchLogsClient(config(good)).send(new DescribeLogGroupsCommand({ logGroupNamePrefix: 'ü/x y' }));
  assert.equal(bare.received?.input.logGroupNamePrefix, 'ü/x y');
});

test('temporary credentials tell the assumed role', async () => {
  await new STSClient(config({ accessKeyId: 'ASIASESSION', secretAccessKey: 'temporary', sessionToken: 'token' })).send(
    new GetCallerIdentityCommand({}),
  );
  assert.equal(bare.received?.context.principalArn, 'arn:aws:sts::444455556666:assumed-role/r/s');
});

for (const key of ['plain', 'a b+c', 'ünï/cödé', "it's(1)*!", '../up', 'a//b', '%2e', 'q?x=y&z#h', '~tilde']) {
  test(`S3 signs the key ${JSON.stringify(key)}`, async () => {
    await new S3Client(config(good)).send(new PutObjectCommand({ Bucket: 'b', Key: key, Body: 'data' }));
    assert.equal(bare.received?.input.Key, key);
    assert.equal(String(bare.received?.input.Body), 'data');
  });
}

const refused: [string, () => Promise<unknown>, string, number][] = [
  [
    'a wrong secret',
    () => new STSClient(config({ ...good, secretAccessKey: 'x' })).send(new GetCallerIdentityCommand({})),
    'SignatureDoesNotMatch',
    403,
  ],
  [
    'an unknown key',
    () => new STSClient(config({ ...good, accessKeyId: 'AKIAUNKNOWN' })).send(new GetCallerIdentityCommand({})),
    'UnrecognizedClientException',
    403,
  ],
  [
    'an unknown key for S3',
    () =>
      new S3Client(config({ ...good, accessKeyId: 'AKIAUNKNOWN' })).send(
        new GetObjectCommand({ Bucket: 'b', Key: 'k' }),
      ),
    'InvalidAccessKeyId',
    403,
  ],
  [
    'a missing session token',
    () =>
      new STSClient(config({ accessKeyId: 'ASIASESSION', secretAccessKey: 'temporary' })).send(
        new GetCallerIdentityCommand({}),
      ),
    'InvalidClientTokenId',
    403,
  ],
  [
    'an expired session',
    () =>
      new STSClient(config({ accessKeyId: 'ASIAEXPIRED', secretAccessKey: 'temporary', sessionToken: 'token' })).send(
        new GetCallerIdentityCommand({}),
      ),
    'ExpiredTokenException',
    403,
  ],
  [
    'a clock an hour behind',
    () => new STSClient(config(good, { systemClockOffset: -3_600_000 })).send(new GetCallerIdentityCommand({})),
    'SignatureDoesNotMatch',
    403,
  ],
  [
    'a clock an hour behind for S3',
    () =>
      new S3Client(config(good, { systemClockOffset: -3_600_000 })).send(
        new GetObjectCommand({ Bucket: 'b', Key: 'k' }),
      ),
    'RequestTimeTooSkewed',
    403,
  ],
];
for (const [what, send, code, status] of refused) {
  test(`${what} is refused`, async () => {
    bare.received = undefined;
    await assert.rejects(send, (error: any) => error.name === code && error.$metadata.httpStatusCode === status);
    assert.equal(bare.received, undefined);
  });
}

test('an unsigned request is refused', async () => {
  assert.equal((await fetch(`${bare.endpoint}/bucket/key`)).status, 403);
  const response = await fetch(bare.endpoint, {
    method: 'POST',
    headers: { 'x-amz-target': 'Logs_20140328.DescribeLogGroups', 'content-type': 'application/x-amz-json-1.1' },
    body: '{}',
  });
  assert.equal(response.status, 403);
  assert.equal(((await response.json()) as { __type: string }).__type, 'MissingAuthenticationToken');
});

/** A presigned GET, made here by the rules of the documentation. */
function presign(path: string, expiresS: number, atMs: number, secret = KEY.secretAccessKey): string {
  const timestamp = new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const date = timestamp.slice(0, 8);
  const scope = `${date}/us-east-1/s3/aws4_request`;
  const query = new Map([
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${ID}/${scope}`],
    ['X-Amz-Date', timestamp],
    ['X-Amz-Expires', String(expiresS)],
    ['X-Amz-SignedHeaders', 'host'],
  ]);
  const canonicalQuery = [...query].map(([name, value]) => `${name}=${encodeRfc3986(value)}`).join('&');
  const canonical = `GET\n${path}\n${canonicalQuery}\nhost:127.0.0.1:${bare.port}\n\nhost\nUNSIGNED-PAYLOAD`;
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  const signature = createHmac('sha256', deriveSigningKey(secret, { date, region: 'us-east-1', service: 's3' }))
    .update(text)
    .digest('hex');
  return `${bare.endpoint}${path}?${canonicalQuery}&X-Amz-Signature=${signature}`;
}

test('presigned URLs: good, expired, changed', async () => {
  bare.answer = { Body: 'content' };
  const good = await fetch(presign('/b/k', 60, Date.now()));
  assert.equal(good.status, 200);
  assert.equal(await good.text(), 'content');
  bare.answer = {};
  const expired = await fetch(presign('/b/k', 60, Date.now() - 120_000));
  assert.equal(expired.status, 403);
  assert.match(await expired.text(), /<Code>AccessDenied<\/Code><Message>Request has expired/);
  const changed = await fetch(presign('/b/k', 60, Date.now()).replace('/b/k', '/b/other'));
  assert.match(await changed.text(), /SignatureDoesNotMatch/);
});

// The worked example of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
const EXAMPLE_MS = Date.UTC(2013, 4, 24);
const CHUNKS: [number, string][] = [
  [65536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'],
  [1024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'],
  [0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'],
];

test("the documentation's example of a chunked upload, whole and with a changed byte", async () => {
  const past = await bareListener({ accessKeys, now: () => EXAMPLE_MS });
  const send = (fill: string) =>
    new Promise<number>((resolve, reject) => {
      const put = request(
        {
          port: past.port,
          method: 'PUT',
          path: '/examplebucket/chunkObject.txt',
          headers: {
            host: 's3.amazonaws.com',
            'x-amz-date': '20130524T000000Z',
            'x-amz-storage-class': 'REDUCED_REDUNDANCY',
            authorization: `AWS4-HMAC-SHA256 Credential=${ID}/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9`,
            'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
            'content-encoding': 'aws-chunked',
            'x-amz-decoded-content-length': '66560',
            'content-length': '66824',
          },
        },
        (response) => response.resume().on('end', () => resolve(response.statusCode!)),
      ).on('error', reject);
      for (const [size, signature] of CHUNKS)
        put.write(`${size.toString(16)};chunk-signature=${signature}\r\n${fill.repeat(size)}\r\n`);
      put.end();
    });
  assert.equal(await send('a'), 200);
  assert.equal((past.received!.input.Body as Buffer).length, 66560);
  assert.equal(past.received?.input.ContentEncoding, undefined);
  past.received = undefined;
  assert.equal(await send('b'), 403);
  assert.equal(past.received, undefined);
});
