// OpenTelemetry log records as events: each is JSON with its resource and scope, attributes as plain objects.
// https://opentelemetry.io/docs/specs/otlp/ and the JSON encoding that it defines.

import { MOST_EVENTS } from '../batch-limits.ts';
import { invalidParameter } from '../constraints.ts';
import type { ReceivedEvents } from './received-events.ts';

/** An ExportLogsServiceRequest in its JSON form; fields that are not set may be missing. */
export interface LogsRequest {
  resourceLogs?: ResourceLogs[];
}

interface ResourceLogs {
  resource?: { attributes?: KeyValue[] };
  scopeLogs?: ScopeLogs[];
  schemaUrl?: string;
}

interface ScopeLogs {
  scope?: { name?: string; version?: string; attributes?: KeyValue[] };
  logRecords?: LogRecord[];
  schemaUrl?: string;
}

interface LogRecord {
  timeUnixNano?: string | number;
  observedTimeUnixNano?: string | number;
  severityNumber?: number;
  severityText?: string;
  body?: AnyValue;
  attributes?: KeyValue[];
  droppedAttributesCount?: number;
  flags?: number;
  traceId?: string;
  spanId?: string;
  eventName?: string;
}

export interface KeyValue {
  key: string;
  value?: AnyValue;
}

/** One of its members is set, or none: null. */
export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number | string;
  arrayValue?: { values?: AnyValue[] };
  kvlistValue?: { values?: KeyValue[] };
  bytesValue?: string;
}

const NANOS_PER_MS = 1_000_000n;
const DEEPEST_VALUE = 64;

/** Throws InvalidParameterException for what is no request, or too much. */
export function readLogsRequest(request: LogsRequest, nowMs: number): ReceivedEvents {
  const received: ReceivedEvents = { events: [], skipped: 0 };
  for (const { resource, scopeLogs } of listOf<ResourceLogs>(request.resourceLogs, 'resourceLogs')) {
    const attributes = attributesOf(resource?.attributes);
    for (const { scope, logRecords } of listOf<ScopeLogs>(scopeLogs ?? [], 'scopeLogs')) {
      const origin = { resource: { attributes }, scope: scopeOf(scope) };
      for (const record of listOf<LogRecord>(logRecords ?? [], 'logRecords')) {
        if (received.events.length === MOST_EVENTS) {
          throw invalidParameter(`A request can have at most ${MOST_EVENTS} log events.`);
        }
        const nanos = nanosOf(record.timeUnixNano) || nanosOf(record.observedTimeUnixNano);
        const timestamp = nanos ? Number(nanos / NANOS_PER_MS) : nowMs;
        received.events.push({ timestamp, message: messageOf(origin, record) });
      }
    }
  }
  return received;
}

function messageOf(origin: object, record: LogRecord): string {
  const { timeUnixNano, observedTimeUnixNano, severityNumber, severityText, body, flags, traceId, spanId } = record;
  return JSON.stringify({
    ...origin,
    ...(timeUnixNano !== undefined && { timeUnixNano: Number(timeUnixNano) }),
    ...(observedTimeUnixNano !== undefined && { observedTimeUnixNano: Number(observedTimeUnixNano) }),
    ...(severityNumber !== undefined && { severityNumber }),
    ...(severityText !== undefined && { severityText }),
    ...(body && { body: plain(body) }),
    attributes: attributesOf(record.attributes),
    ...(record.droppedAttributesCount && { droppedAttributesCount: record.droppedAttributesCount }),
    ...(record.eventName && { eventName: record.eventName }),
    ...(flags !== undefined && { flags }),
    ...(traceId && { traceId }),
    ...(spanId && { spanId }),
  });
}

function scopeOf(scope: ScopeLogs['scope']): object {
  const { name, version, attributes } = scope ?? {};
  return {
    ...(name && { name }),
    ...(version && { version }),
    ...(attributes && attributes.length > 0 && { attributes: attributesOf(attributes) }),
  };
}

function attributesOf(attributes: KeyValue[] | undefined, depth = 0): Record<string, unknown> {
  const pairs = listOf<KeyValue>(attributes ?? [], 'attributes');
  return Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value, depth)]));
}

function plain(value: AnyValue | undefined, depth = 0): unknown {
  if (depth > DEEPEST_VALUE) throw invalidParameter(`A value is nested deeper than ${DEEPEST_VALUE} levels.`);
  if (!value) return null;
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue } = value;
  if (arrayValue) return listOf<AnyValue>(arrayValue.values ?? [], 'values').map((item) => plain(item, depth + 1));
  if (kvlistValue) return attributesOf(kvlistValue.values, depth + 1);
  // As a string where a number would lose digits.
  if (intValue !== undefined) return Number.isSafeInteger(Number(intValue)) ? Number(intValue) : String(intValue);
  return stringValue ?? boolValue ?? doubleValue ?? bytesValue ?? null;
}

function nanosOf(nanos: string | number | undefined): bigint {
  if (nanos === undefined || !/^\d{1,20}$/.test(String(nanos))) return 0n;
  return BigInt(nanos);
}

function listOf<Item>(value: unknown, name: string): Item[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null)) return value;
  throw invalidParameter(`The request is no OpenTelemetry logs request: ${name} must be a list of objects.`);
}
