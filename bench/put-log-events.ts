// PutLogEvents through HTTP, durable: events and MB a second, and server CPU beside two floors of the same run:
// JSON.parse of the same bodies, and the raw append and insert of the same events into ClickHouse. Batches of 1,000
// events and of nearly 1 MB of mixed text, JSON and access-log lines; with a metric filter too; single-event puts beside.

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createLogger } from '../server/src/core/log.ts';
import { openTelemetry } from '../server/src/storage/telemetry/chdb-telemetry.ts';
import { type ServerProcess, startBrumeProcess } from './brume-process.ts';
import { Latencies } from './latencies.ts';
import { jsonRequest, LightConnection } from './light-client.ts';
import { usageOf } from './process-usage.ts';
import type { Report } from './run.ts';

const CONNECTIONS = 4;
const WARM_UP_MS = 2_000;
const MEASURED_MS = 5_000;
const DISTINCT_BODIES = 24;
const PARSE_ROUNDS = 8;
const SINGLE_INTERVAL_MS = 2;
/** What has to be ingested at least, with single puts beside. */
const PACED_EVENTS_PER_SECOND = 150_000;

interface LogEvent {
  timestamp: number;
  message: string;
}

interface Load {
  name: string;
  group: string;
  batches: LogEvent[][];
}

export async function run(report: Report): Promise<void> {
  const now = Date.now();
  const loads: Load[] = [
    { name: '1,000 events', group: 'thousand', batches: bodies(now, (events) => events.length === 1_000) },
    { name: 'nearly 1 MB', group: 'megabyte', batches: bodies(now, (_, bytes) => bytes > 1_040_000) },
  ];
  for (const load of loads) {
    const floors = await measureFloors(load);
    const brume = await startBrumeProcess();
    try {
      report(
        `${load.name}: bodies of ${(floors.bodyBytes / 1e6).toFixed(2)} MB with ${Math.round(floors.events)} events; CPU of a body: ` +
          `JSON.parse ${floors.parseMs.toFixed(2)} ms, append and insert alone ${floors.insertMs.toFixed(2)} ms`,
      );
      await control(brume, 'CreateLogGroup', { logGroupName: load.group });
      for (const logStreamName of ['s', 'single']) {
        await control(brume, 'CreateLogStream', { logGroupName: load.group, logStreamName });
      }
      describe(report, 'batches', await drive(brume, load), floors);
      const mixed = await drive(brume, load, { withSingles: true });
      describe(report, 'with 500 single puts/s', mixed, floors);
      report(`    single puts: ${mixed.singles}`);
      const paced = await drive(brume, load, { withSingles: true, eventsPerSecond: PACED_EVENTS_PER_SECOND });
      report(`    beside ${rate(paced, floors)} alone: ${paced.singles} (goal: p99 within 50 ms)`);
      await control(brume, 'PutMetricFilter', {
        logGroupName: load.group,
        filterName: 'errors',
        filterPattern: 'ERROR',
        metricTransformations: [{ metricName: 'Errors', metricNamespace: 'Bench', metricValue: '1' }],
      });
      describe(report, 'with a metric filter', await drive(brume, load), floors);
    } finally {
      await brume.stop();
    }
  }
}

interface Floors {
  bodyBytes: number;
  events: number;
  parseMs: number;
  insertMs: number;
}

interface Driven {
  requests: number;
  seconds: number;
  /** Server and engine process, a request. */
  totalMs: number;
  /** The server process alone. */
  mainMs: number;
  latencies: Latencies;
  singles: Latencies;
}

function describe(report: Report, what: string, driven: Driven, floors: Floors): void {
  const { parseMs, insertMs } = floors;
  const { totalMs, mainMs, latencies } = driven;
  report(`  ${what.padEnd(22)} ${rate(driven, floors)}; ${latencies}`);
  report(
    `    CPU a body: server ${mainMs.toFixed(2)} ms = ${(mainMs / parseMs).toFixed(2)}x JSON.parse, with ClickHouse ${totalMs.toFixed(2)} ms = ` +
      `${(totalMs / parseMs).toFixed(2)}x (goal at most 3x), without its insert ${((totalMs - insertMs) / parseMs).toFixed(2)}x`,
  );
}

function rate({ requests, seconds }: Driven, { bodyBytes, events }: Floors): string {
  const perSecond = requests / seconds;
  return `${Math.round((perSecond * events) / 1000)} thousand events/s, ${((perSecond * bodyBytes) / 1e6).toFixed(0)} MB/s`;
}

