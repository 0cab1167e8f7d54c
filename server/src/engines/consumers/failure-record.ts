// What an on-failure destination gets of records that were given up: where they lie in the stream, not the records themselves
// (a bucket gets those as well). https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html

import { uuid } from '#core/ids.ts';
import type { DeliveryRequest } from '#engines/delivery/delivery.ts';
import type { Discarded } from './stream-consumer.ts';

export interface FailureSource {
  /** `KinesisBatchInfo` or `DDBStreamBatchInfo`. */
  batchInfo: string;
  streamArn: string;
  functionArn: string;
  consumerId: string;
  account: string;
  region: string;
  destinationArn: string;
}

/** The request for the delivery engine. `event` is the text of the event that the function got. */
export function failureDelivery(
  source: FailureSource,
  discarded: Discarded,
  event: string,
  nowMs: number,
): DeliveryRequest {
  const { partition, records, condition, invokeCount, outcome } = discarded;
  const [first, last] = [records[0]!, records.at(-1)!];
  const timestamp = new Date(nowMs).toISOString();
  const ran = outcome?.kind === 'failed' || outcome?.kind === 'succeeded' ? outcome : undefined;
  const isBucket = source.destinationArn.split(':')[2] === 's3';
  const record = {
    requestContext: {
      requestId: ran?.requestId ?? uuid(),
      functionArn: source.functionArn,
      condition,
      approximateInvokeCount: invokeCount,
    },
    responseContext: {
      statusCode: 200,
      executedVersion: ran?.kind === 'failed' ? ran.version : '$LATEST',
      functionError: ran?.kind === 'failed' ? ran.functionError : null,
    },
    version: '1.0',
    timestamp,
    [source.batchInfo]: {
      shardId: partition,
      startSequenceNumber: first.sequenceNumber,
      endSequenceNumber: last.sequenceNumber,
      approximateArrivalOfFirstRecord: new Date(first.appendedAtMs).toISOString(),
      approximateArrivalOfLastRecord: new Date(last.appendedAtMs).toISOString(),
      batchSize: records.length,
      streamArn: source.streamArn,
    },
    ...(isBucket ? { payload: event } : {}),
  };
  return {
    targetArn: source.destinationArn,
    payload: JSON.stringify(record),
    sourceService: 'lambda.amazonaws.com',
    sourceArn: source.functionArn,
    sourceAccount: source.account,
    region: source.region,
    ...(isBucket ? { objectKey: objectKeyOf(source.consumerId, partition, timestamp) } : {}),
  };
}

function objectKeyOf(consumerId: string, partition: string, timestamp: string): string {
  const [day, time] = timestamp.slice(0, 19).split('T') as [string, string];
  return `aws/lambda/${consumerId}/${partition}/${day.replaceAll('-', '/')}/${day}T${time.replaceAll(':', '.')}-${uuid()}`;
}
