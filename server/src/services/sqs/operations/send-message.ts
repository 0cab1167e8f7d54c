// SendMessage and SendMessageBatch.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html

import { hash } from 'node:crypto';
import type {
  BatchResultErrorEntry,
  SendMessageBatchRequest,
  SendMessageBatchRequestEntry,
  SendMessageBatchResult,
  SendMessageBatchResultEntry,
  SendMessageRequest,
  SendMessageResult,
} from '@aws-sdk/client-sqs';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { checkBatch, failedEntry } from '../batch.ts';
import { invalidParameterValue, invalidValue, isWithin, missingParameter, queueDoesNotExist } from '../errors.ts';
import {
  acceptMessageAttributes,
  acceptSystemAttributes,
  md5OfAttributes,
  sizeOfAttributes,
} from '../message-attributes.ts';
import { checkBody } from '../message-body.ts';
import { newMessage, type StoredMessage } from '../message-store.ts';
import type { Queue } from '../queue.ts';
import { measure, queueOf, type Sqs } from '../sqs.ts';

const MAX_DELAY_S = 900;
/** Of message groups and deduplication. */
const FIFO_ID = /^[\x21-\x7e]{1,128}$/;
/** Of all messages of a batch together, whatever the queue allows for one. */
const MAX_BATCH_BYTES = 1_048_576;

export function sendMessage(sqs: Sqs): Handler<SendMessageRequest, SendMessageResult> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const outgoing = accept(queue, input, context);
    checkSize(queue, outgoing);
    const [result] = await store(sqs, queue, [outgoing]);
    return result!;
  };
}

export function sendMessageBatch(sqs: Sqs): Handler<SendMessageBatchRequest, SendMessageBatchResult> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const entries = input.Entries ?? [];
    checkBatch(entries, 'SendMessageBatchRequestEntry');
    const accepted: { id: string; outgoing: Outgoing }[] = [];
    const failed: BatchResultErrorEntry[] = [];
    let bytes = 0;
    for (const entry of entries) {
      try {
        const outgoing = accept(queue, entry, context);
        bytes += outgoing.bytes;
        checkSize(queue, outgoing);
        accepted.push({ id: entry.Id!, outgoing });
      } catch (error) {
        failed.push(failedEntry(entry.Id, error));
      }
    }
    if (bytes > MAX_BATCH_BYTES) {
      throw new AwsError(
        'BatchRequestTooLong',
        `Batch requests cannot be longer than ${MAX_BATCH_BYTES} bytes. You have sent ${bytes} bytes.`,
      );
    }
    const outgoing = accepted.map((message) => message.outgoing);
    const results = outgoing.length > 0 ? await store(sqs, queue, outgoing) : [];
    const successful = accepted.map(
      ({ id }, index): SendMessageBatchResultEntry => ({
        Id: id,
        ...(results[index] as Required<SendMessageResult>),
      }),
    );
    return { Successful: successful, Failed: failed };
  };
}

interface Outgoing {
  body: string;
  bytes: number;
  delayS: number;
  stored: StoredMessage;
  md5OfAttributes: string | undefined;
  md5OfSystemAttributes: string | undefined;
}

/** Checks one message, in AWS's order of complaints. */
function accept(
  queue: Queue,
  input: Omit<SendMessageRequest & Omit<SendMessageBatchRequestEntry, 'Id'>, 'QueueUrl'>,
  context: RequestContext,
): Outgoing {
  const { MessageBody: body } = input;
  checkBody(body);
  if (queue.fifo && input.DelaySeconds) throw notForQueueType(input.DelaySeconds, 'DelaySeconds');
  const delayS = queue.fifo ? queue.delayS : (input.DelaySeconds ?? queue.delayS);
  if (!isWithin(delayS, 0, MAX_DELAY_S)) {
    throw invalidValue(delayS, 'DelaySeconds', `DelaySeconds must be >= 0 and <= ${MAX_DELAY_S}.`);
  }
  const givenId = input.MessageDeduplicationId;
  if (givenId !== undefined && !queue.fifo) throw notForQueueType(givenId, 'MessageDeduplicationId');
  if (givenId !== undefined && !FIFO_ID.test(givenId)) {
    throw invalidValue(
      givenId,
      'MessageDeduplicationId',
      'MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
    );
  }
  const group = input.MessageGroupId;
  if (queue.fifo && group === undefined) throw missingParameter('MessageGroupId');
  if (group !== undefined && !FIFO_ID.test(group)) {
    throw invalidValue(
      group,
      'MessageGroupId',
      'MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
    );
  }
  if (queue.fifo && givenId === undefined && !queue.fifo.contentBased) {
    throw invalidParameterValue(
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    );
  }
  const attributes = acceptMessageAttributes(input.MessageAttributes);
  const system = acceptSystemAttributes(input.MessageSystemAttributes);
  const trace = system?.AWSTraceHeader?.s ?? context.headers['x-amzn-trace-id'];
  return {
    body,
    bytes: Buffer.byteLength(body) + sizeOfAttributes(attributes),
    delayS,
    stored: {
      id: uuid(),
      md5: hash('md5', body),
      sender: context.account,
      ...(attributes ? { a: attributes } : {}),
      ...(trace === undefined ? {} : { trace }),
      ...(group === undefined ? {} : { group }),
      ...(queue.fifo ? { dedup: givenId ?? hash('sha256', body) } : {}),
    },
    md5OfAttributes: md5OfAttributes(attributes),
    md5OfSystemAttributes: md5OfAttributes(system),
  };
}

