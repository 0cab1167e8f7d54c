// Telemetry store alone, without HTTP: what encoding and appending cost beside JSON.parse of the same events, how
// fast segments go into ClickHouse, and how long a small append and a query that follows it take.
//   node bench/telemetry.ts

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../server/src/core/log.ts';
import { openTelemetry } from '../server/src/storage/telemetry/chdb-telemetry.ts';
import { RowBinaryBuffer } from '../server/src/storage/telemetry/row-binary.ts';
import { sql } from '../server/src/storage/telemetry/sql.ts';
import { encodeFrame, LOG_EVENTS } from '../server/src/storage/telemetry/tables.ts';
import type { LogEventBatch } from '../server/src/storage/telemetry/telemetry.ts';

const EVENTS_PER_BATCH = 1_000;
const BATCHES = 400;
const APPENDERS = 8;
const SMALL_APPENDS = 1_000;
const QUERIES = 100;
const NOW = 1_763_860_000_000;

export async function run(report: (line: string) => void): Promise<void> {
  const bodies = Array.from({ length: BATCHES }, (_, i) => JSON.stringify({ logEvents: mixedLogLines(i) }));
  const firstEvents: { timestamp: number; message: string }[] = JSON.parse(bodies[0]!).logEvents;
  const parsed = bodies.map((body) => batchOf(JSON.parse(body).logEvents));
  const bodyMB = (bodies.reduce((sum, body) => sum + Buffer.byteLength(body), 0) / bodies.length / 1e6) * BATCHES;

  const parse = measureCpu(() => {
    for (let i = 0; i < BATCHES; i++) JSON.parse(bodies[i % bodies.length]!);
  });
  report(`JSON.parse of the bodies            ${perMB(parse.cpuMs, bodyMB)}`);
  const buffer = new RowBinaryBuffer();
  const encode = LOG_EVENTS.encoder();
  const encoding = measureCpu(() => {
    for (let i = 0; i < BATCHES; i++) {
      buffer.length = 0;
      encodeFrame(buffer, { segment: 1, firstRow: 0, rowCount: 1 }, encode, parsed[i % parsed.length]!);
    }
  });
  report(
    `encode as RowBinary, with checksum  ${perMB(encoding.cpuMs, bodyMB)}, ${ratio(encoding.cpuMs, parse.cpuMs)} JSON.parse`,
  );

  const dir = await mkdtemp(join(tmpdir(), 'brume-bench-'));
  const telemetry = await openTelemetry({ dir, durable: true, log: createLogger('warn') });
  try {
    const alone = await appendAll(telemetry, parsed);
    report(
      `append, durable, ${APPENDERS} at once, no insert ${perMB(alone.cpuMs, bodyMB)}, ${ratio(alone.cpuMs, parse.cpuMs)} JSON.parse, ${speed(alone.ms, bodyMB)}`,
    );
    await telemetry.warmUp();
    const insert = await measure(() => telemetry.flush());
    report(`insert of these segments            ${speed(insert.ms, bodyMB)}`);
    const both = await appendAll(telemetry, parsed);
    const catchUp = await measure(() => telemetry.flush());
    report(
      `append while they are inserted      ${perMB(both.cpuMs, bodyMB)}, ${speed(both.ms, bodyMB)}; with the last insert ${speed(both.ms + catchUp.ms, bodyMB)}`,
    );

    const small = batchOf(firstEvents.slice(0, 100));
    const appends: number[] = [];
    for (let i = 0; i < SMALL_APPENDS; i++) appends.push((await measure(() => telemetry.appendLogEvents(small))).ms);
    report(`append of 100 events                ${percentiles(appends)}`);

    const one = batchOf(firstEvents.slice(0, 1));
    const queries: number[] = [];
    for (let i = 0; i < QUERIES; i++) {
      await telemetry.appendLogEvents(one);
      queries.push(
        (await measure(() => telemetry.query(sql`SELECT max(timestamp) FROM log_events WHERE group_id = 2`))).ms,
      );
    }
    report(`query right after an append         ${percentiles(queries)}`);
    const idle: number[] = [];
    for (let i = 0; i < QUERIES; i++) {
      idle.push(
        (await measure(() => telemetry.query(sql`SELECT max(timestamp) FROM log_events WHERE group_id = 2`))).ms,
      );
    }
    report(`query, nothing new                  ${percentiles(idle)}`);
    await telemetry.statement(sql`OPTIMIZE TABLE log_events FINAL`);
    const { rows } = await telemetry.query<{ bytes: number; rows: number }>(
      sql`SELECT sum(bytes_on_disk) AS bytes, sum(rows) AS rows FROM system.parts WHERE active AND table = 'log_events'`,
    );
    report(
      `on disk                             ${(rows[0]!.bytes / rows[0]!.rows).toFixed(1)} bytes an event, of ${Math.round((bodyMB * 1e6) / BATCHES / EVENTS_PER_BATCH)} in JSON`,
    );
  } finally {
    await telemetry.close();
    await rm(dir, { recursive: true });
  }
}

