// Dates in formats of the user's: read by Java's DateTimeFormatter patterns, which are Joda's as far as ClickHouse knows
// them, and written by strftime's.

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Span } from '../syntax/tree.ts';
import { fault } from './expressions.ts';
import { number, text, type Value } from './values.ts';

/** Milliseconds since the epoch; missing where the text is none of the format. */
export function parseDate(input: Sql, format: string, zone = 'UTC'): Value {
  const parsed = sql`parseDateTime64InJodaSyntaxOrNull(${input}, ${format}, ${zone})`;
  return number(sql`toUnixTimestamp64Milli(${parsed})`);
}

const WRITTEN = 'YyCmdejVuwHIklMSpbBhaAznt%';
/** As ClickHouse's formatDateTime calls it, where that is another name. */
const RENAMED: Record<string, string> = { M: '%i', B: '%M', A: '%W', k: '%k', n: '\n', t: '\t' };
const COMPOSED: Record<string, string> = { T: '%H:%M:%S', D: '%m/%d/%y', F: '%Y-%m-%d', R: '%H:%M' };

export function formatDate(timestamp: Sql, format: string, zone = 'UTC', at: Span): Value {
  const ms = sql`toInt64(${timestamp})`;
  const millis = sql`leftPad(toString(${ms} % 1000), 3, '0')`;
  const computed: Record<string, Sql> = {
    s: sql`toString(intDiv(${ms}, 1000))`,
    L: millis,
    f: sql`concat(${millis}, '000')`,
    Z: sql`${zone}`,
  };
  const parts: Sql[] = [];
  for (const [run, letter] of expanded(format).matchAll(/%([sLfZ])|(?:%[^sLfZ]|[^%]|%$)+/gs)) {
    if (letter !== undefined) parts.push(computed[letter]!);
    else {
      const written = run.replace(/%(.?)/gs, (piece, name) => {
        if (name === '' || !WRITTEN.includes(name)) throw fault(`formatDate does not know ${piece}`, at);
        return RENAMED[name] ?? piece;
      });
      parts.push(sql`formatDateTime(fromUnixTimestamp64Milli(${ms}, ${zone}), ${written}, ${zone})`);
    }
  }
  return text(sql`if(isNull(${timestamp}), NULL, concat('', ${join([...parts, sql`''`], ', ')}))`);
}

function expanded(format: string): string {
  return format.replace(/%%|%([TDFR])/g, (piece, letter) => (letter ? COMPOSED[letter]! : piece));
}
