// How many batches of a queue are processed at once: few at first, more while batches succeed, fewer when they fail or are
// throttled. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html

/** As AWS begins. */
const FIRST_CONCURRENCY = 5;
/** AWS adds up to 300 a minute, up to 1,000 where pollers are provisioned. */
const GROWTH_INTERVAL_MS = 200;
const PROVISIONED_GROWTH_INTERVAL_MS = 60;

export class ConcurrencyRamp {
  readonly #most: number;
  readonly #least: number;
  readonly #intervalMs: number;
  readonly #nowMs: () => number;
  #limit: number;
  #grownAtMs: number;

  /**
   * `provisioned` are there from the beginning, and stay. `nowMs` is real time: machines do not grow faster where the
   * services' clock is virtual.
   */
  constructor(most: number, provisioned?: number, nowMs: () => number = () => performance.now()) {
    this.#most = most;
    this.#least = Math.min(most, provisioned ?? 1);
    this.#intervalMs = provisioned === undefined ? GROWTH_INTERVAL_MS : PROVISIONED_GROWTH_INTERVAL_MS;
    this.#nowMs = nowMs;
    this.#limit = Math.min(provisioned ?? FIRST_CONCURRENCY, most);
    this.#grownAtMs = nowMs();
  }

  get limit(): number {
    return this.#limit;
  }

  succeeded(): void {
    if (this.#limit >= this.#most || this.#nowMs() - this.#grownAtMs < this.#intervalMs) return;
    this.#limit++;
    this.#grownAtMs = this.#nowMs();
  }

  failed(): void {
    this.#limit = Math.max(this.#least, this.#limit >> 1);
    this.#grownAtMs = this.#nowMs();
  }
}
