// A whole Brume for API tests: in this process on a free port, or as a process of its own that can be killed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Config } from '#core/config.ts';
import { type Brume, startBrume as start } from '#main';

export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';
/** For the constructors of SDK clients: `new SQSClient(clientConfig(brume))`. */
export function clientConfig({ endpoint }: { endpoint: string }) {
  return {
    endpoint,
    region: REGION,
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'test' },
    forcePathStyle: true,
    disableHostPrefix: true,
    maxAttempts: 1,
  };
}

/** Environment for boto3 and the AWS CLI. */
export function clientEnvironment({ endpoint }: { endpoint: string }): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: ACCOUNT,
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_MAX_ATTEMPTS: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  };
}

export function testConfig(overrides: Partial<Config> = {}): Config {
  return {
    host: '127.0.0.1',
    port: 0,
    dataDir: '',
    inMemory: overrides.dataDir === undefined,
    clock: 'system',
    testing: true,
    logLevel: 'error',
    region: REGION,
    accessKeys: new Map(),
    functions: { isolation: 'auto', interpreters: {} },
    ...overrides,
  };
}

/** Starts Brume in this process and stops it after the test file. In memory unless `dataDir` is given. */
export async function startBrume(overrides: Partial<Config> = {}): Promise<Brume> {
  const brume = await start(testConfig(overrides));
  after(() => brume.stop());
  return brume;
}

/** Moves a virtual clock through the admin path. */
export async function advance({ endpoint }: { endpoint: string }, ms: number): Promise<void> {
  const response = await fetch(`${endpoint}/_brume/clock`, { method: 'POST', body: JSON.stringify({ advanceMs: ms }) });
  if (!response.ok) throw new Error(`the clock did not move: ${await response.text()}`);
}

export interface BrumeProcess {
  endpoint: string;
  pid: number;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
}

/** Starts Brume as a process of its own, as `npm start` does. */
export async function spawnBrume(dataDir: string, args: string[] = []): Promise<BrumeProcess> {
  const cli = fileURLToPath(new URL('../bin/brume.mjs', import.meta.url));
  const child = spawn(process.execPath, [cli, 'start', '--port', '0', '--data', dataDir, '--testing', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const endpoint = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /http:\/\/[\w.:[\]-]+:\d+/.exec(line)?.[0];
      if (url) resolve(url);
    });
    exited.then(([code]) => reject(new Error(`Brume ended with code ${code} before it listened`)));
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  after(() => void child.kill('SIGKILL'));
  return { endpoint, pid: child.pid!, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}

/** A directory that is removed after the test file. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'brume-test-'));
  after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
