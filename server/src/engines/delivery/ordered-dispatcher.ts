// The outbox of requests that keep an order: those with the same ordering key go one after the other, and while the first waits for
// its next attempt, so do the ones behind it. Memory holds the numbers of the messages, by their keys; the store holds the rest.
// Claimed messages never come back by themselves: a process that starts reads them all in the order in which they were sent.

import type { Timer } from '#core/clock.ts';
import { attemptStep, type Progress } from './attempt.ts';
import type { DeliveryRequest } from './delivery.ts';
import type { DispatcherOptions } from './dispatcher.ts';

/** The state queue that the outbox is. */
export const ORDERED_QUEUE = 'delivery.ordered';
/** Attempts under way at once. */
const MAX_IN_FLIGHT = 32;
const MOST_PER_CLAIM = 256;
const FOR_EVER_MS = 100 * 365 * 86_400_000;
/** Pause after the store itself failed. */
const STORE_RETRY_MS = 1_000;

/** What the outbox keeps beside a request. */
interface OrderedAttributes extends Partial<Progress> {
  lane: string;
}

/** The messages of one ordering key, the next one first. */
interface Lane {
  key: string;
  ids: number[];
  /** Being attempted, waiting for the next attempt, or in line for a free place. */
  state: 'active' | 'waiting' | 'ready';
}

/** How a request is written into the outbox. */
export function orderedMessage(request: DeliveryRequest, orderingKey: string) {
  const attributes: OrderedAttributes = { lane: orderingKey };
  return { body: JSON.stringify(request), attributes: { ...attributes } };
}

export class OrderedDispatcher {
  readonly #options: DispatcherOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #known = new Set<number>();
  /** Of those that the start found, the ones that are yet to be claimed. */
  readonly #unclaimed = new Set<number>();
  readonly #ready: Lane[] = [];
  readonly #active = new Set<Promise<void>>();
  readonly #timers = new Set<Timer>();
  #unsubscribe: (() => void) | undefined;
  #running = false;
  #pump: Promise<void> | undefined;
  #pumpAgain = false;
  #hold: Timer | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { state } = this.#options;
    for (const { id, attributes, receiveCount } of await state.queues.list(ORDERED_QUEUE)) {
      if (receiveCount === 0) this.#unclaimed.add(id);
      this.#add(id, attributes as unknown as OrderedAttributes);
    }
    this.#unsubscribe = state.onQueueActivity((queue) => {
      if (queue === ORDERED_QUEUE) this.#wake();
    });
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#unsubscribe?.();
    this.#hold?.cancel();
    for (const timer of this.#timers) timer.cancel();
    await this.#settled();
    this.#timers.clear();
    this.#lanes.clear();
    this.#known.clear();
    this.#unclaimed.clear();
    this.#ready.length = 0;
  }

  /** Something may have come. */
  #wake(): void {
    if (!this.#running) return;
    this.#holdClock();
    if (this.#pump) {
      this.#pumpAgain = true;
      return;
    }
    this.#pump = this.#claim().finally(() => {
      this.#pump = undefined;
      if (this.#pumpAgain) this.#wake();
    });
  }

  // A virtual clock that is being advanced must not run past attempts under way.
  #holdClock(): void {
    const { clock } = this.#options;
    this.#hold ??= clock.at(clock.now(), () => {
      this.#hold = undefined;
      return this.#settled();
    });
  }

  async #settled(): Promise<void> {
    while (this.#pump || this.#active.size > 0) await Promise.all([this.#pump, ...this.#active]);
  }

  async #claim(): Promise<void> {
    const { state, clock, log } = this.#options;
    this.#pumpAgain = false;
    try {
      for (;;) {
        const nowMs = clock.now();
        const claimed = await state.transact((tx) =>
          tx.queues.claim(ORDERED_QUEUE, { limit: MOST_PER_CLAIM, nowMs, visibilityMs: FOR_EVER_MS }),
        );
        if (!this.#running) return;
        for (const { id, attributes } of claimed) {
          if (this.#unclaimed.delete(id)) continue;
          // Nothing is claimed twice: this number was given anew, after a reset of the store.
          if (this.#known.has(id)) this.#forget(id);
          this.#add(id, attributes as unknown as OrderedAttributes);
        }
        if (claimed.length < MOST_PER_CLAIM) break;
      }
    } catch (error) {
      log.error('a queue cannot be read', { queue: ORDERED_QUEUE, error });
      this.#later(STORE_RETRY_MS, () => this.#wake());
    }
    this.#fill();
  }

  #add(id: number, { lane: key }: OrderedAttributes): void {
    this.#known.add(id);
    const lane = this.#lanes.get(key);
    if (lane) {
      lane.ids.push(id);
      // Numbers rise as messages are sent; a clock that was set back may have others claimed first.
      if (lane.ids.length > 1 && lane.ids.at(-2)! > id) lane.ids.sort((a, b) => a - b);
      return;
    }
    const added: Lane = { key, ids: [id], state: 'ready' };
    this.#lanes.set(key, added);
    this.#ready.push(added);
  }

  #forget(id: number): void {
    for (const lane of this.#lanes.values()) {
      if (lane.ids.includes(id)) lane.ids = lane.ids.filter((other) => other !== id);
    }
  }

  #fill(): void {
    while (this.#running && this.#active.size < MAX_IN_FLIGHT) {
      const lane = this.#ready.shift();
      if (!lane) return;
      lane.state = 'active';
      const work = this.#attempt(lane)
        .catch((error) => {
          this.#options.log.error('the outcome of a delivery could not be recorded', { lane: lane.key, error });
          this.#wait(lane, STORE_RETRY_MS);
        })
        .finally(() => {
          this.#active.delete(work);
          this.#fill();
        });
      this.#active.add(work);
    }
  }

  /** One attempt at the first message of a lane. */
  async #attempt(lane: Lane): Promise<void> {
    const { state, report } = this.#options;
    const id = lane.ids[0];
    const message = id === undefined ? undefined : await state.queues.peek(ORDERED_QUEUE, id);
    if (id !== undefined && message) {
      const step = await attemptStep(this.#options, message);
      if ('delayMs' in step) {
        const attributes: OrderedAttributes = { lane: lane.key, ...step.progress };
        await state.transact((tx) => tx.queues.setAttributes(ORDERED_QUEUE, id, { ...attributes }));
        return this.#wait(lane, step.delayMs);
      }
      await state.transact((tx) => tx.queues.deleteMessage(ORDERED_QUEUE, id));
      report(step.outcome);
    }
    if (id !== undefined) {
      lane.ids = lane.ids.filter((other) => other !== id);
      this.#known.delete(id);
    }
    if (lane.ids.length === 0) this.#lanes.delete(lane.key);
    else this.#again(lane);
  }

  #wait(lane: Lane, delayMs: number): void {
    lane.state = 'waiting';
    this.#later(delayMs, () => {
      this.#again(lane);
      this.#holdClock();
      this.#fill();
    });
  }

  #again(lane: Lane): void {
    lane.state = 'ready';
    this.#ready.push(lane);
  }

  #later(delayMs: number, work: () => void): void {
    const { clock } = this.#options;
    if (!this.#running) return;
    const timer = clock.at(clock.now() + delayMs, () => {
      this.#timers.delete(timer);
      if (!this.#running) return;
      work();
      return this.#settled();
    });
    this.#timers.add(timer);
  }
}
