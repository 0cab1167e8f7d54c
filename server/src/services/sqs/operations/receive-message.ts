// ReceiveMessage, with long polling.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html

import type { Message, ReceiveMessageRequest, ReceiveMessageResult } from '@aws-sdk/client-sqs';
import { AwsError } from '#core/errors.ts';
import type { QueuedMessage } from '#storage/state/state.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { invalidValue, isWithin } from '../errors.ts';
import { sequenceNumber } from '../fifo/fifo-queues.ts';
import { md5OfAttributes, sdkAttributes, selectAttributes } from '../message-attributes.ts';
import { storedMessage, take } from '../message-store.ts';
import type { Queue } from '../queue.ts';
import { SETTABLE_ATTRIBUTES } from '../queue-attributes.ts';
import { sealReceipt } from '../receipt-handle.ts';
import { measure, queueOf, type Sqs } from '../sqs.ts';

const MAX_MESSAGES = 10;
const MAX_VISIBILITY_S = 43_200;
const MAX_WAIT_S = 20;
/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_IN_FLIGHT = 120_000;

const SYSTEM_ATTRIBUTES = [
  'SenderId',
  'SentTimestamp',
  'ApproximateReceiveCount',
  'ApproximateFirstReceiveTimestamp',
  'AWSTraceHeader',
  'MessageGroupId',
  'MessageDeduplicationId',
  'SequenceNumber',
  'DeadLetterQueueSourceArn',
] as const;

export function receiveMessage(sqs: Sqs): Handler<ReceiveMessageRequest, ReceiveMessageResult> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const limit = input.MaxNumberOfMessages ?? 1;
    if (!isWithin(limit, 1, MAX_MESSAGES)) {
      throw invalidValue(limit, 'MaxNumberOfMessages', `Must be between 1 and ${MAX_MESSAGES}, if provided.`);
    }
    const visibilityS = input.VisibilityTimeout ?? queue.visibilityTimeoutS;
    if (!isWithin(visibilityS, 0, MAX_VISIBILITY_S)) {
      throw invalidValue(visibilityS, 'VisibilityTimeout', `Must be >= 0 and <= ${MAX_VISIBILITY_S}, if provided.`);
    }
    const waitS = input.WaitTimeSeconds ?? queue.waitS;
    if (!isWithin(waitS, 0, MAX_WAIT_S)) {
      throw invalidValue(waitS, 'WaitTimeSeconds', `Must be >= 0 and <= ${MAX_WAIT_S}, if provided.`);
    }
    const systemAttributes = wantedSystemAttributes(input);
    const attempt = readAttempt(queue, input);
    const repeated = attempt === undefined ? undefined : await repeat(sqs, queue, attempt, visibilityS * 1_000);
    if (repeated) {
      const { messages, receivedAtMs } = repeated;
      return {
        Messages: messages.map((message) =>
          toMessage(queue, message, receivedAtMs, systemAttributes, input.MessageAttributeNames),
        ),
      };
    }

    const taken = await poll(sqs, input, context, queue, limit, visibilityS * 1_000, waitS * 1_000);
    if (taken.length === 0) {
      measure(sqs, queue, 'NumberOfEmptyReceives', 1, 'Count');
      return {};
    }
    measure(sqs, queue, 'NumberOfMessagesReceived', taken.length, 'Count');
    const receivedAtMs = sqs.clock.now();
    if (attempt !== undefined) sqs.fifo.attempts.note(queue, attempt, taken, receivedAtMs);
    return {
      Messages: taken.map((message) =>
        toMessage(queue, message, receivedAtMs, systemAttributes, input.MessageAttributeNames),
      ),
    };
  };
}

function readAttempt(queue: Queue, { ReceiveRequestAttemptId: attempt }: ReceiveMessageRequest): string | undefined {
  if (attempt === undefined) return undefined;
  if (!queue.fifo) {
    throw invalidValue(
      attempt,
      'ReceiveRequestAttemptId',
      'The request include parameter that is not valid for this queue type.',
    );
  }
  if (/^[\x21-\x7e]{1,128}$/.test(attempt)) return attempt;
  throw invalidValue(
    attempt,
    'ReceiveRequestAttemptId',
    'ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
  );
}

/** A receive that is tried again gets the same messages with the same handles, as long as nobody changed them. */
async function repeat(sqs: Sqs, queue: Queue, attempt: string, visibilityMs: number) {
  const nowMs = sqs.clock.now();
  const known = sqs.fifo.attempts.find(queue, attempt, nowMs);
  if (!known) return undefined;
  return sqs.fifo.change(queue, async (tx, order) => {
    const messages: QueuedMessage[] = [];
    for (const { id, receiveCount, availableAtMs } of known.messages) {
      const message = await tx.queues.peek(queue.stateQueue, id);
      const unchanged = message?.receiveCount === receiveCount && message.availableAtMs === availableAtMs;
      if (!unchanged || availableAtMs <= nowMs) return undefined;
      messages.push(message);
    }
    for (const { id } of messages) {
      await tx.queues.setAvailableAt(queue.stateQueue, id, nowMs + visibilityMs);
      order.hide(id, nowMs + visibilityMs, nowMs);
    }
    const again = messages.map((message) => ({ ...message, availableAtMs: nowMs + visibilityMs }));
    sqs.fifo.attempts.note(queue, attempt, again, known.receivedAtMs);
    return { messages, receivedAtMs: known.receivedAtMs };
  });
}

