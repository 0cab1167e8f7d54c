// One subscription on one group. What is ingested is matched at once and waits here, in order and bounded, to be
// delivered stream by stream. A feed that cannot keep up lets go of what it holds and reads it back from the table
// later; a cursor tells up to where everything is delivered, so that a crash repeats some of it and loses nothing.

import type { Clock, Timer } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import type { Logger } from '#core/log.ts';
import { backoffMs, isTransient } from '#engines/delivery/retry.ts';
import { extractFields, LogLine } from '#engines/filter-pattern/filter-pattern.ts';
import { streamHash } from '#storage/telemetry/stream-hash.ts';
import { eventId } from '../event-position.ts';
import type { LogGroup } from '../log-group.ts';
import type { LogLines } from '../log-lines.ts';
import { systemFieldsOf } from '../system-fields.ts';
import { isTransformed } from '../transformed-events.ts';
import { type BacklogPage, type BacklogRow, keyOf } from './backlog-reader.ts';
import { encodeRecord, type ForwardedEvent } from './payload.ts';
import { type CompiledSubscription, earlier, type IngestionPosition, isBefore, later } from './subscription.ts';

export interface FeedOptions {
  clock: Clock;
  log: Logger;
  random: () => number;
  group: LogGroup;
  subscription: CompiledSubscription;
  /** Everything before it is delivered. */
  from: IngestionPosition;
  /** There may be something at or after it that is not; `catchUp` reads it. */
  behind: boolean;
  /** Delivers a payload once, or false where it must not; throws as the target does. */
  send(payload: string): Promise<boolean>;
  /** Waits for one of the places for deliveries under way; call what it gives when done. */
  takePlace(): Promise<() => void>;
  readBacklog(from: IngestionPosition, through: number): Promise<BacklogPage>;
  /** The newest segment that anything was acknowledged in. */
  newestSegment(): number;
  /** No append that is under way goes to an earlier segment; undefined when none is. */
  oldestUnderWay(): number | undefined;
  onProgress(): void;
  record(what: FeedMeasure, value: number): void;
}

export type FeedMeasure = 'ForwardedBytes' | 'ForwardedLogEvents' | 'DeliveryErrors' | 'DeliveryThrottling';

/** What an append brought to a stream, all in one segment. Two of a stream share no timestamp, or no row number. */
interface Append {
  segment: number;
  firstRow: number;
  firstMs: number;
  lastMs: number;
}

interface TakenAppend extends Append {
  stream: string;
  /** Beyond its row numbers. */
  endRow: number;
}

interface Batch {
  stream: string;
  streamHash: number;
  /** What the cursor must not pass before it is delivered. */
  from: IngestionPosition;
  /** Absent where it was read from the table. */
  taken?: TakenAppend;
  events: ForwardedEvent[];
  bytes: number;
}

/** What waits in memory, and what a feed that catches up lets wait of what is ingested meanwhile. */
const MOST_WAITING_BYTES = 8 * 1_048_576;
/** One delivery: Lambda takes 1 MiB of base64 at most, and not every message shrinks. */
const LARGEST_DELIVERY_BYTES = 640 * 1024;
const MOST_DELIVERED_EVENTS = 10_000;
/** Appends of the last second or so that are remembered; one that is forgotten may be delivered twice. */
const MOST_TAKEN = 10_000;
/** What an event costs beside its message. */
const EVENT_OVERHEAD_BYTES = 120;
/** What cannot be delivered in this time is given up, as on AWS. */
const LONGEST_RETRY_MS = 24 * 3_600_000;
const RETRY = { maximumAttempts: 0, maximumAgeMs: 0, initialBackoffMs: 1_000, longestBackoffMs: 60_000 };
/** After an error that no retry mends nothing is sent for so long; what comes meanwhile is skipped, as on AWS. */
const PAUSE_MS = 10 * 60_000;
const CATCH_UP_RETRY_MS = 5_000;
const THROTTLES = /throttl|TooManyRequests/i;

