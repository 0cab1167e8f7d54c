// Units that CloudWatch knows; it converts none.

import { invalidParameter } from './errors.ts';

const SIZES = [
  'Bytes',
  'Kilobytes',
  'Megabytes',
  'Gigabytes',
  'Terabytes',
  'Bits',
  'Kilobits',
  'Megabits',
  'Gigabits',
  'Terabits',
];
const UNITS: ReadonlySet<string> = new Set([
  ...['Seconds', 'Microseconds', 'Milliseconds'],
  ...SIZES,
  ...['Percent', 'Count'],
  ...SIZES.map((size) => `${size}/Second`),
  ...['Count/Second', 'None'],
]);

export function isUnit(unit: string): boolean {
  return UNITS.has(unit);
}

/** Absent is fine. */
export function checkUnit(unit: string | undefined, parameter: string): void {
  if (unit === undefined || UNITS.has(unit)) return;
  throw invalidParameter(`The parameter ${parameter} must be a value in the set [ ${[...UNITS].join(', ')} ].`);
}
