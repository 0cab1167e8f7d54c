// Queries of Logs Insights beside the best ClickHouse statements written by hand for the same answers, on the same table
// in the same run, and beside grep and ripgrep on the same events in a plain file.
//   EVENTS=5000000 npm run bench -- insights        or        node bench/insights.ts --events 5000000

import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../server/src/core/clock.ts';
import { createLogger } from '../server/src/core/log.ts';
import { parseFilterPattern } from '../server/src/engines/filter-pattern/filter-pattern.ts';
import { compileQuery } from '../server/src/engines/insights/compile/compile-query.ts';
import { parseQuery } from '../server/src/engines/insights/syntax/parser.ts';
import { FIRST_POSITION } from '../server/src/engines/logs/event-position.ts';
import { EventReader } from '../server/src/engines/logs/event-reader.ts';
import { LogGroup } from '../server/src/engines/logs/log-group.ts';
import { openTelemetry } from '../server/src/storage/telemetry/chdb-telemetry.ts';
import { type Sql, sql } from '../server/src/storage/telemetry/sql.ts';
import type { Telemetry } from '../server/src/storage/telemetry/telemetry.ts';
import { CORPUS_MS, CORPUS_START, logCorpus, NEEDLE } from './log-corpus.ts';

const DEFAULT_EVENTS = 500_000;
const EVENTS_PER_APPEND = 2_000;
const RUNS = 7;
const GROUP = { id: 1, name: 'bench', account: '000000000000' };
const START = CORPUS_START;
const END = CORPUS_START + CORPUS_MS;
const OF_GROUP = sql`group_id = ${GROUP.id} AND timestamp >= ${START} AND timestamp <= ${END}`;
const NEWEST = sql`ORDER BY timestamp DESC, segment DESC, row DESC`;

interface Comparison {
  name: string;
  query: string;
  byHand: Sql;
  /** An expression that grep counts; absent where a count of lines is no answer. */
  grep?: string;
}

const COMPARISONS: Comparison[] = [
  {
    name: 'count by bin(5m) with a regex',
    query: 'filter @message like /ERROR|" 50[02] / | stats count(*) by bin(5m)',
    byHand: sql`SELECT intDiv(timestamp, 300000) * 300000 AS bin, count() AS n FROM log_events
      WHERE ${OF_GROUP} AND multiMatchAny(message, ['ERROR|" 50[02] ']) GROUP BY bin ORDER BY bin DESC LIMIT 10000`,
    grep: 'ERROR|" 50[02] ',
  },
  {
    name: 'rare needle, newest first, limit 20',
    query: `fields @timestamp, @message | filter @message like "${NEEDLE}" | sort @timestamp desc | limit 20`,
    byHand: sql`SELECT timestamp, message FROM log_events
      WHERE ${OF_GROUP} AND message LIKE ${`%${NEEDLE}%`} ${NEWEST} LIMIT 20`,
    grep: NEEDLE,
  },
  {
    name: 'pct(duration, 99) of a JSON field',
    query: 'stats pct(duration, 99) as p99',
    byHand: sql`SELECT quantileTDigest(0.99)(JSONExtractFloat(message, 'duration')) AS p99 FROM log_events
      WHERE ${OF_GROUP} AND startsWith(message, '{')`,
  },
  {
    name: 'parse and count_distinct',
    query: 'parse @message "user=*," as user | stats count_distinct(user) as users',
    byHand: sql`SELECT uniq(extract(message, 'user=([^,]*),')) AS users FROM log_events
      WHERE ${OF_GROUP} AND message LIKE '%user=%'`,
  },
  {
    name: 'last 100 events of one stream',
    query: 'fields @timestamp, @message | filter @logStream = "host-7" | sort @timestamp desc | limit 100',
    byHand: sql`SELECT timestamp, message FROM log_events WHERE ${OF_GROUP} AND stream = 'host-7' ${NEWEST} LIMIT 100`,
  },
];

export async function run(report: (line: string) => void): Promise<void> {
  const events = eventsAskedFor();
  const dir = await mkdtemp(join(tmpdir(), 'brume-bench-'));
  const telemetry = await openTelemetry({ dir: join(dir, 'telemetry'), durable: true, log: createLogger('warn') });
  try {
    const file = join(dir, 'plain.log');
    await load(telemetry, file, events);
    await telemetry.flush();
    await telemetry.statement(sql`OPTIMIZE TABLE log_events FINAL`);
    const raw = (await stat(file)).size;
    const stored = await telemetry.query<{ bytes: number }>(
      sql`SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE active AND table = 'log_events'`,
    );
    const { bytes } = stored.rows[0]!;
    report(`${events} events, ${mb(raw)} of plain text; stored in ${mb(bytes)}: ${percent(bytes, raw)} (goal: 20%)`);
    report(
      `query                                  Insights    by hand   ratio (goal 1.3)   rows read by each   grep -c     rg -c`,
    );
    for (const comparison of COMPARISONS) report(await compare(telemetry, comparison, file));
    report(await compareFilter(telemetry));
  } finally {
    await telemetry.close();
    await rm(dir, { recursive: true });
  }
}

function eventsAskedFor(): number {
  const given = process.argv.indexOf('--events');
  const events = Number(given >= 0 ? process.argv[given + 1] : (process.env.EVENTS ?? DEFAULT_EVENTS));
  if (!Number.isSafeInteger(events) || events < 1) throw new Error('--events takes a number of events');
  return events;
}

