import assert from 'node:assert/strict';
import test from 'node:test';
import { formatTable } from './table.ts';

test('tables', () => {
  const cases: [what: string, columns: string[], rows: string[][], width: number, lines: string[]][] = [
    [
      'numbers to the right',
      ['level', 'n'],
      [
        ['error', '12'],
        ['info', '3'],
      ],
      80,
      ['level   n', '─────  ──', 'error  12', 'info    3'],
    ],
    [
      'the widest gives way',
      ['a', 'message'],
      [['short', 'a long message that does not fit']],
      24,
      ['a      message', '─────  ─────────────────', 'short  a long message t…'],
    ],
    [
      'several lines, tabs and escapes',
      ['m'],
      [['one\n\ttwo \x1b[31mred\x1b[0m\n']],
      80,
      ['m', '─────────────', 'one⏎ two red⏎'],
    ],
    ['no rows', ['a', 'b'], [], 80, ['a  b', '─  ─']],
  ];
  for (const [what, columns, rows, width, lines] of cases) {
    assert.deepEqual(formatTable(columns, rows, width), lines, what);
  }
});
