import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createLogger } from '#core/log.ts';
import { RowBinaryBuffer } from './row-binary.ts';
import { SegmentLog } from './segment-log.ts';
import { SegmentNumbers } from './segment-numbers.ts';
import { encodeFrame, LOG_EVENTS } from './tables.ts';
import type { LogEventBatch } from './telemetry.ts';

let dir: string;
let logged: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'brume-segments-'));
  logged = [];
});
afterEach(() => rm(dir, { recursive: true }));

test('numbers tell events of a stream with the same timestamp apart, and are 0 where none has', async () => {
  const log = openLog();
  const cases: [batch: LogEventBatch, firstRow: number][] = [
    [batch(2), 0],
    [batch(1, { atMs: 2 }), 0],
    [batch(3, { atMs: 2 }), 2],
    [batch(1, { atMs: 1 }), 5],
    [batch(1, { atMs: 1, stream: 'another' }), 0],
    [batch(1, { atMs: 1, groupId: 70 }), 0],
    [batch(2, { atMs: 5 }), 0],
    [batch(2, { atMs: 6 }), 6],
  ];
  const appended = await Promise.all(cases.map(([given]) => log.append(given)));
  assert.deepEqual(
    appended,
    cases.map(([, firstRow]) => ({ segment: 1, firstRow })),
  );
  const closed = await log.rotate();
  assert.equal(closed?.rows, 13);
  assert.equal((await readFile(closed.path)).length, closed.bytes);
  assert.deepEqual(await log.append(batch(1)), { segment: 2, firstRow: 0 });
  await log.rotate();
});

test('rows that were appended before a rotation stay in the old segment, though not yet written', async () => {
  const log = openLog();
  const first = log.append(batch(1));
  const closing = log.rotate();
  const second = log.append(batch(1));
  assert.deepEqual(await first, { segment: 1, firstRow: 0 });
  assert.deepEqual(await second, { segment: 2, firstRow: 0 });
  assert.equal((await closing)?.rows, 1);
  assert.equal((await log.rotate())?.rows, 1);
});

test('a batch that cannot be encoded is refused and leaves no trace', async () => {
  const log = openLog();
  await log.append(batch(1));
  const bad = {
    ...batch(2),
    events: [
      { timestamp: 1, message: 'fine' },
      { timestamp: Number.NaN, message: 'x' },
    ],
  };
  await assert.rejects(async () => log.append(bad), /not a timestamp: NaN/);
  assert.deepEqual(await log.append(batch(1)), { segment: 1, firstRow: 1 });
  assert.equal((await log.rotate())?.rows, 2);
  assert.deepEqual(
    (await openLog().recover()).map(({ rows }) => rows),
    [2],
  );
});

test('numbers are not given again after a restart', async () => {
  const first = openLog();
  await first.append(batch(1));
  const second = openLog();
  assert.equal((await second.append(batch(1))).segment, 4097);
  await Promise.all([first.rotate(), second.rotate()]);
});

test('segments left by an earlier process are found in order; other files are left alone', async () => {
  const log = openLog();
  for (let i = 1; i <= 11; i++) {
    await log.append(batch(i));
    await log.rotate();
  }
  await writeFile(join(dir, 'metric_points-3.segment.new'), '');
  const found = await openLog().recover();
  assert.deepEqual(
    found.map(({ number, rows }) => [number, rows]),
    Array.from({ length: 11 }, (_, i) => [i + 1, i + 1]),
  );
  assert.equal((await readdir(dir)).length, 13);
});

