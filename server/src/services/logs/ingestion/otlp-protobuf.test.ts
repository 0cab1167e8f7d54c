import assert from 'node:assert/strict';
import test from 'node:test';
import { AwsError } from '#core/errors.ts';
import { seeded } from '#test/seeded-random.ts';
import { readLogsRequest } from './otlp.ts';
import { decodeLogsRequest, encodeLogsResponse } from './otlp-protobuf.ts';

const field = (number: number, content: Buffer | string) => {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};
const fixed64 = (number: number, value: bigint) => {
  const bytes = Buffer.alloc(9);
  bytes[0] = (number << 3) | 1;
  bytes.writeBigUInt64LE(value, 1);
  return bytes;
};
const request = (...records: Buffer[]) => field(1, field(2, Buffer.concat(records.map((record) => field(2, record)))));

test('records', () => {
  const attribute = (value: Buffer) => field(6, Buffer.concat([field(1, 'k'), field(2, value)]));
  const varint = (number: number, ...bytes: number[]) => Buffer.from([number << 3, ...bytes]);
  const double = fixed64(4, 0x3fe0000000000000n);
  const infinite = fixed64(4, 0x7ff0000000000000n);
  const minusOne = varint(3, ...Array(9).fill(0xff), 1);
  const rows: [Buffer, object][] = [
    [Buffer.alloc(0), { attributes: [] }],
    [fixed64(1, 1_795_429_800_000_000_000n), { timeUnixNano: '1795429800000000000' }],
    [fixed64(11, 5n), { observedTimeUnixNano: 5 }],
    [varint(2, 17), { severityNumber: 17 }],
    [field(3, 'INFO'), { severityText: 'INFO' }],
    [field(5, field(1, 'é')), { body: { stringValue: 'é' } }],
    [field(9, Buffer.from([0xab, 1])), { traceId: 'ab01' }],
    [Buffer.concat([Buffer.from([(8 << 3) | 5]), Buffer.from([1, 0, 0, 0])]), { flags: 1 }],
    [attribute(minusOne), { attributes: [{ key: 'k', value: { intValue: '-1' } }] }],
    [attribute(double), { attributes: [{ key: 'k', value: { doubleValue: 0.5 } }] }],
    [attribute(infinite), { attributes: [{ key: 'k', value: { doubleValue: 'Infinity' } }] }],
    [attribute(varint(2, 1)), { attributes: [{ key: 'k', value: { boolValue: true } }] }],
    [attribute(field(7, 'xyz')), { attributes: [{ key: 'k', value: { bytesValue: 'eHl6' } }] }],
    [
      attribute(field(5, field(1, varint(3, 2)))),
      { attributes: [{ key: 'k', value: { arrayValue: { values: [{ intValue: '2' }] } } }] },
    ],
    [field(15, 'a field of a later version'), {}],
  ];
  for (const [bytes, expected] of rows) {
    const [record] = decodeLogsRequest(request(bytes)).resourceLogs![0]!.scopeLogs![0]!.logRecords!;
    for (const [name, value] of Object.entries(expected)) {
      if (Array.isArray(value) && value.length === 0) continue;
      assert.deepEqual((record as Record<string, unknown>)[name], value, name);
    }
  }
});

test('what is no request is refused, whatever it is', () => {
  const random = seeded(20261123);
  const whole = request(Buffer.concat([fixed64(1, 5n), field(5, field(1, 'body')), field(9, Buffer.alloc(16))]));
  for (let i = 0; i < 20_000; i++) {
    const bytes = i % 2 === 0 ? Buffer.from(whole) : Buffer.alloc(Math.floor(random() * 60));
    const changes = i % 2 === 0 ? 3 : bytes.length;
    for (let n = 0; n < changes; n++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    try {
      const { events } = readLogsRequest(decodeLogsRequest(bytes), 1);
      for (const { message } of events) JSON.parse(message);
    } catch (error) {
      assert.ok(
        error instanceof AwsError && error.code === 'InvalidParameterException',
        `${bytes.toString('hex')}: ${error}`,
      );
    }
  }
  assert.throws(() => decodeLogsRequest(Buffer.alloc(20, 0xff)), { code: 'InvalidParameterException' });
});

test('answers', () => {
  assert.equal(encodeLogsResponse(undefined).length, 0);
  assert.equal(encodeLogsResponse({ rejected: 300, message: 'x' }).toString('hex'), '0a0608ac02120178');
});
