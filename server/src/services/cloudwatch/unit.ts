// Units that CloudWatch knows, in the order in which it lists them; it converts none.

import { invalidParameter } from './errors.ts';

const UNITS = [
  ...['Megabits', 'Terabits', 'Gigabits', 'Count', 'Bytes', 'Gigabytes', 'Gigabytes/Second', 'Kilobytes'],
  ...['Kilobits/Second', 'Terabytes', 'Terabits/Second', 'Bytes/Second', 'Percent', 'Megabytes', 'Megabits/Second'],
  ...['Milliseconds', 'Microseconds', 'Kilobytes/Second', 'Gigabits/Second', 'Megabytes/Second', 'Bits'],
  ...['Bits/Second', 'Count/Second', 'Seconds', 'Kilobits', 'Terabytes/Second', 'None'],
];
const KNOWN: ReadonlySet<string> = new Set(UNITS);

export function isUnit(unit: string): boolean {
  return KNOWN.has(unit);
}

/** Absent is fine. */
export function checkUnit(unit: string | undefined, parameter: string): void {
  if (unit === undefined || KNOWN.has(unit)) return;
  throw invalidParameter(`The parameter ${parameter} must be a value in the set [ ${UNITS.join(', ')} ].`);
}

/** In CloudWatch's order: where data of several units are asked for without one, the first is given. */
export function unitsInOrder(units: ReadonlySet<string>): string[] {
  return UNITS.filter((unit) => units.has(unit));
}
