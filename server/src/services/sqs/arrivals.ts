// Long polling: receives that found nothing wait here until a message may have become available in their queue.
//
// One arrival wakes one waiter, in the order they came; a waiter that got something rings again, since more may be
// there. Messages that become visible later (delayed, timed out) ring by a timer on the clock.

import type { Clock, Timer } from '#core/clock.ts';

/** Ends a wake-up: to be called once the woken receive has looked, so that a virtual clock moves on only then. */
export type Looked = () => void;

export interface Visit {
  /** Before each look into the queue: what rings from now on ends the next wait at once. */
  look(): void;
  /**
   * Waits for the bell. Resolves with a function to call after having looked, or with undefined when `untilMs` came or
   * the signal. `nextAtMs` is when the next message becomes available, if one is known.
   */
  wait(nextAtMs: number | undefined, untilMs: number, signal: AbortSignal): Promise<Looked | undefined>;
  leave(): void;
}

type Waiter = () => Promise<void>;

interface Bell {
  visitors: number;
  rings: number;
  /** In the order they came. */
  waiters: Set<Waiter>;
  timer: { atMs: number; timer: Timer } | undefined;
}

export class Arrivals {
  readonly #clock: Clock;
  readonly #bells = new Map<string, Bell>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Messages of this queue may be available now. Resolves when whoever was woken has looked. */
  ring(queue: string): Promise<void> {
    const bell = this.#bells.get(queue);
    if (!bell) return Promise.resolve();
    bell.rings++;
    const [first] = bell.waiters;
    return first ? first() : Promise.resolve();
  }

  /** A message of this queue becomes available then. */
  ringAt(queue: string, atMs: number): void {
    const bell = this.#bells.get(queue);
    if (!bell) return;
    bell.rings++;
    if (bell.waiters.size > 0) this.#arm(queue, bell, atMs);
  }

  /** Ends every wait, those to come as well: the server stops. */
  close(): void {
    this.#closed = true;
    this.ringAll();
  }

  /** Wakes all who wait on a queue that is gone, or on any. */
  ringAll(queue?: string): void {
    for (const [name, bell] of this.#bells) {
      if (queue !== undefined && name !== queue) continue;
      bell.rings++;
      for (const waiter of [...bell.waiters]) void waiter();
    }
  }

  enter(queue: string): Visit {
    const bell = this.#bells.get(queue) ?? { visitors: 0, rings: 0, waiters: new Set(), timer: undefined };
    this.#bells.set(queue, bell);
    bell.visitors++;
    let heard = bell.rings;
    return {
      look: () => {
        heard = bell.rings;
      },
      wait: (nextAtMs, untilMs, signal) =>
        heard === bell.rings ? this.#wait(queue, bell, nextAtMs, untilMs, signal) : Promise.resolve(() => {}),
      leave: () => {
        if (--bell.visitors > 0) return;
        bell.timer?.timer.cancel();
        this.#bells.delete(queue);
      },
    };
  }

  #wait(
    queue: string,
    bell: Bell,
    nextAtMs: number | undefined,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<Looked | undefined> {
    if (signal.aborted || this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const leave = () => {
        deadline.cancel();
        signal.removeEventListener('abort', giveUp);
        bell.waiters.delete(waiter);
      };
      const giveUp = () => {
        leave();
        resolve(undefined);
      };
      const waiter = () =>
        new Promise<void>((looked) => {
          leave();
          if (!this.#closed) return resolve(looked);
          looked();
          resolve(undefined);
        });
      const deadline = this.#clock.at(untilMs, giveUp);
      signal.addEventListener('abort', giveUp, { once: true });
      bell.waiters.add(waiter);
      if (nextAtMs !== undefined && nextAtMs <= untilMs) this.#arm(queue, bell, nextAtMs);
    });
  }

  #arm(queue: string, bell: Bell, atMs: number): void {
    if (bell.timer && bell.timer.atMs <= atMs) return;
    bell.timer?.timer.cancel();
    const timer = this.#clock.at(atMs, () => {
      bell.timer = undefined;
      return this.ring(queue);
    });
    bell.timer = { atMs, timer };
  }
}
