// Claims what is in the outbox and sees it to its end: delivered, tried again later, dead-lettered or given up.

import type { Clock, Timer } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import type { Logger } from '#core/log.ts';
import type { QueuedMessage, StateStore } from '#storage/state/state.ts';
import { deadLetterRequest, type Failure } from './dead-letter.ts';
import { DELIVERY_QUEUE, type DeliveryOutcome, type DeliveryRequest } from './delivery.ts';
import { backoffMs, DEFAULT_RETRY_POLICY, exhaustedBy, isTransient } from './retry.ts';

/** Attempts under way at once. */
const MAX_IN_FLIGHT = 32;
/** How long a claim holds after a crash; while the process lives, a second claim of an attempt under way renews it. */
const LEASE_MS = 30_000;
/** Pause after the store itself failed. */
const STORE_RETRY_MS = 1_000;
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
  readonly #inFlight = new Map<number, Promise<void>>();
  #running = false;
  /** Until then the leases of a process that is gone run out: what is due by then is claimed at once. */
  #leasesEndMs = 0;
  #pump: Promise<void> | undefined;
  #pumpAgain = false;
  #timer: Timer | undefined;
  #hold: Timer | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // What is claimed now was claimed by a process that is gone: one look as far ahead as leases go finds it at once.
    this.#leasesEndMs = this.#options.clock.now() + LEASE_MS;
    this.#unsubscribe = this.#options.state.onQueueActivity((queue) => {
      if (queue === DELIVERY_QUEUE) this.#wake();
    });
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#unsubscribe?.();
    this.#timer?.cancel();
    this.#hold?.cancel();
    this.#hold = undefined;
    await this.#settled();
  }

  #wake(): void {
    if (!this.#running) return;
    this.#holdClock();
    if (this.#pump) {
      this.#pumpAgain = true;
      return;
    }
    this.#pump = this.#claimAll().finally(() => {
      this.#pump = undefined;
      if (this.#pumpAgain) this.#wake();
    });
  }

  // A virtual clock that is being advanced must not run past attempts under way: their retries belong before later timers.
  #holdClock(): void {
    const { clock } = this.#options;
    this.#hold ??= clock.at(clock.now(), () => {
      this.#hold = undefined;
      return this.#settled();
    });
  }

  async #settled(): Promise<void> {
    while (this.#pump || this.#inFlight.size > 0) await Promise.all([this.#pump, ...this.#inFlight.values()]);
  }

  async #claimAll(): Promise<void> {
    const { state, clock, log } = this.#options;
    this.#pumpAgain = false;
    try {
      while (this.#running && this.#inFlight.size < MAX_IN_FLIGHT) {
        const limit = MAX_IN_FLIGHT - this.#inFlight.size;
        const nowMs = clock.now();
        const dueMs = Math.max(nowMs, this.#leasesEndMs);
        // Leases run from now on, and beyond those that are taken up: a process that follows soon finds them all again.
        const visibilityMs = nowMs + LEASE_MS + (dueMs > nowMs ? 1 : 0) - dueMs;
        const claimed = await state.transact((tx) =>
          tx.queues.claim(DELIVERY_QUEUE, { limit, nowMs: dueMs, visibilityMs }),
        );
        for (const message of claimed) if (!this.#inFlight.has(message.id)) this.#begin(message);
        if (claimed.length < limit) {
          this.#leasesEndMs = 0;
          break;
        }
      }
      await this.#armTimer();
    } catch (error) {
      log.error('the delivery queue cannot be read', { error });
      this.#wakeAt(clock.now() + STORE_RETRY_MS);
    }
  }

  async #armTimer(): Promise<void> {
    const { state, clock } = this.#options;
    // With no free place, the attempt that ends next wakes the dispatcher.
    if (this.#inFlight.size >= MAX_IN_FLIGHT) return;
    const nextMs = await state.queues.nextAvailableAtMs(DELIVERY_QUEUE);
    if (nextMs === undefined) this.#timer?.cancel();
    else this.#wakeAt(Math.max(nextMs, clock.now() + 1));
  }

  #wakeAt(atMs: number): void {
    this.#timer?.cancel();
    if (!this.#running) return;
    this.#timer = this.#options.clock.at(atMs, () => {
      this.#wake();
      return this.#settled();
    });
  }

  #begin(message: QueuedMessage): void {
    const work = this.#handle(message)
      .catch((error) => {
        // The outcome could not be written down: the lease runs out and the message is claimed again.
        this.#options.log.error('a delivery could not be recorded', { id: message.id, error });
      })
      .finally(() => {
        this.#inFlight.delete(message.id);
        this.#wake();
      });
    this.#inFlight.set(message.id, work);
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
