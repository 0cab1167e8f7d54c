// Publish and PublishBatch. The answer means that every delivery is on disk.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html

import type {
  PublishBatchInput,
  PublishBatchRequestEntry,
  PublishBatchResponse,
  PublishInput,
  PublishResponse,
} from '@aws-sdk/client-sns';
import { AwsError, notImplemented } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { invalidParameter } from '../errors.ts';
import { fanOut, type PublishedMessage } from '../fan-out.ts';
import { deduplicationId, isFifo, publishInOrder } from '../fifo.ts';
import { acceptMessageAttributes, sizeOfAttributes } from '../message-attributes.ts';
import { measure, type Sns } from '../sns.ts';
import type { Topic } from '../topic.ts';

const MAX_BYTES = 262_144;
const MAX_SUBJECT = 100;
const MAX_ENTRIES = 10;

export function publish(sns: Sns): Handler<PublishInput, PublishResponse> {
  return async (input, context) => {
    const topic = await targetOf(sns, input);
    const message = accept(topic, input, context);
    if (message.bytes > MAX_BYTES) throw invalidParameter('Message too long');
    const [sent] = await send(sns, topic, [message]);
    return sent!;
  };
}

/** Entries that SNS would refuse alone fail the whole batch. */
export function publishBatch(sns: Sns): Handler<PublishBatchInput, PublishBatchResponse> {
  return async (input, context) => {
    const topic = await sns.topics.topic(input.TopicArn);
    const entries = input.PublishBatchRequestEntries ?? [];
    checkBatch(entries);
    const messages = entries.map((entry) => accept(topic, entry, context));
    if (messages.reduce((sum, { bytes }) => sum + bytes, 0) > MAX_BYTES) {
      throw new AwsError(
        'BatchRequestTooLongException',
        'The length of all the batch messages put together is more than the limit.',
      );
    }
    const sent = await send(sns, topic, messages);
    return { Successful: entries.map(({ Id }, index) => ({ Id, ...sent[index]! })), Failed: [] };
  };
}

async function targetOf(sns: Sns, input: PublishInput): Promise<Topic> {
  if (input.PhoneNumber !== undefined) throw notImplemented('Publish', 'PhoneNumber');
  if (input.TopicArn !== undefined) return sns.topics.topic(input.TopicArn);
  if (input.TargetArn === undefined) {
    throw invalidParameter('TopicArn or TargetArn Reason: no value for required parameter');
  }
  if (/^arn:[^:]+:sns:[^:]*:[^:]*:endpoint\//.test(input.TargetArn)) {
    throw invalidParameter('TargetArn Reason: No endpoint found for the target arn specified');
  }
  return sns.topics.topic(input.TargetArn, 'TargetArn');
}

interface Accepted {
  published: PublishedMessage;
  bytes: number;
}

function accept(
  topic: Topic,
  input: Omit<PublishInput & PublishBatchRequestEntry, 'Id'>,
  context: RequestContext,
): Accepted {
  const { Message: message = '', Subject: subject, MessageGroupId: groupId } = input;
  if (message === '') throw invalidParameter('Empty message');
  if (subject !== undefined && !isSubject(subject)) throw invalidParameter('Subject');
  const fifo = isFifo(topic);
  if (fifo && groupId === undefined) {
    throw invalidParameter('The MessageGroupId parameter is required for FIFO topics');
  }
  if (!fifo && input.MessageDeduplicationId !== undefined) {
    throw invalidParameter(
      'MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type',
    );
  }
  if (groupId !== undefined && !/^[\x21-\x7e]{1,128}$/.test(groupId)) throw invalidParameter('MessageGroupId');
  const attributes = acceptMessageAttributes(input.MessageAttributes);
  return {
    bytes: Buffer.byteLength(message) + sizeOfAttributes(attributes),
    published: {
      messageId: uuid(),
      subject,
      bodies: bodiesOf(message, input.MessageStructure),
      attributes,
      groupId,
      ...(fifo ? { deduplicationId: deduplicationId(topic, message, input.MessageDeduplicationId) } : {}),
      traceHeader: context.headers['x-amzn-trace-id'],
      endpoint: context.endpoint,
    },
  };
}

/** Up to a hundred printable ASCII characters that begin with none of the blank ones. */
function isSubject(subject: string): boolean {
  return subject.length <= MAX_SUBJECT && /^[\x21-\x7e][\x20-\x7e]*$/.test(subject);
}

function bodiesOf(message: string, structure: string | undefined): Record<string, string> {
  if (structure === undefined) return { default: message };
  if (structure !== 'json') throw invalidParameter('MessageStructure');
  let bodies: unknown;
  try {
    bodies = JSON.parse(message);
  } catch {
    throw invalidParameter('Message Structure - JSON message body failed to parse');
  }
  const texts = Object.fromEntries(
    Object.entries(typeof bodies === 'object' && bodies !== null ? bodies : {}).filter(
      ([, text]) => typeof text === 'string',
    ),
  );
  if (!Object.hasOwn(texts, 'default')) {
    throw invalidParameter('Message Structure - No default entry in JSON message body');
  }
  return texts;
}

async function send(
  sns: Sns,
  topic: Topic,
  messages: readonly Accepted[],
): Promise<{ MessageId: string; SequenceNumber?: string }[]> {
  const sent = await (isFifo(topic) ? sendInOrder(sns, topic, messages) : sendAtOnce(sns, topic, messages));
  for (const { bytes } of messages) {
    measure(sns, topic, 'NumberOfMessagesPublished');
    measure(sns, topic, 'PublishSize', bytes, 'Bytes');
  }
  return sent;
}

async function sendInOrder(sns: Sns, topic: Topic, messages: readonly Accepted[]) {
  const sent = await publishInOrder(
    sns,
    topic,
    messages.map(({ published }) => published),
  );
  return sent.map(({ messageId, sequenceNumber }) => ({ MessageId: messageId, SequenceNumber: sequenceNumber }));
}

async function sendAtOnce(sns: Sns, topic: Topic, messages: readonly Accepted[]) {
  const requests = (await Promise.all(messages.map(({ published }) => fanOut(sns, topic, published)))).flat();
  if (requests.length > 0) await sns.state.transact((tx) => sns.delivery.enqueue(tx, requests));
  return messages.map(({ published }) => ({ MessageId: published.messageId }));
}

function checkBatch(entries: readonly PublishBatchRequestEntry[]): void {
  if (entries.length === 0) {
    throw new AwsError('EmptyBatchRequestException', "The batch request doesn't contain any entries.");
  }
  if (entries.length > MAX_ENTRIES) {
    throw new AwsError(
      'TooManyEntriesInBatchRequestException',
      'The batch request contains more entries than permissible.',
    );
  }
  const seen = new Set<string>();
  for (const { Id = '' } of entries) {
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(Id)) {
      throw new AwsError(
        'InvalidBatchEntryIdException',
        "The Id of a batch entry in a batch request doesn't abide by the specification.",
      );
    }
    if (seen.has(Id)) {
      throw new AwsError(
        'BatchEntryIdsNotDistinctException',
        'Two or more batch entries in the request have the same Id.',
      );
    }
    seen.add(Id);
  }
}
