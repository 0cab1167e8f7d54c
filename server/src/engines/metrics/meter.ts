// The services' own metrics (AWS/Lambda, AWS/SQS …): what is recorded is gathered in memory, each distinct value with
// its count, so that percentiles stay exact, and put as metric data every few seconds. Nobody was promised what is
// still in memory, so a crash may lose that much. A query first puts what is waiting.

import type { Clock, Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { Meter, MeterSample } from '#core/meter.ts';
import type { MetricDatumInput, MetricScope, MetricStore } from './metric-store.ts';

export interface MeterOptions {
  metrics: MetricStore;
  clock: Clock;
  log: Logger;
}

const FLUSH_INTERVAL_MS = 5000;
/** A metric that an alarm watches does not wait for company. */
const WATCHED_FLUSH_DELAY_MS = 200;
/** Distinct values in memory before they are put early. */
const MAX_WAITING_VALUES = 20_000;
/** What waits while the store fails; beyond it samples are dropped. */
const MAX_RETAINED_VALUES = 200_000;

/** One metric in one minute. */
interface Series {
  scope: MetricScope;
  namespace: string;
  metricName: string;
  dimensions: Record<string, string>;
  unit: string;
  timestampMs: number;
  counts: Map<number, number>;
}

export function createMeter(options: MeterOptions): Meter & { flush(): Promise<void>; stop(): Promise<void> } {
  return new GatheringMeter(options);
}

class GatheringMeter implements Meter {
  readonly #metrics: MetricStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  #waiting = new Map<string, Series>();
  #waitingValues = 0;
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #flushing: Promise<void> = Promise.resolve();

  constructor({ metrics, clock, log }: MeterOptions) {
    this.#metrics = metrics;
    this.#clock = clock;
    this.#log = log;
    metrics.attach({ settle: () => this.flush(), discard: () => this.#discard() });
  }

  record(scope: { account: string; region: string }, sample: MeterSample): void {
    if (!Number.isFinite(sample.value) || this.#waitingValues >= MAX_RETAINED_VALUES) return;
    const minuteMs = Math.floor(this.#clock.now() / 60_000) * 60_000;
    const metric = metricKey(scope, sample, minuteMs);
    for (const dimensions of sample.dimensions) {
      const series = this.#series(metric, scope, sample, dimensions, minuteMs);
      const count = series.counts.get(sample.value);
      if (count === undefined) this.#waitingValues++;
      series.counts.set(sample.value, (count ?? 0) + 1);
    }
    if (this.#waitingValues >= MAX_WAITING_VALUES) void this.flush();
    else this.#flushAt(this.#clock.now() + FLUSH_INTERVAL_MS);
  }

  /** Resolves once all that was recorded before is stored. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#flushing = this.#flushing.then(() => this.#put());
    return this.#flushing;
  }

  stop(): Promise<void> {
    return this.flush();
  }

  #discard(): void {
    this.#waiting = new Map();
    this.#waitingValues = 0;
  }

  #series(
    metric: string,
    scope: MetricScope,
    sample: MeterSample,
    dimensions: Record<string, string>,
    minuteMs: number,
  ): Series {
    const key = seriesKey(metric, dimensions);
    let series = this.#waiting.get(key);
    if (!series) {
      const { namespace, metricName, unit } = sample;
      const { account, region } = scope;
      series = {
        scope: { account, region },
        namespace,
        metricName,
        dimensions,
        unit,
        timestampMs: minuteMs,
        counts: new Map(),
      };
      this.#waiting.set(key, series);
      const pairs = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
      if (this.#metrics.isWatched({ scope, namespace, name: metricName, dimensions: pairs })) {
        this.#flushAt(this.#clock.now() + WATCHED_FLUSH_DELAY_MS);
      }
    }
    return series;
  }

  #flushAt(atMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.at(atMs, () => this.flush());
  }

  async #put(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const taken = this.#waiting;
    this.#waiting = new Map();
    this.#waitingValues = 0;
    for (const group of byNamespace(taken.values())) {
      const { scope, namespace } = group[0]!;
      try {
        await this.#metrics.put(scope, namespace, group.map(toDatum));
      } catch (error) {
        this.#log.error('could not store the services own metrics', { namespace, error });
        this.#takeBack(group);
      }
    }
  }

  /** What could not be stored waits for the next flush, as far as there is room. */
  #takeBack(group: readonly Series[]): void {
    for (const series of group) {
      if (this.#waitingValues + series.counts.size > MAX_RETAINED_VALUES) continue;
      const key = seriesKey(metricKey(series.scope, series, series.timestampMs), series.dimensions);
      const newer = this.#waiting.get(key);
      if (newer)
        for (const [value, count] of newer.counts) series.counts.set(value, (series.counts.get(value) ?? 0) + count);
      this.#waiting.set(key, series);
      this.#waitingValues += series.counts.size - (newer?.counts.size ?? 0);
    }
    this.#flushAt(this.#clock.now() + FLUSH_INTERVAL_MS);
  }
}

function metricKey(
  { account, region }: MetricScope,
  { namespace, metricName, unit }: { namespace: string; metricName: string; unit: string },
  minuteMs: number,
): string {
  return `${account}\n${region}\n${namespace}\n${metricName}\n${unit}\n${minuteMs}`;
}

function seriesKey(metric: string, dimensions: Record<string, string>): string {
  let key = metric;
  for (const name of Object.keys(dimensions).sort()) key += `\n${name}\n${dimensions[name]}`;
  return key;
}

function byNamespace(all: Iterable<Series>): Series[][] {
  const groups = new Map<string, Series[]>();
  for (const series of all) {
    const key = `${series.scope.account}\n${series.scope.region}\n${series.namespace}`;
    const group = groups.get(key);
    if (group) group.push(series);
    else groups.set(key, [series]);
  }
  return [...groups.values()];
}

function toDatum({ metricName, dimensions, timestampMs, unit, counts }: Series): MetricDatumInput {
  const data = { kind: 'values' as const, values: [...counts.keys()], counts: [...counts.values()] };
  return { metricName, dimensions, timestampMs, unit, data };
}
