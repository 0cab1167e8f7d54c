// Periods and what rounds a time to them, in UTC.

import { type Sql, sql } from '#storage/telemetry/sql.ts';
import type { DurationUnit } from '../syntax/tree.ts';

export const UNIT_MS: Record<DurationUnit, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  mo: 30 * 86_400_000,
  q: 91 * 86_400_000,
  y: 365 * 86_400_000,
};

export interface Period {
  count: number;
  unit: string;
}

/** Calendar units have no fixed length; weeks begin on Mondays. */
const CALENDAR: Record<string, Sql> = {
  w: sql`WEEK`,
  mo: sql`MONTH`,
  q: sql`QUARTER`,
  y: sql`YEAR`,
};

export function floorTime(time: Sql, { count, unit }: Period): Sql {
  const calendar = CALENDAR[unit];
  if (!calendar) {
    const ms = count * UNIT_MS[unit as DurationUnit];
    return sql`intDiv(toInt64(${time}), ${ms}) * ${ms}`;
  }
  const start = sql`toStartOfInterval(fromUnixTimestamp64Milli(toInt64(${time}), 'UTC'), INTERVAL ${count} ${calendar}, 'UTC')`;
  return sql`toInt64(toUnixTimestamp(toDateTime(${start}, 'UTC'))) * 1000`;
}

export function ceilTime(time: Sql, period: Period): Sql {
  const floor = floorTime(time, period);
  const calendar = CALENDAR[period.unit];
  const next = calendar
    ? sql`toUnixTimestamp64Milli(fromUnixTimestamp64Milli(${floor}, 'UTC') + INTERVAL ${period.count} ${calendar})`
    : sql`${floor} + ${period.count * UNIT_MS[period.unit as DurationUnit]}`;
  return sql`if(${floor} = toInt64(${time}), ${floor}, ${next})`;
}
