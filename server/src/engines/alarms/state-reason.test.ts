import assert from 'node:assert/strict';
import test from 'node:test';
import { javaDouble } from '#core/java-double.ts';
import type { AlarmStateValue, MissingDataTreatment } from './alarm-document.ts';
import { type AlarmRule, type Datapoint, decideState } from './alarm-state.ts';
import { stateReason, stateReasonData } from './state-reason.ts';

const NEWEST_MS = Date.UTC(2026, 10, 23, 1, 0);

function range(values: readonly (number | undefined)[]): Datapoint[] {
  return values.map((value, i) => ({
    timestampMs: NEWEST_MS - i * 60_000,
    value,
    sampleCount: value === undefined ? 0 : 1,
  }));
}

interface Row {
  /** Newest first. */
  values: readonly (number | undefined)[];
  n: number;
  m?: number;
  treat?: MissingDataTreatment;
  state: AlarmStateValue;
  reason: string;
}

const _ = undefined;
const ROWS: Row[] = [
  {
    values: [5, 0, 0],
    n: 1,
    m: 1,
    state: 'ALARM',
    reason:
      'Threshold Crossed: 1 out of the last 1 datapoints [5.0 (23/11/26 01:00:00)] was greater than or equal to the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition).',
  },
  {
    values: [5, 0, 0],
    n: 1,
    state: 'ALARM',
    reason:
      'Threshold Crossed: 1 datapoint [5.0 (23/11/26 01:00:00)] was greater than or equal to the threshold (1.0).',
  },
  {
    values: [0, 5, 0],
    n: 1,
    state: 'OK',
    reason:
      'Threshold Crossed: 1 datapoint [0.0 (23/11/26 01:00:00)] was not greater than or equal to the threshold (1.0).',
  },
  {
    values: [2, 3, 1.5, 0, 0],
    n: 3,
    state: 'ALARM',
    reason:
      'Threshold Crossed: 3 datapoints [2.0 (23/11/26 01:00:00), 3.0 (23/11/26 00:59:00), 1.5 (23/11/26 00:58:00)] were greater than or equal to the threshold (1.0).',
  },
  {
    values: [0, 0, 7, 0, 9, 0, 0],
    n: 5,
    m: 3,
    state: 'OK',
    reason:
      'Threshold Crossed: 3 out of the last 5 datapoints [0.0 (23/11/26 01:00:00), 0.0 (23/11/26 00:59:00), 0.0 (23/11/26 00:57:00)] were not greater than or equal to the threshold (1.0) (minimum 3 datapoints for ALARM -> OK transition).',
  },
  {
    values: [613, ...Array(21).fill(_)],
    n: 20,
    m: 1,
    treat: 'notBreaching',
    state: 'ALARM',
    reason:
      'Threshold Crossed: 1 out of the last 20 datapoints [613.0 (23/11/26 01:00:00)] was greater than or equal to the threshold (1.0) and 19 missing datapoints were treated as [NonBreaching] (minimum 1 datapoint for OK -> ALARM transition).',
  },
  {
    values: [_, 0, _, _],
    n: 2,
    treat: 'breaching',
    state: 'OK',
    reason:
      'Threshold Crossed: 1 datapoint [0.0 (23/11/26 00:59:00)] was not greater than or equal to the threshold (1.0) and 1 missing datapoint was treated as [Breaching].',
  },
  {
    values: [_, _, _],
    n: 1,
    treat: 'notBreaching',
    state: 'OK',
    reason:
      'Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].',
  },
  {
    values: [_, _, _, _],
    n: 2,
    treat: 'breaching',
    state: 'ALARM',
    reason:
      'Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].',
  },
  {
    values: [_, 0, _, _, _],
    n: 3,
    m: 2,
    treat: 'breaching',
    state: 'ALARM',
    reason:
      'Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as [Breaching].',
  },
  { values: [_, _, _], n: 1, state: 'INSUFFICIENT_DATA', reason: 'Insufficient Data: 1 datapoint was unknown.' },
  {
    values: Array(7).fill(_),
    n: 5,
    state: 'INSUFFICIENT_DATA',
    reason: 'Insufficient Data: 5 datapoints were unknown.',
  },
];

function ruleOf(row: Row): AlarmRule {
  return {
    evaluationPeriods: row.n,
    datapointsToAlarm: row.m ?? row.n,
    comparisonOperator: 'GreaterThanOrEqualToThreshold',
    threshold: 1,
    treatMissingData: row.treat ?? 'missing',
  };
}

test('state reasons', () => {
  for (const row of ROWS) {
    const rule = ruleOf(row);
    const decision = decideState(rule, range(row.values));
    assert.equal(decision.state, row.state, row.reason);
    assert.equal(stateReason({ rule, saysOutOf: row.m !== undefined, decision, state: row.state }), row.reason);
  }
});

test('state reason data', () => {
  const rows: [readonly (number | undefined)[], string][] = [
    [
      [2, 0.25, 1, 0, 0],
      '{"version":"1.0","queryDate":"2026-11-23T01:01:05.000+0000","startDate":"2026-11-23T00:58:00.000+0000","statistic":"Sum","period":60,"recentDatapoints":[1.0,0.25,2.0],"threshold":1.0,"evaluatedDatapoints":[{"timestamp":"2026-11-23T01:00:00.000+0000","sampleCount":1.0,"value":2.0}]}',
    ],
    [
      [_, _, _, _, _],
      '{"version":"1.0","queryDate":"2026-11-23T01:01:05.000+0000","statistic":"Sum","period":60,"recentDatapoints":[],"threshold":1.0,"evaluatedDatapoints":[{"timestamp":"2026-11-23T01:00:00.000+0000"},{"timestamp":"2026-11-23T00:59:00.000+0000"},{"timestamp":"2026-11-23T00:58:00.000+0000"}]}',
    ],
  ];
  for (const [values, expected] of rows) {
    const rule = ruleOf({ values, n: 3, state: 'OK', reason: '' });
    const decision = decideState(rule, range(values));
    const data = stateReasonData({
      rule,
      decision,
      statistic: 'Sum',
      periodS: 60,
      queryMs: NEWEST_MS + 65_000,
      range: range(values),
    });
    assert.equal(data, expected);
  }
});

test('long reasons stay within the limits of the API', () => {
  const values = Array.from({ length: 1442 }, (_, i) => 1 + i / 3);
  const rule = ruleOf({ values, n: 1440, state: 'ALARM', reason: '' });
  const decision = decideState(rule, range(values));
  const reason = stateReason({ rule, saysOutOf: false, decision, state: 'ALARM' });
  assert.ok(reason.length <= 1023);
  assert.match(
    reason,
    /^Threshold Crossed: 1440 datapoints \[1\.0 .*, \.\.\.\] were greater than or equal to the threshold \(1\.0\)\.$/,
  );
  const data = stateReasonData({
    rule,
    decision,
    statistic: 'Sum',
    periodS: 60,
    queryMs: NEWEST_MS,
    range: range(values),
  });
  assert.ok(data.length <= 4000);
  assert.equal(JSON.parse(data).recentDatapoints.at(-1), 1);
});

test('numbers as Java prints them', () => {
  const rows: [number, string][] = [
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [0.02, '0.02'],
    [0.001, '0.001'],
    [0.0001, '1.0E-4'],
    [38.395433048854194, '38.395433048854194'],
    [9999999, '9999999.0'],
    [10_000_000, '1.0E7'],
    [5_368_709_120, '5.36870912E9'],
    [-1.5e300, '-1.5E300'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ];
  for (const [number, text] of rows) assert.equal(javaDouble(number), text);
});
