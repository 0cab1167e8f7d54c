// What keeps environments ready for a version or an alias: the work for an ARN is done one after the other, and comes again
// when the credentials of its environments run out.

import type { Clock, Timer } from '#core/clock.ts';

export class EnvironmentUpkeep {
  readonly #clock: Clock;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #renewals = new Map<string, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins when what is under way for the ARN has ended; `work` must not fail. */
  begin(arn: string, work: () => Promise<void>): void {
    // Not before the one who asks for it has gone on.
    const before = this.#underWay.get(arn) ?? new Promise<void>((resolve) => setImmediate(resolve));
    const promise = before.then(work).finally(() => {
      if (this.#underWay.get(arn) === promise) this.#underWay.delete(arn);
    });
    this.#underWay.set(arn, promise);
  }

  /** Undefined when nothing is. */
  underWay(arn: string): Promise<void> | undefined {
    return this.#underWay.get(arn);
  }

  /** Calls `begin` at that time, if it comes, and holds a virtual clock until the work is done. */
  renewAt(arn: string, atMs: number, begin: () => void): void {
    this.forget(arn);
    if (!Number.isFinite(atMs)) return;
    const timer = this.#clock.at(atMs, () => {
      begin();
      return this.#underWay.get(arn);
    });
    this.#renewals.set(arn, timer);
  }

  /** Renews it no more. */
  forget(arn: string): void {
    this.#renewals.get(arn)?.cancel();
    this.#renewals.delete(arn);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Renews nothing any more. */
  stop(): void {
    for (const timer of this.#renewals.values()) timer.cancel();
    this.#renewals.clear();
  }
}
