// PutMetricData through HTTP, durable: server CPU beside JSON.parse of the same bodies and beside the raw insert of
// the same points into ClickHouse. Bodies of 1,000 data points, and of nearly 1 MB (values with counts), as JSON and CBOR.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cbor, dateToTag } from '@smithy/core/cbor';
import { createLogger } from '../server/src/core/log.ts';
import { openTelemetry } from '../server/src/storage/telemetry/chdb-telemetry.ts';
import type { MetricPoint } from '../server/src/storage/telemetry/telemetry.ts';
import { type ServerProcess, startBrumeProcess } from './brume-process.ts';
import { Latencies } from './latencies.ts';
import { jsonRequest, LightConnection, requestHead } from './light-client.ts';
import { usageOf } from './process-usage.ts';

const CONNECTIONS = 4;
const WARM_UP_REQUESTS = 60;
const MEASURED_MS = 4_000;
const PARSES = 200;
const DATA = 1_000;

interface Datum {
  MetricName: string;
  Dimensions: { Name: string; Value: string }[];
  Timestamp: number;
  Value?: number;
  Values?: number[];
  Counts?: number[];
  Unit: string;
}

interface Load {
  name: string;
  namespace: string;
  body: { Namespace: string; MetricData: Datum[] };
  /** Distinct values in one request. */
  points: number;
}

export async function run(report: (line: string) => void): Promise<void> {
  const brume = await startBrumeProcess();
  try {
    for (const load of [plainLoad(), wideLoad()]) {
      const json = JSON.stringify(load.body);
      const parseMs = parseCpuMs(json);
      const insertMs = await insertCpuMs(load);
      const megabytes = json.length / 1e6;
      let acknowledged = 0;
      report(`${load.name}: ${Math.round(json.length / 1000)} KB of JSON, ${load.points} values a request`);
      report(
        `  floors, CPU a request: JSON.parse ${parseMs.toFixed(2)} ms, append and insert alone ${insertMs.toFixed(2)} ms`,
      );
      for (const [protocol, request] of [
        ['awsJson', jsonRequestOf(brume, load)],
        ['rpcV2Cbor', cborRequestOf(brume, load)],
      ] as const) {
        const { requests, seconds, cpuMs, latencies } = await drive(brume, request);
        const each = cpuMs / requests;
        report(
          `  ${protocol.padEnd(9)} ${Math.round(requests / seconds)} requests/s, ${Math.round((requests * load.points) / seconds / 1000)} thousand values/s, ` +
            `${((requests * megabytes) / seconds).toFixed(0)} MB/s (as JSON); ${latencies}`,
        );
        report(
          `            CPU a request ${each.toFixed(2)} ms = ${(each / parseMs).toFixed(1)}x JSON.parse (goal at most 3x), ` +
            `${((each - insertMs) / parseMs).toFixed(1)}x without the insert`,
        );
        acknowledged += WARM_UP_REQUESTS + requests;
        await checkStored(brume, load, acknowledged);
      }
    }
  } finally {
    await brume.stop();
  }
}

/** As a fleet sends them: one value a data point. */
function plainLoad(): Load {
  const MetricData = Array.from({ length: DATA }, (_, i) => ({
    ...datum(i),
    Value: i * 1.25,
  }));
  return load('1,000 values', 'Bench/Plain', MetricData, DATA);
}

/** As an agent sends a minute of requests: the distinct values with their counts. */
function wideLoad(): Load {
  const values = 80;
  const MetricData = Array.from({ length: DATA }, (_, i) => ({
    ...datum(i),
    Values: Array.from({ length: values }, (_, j) => (i * 7 + j * 13) / 8),
    Counts: Array.from({ length: values }, (_, j) => 1 + (j % 3)),
  }));
  return load('1,000 x 80 values with counts', 'Bench/Wide', MetricData, DATA * values);
}

function datum(i: number): Datum {
  return {
    MetricName: `Metric${i % 50}`,
    Dimensions: [
      { Name: 'InstanceId', Value: `i-0123456789abc${i >> 2}` },
      { Name: 'Region', Value: 'us-east-1' },
    ],
    Timestamp: Math.floor(Date.now() / 1000),
    Unit: 'Count',
  };
}

function load(name: string, namespace: string, MetricData: Datum[], points: number): Load {
  return { name, namespace, body: { Namespace: namespace, MetricData }, points };
}

function jsonRequestOf({ endpoint }: ServerProcess, { body }: Load): Buffer {
  return jsonRequest(endpoint, 'monitoring', 'GraniteServiceVersion20100801.PutMetricData', '1.0', body);
}

