// Ranges of bytes: one a request, as S3 has it. https://www.rfc-editor.org/rfc/rfc9110#name-range

import { AwsError } from '#core/errors.ts';

/** Bytes [start, end). */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * The range that a header asks of `size` bytes; undefined when it does not parse or names several, which means the
 * whole. Throws InvalidRange (416) when there is nothing of it.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first, last] = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const suffix = Number(last);
    if (suffix === 0 || size === 0) throw invalidRange(header!, size);
    return { start: Math.max(0, size - suffix), end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) throw invalidRange(header!, size);
  return { start, end };
}

export function contentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}

function invalidRange(header: string, size: number): AwsError {
  return new AwsError('InvalidRange', 'The requested range is not satisfiable', {
    status: 416,
    fields: { RangeRequested: header, ActualObjectSize: size },
  });
}
