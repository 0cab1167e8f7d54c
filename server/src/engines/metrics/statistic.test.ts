import assert from 'node:assert/strict';
import test from 'node:test';
import { parseExtendedStatistic, parseStatistic, type Statistic } from './statistic.ts';

const percent = (value: number) => ({ kind: 'percent' as const, percent: value });
const value = (number: number) => ({ kind: 'value' as const, value: number });

const VALID: [string, Statistic][] = [
  ['Average', { kind: 'basic', name: 'Average' }],
  ['SampleCount', { kind: 'basic', name: 'SampleCount' }],
  ['p0', { kind: 'percentile', percent: 0 }],
  ['p50', { kind: 'percentile', percent: 50 }],
  ['p99.9', { kind: 'percentile', percent: 99.9 }],
  ['p100', { kind: 'percentile', percent: 100 }],
  ['tm90', { kind: 'tm', upper: percent(90) }],
  ['tc99.5', { kind: 'tc', upper: percent(99.5) }],
  ['ts80', { kind: 'ts', upper: percent(80) }],
  ['wm98', { kind: 'wm', upper: percent(98) }],
  ['IQM', { kind: 'tm', lower: percent(25), upper: percent(75) }],
  ['TM(10%:90%)', { kind: 'tm', lower: percent(10), upper: percent(90) }],
  ['TM(:95%)', { kind: 'tm', upper: percent(95) }],
  ['TM(5%:)', { kind: 'tm', lower: percent(5) }],
  ['TC(0.005:0.030)', { kind: 'tc', lower: value(0.005), upper: value(0.03) }],
  ['WM(150:1000)', { kind: 'wm', lower: value(150), upper: value(1000) }],
  ['PR(:300)', { kind: 'pr', upper: value(300) }],
  ['PR(-5:2000)', { kind: 'pr', lower: value(-5), upper: value(2000) }],
];

const INVALID = [
  '',
  'average',
  'Sum ',
  'p',
  'p101',
  'p-1',
  'p1.12345678901',
  'tm',
  'TM(:)',
  'TM(90%:10%)',
  'TM(10%:90)',
].concat(['TM(10:10)', 'TM(-1%:50%)', 'TM(0%:101%)', 'PR(10%:20%)', 'PR()', 'PR(1:2:3)', 'XX(1:2)', 'pr90', 'p1e2']);

test('names of statistics', () => {
  for (const [name, expected] of VALID) assert.deepEqual(parseStatistic(name), expected, name);
});

test('names that are no statistic', () => {
  for (const name of INVALID) assert.equal(parseStatistic(name), undefined, name);
  assert.equal(parseExtendedStatistic('Average'), undefined);
});
