import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EngineReply, encodeFrame, FrameReader } from './engine-protocol.ts';

test('frames come out whole however the bytes are cut', () => {
  const sent: [EngineReply, Buffer][] = [
    [{ id: 0, result: 'ready', version: '26.7' }, Buffer.alloc(0)],
    [{ id: 1, result: 'ok' }, Buffer.from('{"data":[["é"]]}')],
    [{ id: 2, result: 'ok' }, Buffer.alloc(200_000, 'x')],
    [{ id: 3, result: 'error', code: 62, message: 'naïve' }, Buffer.alloc(0)],
  ];
  const bytes = Buffer.concat(sent.flatMap(([head, body]) => encodeFrame(head, body)));
  for (const size of [1, 7, 8, 9, 1_000, 65_536, bytes.length]) {
    const received: [EngineReply, Buffer][] = [];
    const reader = new FrameReader<EngineReply>(({ head, body }) => received.push([head, Buffer.from(body)]));
    for (let offset = 0; offset < bytes.length; offset += size) reader.push(bytes.subarray(offset, offset + size));
    assert.deepEqual(received, sent, `pieces of ${size} bytes`);
  }
});

test('bytes that are no frame are refused', () => {
  const reader = new FrameReader<EngineReply>(() => {});
  assert.throws(() => reader.push(Buffer.from('Segmentation fault')), /not a frame/);
});
