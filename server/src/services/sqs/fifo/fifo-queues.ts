// FIFO queues: order inside message groups, and deduplication. Messages lie in the state store as those of standard queues do; what a
// receive may take is worked out in memory and built anew from the store after a start. Everything here happens inside the
// transaction that changes the store, so the two agree.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fifo-queues.html

import { createHash } from 'node:crypto';
import type { Clock } from '#core/clock.ts';
import { defineCollection, type QueuedMessage, type StateStore, type Transaction } from '#storage/state/state.ts';
import {
  MAX_MOVES_PER_RECEIVE,
  moveToDeadLetter,
  newMessage,
  type StoredMessage,
  storedMessage,
} from '../message-store.ts';
import type { Queue } from '../queue.ts';
import { GroupOrder } from './group-order.ts';
import { ReceiveAttempts } from './receive-attempts.ts';

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html */
const DEDUPLICATION_MS = 5 * 60_000;
/** Documents of old ids that one send clears away; more than it adds. */
const FORGOTTEN_PER_SEND = 25;
/** AWS's numbers have 20 digits, rise, and leave gaps. */
const FIRST_SEQUENCE_NUMBER = 18_849_496_460_467_696_128n;
const SEQUENCE_STEP = 256n;

/** A message that was accepted, by its deduplication id. */
interface Accepted {
  id: number;
  messageId: string;
  expiresAtMs: number;
}

/** Keyed by the queue's uid and a hash of group and id. */
const ACCEPTED = defineCollection<Accepted>('sqs.deduplication');

interface FifoQueue {
  order: GroupOrder;
  /** In the order of their expiry. */
  accepted: Map<string, Accepted>;
}

export interface FifoSent {
  messageId: string;
  sequenceNumber: string;
  duplicate: boolean;
}

export class FifoQueues {
  readonly #state: StateStore;
  readonly #clock: Clock;
  readonly #queues = new Map<string, FifoQueue>();
  readonly attempts = new ReceiveAttempts();

