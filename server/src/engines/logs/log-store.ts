// Logs: groups, streams and their events, with what hangs on ingestion (metric filters, live tail).
// An append costs one encoding into the telemetry log; everything else about it is counted in memory.

import type { Clock } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import type { DataProtection } from '#engines/data-protection/data-protection.ts';
import type { MetricStore } from '#engines/metrics/metric-store.ts';
import type { StateStore } from '#storage/state/state.ts';
import {
  type AppendedRows,
  type EncodedLogEvents,
  type LogEventBatch,
  type Telemetry,
  timesOf,
} from '#storage/telemetry/telemetry.ts';
import { mayHoldEmbedded } from './embedded-metrics/document.ts';
import { type EmbeddedMetrics, extractEmbeddedMetrics } from './embedded-metrics/embedded-metrics.ts';
import { Eraser, type Erasure } from './eraser.ts';
import { EventReader } from './event-reader.ts';
import { sieveOf } from './event-sieve.ts';
import { GroupDirectory } from './group-directory.ts';
import { IngestionStatistics } from './ingestion-statistics.ts';
import { LargeObjects } from './large-objects.ts';
import { LiveTail, type LiveTailOptions } from './live-tail.ts';
import type { LogGroup, LogScope, LogStream } from './log-group.ts';
import { LogLines } from './log-lines.ts';
import { type CompiledMetricFilter, collectMetricData } from './metric-filter.ts';
import { MetricFilterDirectory } from './metric-filter-directory.ts';
import { inspect } from './protected-events.ts';
import { Retention } from './retention.ts';
import { isTransformed, type TransformedEvent, transformEvents, transformedLines } from './transformed-events.ts';

export type { LogScope } from './log-group.ts';

export interface LogEventInput {
  timestamp: number;
  message: string;
}

interface AppendedBatch {
  events: LogEventBatch['events'];
  /** UTF-8 bytes of all messages. */
  messageBytes: number;
  /** What the events are of, as JSON. */
  entity?: string;
}

export interface EncodedBatch extends AppendedBatch {
  events: EncodedLogEvents;
}

export interface LogStore {
  /**
   * Appends events for Brume's own services (Lambda, …), creating group and stream when they are missing.
   * Resolves once durable.
   */
  appendFromService(scope: LogScope, group: string, stream: string, events: readonly LogEventInput[]): Promise<void>;
  /**
   * Appends events in the order of their timestamps, `messageBytes` of UTF-8 in all. Resolves once they, the data of
   * the group's metric filters and the metrics embedded in the events are durable. `entity`: what they are of, as JSON.
   */
  append(
    group: LogGroup,
    stream: LogStream,
    events: readonly LogEventInput[],
    messageBytes: number,
    entity?: string,
  ): Promise<AppendedRows>;
  /** Whether something has to see every event of the group as it comes, or these, so that they cannot be appended as rows. */
  wantsLines(group: LogGroup, rows: Buffer): boolean;
  /** Appends events in the order of their timestamps that are rows already, and that `wantsLines` is false for; as `append`. */
  appendEncoded(group: LogGroup, stream: LogStream, batch: EncodedBatch): Promise<AppendedRows>;
  readonly groups: GroupDirectory;
  readonly events: EventReader;
  readonly metricFilters: MetricFilterDirectory;
  readonly statistics: IngestionStatistics;
  readonly retention: Retention;
  readonly largeObjects: LargeObjects;
  openTail(options: LiveTailOptions): LiveTail;
  start(): Promise<void>;
  /** Ends live tails and background work, and writes the statistics down. */
  stop(): Promise<void>;
  /** Forgets what is in memory after the stores were emptied. */
  reset(): Promise<void>;
}

export interface LogStoreOptions {
  state: StateStore;
  telemetry: Telemetry;
  clock: Clock;
  metrics: MetricStore;
  meter: Meter;
  log: Logger;
}

/** Events that Brume's own services give at once go in batches of this many. */
const LARGEST_SERVICE_BATCH = 10_000;
const MOST_ATTEMPTS = 10;

