// Metrics: the registry of (namespace, name, dimensions) and their points. Writers go through a batch: look the metric
// up, add points, commit; what commit resolved is durable. Readers ask many series in one go (metric-query.ts).

import type { Clock, Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { StateStore } from '#storage/state/state.ts';
import { sql } from '#storage/telemetry/sql.ts';
import type { MetricPoint, QueryOptions, Telemetry } from '#storage/telemetry/telemetry.ts';
import { type DataPoint, type MetricQuery, RETENTION_S, runMetricQueries } from './metric-query.ts';
import {
  type Dimension,
  isSpelled,
  type Metric,
  type MetricIdentity,
  MetricRegistry,
  type MetricScope,
  type NamespaceIndex,
  sortDimensions,
} from './metric-registry.ts';

export type { Dimension, Metric, MetricIdentity, MetricScope } from './metric-registry.ts';

export interface MetricDatumInput {
  metricName: string;
  dimensions: Record<string, string>;
  timestampMs: number;
  unit?: string;
  /** 1 for high resolution, 60 otherwise. */
  storageResolution?: number;
  data:
    | { kind: 'values'; values: readonly number[]; counts?: readonly number[] }
    | { kind: 'statistics'; sampleCount: number; sum: number; minimum: number; maximum: number };
}

export interface MetricStore {
  /** Stores data already validated; resolves once durable. */
  put(scope: MetricScope, namespace: string, data: readonly MetricDatumInput[]): Promise<void>;
  /** The same for callers with a thousand data points at a time: see MetricBatch. */
  batch(scope: MetricScope, namespace: string): Promise<MetricBatch>;
  /** The metric of that identity (dimensions in any order), if it was ever put. */
  find(identity: MetricIdentity): Promise<Metric | undefined>;
  /** Metrics by rising id, from a namespace or all, of one name or all. */
  list(scope: MetricScope, filter?: { namespace?: string; name?: string }): Promise<readonly Metric[]>;
  /** The data points of each query, oldest first. */
  query(queries: readonly MetricQuery[], options?: QueryOptions): Promise<DataPoint[][]>;
  /** Calls back after data of that metric became durable, also when the metric is created later. */
  watch(identity: MetricIdentity, listener: () => void): () => void;
  /** Whether someone watches that metric. */
  isWatched(identity: MetricIdentity): boolean;
  /** For what holds data back (the meter): `settle` runs before anything is read, `discard` at a reset. */
  attach(source: { settle: () => Promise<void>; discard: () => void }): void;
  /** What was recorded before can be found after. `list` and `query` do it by themselves. */
  settle(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Forgets what is in memory after the stores were emptied. */
  reset(): Promise<void>;
}

/** What one request puts. Nothing is stored before `commit`. */
export interface MetricBatch {
  /** The metric when it exists; its name and dimensions were valid then. */
  find(name: string, dimensions: readonly Partial<Dimension>[] | undefined): Metric | undefined;
  /** The place of a metric that `commit` creates; name and dimensions are valid. */
  create(name: string, dimensions: readonly Dimension[]): NewMetric;
  addValue(
    metric: Metric | NewMetric,
    timestampMs: number,
    unit: string,
    resolution: number,
    value: number,
    count: number,
  ): void;
  /** Several values with their counts (1 each when absent); both stay as they are until `commit` is through. */
  addValues(
    metric: Metric | NewMetric,
    timestampMs: number,
    unit: string,
    resolution: number,
    values: readonly number[],
    counts: readonly number[] | undefined,
  ): void;
  addStatistics(
    metric: Metric | NewMetric,
    timestampMs: number,
    unit: string,
    resolution: number,
    statistics: { sampleCount: number; sum: number; minimum: number; maximum: number },
  ): void;
  commit(): Promise<void>;
}

/** A metric that does not exist yet: a place in the batch's list of creations. */
export interface NewMetric {
  readonly newIndex: number;
}

export interface MetricStoreOptions {
  state: StateStore;
  telemetry: Telemetry;
  clock: Clock;
  log: Logger;
}

/** How often last puts are written down and old data removed. */
const UPKEEP_INTERVAL_MS = 30 * 60_000;
const RETENTION_INTERVAL_MS = 7 * 24 * 60 * 60_000;

export function createMetricStore(options: MetricStoreOptions): MetricStore {
  return new StandardMetricStore(options);
}

class StandardMetricStore implements MetricStore {
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #registry: MetricRegistry;
  readonly #watchers = new Watchers();
  readonly #sources: { settle: () => Promise<void>; discard: () => void }[] = [];
  #upkeep: Timer | undefined;
  #nextRetentionMs = 0;

  constructor({ state, telemetry, clock, log }: MetricStoreOptions) {
    this.#telemetry = telemetry;
    this.#clock = clock;
    this.#log = log;
    this.#registry = new MetricRegistry(state);
  }

  async put(scope: MetricScope, namespace: string, data: readonly MetricDatumInput[]): Promise<void> {
    const batch = await this.batch(scope, namespace);
    for (const { metricName, dimensions, timestampMs, unit = 'None', storageResolution = 60, data: datum } of data) {
      const pairs = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
      const metric = batch.find(metricName, pairs) ?? batch.create(metricName, pairs);
      if (datum.kind === 'statistics') batch.addStatistics(metric, timestampMs, unit, storageResolution, datum);
      else {
        batch.addValues(metric, timestampMs, unit, storageResolution, datum.values, datum.counts);
      }
    }
    await batch.commit();
  }

  async batch(scope: MetricScope, namespace: string): Promise<MetricBatch> {
    if (!this.#registry.loaded) await this.#load();
    return new StandardBatch(this, this.#registry.namespace(scope, namespace), this.#clock.now());
  }

  async find({ scope, namespace, name, dimensions }: MetricIdentity): Promise<Metric | undefined> {
    if (!this.#registry.loaded) await this.#load();
    return this.#registry.namespace(scope, namespace).find(name, dimensions);
  }

  async list(
    scope: MetricScope,
    { namespace, name }: { namespace?: string; name?: string } = {},
  ): Promise<readonly Metric[]> {
    if (!this.#registry.loaded) await this.#load();
    await this.settle();
    return this.#registry.metrics(scope, namespace, name);
  }

  async query(queries: readonly MetricQuery[], options?: QueryOptions): Promise<DataPoint[][]> {
    if (queries.length === 0) return [];
    await this.settle();
    return runMetricQueries(this.#telemetry, queries, options);
  }

  watch(identity: MetricIdentity, listener: () => void): () => void {
    const metric = this.#registry
      .namespace(identity.scope, identity.namespace)
      .find(identity.name, identity.dimensions);
    return this.#watchers.add(identity, metric, listener);
  }

  isWatched(identity: MetricIdentity): boolean {
    return this.#watchers.has(identity);
  }

  attach(source: { settle: () => Promise<void>; discard: () => void }): void {
    this.#sources.push(source);
  }

  /** For StandardBatch: creates what is missing, appends the points, tells the watchers. */
  async commit(
    points: MetricPoint[],
    created: MetricIdentity[],
    newIndexes: number[],
    touched: Set<Metric>,
  ): Promise<void> {
    if (created.length > 0) {
      const metrics = await this.#registry.create(created, this.#clock.now());
      for (const [i, point] of points.entries()) {
        const newIndex = newIndexes[i]!;
        if (newIndex < 0) continue;
        const metric = metrics[newIndex]!;
        point.metricId = metric.id;
        metric.newestDataMs = Math.max(metric.newestDataMs, point.timestampS * 1000);
      }
      for (const metric of metrics) {
        this.#watchers.adopt(metric);
        if (metric.watched) touched.add(metric);
      }
    }
    if (points.length > 0) await this.#telemetry.appendMetricPoints(points);
    for (const metric of touched) this.#watchers.notify(metric);
  }

  async start(): Promise<void> {
    if (this.#upkeep) return;
    this.#nextRetentionMs = this.#clock.now() + RETENTION_INTERVAL_MS;
    this.#scheduleUpkeep();
  }

  async stop(): Promise<void> {
    this.#upkeep?.cancel();
    this.#upkeep = undefined;
    if (this.#registry.loaded) await this.#registry.storeLastPuts();
  }

  async reset(): Promise<void> {
    for (const source of this.#sources) source.discard();
    this.#registry.reset();
    this.#watchers.clear();
  }

  async #load(): Promise<void> {
    await this.#registry.load();
    for (const metric of this.#registry.all()) this.#watchers.adopt(metric);
  }

  async settle(): Promise<void> {
    for (const source of this.#sources) await source.settle();
  }

  #scheduleUpkeep(): void {
    this.#upkeep = this.#clock.at(this.#clock.now() + UPKEEP_INTERVAL_MS, async () => {
      try {
        await this.#runUpkeep();
      } catch (error) {
        this.#log.error('metrics upkeep failed', { error });
      }
      if (this.#upkeep) this.#scheduleUpkeep();
    });
  }

  async #runUpkeep(): Promise<void> {
    if (!this.#registry.loaded) return;
    await this.#registry.storeLastPuts();
    if (this.#clock.now() < this.#nextRetentionMs) return;
    this.#nextRetentionMs = this.#clock.now() + RETENTION_INTERVAL_MS;
    const cutoffS = Math.floor(this.#clock.now() / 1000) - RETENTION_S;
    await this.#dropMonthsBefore(cutoffS);
    await this.#registry.forget(cutoffS * 1000);
  }

  /** A month at a time, which costs nothing; what a dropped month's last days leave behind no query looks at. */
  async #dropMonthsBefore(cutoffS: number): Promise<void> {
    const month = Number(new Date(cutoffS * 1000).toISOString().slice(0, 7).replace('-', ''));
    const { rows } = await this.#telemetry.query<{ id: string }>(
      sql`SELECT DISTINCT partition_id AS id FROM system.parts WHERE table = 'metric_points' AND active AND toUInt32OrZero(partition_id) < ${month}`,
    );
    for (const { id } of rows) await this.#telemetry.statement(sql`ALTER TABLE metric_points DROP PARTITION ID ${id}`);
  }
}

class StandardBatch implements MetricBatch {
  readonly #store: StandardMetricStore;
  readonly #index: NamespaceIndex;
  readonly #nowMs: number;
  readonly #points: MetricPoint[] = [];
  /** The same length as `#points` once a metric is to be created: its place in `#created`, or -1. */
  readonly #newIndexes: number[] = [];
  readonly #created: MetricIdentity[] = [];
  readonly #touched = new Set<Metric>();
  /** The metric found last. */
  #previous: Metric | undefined;

  constructor(store: StandardMetricStore, index: NamespaceIndex, nowMs: number) {
    this.#store = store;
    this.#index = index;
    this.#nowMs = nowMs;
  }

  /** First the metric that followed the one before in the last request: comparing strings is cheaper than hashing them. */
  find(name: string, dimensions: readonly Partial<Dimension>[] | undefined): Metric | undefined {
    const previous = this.#previous;
    const guess = previous?.next;
    if (guess !== undefined && guess.name === name && isSpelled(guess.spelled, dimensions) && !guess.forgotten) {
      this.#previous = guess;
      return guess;
    }
    const metric = this.#index.find(name, dimensions);
    if (metric === undefined) return undefined;
    if (!isSpelled(metric.spelled, dimensions)) metric.spelled = dimensions!.map(copyDimension);
    if (previous !== undefined) previous.next = metric;
    this.#previous = metric;
    return metric;
  }

  create(name: string, dimensions: readonly Dimension[]): NewMetric {
    const { scope, namespace } = this.#index;
    return { newIndex: this.#created.push({ scope, namespace, name, dimensions }) - 1 };
  }

  addValue(
    metric: Metric | NewMetric,
    timestampMs: number,
    unit: string,
    resolution: number,
    value: number,
    count: number,
  ): void {
    this.#add(metric, timestampMs, unit, resolution, { kind: 'value', value, count });
  }

  addValues(
    metric: Metric | NewMetric,
    timestampMs: number,
    unit: string,
    resolution: number,
    values: readonly number[],
    counts: readonly number[] | undefined,
  ): void {
    if (values.length === 0) return;
    if (values.length === 1) {
      this.addValue(metric, timestampMs, unit, resolution, values[0]!, counts?.[0] ?? 1);
      return;
    }
    let sampleCount = 0;
    let sum = 0;
    let minimum = Number.POSITIVE_INFINITY;
    let maximum = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const count = counts === undefined ? 1 : counts[i]!;
      sampleCount += count;
      sum += value * count;
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
    }
    const inCounts = counts === undefined ? {} : { counts };
    this.#add(metric, timestampMs, unit, resolution, {
      kind: 'values',
      values,
      ...inCounts,
      sampleCount,
      sum,
      minimum,
      maximum,
    });
  }

  addStatistics(
    metric: Metric | NewMetric,
    timestampMs: number,
    unit: string,
    resolution: number,
    { sampleCount, sum, minimum, maximum }: { sampleCount: number; sum: number; minimum: number; maximum: number },
  ): void {
    this.#add(metric, timestampMs, unit, resolution, { kind: 'statistics', sampleCount, sum, minimum, maximum });
  }

  commit(): Promise<void> {
    return this.#store.commit(this.#points, this.#created, this.#newIndexes, this.#touched);
  }

  #add(
    metric: Metric | NewMetric,
    timestampMs: number,
    unit: string,
    resolution: number,
    data: MetricPoint['data'],
  ): void {
    let metricId = -1;
    let newIndex = -1;
    if ('newIndex' in metric) newIndex = metric.newIndex;
    else {
      metricId = metric.id;
      metric.lastPutMs = this.#nowMs;
      if (timestampMs > metric.newestDataMs) metric.newestDataMs = timestampMs;
      if (metric.watched) this.#touched.add(metric);
    }
    // A metric of regular resolution is kept by the minute: a query by the second finds it at the full minute.
    const unitMs = resolution === 60 ? 60_000 : 1000;
    const timestampS = (Math.floor(timestampMs / unitMs) * unitMs) / 1000;
    this.#points.push({ metricId, timestampS, unit, storageResolution: resolution, data });
    this.#newIndexes.push(newIndex);
  }
}

function copyDimension({ Name, Value }: Partial<Dimension>): Dimension {
  return { Name: Name!, Value: Value! };
}

/** Listeners by metric, and by identity for those whose metric does not exist yet. */
class Watchers {
  readonly #byIdentity = new Map<string, Set<() => void>>();
  readonly #byMetric = new Map<number, Set<() => void>>();

  add(identity: MetricIdentity, metric: Metric | undefined, listener: () => void): () => void {
    const key = identityKey(identity);
    let listeners = this.#byIdentity.get(key);
    if (!listeners) {
      listeners = new Set();
      this.#byIdentity.set(key, listeners);
    }
    listeners.add(listener);
    if (metric) this.#attach(metric, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#byIdentity.get(key) === listeners) this.#byIdentity.delete(key);
    };
  }

  has(identity: MetricIdentity): boolean {
    return this.#byIdentity.size > 0 && this.#byIdentity.has(identityKey(identity));
  }

  /** A metric came into being (or into memory): whoever waits for its identity hears of it from now on. */
  adopt(metric: Metric): void {
    if (this.#byIdentity.size === 0) return;
    const listeners = this.#byIdentity.get(identityKey(metric));
    if (listeners) this.#attach(metric, listeners);
  }

  notify(metric: Metric): void {
    const listeners = this.#byMetric.get(metric.id);
    if (!listeners || listeners.size === 0) {
      this.#byMetric.delete(metric.id);
      metric.watched = false;
      return;
    }
    for (const listener of listeners) listener();
  }

  clear(): void {
    this.#byIdentity.clear();
    this.#byMetric.clear();
  }

  #attach(metric: Metric, listeners: Set<() => void>): void {
    this.#byMetric.set(metric.id, listeners);
    metric.watched = true;
  }
}

function identityKey({ scope, namespace, name, dimensions }: MetricIdentity): string {
  const pairs = sortDimensions(dimensions).map(({ Name, Value }) => [Name, Value]);
  return JSON.stringify([scope.account, scope.region, namespace, name, pairs]);
}
