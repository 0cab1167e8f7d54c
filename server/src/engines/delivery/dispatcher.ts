// Claims what is in the outbox and sees it to its end: delivered, tried again later, dead-lettered or given up.

import type { Clock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import type { Logger } from '#core/log.ts';
import type { QueuedMessage, StateStore } from '#storage/state/state.ts';
import { deadLetterRequest, type Failure } from './dead-letter.ts';
import { DELIVERY_QUEUE, type DeliveryOutcome, type DeliveryRequest } from './delivery.ts';
import { QueueWorker } from './queue-worker.ts';
import { backoffMs, DEFAULT_RETRY_POLICY, exhaustedBy, isTransient } from './retry.ts';

/** Attempts under way at once. */
const MAX_IN_FLIGHT = 32;
/** The dead-letter queue is tried for this long before the message is given up. */
const DEAD_LETTER_MAX_AGE_MS = 24 * 3_600_000;

/** What the outbox keeps beside a request once an attempt has failed. */
interface Progress {
  attempts: number;
  /** Set when only the copy to the dead-letter queue is left to do. */
  failure?: Failure;
  failedAtMs?: number;
}

interface DispatcherOptions {
  state: StateStore;
  clock: Clock;
  log: Logger;
  random: () => number;
  attempt: (request: DeliveryRequest) => Promise<void>;
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
    const request = JSON.parse(message.body) as DeliveryRequest;
    const progress: Progress = { attempts: 0, ...(message.attributes as Partial<Progress>) };
    if (progress.failure) return this.#deadLetter(message, request, progress, progress.failure);

    const { clock, random, report, attempt, log } = this.#options;
    const attempts = progress.attempts + 1;
    try {
      await attempt(request);
    } catch (error) {
      const policy = request.retry ?? DEFAULT_RETRY_POLICY;
      const condition = exhaustedBy(policy, attempts, clock.now() - message.enqueuedAtMs);
      const { code, text } = describe(error);
      if (isTransient(error) && !condition) {
        log.debug('a delivery failed and will be tried again', { target: request.targetArn, attempts, code });
        return this.#again(message, { attempts }, backoffMs(policy, attempts, random));
      }
      const failure: Failure = { code, message: text, attempts, condition: isTransient(error) ? condition : undefined };
      return this.#deadLetter(message, request, { attempts }, failure);
    }
    await this.#remove(message);
    report({ request, delivered: true, attempts });
  }

  async #deadLetter(
    message: QueuedMessage,
    request: DeliveryRequest,
    progress: Progress,
    failure: Failure,
  ): Promise<void> {
    const { clock, random, attempt, log } = this.#options;
    const fields = { target: request.targetArn, source: request.sourceArn, ...failure };
    if (!request.deadLetterArn) {
      log.warn('a delivery failed for good and has no dead-letter queue', fields);
      return this.#fail(message, request, failure, undefined);
    }
    const failedAtMs = progress.failedAtMs ?? clock.now();
    try {
      await attempt(deadLetterRequest(request, request.deadLetterArn, failure));
    } catch (error) {
      if (isTransient(error) && clock.now() - failedAtMs < DEAD_LETTER_MAX_AGE_MS) {
        return this.#again(
          message,
          { attempts: progress.attempts, failure, failedAtMs },
          backoffMs(DEFAULT_RETRY_POLICY, 10, random),
        );
      }
      log.warn('a delivery failed for good and its dead-letter queue refused it', {
        ...fields,
        deadLetter: request.deadLetterArn,
        refusal: describe(error).code,
      });
      return this.#fail(message, request, failure, false);
    }
    return this.#fail(message, request, failure, true);
  }

  async #fail(
    message: QueuedMessage,
    request: DeliveryRequest,
    failure: Failure,
    deadLettered: boolean | undefined,
  ): Promise<void> {
    await this.#remove(message);
    this.#options.report({
      request,
      delivered: false,
      attempts: failure.attempts,
      error: new AwsError(failure.code, failure.message),
      ...(deadLettered === undefined ? {} : { deadLettered }),
    });
  }

  async #again(message: QueuedMessage, progress: Progress, delayMs: number): Promise<void> {
    const { state, clock } = this.#options;
    await state.transact(async (tx) => {
      await tx.queues.setAttributes(DELIVERY_QUEUE, message.id, { ...progress });
      await tx.queues.setAvailableAt(DELIVERY_QUEUE, message.id, clock.now() + delayMs);
    });
  }

  async #remove(message: QueuedMessage): Promise<void> {
    await this.#options.state.transact((tx) => tx.queues.deleteMessage(DELIVERY_QUEUE, message.id));
  }
}

function describe(error: unknown): { code: string; text: string } {
  if (error instanceof AwsError) return { code: error.code, text: error.message };
  return { code: 'InternalFailure', text: error instanceof Error ? error.message : String(error) };
}
