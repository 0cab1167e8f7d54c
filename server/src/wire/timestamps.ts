// Timestamps in the three formats of Smithy: https://smithy.io/2.0/spec/protocol-traits.html#timestampformat-trait

import { SerializationError } from './serialization-error.ts';
import type { TimestampFormat } from './shapes.ts';

export function formatTimestamp(date: Date, format: TimestampFormat): string {
  switch (format) {
    case 'dateTime':
      return date.toISOString().replace('.000Z', 'Z');
    case 'httpDate':
      return date.toUTCString();
    case 'epochSeconds':
      return String(date.getTime() / 1000);
  }
}

/** Reads what clients send, whatever the format should be: numbers are epoch seconds, text is ISO 8601 or an HTTP date. */
export function parseTimestamp(value: string | number): Date {
  let date: Date;
  if (typeof value === 'number') date = new Date(Math.round(value * 1000));
  else if (/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) date = new Date(Math.round(Number(value) * 1000));
  else if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(value)) date = new Date(`${value}Z`);
  else date = new Date(value);
  if (Number.isNaN(date.getTime())) throw new SerializationError(`Unable to parse timestamp ${JSON.stringify(value)}`);
  return date;
}
