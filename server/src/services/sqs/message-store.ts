// Messages of a queue in the state store: taking them (with the move to the dead-letter queue) and what is kept of each.

import type { NewMessage, QueuedMessage, Transaction } from '#storage/state/state.ts';
import type { StoredAttributes } from './message-attributes.ts';
import type { Queue } from './queue.ts';

/** Plain JSON beside the body, written with every message: hence the short names. */
export interface StoredMessage {
  /** MessageId. */
  id: string;
  /** MD5OfBody. */
  md5: string;
  /** SenderId. */
  sender: string;
  /** Message attributes. */
  a?: StoredAttributes;
  /** AWSTraceHeader. */
  trace?: string;
  /** MessageGroupId. */
  group?: string;
  /** MessageDeduplicationId. */
  dedup?: string;
  /** The ARN of the queue that it was moved from when it is in a dead-letter queue. */
  src?: string;
  /** Receives in queues that it was in before. */
  received?: number;
}

/** Moves to the dead-letter queue in one receive, beyond which the rest waits for the next. */
export const MAX_MOVES_PER_RECEIVE = 100;

export function storedMessage(message: QueuedMessage): StoredMessage {
  return message.attributes as unknown as StoredMessage;
}

export function newMessage(
  queue: Queue,
  body: string,
  stored: StoredMessage,
  sentAtMs: number,
  availableAtMs: number,
): NewMessage {
  return {
    body,
    attributes: stored as unknown as Record<string, unknown>,
    availableAtMs,
    expiresAtMs: sentAtMs + queue.retentionS * 1_000,
  };
}

/**
 * Claims up to `limit` messages for `visibilityMs`. What has been received more often than its redrive policy allows
 * goes to the dead-letter queue instead, keeping its id and the time it was sent; without that queue (deleted) the
 * message is handed out as before.
 */
export async function take(
  tx: Transaction,
  queue: Queue,
  deadLetter: Queue | undefined,
  { limit, nowMs, visibilityMs }: { limit: number; nowMs: number; visibilityMs: number },
): Promise<{ taken: QueuedMessage[]; moved: number }> {
  const taken: QueuedMessage[] = [];
  let moved = 0;
  for (;;) {
    const wanted = limit - taken.length;
    const claimed = await tx.queues.claim(queue.stateQueue, { limit: wanted, nowMs, visibilityMs });
    let movedNow = 0;
    for (const message of claimed) {
      if (deadLetter && message.receiveCount > queue.redrive!.maxReceiveCount) {
        await moveToDeadLetter(tx, queue, deadLetter, message, nowMs);
        movedNow++;
      } else {
        taken.push(message);
      }
    }
    moved += movedNow;
    // With no time-out what was just claimed is claimable still, so a second claim would take it twice.
    if (movedNow === 0 || visibilityMs === 0 || moved >= MAX_MOVES_PER_RECEIVE || taken.length >= limit) break;
  }
  return { taken, moved };
}

/** Gives the message's id in the dead-letter queue. */
export async function moveToDeadLetter(
  tx: Transaction,
  queue: Queue,
  deadLetter: Queue,
  message: QueuedMessage,
  nowMs: number,
): Promise<number> {
  const stored = storedMessage(message);
  const moved: StoredMessage = {
    ...stored,
    src: queue.arn,
    // The claim that found it over the limit handed it to nobody.
    received: (stored.received ?? 0) + message.receiveCount - 1,
  };
  await tx.queues.deleteMessage(queue.stateQueue, message.id);
  const [id] = await tx.queues.send(
    deadLetter.stateQueue,
    [newMessage(deadLetter, message.body, moved, message.enqueuedAtMs, nowMs)],
    message.enqueuedAtMs,
  );
  return id!;
}
