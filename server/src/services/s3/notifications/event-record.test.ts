import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '#core/clock.ts';
import { s3HostId } from '#core/ids.ts';
import type { RequestContext } from '#wire/service.ts';
import type { BucketDocument } from '../documents.ts';
import { customerId } from '../owner.ts';
import { eventMessage, testEventMessage } from './event-record.ts';
import { Sequencer } from './sequencer.ts';

const BUCKET: BucketDocument = { name: 'b', account: '123456789012', region: 'eu-west-1', createdAtMs: 0 };
const context = {
  account: '123456789012',
  principalArn: 'arn:aws:iam::123456789012:root',
  requestId: 'C3D13FE58DE4C810',
  sourceIp: '127.0.0.1',
} as RequestContext;
const AT_MS = Date.parse('2026-01-02T03:04:05.006Z');

test('the record of an object created', () => {
  const event = { name: 's3:ObjectCreated:Put', key: 'a b/ü+%(1).csv', object: { size: 3, etag: 'e' } };
  const details = { configurationId: 'c', sequencer: '0055', atMs: AT_MS };
  assert.deepEqual(JSON.parse(eventMessage(event, BUCKET, context, details)), {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: 'eu-west-1',
        eventTime: '2026-01-02T03:04:05.006Z',
        eventName: 'ObjectCreated:Put',
        userIdentity: { principalId: customerId('123456789012') },
        requestParameters: { sourceIPAddress: '127.0.0.1' },
        responseElements: { 'x-amz-request-id': 'C3D13FE58DE4C810', 'x-amz-id-2': s3HostId('C3D13FE58DE4C810') },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'c',
          bucket: { name: 'b', ownerIdentity: { principalId: customerId('123456789012') }, arn: 'arn:aws:s3:::b' },
          object: { key: 'a+b/%C3%BC%2B%25%281%29.csv', size: 3, eTag: 'e', sequencer: '0055' },
        },
      },
    ],
  });
});

test('the record of an object removed, by a role', () => {
  const role = { ...context, principalArn: 'arn:aws:sts::123456789012:assumed-role/worker/session' };
  const message = eventMessage({ name: 's3:ObjectRemoved:Delete', key: 'k' }, BUCKET, role, {
    configurationId: 'c',
    sequencer: '1',
    atMs: AT_MS,
  });
  const [record] = JSON.parse(message).Records;
  assert.equal(record.eventName, 'ObjectRemoved:Delete');
  assert.deepEqual(record.userIdentity, { principalId: 'AWS:worker:session' });
  assert.deepEqual(record.s3.object, { key: 'k', sequencer: '1' });
});

test('the test event', () => {
  assert.deepEqual(JSON.parse(testEventMessage(BUCKET, context, AT_MS)), {
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: '2026-01-02T03:04:05.006Z',
    Bucket: 'b',
    RequestId: 'C3D13FE58DE4C810',
    HostId: s3HostId('C3D13FE58DE4C810'),
  });
});

test('sequencers rise, also within a millisecond and when the clock stands', async () => {
  const clock = new VirtualClock(AT_MS);
  const sequencer = new Sequencer(clock);
  const given = Array.from({ length: 10_000 }, () => sequencer.next());
  await clock.advanceBy(1);
  given.push(sequencer.next());
  assert.deepEqual([...given].sort(), given);
  assert.equal(new Set(given).size, given.length);
  assert.ok(given.every((text) => /^[0-9A-F]{16}$/.test(text)));
});
