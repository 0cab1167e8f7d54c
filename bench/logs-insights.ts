// Queries of Logs Insights and FilterLogEvents beside the best ClickHouse SQL that we know by hand, for the same answer on
// the same table, and beside grep on the plain file: 5 million lines of mixed text, JSON and access logs, about 1 GB
// (BRUME_BENCH_EVENTS says another number). In this process: from the text of a query to the text of its answer.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../server/src/core/clock.ts';
import { createLogger } from '../server/src/core/log.ts';
import { NO_METER } from '../server/src/core/meter.ts';
import { parseFilterPattern } from '../server/src/engines/filter-pattern/filter-pattern.ts';
import { FIRST_POSITION } from '../server/src/engines/logs/event-position.ts';
import type { LogGroup } from '../server/src/engines/logs/log-group.ts';
import { createLogStore, type LogStore } from '../server/src/engines/logs/log-store.ts';
import { InsightsPlanner } from '../server/src/engines/logs/queries/insights-planner.ts';
import { LookupTableDirectory } from '../server/src/engines/logs/queries/lookup-table.ts';
import { QueryEngine } from '../server/src/engines/logs/queries/query-engine.ts';
import { resultFields } from '../server/src/engines/logs/queries/query-results.ts';
import { createMetricStore } from '../server/src/engines/metrics/metric-store.ts';
import { openStateStore } from '../server/src/storage/state/sqlite-state.ts';
import { openTelemetry } from '../server/src/storage/telemetry/chdb-telemetry.ts';
import { type Sql, sql } from '../server/src/storage/telemetry/sql.ts';
import type { Telemetry } from '../server/src/storage/telemetry/telemetry.ts';
import { logLine, NEEDLE } from './log-lines.ts';
import type { Report } from './run.ts';

const EVENTS = Number(process.env.BRUME_BENCH_EVENTS ?? 5_000_000);
const SPAN_MS = 6 * 3_600_000;
const BATCH = 5_000;
const STREAMS = 20;
const ROUNDS = 5;
const SCOPE = { account: '000000000000', region: 'us-east-1' };

interface Comparison {
  name: string;
  run: () => Promise<{ rows: number; scanned?: number }>;
  byHand: Sql;
  /** Of grep, on the plain file. */
  grep?: string[];
}

