// A number for the name of a log stream, the same in ClickHouse and here: with timestamp, segment and row it tells
// events apart. 52 bits, so that it is a safe integer: of 1,000 streams with an event in the same millisecond two have
// the same number once in nine billion milliseconds.

import { createHash } from 'node:crypto';
import { type Sql, sql } from './sql.ts';

const BITS = 52;

export function streamHash(stream: string): number {
  return Number(BigInt.asUintN(BITS, createHash('md5').update(stream).digest().readBigUInt64LE(0)));
}

/** Of a column of streams. Cheap: ClickHouse computes it once for each name of a LowCardinality column. */
export function streamHashOf(stream: Sql): Sql {
  return sql`bitAnd(reinterpretAsUInt64(substring(MD5(${stream}), 1, 8)), ${2 ** BITS - 1})`;
}
