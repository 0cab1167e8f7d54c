import assert from 'node:assert/strict';
import test from 'node:test';
import type { MissingDataTreatment } from './alarm-document.ts';
import { breachIsFinal, decideState, tooFewSamples } from './alarm-state.ts';

const TREATMENTS: readonly MissingDataTreatment[] = ['missing', 'ignore', 'breaching', 'notBreaching'];
const STATES = { A: 'ALARM', O: 'OK', I: 'INSUFFICIENT_DATA', R: undefined };
type Letter = keyof typeof STATES;

/** 0: within the threshold, X: breaching, -: missing; the newest on the right, as in AWS's tables. */
function decide(
  points: string,
  evaluationPeriods: number,
  datapointsToAlarm: number,
  treatMissingData: MissingDataTreatment,
) {
  const comparisonOperator = 'GreaterThanThreshold' as const;
  const rule = { evaluationPeriods, datapointsToAlarm, comparisonOperator, threshold: 1, treatMissingData };
  const datapoints = points
    .split(' ')
    .reverse()
    .map((point, i) => ({
      timestampMs: -i * 60_000,
      value: point === '-' ? undefined : point === 'X' ? 2 : 0,
      sampleCount: 1,
    }));
  return decideState(rule, datapoints);
}

function check(rows: readonly (readonly [string, string])[], evaluationPeriods: number, datapointsToAlarm: number) {
  for (const [points, letters] of rows) {
    for (const [i, treatment] of TREATMENTS.entries()) {
      const { state } = decide(points, evaluationPeriods, datapointsToAlarm, treatment);
      assert.equal(state, STATES[letters.split(' ')[i] as Letter], `${points}, treated as ${treatment}`);
    }
  }
}

// Columns: missing, ignore, breaching, not breaching. A: ALARM, O: OK, I: INSUFFICIENT_DATA, R: retained.

test('3 out of 3: the first table of the AWS page', () => {
  check(
    [
      ['0 - X - X', 'O O O O'],
      ['0 - - - -', 'O O O O'],
      ['- - - - -', 'I R A O'],
      ['0 X X - X', 'A A A A'],
      ['- - X - -', 'A R A O'],
    ],
    3,
    3,
  );
});

test('2 out of 3: the second table of the AWS page', () => {
  check(
    [
      ['0 - X - X', 'A A A A'],
      ['0 0 X 0 X', 'A A A A'],
      ['0 - X - -', 'O O A O'],
      ['- - - - 0', 'O O A O'],
      ['- - - X -', 'A R A O'],
    ],
    3,
    2,
  );
});

test('no premature alarm: rows of the text and of the earlier edition of the page', () => {
  check(
    [
      ['- - - - X', 'I R A O'],
      ['- - - X -', 'I R A O'],
      ['X - - - -', 'A R A O'],
      ['- - - X 0', 'O O O O'],
      ['- - X - 0', 'O O O O'],
    ],
    3,
    3,
  );
});

test('1 out of 1: older data stand in for a missing period', () => {
  check(
    [
      ['0 0 X', 'A A A A'],
      ['X X 0', 'O O O O'],
      ['0 X -', 'A A A A'],
      ['X 0 -', 'O O O O'],
      ['X - -', 'A A A A'],
      ['- - -', 'I R A O'],
    ],
    1,
    1,
  );
});

test('what was evaluated, newest first, and how many were missing', () => {
  const { evaluated, missing } = decide('0 - X - -', 3, 2, 'breaching');
  assert.deepEqual(
    evaluated.map(({ timestampMs, value }) => [timestampMs, value]),
    [
      [-120_000, 2],
      [-240_000, 0],
    ],
  );
  assert.equal(missing, 1);
  assert.equal(decide('0 0 X X X', 3, 3, 'missing').evaluated.length, 3);
});

test('comparison operators at the threshold', () => {
  const rows = [
    ['GreaterThanOrEqualToThreshold', 'OK', 'ALARM', 'ALARM'],
    ['GreaterThanThreshold', 'OK', 'OK', 'ALARM'],
    ['LessThanThreshold', 'ALARM', 'OK', 'OK'],
    ['LessThanOrEqualToThreshold', 'ALARM', 'ALARM', 'OK'],
  ] as const;
  for (const [comparisonOperator, ...states] of rows) {
    const rule = {
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      comparisonOperator,
      threshold: 5,
      treatMissingData: 'missing' as const,
    };
    const decided = [4, 5, 6].map((value) => decideState(rule, [{ timestampMs: 0, value, sampleCount: 1 }]).state);
    assert.deepEqual(decided, states, comparisonOperator);
  }
});

test('which breaches of an unfinished period are final', () => {
  const rule = (comparisonOperator: 'GreaterThanThreshold' | 'LessThanThreshold') => ({
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    comparisonOperator,
    threshold: 5,
    treatMissingData: 'missing' as const,
  });
  const rows = [
    ['Sum', 0, true, false],
    ['Sum', -1, false, false],
    ['SampleCount', 0, true, false],
    ['Maximum', -1, true, false],
    ['Minimum', 0, false, true],
    ['Average', 0, false, false],
    ['p99', 0, false, false],
  ] as const;
  for (const [statistic, minimum, greater, less] of rows) {
    assert.equal(breachIsFinal(rule('GreaterThanThreshold'), statistic, minimum), greater, statistic);
    assert.equal(breachIsFinal(rule('LessThanThreshold'), statistic, minimum), less, statistic);
  }
});

test('percentiles of few samples', () => {
  const rows = [
    ['p99', 999, true],
    ['p99', 1001, false],
    ['p50', 19, true],
    ['p50', 20, false],
    ['p90', 100, false],
    ['p10', 99, true],
    ['p10', 100, false],
    ['Average', 1, false],
    ['tm90', 1, false],
  ] as const;
  for (const [statistic, samples, few] of rows)
    assert.equal(tooFewSamples(statistic, samples), few, `${statistic} of ${samples}`);
});