async function poll(
  sqs: Sqs,
  input: ReceiveMessageRequest,
  context: RequestContext,
  first: Queue,
  limit: number,
  visibilityMs: number,
  waitMs: number,
): Promise<QueuedMessage[]> {
  if (waitMs === 0) return receive(sqs, first, limit, visibilityMs);
  const untilMs = sqs.clock.now() + waitMs;
  const visit = sqs.arrivals.enter(first.stateQueue);
  let looked: (() => void) | undefined;
  try {
    // Attributes may change while a receive waits, and the queue may go.
    for (let queue = first; ; queue = await queueOf(sqs, input.QueueUrl, context)) {
      visit.look();
      const taken = await receive(sqs, queue, limit, visibilityMs);
      if (taken.length > 0) {
        const done = looked;
        looked = undefined;
        void sqs.arrivals.ring(queue.stateQueue).then(done);
        return taken;
      }
      looked?.();
      const nextAtMs = queue.fifo
        ? await sqs.fifo.nextReadyAtMs(queue)
        : await sqs.state.queues.nextAvailableAtMs(queue.stateQueue);
      looked = await visit.wait(nextAtMs, untilMs, context.signal);
      if (!looked) return [];
    }
  } finally {
    looked?.();
    visit.leave();
  }
}

async function receive(sqs: Sqs, queue: Queue, limit: number, visibilityMs: number): Promise<QueuedMessage[]> {
  await checkInFlight(sqs, queue);
  const deadLetter = queue.redrive ? await sqs.queues.byArn(queue.redrive.deadLetterTargetArn) : undefined;
  const nowMs = sqs.clock.now();
  const { taken, moved } = queue.fifo
    ? await sqs.fifo.take(queue, deadLetter, { limit, visibilityMs })
    : await sqs.state.transact((tx) => take(tx, queue, deadLetter, { limit, nowMs, visibilityMs }));
  queue.live.inFlightAtMost! += taken.length;
  if (moved > 0 && deadLetter) measure(sqs, deadLetter, 'NumberOfMessagesSent', moved, 'Count');
  return taken;
}

/** Counting reads every message in flight, so it is done only when receives since the last count may have reached the limit. */
async function checkInFlight(sqs: Sqs, queue: Queue): Promise<void> {
  const { live } = queue;
  if (live.inFlightAtMost !== undefined && live.inFlightAtMost < MAX_IN_FLIGHT) return;
  live.inFlightAtMost = (await sqs.state.queues.counts(queue.stateQueue, sqs.clock.now())).inFlight;
  if (live.inFlightAtMost < MAX_IN_FLIGHT) return;
  throw new AwsError('OverLimit', `Too many messages in flight: the maximum is ${MAX_IN_FLIGHT}.`);
}

function wantedSystemAttributes({
  AttributeNames = [],
  MessageSystemAttributeNames = [],
}: ReceiveMessageRequest): Set<string> {
  const names: string[] = [...AttributeNames, ...MessageSystemAttributeNames];
  const known: readonly string[] = SYSTEM_ATTRIBUTES;
  if (names.includes('All')) return new Set(known);
  for (const name of names) {
    if (!known.includes(name) && !SETTABLE_ATTRIBUTES.has(name)) {
      throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    }
  }
  return new Set(names);
}

function toMessage(
  queue: Queue,
  message: QueuedMessage,
  receivedAtMs: number,
  systemAttributes: Set<string>,
  attributeNames: readonly string[] | undefined,
): Message {
  const stored = storedMessage(message);
  const attributes = selectAttributes(stored.a, attributeNames);
  const system = systemAttributes.size > 0 ? selectSystemAttributes(message, systemAttributes) : {};
  const md5 = md5OfAttributes(attributes);
  return {
    MessageId: stored.id,
    ReceiptHandle: sealReceipt(queue, { messageId: message.id, receiveCount: message.receiveCount, receivedAtMs }),
    MD5OfBody: stored.md5,
    Body: message.body,
    ...(Object.keys(system).length > 0 ? { Attributes: system } : {}),
    ...(attributes ? { MessageAttributes: sdkAttributes(attributes) } : {}),
    ...(md5 ? { MD5OfMessageAttributes: md5 } : {}),
  };
}

function selectSystemAttributes(message: QueuedMessage, wanted: Set<string>): Record<string, string> {
  const stored = storedMessage(message);
  const all: Record<(typeof SYSTEM_ATTRIBUTES)[number], string | undefined> = {
    SenderId: stored.sender,
    SentTimestamp: String(message.enqueuedAtMs),
    ApproximateReceiveCount: String((stored.received ?? 0) + message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
    AWSTraceHeader: stored.trace,
    MessageGroupId: stored.group,
    MessageDeduplicationId: stored.dedup,
    SequenceNumber: stored.dedup === undefined ? undefined : sequenceNumber(message.id),
    DeadLetterQueueSourceArn: stored.src,
  };
  const selected: Record<string, string> = {};
  for (const [name, value] of Object.entries(all)) if (value !== undefined && wanted.has(name)) selected[name] = value;
  return selected;
}
