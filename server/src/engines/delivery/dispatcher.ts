// Claims what is in the outbox and sees it to its end: delivered, tried again later, dead-lettered or given up.

import type { QueuedMessage, StateStore } from '#storage/state/state.ts';
import { type AttemptOptions, attemptStep } from './attempt.ts';
import { DELIVERY_QUEUE, type DeliveryOutcome } from './delivery.ts';
import { QueueWorker } from './queue-worker.ts';

/** Attempts under way at once. */
const MAX_IN_FLIGHT = 32;

export interface DispatcherOptions extends AttemptOptions {
  state: StateStore;
  report: (outcome: DeliveryOutcome) => void;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  #worker: QueueWorker | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#worker) return;
    const { state, clock, log } = this.#options;
    const worker = new QueueWorker({
      queue: DELIVERY_QUEUE,
      state,
      clock,
      log,
      mostInFlight: MAX_IN_FLIGHT,
      handle: (message) => this.#handle(message),
    });
    this.#worker = worker;
    this.#unsubscribe = state.onQueueActivity((queue) => {
      if (queue === DELIVERY_QUEUE) worker.wake();
    });
    worker.takeUp();
  }

  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#unsubscribe?.();
    await worker?.stop();
  }

  async #handle(message: QueuedMessage): Promise<void> {
    const { state, clock, report } = this.#options;
    const step = await attemptStep(this.#options, message);
    if ('outcome' in step) {
      await state.transact((tx) => tx.queues.deleteMessage(DELIVERY_QUEUE, message.id));
      report(step.outcome);
      return;
    }
    await state.transact(async (tx) => {
      await tx.queues.setAttributes(DELIVERY_QUEUE, message.id, { ...step.progress });
      await tx.queues.setAvailableAt(DELIVERY_QUEUE, message.id, clock.now() + step.delayMs);
    });
  }
}
