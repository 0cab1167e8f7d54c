import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '#core/log.ts';
import type { EngineClient } from './engine-client.ts';
import type { SegmentLog } from './segment-log.ts';
import { TableFlusher } from './table-flusher.ts';

const MB = 1024 * 1024;

test('a full log lets few rows in, and many wait', async () => {
  const cases: [logMb: number, rows: number, waits: boolean][] = [
    [512, 10_000, false],
    [513, 10_000, true],
    [513, 17, true],
    [513, 16, false],
    [640, 1, false],
    [641, 1, true],
  ];
  for (const [logMb, rows, waits] of cases) {
    const appended = flusherOver(logMb * MB).append(rows);
    const first = await Promise.race([
      appended.then(() => 'appended'),
      new Promise((resolve) => setImmediate(resolve)),
    ]);
    assert.equal(first === undefined, waits, `${rows} rows on ${logMb} MB`);
  }
});

/** A flusher whose log has so many bytes, which nothing takes away; a batch is its number of rows. */
function flusherOver(openBytes: number): TableFlusher<number> {
  const log = {
    openBytes,
    table: { rowCount: (batch: number) => batch, keep: (batch: number) => batch },
    mustRotate: () => false,
    append: async () => ({ segment: 1, firstRow: 0 }),
    rotate: () => new Promise(() => {}),
  };
  return new TableFlusher(log as unknown as SegmentLog<number>, {} as EngineClient, {
    dir: '',
    durable: true,
    log: createLogger('error'),
  });
}
