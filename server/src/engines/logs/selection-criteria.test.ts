import assert from 'node:assert/strict';
import test from 'node:test';
import { seeded } from '#test/seeded-random.ts';
import {
  evaluateSelection,
  parseSelectionCriteria,
  SelectionCriteriaError,
  selectedFields,
} from './selection-criteria.ts';

test('selection criteria: which fields they hold for', () => {
  const cases: [criteria: string, fields: Record<string, string>, holds: boolean][] = [
    ['LogGroupName NOT IN ["a", "b"]', { LogGroupName: 'c' }, true],
    ['LogGroupName NOT IN ["a", "b"]', { LogGroupName: 'b' }, false],
    ['LogGroupName NOT IN []', { LogGroupName: 'b' }, true],
    ['LogGroupName in ["/aws/lambda/x"]', { LogGroupName: '/aws/lambda/x' }, true],
    ['@aws.region = "us-east-1"', { '@aws.region': 'us-east-1' }, true],
    ['@aws.region != "us-east-1"', { '@aws.region': 'us-east-1' }, false],
    ["@aws.region == 'eu-west-1'", { '@aws.region': 'us-east-1' }, false],
    ['@aws.account IN ["1"] AND @aws.region = "r"', { '@aws.account': '1', '@aws.region': 'r' }, true],
    ['@aws.account = "2" OR @aws.account = "1" AND @aws.region = "x"', { '@aws.account': '2' }, true],
    ['(@aws.account = "2" OR @aws.account = "1") AND @aws.region = "x"', { '@aws.account': '2' }, false],
  ];
  for (const [criteria, fields, holds] of cases) {
    assert.equal(evaluateSelection(parseSelectionCriteria(criteria), fields), holds, criteria);
  }
});

test('selection criteria: faults have a position', () => {
  const cases: [criteria: string, message: RegExp][] = [
    ['', /expected a field at position 1$/],
    ['LogGroupName', /expected =, !=, IN or NOT IN at position 13$/],
    ['LogGroupName NOT "a"', /expected IN at position 18$/],
    ['LogGroupName IN "a"', /expected '\[' at position 17$/],
    ['LogGroupName IN ["a" "b"]', /expected ',' or '\]' at position 22$/],
    ['LogGroupName = a', /expected a value in quotes at position 16$/],
    ['LogGroupName = "a" "b"', /expected AND, OR or the end at position 20$/],
    ['LogGroupName = "a', /unexpected '"' at position 16$/],
    ['(LogGroupName = "a"', /expected '\)' at position 20$/],
    [`${'('.repeat(60)}`, /too many parentheses/],
  ];
  for (const [criteria, message] of cases) {
    const fails = (error: Error) => error instanceof SelectionCriteriaError && message.test(error.message);
    assert.throws(() => parseSelectionCriteria(criteria), fails, criteria);
  }
  assert.deepEqual(selectedFields(parseSelectionCriteria('a = "1" AND (b = "2" OR c IN [])')), ['a', 'b', 'c']);
});

test('any text gives criteria or a typed error with a position (fuzz)', () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20261123);
  console.log(`selection criteria fuzz seed ${seed}`);
  const random = seeded(seed);
  const pieces = [
    'LogGroupName',
    '@aws.region',
    'NOT',
    'IN',
    'AND',
    'OR',
    '"a"',
    "'b'",
    '[',
    ']',
    '(',
    ')',
    '=',
    '!=',
  ].concat([',', ' ', '"', "'", '!', '\u0000', 'é', '\ud800', '\n', '==', '@', '.']);
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from(
      { length: Math.floor(random() * 12) },
      () => pieces[Math.floor(random() * pieces.length)],
    ).join(random() < 0.5 ? ' ' : '');
    try {
      assert.equal(typeof evaluateSelection(parseSelectionCriteria(text), { LogGroupName: 'a' }), 'boolean');
    } catch (error) {
      assert.ok(error instanceof SelectionCriteriaError, `${JSON.stringify(text)}: ${error}`);
      assert.ok(error.position >= 0 && error.position <= text.length, `${JSON.stringify(text)} at ${error.position}`);
    }
  }
});
