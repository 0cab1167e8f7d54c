// Paging as every IAM list does it: MaxItems (100 unless given, at most 1,000) and an opaque Marker.

import { AwsError } from '#core/errors.ts';
import { checkRange, checkText } from '../constraints.ts';

export interface PageRequest {
  Marker?: string | undefined;
  MaxItems?: number | undefined;
}

export interface Page<T> {
  items: T[];
  IsTruncated: boolean;
  Marker?: string;
}

const DEFAULT_ITEMS = 100;
const MOST_ITEMS = 1000;
/** Of a tag key of 128 four-byte characters. */
const LONGEST_MARKER = 700;

/** The page of `items` (in ascending order of their unique `keyOf`) that follows the marker. */
export function pageOf<T>(items: readonly T[], keyOf: (item: T) => string, request: PageRequest): Page<T> {
  checkRange('maxItems', request.MaxItems, 1, MOST_ITEMS);
  checkText('marker', request.Marker, { min: 1, max: LONGEST_MARKER });
  const after = request.Marker === undefined ? undefined : readMarker(request.Marker);
  const rest = after === undefined ? items : items.filter((item) => keyOf(item) > after);
  const page = rest.slice(0, request.MaxItems ?? DEFAULT_ITEMS);
  if (page.length === rest.length) return { items: page, IsTruncated: false };
  return { items: page, IsTruncated: true, Marker: writeMarker(keyOf(page.at(-1)!)) };
}

/** A marker names the last item handed out; the sign at its start tells a foreign one. */
function writeMarker(key: string): string {
  return Buffer.from(`1:${key}`).toString('base64url');
}

function readMarker(marker: string): string {
  const text = Buffer.from(marker, 'base64url').toString();
  if (!text.startsWith('1:') || writeMarker(text.slice(2)) !== marker) {
    throw new AwsError('ValidationError', 'Invalid Marker.');
  }
  return text.slice(2);
}
