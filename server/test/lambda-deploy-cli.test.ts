// `brume lambda deploy` and `brume lambda run --inspect` as processes.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetFunctionConfigurationCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import { startBrume, temporaryDirectory } from '#test/harness.ts';
import { spawnCli } from './cli-process.ts';
import { parse, testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client } = testLambda(brume);
const dir = temporaryDirectory();
const at = { endpoint: brume.endpoint };

function project(name: string, files: Record<string, string>): string {
  const root = join(dir, name);
  mkdirSync(root, { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(root, file), content);
  return root;
}

const deploy = (directory: string, ...args: string[]) => spawnCli(['lambda', 'deploy', directory, ...args], at);
const invoke = async (FunctionName: string) => parse((await client.send(new InvokeCommand({ FunctionName }))).Payload);

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error(`never came: ${what}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('deploy makes a function, then brings it up to date, settings included', async () => {
  const root = project('my first', { 'index.mjs': 'export const handler = async () => "one";', 'other.mjs': '' });
  const first = await deploy(root, '--memory', '256').ended;
  assert.deepEqual([first.code, first.stderr], [0, '']);
  assert.match(first.stdout, /^my-first created \(nodejs\d\d\.x, index\.handler\)\n$/);
  assert.equal(await invoke('my-first'), 'one');

  project('my first', { 'index.mjs': 'export const lambda_handler = async () => process.env.WORD;' });
  const second = await deploy(root, '--env', 'WORD=two', '--timeout', '7').ended;
  assert.match(second.stdout, /^my-first updated \(nodejs\d\d\.x, index\.lambda_handler\)\n$/, second.stderr);
  assert.equal(await invoke('my-first'), 'two');
  const { MemorySize, Timeout } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'my-first' }));
  assert.deepEqual([MemorySize, Timeout], [256, 7]);
});

test('deploy --watch deploys at each save', async () => {
  const root = project('watched', { 'app.mjs': 'export const handler = async () => "one";' });
  const { child, output, ended } = deploy(root, '--watch', '--name', 'seen');
  await until('the first', () => output.stdout.includes('seen created') && output.stderr.includes('Waiting'));
  assert.equal(await invoke('seen'), 'one');
  project('watched', { 'app.mjs': 'export const handler = async () => "two";' });
  await until('the second', () => output.stdout.includes('seen updated'));
  assert.equal(await invoke('seen'), 'two');
  project('watched', { 'app.mjs': 'const nothing = 1;' });
  await until('what is wrong', () => output.stderr.includes('No handler was found in app.mjs'));
  child.kill('SIGINT');
  assert.equal((await ended).code, 0);
});

test('deploy --hot runs from the directory', async () => {
  const root = project('hot', { 'index.mjs': 'export const handler = async () => "one";' });
  const { stdout } = await deploy(root, '--hot').ended;
  assert.ok(stdout.startsWith(`hot runs from ${root} (`), stdout);
  assert.equal(await invoke('hot'), 'one');
  project('hot', { 'index.mjs': 'export const handler = async () => "other";' });
  assert.equal(await invoke('hot'), 'other');
});

test('deploy says what it needs', async () => {
  const { code, stderr } = await deploy(project('unclear', { 'a.py': '', 'b.py': '' })).ended;
  assert.equal(code, 1);
  assert.match(stderr, /^Which file in .*unclear holds the handler cannot be told .*Give --handler and --runtime\.\n$/);
});

test('run --inspect waits for a debugger, and the time-out while it stands still', async () => {
  const port = await freePort();
  const source = 'export const handler = async ({ n }) => {\n  const twice = 2 * n;\n  return twice;\n};\n';
  const file = join(project('inspected', { 'app.mjs': source }), 'app.mjs');
  const { output, ended } = spawnCli(
    ['lambda', 'run', file, '--inspect', String(port), '--timeout', '1', '--event', '{"n":21}'],
    at,
  );
  await until('the announcement', () => output.stderr.includes(`127.0.0.1:${port}`));
  let target: { webSocketDebuggerUrl: string } | undefined;
  await until('the inspector', async () => {
    const list = await fetch(`http://127.0.0.1:${port}/json/list`).then(
      (response) => response.json(),
      () => [],
    );
    target = (list as { webSocketDebuggerUrl: string }[])[0];
    return target !== undefined;
  });
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  const paused = Promise.withResolvers<{ callFrames: { callFrameId: string; location: { lineNumber: number } }[] }>();
  const answers = new Map<number, (result: any) => void>();
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data);
    if (message.method === 'Debugger.paused') paused.resolve(message.params);
    answers.get(message.id)?.(message.result);
  });
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  let sent = 0;
  const send = (method: string, params: object = {}) =>
    new Promise<any>((resolve) => {
      answers.set(++sent, resolve);
      socket.send(JSON.stringify({ id: sent, method, params }));
    });
  await send('Runtime.enable');
  await send('Debugger.enable');
  await send('Debugger.setBreakpointByUrl', { lineNumber: 2, urlRegex: 'app\\.mjs$' });
  await send('Runtime.runIfWaitingForDebugger');
  const { callFrames } = await paused.promise;
  const [frame] = callFrames;
  const { result } = await send('Debugger.evaluateOnCallFrame', {
    callFrameId: frame!.callFrameId,
    expression: 'twice',
  });
  assert.deepEqual([frame!.location.lineNumber, result.value], [2, 42]);
  // Longer than the time-out that was asked for.
  await sleep(1_500);
  await send('Debugger.resume');
  const { code, stdout, stderr } = await ended;
  assert.deepEqual([code, stdout], [0, '42\n'], stderr);
  socket.close();
});

test('run --inspect is refused where there is no debugger', async () => {
  const file = join(project('ruby', { 'app.rb': 'def handler(event:, context:) = 1\n' }), 'app.rb');
  const { code, stderr } = await spawnCli(
    ['lambda', 'run', file, '--runtime', 'ruby3.4', '--handler', 'app.handler', '--inspect'],
    at,
  ).ended;
  assert.deepEqual([code, stderr], [1, '--inspect works with Node.js and Python functions, not with ruby3.4.\n']);
});

const debugpy = (() => {
  try {
    return execFileSync('python3', ['-c', 'import debugpy'], { stdio: 'ignore' }) && true;
  } catch {
    return false;
  }
})();

test('run --inspect of a Python function without debugpy says what to install', {
  skip: debugpy && 'debugpy is installed here',
}, async () => {
  const file = join(project('python', { 'app.py': 'def handler(event, context):\n    return 1\n' }), 'app.py');
  const { code, stdout } = await spawnCli(['lambda', 'run', file, '--inspect', String(await freePort())], at).ended;
  assert.equal(code, 1);
  assert.match(JSON.parse(stdout).errorMessage, /--inspect needs debugpy: pip install debugpy/);
});
