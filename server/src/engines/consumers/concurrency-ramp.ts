// How many batches of a queue are processed at once: few at first, more while batches succeed, fewer when they fail or are
// throttled. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html

/** As AWS begins. */
const FIRST_CONCURRENCY = 5;
/** AWS adds up to 300 a minute. */
const GROWTH_INTERVAL_MS = 200;

export class ConcurrencyRamp {
  readonly #most: number;
  readonly #nowMs: () => number;
  #limit: number;
  #grownAtMs: number;

  /** `nowMs` is real time: machines do not grow faster where the services' clock is virtual. */
  constructor(most: number, nowMs: () => number = () => performance.now()) {
    this.#most = most;
    this.#nowMs = nowMs;
    this.#limit = Math.min(FIRST_CONCURRENCY, most);
    this.#grownAtMs = nowMs();
  }

  get limit(): number {
    return this.#limit;
  }

  succeeded(): void {
    if (this.#limit >= this.#most || this.#nowMs() - this.#grownAtMs < GROWTH_INTERVAL_MS) return;
    this.#limit++;
    this.#grownAtMs = this.#nowMs();
  }

  failed(): void {
    this.#limit = Math.max(1, this.#limit >> 1);
    this.#grownAtMs = this.#nowMs();
  }
}
