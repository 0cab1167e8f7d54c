import assert from 'node:assert/strict';
import test from 'node:test';
import { splitJsonValues } from './json-values.ts';

test('values one after another', () => {
  const rows: [string, string[] | RegExp][] = [
    ['', []],
    [' {"a":"}\\""} \n[1,[2]] "x" 42 true null', ['{"a":"}\\""}', '[1,[2]]', '"x"', '42', 'true', 'null']],
    ['{}{}', ['{}', '{}']],
    ['{"a":1', /ends within a value/],
    ['"a', /ends within a string/],
    ['}', /unexpected }/],
    ['1 2 3 4 5 6 7', /more than 6/],
  ];
  for (const [text, expected] of rows) {
    if (expected instanceof RegExp) assert.throws(() => splitJsonValues(text, 6), expected, text);
    else assert.deepEqual(splitJsonValues(text, 6), expected, text);
  }
});
