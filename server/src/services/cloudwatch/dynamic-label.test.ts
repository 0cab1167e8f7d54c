import assert from 'node:assert/strict';
import test from 'node:test';
import { expandLabel, type LabelContext } from './dynamic-label.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 1, 10);
const at = (minutesAgo: number, value: number) => ({ timestampMs: NOW_MS - minutesAgo * 60_000, value });
const context: LabelContext = {
  defaultLabel: 'Orders',
  properties: { MetricName: 'Orders', 'Dim.City': 'Lyon' },
  points: [at(70, 4), at(5, 10.55555), at(1, 1)],
  nowMs: NOW_MS,
  timezoneMinutes: 0,
};

const ROWS: [string, string][] = [
  ['plain', 'plain'],
  ['$' + '{LABEL}', 'Orders'],
  ['$' + "{PROP('Dim.City')}", 'Lyon'],
  ['$' + "{PROP('Dim.Unknown')}", '$' + "{PROP('Dim.Unknown')}"],
  ['$' + '{AVG}', '5.185'],
  ['$' + '{SUM}', '15.556'],
  ['$' + '{FIRST}', '4'],
  ['$' + '{LAST}', '1'],
  ['$' + '{MIN_MAX_RANGE}', '1 - 10.556'],
  ['$' + '{FIRST_LAST_RANGE}', '4 - 1'],
  ['$' + '{DATAPOINT_COUNT}', '3'],
  ['$' + '{MAX_TIME}', '2026-11-23 01:05:00 UTC'],
  ['$' + '{FIRST_TIME_RELATIVE}', '1h 10m ago'],
  ['$' + '{MIN_TIME_RELATIVE}', '1m ago'],
  ['$' + '{UNKNOWN}', '$' + '{UNKNOWN}'],
  ['max $' + '{MAX} of $' + '{LABEL}', 'max 10.556 of Orders'],
];

test('dynamic labels', () => {
  for (const [label, expected] of ROWS) assert.equal(expandLabel(label, context), expected, label);
});

test('dynamic labels: another time zone, and no data', () => {
  const elsewhere = { ...context, timezoneMinutes: -210 };
  assert.equal(expandLabel('$' + '{LAST_TIME}', elsewhere), '2026-11-22 21:39:00 UTC-03:30');
  const none = { ...context, points: [] };
  assert.equal(expandLabel('$' + '{AVG} $' + '{DATAPOINT_COUNT} $' + '{LABEL}', none), '-- 0 Orders');
});
