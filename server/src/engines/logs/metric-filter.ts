// Metric filters: a pattern over a group's events and the metric data that each event gives, gathered per minute.

import {
  compileMatcher,
  type FilterPattern,
  FilterPatternError,
  type LogLine,
  type Matcher,
  parseFilterPattern,
  parseValueSelector,
  selectValue,
  type ValueSelector,
} from '#engines/filter-pattern/filter-pattern.ts';
import type { MetricDatumInput } from '#engines/metrics/metric-store.ts';
import { defineCollection } from '#storage/state/state.ts';
import type { LogScope } from './log-group.ts';
import type { LogLines } from './log-lines.ts';
import { selectsScope } from './selection-criteria.ts';
import { systemFieldsOf } from './system-fields.ts';

export interface MetricFilterDocument {
  name: string;
  pattern: string;
  createdAtMs: number;
  transformations: MetricTransformation[];
  /** `@aws.account` and `@aws.region` as further dimensions. */
  systemFieldDimensions?: string[];
  /** Which accounts and regions events must come from to be looked at. */
  fieldSelectionCriteria?: string;
  /** It looks at what the group's transformer makes of the events; without a transformer at the events themselves. */
  applyOnTransformedLogs?: boolean;
}

export interface MetricTransformation {
  namespace: string;
  name: string;
  /** A number, or a selector of one in the event. */
  value: string;
  /** Emitted for each event that does not match. */
  defaultValue?: number;
  unit?: string;
  /** Dimension name -> selector in the event. */
  dimensions?: Record<string, string>;
}

/** Keyed by `GROUPID/filter name`. */
export const METRIC_FILTERS = defineCollection<MetricFilterDocument>('logs.metric-filters');

export interface CompiledMetricFilter {
  document: MetricFilterDocument;
  /** Whether it looks at events of the group's account and region at all. */
  selected: boolean;
  pattern: FilterPattern;
  matches: Matcher;
  transformations: CompiledTransformation[];
}

interface CompiledTransformation {
  transformation: MetricTransformation;
  value: ValueSelector;
  dimensions: [name: string, selector: ValueSelector][];
}

const MINUTE_MS = 60_000;
/** CloudWatch takes no longer dimension values. */
const LONGEST_DIMENSION_VALUE = 1024;

/** For a group of that scope. Throws FilterPatternError. */
export function compileMetricFilter(document: MetricFilterDocument, scope: LogScope): CompiledMetricFilter {
  const pattern = parseFilterPattern(document.pattern);
  const transformations = document.transformations.map((transformation) => ({
    transformation,
    value: parseValueSelector(transformation.value),
    dimensions: Object.entries(transformation.dimensions ?? {}).map(([name, selector]): [string, ValueSelector] => [
      name,
      parseValueSelector(selector),
    ]),
  }));
  const selected = selectsScope(document.fieldSelectionCriteria, scope);
  return { document, selected, pattern, matches: compileMatcher(pattern), transformations };
}

/** One that is stored: with a pattern that only an earlier version took it counts nothing. */
export function compileStoredMetricFilter(document: MetricFilterDocument, scope: LogScope): CompiledMetricFilter {
  try {
    return compileMetricFilter(document, scope);
  } catch (error) {
    if (!(error instanceof FilterPatternError)) throw error;
    const empty = compileMetricFilter({ ...document, pattern: '', transformations: [] }, scope);
    return { ...empty, document, selected: false };
  }
}

/** Whether what it says of an event that does not match depends on the event. */
export function needsEveryEvent({ transformations }: CompiledMetricFilter): boolean {
  return transformations.some(
    ({ transformation, dimensions }) => transformation.defaultValue !== undefined && dimensions.length > 0,
  );
}

/** What the filters make of a batch of events: namespace -> data. */
export function collectMetricData(
  filters: Iterable<CompiledMetricFilter>,
  lines: LogLines,
  group: LogOrigin,
): Map<string, MetricDatumInput[]> {
  const series = new Map<string, Series>();
  const all = [...filters].filter(({ selected }) => selected);
  const { events } = lines;
  for (let row = 0; row < events.length; row++) {
    const line = lines.at(row);
    for (let i = 0; i < all.length; i++) collect(series, all[i]!, i, line, events[row]!.timestamp, group);
  }
  for (const [minuteMs, count] of lines.sieved?.others ?? []) {
    for (let i = 0; i < all.length; i++) collectUnmatched(series, all[i]!, i, minuteMs, count, group);
  }
  const byNamespace = new Map<string, MetricDatumInput[]>();
  for (const { namespace, counts, ...datum } of series.values()) {
    const data = byNamespace.get(namespace) ?? [];
    data.push({ ...datum, data: { kind: 'values', values: [...counts.keys()], counts: [...counts.values()] } });
    byNamespace.set(namespace, data);
  }
  return byNamespace;
}

/** The group that the events are of. */
interface LogOrigin {
  scope: LogScope;
  name: string;
}

/** One metric in one minute. */
interface Series {
  namespace: string;
  metricName: string;
  dimensions: Record<string, string>;
  timestampMs: number;
  unit: string;
  /** How often each value occurred. */
  counts: Map<number, number>;
}

function collect(
  series: Map<string, Series>,
  { document, pattern, matches, transformations }: CompiledMetricFilter,
  index: number,
  line: LogLine,
  timestamp: number,
  group: LogOrigin,
): void {
  const matched = matches(line);
  const minuteMs = Math.floor(timestamp / MINUTE_MS) * MINUTE_MS;
  for (const { transformation, value: selector, dimensions: selectors } of transformations) {
    const value = matched ? numberOf(selectValue(selector, pattern, line)) : transformation.defaultValue;
    if (value === undefined) continue;
    const dimensions =
      selectors.length > 0 || document.systemFieldDimensions
        ? systemFieldsOf(document.systemFieldDimensions, group)
        : NONE;
    for (const [dimension, dimensionSelector] of selectors) {
      const text = selectValue(dimensionSelector, pattern, line);
      // Without one of its dimensions the event would count under another metric.
      if (text === undefined || text === '') return;
      dimensions[dimension] = text.slice(0, LONGEST_DIMENSION_VALUE);
    }
    count(series, index, transformation, dimensions, minuteMs, value, 1);
  }
}

/** `times` events of one minute that do not match. */
function collectUnmatched(
  series: Map<string, Series>,
  { document, transformations }: CompiledMetricFilter,
  index: number,
  minuteMs: number,
  times: number,
  group: LogOrigin,
): void {
  for (const { transformation } of transformations) {
    if (transformation.defaultValue === undefined) continue;
    const dimensions = document.systemFieldDimensions ? systemFieldsOf(document.systemFieldDimensions, group) : NONE;
    count(series, index, transformation, dimensions, minuteMs, transformation.defaultValue, times);
  }
}

function count(
  series: Map<string, Series>,
  index: number,
  { namespace, name: metricName, unit = 'None' }: MetricTransformation,
  dimensions: Record<string, string>,
  minuteMs: number,
  value: number,
  times: number,
): void {
  const key = dimensions === NONE ? `${index} ${minuteMs}` : `${index} ${minuteMs} ${JSON.stringify(dimensions)}`;
  let found = series.get(key);
  if (!found) {
    found = { namespace, metricName, dimensions, timestampMs: minuteMs, unit, counts: new Map() };
    series.set(key, found);
  }
  found.counts.set(value, (found.counts.get(value) ?? 0) + times);
}

const NONE: Record<string, string> = Object.freeze({}) as Record<string, string>;

/** CloudWatch takes no NaN and no infinities. */
function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
