import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryDirectory } from '#test/harness.ts';
import { BlobStream, CHUNK_BYTES, SpareBuffers } from './blob-stream.ts';

const dir = temporaryDirectory();
const path = join(dir, 'blob');
const bytes = Buffer.alloc(3 * CHUNK_BYTES + 4_567);
for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + (i >> 9)) & 255;
writeFileSync(path, bytes);
const buffers = new SpareBuffers();

const RANGES: [start: number, end: number | undefined][] = [
  [0, undefined],
  [0, 1],
  [5, 5],
  [CHUNK_BYTES - 1, CHUNK_BYTES + 1],
  [CHUNK_BYTES, 3 * CHUNK_BYTES],
  [bytes.length - 1, bytes.length],
  [bytes.length, undefined],
];

for (const [start, end] of RANGES) {
  test(`bytes ${start} to ${end}, read and sent`, async () => {
    const wanted = bytes.subarray(start, end);
    const chunks: Buffer[] = [];
    for await (const chunk of new BlobStream({ path, start, end, buffers })) chunks.push(chunk);
    assert.ok(Buffer.concat(chunks).equals(wanted), 'read');

    // It keeps a chunk for a while before it says that it is done with it: no buffer may change meanwhile.
    const sent: Buffer[] = [];
    const sink = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _, done) {
        setImmediate(() => {
          sent.push(Buffer.from(chunk));
          done();
        });
      },
    });
    const stream = new BlobStream({ path, start, end, buffers });
    await stream.sendTo(sink);
    if (!sink.writableFinished) await new Promise((resolve) => sink.once('finish', resolve));
    assert.ok(Buffer.concat(sent).equals(wanted), 'sent');
    assert.ok(stream.destroyed);
  });
}

test('a reader that goes away, a file that is not there', async () => {
  const sink = new Writable({ write() {} });
  const sending = new BlobStream({ path, start: 0, buffers }).sendTo(sink);
  await sleep(20);
  sink.destroy();
  await assert.rejects(sending, /closed/);
  const missing = new BlobStream({ path: join(dir, 'none'), start: 0, buffers });
  await assert.rejects(missing.opened(), { code: 'ENOENT' });
  await assert.rejects(new BlobStream({ path: join(dir, 'none'), start: 0, buffers }).sendTo(sink), { code: 'ENOENT' });
});
