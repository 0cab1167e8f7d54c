import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowBinaryBuffer } from './row-binary.ts';

test('integers and strings of all sizes are encoded as RowBinary has them', () => {
  const buffer = new RowBinaryBuffer();
  const integers = [0, 1, -1, 2 ** 31, 2 ** 32, -(2 ** 32), 1_763_860_000_123, Number.MIN_SAFE_INTEGER];
  buffer.reserve(8 * integers.length);
  for (const value of integers) buffer.int64(value);
  integers.forEach((value, i) => {
    assert.equal(Number(buffer.bytes.readBigInt64LE(i * 8)), value);
  });
  // Around the sizes where the varint grows, with 1, 2, 3 and 4 bytes a character.
  for (const character of ['a', 'é', '日', '𝄞']) {
    for (const bytes of [0, 60, 127, 128, 129, 200, 380, 381, 384, 16_383, 16_384, 17_000, 50_000, 2_097_152]) {
      const text = character.repeat(Math.ceil(bytes / Buffer.byteLength(character)));
      buffer.reset();
      buffer.string(text);
      assert.deepEqual(
        buffer.bytes.subarray(0, buffer.length),
        Buffer.concat([varint(Buffer.byteLength(text)), Buffer.from(text)]),
      );
    }
  }
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}
