// The `brume` command as a process, for tests of the command line.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ACCOUNT, REGION } from '#test/harness.ts';

const CLI = fileURLToPath(new URL('../bin/brume.mjs', import.meta.url));

export interface CliOptions {
  /** Standard input. */
  input?: string | Uint8Array;
  /** Where Brume listens; without it the command finds none, or starts its own. */
  endpoint?: string | undefined;
  environment?: NodeJS.ProcessEnv;
}

/** Starts a command; `output` grows while it runs, `ended` resolves with it and the exit code. */
export function spawnCli(args: readonly string[], { input, endpoint, environment = {} }: CliOptions = {}) {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: {
      PATH: process.env.PATH,
      ...(endpoint === undefined ? {} : { AWS_ENDPOINT_URL: endpoint }),
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: ACCOUNT,
      AWS_SECRET_ACCESS_KEY: 'test',
      ...environment,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  after(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (output.stderr += chunk));
  child.stdin.end(input ?? '');
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return { child, output, ended };
}
