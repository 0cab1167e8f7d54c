import assert from 'node:assert/strict';
import test from 'node:test';
import { LineJoiner } from './join-lines.ts';
import { type ImportFormat, timeReader } from './line-time.ts';

const NOW = Date.UTC(2026, 10, 23, 12);

function join(format: ImportFormat, lines: string[]): [time: string, message: string][] {
  const joiner = new LineJoiner(format, timeReader(format, NOW), NOW);
  const events = [...lines.map((line) => joiner.push(line)), joiner.finish()].filter((event) => event !== undefined);
  return events.map(({ timestamp, message }) => [new Date(timestamp).toISOString().slice(11, 19), message]);
}

test('lines into events', () => {
  const cases: [what: string, ImportFormat, lines: string[], [string, string][]][] = [
    [
      'one a line',
      'text',
      ['2026-11-23 10:00:01 a', '2026-11-23 10:00:02 b'],
      [
        ['10:00:01', '2026-11-23 10:00:01 a'],
        ['10:00:02', '2026-11-23 10:00:02 b'],
      ],
    ],
    [
      'a Java stack trace',
      'text',
      [
        '2026-11-23 10:00:01 boom',
        'java.lang.Error: x',
        '\tat a.b(C.java:1)',
        'Caused by: y',
        '',
        '2026-11-23 10:00:02 b',
      ],
      [
        ['10:00:01', '2026-11-23 10:00:01 boom\njava.lang.Error: x\n\tat a.b(C.java:1)\nCaused by: y'],
        ['10:00:02', '2026-11-23 10:00:02 b'],
      ],
    ],
    [
      'no times: what is indented',
      'text',
      ['a', '  b', 'c'],
      [
        ['12:00:00', 'a\n  b'],
        ['12:00:00', 'c'],
      ],
    ],
    [
      'JSON: a line an event, the time of the one before',
      'json',
      ['{"ts":1763892000}', '  {"x":1}', ''],
      [
        ['10:00:00', '{"ts":1763892000}'],
        ['10:00:00', '  {"x":1}'],
      ],
    ],
    ['nothing', 'text', ['', '  '], []],
  ];
  for (const [what, format, lines, events] of cases) assert.deepEqual(join(format, lines), events, what);
});

test('an event is cut where PutLogEvents would refuse it', () => {
  const events = join('text', ['2026-11-23 10:00:01 a', ...Array.from({ length: 3 }, () => ` ${'x'.repeat(500_000)}`)]);
  assert.deepEqual(
    events.map(([, message]) => message.length),
    [1_000_025, 500_001],
  );
});
