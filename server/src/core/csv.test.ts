import assert from 'node:assert/strict';
import test from 'node:test';
import { CsvError, formatCsvRow, parseCsv } from './csv.ts';

test('rows', () => {
  const cases: [text: string, rows: string[][]][] = [
    ['', []],
    [
      'a,b\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['\ufeffa\n', [['a']]],
    [
      'a,,\n,\n\n',
      [
        ['a', '', ''],
        ['', ''],
      ],
    ],
    ['a,', [['a', '']]],
    ['"a ""b"", c","d\ne"\nf', [['a "b", c', 'd\ne'], ['f']]],
    ['a\n""\n\n', [['a'], ['']]],
    ['a "b" c,d', [['a "b" c', 'd']]],
  ];
  for (const [text, rows] of cases) assert.deepEqual(parseCsv(text), rows, JSON.stringify(text));
});

test('what is no CSV is said with its line', () => {
  const cases: [text: string, message: string, line: number][] = [
    ['a\n"b', 'a quote that is not closed', 2],
    ['"a\nb" c\n', 'text after a closing quote', 2],
  ];
  for (const [text, message, line] of cases) {
    assert.throws(
      () => parseCsv(text),
      (error) => error instanceof CsvError && error.message === message && error.line === line,
    );
  }
});

test('what is written reads back', () => {
  for (const row of [['plain', 'with "quotes"', 'a,b', 'two\nlines', ''], ['']]) {
    assert.deepEqual(parseCsv(formatCsvRow(row)), [row]);
  }
});