/** As many as four connections get through, or as the pace allows. */
async function drive(
  brume: ServerProcess,
  load: Load,
  { withSingles = false, eventsPerSecond = Number.POSITIVE_INFINITY } = {},
): Promise<Driven> {
  const requests = load.batches.map((logEvents) => request(brume, load.group, 's', logEvents));
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => LightConnection.open(brume.endpoint)),
  );
  let latencies = new Latencies();
  let next = 0;
  let dueMs = performance.now();
  const intervalMs = (1000 * (load.batches[0]?.length ?? 0)) / eventsPerSecond;
  const until = async (endMs: number) => {
    await Promise.all(
      connections.map(async (connection) => {
        while (performance.now() < endMs) {
          if (intervalMs > 0) {
            dueMs += intervalMs;
            await setTimeout(Math.max(0, dueMs - performance.now()));
          }
          const started = performance.now();
          const { status, body } = await connection.send(requests[next++ % requests.length]!);
          if (status !== 200) throw new Error(`PutLogEvents answered ${status}: ${body}`);
          latencies.add(performance.now() - started);
        }
      }),
    );
  };
  const before = await storedEvents(brume, load.group);
  await until(performance.now() + WARM_UP_MS);
  const warmUps = next;
  latencies = new Latencies();
  const singles = new Latencies();
  const started = performance.now();
  const cpuBefore = [usageOf(brume.pid)?.cpuMs ?? Number.NaN, mainCpuMs(brume.pid)] as const;
  const [, single] = await Promise.all([
    until(started + MEASURED_MS),
    withSingles ? putSingles(brume, load.group, started + MEASURED_MS, singles) : 0,
  ]);
  const seconds = (performance.now() - started) / 1000;
  const totalMs = ((usageOf(brume.pid)?.cpuMs ?? Number.NaN) - cpuBefore[0]) / (next - warmUps);
  const mainMs = (mainCpuMs(brume.pid) - cpuBefore[1]) / (next - warmUps);
  for (const connection of connections) connection.close();
  let expected = before + single;
  for (let i = 0; i < next; i++) expected += load.batches[i % load.batches.length]!.length;
  const stored = await storedEvents(brume, load.group);
  if (stored !== expected) throw new Error(`${stored} events are stored of ${expected} acknowledged`);
  return { requests: next - warmUps, seconds, totalMs, mainMs, latencies, singles };
}

/** 500 puts of one event a second; how many there were. */
async function putSingles(brume: ServerProcess, group: string, endMs: number, latencies: Latencies): Promise<number> {
  const connections = await Promise.all(Array.from({ length: 8 }, () => LightConnection.open(brume.endpoint)));
  const bytes = request(brume, group, 'single', [{ timestamp: Date.now(), message: 'one event' }]);
  const idle = [...connections];
  const sending = new Set<Promise<void>>();
  let count = 0;
  for (let dueMs = performance.now(); dueMs < endMs; dueMs += SINGLE_INTERVAL_MS) {
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await setTimeout(waitMs);
    const connection = idle.pop();
    if (!connection) continue;
    const started = performance.now();
    const sent = connection.send(bytes).then(({ status }) => {
      if (status !== 200) throw new Error(`a single put answered ${status}`);
      latencies.add(performance.now() - started);
      idle.push(connection);
      sending.delete(sent);
    });
    sending.add(sent);
    count++;
  }
  await Promise.all(sending);
  for (const connection of connections) connection.close();
  return count;
}

/** AWS/Logs IncomingLogEvents would be rounded to minutes; the group's newest page tells nothing: so ask the store. */
async function storedEvents(brume: ServerProcess, logGroupName: string): Promise<number> {
  const end = Date.now() + 60_000;
  const { Datapoints } = (await control(brume, 'GetMetricStatistics', {
    Namespace: 'AWS/Logs',
    MetricName: 'IncomingLogEvents',
    Dimensions: [{ Name: 'LogGroupName', Value: logGroupName }],
    StartTime: Math.floor(end / 1000) - 1200,
    EndTime: Math.ceil(end / 1000),
    Period: 60,
    Statistics: ['Sum'],
  })) as { Datapoints: { Sum: number }[] };
  return Datapoints.reduce((sum, { Sum }) => sum + Sum, 0);
}

