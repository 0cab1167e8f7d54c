import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { Crc32c, Crc64Nvme, type CrcAlgorithm, joinCrcs } from './crc.ts';

const make = { CRC32C: () => new Crc32c(), CRC64NVME: () => new Crc64Nvme() };

function digestOf(algorithm: CrcAlgorithm, bytes: Uint8Array): Buffer {
  if (algorithm === 'CRC32') {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(crc32(bytes));
    return digest;
  }
  const crc = make[algorithm]();
  crc.update(bytes);
  return crc.digest();
}

test('known vectors', () => {
  const numbers = Buffer.from('123456789');
  const cases: [CrcAlgorithm, Buffer, string][] = [
    ['CRC32C', Buffer.alloc(0), '00000000'],
    // "check" of the catalogue of parametrised CRC algorithms.
    ['CRC32C', numbers, 'e3069283'],
    ['CRC64NVME', numbers, 'ae8b14860a799888'],
    ['CRC64NVME', Buffer.alloc(0), '0000000000000000'],
    // RFC 3720, B.4.
    ['CRC32C', Buffer.alloc(32), '8a9136aa'],
    ['CRC32C', Buffer.alloc(32, 0xff), '62a8ab43'],
    ['CRC32C', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), '46dd794e'],
    // NVM Express Base Specification, 64-bit CRC of 4 KiB of zeros and of ones.
    ['CRC64NVME', Buffer.alloc(4096), '6482d367eb22b64e'],
    ['CRC64NVME', Buffer.alloc(4096, 0xff), 'c0ddba7302eca3ac'],
  ];
  for (const [algorithm, bytes, hex] of cases) assert.equal(digestOf(algorithm, bytes).toString('hex'), hex);
});

test('chunks of any size and alignment give what the whole gives', () => {
  const whole = randomBytes(5000);
  for (const algorithm of ['CRC32C', 'CRC64NVME'] as const) {
    const expected = digestOf(algorithm, whole).toString('hex');
    for (let round = 0; round < 50; round++) {
      const crc = make[algorithm]();
      for (let at = 0; at < whole.length; ) {
        const size = randomInt(1, 40);
        // A copy at an odd offset, as slices of network buffers are.
        const shifted = Buffer.concat([Buffer.alloc(randomInt(0, 8)), whole.subarray(at, at + size)]);
        crc.update(shifted.subarray(shifted.length - Math.min(size, whole.length - at)));
        at += size;
      }
      assert.equal(crc.digest().toString('hex'), expected);
    }
  }
});

test('CRCs of pieces join to the CRC of the whole', () => {
  const sizes = [0, 1, 7, 1000, 65_536, 65_536, 3];
  const pieces = sizes.map((size) => randomBytes(size));
  for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as const) {
    const joined = joinCrcs(
      algorithm,
      pieces.map((bytes) => ({ digest: digestOf(algorithm, bytes), size: bytes.length })),
    );
    assert.equal(joined.toString('hex'), digestOf(algorithm, Buffer.concat(pieces)).toString('hex'), algorithm);
  }
});
