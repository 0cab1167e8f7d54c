import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentRange, parseRange } from './range.ts';

const SIZE = 10;

test('ranges of ten bytes', () => {
  const cases: [header: string | undefined, range: [number, number] | 'whole' | 'unsatisfiable'][] = [
    [undefined, 'whole'],
    ['bytes=0-9', [0, 10]],
    ['bytes=0-0', [0, 1]],
    ['bytes=3-', [3, 10]],
    ['bytes=3-100', [3, 10]],
    ['bytes=-4', [6, 10]],
    ['bytes=-100', [0, 10]],
    ['BYTES = 2 - 3', [2, 4]],
    ['bytes=9-9', [9, 10]],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=10-20', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    // What does not parse, and what S3 does not do, is left out of account.
    ['bytes=5-2', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=0-1,3-4', 'whole'],
    ['items=0-1', 'whole'],
    ['bytes=a-b', 'whole'],
  ];
  for (const [header, expected] of cases) {
    if (expected === 'unsatisfiable') {
      assert.throws(() => parseRange(header, SIZE), { code: 'InvalidRange', status: 416 }, header);
      continue;
    }
    const range = parseRange(header, SIZE);
    assert.deepEqual(range ? [range.start, range.end] : 'whole', expected, header);
  }
  for (const header of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) {
    assert.throws(() => parseRange(header, 0), { code: 'InvalidRange' });
  }
  assert.equal(contentRange({ start: 3, end: 5 }, SIZE), 'bytes 3-4/10');
});