async function control({ endpoint }: ServerProcess, operation: string, input: object): Promise<object> {
  const connection = await LightConnection.open(endpoint);
  const bytes = operation.startsWith('GetMetric')
    ? jsonRequest(endpoint, 'monitoring', `GraniteServiceVersion20100801.${operation}`, '1.0', input)
    : jsonRequest(endpoint, 'logs', `Logs_20140328.${operation}`, '1.1', input);
  const { status, body } = await connection.send(bytes);
  connection.close();
  if (status !== 200) throw new Error(`${operation} answered ${status}: ${body}`);
  return body.length === 0 ? {} : JSON.parse(body.toString());
}

function request({ endpoint }: ServerProcess, logGroupName: string, logStreamName: string, logEvents: LogEvent[]) {
  return jsonRequest(endpoint, 'logs', 'Logs_20140328.PutLogEvents', '1.1', { logGroupName, logStreamName, logEvents });
}

async function measureFloors({ batches }: Load): Promise<Floors> {
  const texts = batches.map((logEvents) => JSON.stringify({ logGroupName: 'g', logStreamName: 's', logEvents }));
  const parseAll = () => {
    for (let i = 0; i < PARSE_ROUNDS; i++) for (const text of texts) JSON.parse(text);
  };
  parseAll();
  const before = process.cpuUsage();
  parseAll();
  const { user, system } = process.cpuUsage(before);
  const parses = PARSE_ROUNDS * texts.length;
  return {
    bodyBytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / texts.length,
    events: batches.reduce((sum, events) => sum + events.length, 0) / batches.length,
    parseMs: (user + system) / 1000 / parses,
    insertMs: await insertCpuMs(batches),
  };
}

/** What the store alone takes for a body's events: encode, append durably, insert. */
async function insertCpuMs(batches: readonly LogEvent[][]): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'brume-bench-'));
  const telemetry = await openTelemetry({ dir, durable: true, log: createLogger('warn') });
  const appendAll = async () => {
    for (let i = 0; i < PARSE_ROUNDS; i++) {
      for (const events of batches) {
        await telemetry.appendLogEvents({ groupId: 1, stream: 's', ingestionTimeMs: Date.now(), events });
      }
    }
    await telemetry.flush();
  };
  try {
    await telemetry.warmUp();
    await appendAll();
    const before = usageOf(process.pid)?.cpuMs ?? Number.NaN;
    await appendAll();
    return ((usageOf(process.pid)?.cpuMs ?? Number.NaN) - before) / (PARSE_ROUNDS * batches.length);
  } finally {
    await telemetry.close();
    await rm(dir, { recursive: true });
  }
}

/** CPU of the one process, without its children; NaN where there is no /proc. */
function mainCpuMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

/** Batches that grow until `full` holds; `bytes` is counted as PutLogEvents counts it. */
function bodies(now: number, full: (events: LogEvent[], bytes: number) => boolean): LogEvent[][] {
  let line = 0;
  return Array.from({ length: DISTINCT_BODIES }, () => {
    const events: LogEvent[] = [];
    for (let bytes = 0; !full(events, bytes); ) {
      const event = { timestamp: now, message: logLine(line++) };
      bytes += Buffer.byteLength(event.message) + 26;
      events.push(event);
    }
    return events;
  });
}

/** Mixed lines as functions and servers write them; the numbers come from the line's own. */
function logLine(n: number): string {
  const id = (Math.imul(n + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
  switch (n % 6) {
    case 0:
      return `2026-11-23T02:10:06.${n % 1000}Z\t${id}-7f3a-4c2e-9d1b-${id}\tINFO\tGET /api/v1/items/${n} 200 in ${n % 97} ms`;
    case 1:
      return `{"level":"info","requestId":"${id}","msg":"row transformed","attempt":${n % 3},"file":"data-${id}.csv","ms":${n % 977}}`;
    case 2:
      return `10.0.${n % 256}.${n % 199} - user${n % 50} [23/Nov/2026:02:10:06 +0000] "GET /static/${id}.js HTTP/1.1" 200 ${n % 9000} "-" "Mozilla/5.0 (X11; Linux x86_64)"`;
    case 3:
      return `REPORT RequestId: ${id}-7f3a\tDuration: ${n % 900}.41 ms\tBilled Duration: ${n % 900} ms\tMemory Size: 128 MB\tMax Memory Used: 61 MB`;
    case 4:
      return n % 60 === 4
        ? `[ERROR] ValueError: row ${n} has no column "price"\n  File "/var/task/app.py", line ${n % 200}, in handler\n    raise ValueError(${id})`
        : `worker-${n % 16} polled queue ${id}, ${n % 10} messages`;
    default:
      return n % 120 === 5 ? `naïve café – 日本語 ${id}` : `DEBUG cache hit for key user:${id} in shard ${n % 32}`;
  }
}
