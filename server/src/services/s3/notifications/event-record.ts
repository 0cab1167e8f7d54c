// Event records, version 2.1. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html

import { formatArn, partitionOf } from '#core/arn.ts';
import { s3HostId } from '#core/ids.ts';
import type { RequestContext } from '#wire/service.ts';
import type { BucketDocument } from '../documents.ts';
import { urlEncodeKey } from '../object-name.ts';
import { customerId, principalId } from '../owner.ts';

/** What happened to one key. */
export interface ObjectEvent {
  /** `s3:ObjectCreated:Put`; records leave `s3:` out. */
  name: string;
  key: string;
  /** Of the object that is there now; absent for removals. */
  object?: { size: number; etag: string };
}

/** The JSON text that a destination gets. */
export function eventMessage(
  event: ObjectEvent,
  bucket: BucketDocument,
  context: RequestContext,
  details: { configurationId: string; sequencer: string; atMs: number },
): string {
  const record = {
    // Tagging events have had a version of their own since they exist.
    eventVersion: event.name.startsWith('s3:ObjectTagging:') ? '2.3' : '2.1',
    eventSource: 'aws:s3',
    awsRegion: bucket.region,
    eventTime: new Date(details.atMs).toISOString(),
    eventName: event.name.slice('s3:'.length),
    userIdentity: { principalId: principalId(context) },
    requestParameters: { sourceIPAddress: context.sourceIp },
    responseElements: { 'x-amz-request-id': context.requestId, 'x-amz-id-2': s3HostId(context.requestId) },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: details.configurationId,
      bucket: {
        name: bucket.name,
        ownerIdentity: { principalId: customerId(bucket.account) },
        arn: bucketArn(bucket),
      },
      object: {
        key: urlEncodeKey(event.key),
        ...(event.object ? { size: event.object.size, eTag: event.object.etag } : {}),
        sequencer: details.sequencer,
      },
    },
  };
  return JSON.stringify({ Records: [record] });
}

/** What a queue or topic gets when a configuration starts to name it. */
export function testEventMessage(bucket: BucketDocument, context: RequestContext, atMs: number): string {
  return JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: new Date(atMs).toISOString(),
    Bucket: bucket.name,
    RequestId: context.requestId,
    HostId: s3HostId(context.requestId),
  });
}

export function bucketArn({ name, region }: BucketDocument): string {
  return formatArn({ partition: partitionOf(region), service: 's3', region: '', account: '', resource: name });
}
