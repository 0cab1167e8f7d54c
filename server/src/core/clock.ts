// The only reader of time. Everything that waits or stamps takes a Clock, so that a test (Brume's or a
// user's) can advance time: due timers then run in order of their time, each awaited before the next.

export type TimerCallback = () => void | Promise<void>;

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `callback` once at or after `atMs`. A virtual clock awaits what it returns before it moves on. */
  at(atMs: number, callback: TimerCallback): Timer;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** setTimeout fires at once for delays past 2^31 ms, so longer waits are made of several. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  at(atMs: number, callback: TimerCallback): Timer {
    let handle: NodeJS.Timeout;
    const arm = () => {
      const delayMs = Math.max(0, atMs - this.now());
      handle = setTimeout(() => (this.now() < atMs ? arm() : void callback()), Math.min(delayMs, LONGEST_TIMEOUT_MS));
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }
}

interface PendingTimer {
  atMs: number;
  order: number;
  callback: TimerCallback;
}

/** Time that moves only when told to. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #pending = new Set<PendingTimer>();
  #advancing: Promise<void> = Promise.resolve();

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  at(atMs: number, callback: TimerCallback): Timer {
    const timer = { atMs, order: this.#order++, callback };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Moves time to `toMs`, running every timer due by then in order; timers they set in that span run too. */
  advanceTo(toMs: number): Promise<void> {
    this.#advancing = this.#advancing.then(() => this.#runUntil(toMs));
    return this.#advancing;
  }

  advanceBy(ms: number): Promise<void> {
    this.#advancing = this.#advancing.then(() => this.#runUntil(this.#nowMs + ms));
    return this.#advancing;
  }

  async #runUntil(toMs: number): Promise<void> {
    for (;;) {
      await settle();
      const next = this.#earliest(toMs);
      if (!next) break;
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      await next.callback();
    }
    this.#nowMs = Math.max(this.#nowMs, toMs);
  }

  #earliest(untilMs: number): PendingTimer | undefined {
    let earliest: PendingTimer | undefined;
    for (const timer of this.#pending) {
      if (timer.atMs > untilMs) continue;
      if (!earliest || timer.atMs < earliest.atMs || (timer.atMs === earliest.atMs && timer.order < earliest.order)) {
        earliest = timer;
      }
    }
    return earliest;
  }
}

/** Lets promise chains and finished I/O set their next timers before time moves. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function sleepOn(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal!.reason);
    };
    const timer = clock.at(clock.now() + ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