function cborRequestOf({ endpoint }: ServerProcess, { body }: Load): Buffer {
  const stamped = {
    ...body,
    MetricData: body.MetricData.map((one) => ({ ...one, Timestamp: dateToTag(new Date(one.Timestamp * 1000)) })),
  };
  const bytes = Buffer.from(cbor.serialize(stamped));
  const head = requestHead(
    endpoint,
    'POST',
    '/service/GraniteServiceVersion20100801/operation/PutMetricData',
    'monitoring',
    {
      'Content-Type': 'application/cbor',
      'Smithy-Protocol': 'rpc-v2-cbor',
      'Content-Length': bytes.length,
    },
  );
  return Buffer.concat([head, bytes]);
}

async function drive(server: ServerProcess, request: Buffer) {
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => LightConnection.open(server.endpoint)),
  );
  let latencies = new Latencies();
  const send = async (connection: LightConnection) => {
    const started = performance.now();
    const { status, body } = await connection.send(request);
    if (status !== 200) throw new Error(`PutMetricData answered ${status}: ${body}`);
    latencies.add(performance.now() - started);
  };
  for (let i = 0; i < WARM_UP_REQUESTS; i++) await send(connections[i % CONNECTIONS]!);
  latencies = new Latencies();
  const before = usageOf(server.pid)?.cpuMs ?? Number.NaN;
  const started = performance.now();
  await Promise.all(
    connections.map(async (connection) => {
      while (performance.now() - started < MEASURED_MS) await send(connection);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const cpuMs = (usageOf(server.pid)?.cpuMs ?? Number.NaN) - before;
  for (const connection of connections) connection.close();
  return { requests: latencies.count, seconds, cpuMs, latencies };
}

/** Every sample that was acknowledged is there, and none twice. */
async function checkStored(server: ServerProcess, { namespace, body }: Load, requests: number): Promise<void> {
  const first = body.MetricData[0]!;
  const expected = requests * (first.Counts?.reduce((sum, count) => sum + count, 0) ?? 1);
  const connection = await LightConnection.open(server.endpoint);
  const answer = await connection.send(
    jsonRequest(server.endpoint, 'monitoring', 'GraniteServiceVersion20100801.GetMetricStatistics', '1.0', {
      Namespace: namespace,
      MetricName: first.MetricName,
      Dimensions: first.Dimensions,
      StartTime: first.Timestamp - 3600,
      EndTime: first.Timestamp + 3600,
      Period: 3600,
      Statistics: ['SampleCount'],
    }),
  );
  connection.close();
  const { Datapoints } = JSON.parse(answer.body.toString()) as { Datapoints: { SampleCount: number }[] };
  const found = Datapoints.reduce((sum, { SampleCount }) => sum + SampleCount, 0);
  if (found !== expected) throw new Error(`${found} samples are stored of ${expected} acknowledged`);
}

function parseCpuMs(json: string): number {
  const parse = () => {
    for (let i = 0; i < PARSES; i++) JSON.parse(json);
  };
  parse();
  const before = process.cpuUsage();
  parse();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / PARSES;
}

/** What the store alone takes for the points of a request: encode, append durably, insert. */
async function insertCpuMs(load: Load): Promise<number> {
  const { body } = load;
  const points = body.MetricData.map((one, i): MetricPoint => {
    const common = { metricId: i + 1, timestampS: one.Timestamp, unit: one.Unit, storageResolution: 60 };
    if (one.Value !== undefined) return { ...common, data: { kind: 'value', value: one.Value, count: 1 } };
    const [values, counts] = [one.Values!, one.Counts!];
    const set = { sampleCount: counts.length, sum: 1, minimum: Math.min(...values), maximum: Math.max(...values) };
    return { ...common, data: { kind: 'values', values, counts, ...set } };
  });
  const dir = await mkdtemp(join(tmpdir(), 'brume-bench-'));
  const telemetry = await openTelemetry({ dir, durable: true, log: createLogger('warn') });
  try {
    await telemetry.warmUp();
    const rounds = load.points > 10_000 ? 50 : 200;
    for (let i = 0; i < rounds; i++) await telemetry.appendMetricPoints(points);
    await telemetry.flush();
    const before = usageOf(process.pid)?.cpuMs ?? Number.NaN;
    for (let i = 0; i < rounds; i++) await telemetry.appendMetricPoints(points);
    await telemetry.flush();
    return ((usageOf(process.pid)?.cpuMs ?? Number.NaN) - before) / rounds;
  } finally {
    await telemetry.close();
    await rm(dir, { recursive: true });
  }
}
