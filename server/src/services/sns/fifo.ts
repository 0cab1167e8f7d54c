// FIFO topics: what is published gets a number, is published once in five minutes, and reaches FIFO queues in the order of its group.
// All of it, deliveries included, is written in one transaction. https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html

import { createHash } from 'node:crypto';
import { defineCollection, type Transaction } from '#storage/state/state.ts';
import { invalidParameter } from './errors.ts';
import { fanOutInOrder, type PublishedMessage } from './fan-out.ts';
import type { Sns } from './sns.ts';
import type { Topic } from './topic.ts';

/** https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html */
const DEDUPLICATION_MS = 5 * 60_000;
/** Old ids that one message clears away; more than it adds. */
const FORGOTTEN_PER_MESSAGE = 10;
/** AWS's numbers have 20 digits, rise, and leave gaps. */
const FIRST_SEQUENCE_NUMBER = 10_000_000_000_000_000_000n;
const SEQUENCE_STEP = 1_000n;
const TIME_DIGITS = 16;

/** A message that was published, by its deduplication id. */
interface Accepted {
  messageId: string;
  sequence: number;
  expiresAtMs: number;
}

/** Keyed by the topic's name, a slash and a hash of the id within its scope. */
const ACCEPTED = defineCollection<Accepted>('sns.deduplication');
/** The same in the order of their expiry; the value is the key there. */
const EXPIRIES = defineCollection<string>('sns.deduplication-expiries');
/** The last number that a topic gave. */
const SEQUENCES = defineCollection<number>('sns.sequences');

export interface FifoPublished {
  messageId: string;
  sequenceNumber: string;
}

export const isFifo = ({ name }: Pick<Topic, 'name'>): boolean => name.endsWith('.fifo');

/** The id by which the message is told from others; throws InvalidParameter where there is none. */
export function deduplicationId(topic: Topic, message: string, given: string | undefined): string {
  if (given !== undefined) {
    if (!/^[\x21-\x7e]{1,128}$/.test(given)) throw invalidParameter('MessageDeduplicationId');
    return given;
  }
  if (topic.document.attributes.ContentBasedDeduplication === 'true') {
    return createHash('sha256').update(message).digest('hex');
  }
  throw invalidParameter(
    'The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
  );
}

/** Publishes in the order given. What was published before, in the last five minutes, gets the answer that it got then. */
export async function publishInOrder(
  sns: Sns,
  topic: Topic,
  messages: readonly PublishedMessage[],
): Promise<FifoPublished[]> {
  const { state, clock, delivery } = sns;
  const nowMs = clock.now();
  return state.transact(async (tx) => {
    let sequence = (await tx.documents.get(SEQUENCES, topic, topic.name)) ?? 0;
    const results: FifoPublished[] = [];
    for (const message of messages) {
      await forgetOld(tx, topic, nowMs);
      const key = acceptedKey(topic, message);
      const earlier = await tx.documents.get(ACCEPTED, topic, key);
      if (earlier && earlier.expiresAtMs > nowMs) {
        results.push({ messageId: earlier.messageId, sequenceNumber: showSequence(earlier.sequence) });
        continue;
      }
      sequence++;
      const accepted = { messageId: message.messageId, sequence, expiresAtMs: nowMs + DEDUPLICATION_MS };
      await tx.documents.put(ACCEPTED, topic, key, accepted);
      await tx.documents.put(EXPIRIES, topic, expiryKey(topic, accepted), key);
      const sequenceNumber = showSequence(sequence);
      await delivery.enqueue(tx, fanOutInOrder(sns, topic, message, sequenceNumber));
      results.push({ messageId: message.messageId, sequenceNumber });
    }
    await tx.documents.put(SEQUENCES, topic, topic.name, sequence);
    return results;
  });
}

/** Deletes what is kept for a topic that is being deleted. */
export async function forgetPublications(tx: Transaction, topic: Topic): Promise<void> {
  await tx.documents.deleteRange(ACCEPTED, topic, { prefix: `${topic.name}/` });
  await tx.documents.deleteRange(EXPIRIES, topic, { prefix: `${topic.name}/` });
  await tx.documents.delete(SEQUENCES, topic, topic.name);
}

async function forgetOld(tx: Transaction, topic: Topic, nowMs: number): Promise<void> {
  const oldest = await tx.documents.range(EXPIRIES, topic, {
    prefix: `${topic.name}/`,
    limit: FORGOTTEN_PER_MESSAGE,
  });
  for (const { key, value } of oldest) {
    if (Number(key.slice(topic.name.length + 1, topic.name.length + 1 + TIME_DIGITS)) > nowMs) return;
    await tx.documents.delete(EXPIRIES, topic, key);
    // The id may have been accepted again since.
    const accepted = await tx.documents.get(ACCEPTED, topic, value);
    if (accepted && accepted.expiresAtMs <= nowMs) await tx.documents.delete(ACCEPTED, topic, value);
  }
}

/** Ids are told apart within the whole topic, or within each of its groups. */
function acceptedKey(topic: Topic, { groupId, deduplicationId }: PublishedMessage): string {
  const group = topic.document.attributes.FifoThroughputScope === 'MessageGroup' ? groupId : '';
  const hash = createHash('sha256').update(`${group}\n${deduplicationId}`).digest('base64url');
  return `${topic.name}/${hash}`;
}

function expiryKey(topic: Topic, { expiresAtMs, sequence }: Accepted): string {
  return `${topic.name}/${String(expiresAtMs).padStart(TIME_DIGITS, '0')}/${sequence}`;
}

function showSequence(sequence: number): string {
  return String(FIRST_SEQUENCE_NUMBER + BigInt(sequence) * SEQUENCE_STEP);
}
