// The units that CloudWatch knows.

const RATES = ['Bytes', 'Kilobytes', 'Megabytes', 'Gigabytes', 'Terabytes', 'Bits', 'Kilobits', 'Megabits', 'Gigabits']
  .concat('Terabits', 'Count')
  .flatMap((unit) => [unit, `${unit}/Second`]);
const UNITS: ReadonlySet<unknown> = new Set([...RATES, 'Seconds', 'Microseconds', 'Milliseconds', 'Percent', 'None']);

export function isMetricUnit(value: unknown): value is string {
  return UNITS.has(value);
}
