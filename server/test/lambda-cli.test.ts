// `brume lambda …` and `brume cost` as processes.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, DeleteLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { InvokeCommand, ListFunctionsCommand, PutProvisionedConcurrencyConfigCommand } from '@aws-sdk/client-lambda';
import { clientConfig, startBrume, temporaryDirectory } from '#test/harness.ts';
import { type CliOptions, spawnCli } from './cli-process.ts';
import { missing } from './lambda-engine.ts';
import { testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, create } = testLambda(brume);
const dir = temporaryDirectory();

const cli = (args: string[], options?: CliOptions) => spawnCli(args, withHome(options)).ended;
const withHome = (options: CliOptions = {}) => ({ ...options, environment: { HOME: dir } });

let directories = 0;

/** A directory with these files; gives the path of the first. */
function project(files: Record<string, string>): string {
  const root = join(dir, `project-${directories++}`);
  mkdirSync(root);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content);
  return join(root, Object.keys(files)[0]!);
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error(`never came: ${what}`);
}

const run = (file: string, args: string[] = [], input?: string) =>
  cli(['lambda', 'run', file, ...args], input === undefined ? {} : { input });

test('a file is run on a Brume of its own: log on stderr, result on stdout', async () => {
  const file = project({
    'app.mjs': `import { twice } from './math.mjs';
      export const handler = async ({ n }) => { console.log('got', n); return { twice: twice(n), greeting: process.env.GREETING }; };`,
    'math.mjs': 'export const twice = (n) => n * 2;',
  });
  const { code, stdout, stderr } = await run(file, ['--event', '{"n": 21}', '--env', 'GREETING=hello=you']);
  assert.deepEqual([code, JSON.parse(stdout)], [0, { twice: 42, greeting: 'hello=you' }], stderr);
  assert.match(stderr, /START RequestId: [\s\S]*\tINFO\tgot 21\n[\s\S]*REPORT RequestId: /);
});

test('Python, the event from a file and from standard input, on a running Brume, which keeps nothing of it', async () => {
  const file = project({ 'app.py': 'def lambda_handler(event, context):\n    print("hi")\n    return event["a"]\n' });
  const event = project({ 'event.json': '{"a": [1, 2]}' });
  const on = ['--endpoint', brume.endpoint];
  const first = await run(file, ['--event', event, ...on]);
  assert.deepEqual([first.code, JSON.parse(first.stdout)], [0, [1, 2]], first.stderr);
  const second = await run(file, ['--event', '-', ...on], '{"a": "b"}');
  assert.deepEqual([second.code, JSON.parse(second.stdout)], [0, 'b'], second.stderr);
  const { Functions } = await client.send(new ListFunctionsCommand({}));
  assert.deepEqual(
    Functions!.filter(({ FunctionName }) => FunctionName!.startsWith('run-')),
    [],
  );
});

test('Ruby: a method of the file, or of its class', { skip: missing('ruby', '--version') }, async () => {
  for (const code of [
    'def lambda_handler(event:, context:) = event["a"]\n',
    'class Handler\n  def self.process(event:, context:) = event["a"]\nend\n',
  ]) {
    const {
      code: status,
      stdout,
      stderr,
    } = await run(project({ 'app.rb': code }), ['--event', '{"a": 1}', '--endpoint', brume.endpoint]);
    assert.deepEqual([status, stdout.trim()], [0, '1'], stderr);
  }
});

test('a function that fails gives exit code 1, and its error', async () => {
  const file = project({ 'bad.js': 'exports.handler = async () => { throw new TypeError("broken"); };' });
  const { code, stdout } = await run(file, ['--endpoint', brume.endpoint]);
  const { errorType, errorMessage } = JSON.parse(stdout);
  assert.deepEqual([code, errorType, errorMessage], [1, 'TypeError', 'broken']);
});

for (const { name, files, args = [], says } of [
  { name: 'no file', files: { 'other.py': '' }, args: [], says: /^There is no file .*missing\.py\.$/ },
  { name: 'an unknown kind of file', files: { 'a.txt': 'x' }, says: /Give --runtime\.$/ },
  {
    name: 'no handler',
    files: { 'a.py': 'x = 1\n' },
    says: /No handler was found in a\.py\. Give --handler a\.NAME\.$/,
  },
  { name: 'a jar without a class', files: { 'a.jar': 'PK' }, says: /Give --handler package\.Class\.$/ },
  {
    name: 'an event that is nothing',
    files: { 'a.py': 'def handler(e, c): pass\n' },
    args: ['--event', 'nothing'],
    says: /neither JSON nor a file/,
  },
  {
    name: 'a timeout out of range',
    files: { 'a.py': 'def handler(e, c): pass\n' },
    args: ['--timeout', '901'],
    says: /--timeout must be a whole number from 1 to 900, not 901\.$/,
  },
] as { name: string; files: Record<string, string>; args?: string[]; says: RegExp }[]) {
  test(`refused with a clear word: ${name}`, async () => {
    const file = name === 'no file' ? join(dir, 'missing.py') : project(files);
    const { code, stdout, stderr } = await run(file, ['--endpoint', brume.endpoint, ...args]);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr.trimEnd(), says);
  });
}

