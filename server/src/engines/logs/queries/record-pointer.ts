// @ptr: the text that names one event, wherever it stands.

import { type EventPosition, eventId, parseEventId } from '../event-position.ts';

export interface RecordPointer extends EventPosition {
  groupId: number;
}

export function recordPointer({ groupId, ...position }: RecordPointer): string {
  return Buffer.from(`${groupId}/${eventId(position)}`).toString('base64');
}

/** Undefined when the text is no pointer. */
export function parseRecordPointer(text: string): RecordPointer | undefined {
  const match = /^(\d{1,10})\/(\d{56})$/.exec(Buffer.from(text, 'base64').toString('latin1'));
  const position = match && parseEventId(match[2]!);
  return position ? { groupId: Number(match[1]), ...position } : undefined;
}
