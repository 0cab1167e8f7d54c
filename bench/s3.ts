// S3: PUT and GET of 4 KB objects by 16 clients at once and of 64 MB objects by one, durable, beside moto's server,
// which keeps everything in memory. Memory at its highest shows whether bodies stream.

import { createHash, randomBytes } from 'node:crypto';
import { type ServerProcess, startBrumeProcess, startMotoProcess } from './brume-process.ts';
import { Latencies } from './latencies.ts';
import { LightConnection, requestHead } from './light-client.ts';
import { usageOf } from './process-usage.ts';
import type { Report } from './run.ts';

const CLIENTS = 16;
const SMALL_BYTES = 4 * 1024;
const SMALL_MS = 4_000;
const WARM_UP_MS = 1_000;
const LARGE_BYTES = 64 * 1024 * 1024;
const LARGE_ROUNDS = 4;
const MEMORY_EVERY_MS = 50;

interface Figures {
  smallPuts: number;
  smallGets: number;
  largePutMbS: number;
  largeGetMbS: number;
}

export async function run(report: Report): Promise<void> {
  report(`4 KB objects by ${CLIENTS} clients, then 64 MB objects by one`);
  const figures = new Map<string, Figures>();
  for (const start of [startBrumeProcess, () => startMotoProcess(report)]) {
    const server = await start();
    if (!server) continue;
    try {
      figures.set(server.name, await measure(server, report));
    } finally {
      await server.stop();
    }
  }
  const [brume, moto] = [figures.get('brume'), figures.get('moto')];
  if (!brume || !moto) return;
  const ratios = (Object.keys(brume) as (keyof Figures)[]).map(
    (key) => `${key} ${(brume[key] / moto[key]).toFixed(1)}x`,
  );
  report(`brume / moto: ${ratios.join(', ')}`);
}

async function measure(server: ServerProcess, report: Report): Promise<Figures> {
  const control = await LightConnection.open(server.endpoint);
  const created = await control.send(requestHead(server.endpoint, 'PUT', '/bench', 's3', { 'Content-Length': 0 }));
  if (created.status !== 200) throw new Error(`${server.name} answered ${created.status}: ${created.body}`);
  control.close();
  const small = await measureSmall(server, report);
  const large = await measureLarge(server, report);
  return { ...small, ...large };
}

async function measureSmall(server: ServerProcess, report: Report) {
  const { endpoint, name } = server;
  const body = randomBytes(SMALL_BYTES);
  const headers = {
    'Content-Length': SMALL_BYTES,
    'X-Amz-Content-Sha256': createHash('sha256').update(body).digest('hex'),
  };
  const written: string[] = [];
  let next = 0;
  const puts = await forAWhile(endpoint, () => {
    const path = `/bench/small/${next++}`;
    return {
      request: Buffer.concat([requestHead(endpoint, 'PUT', path, 's3', headers), body]),
      check: (status) => {
        if (status !== 200) throw new Error(`${name} answered ${status} to PUT`);
        written.push(path);
      },
    };
  });
  let read = 0;
  const gets = await forAWhile(endpoint, () => ({
    request: requestHead(endpoint, 'GET', written[read++ % written.length]!, 's3', {}),
    check: (status, answer) => {
      if (status !== 200 || !answer.equals(body)) throw new Error(`${name} answered ${status} to GET, or another body`);
    },
  }));
  report(
    `${name.padEnd(6)} PUT 4 KB ${Math.round(puts.rate)}/s (${puts.latencies}); GET ${Math.round(gets.rate)}/s (${gets.latencies})`,
  );
  return { smallPuts: puts.rate, smallGets: gets.rate };
}

interface Step {
  request: Buffer;
  check(status: number, body: Buffer): void;
}

async function forAWhile(endpoint: string, step: () => Step): Promise<{ rate: number; latencies: Latencies }> {
  const measureFrom = performance.now() + WARM_UP_MS;
  const until = measureFrom + SMALL_MS;
  const latencies = new Latencies();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const connection = await LightConnection.open(endpoint);
      for (;;) {
        const before = performance.now();
        if (before >= until) break;
        const { request, check } = step();
        const { status, body } = await connection.send(request);
        check(status, body);
        if (before >= measureFrom) latencies.add(performance.now() - before);
      }
      connection.close();
    }),
  );
  return { rate: latencies.count / (SMALL_MS / 1000), latencies };
}

async function measureLarge(server: ServerProcess, report: Report) {
  const { endpoint, name, pid } = server;
  const body = randomBytes(LARGE_BYTES);
  const idleMb = usageOf(pid)?.rssMb ?? 0;
  let highestMb = 0;
  const sampler = setInterval(() => (highestMb = Math.max(highestMb, usageOf(pid)?.rssMb ?? 0)), MEMORY_EVERY_MS);
  const connection = await LightConnection.open(endpoint);
  const headers = { 'Content-Length': LARGE_BYTES, 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' };
  let putMs = 0;
  let getMs = 0;
  for (let round = 0; round < LARGE_ROUNDS; round++) {
    const path = `/bench/large/${round}`;
    let before = performance.now();
    const put = await connection.send([requestHead(endpoint, 'PUT', path, 's3', headers), body]);
    putMs += performance.now() - before;
    if (put.status !== 200) throw new Error(`${name} answered ${put.status} to a PUT of 64 MB: ${put.body}`);
    before = performance.now();
    const got = await connection.send(requestHead(endpoint, 'GET', path, 's3', {}), true);
    getMs += performance.now() - before;
    if (got.bodyBytes !== LARGE_BYTES) throw new Error(`${name} returned ${got.bodyBytes} bytes of 64 MB`);
  }
  clearInterval(sampler);
  connection.close();
  const speed = (ms: number) => (LARGE_ROUNDS * LARGE_BYTES) / 1e6 / (ms / 1000);
  const [largePutMbS, largeGetMbS] = [speed(putMs), speed(getMs)];
  report(
    `${name.padEnd(6)} PUT 64 MB ${Math.round(largePutMbS)} MB/s, GET ${Math.round(largeGetMbS)} MB/s; memory ${Math.round(idleMb)} MB before, ${Math.round(highestMb)} MB at most`,
  );
  return { largePutMbS, largeGetMbS };
}
