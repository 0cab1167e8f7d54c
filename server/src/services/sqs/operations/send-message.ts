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
import { invalidParameterValue, invalidValue, isWithin, queueDoesNotExist } from '../errors.ts';
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
/** Of all messages of a batch together, whatever the queue allows for one. */
const MAX_BATCH_BYTES = 1_048_576;

export function sendMessage(sqs: Sqs): Handler<SendMessageRequest, SendMessageResult> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const outgoing = accept(queue, input, context);
    checkSize(queue, outgoing);
    await store(sqs, queue, [outgoing]);
    return resultOf(outgoing);
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
    if (accepted.length > 0) {
      await store(
        sqs,
        queue,
        accepted.map(({ outgoing }) => outgoing),
      );
    }
    const successful = accepted.map(
      ({ id, outgoing }): SendMessageBatchResultEntry => ({
        Id: id,
        ...(resultOf(outgoing) as Required<SendMessageResult>),
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
  const delayS = input.DelaySeconds ?? queue.delayS;
  if (!isWithin(delayS, 0, MAX_DELAY_S)) {
    throw invalidValue(delayS, 'DelaySeconds', `DelaySeconds must be >= 0 and <= ${MAX_DELAY_S}.`);
  }
  if (input.MessageDeduplicationId !== undefined) {
    throw invalidValue(
      input.MessageDeduplicationId,
      'MessageDeduplicationId',
      'The request include parameter that is not valid for this queue type.',
    );
  }
  const group = input.MessageGroupId;
  if (group !== undefined && !/^[\x21-\x7e]{1,128}$/.test(group)) {
    throw invalidValue(
      group,
      'MessageGroupId',
      'MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
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

async function store(sqs: Sqs, queue: Queue, outgoing: readonly Outgoing[]): Promise<void> {
  const nowMs = sqs.clock.now();
  const messages = outgoing.map(({ body, stored, delayS }) =>
    newMessage(queue, body, stored, nowMs, nowMs + delayS * 1_000),
  );
  await sqs.state.transact((tx) => tx.queues.send(queue.stateQueue, messages, nowMs));
  if (queue.live.deleted) {
    // DeleteQueue came in between: what was written is in nobody's queue.
    await sqs.state.transact((tx) => tx.queues.purge(queue.stateQueue));
    throw queueDoesNotExist();
  }
  const soonestDelayS = Math.min(...outgoing.map(({ delayS }) => delayS));
  if (soonestDelayS > 0) sqs.arrivals.ringAt(queue.stateQueue, nowMs + soonestDelayS * 1_000);
  for (const { bytes } of outgoing) {
    measure(sqs, queue, 'NumberOfMessagesSent', 1, 'Count');
    measure(sqs, queue, 'SentMessageSize', bytes, 'Bytes');
  }
}

function resultOf({ stored, md5OfAttributes, md5OfSystemAttributes }: Outgoing): SendMessageResult {
  return {
    MD5OfMessageBody: stored.md5,
    MessageId: stored.id,
    ...(md5OfAttributes ? { MD5OfMessageAttributes: md5OfAttributes } : {}),
    ...(md5OfSystemAttributes ? { MD5OfMessageSystemAttributes: md5OfSystemAttributes } : {}),
  };
}
