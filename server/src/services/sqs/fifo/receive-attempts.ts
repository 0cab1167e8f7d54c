// What receives with a ReceiveRequestAttemptId got: one that is tried again within five minutes gets the same.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html

import type { QueuedMessage } from '#storage/state/state.ts';
import type { Queue } from '../queue.ts';

const KEPT_MS = 5 * 60_000;
const MOST_KEPT = 10_000;

export interface ReceiveAttempt {
  messages: Pick<QueuedMessage, 'id' | 'receiveCount' | 'availableAtMs'>[];
  /** It is part of the receipt handles. */
  receivedAtMs: number;
}

export class ReceiveAttempts {
  /** The oldest first. */
  readonly #attempts = new Map<string, ReceiveAttempt>();

  note(queue: Queue, attempt: string, messages: readonly QueuedMessage[], receivedAtMs: number): void {
    const key = keyOf(queue, attempt);
    this.#attempts.delete(key);
    this.#attempts.set(key, {
      messages: messages.map(({ id, receiveCount, availableAtMs }) => ({ id, receiveCount, availableAtMs })),
      receivedAtMs,
    });
    if (this.#attempts.size > MOST_KEPT) this.#attempts.delete(this.#attempts.keys().next().value!);
  }

  find(queue: Queue, attempt: string, nowMs: number): ReceiveAttempt | undefined {
    const found = this.#attempts.get(keyOf(queue, attempt));
    return found && nowMs - found.receivedAtMs < KEPT_MS ? found : undefined;
  }

  clear(): void {
    this.#attempts.clear();
  }
}

function keyOf(queue: Queue, attempt: string): string {
  return `${queue.stateQueue}/${attempt}`;
}
