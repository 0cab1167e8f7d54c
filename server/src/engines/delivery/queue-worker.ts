// Claims what is due in a durable queue and has it handled, so many messages at once. What a message comes to (removed, due again
// later) is for the handler to write down; until it has, the lease brings the message back.

import { type Clock, SystemClock, type Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { QueuedMessage, StateStore } from '#storage/state/state.ts';

export interface QueueWorkerOptions {
  queue: string;
  state: StateStore;
  clock: Clock;
  log: Logger;
  /** Messages under way at once. */
  mostInFlight: number;
  /** Rejects when the outcome could not be written down. */
  handle: (message: QueuedMessage) => Promise<void>;
  /** Called when nothing is queued nor under way. */
  onEmpty?: () => void;
}

/** How long a claim holds after a crash; while the process lives, a second claim of a message under way renews it. */
const LEASE_MS = 30_000;
/** Pause after the store itself failed. */
const STORE_RETRY_MS = 1_000;

export class QueueWorker {
  readonly #options: QueueWorkerOptions;
  readonly #inFlight = new Map<number, Promise<void>>();
  #stopped = false;
  /** Until then the leases of a process that is gone run out: what is due by then is claimed at once. */
  #leasesEndMs = 0;
  #pump: Promise<void> | undefined;
  #pumpAgain = false;
  #timer: Timer | undefined;
  #hold: Timer | undefined;

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
  }

  /** Begins with what a process that is gone had claimed: one look as far ahead as leases go finds it at once. */
  takeUp(): void {
    this.#leasesEndMs = this.#options.clock.now() + LEASE_MS;
    this.wake();
  }

  /** Something may be due. */
  wake(): void {
    if (this.#stopped) return;
    this.#holdClock();
    if (this.#pump) {
      this.#pumpAgain = true;
      return;
    }
    this.#pump = this.#claim().finally(() => {
      this.#pump = undefined;
      if (this.#pumpAgain) this.wake();
    });
  }

  /** For good. Waits for what is under way, for so long at most where that is said. */
  async stop(graceMs?: number): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#hold?.cancel();
    if (graceMs === undefined) return this.#settled();
    const realTime = new SystemClock();
    await new Promise<void>((resolve, reject) => {
      const timer = realTime.at(realTime.now() + graceMs, () => resolve());
      this.#settled()
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }

  // A virtual clock that is being advanced must not run past messages under way: their retries belong before later timers.
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

  async #claim(): Promise<void> {
    const { queue, state, clock, log, mostInFlight } = this.#options;
    this.#pumpAgain = false;
    try {
      while (!this.#stopped && this.#inFlight.size < mostInFlight) {
        const limit = mostInFlight - this.#inFlight.size;
        const nowMs = clock.now();
        const dueMs = Math.max(nowMs, this.#leasesEndMs);
        // Leases run from now on, and beyond those that are taken up: a process that follows soon finds them all again.
        const visibilityMs = nowMs + LEASE_MS + (dueMs > nowMs ? 1 : 0) - dueMs;
        const claimed = await state.transact((tx) => tx.queues.claim(queue, { limit, nowMs: dueMs, visibilityMs }));
        for (const message of claimed) if (!this.#inFlight.has(message.id)) this.#begin(message);
        if (claimed.length < limit) {
          this.#leasesEndMs = 0;
          break;
        }
      }
      await this.#armTimer();
    } catch (error) {
      log.error('a queue cannot be read', { queue, error });
      this.#wakeAt(clock.now() + STORE_RETRY_MS);
    }
  }

  async #armTimer(): Promise<void> {
    const { queue, state, clock, mostInFlight, onEmpty } = this.#options;
    // With no free place, the message that ends next wakes the worker.
    if (this.#inFlight.size >= mostInFlight) return;
    const nextMs = await state.queues.nextAvailableAtMs(queue);
    if (nextMs !== undefined) return this.#wakeAt(Math.max(nextMs, clock.now() + 1));
    this.#timer?.cancel();
    if (this.#inFlight.size === 0 && !this.#pumpAgain) onEmpty?.();
  }

  #wakeAt(atMs: number): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    this.#timer = this.#options.clock.at(atMs, () => {
      this.wake();
      return this.#settled();
    });
  }

  #begin(message: QueuedMessage): void {
    const { queue, log, handle } = this.#options;
    const work = handle(message)
      .catch((error) => {
        // The outcome could not be written down: the lease runs out and the message is claimed again.
        log.error('the outcome of a queued message could not be recorded', { queue, id: message.id, error });
      })
      .finally(() => {
        this.#inFlight.delete(message.id);
        this.wake();
      });
    this.#inFlight.set(message.id, work);
  }
}
