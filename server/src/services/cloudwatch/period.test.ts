import assert from 'node:assert/strict';
import test from 'node:test';
import { checkPeriod, windowOf } from './period.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const DAY_S = 86_400;

test('periods', () => {
  for (const period of [1, 5, 10, 20, 30, 60, 120, 300, 86_400]) checkPeriod(period, 'Period');
  for (const period of [0, -60, 2, 15, 45, 61, 90, 60.5, Number.NaN]) {
    assert.throws(() => checkPeriod(period, 'Period'), { code: 'InvalidParameterValueException' }, `${period}`);
  }
});

test('the start is rounded down by age and period', () => {
  const second = 12 * 3600 + 32 * 60 + 34;
  const rows: [daysAgo: number, periodS: number, expected: number][] = [
    [1, 60, second - 34],
    [1, 300, second - 34],
    [1, 1, second],
    [1, 5, second - 4],
    [1, 30, second - 4],
    [16, 60, second - 34 - 120],
    [16, 300, second - 34 - 120],
    [64, 3600, second - 34 - 32 * 60],
  ];
  for (const [daysAgo, periodS, expected] of rows) {
    const midnight = Math.floor(NOW_MS / 1000 / DAY_S - daysAgo) * DAY_S;
    const { startS, endS } = windowOf(new Date((midnight + second) * 1000), new Date(NOW_MS + 500), periodS, NOW_MS);
    assert.equal(startS - midnight, expected, `${daysAgo} days ago, period ${periodS}`);
    assert.equal(endS, NOW_MS / 1000 + 1);
  }
});

test('times out of all range stay within what the table holds', () => {
  assert.deepEqual(windowOf(new Date(-8.64e15), new Date(8.64e15), 60, NOW_MS), { startS: 0, endS: 2 ** 32 - 1 });
});
