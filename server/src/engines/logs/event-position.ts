// Where an event stands: its timestamp, then the segment and row it was written to, then its stream, as a number. Written
// as 56 digits it is the event's id, and ids sort as events do.

export interface EventPosition {
  timestamp: number;
  segment: number;
  row: number;
  /** streamHash() of its stream. */
  streamHash: number;
}

const TIMESTAMP_DIGITS = 15;
const SEGMENT_DIGITS = 14;
const ROW_DIGITS = 10;
const STREAM_DIGITS = 16;
/** Keeps ids at 56 digits for tools that read them as numbers; AWS's begin with a 3 as well. */
const LEADING_DIGIT = '3';

export function eventId({ timestamp, segment, row, streamHash }: EventPosition): string {
  return (
    LEADING_DIGIT +
    String(timestamp).padStart(TIMESTAMP_DIGITS, '0') +
    String(segment).padStart(SEGMENT_DIGITS, '0') +
    String(row).padStart(ROW_DIGITS, '0') +
    String(streamHash).padStart(STREAM_DIGITS, '0')
  );
}

const ID = new RegExp(
  `^${LEADING_DIGIT}(\\d{${TIMESTAMP_DIGITS}})(\\d{${SEGMENT_DIGITS}})(\\d{${ROW_DIGITS}})(\\d{${STREAM_DIGITS}})$`,
);

/** Undefined when the text is no event id. */
export function parseEventId(id: string): EventPosition | undefined {
  const numbers = ID.exec(id)?.slice(1).map(Number);
  if (!numbers?.every(Number.isSafeInteger)) return undefined;
  const [timestamp, segment, row, streamHash] = numbers as [number, number, number, number];
  return { timestamp, segment, row, streamHash };
}

/** Before every event. */
export const FIRST_POSITION: EventPosition = { timestamp: 0, segment: 0, row: 0, streamHash: 0 };
