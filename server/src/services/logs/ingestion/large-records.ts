// Records that are larger than an event may be. Of their largest fields, or of those that the sender names, as much is cut off as
// has to be; the event keeps the beginning, and a pointer to the rest.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogObject.html

import { endOfPart, LONGEST_POINTER } from '#engines/logs/large-objects.ts';
import { invalidParameter } from '../constraints.ts';

export interface CutRecord {
  /** What is left of the record. */
  document: object;
  rests: { name: string; text: string }[];
}

const MOST_FIELDS = 10;

interface Field {
  /** As AWS writes it: `$['resource']['attributes']['x']`. */
  path: string;
  holder: Record<string, unknown>;
  key: string;
  text: string;
  /** Bytes in the JSON of the record. */
  bytes: number;
}

/**
 * Cuts a record, which becomes part of the result, to at most `most` bytes of JSON; `paths`: the fields that may be cut, in
 * this order, instead of the largest. Throws InvalidParameterException where ten fields are not enough.
 */
export function cutRecord(record: object, most: number, paths?: readonly string[]): CutRecord {
  const cut: CutRecord = { document: record, rests: [] };
  let excess = bytesOf(JSON.stringify(record)) - most;
  for (const field of candidates(record, paths)) {
    if (excess <= 0 || cut.rests.length === MOST_FIELDS) break;
    const name = `@ptr.${field.path}`;
    excess += bytesOf(JSON.stringify(name)) + LONGEST_POINTER + ':"",'.length;
    const kept = longestWithin(field.text, Math.max(0, field.bytes - excess));
    excess -= field.bytes - bytesOf(JSON.stringify(kept));
    field.holder[field.key] = kept;
    cut.rests.push({ name, text: field.text.slice(kept.length) });
  }
  if (excess > 0) throw invalidParameter('A log event is too large, and its fields cannot be cut to the size of one.');
  return cut;
}

/** Of a header: paths as in the names of pointers, or with dots, separated by commas. */
export function truncatablePaths(header: string | undefined): string[] | undefined {
  const paths = header
    ?.split(',')
    .map((path) => path.trim())
    .filter((path) => path !== '')
    .map((path) => (path.startsWith('$[') ? path : pathOf(path.replace(/^\$\./, '').split('.'))));
  return paths && paths.length > 0 ? paths : undefined;
}

function candidates(record: object, paths: readonly string[] | undefined): Field[] {
  const fields = [...textsIn(record, [])];
  if (!paths) return fields.sort((a, b) => b.bytes - a.bytes);
  return paths.flatMap((path) => fields.find((field) => field.path === path) ?? []);
}

function* textsIn(value: object, names: readonly string[]): Generator<Field> {
  const holder = value as Record<string, unknown>;
  for (const [key, member] of Object.entries(value)) {
    const path = [...names, key];
    if (typeof member === 'string') {
      yield { path: pathOf(path), holder, key, text: member, bytes: bytesOf(JSON.stringify(member)) };
    } else if (typeof member === 'object' && member !== null) yield* textsIn(member, path);
  }
}

function pathOf(names: readonly string[]): string {
  return `$${names.map((name) => `['${name}']`).join('')}`;
}

/** The longest beginning whose JSON has so many bytes. */
function longestWithin(text: string, bytes: number): string {
  let fits = 0;
  let tooLong = text.length + 1;
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (bytesOf(JSON.stringify(text.slice(0, middle))) <= bytes) fits = middle;
    else tooLong = middle;
  }
  return text.slice(0, endOfPart(text, fits));
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}
