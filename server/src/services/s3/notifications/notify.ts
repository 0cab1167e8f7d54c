// From something that happened to the messages that a bucket's rules ask for.

import type { DeliveryRequest } from '#engines/delivery/delivery.ts';
import type { Transaction } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import type { BucketDocument } from '../documents.ts';
import type { S3 } from '../s3.ts';
import { matchingRules, type NotificationRule } from './configuration.ts';
import { bucketArn, eventMessage, type ObjectEvent } from './event-record.ts';

const SNS_SUBJECT = 'Amazon S3 Notification';

/** Enqueues the messages in the transaction of the change, so that they go out if and only if it happened. */
export async function notify(
  { delivery, sequencer, clock }: S3,
  tx: Transaction,
  bucket: BucketDocument,
  events: readonly ObjectEvent[],
  context: RequestContext,
): Promise<void> {
  if (!bucket.notification) return;
  const requests: DeliveryRequest[] = [];
  for (const event of events) {
    for (const rule of matchingRules(bucket.notification, event.name, event.key)) {
      const details = { configurationId: rule.id, sequencer: sequencer.next(), atMs: clock.now() };
      const traceHeader = context.headers['x-amzn-trace-id'];
      requests.push({
        ...deliveryTo(rule, bucket, eventMessage(event, bucket, context, details)),
        ...(traceHeader === undefined ? {} : { traceHeader }),
      });
    }
  }
  await delivery.enqueue(tx, requests);
}

export function deliveryTo(
  { arn, destination }: Pick<NotificationRule, 'arn' | 'destination'>,
  bucket: BucketDocument,
  payload: string,
): DeliveryRequest {
  return {
    targetArn: arn,
    payload,
    sourceService: 's3.amazonaws.com',
    sourceArn: bucketArn(bucket),
    sourceAccount: bucket.account,
    region: bucket.region,
    ...(destination === 'sns' ? { subject: SNS_SUBJECT } : {}),
  };
}
