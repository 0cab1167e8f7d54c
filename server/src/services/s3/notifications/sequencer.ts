// Sequencers of event records: of two events on one key, the one with the greater hexadecimal text came later.

import type { Clock } from '#core/clock.ts';

/** Events a millisecond before numbers run ahead of the clock (they still rise). */
const STEPS_PER_MS = 4_096n;
/** Always the same length, so that comparing texts compares numbers. */
const HEX_DIGITS = 16;

export class Sequencer {
  readonly #clock: Clock;
  #last = 0n;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): string {
    const now = BigInt(Math.floor(this.#clock.now())) * STEPS_PER_MS;
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last.toString(16).toUpperCase().padStart(HEX_DIGITS, '0');
  }
}