  constructor(state: StateStore, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /** Sends in the order given; what was sent in the last five minutes is not sent again. */
  send(
    queue: Queue,
    messages: readonly { body: string; stored: StoredMessage; availableAtMs: number }[],
  ): Promise<FifoSent[]> {
    const nowMs = this.#clock.now();
    return this.#change(queue, async (tx, { order, accepted }) => {
      await forgetOld(tx, queue, accepted, nowMs);
      const sent: FifoSent[] = [];
      for (const { body, stored, availableAtMs } of messages) {
        const key = acceptedKey(queue, stored);
        const earlier = accepted.get(key);
        if (earlier && earlier.expiresAtMs > nowMs) {
          sent.push({ messageId: earlier.messageId, sequenceNumber: sequenceNumber(earlier.id), duplicate: true });
          continue;
        }
        const [id] = await tx.queues.send(
          queue.stateQueue,
          [newMessage(queue, body, stored, nowMs, availableAtMs)],
          nowMs,
        );
        const entry: Accepted = { id: id!, messageId: stored.id, expiresAtMs: nowMs + DEDUPLICATION_MS };
        await tx.documents.put(ACCEPTED, queue, documentKey(queue, key), entry);
        accepted.delete(key);
        accepted.set(key, entry);
        order.add(id!, stored.group!, availableAtMs, false, nowMs);
        sent.push({ messageId: stored.id, sequenceNumber: sequenceNumber(id!), duplicate: false });
      }
      return sent;
    });
  }

  /** As `take` of standard queues does, in the order of the groups. */
  take(
    queue: Queue,
    deadLetter: Queue | undefined,
    { limit, visibilityMs }: { limit: number; visibilityMs: number },
  ): Promise<{ taken: QueuedMessage[]; moved: number }> {
    const nowMs = this.#clock.now();
    return this.#change(queue, async (tx, { order }) => {
      const taken: QueuedMessage[] = [];
      let moved = 0;
      while (taken.length < limit && moved < MAX_MOVES_PER_RECEIVE) {
        const chosen = order.choose(limit - taken.length, nowMs);
        let gone = 0;
        for (const id of chosen) {
          const message = await tx.queues.claimMessage(queue.stateQueue, id, { nowMs, visibilityMs });
          if (!message) {
            order.remove(id, nowMs);
            gone++;
          } else if (deadLetter && message.receiveCount > queue.redrive!.maxReceiveCount) {
            const target = await this.#open(tx, deadLetter);
            const newId = await moveToDeadLetter(tx, queue, deadLetter, message, nowMs);
            order.remove(id, nowMs);
            target.order.add(newId, storedMessage(message).group!, nowMs, false, nowMs);
            moved++;
            gone++;
          } else {
            order.hide(id, nowMs + visibilityMs, nowMs);
            taken.push(message);
          }
        }
        // With no time-out what was just taken could be taken again.
        if (gone === 0 || visibilityMs === 0) break;
      }
      return { taken, moved };
    });
  }

  /** Runs a transaction in which messages of a FIFO queue are deleted, hidden or shown. */
  change<T>(queue: Queue, work: (tx: Transaction, order: GroupOrder) => Promise<T>): Promise<T> {
    return this.#change(queue, (tx, { order }) => work(tx, order));
  }

  /** The order of a queue, for a transaction that concerns several; when it fails, all has to be forgotten. */
  async orderOf(tx: Transaction, queue: Queue): Promise<GroupOrder> {
    return (await this.#open(tx, queue)).order;
  }

  async nextReadyAtMs(queue: Queue): Promise<number | undefined> {
    return this.#change(queue, (_, { order }) => Promise.resolve(order.nextReadyAtMs(this.#clock.now())));
  }

  async groupsInFlight(queue: Queue): Promise<number> {
    return this.#change(queue, (_, { order }) => Promise.resolve(order.groupsInFlight(this.#clock.now())));
  }

  /** Forgets what is in memory of one queue (purged, deleted), or of all. */
  forget(queue?: Queue): void {
    if (queue) this.#queues.delete(queue.stateQueue);
    else {
      this.#queues.clear();
      this.attempts.clear();
    }
  }

  async #change<T>(queue: Queue, work: (tx: Transaction, fifo: FifoQueue) => Promise<T>): Promise<T> {
    try {
      return await this.#state.transact(async (tx) => work(tx, await this.#open(tx, queue)));
    } catch (error) {
      // What was rolled back in the store is rolled back here by reading it anew, dead-letter queues included.
      this.#queues.clear();
      throw error;
    }
  }

  async #open(tx: Transaction, queue: Queue): Promise<FifoQueue> {
    const known = this.#queues.get(queue.stateQueue);
    if (known) return known;
    const nowMs = this.#clock.now();
    const order = new GroupOrder();
    for (const { id, attributes, availableAtMs, receiveCount } of await tx.queues.list(queue.stateQueue)) {
      const { group } = attributes as unknown as StoredMessage;
      order.add(id, group!, availableAtMs, receiveCount > 0, nowMs);
    }
    const prefix = `${queue.document.uid}/`;
    const entries = (await tx.documents.range(ACCEPTED, queue, { prefix }))
      .map(({ key, value }) => [key.slice(prefix.length), value] as const)
      .sort(([, a], [, b]) => a.expiresAtMs - b.expiresAtMs);
    const opened = { order, accepted: new Map(entries) };
    this.#queues.set(queue.stateQueue, opened);
    return opened;
  }
}

/** Deletes the deduplication ids of a queue that is being deleted. */
export async function forgetAccepted(tx: Transaction, queue: Queue): Promise<void> {
  await tx.documents.deleteRange(ACCEPTED, queue, { prefix: documentKey(queue, '') });
}

/** Of a message by its number in the state store: it rises with the order of sending. */
export function sequenceNumber(id: number): string {
  return String(FIRST_SEQUENCE_NUMBER + BigInt(id) * SEQUENCE_STEP);
}

async function forgetOld(tx: Transaction, queue: Queue, accepted: Map<string, Accepted>, nowMs: number): Promise<void> {
  let forgotten = 0;
  for (const [key, { expiresAtMs }] of accepted) {
    if (expiresAtMs > nowMs || forgotten++ >= FORGOTTEN_PER_SEND) return;
    await tx.documents.delete(ACCEPTED, queue, documentKey(queue, key));
    accepted.delete(key);
  }
}

function acceptedKey({ fifo }: Queue, { group, dedup }: StoredMessage): string {
  const hash = createHash('sha256');
  if (fifo!.deduplicatesByGroup) hash.update(`${group}\0`);
  return hash.update(dedup!).digest('base64url');
}

function documentKey(queue: Queue, key: string): string {
  return `${queue.document.uid}/${key}`;
}
