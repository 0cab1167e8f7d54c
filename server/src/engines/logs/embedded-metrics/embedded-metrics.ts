// Metrics out of a batch of log events. Like the data of metric filters they are durable before the batch is
// acknowledged: they go to disk beside its events, in the same time, so nothing has to be remembered about them. A crash
// in between leaves an unacknowledged batch; sent again, it may count twice ("at least once" is what AWS promises too).

import type { MetricDatumInput } from '#engines/metrics/metric-store.ts';
import type { LogEventInput } from '../log-store.ts';
import { type EmbeddedMetric, mayBeEmbedded, readEmbeddedDocument } from './document.ts';

export interface EmbeddedMetrics {
  /** Namespace -> data. */
  data: Map<string, MetricDatumInput[]>;
  parsingErrors: number;
  validationErrors: number;
}

/** Distinct values in one data point. */
const MOST_VALUES = 5_000;

/** Undefined when none of the events is a document, which costs one search for a word in each. */
export function extractEmbeddedMetrics(events: readonly LogEventInput[], nowMs: number): EmbeddedMetrics | undefined {
  let found: Gathering | undefined;
  for (let i = 0; i < events.length; i++) {
    const { message } = events[i]!;
    if (!mayBeEmbedded(message)) continue;
    const document = readEmbeddedDocument(message, nowMs);
    if (!document) continue;
    found ??= { series: new Map(), parsingErrors: 0, validationErrors: 0 };
    found.parsingErrors += document.parsingErrors;
    found.validationErrors += document.validationErrors;
    for (const metric of document.metrics) gather(found.series, metric);
  }
  return found && { ...found, data: byNamespace(found.series.values()) };
}

interface Gathering {
  series: Map<string, Series>;
  parsingErrors: number;
  validationErrors: number;
}

/** One metric in one second or minute. */
interface Series {
  metric: EmbeddedMetric;
  timestampMs: number;
  counts: Map<number, number>;
  /** Counts that are full. */
  earlier: Map<number, number>[];
}

function gather(series: Map<string, Series>, metric: EmbeddedMetric): void {
  const { namespace, name, unit, storageResolution, dimensions } = metric;
  const unitMs = storageResolution * 1000;
  const timestampMs = Math.floor(metric.timestampMs / unitMs) * unitMs;
  const key = JSON.stringify([namespace, name, unit, storageResolution, timestampMs, dimensions]);
  let found = series.get(key);
  if (!found) {
    found = { metric, timestampMs, counts: new Map(), earlier: [] };
    series.set(key, found);
  }
  for (const value of metric.values) {
    const count = found.counts.get(value);
    if (count === undefined && found.counts.size >= MOST_VALUES) {
      found.earlier.push(found.counts);
      found.counts = new Map();
    }
    found.counts.set(value, (count ?? 0) + 1);
  }
}

function byNamespace(all: Iterable<Series>): Map<string, MetricDatumInput[]> {
  const namespaces = new Map<string, MetricDatumInput[]>();
  for (const { metric, timestampMs, counts, earlier } of all) {
    const { namespace, name: metricName, dimensions, unit, storageResolution } = metric;
    const data = namespaces.get(namespace) ?? [];
    for (const part of [...earlier, counts]) {
      data.push({
        metricName,
        dimensions,
        timestampMs,
        unit,
        storageResolution,
        data: { kind: 'values', values: [...part.keys()], counts: [...part.values()] },
      });
    }
    namespaces.set(namespace, data);
  }
  return namespaces;
}
