// A queue as an event source: SQS's own operations, called in process, so that visibility, receive counts, dead-letter queues and
// metrics are those of any consumer; and messages in the form in which functions get them.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event

import type {
  DeleteMessageBatchRequest,
  DeleteMessageBatchResult,
  GetQueueAttributesRequest,
  GetQueueAttributesResult,
  Message,
  MessageAttributeValue,
  ReceiveMessageRequest,
  ReceiveMessageResult,
} from '@aws-sdk/client-sqs';
import { type Arn, parseArn } from '#core/arn.ts';
import { type Caller, type OperationCall, serviceCaller } from '#core/caller.ts';
import { uuid } from '#core/ids.ts';
import type { QueueRecord, QueueSource } from '#engines/consumers/queue-consumer.ts';

const MOST_DELETES_PER_CALL = 10;

/** `isWindowed`: AWS tells messages that have no attributes so, where batches are gathered for a time, and only there. */
export function createSqsSource(call: OperationCall, queueArn: string, isWindowed: boolean): QueueSource {
  const arn = parseArn(queueArn)!;
  const QueueUrl = queueUrlOf(arn);
  return {
    async receive(limit, waitS, signal) {
      const { Messages = [] } = await call<ReceiveMessageRequest, ReceiveMessageResult>(
        'sqs',
        'ReceiveMessage',
        {
          QueueUrl,
          MaxNumberOfMessages: limit,
          WaitTimeSeconds: waitS,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        },
        callerFor(arn),
        signal,
      );
      return Messages.map((message) => recordOf(message, arn, queueArn, isWindowed));
    },
    async delete(records) {
      for (let at = 0; at < records.length; at += MOST_DELETES_PER_CALL) {
        const Entries = records
          .slice(at, at + MOST_DELETES_PER_CALL)
          .map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }));
        await call<DeleteMessageBatchRequest, DeleteMessageBatchResult>(
          'sqs',
          'DeleteMessageBatch',
          { QueueUrl, Entries },
          callerFor(arn),
        );
      }
    },
    async visibilityTimeoutMs() {
      const { VisibilityTimeout } = await queueAttributes(call, queueArn);
      return Number(VisibilityTimeout) * 1_000;
    },
  };
}

/** Throws as SQS does when there is no such queue. */
export async function queueAttributes(call: OperationCall, queueArn: string): Promise<Record<string, string>> {
  const arn = parseArn(queueArn)!;
  const { Attributes = {} } = await call<GetQueueAttributesRequest, GetQueueAttributesResult>(
    'sqs',
    'GetQueueAttributes',
    { QueueUrl: queueUrlOf(arn), AttributeNames: ['VisibilityTimeout', 'QueueArn'] },
    callerFor(arn),
  );
  return Attributes as Record<string, string>;
}

/** SQS reads account and name off the path; the host is of no account in process. */
function queueUrlOf({ account, resource }: Arn): string {
  return `http://sqs/${account}/${resource}`;
}

function callerFor({ account, region }: Arn): Caller {
  return serviceCaller('lambda.amazonaws.com', { account, region }, uuid());
}

function recordOf(message: Message, { region }: Arn, eventSourceARN: string, isWindowed: boolean): QueueRecord {
  const body = message.Body!;
  const record = {
    messageId: message.MessageId!,
    receiptHandle: message.ReceiptHandle!,
    body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, attributeOf(value)]),
    ),
    md5OfBody: message.MD5OfBody!,
    ...(message.MD5OfMessageAttributes || isWindowed
      ? { md5OfMessageAttributes: message.MD5OfMessageAttributes ?? null }
      : {}),
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion: region,
  };
  return {
    id: record.messageId,
    receipt: record.receiptHandle,
    record,
    // Of the JSON text that it becomes, closely enough: quotes and newlines inside the body take two characters.
    bytes: Buffer.byteLength(body) + escapesIn(body) + JSON.stringify(record.messageAttributes).length + 1_024,
  };
}

function escapesIn(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22 || code === 0x5c) count++;
    else if (code < 0x20) count += 5;
  }
  return count;
}

function attributeOf({ StringValue, BinaryValue, DataType }: MessageAttributeValue) {
  return {
    ...(StringValue === undefined ? {} : { stringValue: StringValue }),
    ...(BinaryValue === undefined ? {} : { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
    stringListValues: [],
    binaryListValues: [],
    dataType: DataType,
  };
}