export class SubscriptionFeed {
  readonly group: LogGroup;
  subscription: CompiledSubscription;
  readonly #options: FeedOptions;
  #waiting: Batch[] = [];
  #waitingBytes = 0;
  /** Being delivered. */
  #underWay: Batch[] = [];
  /** Ingested while the feed catches up, later than what it reads. */
  #meanwhile: Batch[] = [];
  #meanwhileBytes = 0;
  #meanwhileEnd: IngestionPosition | undefined;
  /** What was taken in segments that may still grow, so that reading them back does not take it again. */
  #taken: TakenAppend[] = [];
  /** Rows of the group that were offered, in segments that may still grow. */
  readonly #offeredRows = new Map<number, number>();
  /** Something was offered that only the table has now. */
  #missed = false;
  /** Offers in segments up to this one are not taken: they are read from the table, or were. */
  #readThrough: number;
  /** Where the reading stands; undefined when nothing is to be read. */
  #readFrom: IngestionPosition | undefined;
  /** After all that was taken or read. */
  #end: IngestionPosition;
  #pausedUntilMs = 0;
  #pumping: Promise<void> | undefined;
  #reading: Promise<void> | undefined;
  #timer: Timer | undefined;
  #wakeSleeper: (() => void) | undefined;
  #drained: (() => void)[] = [];
  #stopped = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.group = options.group;
    this.subscription = options.subscription;
    this.#end = options.from;
    this.#readFrom = options.behind ? options.from : undefined;
    this.#readThrough = options.behind ? Number.POSITIVE_INFINITY : options.from.segment - 1;
  }

  get isBehind(): boolean {
    return this.#readFrom !== undefined || this.#waiting.length > 0 || this.#underWay.length > 0;
  }

  /** Everything before it is delivered or given up. */
  cursor(): IngestionPosition {
    const { oldestUnderWay, newestSegment } = this.#options;
    const underWay = oldestUnderWay();
    const offered = { segment: underWay ?? newestSegment(), rows: 0 };
    let position = this.#readFrom ?? later(this.#end, offered);
    for (const { from } of this.#waiting) position = earlier(position, from);
    for (const { from } of this.#underWay) position = earlier(position, from);
    return underWay === undefined ? position : earlier(position, offered);
  }

  /** Takes what matches of a batch that was just acknowledged. */
  offer(stream: string, lines: LogLines, append: Append): void {
    const { segment, firstRow } = append;
    if (segment <= this.#readThrough || this.#stopped) {
      this.#missed = true;
      return;
    }
    const { events } = lines;
    const from = { segment, rows: this.#offeredIn(segment) };
    const end = { segment, rows: from.rows + lines.total };
    this.#offeredRows.set(segment, end.rows);
    const taken = { ...append, stream, endRow: firstRow + lines.total };
    const batch: Batch = { ...newBatch(stream, from), taken };
    const { matches } = this.subscription;
    const paused = this.#isPaused();
    for (let i = 0; i < events.length && !paused; i++) {
      const line = lines.at(i);
      if (matches(line)) this.#add(batch, events[i]!.timestamp, segment, firstRow + lines.numberOf(i), line);
    }
    if (this.#readFrom) this.#takeMeanwhile(batch, end);
    else {
      if (isBefore(this.#end, end)) this.#end = end;
      if (batch.events.length === 0) this.#options.onProgress();
      else if (this.#waitingBytes + batch.bytes > MOST_WAITING_BYTES) this.#fallBehind(segment);
      else {
        this.#push(batch);
        this.#pump();
      }
    }
  }

  /** Reads what is not delivered, unless `end` shows that there is nothing. */
  catchUp(end?: { position: IngestionPosition | undefined }): void {
    if (!this.#readFrom || this.#reading || this.#stopped) return;
    const isAtEnd = end && !this.#readFrom.after && !(end.position && isBefore(this.#readFrom, end.position));
    if (isAtEnd && !this.#missed) {
      // Whatever stands there or later is not acknowledged yet, and will be offered.
      this.#readThrough = this.#readFrom.segment - 1;
      this.#readFrom = undefined;
      return;
    }
    this.#reading = this.#readAll().finally(() => {
      this.#reading = undefined;
      this.catchUp();
    });
  }

  replace(subscription: CompiledSubscription): void {
    this.subscription = subscription;
    // A new destination may be reached where the old one was not.
    this.#pausedUntilMs = 0;
    this.#wakeSleeper?.();
  }

  /** Ends what is under way; what waits stays for the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wakeSleeper?.();
    for (const resolve of this.#drained.splice(0)) resolve();
    await Promise.all([this.#pumping, this.#reading]);
  }

  #offeredIn(segment: number): number {
    const rows = this.#offeredRows.get(segment);
    if (rows !== undefined) return rows;
    const oldest = this.#oldestGrowing(segment);
    for (const earlier of this.#offeredRows.keys()) if (earlier < oldest) this.#offeredRows.delete(earlier);
    return 0;
  }

  #add(batch: Batch, timestamp: number, segment: number, row: number, line: LogLine): void {
    const { pattern, document } = this.subscription;
    const id = eventId({ timestamp, segment, row, streamHash: batch.streamHash });
    const event: ForwardedEvent = { id, timestamp, message: line.message };
    if (pattern.kind === 'delimited' || document.systemFields) {
      event.extractedFields = this.#extractedFields(line);
    }
    batch.events.push(event);
    batch.bytes += sizeOf(line.message);
  }

  #extractedFields(line: LogLine): Record<string, string> {
    const { pattern, document } = this.subscription;
    const extracted = Object.entries(extractFields(pattern, line)).map(([name, value]) => [name.slice(1), value]);
    return { ...Object.fromEntries(extracted), ...systemFieldsOf(document.systemFields, this.group) };
  }

  #push(batch: Batch): void {
    this.#waiting.push(batch);
    this.#waitingBytes += batch.bytes;
    if (!batch.taken) return;
    const oldest = this.#oldestGrowing(batch.taken.segment);
    if (this.#taken.length > 0 && this.#taken[0]!.segment < oldest) {
      this.#taken = this.#taken.filter(({ segment }) => segment >= oldest);
    }
    if (this.#taken.length >= MOST_TAKEN) this.#taken.shift();
    this.#taken.push(batch.taken);
  }

  /** Nothing that comes goes to a segment before it. */
  #oldestGrowing(segment: number): number {
    return Math.min(segment, this.#options.oldestUnderWay() ?? segment);
  }

  #takeMeanwhile(batch: Batch, end: IngestionPosition): void {
    if (this.#meanwhileBytes + batch.bytes > MOST_WAITING_BYTES) {
      // Too much to hold: another round reads it.
      this.#readThrough = Number.POSITIVE_INFINITY;
      this.#forgetMeanwhile();
      return;
    }
    if (!this.#meanwhileEnd || isBefore(this.#meanwhileEnd, end)) this.#meanwhileEnd = end;
    if (batch.events.length === 0) return;
    this.#meanwhile.push(batch);
    this.#meanwhileBytes += batch.bytes;
  }

  #forgetMeanwhile(): void {
    this.#meanwhile = [];
    this.#meanwhileBytes = 0;
    this.#meanwhileEnd = undefined;
  }

  /** Takes nothing more, and reads later what has not been taken. */
  #fallBehind(segment: number): void {
    this.#readFrom = { segment: this.#oldestGrowing(segment), rows: 0 };
    this.#readThrough = Number.POSITIVE_INFINITY;
    this.#pump();
    this.catchUp();
  }

  async #readAll(): Promise<void> {
    const { newestSegment, log, clock } = this.#options;
    while (this.#readFrom && !this.#stopped) {
      await this.#whenDrained();
      const through = newestSegment();
      this.#readThrough = through;
      this.#forgetMeanwhile();
      try {
        await this.#readRound(through);
      } catch (error) {
        log.error('a log subscription cannot read what it has to deliver; trying again', { error });
        this.#readThrough = Number.POSITIVE_INFINITY;
        await this.#sleepUntil(clock.now() + CATCH_UP_RETRY_MS);
      }
    }
    this.#pump();
  }

  /** Reads up to the end of a segment, then takes what came meanwhile, unless that was too much. */
  async #readRound(through: number): Promise<void> {
    for (;;) {
      const { rows, next } = await this.#options.readBacklog(this.#readFrom!, through);
      if (this.#stopped) return;
      const { applyOnTransformedLogs } = this.subscription.document;
      for (const [i, { stream, timestamp, message, transformed, segment, row }] of rows.entries()) {
        const wantsTransformed = applyOnTransformedLogs && transformed !== '';
        if (wantsTransformed && !isTransformed(transformed)) continue;
        const line = new LogLine(wantsTransformed ? transformed : message);
        if (this.#isPaused() || !this.subscription.matches(line)) continue;
        if (this.#wasTaken({ segment, stream, timestamp, row })) continue;
        let batch = this.#waiting.at(-1);
        // Never more than one delivery, of which a part would have no position of its own.
        if (batch?.stream !== stream || batch.bytes + sizeOf(line.message) > LARGEST_DELIVERY_BYTES) {
          batch = newBatch(stream, i > 0 ? { segment, rows: 0, after: keyOf(rows[i - 1]!) } : this.#readFrom!);
          this.#waiting.push(batch);
        }
        const before = batch.bytes;
        this.#add(batch, timestamp, segment, row, line);
        this.#waitingBytes += batch.bytes - before;
      }
      if (!next) break;
      this.#readFrom = next;
      this.#options.onProgress();
      this.#pump();
      await this.#whenDrained();
      if (this.#stopped) return;
    }
    this.#end = { segment: through + 1, rows: 0 };
    this.#taken = [];
    if (this.#readThrough > through) {
      this.#readFrom = this.#end;
      return;
    }
    this.#readFrom = undefined;
    for (const batch of this.#meanwhile) this.#push(batch);
    this.#end = this.#meanwhileEnd ?? this.#end;
    this.#forgetMeanwhile();
    this.#options.onProgress();
  }

  #wasTaken({ segment, stream, timestamp, row }: Omit<BacklogRow, 'message' | 'transformed'>): boolean {
    return this.#taken.some(
      (append) =>
        append.segment === segment &&
        append.stream === stream &&
        timestamp >= append.firstMs &&
        timestamp <= append.lastMs &&
        row >= append.firstRow &&
        row < append.endRow,
    );
  }

  async #whenDrained(): Promise<void> {
    while (this.#waitingBytes > MOST_WAITING_BYTES / 2 && !this.#stopped) {
      this.#pump();
      await new Promise<void>((resolve) => this.#drained.push(resolve));
    }
  }

  #pump(): void {
    if (this.#waiting.length === 0 || this.#stopped) return;
    this.#pumping ??= this.#deliverAll().finally(() => {
      this.#pumping = undefined;
      this.#pump();
    });
  }

  async #deliverAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#stopped) {
      const events = this.#takeDelivery();
      const delivered = await this.#deliver(this.#underWay[0]!.stream, events);
      if (!delivered) {
        this.#waiting.unshift(...this.#underWay);
        for (const { bytes } of this.#underWay) this.#waitingBytes += bytes;
      }
      this.#underWay = [];
      for (const resolve of this.#drained.splice(0)) resolve();
      this.#options.onProgress();
    }
  }

  /** The first stream's events, with all that waits of it as far as one delivery goes. */
  #takeDelivery(): ForwardedEvent[] {
    const { stream } = this.#waiting[0]!;
    const rest: Batch[] = [];
    let bytes = 0;
    let count = 0;
    let full = false;
    this.#underWay = [];
    for (const batch of this.#waiting) {
      const fits =
        bytes + batch.bytes <= LARGEST_DELIVERY_BYTES && count + batch.events.length <= MOST_DELIVERED_EVENTS;
      if (batch.stream === stream && !full && (fits || count === 0)) {
        const taken = fits ? batch : split(batch, rest);
        this.#underWay.push(taken);
        bytes += taken.bytes;
        count += taken.events.length;
        full = taken !== batch;
      } else {
        // What follows in this stream waits for what comes before it.
        if (batch.stream === stream) full = true;
        rest.push(batch);
      }
    }
    this.#waiting = rest;
    this.#waitingBytes -= bytes;
    return this.#underWay.flatMap(({ events }) => events);
  }

  /** Tries until it is delivered or given up; false when a stop came in between. */
  async #deliver(stream: string, events: ForwardedEvent[]): Promise<boolean> {
    const { clock, log, random, send, takePlace, record, group } = this.#options;
    const { payload, compressedBytes } = await encodeRecord({
      messageType: 'DATA_MESSAGE',
      owner: group.scope.account,
      logGroup: group.name,
      logStream: stream,
      subscriptionFilters: [this.subscription.document.name],
      logEvents: events,
    });
    const startedMs = clock.now();
    for (let attempt = 1; !this.#stopped; attempt++) {
      if (this.#isPaused()) return true;
      const leave = await takePlace();
      try {
        if (await send(payload)) {
          record('ForwardedBytes', compressedBytes);
          record('ForwardedLogEvents', events.length);
        }
        return true;
      } catch (error) {
        const code = error instanceof AwsError ? error.code : 'InternalFailure';
        record(THROTTLES.test(code) ? 'DeliveryThrottling' : 'DeliveryErrors', events.length);
        const fields = { logGroup: group.name, filter: this.subscription.document.name, code, events: events.length };
        if (!isTransient(error)) {
          log.warn('log events could not be delivered to their subscriber', fields);
          if (code !== 'RequestTooLargeException') this.#pause();
          return true;
        }
        if (clock.now() - startedMs >= LONGEST_RETRY_MS) {
          log.warn('log events were not delivered to their subscriber within a day and are given up', fields);
          return true;
        }
      } finally {
        leave();
      }
      await this.#sleepUntil(clock.now() + backoffMs(RETRY, attempt, random));
    }
    return false;
  }

  #isPaused(): boolean {
    return this.#pausedUntilMs > this.#options.clock.now();
  }

  #pause(): void {
    this.#pausedUntilMs = this.#options.clock.now() + PAUSE_MS;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Until then, a stop, or a change of the subscription. */
  async #sleepUntil(atMs: number): Promise<void> {
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      this.#wakeSleeper = resolve;
      this.#timer = this.#options.clock.at(atMs, () => resolve());
    });
    this.#timer?.cancel();
    this.#wakeSleeper = undefined;
  }
}

function sizeOf(message: string): number {
  return Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
}

function newBatch(stream: string, from: IngestionPosition): Batch {
  return { stream, streamHash: streamHash(stream), from, events: [], bytes: 0 };
}

/** As many events as one delivery takes, but one at least; the others go to the front of `rest`. */
function split(batch: Batch, rest: Batch[]): Batch {
  let bytes = 0;
  let count = 0;
  for (const { message } of batch.events) {
    const size = sizeOf(message);
    if (count > 0 && (bytes + size > LARGEST_DELIVERY_BYTES || count >= MOST_DELIVERED_EVENTS)) break;
    bytes += size;
    count++;
  }
  // Both parts keep the position of the whole: the cursor waits for the second.
  const taken = { ...batch, events: batch.events.slice(0, count), bytes };
  if (count < batch.events.length) {
    rest.push({ ...batch, events: batch.events.slice(count), bytes: batch.bytes - bytes });
  }
  return taken;
}