async function appendAll(telemetry: Awaited<ReturnType<typeof openTelemetry>>, batches: LogEventBatch[]) {
  let next = 0;
  const appender = async () => {
    while (next < BATCHES) await telemetry.appendLogEvents(batches[next++ % batches.length]!);
  };
  return measure(() => Promise.all(Array.from({ length: APPENDERS }, appender)));
}

/** Lines as functions and servers write them: plain, JSON, with stack traces, a few with other alphabets. */
function mixedLogLines(seed: number): { timestamp: number; message: string }[] {
  return Array.from({ length: EVENTS_PER_BATCH }, (_, i) => {
    const n = (Math.imul(seed * EVENTS_PER_BATCH + i, 2_654_435_761) >>> 0).toString(16);
    const lines = [
      `2026-11-23T02:10:06.${i}Z\t${n}-7f3a-4c2e-9d1b-${n}\tINFO\tGET /api/v1/items/${i} 200 in ${i % 97} ms`,
      JSON.stringify({
        level: 'error',
        requestId: n,
        msg: 'could not process the record',
        attempt: i % 3,
        file: `data-${n}.csv`,
      }),
      `REPORT RequestId: ${n}-7f3a\tDuration: ${i}.41 ms\tBilled Duration: ${i} ms\tMemory Size: 128 MB\tMax Memory Used: 61 MB`,
      `[ERROR] ValueError: row ${i} has no column "price"\n  File "/var/task/app.py", line ${i % 200}, in handler\n    raise ValueError(${n})`,
      i % 20 === 3 ? `naïve café – 日本語 ${n}` : `worker-${i % 16} polled queue ${n}, ${i % 10} messages`,
    ];
    return { timestamp: NOW + i, message: lines[i % lines.length]! };
  });
}

function batchOf(events: LogEventBatch['events']): LogEventBatch {
  return { groupId: 1, stream: '2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef', ingestionTimeMs: NOW, events };
}

function measureCpu(work: () => void): { cpuMs: number } {
  work(); // warm
  const before = process.cpuUsage();
  work();
  return { cpuMs: cpuMsSince(before) };
}

async function measure(work: () => Promise<unknown>): Promise<{ ms: number; cpuMs: number }> {
  const before = process.cpuUsage();
  const started = performance.now();
  await work();
  return { ms: performance.now() - started, cpuMs: cpuMsSince(before) };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function perMB(cpuMs: number, mb: number): string {
  return `${(cpuMs / mb).toFixed(2)} CPU ms/MB`;
}

function ratio(part: number, whole: number): string {
  return `${(part / whole).toFixed(2)}x`;
}

function speed(ms: number, mb: number): string {
  return `${Math.round((mb / ms) * 1_000)} MB/s, ${Math.round((BATCHES * EVENTS_PER_BATCH) / ms)} thousand events/s`;
}

function percentiles(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

if (import.meta.main) await run(console.log);