export function createLogStore(options: LogStoreOptions): LogStore {
  return new StandardLogStore({ ...options, log: options.log.with({ component: 'logs' }) });
}

class StandardLogStore implements LogStore {
  readonly groups: GroupDirectory;
  readonly events: EventReader;
  readonly metricFilters: MetricFilterDirectory;
  readonly statistics: IngestionStatistics;
  readonly retention: Retention;
  readonly largeObjects: LargeObjects;
  readonly #options: LogStoreOptions;
  readonly #eraser: Eraser;
  readonly #tails = new Set<LiveTail>();

  constructor(options: LogStoreOptions) {
    const { state, telemetry, clock, log } = options;
    this.#options = options;
    this.#eraser = new Eraser({
      state,
      telemetry,
      clock,
      log,
      onErased: (erasures) => this.#noticeErased(erasures),
    });
    this.groups = new GroupDirectory(state, clock, this.#eraser);
    this.events = new EventReader(telemetry, clock);
    this.largeObjects = new LargeObjects(telemetry, clock);
    this.metricFilters = new MetricFilterDirectory(state, this.groups);
    this.statistics = new IngestionStatistics({ state, telemetry, clock, log, groups: this.groups });
    this.retention = new Retention({ telemetry, clock, log, groups: this.groups, statistics: this.statistics });
  }

  async append(
    group: LogGroup,
    stream: LogStream,
    events: readonly LogEventInput[],
    messageBytes: number,
    entity?: string,
  ): Promise<AppendedRows> {
    const batch = { events, messageBytes, ...(entity !== undefined && { entity }) };
    return this.#append(group, stream, batch, new LogLines(events));
  }

  wantsLines(group: LogGroup, rows: Buffer): boolean {
    if (group.isProtected || group.transformer) return true;
    if (isWatched(group) && !sieveOf(group)) return true;
    return extractsMetrics(group) && mayHoldEmbedded(rows);
  }

  appendEncoded(group: LogGroup, stream: LogStream, batch: EncodedBatch): Promise<AppendedRows> {
    if (!isWatched(group)) return this.#append(group, stream, batch);
    const sieved = sieveOf(group)!.sieve(batch.events.rows, batch.events.length);
    return this.#append(group, stream, batch, new LogLines(sieved.events, sieved));
  }

  async #append(
    group: LogGroup,
    stream: LogStream,
    { events, messageBytes, entity }: AppendedBatch,
    written?: LogLines,
  ): Promise<AppendedRows> {
    const { telemetry, clock } = this.#options;
    // What looks at the events sees them masked; the table keeps them as they were put.
    const lines = written && this.#protect(group, written);
    const { statistics } = this;
    const ingestionTimeMs = clock.now();
    const { transformer } = group;
    const stored =
      written && transformer && transformEvents(written.events, transformer, group, stream.name, ingestionTimeMs);
    const ofTransformed = stored && transformedLines(group, stored, ingestionTimeMs);
    // Those that come meanwhile may look for events that the sieve has taken out.
    const feeds = written?.sieved ? [...group.feeds.values()] : undefined;
    const tails = written?.sieved ? [...group.tails] : undefined;
    stream.beginAppend();
    const floor = statistics.begin();
    try {
      // Queries look for transformed versions in these groups only.
      if (stored && !group.document.hasTransformed) {
        await this.groups.update(group, (document) => ({ ...document, hasTransformed: true }));
      }
      const batch = {
        groupId: group.id,
        stream: stream.name,
        ingestionTimeMs,
        events: stored ?? events,
        ...(entity !== undefined && { entity }),
      };
      const appended = telemetry.appendLogEvents(batch);
      // The metric data are durable before the client hears that its events are.
      const [rows] = await Promise.all([
        appended,
        statistics.markDirty(),
        lines && this.#publishMetrics(group, lines, ofTransformed),
      ]);
      statistics.add(group, stream, rows.segment, messageBytes);
      const { firstMs, lastMs } = timesOf(events);
      stream.extend(firstMs, lastMs, ingestionTimeMs);
      this.#measure(group, events.length, messageBytes);
      if (stored) this.#measureTransformed(group, stored);
      if (lines) {
        for (const feed of feeds ?? group.feeds.values()) {
          const wantsTransformed = feed.subscription.document.applyOnTransformedLogs;
          feed.offer(stream.name, (wantsTransformed && ofTransformed) || lines, { ...rows, firstMs, lastMs });
        }
        for (const tail of tails ?? group.tails) tail.offer(group, stream.name, lines, ingestionTimeMs);
      }
      return rows;
    } finally {
      statistics.end(floor);
      stream.endAppend();
    }
  }

  async appendFromService(
    scope: LogScope,
    groupName: string,
    streamName: string,
    events: readonly LogEventInput[],
  ): Promise<void> {
    if (events.length === 0) return;
    const ordered = inOrder(events) ? events : [...events].sort((a, b) => a.timestamp - b.timestamp);
    const [group, stream] = await this.#findOrCreate(scope, groupName, streamName);
    for (let i = 0; i < ordered.length; i += LARGEST_SERVICE_BATCH) {
      const batch = ordered.slice(i, i + LARGEST_SERVICE_BATCH);
      let bytes = 0;
      for (const { message } of batch) bytes += Buffer.byteLength(message);
      await this.append(group, stream, batch, bytes);
    }
  }

  openTail(options: LiveTailOptions): LiveTail {
    const tail = new LiveTail(options, this.#options.clock, () => this.#tails.delete(tail));
    this.#tails.add(tail);
    return tail;
  }

  async start(): Promise<void> {
    this.retention.start();
    if ((await this.#eraser.pending()).length > 0) this.#eraser.run();
  }

  async stop(): Promise<void> {
    this.retention.stop();
    for (const tail of this.#tails) tail.close();
    await this.#eraser.stop();
    try {
      await this.statistics.stop();
    } catch (error) {
      this.#options.log.warn('log statistics are counted again at the next start', { error });
    }
  }

  async reset(): Promise<void> {
    for (const tail of this.#tails) tail.close();
    this.groups.forget();
    this.statistics.forget();
  }

  async #noticeErased(erasures: readonly Erasure[]): Promise<void> {
    await this.groups.load();
    const shrunk = new Set<LogGroup>();
    for (const { groupId, stream } of erasures) {
      const group = this.groups.findById(groupId);
      if (stream === undefined || !group) continue;
      group.streamsBeingErased.delete(stream);
      shrunk.add(group);
    }
    for (const group of shrunk) await this.statistics.recount(group);
    await this.statistics.flush();
  }

  /** `ofTransformed`: what the filters that ask for it are applied to, where the group has a transformer. */
  async #publishMetrics(group: LogGroup, lines: LogLines, ofTransformed: LogLines | undefined): Promise<void> {
    const { metrics, clock } = this.#options;
    const puts: Promise<void>[] = [];
    const putData = (filters: CompiledMetricFilter[], of: LogLines) => {
      if (filters.length === 0) return;
      for (const [namespace, data] of collectMetricData(filters, of, group)) {
        puts.push(metrics.put(group.scope, namespace, data));
      }
    };
    const filters = [...group.metricFilters.values()];
    if (ofTransformed) {
      const [onTransformed, onOriginals] = partition(
        filters,
        ({ document }) => document.applyOnTransformedLogs === true,
      );
      putData(onTransformed, ofTransformed);
      putData(onOriginals, lines);
    } else putData(filters, lines);
    const embedded = extractsMetrics(group) ? extractEmbeddedMetrics(lines.events, clock.now()) : undefined;
    if (embedded) {
      for (const [namespace, of] of embedded.data) puts.push(metrics.put(group.scope, namespace, of));
      this.#measureEmbedded(group, embedded);
    }
    await Promise.all(puts);
  }

  #protect(group: LogGroup, lines: LogLines): LogLines {
    return group.protections.reduce((seen, { protection }) => this.#protectBy(protection, group, seen), lines);
  }

  #protectBy(protection: DataProtection, group: LogGroup, lines: LogLines): LogLines {
    const { clock, meter, log } = this.#options;
    const { masked, withFindings, report } = inspect(group, protection, lines.events, clock.now());
    if (withFindings === 0) return lines;
    const dimensions: Record<string, string>[] = [{ LogGroupName: group.name }, {}];
    const sample = { namespace: 'AWS/Logs', dimensions, unit: 'Count' };
    meter.record(group.scope, { ...sample, metricName: 'LogEventsWithFindings', value: withFindings });
    const { findingsGroup } = protection;
    // A report about a report would never end.
    if (findingsGroup !== undefined && this.groups.peek(group.scope, findingsGroup)?.isProtected !== true) {
      this.appendFromService(group.scope, findingsGroup, `${group.id}`, report).catch((error) => {
        log.warn('data protection findings are lost', { group: findingsGroup, error });
      });
    }
    return new LogLines(masked);
  }

  #measure(group: LogGroup, events: number, bytes: number): void {
    const { meter } = this.#options;
    const namespace = 'AWS/Logs';
    const dimensions: Record<string, string>[] = [{ LogGroupName: group.name }, {}];
    meter.record(group.scope, { namespace, metricName: 'IncomingLogEvents', dimensions, value: events, unit: 'Count' });
    meter.record(group.scope, { namespace, metricName: 'IncomingBytes', dimensions, value: bytes, unit: 'Bytes' });
  }

  #measureTransformed(group: LogGroup, events: readonly TransformedEvent[]): void {
    const { meter } = this.#options;
    const sample = { namespace: 'AWS/Logs', dimensions: [{ LogGroupName: group.name }], unit: 'Count' };
    const texts = events.map(({ transformed }) => transformed).filter(isTransformed);
    const errors = events.length - texts.length;
    if (errors > 0) meter.record(group.scope, { ...sample, metricName: 'TransformationErrors', value: errors });
    if (texts.length === 0) return;
    meter.record(group.scope, { ...sample, metricName: 'TransformedLogEvents', value: texts.length });
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    meter.record(group.scope, { ...sample, metricName: 'TransformedBytes', value: bytes, unit: 'Bytes' });
  }

  #measureEmbedded(group: LogGroup, { parsingErrors, validationErrors }: EmbeddedMetrics): void {
    const { meter } = this.#options;
    const dimensions: Record<string, string>[] = [{ LogGroupName: group.name }, {}];
    const sample = { namespace: 'AWS/Logs', dimensions, unit: 'Count' };
    if (parsingErrors > 0)
      meter.record(group.scope, { ...sample, metricName: 'EMFParsingErrors', value: parsingErrors });
    if (validationErrors > 0) {
      meter.record(group.scope, { ...sample, metricName: 'EMFValidationErrors', value: validationErrors });
    }
  }

  /** Both may be deleted at any moment, so finding them is tried again, within reason. */
  async #findOrCreate(scope: LogScope, groupName: string, streamName: string): Promise<[LogGroup, LogStream]> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const group = (await this.groups.find(scope, groupName)) ?? (await this.groups.create(scope, groupName));
      if (!group) continue;
      const streams = await this.groups.streams(group);
      const stream = streams.get(streamName) ?? (await this.groups.createStream(group, streamName));
      if (stream) return [group, stream];
    }
    throw new Error(`The log stream ${groupName} ${streamName} is deleted again and again.`);
  }
}

/** Whether metrics embedded in its events become metrics. */
function extractsMetrics(group: LogGroup): boolean {
  return group.document.logGroupClass === 'STANDARD' && group.inherited.extractsMetrics;
}

/** Whether anything looks at its events as they come. */
function isWatched(group: LogGroup): boolean {
  return group.metricFilters.size > 0 || group.feeds.size > 0 || group.tails.size > 0;
}

function partition<T>(all: readonly T[], belongs: (one: T) => boolean): [T[], T[]] {
  return [all.filter(belongs), all.filter((one) => !belongs(one))];
}

function inOrder(events: readonly LogEventInput[]): boolean {
  for (let i = 1; i < events.length; i++) if (events[i]!.timestamp < events[i - 1]!.timestamp) return false;
  return true;
}
