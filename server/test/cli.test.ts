// The `brume` command as a process.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readVersion } from '../src/version.ts';
import { temporaryDirectory } from './harness.ts';

const CLI = fileURLToPath(new URL('../bin/brume.mjs', import.meta.url));

interface Run {
  child: ChildProcess;
  /** Code and all output, once it ended. */
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** The endpoint in its first line. */
  endpoint: Promise<string>;
}

function brume(args: string[], environment: Record<string, string> = {}): Run {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('BRUME_') && !name.startsWith('AWS_'),
  );
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  after(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  const endpoint = Promise.withResolvers<string>();
  child.stdout!.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk;
    const url = /http:\/\/[\w.:[\]-]+:\d+/.exec(stdout)?.[0];
    if (url) endpoint.resolve(url);
  });
  child.stderr!.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  ended.then(() => endpoint.reject(new Error(`it ended before it listened: ${stderr}`)));
  endpoint.promise.catch(() => {});
  return { child, ended, endpoint: endpoint.promise };
}

test('--version and --help', async () => {
  assert.deepEqual(await brume(['--version']).ended, { code: 0, stdout: `${readVersion()}\n`, stderr: '' });
  const help = await brume(['start', '--help']).ended;
  assert.match(help.stdout, /--in-memory.*BRUME_IN_MEMORY/s);
});

test('start, health, and a graceful stop on either signal', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const dir = join(temporaryDirectory(), 'data');
    const run = brume(['start', '--port', '0', '--log-level', 'error'], { BRUME_DATA: dir });
    const endpoint = await run.endpoint;
    const health = await brume(['health', '--endpoint', endpoint, '--json']).ended;
    assert.equal(health.code, 0, health.stderr);
    const facts = JSON.parse(health.stdout);
    assert.deepEqual([facts.status, facts.version, facts.durable], ['ok', readVersion(), true]);
    run.child.kill(signal);
    const { code, stdout, stderr } = await run.ended;
    assert.deepEqual([code, stderr], [0, ''], stdout);
    assert.match(
      stdout,
      new RegExp(`^Brume ${readVersion()} listens on http://127\\.0\\.0\\.1:\\d+ \\(data in ${dir};`),
    );
  }
});

test('a second signal forces the end while a request is under way', async () => {
  const run = brume(['start', '--port', '0', '--in-memory', '--log-level', 'silent']);
  const { hostname, port } = new URL(await run.endpoint);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write('PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf');
  await sleep(100);
  run.child.kill('SIGTERM');
  await sleep(100);
  assert.equal(run.child.exitCode, null);
  run.child.kill('SIGTERM');
  assert.equal((await run.ended).code, 130);
});

test('health without a server', async () => {
  const { code, stderr } = await brume(['health'], { AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}` }).ended;
  assert.equal(code, 1);
  assert.match(stderr, /nothing listens there\. Start one with `brume start`/);
});

test('what stands in the way is said with what to do', async (t) => {
  await t.test('a port that another program has', async () => {
    const other = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
    after(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await brume(['start', '--port', String(port), '--in-memory']).ended;
    assert.equal(code, 1);
    const holder = process.platform === 'linux' ? ` by process ${process.pid} \\(.+\\)` : '.*';
    assert.match(
      stderr,
      new RegExp(`^127\\.0\\.0\\.1:${port} is taken${holder}\\. Stop that one, or choose another port with --port`),
    );
  });

  await t.test('a port and a data directory that another Brume has', async () => {
    const dir = join(temporaryDirectory(), 'data');
    const first = brume(['start', '--port', '0', '--data', dir]);
    const { port } = new URL(await first.endpoint);
    const samePort = await brume(['start', '--port', port, '--in-memory']).ended;
    assert.equal(samePort.code, 1);
    assert.ok(samePort.stderr.includes(`is taken by another Brume (${readVersion()})`), samePort.stderr);
    const sameDir = await brume(['start', '--port', '0', '--data', dir]).ended;
    assert.equal(sameDir.code, 1);
    assert.ok(sameDir.stderr.includes(`in use by another Brume (process ${first.child.pid})`), sameDir.stderr);
  });

  await t.test('an address that others reach, without access keys', async () => {
    const { code, stderr } = await brume(['start', '--host', '0.0.0.0', '--port', '0', '--in-memory']).ended;
    assert.equal(code, 1);
    assert.match(stderr, /^Brume refuses to listen on 0\.0\.0\.0 without access keys: /);
  });

  await t.test('a directory of other files, an unreadable value, an unknown flag', async () => {
    const dir = join(temporaryDirectory(), 'home');
    mkdirSync(dir);
    writeFileSync(join(dir, 'letter.txt'), '');
    const cases: [string[], Record<string, string>, RegExp][] = [
      [['--data', dir], {}, /holds other files \(letter\.txt\)/],
      [[], { BRUME_PORT: 'http' }, /^BRUME_PORT: "http" is not valid; expected a whole number from 0 to 65535\.$/m],
      [['--config', join(dir, 'none.json')], {}, /none\.json cannot be read/],
      [['--colour'], {}, /unknown option '--colour'/],
    ];
    for (const [args, environment, message] of cases) {
      const { code, stderr } = await brume(['start', ...args], environment).ended;
      assert.equal(code, 1);
      assert.match(stderr, message);
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
