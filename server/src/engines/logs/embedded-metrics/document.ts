// One log event in the embedded metric format: JSON whose member `_aws` says which other members are metrics, and under
// which dimensions. What breaks the rules takes down as little as possible: one metric, one dimension set, one directive.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

import { isMetricUnit } from './unit.ts';

export interface EmbeddedMetric {
  namespace: string;
  name: string;
  dimensions: Record<string, string>;
  timestampMs: number;
  unit: string;
  /** 1 or 60. */
  storageResolution: number;
  values: readonly number[];
}

export interface EmbeddedDocument {
  metrics: EmbeddedMetric[];
  /** The event says that it is one, but is no JSON object with the members that every document has. */
  parsingErrors: number;
  /** Directives, dimension sets and metrics that were left out. */
  validationErrors: number;
}

/**
 * Every document has this word in it. It is looked for before anything is parsed: long enough for V8 to skip ahead,
 * so that events without it cost a hundredth of a second in a gigabyte.
 */
const MARK = 'CloudWatchMetrics';
/** What Lambda's runtimes write before a line: `[INFO]\t2026-…Z\tREQUEST ID\t`, `2026-…Z\tREQUEST ID\tINFO\t`. */
const LAMBDA_PREFIX = /^(?:\[[A-Z]+\]\t)?\d{4}-\d\d-\d\dT[\d:.,]+Z\t\S+\t(?:[A-Z]+\t)?(?=\{)/;

const MOST_METRICS = 100;
const MOST_DIMENSIONS = 30;
const MOST_VALUES = 100;
const LONGEST_NAME = 255;
const LONGEST_DIMENSION_VALUE = 1024;
const NAMESPACE = /^[\w.\-/#: ]+$/;
const OLDEST_MS = 14 * 86_400_000;
const NEWEST_LEAD_MS = 2 * 3_600_000;
/** CloudWatch takes no larger values. */
const LARGEST_VALUE = 2 ** 360;

export function mayBeEmbedded(message: string): boolean {
  return message.includes(MARK);
}

/** Of the bytes of many messages. */
export function mayHoldEmbedded(messages: Buffer): boolean {
  return messages.includes(MARK);
}

/** Undefined for an event that is no document: nothing is wrong with it, nothing is taken from it. */
export function readEmbeddedDocument(message: string, nowMs: number): EmbeddedDocument | undefined {
  if (!message.includes('"_aws"')) return undefined;
  const found: EmbeddedDocument = { metrics: [], parsingErrors: 0, validationErrors: 0 };
  const root = parse(message);
  const metadata = root?._aws;
  if (root && metadata === undefined) return undefined;
  if (!root || !isObject(metadata) || !Array.isArray(metadata.CloudWatchMetrics)) {
    found.parsingErrors++;
    return found;
  }
  const timestampMs = metadata.Timestamp;
  if (typeof timestampMs !== 'number') {
    found.parsingErrors++;
    return found;
  }
  if (timestampMs < nowMs - OLDEST_MS || timestampMs > nowMs + NEWEST_LEAD_MS) {
    found.validationErrors++;
    return found;
  }
  for (const directive of metadata.CloudWatchMetrics) readDirective(directive, root, timestampMs, found);
  return found;
}

function parse(message: string): Record<string, unknown> | undefined {
  const text = message.charCodeAt(0) === 123 ? message : message.replace(LAMBDA_PREFIX, '');
  try {
    const root: unknown = JSON.parse(text);
    return isObject(root) ? root : undefined;
  } catch {
    return undefined;
  }
}

function readDirective(
  directive: unknown,
  root: Record<string, unknown>,
  timestampMs: number,
  found: EmbeddedDocument,
): void {
  if (!isObject(directive) || !isNamespace(directive.Namespace)) {
    found.validationErrors++;
    return;
  }
  const { Namespace: namespace, Dimensions: sets, Metrics: definitions } = directive;
  if (!Array.isArray(sets) || sets.length === 0 || !Array.isArray(definitions) || definitions.length > MOST_METRICS) {
    found.validationErrors++;
    return;
  }
  const dimensionSets = readDimensionSets(sets, root, found);
  for (const definition of definitions) {
    const metric = readMetric(definition, root);
    if (!metric) found.validationErrors++;
    else for (const dimensions of dimensionSets) found.metrics.push({ ...metric, namespace, dimensions, timestampMs });
  }
}

/** Each set makes metrics of its own; one that is named twice makes them once. */
function readDimensionSets(
  sets: readonly unknown[],
  root: Record<string, unknown>,
  found: EmbeddedDocument,
): Record<string, string>[] {
  const valid = new Map<string, Record<string, string>>();
  for (const set of sets) {
    const dimensions = Array.isArray(set) && set.length <= MOST_DIMENSIONS ? readDimensions(set, root) : undefined;
    if (dimensions) valid.set(JSON.stringify(Object.entries(dimensions).sort()), dimensions);
    else found.validationErrors++;
  }
  return [...valid.values()];
}

function readDimensions(names: readonly unknown[], root: Record<string, unknown>): Record<string, string> | undefined {
  const dimensions: Record<string, string> = {};
  for (const name of names) {
    if (!isName(name)) return undefined;
    const value = Object.hasOwn(root, name) ? root[name] : undefined;
    if (typeof value !== 'string' || value.trim() === '' || value.length > LONGEST_DIMENSION_VALUE) return undefined;
    dimensions[name] = value;
  }
  return dimensions;
}

type Measured = Pick<EmbeddedMetric, 'name' | 'unit' | 'storageResolution' | 'values'>;

function readMetric(definition: unknown, root: Record<string, unknown>): Measured | undefined {
  if (!isObject(definition)) return undefined;
  const { Name: name, Unit: unit = 'None', StorageResolution: storageResolution = 60 } = definition;
  if (!isName(name) || !isMetricUnit(unit) || (storageResolution !== 1 && storageResolution !== 60)) return undefined;
  const target = Object.hasOwn(root, name) ? root[name] : undefined;
  const values: unknown[] = Array.isArray(target) ? target : [target];
  if (values.length === 0 || values.length > MOST_VALUES || !values.every(isValue)) return undefined;
  return { name, unit, storageResolution, values };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_NAME && value.trim() !== '' && !value.startsWith(':');
}

/** Namespaces of AWS's own services are not for others to write to. */
function isNamespace(value: unknown): value is string {
  return isName(value) && NAMESPACE.test(value) && !value.startsWith('AWS/');
}

function isValue(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= LARGEST_VALUE;
}
