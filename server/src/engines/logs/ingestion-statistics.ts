// First and last event of each stream and bytes of each group: counted in memory as events come in and written down
// every few seconds, so that an append costs no transaction. What a crash leaves unwritten is counted again from the
// telemetry rows in segments at or after the watermark: all rows before it are in what was written.

import type { Clock, Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import { defineCollection, type StateStore } from '#storage/state/state.ts';
import { sql } from '#storage/telemetry/sql.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import type { GroupDirectory } from './group-directory.ts';
import type { LogGroup, LogStream } from './log-group.ts';

export interface StreamStatistics {
  firstEventMs: number;
  lastEventMs: number;
  lastIngestionMs: number;
}

/** Keyed as the streams are. */
export const STREAM_STATISTICS = defineCollection<StreamStatistics>('logs.stream-statistics');
/** Keyed by the group's number. */
export const GROUP_STATISTICS = defineCollection<{ settledBytes: number }>('logs.group-statistics');
export const WATERMARK = defineCollection<Watermark>('logs.watermark');

interface Watermark {
  segment: number;
  /** Everything is written and nothing has come since. */
  clean: boolean;
}

const FLUSH_INTERVAL_MS = 10_000;
/** Streams written in one transaction. */
const LARGEST_BATCH = 1_000;
const NO_SCOPE = { account: '', region: '' };

export interface IngestionStatisticsOptions {
  state: StateStore;
  telemetry: Telemetry;
  clock: Clock;
  log: Logger;
  groups: GroupDirectory;
}

export class IngestionStatistics {
  readonly #options: IngestionStatisticsOptions;
  #watermark: Watermark | undefined;
  /** The highest segment known: no later append goes to an earlier one. */
  #newestSegment = 0;
  /** The lowest; rows of earlier ones are an earlier process's. */
  #oldestSegment = Number.POSITIVE_INFINITY;
  /** Appends under way, by the newest segment there was when they began: none of them goes to an earlier one. */
  readonly #underWay = new Map<number, number>();
  readonly #dirtyStreams = new Map<LogStream, LogGroup>();
  readonly #unsettledGroups = new Set<LogGroup>();
  readonly #dirtyGroups = new Set<LogGroup>();
  #loading: Promise<Watermark> | undefined;
  #dirtying: Promise<void> | undefined;
  #recovering: Promise<void> | undefined;
  #recovered = false;
  #flushing: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;

  constructor(options: IngestionStatisticsOptions) {
    this.#options = options;
  }

  /** The newest segment that this process had something acknowledged in; 0 before that. */
  get newestSegment(): number {
    return this.#newestSegment;
  }

  /** No append that is under way goes to an earlier segment; undefined when none is. */
  oldestUnderWay(): number | undefined {
    return this.#underWay.size === 0 ? undefined : Math.min(...this.#underWay.keys());
  }

  /** Call before an append; pass what it gives to `end`. */
  begin(): number {
    const floor = this.#newestSegment;
    this.#underWay.set(floor, (this.#underWay.get(floor) ?? 0) + 1);
    return floor;
  }

  end(floor: number): void {
    const count = this.#underWay.get(floor)! - 1;
    if (count === 0) this.#underWay.delete(floor);
    else this.#underWay.set(floor, count);
  }

  /** Resolves once a crash will be noticed: what comes now is not in the statistics on disk. */
  async markDirty(): Promise<void> {
    if (this.#watermark?.clean === false) return;
    this.#dirtying ??= this.#markDirty().finally(() => {
      this.#dirtying = undefined;
    });
    await this.#dirtying;
  }

  /** Counts an append that succeeded. */
  add(group: LogGroup, stream: LogStream, segment: number, bytes: number): void {
    if (segment > this.#newestSegment) this.#newestSegment = segment;
    if (segment < this.#oldestSegment) this.#oldestSegment = segment;
    group.bytesBySegment.set(segment, (group.bytesBySegment.get(segment) ?? 0) + bytes);
    this.#unsettledGroups.add(group);
    this.#dirtyGroups.add(group);
    this.#dirtyStreams.set(stream, group);
    const { clock } = this.#options;
    this.#timer ??= clock.at(clock.now() + FLUSH_INTERVAL_MS, () => this.#flushInTime());
  }

  /** Resolves once what an earlier process left uncounted is counted. */
  async ready(): Promise<void> {
    const watermark = await this.#load();
    if (this.#recovering) return this.#recovering;
    if (watermark.clean || this.#recovered) return;
    this.#recovering = this.#recover(watermark.segment).finally(() => {
      this.#recovering = undefined;
    });
    await this.#recovering;
  }

  /** Writes down what has changed. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#flush());
    return this.#flushing;
  }

  /** The group's bytes as they are after rows were erased. */
  async recount(group: LogGroup): Promise<void> {
    await this.ready();
    const before = await this.#earlierSegmentsEnd();
    if (before === undefined) return;
    this.#settle(group, before);
    const { rows } = await this.#options.telemetry.query<{ bytes: number }>(sql`
      SELECT sum(message.size) AS bytes FROM log_events WHERE group_id = ${group.id} AND segment < ${before}`);
    group.settledBytes = rows[0]!.bytes;
    this.#dirtyGroups.add(group);
  }

  /** Writes down everything, so that the next start has nothing to count. */
  async stop(): Promise<void> {
    await this.flush();
    this.#timer?.cancel();
    this.#timer = undefined;
    const watermark = this.#watermark;
    if (!watermark || watermark.clean || !this.#recovered) return;
    // Ends the newest segment: should something be appended even now, it is counted again at the next start.
    const ended = this.#newestSegment;
    await this.#options.telemetry.flush();
    if (this.#underWay.size > 0 || this.#newestSegment > ended) return;
    const segment = Math.max(watermark.segment, ended + 1);
    const groups = new Set([...this.#unsettledGroups, ...this.#dirtyGroups]);
    for (const group of this.#unsettledGroups) this.#settle(group, segment);
    await this.#writeGroups(groups, { segment, clean: true });
  }

  forget(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#watermark = undefined;
    this.#recovered = false;
    this.#dirtyStreams.clear();
    this.#dirtyGroups.clear();
    this.#unsettledGroups.clear();
    this.#oldestSegment = Number.POSITIVE_INFINITY;
  }

  async #load(): Promise<Watermark> {
    if (this.#watermark) return this.#watermark;
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #read(): Promise<Watermark> {
    const { state, groups } = this.#options;
    await groups.load();
    const [stored, statistics] = await Promise.all([
      state.documents.get(WATERMARK, NO_SCOPE, 'log_events'),
      state.documents.scan(GROUP_STATISTICS),
    ]);
    for (const { key, value } of statistics) {
      const group = groups.findById(Number(key));
      if (group) group.settledBytes += value.settledBytes;
    }
    this.#watermark = stored ?? { segment: 0, clean: true };
    if (this.#watermark.clean) this.#recovered = true;
    return this.#watermark;
  }

  async #markDirty(): Promise<void> {
    const watermark = await this.#load();
    if (!watermark.clean) return;
    const dirty = { ...watermark, clean: false };
    await this.#options.state.transact((tx) => tx.documents.put(WATERMARK, NO_SCOPE, 'log_events', dirty));
    this.#watermark = dirty;
  }

  async #recover(watermark: number): Promise<void> {
    const { telemetry, groups } = this.#options;
    const bytes = telemetry.query<{ group_id: number; segment: number; bytes: number }>(sql`
      SELECT group_id, segment, sum(message.size) AS bytes FROM log_events
      WHERE segment >= ${watermark} GROUP BY group_id, segment`);
    const streams = telemetry.query<{
      group_id: number;
      stream: string;
      first: number;
      last: number;
      ingested: number;
    }>(
      sql`
      SELECT group_id, stream, min(timestamp) AS first, max(timestamp) AS last, max(ingestion_time) AS ingested
      FROM log_events WHERE segment >= ${watermark} GROUP BY group_id, stream`,
    );
    const [{ rows: byteRows }, { rows: streamRows }] = await Promise.all([bytes, streams]);
    for (const { group_id, stream, first, last, ingested } of streamRows) {
      const group = groups.findById(group_id);
      const known = group && (await groups.streams(group)).get(stream);
      if (!group || !known) continue;
      known.extend(first, last, ingested);
      this.#dirtyStreams.set(known, group);
    }
    for (const row of byteRows) {
      this.#newestSegment = Math.max(this.#newestSegment, row.segment);
      const group = groups.findById(row.group_id);
      // Rows of this process's own segments are counted already.
      if (!group || row.segment >= this.#oldestSegment) continue;
      group.bytesBySegment.set(row.segment, row.bytes);
      this.#unsettledGroups.add(group);
      this.#dirtyGroups.add(group);
    }
    this.#recovered = true;
  }

  async #flushInTime(): Promise<void> {
    this.#timer = undefined;
    try {
      await this.flush();
    } catch (error) {
      this.#options.log.error('log statistics could not be written', { error });
    }
  }

  async #flush(): Promise<void> {
    if (this.#dirtyStreams.size === 0 && this.#dirtyGroups.size === 0) return;
    await this.ready();
    const segment = Math.max(this.#watermark!.segment, this.#settledBefore());
    const streams = [...this.#dirtyStreams];
    const groups = new Set(this.#dirtyGroups);
    this.#dirtyStreams.clear();
    this.#dirtyGroups.clear();
    for (const group of this.#unsettledGroups) if (this.#settle(group, segment)) groups.add(group);
    try {
      for (let i = 0; i < streams.length; i += LARGEST_BATCH)
        await this.#writeStreams(streams.slice(i, i + LARGEST_BATCH));
      await this.#writeGroups(groups, { segment, clean: false });
    } catch (error) {
      for (const [stream, group] of streams) this.#dirtyStreams.set(stream, group);
      for (const group of groups) this.#dirtyGroups.add(group);
      throw error;
    }
  }

  /**
   * No append that is not counted yet goes to a segment before this one. With none under way, a later one may
   * still share the newest segment.
   */
  #settledBefore(): number {
    return Math.min(this.#newestSegment, ...this.#underWay.keys());
  }

  /** The same after a flush, which ends the newest segment; undefined when this process just begins to append. */
  async #earlierSegmentsEnd(): Promise<number | undefined> {
    const ended = this.#newestSegment;
    if (ended > 0) {
      await this.#options.telemetry.flush();
      return Math.min(ended + 1, ...this.#underWay.keys());
    }
    if (this.#underWay.size > 0) return undefined;
    const newest = sql`SELECT max(segment) AS segment FROM log_events`;
    const { rows } = await this.#options.telemetry.query<{ segment: number }>(newest);
    return Math.min(rows[0]!.segment + 1, this.#oldestSegment);
  }

  /** Whether bytes were moved to the settled ones. */
  #settle(group: LogGroup, before: number): boolean {
    let moved = false;
    for (const [segment, bytes] of group.bytesBySegment) {
      if (segment >= before) continue;
      group.settledBytes += bytes;
      group.bytesBySegment.delete(segment);
      moved = true;
    }
    if (group.bytesBySegment.size === 0) this.#unsettledGroups.delete(group);
    return moved;
  }

  async #writeStreams(streams: readonly [LogStream, LogGroup][]): Promise<void> {
    await this.#options.state.transact(async (tx) => {
      for (const [stream, group] of streams) {
        if (stream.deleted || group.deleted) continue;
        await tx.documents.put(STREAM_STATISTICS, group.scope, group.streamKey(stream.name), {
          firstEventMs: stream.firstEventMs!,
          lastEventMs: stream.lastEventMs!,
          lastIngestionMs: stream.lastIngestionMs!,
        });
      }
    });
  }

  async #writeGroups(groups: Iterable<LogGroup>, watermark: Watermark): Promise<void> {
    await this.#options.state.transact(async (tx) => {
      for (const group of groups) {
        if (group.deleted) await tx.documents.delete(GROUP_STATISTICS, group.scope, String(group.id));
        else
          await tx.documents.put(GROUP_STATISTICS, group.scope, String(group.id), { settledBytes: group.settledBytes });
      }
      await tx.documents.put(WATERMARK, NO_SCOPE, 'log_events', watermark);
    });
    this.#watermark = watermark;
  }
}
