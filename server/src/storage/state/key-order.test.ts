import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareKeys, prefixEnd } from './key-order.ts';

for (const [lower, higher] of [
  ['', 'a'],
  ['a', 'aa'],
  ['a\0', 'a\x01'],
  ['z', 'é'],
  // UTF-16 has these the other way round.
  ['\uffff', '😀'],
  ['\ue000', '\u{10ffff}'],
] as const) {
  test(`${JSON.stringify(lower)} is before ${JSON.stringify(higher)}`, () => {
    assert.ok(compareKeys(lower, higher) < 0);
    assert.ok(compareKeys(higher, lower) > 0);
    assert.equal(compareKeys(lower, lower), 0);
  });
}

for (const [prefix, end] of [
  ['', undefined],
  ['a', 'b'],
  ['abc', 'abd'],
  ['a\0', 'a\x01'],
  ['\x7f', '\x80'],
  ['a\ud7ff', 'a\ue000'],
  ['\uffff', '\u{10000}'],
  ['é😀', 'é😁'],
  ['a\u{10ffff}', 'b'],
  ['a\u{10ffff}\u{10ffff}', 'b'],
  ['\u{10ffff}', undefined],
] as const) {
  test(`keys with the prefix ${JSON.stringify(prefix)} end before ${JSON.stringify(end)}`, () => {
    assert.equal(prefixEnd(prefix), end);
    if (end === undefined) return;
    for (const tail of ['', '\0', '\u{10ffff}\u{10ffff}']) assert.ok(compareKeys(prefix + tail, end) < 0);
  });
}
