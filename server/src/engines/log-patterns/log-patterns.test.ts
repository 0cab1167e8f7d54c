import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minePatterns } from './log-patterns.ts';
import { PatternTimeline } from './pattern-anomalies.ts';
import { PatternComparison } from './pattern-diff.ts';
import { maskVariables, variablesOf } from './variables.ts';

const HDFS = [
  ...Array.from(
    { length: 6 },
    (_, i) => `INFO dfs.DataNode: Receiving block blk_-${i}08 src: /10.250.1${i}.7:5001${i}`,
  ),
  ...Array.from({ length: 3 }, (_, i) => `WARN dfs.DataNode: Slow write of blk_${i}77 took ${i * 7}.5 ms`),
  'ERROR dfs.NameNode: Disk full on host-12',
];

test('patterns with the kinds of their variable parts, most frequent first', () => {
  const found = minePatterns(HDFS).map((it) => [it.pattern, it.sampleCount, it.ratio, it.severityLabel]);
  assert.deepEqual(found, [
    ['INFO dfs.DataNode: Receiving block <Token-1> src: /<IPAddress-2>', 6, 0.6, 'Info'],
    ['WARN dfs.DataNode: Slow write of <Token-1> took <Number-2> ms', 3, 0.3, 'Warning'],
    ['ERROR dfs.NameNode: Disk full on <Token-1>', 1, 0.1, 'Error'],
  ]);
});

test('what is variable by its looks', () => {
  const table: [string, string[]][] = [
    ['took 12 ms.', ['12']],
    ['at 2026-11-23 12:30:05,123 [main]', ['2026-11-23', '12:30:05,123']],
    ['size=1,234 id=a1b2, 7.', ['1,234', 'a1b2', '7']],
    ['blk_-16 /10.0.0.1:80 x', ['blk_-16', '10.0.0.1:80']],
    ['nothing here - or...there', []],
    ['é1 ü', ['é1']],
    ['9', ['9']],
    ['', []],
  ];
  for (const [text, expected] of table) {
    assert.deepEqual(variablesOf(text), expected, text);
    assert.equal(maskVariables(text).split('\u0001').length - 1, expected.length, text);
  }
});

test('words that differ become one token, with the values seen', () => {
  const [pattern] = minePatterns(['user anna logged in ok', 'user bert logged in ok', 'user anna logged in ok']);
  assert.equal(pattern!.patternString, 'user anna logged in ok');
  const [merged] = minePatterns([
    'login of user anna was fine',
    'login of user bert was fine',
    'login of user anna was fine',
  ]);
  assert.equal(merged!.pattern, 'login of user <Token-1> was fine');
  assert.deepEqual({ ...merged!.tokens.find((token) => token.isDynamic)!.enumerations }, { anna: 2, bert: 1 });
});

test('JSON documents', () => {
  const messages = [1, 2, 3].map((i) => `{"level":"info","path":"/a/${'xyz'[i - 1]}","ms":${i}.5}`);
  assert.deepEqual(
    minePatterns(messages).map((it) => it.pattern),
    ['{"level":"info","path":"<Path-1>","ms":<Number-2>}'],
  );
});

test('a period against an earlier one', () => {
  const comparison = new PatternComparison();
  for (let i = 0; i < 4; i++) comparison.addPrevious(`Request ${i} done`);
  for (let i = 0; i < 6; i++) comparison.addCurrent(`Request ${i} done`);
  comparison.addPrevious('Cache is cold');
  for (let i = 0; i < 3; i++) comparison.addCurrent(`Timeout of ${i}`);
  assert.deepEqual(
    comparison.differences().map((it) => [it.pattern, it.sampleCount, it.difference, it.description]),
    [
      ['Timeout of <Number-1>', 3, 3, 'New in the current time range'],
      ['Request <Number-1> done', 6, 2, '50% more than in the previous time range'],
      ['Cache is cold', 0, -1, 'Only in the previous time range'],
    ],
  );
});

test('what is unusual over a time range', () => {
  const hour = 3_600_000;
  const timeline = new PatternTimeline(0, 24 * hour - 1);
  for (let i = 0; i < 24 * 60; i++) {
    timeline.add(`GET /orders took ${20 + (i % 7)} ms`, i * 60_000);
    timeline.add(`Sync of feed ${i} done`, i * 60_000);
    if (i % 2 === 0) timeline.add(`Reply with status ${i === 600 ? 503 : 200}`, i * 60_000);
  }
  for (let i = 0; i < 300; i++) timeline.add(`Sync of feed ${i} done`, 10 * hour + i);
  timeline.add('ERROR Disk is full', 23 * hour);
  assert.deepEqual(
    timeline.anomalies().map((it) => [it.kind, it.priority, it.pattern.pattern]),
    [
      ['HTTP error code', 'HIGH', 'Reply with status <Number-1>'],
      ['New pattern', 'HIGH', 'ERROR Disk is full'],
      ['Pattern frequency', 'MEDIUM', 'Sync of feed <Number-1> done'],
    ],
  );
});
