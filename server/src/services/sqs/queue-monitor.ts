// What happens to queues by the clock: once a minute expired messages go, and the metrics of active queues are recorded.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html

import type { Timer } from '#core/clock.ts';
import type { Queue } from './queue.ts';
import { measure, type Sqs } from './sqs.ts';

const INTERVAL_MS = 60_000;
/** A queue is active while it holds messages, and for six hours after the last request. */
const ACTIVE_MS = 6 * 3_600_000;
/** Queues looked at in one turn of the event loop. */
const QUEUES_PER_TURN = 20;

export class QueueMonitor {
  readonly #sqs: Sqs;
  /** Queues that held nothing when last seen. */
  #empty = new WeakSet<Queue['live']>();
  #timer: Timer | undefined;
  #running = false;
  #round: Promise<void> = Promise.resolve();

  constructor(sqs: Sqs) {
    this.#sqs = sqs;
  }

  start(): void {
    this.#running = true;
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#timer?.cancel();
    await this.#round;
  }

  #arm(): void {
    if (!this.#running) return;
    const { clock } = this.#sqs;
    const nextMs = (Math.floor(clock.now() / INTERVAL_MS) + 1) * INTERVAL_MS;
    this.#timer = clock.at(nextMs, () => {
      this.#round = this.#look()
        .catch((error) => this.#sqs.log.error('the queues could not be looked over', { error }))
        .finally(() => this.#arm());
      return this.#round;
    });
  }

  async #look(): Promise<void> {
    let looked = 0;
    for (const queue of await this.#sqs.queues.all()) {
      if (!this.#running) return;
      if (await this.#lookAt(queue)) looked++;
      if (looked % QUEUES_PER_TURN === QUEUES_PER_TURN - 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Whether there was anything to look at. */
  async #lookAt(queue: Queue): Promise<boolean> {
    const { state, clock } = this.#sqs;
    const nowMs = clock.now();
    const inUse = nowMs - queue.live.activeAtMs < ACTIVE_MS;
    if (!inUse && this.#empty.has(queue.live)) return false;

    let oldestMs = await state.queues.oldestEnqueuedAtMs(queue.stateQueue);
    if (oldestMs !== undefined && oldestMs + queue.retentionS * 1_000 <= nowMs) {
      await state.transact((tx) => tx.queues.expire(queue.stateQueue, nowMs));
      oldestMs = await state.queues.oldestEnqueuedAtMs(queue.stateQueue);
    }
    if (oldestMs === undefined) this.#empty.add(queue.live);
    else this.#empty.delete(queue.live);
    if (!inUse && oldestMs === undefined) return true;

    const counts = await state.queues.counts(queue.stateQueue, nowMs);
    measure(this.#sqs, queue, 'ApproximateNumberOfMessagesVisible', counts.visible, 'Count');
    measure(this.#sqs, queue, 'ApproximateNumberOfMessagesNotVisible', counts.inFlight, 'Count');
    measure(this.#sqs, queue, 'ApproximateNumberOfMessagesDelayed', counts.delayed, 'Count');
    if (queue.fifo) {
      const groups = await this.#sqs.fifo.groupsInFlight(queue);
      measure(this.#sqs, queue, 'ApproximateNumberOfGroupsWithInflightMessages', groups, 'Count');
    }
    const ageS = oldestMs === undefined ? 0 : Math.floor((nowMs - oldestMs) / 1_000);
    measure(this.#sqs, queue, 'ApproximateAgeOfOldestMessage', ageS, 'Seconds');
    return true;
  }
}
