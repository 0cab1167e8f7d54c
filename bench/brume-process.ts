// Servers under measure, each a process of its own on a data directory that is removed at the end.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ServerProcess {
  name: string;
  endpoint: string;
  pid: number;
  stop(): Promise<void>;
}

const CLI = fileURLToPath(new URL('../server/bin/brume.mjs', import.meta.url));
/** As `npm start` does; docs/decisions/0004-how-node-is-started.md. */
const NODE_FLAGS = ['--max-semi-space-size=64'];
const LONGEST_START_MS = 20_000;

/** A durable Brume on a new directory. */
export async function startBrumeProcess(
  args: string[] = [],
  environment: Record<string, string> = {},
): Promise<ServerProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'brume-bench-'));
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, CLI, 'start', '--port', '0', '--data', dir, '--log-level', 'warn', ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    },
  );
  const stop = stopper(child, dir);
  const endpoint = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /http:\/\/[\w.:[\]-]+:\d+/.exec(line)?.[0];
      if (url) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`Brume ended with code ${code} before it listened`)));
  });
  return { name: 'brume', endpoint, pid: child.pid!, stop };
}

/** moto's server, or undefined (with the reason in `report`) where it is not installed. */
export async function startMotoProcess(report: (line: string) => void): Promise<ServerProcess | undefined> {
  const port = await freePort();
  const child = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  let ended = false;
  child.once('error', () => (ended = true)).once('exit', () => (ended = true));
  const endpoint = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + LONGEST_START_MS;
  while (!ended && performance.now() < deadline) {
    try {
      await fetch(`${endpoint}/moto-api/`);
      return { name: 'moto', endpoint, pid: child.pid!, stop: stopper(child) };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  child.kill('SIGKILL');
  report('moto: not measured (python3 -m moto.server does not start here; pip install "moto[server]")');
  return undefined;
}

function stopper(child: ChildProcess, dir?: string): () => Promise<void> {
  const exited = once(child, 'exit');
  const onExit = () => child.kill('SIGKILL');
  process.on('exit', onExit);
  return async () => {
    child.kill('SIGTERM');
    await exited;
    process.off('exit', onExit);
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
