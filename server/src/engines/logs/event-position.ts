// Where an event stands: its timestamp, then the segment and row it was written to. Written as 56 digits it is the
// event's id, and ids sort as events do.

export interface EventPosition {
  timestamp: number;
  segment: number;
  row: number;
}

const TIMESTAMP_DIGITS = 15;
const SEGMENT_DIGITS = 20;
const ROW_DIGITS = 20;
/** Keeps ids at 56 digits for tools that read them as numbers; AWS's begin with a 3 as well. */
const LEADING_DIGIT = '3';

export function eventId({ timestamp, segment, row }: EventPosition): string {
  return (
    LEADING_DIGIT +
    String(timestamp).padStart(TIMESTAMP_DIGITS, '0') +
    String(segment).padStart(SEGMENT_DIGITS, '0') +
    String(row).padStart(ROW_DIGITS, '0')
  );
}

/** Undefined when the text is no event id. */
export function parseEventId(id: string): EventPosition | undefined {
  if (!/^3\d{55}$/.test(id)) return undefined;
  const timestamp = Number(id.slice(1, 1 + TIMESTAMP_DIGITS));
  const segment = Number(id.slice(1 + TIMESTAMP_DIGITS, 1 + TIMESTAMP_DIGITS + SEGMENT_DIGITS));
  const row = Number(id.slice(-ROW_DIGITS));
  return Number.isSafeInteger(segment) && Number.isSafeInteger(row) ? { timestamp, segment, row } : undefined;
}

/** Before every event. */
export const FIRST_POSITION: EventPosition = { timestamp: 0, segment: 0, row: 0 };
