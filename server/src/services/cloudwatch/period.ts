// Periods and windows of metric queries.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html

import { invalidParameter } from './errors.ts';

const SUB_MINUTE_PERIODS: readonly number[] = [1, 5, 10, 20, 30];
const DAY_S = 86_400;
/** What the table's timestamps hold. */
const LAST_SECOND = 2 ** 32 - 1;

/** Periods of a data query: below a minute only those that divide it. */
export function checkPeriod(period: number, parameter: string): void {
  if (Number.isInteger(period) && period >= 1 && (SUB_MINUTE_PERIODS.includes(period) || period % 60 === 0)) return;
  throw invalidParameter(`The parameter ${parameter} must be 1, 5, 10, 20, 30 or a multiple of 60.`);
}

export interface Window {
  startS: number;
  endS: number;
}

/**
 * [startS, endS) as CloudWatch reads the two times: the start is rounded down to the minute, to 5 minutes when it is
 * more than 15 days ago, to the hour beyond 63 days, and to the period when that is shorter than a minute. Data points
 * begin at the start.
 */
export function windowOf(start: Date, end: Date, periodS: number, nowMs: number): Window {
  const startS = Math.max(0, Math.floor(start.getTime() / 1000));
  const ageS = nowMs / 1000 - startS;
  const unitS = periodS < 60 ? periodS : ageS > 63 * DAY_S ? 3600 : ageS > 15 * DAY_S ? 300 : 60;
  const rounded = Math.floor(startS / unitS) * unitS;
  const endS = Math.min(Math.ceil(end.getTime() / 1000), LAST_SECOND);
  return { startS: Math.min(rounded, LAST_SECOND), endS: Math.max(endS, 0) };
}