export async function run(report: Report): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'brume-bench-'));
  const log = createLogger('error');
  const clock = new SystemClock();
  const state = await openStateStore({ dir: join(dir, 'state'), durable: true, log });
  const telemetry = await openTelemetry({ dir: join(dir, 'telemetry'), durable: true, log });
  const metrics = createMetricStore({ state, telemetry, clock, log });
  const store = createLogStore({ state, telemetry, clock, metrics, meter: NO_METER, log });
  const lookupTables = new LookupTableDirectory(state, clock);
  const queries = new QueryEngine({
    state,
    clock,
    log,
    planner: new InsightsPlanner({ store, telemetry, lookupTables }),
  });
  try {
    const group = (await store.groups.create(SCOPE, '/bench'))!;
    const toMs = clock.now();
    const file = join(dir, 'lines.log');
    const bytes = await load(store, group, file, toMs);
    await telemetry.flush();
    report(
      `${EVENTS.toLocaleString('en')} events, ${(bytes / 1e6).toFixed(0)} MB of messages over 6 hours; best of ${ROUNDS}`,
    );
    for (const comparison of comparisons(queries, store, group, toMs)) {
      await compare(report, comparison, telemetry, file);
    }
  } finally {
    await queries.end();
    await store.stop();
    await telemetry.close();
    await state.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function comparisons(queries: QueryEngine, store: LogStore, group: LogGroup, toMs: number): Comparison[] {
  const fromMs = toMs - SPAN_MS;
  const insights = (queryString: string) => async () => {
    const query = { queryString, queryLanguage: 'CWLI' as const, fromMs, toMs, groups: [group], userIdentity: 'bench' };
    const { id } = await queries.start(SCOPE, query);
    await queries.ended(id);
    const { rows, query: ended } = (await queries.results(SCOPE, id))!;
    if (ended.status !== 'Complete') throw new Error(`${queryString} ended as ${ended.status}: ${ended.error}`);
    JSON.stringify(resultFields(rows));
    return { rows: rows.rows.length, scanned: ended.statistics.recordsScanned };
  };
  const where = sql`group_id = ${group.id} AND timestamp >= ${fromMs} AND timestamp <= ${toMs}`;
  const pattern = parseFilterPattern('{ $.status = 500 && $.customer.plan = "paid" }');
  return [
    {
      name: 'count by bin(5m) with a regex filter',
      run: insights('filter @message like /timed? out/ | stats count(*) by bin(5m)'),
      byHand: sql`
        SELECT intDiv(timestamp, 300000) * 300000 AS t, count() FROM log_events
        WHERE ${where} AND match(message, 'timed? out') GROUP BY t ORDER BY t DESC`,
      grep: ['-cE', 'timed? out'],
    },
    {
      name: 'a rare needle, newest first',
      run: insights(`filter @message like "${NEEDLE}" | sort @timestamp desc | limit 20`),
      byHand: sql`
        SELECT timestamp, message FROM log_events
        WHERE ${where} AND hasToken(message, 'needle') AND position(message, ${NEEDLE}) > 0
        ORDER BY timestamp DESC LIMIT 20`,
      grep: ['-c', NEEDLE],
    },
    {
      name: 'pct(duration, 99) by a field of JSON',
      run: insights('stats pct(duration, 99) by route'),
      byHand: sql`
        SELECT JSONExtractString(message, 'route') AS route, quantile(0.99)(JSONExtractFloat(message, 'duration'))
        FROM log_events WHERE ${where} AND startsWith(message, '{') GROUP BY route`,
    },
    {
      name: 'parse and count_distinct',
      run: insights('parse @message "request * to * took * ms" as id, path, ms | stats count_distinct(path)'),
      byHand: sql`
        SELECT uniqExact(extract(message, 'request .*? to (.*?) took .*? ms')) FROM log_events
        WHERE ${where}`,
    },
    {
      name: 'last 100 events of one stream',
      run: insights('filter @logStream = "stream-7" | sort @timestamp desc | limit 100'),
      byHand: sql`
        SELECT timestamp, message FROM log_events WHERE ${where} AND stream = 'stream-7'
        ORDER BY timestamp DESC LIMIT 100`,
    },
    {
      name: 'FilterLogEvents with a JSON pattern, first page',
      run: async () => {
        const { events } = await store.events.filter({ group, fromMs, toMs: toMs + 1 }, pattern, FIRST_POSITION, 1_000);
        JSON.stringify(events);
        return { rows: events.length };
      },
      byHand: sql`
        SELECT timestamp, message, stream FROM log_events
        WHERE ${where} AND startsWith(message, '{') AND JSONExtractInt(message, 'status') = 500
          AND JSONExtractString(message, 'customer', 'plan') = 'paid'
        ORDER BY timestamp, segment, row LIMIT 1000`,
    },
  ];
}

async function compare(report: Report, { name, run, byHand, grep }: Comparison, telemetry: Telemetry, file: string) {
  let answer = await run();
  let byHandRows = (await telemetry.query(byHand)).rows.length;
  let brumeMs = Number.POSITIVE_INFINITY;
  let handMs = Number.POSITIVE_INFINITY;
  // In turns, so that what else the machine does falls on both.
  for (let i = 0; i < ROUNDS; i++) {
    let startMs = performance.now();
    answer = await run();
    brumeMs = Math.min(brumeMs, performance.now() - startMs);
    startMs = performance.now();
    byHandRows = (await telemetry.query(byHand)).rows.length;
    handMs = Math.min(handMs, performance.now() - startMs);
  }
  const parts = [
    `${name}: ${brumeMs.toFixed(0)} ms, by hand ${handMs.toFixed(0)} ms = ${(brumeMs / handMs).toFixed(2)}x (goal at most 1.3x)`,
    `${answer.rows} rows (by hand ${byHandRows})`,
  ];
  if (answer.scanned !== undefined) parts.push(`${answer.scanned.toLocaleString('en')} rows read`);
  if (grep) parts.push(`grep ${grepMs(grep, file).toFixed(0)} ms`);
  report(`  ${parts.join('; ')}`);
}

function grepMs(args: string[], file: string): number {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const startMs = performance.now();
    try {
      execFileSync('grep', [...args, file], { env: { ...process.env, LC_ALL: 'C' } });
    } catch {
      // No line matches.
    }
    bestMs = Math.min(bestMs, performance.now() - startMs);
  }
  return bestMs;
}

/** Message bytes. The file holds the same lines. */
async function load(store: LogStore, group: LogGroup, file: string, toMs: number): Promise<number> {
  const streams = [];
  for (let i = 0; i < STREAMS; i++) streams.push((await store.groups.createStream(group, `stream-${i}`))!);
  const descriptor = openSync(file, 'w');
  let total = 0;
  for (let first = 0; first < EVENTS; first += BATCH) {
    const events = [];
    let bytes = 0;
    for (let n = first; n < Math.min(EVENTS, first + BATCH); n++) {
      const message = logLine(n);
      bytes += Buffer.byteLength(message);
      events.push({ timestamp: Math.floor(toMs - SPAN_MS + (n / EVENTS) * SPAN_MS), message });
    }
    writeSync(descriptor, `${events.map(({ message }) => message).join('\n')}\n`);
    await store.append(group, streams[(first / BATCH) % STREAMS]!, events, bytes);
    total += bytes;
  }
  closeSync(descriptor);
  return total;
}
