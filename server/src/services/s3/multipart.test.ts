import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type ChecksumAlgorithm, createHasher } from './checksums/checksum.ts';
import { acceptChecksumType, checksumOfParts, etagOfParts, newUploadId } from './multipart.ts';

function partsOf(pieces: Buffer[], algorithm: ChecksumAlgorithm) {
  return pieces.map((bytes, i) => ({
    number: i + 1,
    size: bytes.length,
    etag: createHash('md5').update(bytes).digest('hex'),
    modifiedAtMs: 0,
    checksum: digest(bytes, algorithm).toString('base64'),
  }));
}

function digest(bytes: Buffer, algorithm: ChecksumAlgorithm): Buffer {
  const hasher = createHasher(algorithm);
  hasher.update(bytes);
  return hasher.digest();
}

test('the ETag is the MD5 of the MD5s', () => {
  // Computed with `md5sum` and `xxd -r -p`: parts "a" and "b".
  const parts = partsOf([Buffer.from('a'), Buffer.from('b')], 'CRC32');
  assert.equal(etagOfParts(parts), '96e024ba2074fe77e8e965ba43a704be-2');
});

test('checksums of parts make that of the object', () => {
  const pieces = [randomBytes(100), randomBytes(1), randomBytes(5_000)];
  const whole = Buffer.concat(pieces);
  for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as const) {
    const { value, type } = checksumOfParts({ algorithm, checksumType: 'FULL_OBJECT' }, partsOf(pieces, algorithm));
    assert.deepEqual([value, type], [digest(whole, algorithm).toString('base64'), 'FULL_OBJECT'], algorithm);
  }
  for (const algorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256', 'SHA512', 'MD5'] as const) {
    const { value, type } = checksumOfParts({ algorithm, checksumType: 'COMPOSITE' }, partsOf(pieces, algorithm));
    const ofDigests = digest(Buffer.concat(pieces.map((piece) => digest(piece, algorithm))), algorithm);
    assert.deepEqual([value, type], [`${ofDigests.toString('base64')}-3`, 'COMPOSITE'], algorithm);
  }
});

test('which algorithm goes with which type', () => {
  const cases: [algorithm: ChecksumAlgorithm | undefined, type: string | undefined, outcome: string][] = [
    [undefined, undefined, 'CRC64NVME FULL_OBJECT'],
    ['CRC64NVME', undefined, 'CRC64NVME FULL_OBJECT'],
    ['CRC32', undefined, 'CRC32 COMPOSITE'],
    ['CRC32', 'FULL_OBJECT', 'CRC32 FULL_OBJECT'],
    ['CRC32C', 'FULL_OBJECT', 'CRC32C FULL_OBJECT'],
    ['SHA256', undefined, 'SHA256 COMPOSITE'],
    ['SHA256', 'FULL_OBJECT', 'InvalidRequest'],
    ['CRC64NVME', 'COMPOSITE', 'InvalidRequest'],
    [undefined, 'FULL_OBJECT', 'InvalidRequest'],
    ['CRC32', 'PARTIAL', 'InvalidRequest'],
  ];
  for (const [algorithm, type, outcome] of cases) {
    const label = `${algorithm} ${type}`;
    if (outcome === 'InvalidRequest')
      assert.throws(() => acceptChecksumType(algorithm, type), { code: outcome }, label);
    else {
      const accepted = acceptChecksumType(algorithm, type);
      assert.equal(`${accepted.algorithm} ${accepted.checksumType}`, outcome, label);
    }
  }
});

test('ids of uploads sort by time', () => {
  assert.ok(newUploadId(1_000) < newUploadId(2_000));
  assert.ok(newUploadId(Date.parse('2026-01-01')) < newUploadId(Date.parse('2040-01-01')));
});
