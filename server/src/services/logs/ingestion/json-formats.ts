// Bodies of the JSON endpoints as events: HLC, newline-delimited JSON and structured JSON.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_HTTP_Endpoints.html

import { MOST_EVENTS } from '../batch-limits.ts';
import { invalidParameter } from '../constraints.ts';
import { splitJsonValues } from './json-values.ts';
import type { ReceivedEvents } from './received-events.ts';

/**
 * One object, a list of them or one after another, each with `event` and, in seconds, `time`. What else an object has is
 * kept: its message is then all of it.
 */
export function readHlc(text: string, nowMs: number): ReceivedEvents {
  const received: ReceivedEvents = { events: [], skipped: 0 };
  const take = (value: unknown) => {
    if (!isObject(value) || value.event === undefined) {
      received.skipped++;
      return;
    }
    const { event } = value;
    // The page's batch: {"event": [{"time": …, "event": …}, …]}
    if (Array.isArray(event) && event.length > 0 && event.every((inner) => isObject(inner) && 'event' in inner)) {
      for (const inner of event) take(inner);
      return;
    }
    const hasMore = Object.keys(value).some((name) => name !== 'event' && name !== 'time');
    add(received, secondsOf(value.time) ?? nowMs, messageOf(hasMore ? value : event));
  };
  for (const value of valuesOf(text)) {
    if (Array.isArray(value)) for (const item of value) take(item);
    else take(value);
  }
  return received;
}

/** One JSON value a line; a list is several events. A line that is no JSON is skipped, and counted. */
export function readJsonLines(text: string, nowMs: number): ReceivedEvents {
  const received: ReceivedEvents = { events: [], skipped: 0 };
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(trimmed);
    } catch {
      received.skipped++;
      continue;
    }
    if (Array.isArray(value)) for (const item of value) add(received, timestampOf(item) ?? nowMs, messageOf(item));
    // The line as it was sent: parsing would round large numbers.
    else add(received, timestampOf(value) ?? nowMs, typeof value === 'string' ? value : trimmed);
  }
  return received;
}

/** An object or a list of objects; of several objects in a row the first counts. */
export function readStructuredJson(text: string, nowMs: number): ReceivedEvents {
  const received: ReceivedEvents = { events: [], skipped: 0 };
  const first = valuesOf(text)[0];
  for (const value of Array.isArray(first) ? first : [first]) {
    if (isObject(value)) add(received, timestampOf(value) ?? nowMs, messageOf(value));
    else received.skipped++;
  }
  return received;
}

function valuesOf(text: string): unknown[] {
  try {
    const values = splitJsonValues(text, MOST_EVENTS).map((value): unknown => JSON.parse(value));
    if (values.length > 0) return values;
  } catch (error) {
    throw invalidParameter(`The request body is not valid JSON: ${(error as Error).message}`);
  }
  throw invalidParameter('The request body is empty.');
}

function add({ events }: ReceivedEvents, timestamp: number, message: string): void {
  if (events.length === MOST_EVENTS) throw invalidParameter(`A request can have at most ${MOST_EVENTS} log events.`);
  events.push({ timestamp, message });
}

function messageOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function timestampOf(value: unknown): number | undefined {
  const timestamp = isObject(value) ? value.timestamp : undefined;
  return typeof timestamp === 'number' && timestamp >= 0 ? Math.floor(timestamp) : undefined;
}

/** Milliseconds of seconds, which may be a fraction, and a string. */
function secondsOf(time: unknown): number | undefined {
  const seconds = typeof time === 'string' && time.trim() !== '' ? Number(time) : time;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0
    ? Math.round(seconds * 1000)
    : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
