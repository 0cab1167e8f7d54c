// A live tail session: what is ingested into its groups from now on, matched and sampled, once a second.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html

import type { Clock, Timer } from '#core/clock.ts';
import type { Matcher } from '#engines/filter-pattern/filter-pattern.ts';
import type { LogGroup } from './log-group.ts';
import type { LogLines } from './log-lines.ts';

export interface LiveTailOptions {
  groups: readonly LogGroup[];
  matches: Matcher;
  /** Which streams belong to the session. */
  acceptsStream: (stream: string) => boolean;
}

export interface LiveTailEvent {
  group: LogGroup;
  stream: string;
  timestamp: number;
  ingestionTimeMs: number;
  message: string;
}

export interface LiveTailUpdate {
  events: LiveTailEvent[];
  /** More events matched than the update holds. */
  sampled: boolean;
}

const UPDATE_INTERVAL_MS = 1_000;
const MOST_EVENTS_IN_UPDATE = 500;
/** For a client that reads slower than events come; the oldest update goes first. */
const MOST_WAITING_UPDATES = 10;
const LONGEST_SESSION_MS = 3 * 60 * 60_000;

export class LiveTail {
  readonly #options: LiveTailOptions;
  readonly #clock: Clock;
  readonly #endMs: number;
  /** A uniform sample of what matched since the last update. */
  #sample: LiveTailEvent[] = [];
  #matched = 0;
  #updates: LiveTailUpdate[] = [];
  #wake: (() => void) | undefined;
  #timer: Timer;
  #closed = false;
  #timedOut = false;

  readonly #onClose: () => void;
  readonly #random: () => number;

  constructor(
    options: LiveTailOptions,
    clock: Clock,
    onClose: () => void = () => {},
    random: () => number = Math.random,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#onClose = onClose;
    this.#random = random;
    this.#endMs = clock.now() + LONGEST_SESSION_MS;
    for (const group of options.groups) group.tails.add(this);
    this.#timer = this.#tickLater();
  }

  /** True once the session has lasted as long as AWS lets it. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** As a matcher says it. */
  get needed(): readonly string[] | undefined {
    return this.#options.matches.needed;
  }

  offer(group: LogGroup, stream: string, lines: LogLines, ingestionTimeMs: number): void {
    const { matches, acceptsStream } = this.#options;
    if (!acceptsStream(stream)) return;
    const { events } = lines;
    for (let i = 0; i < events.length; i++) {
      if (!matches(lines.at(i))) continue;
      const { message, timestamp } = events[i]!;
      this.#matched++;
      const place =
        this.#sample.length < MOST_EVENTS_IN_UPDATE ? this.#sample.length : Math.floor(this.#random() * this.#matched);
      if (place < MOST_EVENTS_IN_UPDATE) this.#sample[place] = { group, stream, timestamp, ingestionTimeMs, message };
    }
  }

  /** One update a second, an empty one when nothing came, until the session is closed or timed out. */
  async *updates(signal: AbortSignal): AsyncGenerator<LiveTailUpdate> {
    const close = () => this.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    try {
      for (;;) {
        const update = this.#updates.shift();
        if (update) yield update;
        else if (this.#closed || this.#timedOut) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', close);
      this.close();
    }
  }

  leave(group: LogGroup): void {
    group.tails.delete(this);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    this.#timer.cancel();
    for (const group of this.#options.groups) group.tails.delete(this);
    this.#wakeUp();
  }

  #tickLater(): Timer {
    return this.#clock.at(this.#clock.now() + UPDATE_INTERVAL_MS, () => this.#tick());
  }

  #tick(): void {
    if (this.#closed) return;
    const events = this.#sample.sort((a, b) => a.timestamp - b.timestamp);
    if (this.#updates.length >= MOST_WAITING_UPDATES) this.#updates.shift();
    this.#updates.push({ events, sampled: this.#matched > events.length });
    this.#sample = [];
    this.#matched = 0;
    this.#timedOut = this.#clock.now() >= this.#endMs;
    if (!this.#timedOut) this.#timer = this.#tickLater();
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
