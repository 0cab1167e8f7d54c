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
    ['depth......2 of dcbf.........0', ['.2', '.0']],
    ['SHA1 over SOCKS5, ssh2', ['ssh2']],
    ['free 4.4 MB, 12 bytes (0.1 KB) of 3 B', ['4.4 MB', '12 bytes (0.1 KB)', '3 B']],
    ['since Fri Jun 17 07:07:00 2005, May 5', ['Fri Jun 17 07:07:00 2005', 'May 5']],
    ['May be, Sun deadbeef facade', ['deadbeef']],
  ];
  for (const [text, expected] of table) {
    assert.deepEqual(variablesOf(text), expected, text);
    assert.equal(maskVariables(text).split('\u0001').length - 1, expected.length, text);
  }
});

test('few words at one place are patterns of their own, many are values; a path, a host or a number is one at once', () => {
  const table: [string[], string[]][] = [
    [
      ['feature beta is enabled', 'feature beta is disabled', 'feature beta is enabled'],
      ['feature beta is enabled', 'feature beta is disabled'],
    ],
    [
      ['anna', 'bert', 'carla', 'dora'].map((user) => `login of user ${user} was fine`),
      ['login of user <Token-1> was fine'],
    ],
    [
      ['/opt/anna', '/srv/data'].map((path) => `could not open ${path}: no such file`),
      ['could not open <Path-1>: no such file'],
    ],
    [
      ['root', 'guest', 'news', 'sync'].map((user) => `failure; uid=0 user=${user}, tty=ssh`),
      ['failure; uid=<Number-1> user=<Token-2>, tty=ssh'],
    ],
    [['NEW', 'RUNNING', 'FAILED', 'DONE', 'LOST'].map((state) => `task is ${state} now`), []],
  ];
  for (const [messages, expected] of table) {
    const found = minePatterns(messages).map(({ pattern }) => pattern);
    assert.deepEqual(found, expected.length > 0 ? expected : messages.toSorted());
  }
});

test('values of several words, and lists', () => {
  const table: [string[], string][] = [
    [
      ['closed, 403 bytes sent, life <1 sec', 'closed, 1190 bytes (1.16 KB) sent, life 00:02'],
      'closed, <Size-1> sent, life <Token-2>',
    ],
    [['asked to delete blk_1', 'asked to delete blk_2 blk_3 blk_-4'], 'asked to delete <Token-1>'],
    [['agent like a/1.5 b/2.5', 'agent like a/1.5 b/2.5 c/7'], 'agent like a/<Number-1> b/<Number-2><Token-3>'],
    [
      ['lock=7, tag="View Lock", uid=1 taken', 'lock=8, tag="launch", uid=2 taken'],
      'lock=<Number-1>, tag="<Token-2> uid=<Number-3> taken',
    ],
    [
      ['from 10.0.0.1 at Fri Jun 17 07:07:00 2005', 'from 10.0.0.2 at Sat Jul 2 07:07:01 2005'],
      'from <IPAddress-1> at <Timestamp-2>',
    ],
  ];
  for (const [messages, expected] of table) {
    const found = minePatterns(messages);
    assert.deepEqual(
      found.map(({ pattern }) => pattern),
      [expected],
    );
    for (const message of messages) assert.match(message, new RegExp(`^${found[0]!.patternRegex}$`));
  }
});

test('what tokens hold is counted over the messages that are kept', () => {
  const [merged] = minePatterns(
    ['anna', 'bert', 'anna', 'carla', 'dora'].map((user) => `login of user ${user} was fine`),
  );
  assert.deepEqual(
    { ...merged!.tokens.find((token) => token.isDynamic)!.enumerations },
    { anna: 2, bert: 1, carla: 1, dora: 1 },
  );
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