test('--watch runs again at each save, also with another handler', async () => {
  const file = project({ 'w.mjs': 'export const handler = async () => "one";' });
  const { child, output, ended } = spawnCli(['lambda', 'run', file, '--watch', '--endpoint', brume.endpoint]);
  await until('the first result', () => output.stdout.includes('"one"') && output.stderr.includes('Waiting'));
  writeFileSync(file, 'export const handler = async () => "two";');
  await until('the second', () => output.stdout.includes('"two"'));
  writeFileSync(file, 'export const lambda_handler = async () => "three";');
  await until('the third', () => output.stdout.includes('"three"'));
  child.kill('SIGINT');
  assert.equal((await ended).code, 0, output.stderr);
});

test('lambda logs prints what a function logged, and follows it', async () => {
  await create('talker', 'async ({ n }) => { console.log("said", n); }');
  const invoke = (n: number) =>
    client.send(new InvokeCommand({ FunctionName: 'talker', Payload: Buffer.from(JSON.stringify({ n })) }));
  const at = { endpoint: brume.endpoint };
  const early = await cli(['lambda', 'logs', 'talker'], at);
  assert.deepEqual([early.code, early.stderr], [1, 'talker has logged nothing yet: it was not invoked.\n']);
  await invoke(1);
  const follower = spawnCli(['lambda', 'logs', 'talker', '-f', '--filter', 'said'], at);
  await until('the first line', () => follower.output.stdout.includes('said 1'));
  await invoke(2);
  await until('the second line', () => follower.output.stdout.includes('said 2'));
  follower.child.kill('SIGINT');
  const { code, stdout } = await follower.ended;
  assert.deepEqual([code, stdout.trimEnd().split('\n').length], [0, 2]);
});

test('cost tells requests and billed GB-seconds of each function, initialization included', async () => {
  await create('billed', 'async () => {}', { MemorySize: 1_024 });
  let billedMs = 0;
  for (let count = 0; count < 3; count++) {
    const { LogResult } = await client.send(new InvokeCommand({ FunctionName: 'billed', LogType: 'Tail' }));
    const report = Buffer.from(LogResult!, 'base64').toString();
    billedMs += Number(/Billed Duration: (\d+) ms/.exec(report)![1]);
    assert.equal(report.includes('Init Duration'), count === 0);
  }
  const at = { endpoint: brume.endpoint };
  let report: any;
  await until('the metrics', async () => {
    report = JSON.parse((await cli(['cost', '--json'], at)).stdout);
    return report.functions.some(({ name, requests }: any) => name === 'billed' && requests === 3);
  });
  const { seconds, gbSeconds, dollars, ...billed } = report.functions.find(({ name }: any) => name === 'billed');
  assert.deepEqual(billed, { name: 'billed', memoryMb: 1_024, architecture: 'x86_64', requests: 3, billed: true });
  assert.ok(Math.abs(seconds - billedMs / 1_000) < 1e-9, `${seconds} s for ${billedMs} ms`);
  assert.ok(Math.abs(gbSeconds - seconds) < 1e-9);
  assert.ok(Math.abs(dollars - (gbSeconds * 0.0000166667 + 3 * 2e-7)) < 1e-12);
  assert.equal(report.withinFreeTier, true);
  const table = await cli(['cost'], at);
  assert.match(table.stdout, /^function .*USD on AWS\n[\s\S]*^billed +1024 +x86_64 +3 /m);
});

test('cost without the REPORT lines goes by the metrics and says so; provisioned environments have an hourly price', async () => {
  await create('unlogged', 'async () => {}', { MemorySize: 512, Publish: true });
  await client.send(new InvokeCommand({ FunctionName: 'unlogged' }));
  await client.send(
    new PutProvisionedConcurrencyConfigCommand({
      FunctionName: 'unlogged',
      Qualifier: '1',
      ProvisionedConcurrentExecutions: 2,
    }),
  );
  const at = { endpoint: brume.endpoint };
  await until('the metrics', async () => (await cli(['cost'], at)).stdout.includes('unlogged'));
  const logs = new CloudWatchLogsClient(clientConfig(brume));
  await logs.send(new DeleteLogGroupCommand({ logGroupName: '/aws/lambda/unlogged' }));
  const { stdout } = await cli(['cost'], at);
  assert.match(stdout, /^Not every REPORT line of unlogged is there: /m);
  assert.match(stdout, /function:unlogged:1 keeps 2 environments ready: 0\.015000 USD more each hour\.$/m);
});
