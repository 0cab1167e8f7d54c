// How long Brume takes from the command to its first healthy answer, on a new and on a used directory, and what it
// costs in memory when idle, before and after the telemetry engine has loaded.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startBrumeProcess } from './brume-process.ts';
import { jsonRequest, LightConnection } from './light-client.ts';
import { usageOf } from './process-usage.ts';
import type { Report } from './run.ts';

const CLI = fileURLToPath(new URL('../server/bin/brume.mjs', import.meta.url));
const STARTS = 7;
const SETTLE_MS = 3_000;

export async function run(report: Report): Promise<void> {
  const bare = await median(() => timeToExit(['-e', '0']));
  report(`bare node, start to end                     ${bare.toFixed(0)} ms`);
  const dir = await mkdtemp(join(tmpdir(), 'brume-bench-'));
  try {
    const first = await timeToHealthy(dir);
    report(`start to healthy, new directory             ${first.toFixed(0)} ms`);
    const again = await median(() => timeToHealthy(dir));
    report(`start to healthy, used directory (of ${STARTS})      ${again.toFixed(0)} ms  (goal: under 1,000 ms)`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }

  const server = await startBrumeProcess();
  try {
    await settle();
    report(`idle, telemetry not loaded                  ${memory(server.pid)}  (goal: under 120 MB)`);
    await loadTelemetry(server.endpoint);
    await settle();
    report(`idle, telemetry loaded                      ${memory(server.pid)}  (goal: under 350 MB)`);
  } finally {
    await server.stop();
  }
}

async function timeToHealthy(dir: string): Promise<number> {
  const before = performance.now();
  const child = spawn(process.execPath, [CLI, 'start', '--port', '0', '--data', dir, '--log-level', 'warn'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const endpoint = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /http:\/\/[\w.:[\]-]+:\d+/.exec(line)?.[0];
      if (url) resolve(url);
    });
    exited.then(() => reject(new Error('Brume ended before it listened')));
  });
  const response = await fetch(`${endpoint}/_brume/health`);
  const ms = performance.now() - before;
  if (!response.ok) throw new Error(`health answered ${response.status}`);
  child.kill('SIGTERM');
  await exited;
  return ms;
}

async function timeToExit(args: string[]): Promise<number> {
  const before = performance.now();
  await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'exit');
  return performance.now() - before;
}

async function median(measure: () => Promise<number>): Promise<number> {
  const figures: number[] = [];
  for (let i = 0; i < STARTS; i++) figures.push(await measure());
  return figures.toSorted((a, b) => a - b)[Math.floor(STARTS / 2)]!;
}

/** One log event, and one query that has to read it from the engine. */
async function loadTelemetry(endpoint: string): Promise<void> {
  const connection = await LightConnection.open(endpoint);
  const names = { logGroupName: 'bench', logStreamName: 'bench' };
  const ask = async (operation: string, input: object) => {
    const answer = await connection.send(jsonRequest(endpoint, 'logs', `Logs_20140328.${operation}`, '1.1', input));
    if (answer.status !== 200) throw new Error(`${operation} answered ${answer.status}: ${answer.body}`);
    return answer.body.length === 0 ? {} : JSON.parse(answer.body.toString());
  };
  await ask('CreateLogGroup', { logGroupName: 'bench' });
  await ask('CreateLogStream', names);
  await ask('PutLogEvents', { ...names, logEvents: [{ timestamp: Date.now(), message: 'hello' }] });
  const { events } = await ask('FilterLogEvents', { logGroupName: 'bench' });
  if (events.length !== 1) throw new Error(`one event was written, ${events.length} were found`);
  connection.close();
}

function memory(pid: number): string {
  const usage = usageOf(pid);
  if (!usage) return 'unknown: there is no /proc here';
  const { rssMb, pssMb, processes } = usage;
  return `${rssMb.toFixed(0)} MB resident (${pssMb.toFixed(0)} MB proportional) in ${processes} process${processes === 1 ? '' : 'es'}`;
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