async function load(telemetry: Telemetry, path: string, events: number): Promise<void> {
  const file = createWriteStream(path);
  const waiting = new Map<string, { timestamp: number; message: string }[]>();
  const append = (stream: string, batch: { timestamp: number; message: string }[]) =>
    telemetry.appendLogEvents({ groupId: GROUP.id, stream, ingestionTimeMs: END, events: batch });
  for (const { stream, timestamp, message } of logCorpus({ events })) {
    const batch = waiting.get(stream) ?? [];
    waiting.set(stream, batch);
    batch.push({ timestamp, message });
    if (!file.write(`${message}\n`)) await new Promise<void>((resolve) => file.once('drain', () => resolve()));
    if (batch.length < EVENTS_PER_APPEND) continue;
    waiting.delete(stream);
    await append(stream, batch);
  }
  for (const [stream, batch] of waiting) await append(stream, batch);
  await new Promise<void>((resolve) => file.end(() => resolve()));
}

async function compare(telemetry: Telemetry, { name, query, byHand, grep }: Comparison, file: string): Promise<string> {
  const insights = async () => {
    const compiled = compileQuery(parseQuery(query), {
      groups: [GROUP],
      startMs: START,
      endMs: END,
      nowMs: END,
      pointer: ({ segment, row }) => `${segment}/${row}`,
    });
    if ('over' in compiled) throw new Error(`not a single statement: ${query}`);
    const { rows, rowsRead } = await telemetry.query<Record<string, unknown>>(compiled.sql);
    return { answer: compiled.rows(rows), rowsRead };
  };
  const hand = async () => {
    const { rows, rowsRead } = await telemetry.query<Record<string, unknown>>(byHand);
    return { answer: rows, rowsRead };
  };
  const { a, b } = await alternate(insights, hand);
  if (a.answer.length !== b.answer.length) throw new Error(`${name}: ${a.answer.length} and ${b.answer.length} rows`);
  if (a.answer.length === 1) checkSame(name, a.answer[0]![0], Object.values(b.answer[0]!)[0]);
  const counts = grep === undefined ? '' : `  ${timed('grep', grep, file)}  ${timed('rg', grep, file)}`;
  return `${line(name, a, b)}${counts}`;
}

/** FilterLogEvents reads with the same matcher as on the wire. */
async function compareFilter(telemetry: Telemetry): Promise<string> {
  const limit = 10_000;
  const scope = { account: GROUP.account, region: 'us-east-1' };
  const group = new LogGroup(scope, {
    name: GROUP.name,
    groupId: GROUP.id,
    createdAtMs: 0,
    logGroupClass: 'STANDARD',
    tags: {},
  });
  const reader = new EventReader(telemetry, new SystemClock());
  const pattern = parseFilterPattern('{ $.level = "ERROR" && $.http.status = 503 && $.service = "stock" }');
  const counted = async () => {
    const found = await reader.filter({ group, fromMs: START, toMs: END }, pattern, FIRST_POSITION, limit);
    return { answer: found.events, rowsRead: Number.NaN };
  };
  const hand = async () => {
    const { rows, rowsRead } = await telemetry.query(
      sql`SELECT timestamp, ingestion_time, stream, message FROM log_events
        WHERE ${OF_GROUP} AND startsWith(message, '{') AND JSONExtractString(message, 'level') = 'ERROR'
          AND JSONExtractInt(message, 'http', 'status') = 503 AND JSONExtractString(message, 'service') = 'stock'
        ORDER BY timestamp, segment, row LIMIT ${limit}`,
    );
    return { answer: rows, rowsRead };
  };
  const { a, b } = await alternate(counted, hand);
  // A page of FilterLogEvents ends at 1 MB, a statement at its limit.
  return `${line(`FilterLogEvents, JSON pattern (${a.answer.length} of ${b.answer.length})`, a, b)}`;
}

interface Outcome {
  answer: readonly unknown[];
  rowsRead: number;
}

interface Timed<T> {
  answer: T;
  rowsRead: number;
  ms: number;
}

/** The median of runs in turn, so that what else the machine does falls on both. */
async function alternate<A extends Outcome, B extends Outcome>(first: () => Promise<A>, second: () => Promise<B>) {
  const times: [number[], number[]] = [[], []];
  let a = await first();
  let b = await second();
  for (let i = 0; i < RUNS; i++) {
    let began = performance.now();
    a = await first();
    times[0].push(performance.now() - began);
    began = performance.now();
    b = await second();
    times[1].push(performance.now() - began);
  }
  return {
    a: { ...a, ms: median(times[0]) } as Timed<A['answer']>,
    b: { ...b, ms: median(times[1]) } as Timed<B['answer']>,
  };
}

function checkSame(name: string, a: unknown, b: unknown): void {
  if (Math.abs(Number(a) - Number(b)) > 0.001 * Math.abs(Number(b))) throw new Error(`${name}: ${a} and ${b} differ`);
}

function timed(tool: 'grep' | 'rg', pattern: string, file: string): string {
  const args = tool === 'grep' ? ['-cE', pattern, file] : ['-c', pattern, file];
  try {
    execFileSync(tool, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `no ${tool}`.padStart(9);
  }
  // To a pipe: grep ends at the first match when it sees that nobody reads.
  const times = Array.from({ length: 3 }, () => {
    const began = performance.now();
    execFileSync(tool, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    return performance.now() - began;
  });
  return ms(median(times));
}

function line(name: string, a: Timed<unknown>, b: Timed<unknown>): string {
  const ratio = (a.ms / b.ms).toFixed(2).padStart(7);
  return `${name.padEnd(36)} ${ms(a.ms)}  ${ms(b.ms)} ${ratio}            ${count(a.rowsRead)} ${count(b.rowsRead)}`;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function count(rows: number): string {
  return (Number.isNaN(rows) ? '-' : String(rows)).padStart(10);
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`.padStart(10);
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(1)}%`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) await run(console.log);
