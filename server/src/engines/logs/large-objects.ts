// What is cut off from records that are larger than an event: the rest of a field is a large object. Its rows lie beside the
// events, under a number that no group has, so that it is as durable as they are and goes when they do.

import type { Clock } from '#core/clock.ts';
import { sql } from '#storage/telemetry/sql.ts';
import { streamHash, streamHashOf } from '#storage/telemetry/stream-hash.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import type { LogGroup, LogStream } from './log-group.ts';
import { maskedMessage } from './protected-events.ts';
import { parseRecordPointer, type RecordPointer, recordPointer } from './queries/record-pointer.ts';

/** Names a large object: its first row, and how many there are. */
export interface ObjectPointer extends RecordPointer {
  rows: number;
}

const OBJECTS_OF_GROUPS = 2 ** 31;
/** Of a row, in UTF-16 units: at most three bytes each. */
const LARGEST_PART = 300_000;

/** The numbers under which all of a group lies: its events and its large objects. */
export function withObjects(groupId: number): [number, number] {
  return [groupId, objectsOf(groupId)];
}

function objectsOf(groupId: number): number {
  return OBJECTS_OF_GROUPS + groupId;
}

/** Characters of a pointer, at most. */
export const LONGEST_POINTER = 128;

export class LargeObjects {
  readonly #telemetry: Telemetry;
  readonly #clock: Clock;

  constructor(telemetry: Telemetry, clock: Clock) {
    this.#telemetry = telemetry;
    this.#clock = clock;
  }

  /** Keeps texts of an event with this timestamp; resolves with a pointer to each once they are durable. */
  async put(group: LogGroup, stream: LogStream, timestamp: number, texts: readonly string[]): Promise<string[]> {
    const parts = texts.map(partsOf);
    stream.beginAppend();
    try {
      const { segment, firstRow } = await this.#telemetry.appendLogEvents({
        groupId: objectsOf(group.id),
        stream: stream.name,
        ingestionTimeMs: this.#clock.now(),
        events: parts.flat().map((message) => ({ timestamp, message })),
      });
      let row = firstRow;
      return parts.map(({ length }) => {
        const pointer = { groupId: group.id, timestamp, segment, row, streamHash: streamHash(stream.name) };
        row += length;
        return Buffer.from(`${recordPointer(pointer)}/${length}`).toString('base64');
      });
    } finally {
      stream.endAppend();
    }
  }

  /** Masked unless `unmask`; undefined when there is no such object, or no longer. */
  async get(
    group: LogGroup,
    pointer: ObjectPointer,
    unmask: boolean,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { timestamp, segment, row, rows } = pointer;
    if (timestamp < group.oldestKeptMs(this.#clock.now())) return undefined;
    const { rows: found } = await this.#telemetry.query<{ stream: string; message: string; ingestion_time: number }>(
      sql`SELECT stream, message, ingestion_time FROM log_events
      WHERE group_id = ${objectsOf(group.id)} AND timestamp = ${timestamp} AND segment = ${segment}
        AND row >= ${row} AND row < ${row + rows} AND ${streamHashOf(sql`stream`)} = ${pointer.streamHash}
      ORDER BY row`,
      { signal },
    );
    if (found.length !== rows || group.streamsBeingErased.has(found[0]!.stream)) return undefined;
    const text = found.map(({ message }) => message).join('');
    return unmask ? text : maskedMessage(group, text, found[0]!.ingestion_time);
  }
}

/** Undefined when the text is no pointer to a large object. */
export function parseObjectPointer(text: string): ObjectPointer | undefined {
  const match = /^([\w+/]+=*)\/([1-9]\d{0,3})$/.exec(Buffer.from(text, 'base64').toString('latin1'));
  const pointer = match && parseRecordPointer(match[1]!);
  return pointer ? { ...pointer, rows: Number(match[2]) } : undefined;
}

function partsOf(text: string): string[] {
  const parts: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = endOfPart(text, start + LARGEST_PART);
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

/** Not between the two halves of a character. */
export function endOfPart(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  return end < text.length && last >= 0xd800 && last < 0xdc00 ? end - 1 : end;
}