function checkSize(queue: Queue, { bytes }: Outgoing): void {
  if (bytes <= queue.maximumMessageBytes) return;
  throw invalidParameterValue(
    `One or more parameters are invalid. Reason: Message must be shorter than ${queue.maximumMessageBytes} bytes.`,
  );
}

/** The results in the order given. */
async function store(sqs: Sqs, queue: Queue, outgoing: readonly Outgoing[]): Promise<SendMessageResult[]> {
  const nowMs = sqs.clock.now();
  if (queue.fifo) return storeInOrder(sqs, queue, outgoing, nowMs);
  const messages = outgoing.map(({ body, stored, delayS }) =>
    newMessage(queue, body, stored, nowMs, nowMs + delayS * 1_000),
  );
  await sqs.state.transact((tx) => tx.queues.send(queue.stateQueue, messages, nowMs));
  if (queue.live.deleted) {
    // DeleteQueue came in between: what was written is in nobody's queue.
    await sqs.state.transact((tx) => tx.queues.purge(queue.stateQueue));
    throw queueDoesNotExist();
  }
  noteSent(sqs, queue, outgoing, nowMs);
  return outgoing.map(resultOf);
}

async function storeInOrder(
  sqs: Sqs,
  queue: Queue,
  outgoing: readonly Outgoing[],
  nowMs: number,
): Promise<SendMessageResult[]> {
  const sent = await sqs.fifo.send(
    queue,
    outgoing.map(({ body, stored, delayS }) => ({ body, stored, availableAtMs: nowMs + delayS * 1_000 })),
  );
  if (queue.live.deleted) {
    await sqs.state.transact((tx) => tx.queues.purge(queue.stateQueue));
    throw queueDoesNotExist();
  }
  const fresh = outgoing.filter((_, index) => !sent[index]!.duplicate);
  if (fresh.length > 0) noteSent(sqs, queue, fresh, nowMs);
  const duplicates = outgoing.length - fresh.length;
  if (duplicates > 0) measure(sqs, queue, 'NumberOfDeduplicatedSentMessages', duplicates, 'Count');
  return outgoing.map((message, index) => ({
    ...resultOf(message),
    MessageId: sent[index]!.messageId,
    SequenceNumber: sent[index]!.sequenceNumber,
  }));
}

function noteSent(sqs: Sqs, queue: Queue, outgoing: readonly Outgoing[], nowMs: number): void {
  const soonestDelayS = Math.min(...outgoing.map(({ delayS }) => delayS));
  if (soonestDelayS > 0) sqs.arrivals.ringAt(queue.stateQueue, nowMs + soonestDelayS * 1_000);
  for (const { bytes } of outgoing) {
    measure(sqs, queue, 'NumberOfMessagesSent', 1, 'Count');
    measure(sqs, queue, 'SentMessageSize', bytes, 'Bytes');
  }
}

function notForQueueType(value: unknown, parameter: string): AwsError {
  return invalidValue(value, parameter, 'The request include parameter that is not valid for this queue type.');
}

function resultOf({ stored, md5OfAttributes, md5OfSystemAttributes }: Outgoing): SendMessageResult {
  return {
    MD5OfMessageBody: stored.md5,
    MessageId: stored.id,
    ...(md5OfAttributes ? { MD5OfMessageAttributes: md5OfAttributes } : {}),
    ...(md5OfSystemAttributes ? { MD5OfMessageSystemAttributes: md5OfSystemAttributes } : {}),
  };
}