// Each appends 3 frames of 1, 2 and 3 rows, then damages the file.
const DAMAGES: [string, (bytes: Buffer, ends: number[]) => Buffer, rowsKept: number][] = [
  ['nothing', (bytes) => bytes, 6],
  ['the last byte is gone', (bytes) => bytes.subarray(0, -1), 3],
  ['the last frame is gone', (bytes, ends) => bytes.subarray(0, ends[1]), 3],
  ['only half a head is left of the last frame', (bytes, ends) => bytes.subarray(0, ends[1]! + 10), 3],
  ['the last frame is zeros', (bytes, ends) => bytes.fill(0, ends[1]), 3],
  ['a bit of the last frame flipped', (bytes) => flip(bytes, bytes.length - 2), 3],
  ['a bit of the first frame flipped', (bytes) => flip(bytes, 40), 0],
  ['a length is absurd', (bytes, ends) => flip(bytes, ends[0]! + 3), 1],
  ['zeros follow', (bytes) => Buffer.concat([bytes, Buffer.alloc(4096)]), 6],
  ['a frame of another segment follows', (bytes) => Buffer.concat([bytes, otherFrame(2, 6)]), 6],
  ['a frame that is there already follows', (bytes, ends) => Buffer.concat([bytes, bytes.subarray(0, ends[0])]), 6],
  ['everything is gone', () => Buffer.alloc(0), 0],
];

for (const [what, damage, rowsKept] of DAMAGES) {
  test(`recovers the valid prefix when ${what}`, async () => {
    const log = openLog();
    const ends: number[] = [];
    for (const rows of [1, 2, 3]) {
      await log.append(batch(rows));
      ends.push(log.openBytes);
    }
    const { path, bytes } = (await log.rotate())!;
    const before = await readFile(path);
    const damaged = damage(Buffer.from(before), ends);
    await writeFile(path, damaged);
    const found = await openLog().recover();
    assert.equal(found[0]?.rows ?? 0, rowsKept);
    const kept = found[0]?.bytes ?? 0;
    if (rowsKept > 0) assert.deepEqual(await readFile(path), before.subarray(0, kept));
    else assert.deepEqual(await readdir(dir), ['next-segment']);
    const torn = logged.filter((line) => line.includes('cut the torn end'));
    assert.equal(torn.length, damaged.length > kept ? 1 : 0, `logged ${logged}, of ${bytes} bytes kept ${kept}`);
  });
}

test('a write that fails rejects its appends, and what was acknowledged before stays', async () => {
  const log = openLog();
  await log.append(batch(1));
  const taken = new SegmentNumbers(dir, false).next() - 4096 + 1; // the number that comes next in `log`
  await log.rotate();
  await writeFile(join(dir, `log_events-${taken}.3.segment`), '');
  await assert.rejects(log.append(batch(1)), /EEXIST/);
  assert.equal(log.mustRotate(1e9), true);
  assert.equal(await log.rotate(), undefined);
  assert.deepEqual(await log.append(batch(1)), { segment: taken + 1, firstRow: 0 });
  await log.rotate();
  assert.deepEqual(
    (await openLog().recover()).map(({ number }) => number),
    [1, taken + 1],
  );
});

function openLog(): SegmentLog<LogEventBatch> {
  const log = createLogger('info', (line) => logged.push(line));
  return new SegmentLog(LOG_EVENTS, { dir, durable: true, numbers: new SegmentNumbers(dir, true), log });
}

function batch(events: number, { atMs = 0, groupId = 7, stream = 'a/stream' } = {}): LogEventBatch {
  return {
    groupId,
    stream,
    ingestionTimeMs: 1_763_860_000_000,
    events: Array.from({ length: events }, (_, i) => ({
      timestamp: 1_763_860_000_000 + atMs + i,
      message: `event ${i} é`,
    })),
  };
}

function otherFrame(segment: number, firstRow: number): Buffer {
  const buffer = new RowBinaryBuffer();
  encodeFrame(buffer, { segment, firstRow, rowCount: 1 }, LOG_EVENTS.encoder(), batch(1));
  return buffer.bytes.subarray(0, buffer.length);
}

function flip(bytes: Buffer, offset: number): Buffer {
  bytes[offset]! ^= 0x40;
  return bytes;
}
