// Lambda: warm invocations through HTTP beside the bare Runtime API round trip of the same bootstrap, cold ones in the sandbox
// beside the bare start of a process, by runtime; and how many a second several clients get.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mcsVersion } from '../scripts/build-dotnet-runtime.ts';
import { compilerVersion, JAVA_RUNTIME_JAR } from '../scripts/build-java-runtime.ts';
import { argsIn, fitted, MissingInterpreterError } from '../server/src/engines/functions/interpreter.ts';
import { Interpreters } from '../server/src/engines/functions/interpreters.ts';
import { RuntimeProcess } from '../server/src/engines/functions/runtime-process.ts';
import { makeZip } from '../server/test/lambda-zip.ts';
import { type ServerProcess, startBrumeProcess } from './brume-process.ts';
import { Latencies } from './latencies.ts';
import { LightConnection, requestHead } from './light-client.ts';
import { usageOf } from './process-usage.ts';
import type { Report } from './run.ts';

const WARM_UPS = 300;
const WARM_CALLS = 3_000;
const COLD_STARTS = 30;
const SPAWNS = 40;
const CLIENTS = 8;
const BUSY_MS = 3_000;
const MEMORY_MB = 128;
const EVENT = Buffer.from('"event"');
const FUNCTIONS = '/2015-03-31/functions';
/** For the runtimes that are booted ahead to be there again, in ms: what comes one by one, not in a burst. */
const REFILL_MS = 350;
const REFILL_BOTO3_MS = 900;
/** Another /tmp than AWS gives to everybody: nothing that was booted ahead has it. */
const PLAIN = { EphemeralStorage: { Size: 513 } };
const BOTO3: Load = {
  runtime: 'python3.11',
  handler: 'app.handler',
  files: { 'app.py': 'import boto3\ndef handler(event, context):\n  return event\n' },
};

interface Load {
  runtime: string;
  handler: string;
  files: Record<string, string | Uint8Array>;
}

const loads = (): readonly Load[] => [
  {
    runtime: 'python3.11',
    handler: 'app.handler',
    files: { 'app.py': 'def handler(event, context):\n  return event\n' },
  },
  {
    runtime: 'nodejs24.x',
    handler: 'index.handler',
    files: { 'index.js': 'exports.handler = async (event) => event;\n' },
  },
  {
    runtime: 'ruby3.3',
    handler: 'app.handler',
    files: { 'app.rb': 'def handler(event:, context:) = event\n' },
  },
  ...javaLoads(),
  ...dotnetLoads(),
];

const JAVA_HANDLER =
  'import com.amazonaws.services.lambda.runtime.*; public class App implements RequestHandler<Object, Object> { public Object handleRequest(Object event, Context context) { return event; } }';

/** One where a Java compiler is at hand. */
function javaLoads(): Load[] {
  if (compilerVersion() === undefined) return [];
  const dir = mkdtempSync(join(tmpdir(), 'brume-bench-'));
  try {
    writeFileSync(join(dir, 'App.java'), JAVA_HANDLER);
    execFileSync('javac', ['--release', '17', '-cp', JAVA_RUNTIME_JAR, join(dir, 'App.java')]);
    return [{ runtime: 'java17', handler: 'App', files: { 'App.class': readFileSync(join(dir, 'App.class')) } }];
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const DOTNET_HANDLER =
  'using System.IO; namespace App { public class Function { public Stream Run(Stream input) { return input; } } }';
/** Any .NET Core; newer ones take 2.0 for theirs. */
const DOTNET_SETTINGS = {
  framework: { name: 'Microsoft.NETCore.App', version: '2.0.0' },
  rollForward: 'LatestMajor',
  configProperties: { 'System.Globalization.Invariant': true },
};
/** As for the tests: the `dotnet` to measure, where none is on the PATH. */
const DOTNET = process.env.BRUME_TEST_DOTNET;

/** One where Mono's C# compiler is at hand. */
function dotnetLoads(): Load[] {
  if (mcsVersion() === undefined) return [];
  const dir = mkdtempSync(join(tmpdir(), 'brume-bench-'));
  try {
    writeFileSync(join(dir, 'App.cs'), DOTNET_HANDLER);
    execFileSync('mcs', ['-target:library', `-out:${join(dir, 'App.dll')}`, join(dir, 'App.cs')]);
    const target = '.NETCoreApp,Version=v2.0';
    const dependencies = {
      runtimeTarget: { name: target, signature: '' },
      targets: { [target]: { 'App/1.0.0': { runtime: { 'App.dll': {} } } } },
      libraries: { 'App/1.0.0': { type: 'project', serviceable: false, sha512: '' } },
    };
    const files = {
      'App.dll': readFileSync(join(dir, 'App.dll')),
      'App.deps.json': JSON.stringify(dependencies),
      'App.runtimeconfig.json': JSON.stringify({ runtimeOptions: DOTNET_SETTINGS }),
    };
    return [{ runtime: 'dotnet8', handler: 'App::App.Function::Run', files }];
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export async function run(report: Report): Promise<void> {
  report(`bare spawn of /bin/true    ${await spawns()}`);
  const brume = await startBrumeProcess([], DOTNET ? { BRUME_INTERPRETERS: `dotnet8=${DOTNET}` } : {});
  try {
    for (const load of loads()) {
      const bare = await bareRoundTrips(load);
      if (!bare) {
        report(`${load.runtime}: not measured, this machine has no interpreter for it`);
        continue;
      }
      report(`${load.runtime}`);
      report(`  bare Runtime API         ${bare}`);
      await create(brume, load, 'warm');
      report(`  warm, through HTTP       ${await warm(brume)}  (goal: p50 within 1 ms of the bare round trip)`);
      report(`  ${CLIENTS} clients                ${await busy(brume)} invocations/s`);
      if (/^(python|nodejs|ruby)/.test(load.runtime)) {
        report(`  cold, booted ahead       ${await cold(brume, load, REFILL_MS)}  (goal: p50 within 25 ms)`);
        report(`  cold, in a burst         ${await cold(brume, load, 0)}`);
      }
      report(`  cold, plain              ${await cold(brume, load, 0, PLAIN)}`);
      await send(brume, 'DELETE', `${FUNCTIONS}/warm`);
    }
    if (await bareRoundTrips(BOTO3)) {
      await cold(brume, BOTO3, REFILL_BOTO3_MS, {}, 1);
      report('python3.11, import boto3');
      report(`  cold, booted ahead       ${await cold(brume, BOTO3, REFILL_BOTO3_MS)}  (goal: p50 within 25 ms)`);
      report(`  cold, plain              ${await cold(brume, BOTO3, 0, PLAIN)}`);
    }
    const provided = staticBinary();
    if (provided) {
      report(`${provided.runtime}, a static binary`);
      await create(brume, provided, 'warm');
      report(`  warm, through HTTP       ${await warm(brume)}`);
      report(`  ${CLIENTS} clients                ${await busy(brume)} invocations/s`);
      report(`  cold, made ahead         ${await cold(brume, provided, REFILL_MS)}  (goal: p50 under 12 ms)`);
      report(`  cold, in a burst         ${await cold(brume, provided, 0)}`);
      report(`  cold, plain              ${await cold(brume, provided, 0, PLAIN)}`);
      await send(brume, 'DELETE', `${FUNCTIONS}/warm`);
    } else report('provided.al2023: not measured, this machine has no gcc');
    report(`memory of the server with its environments ${Math.round(usageOf(brume.pid)?.rssMb ?? 0)} MB resident`);
  } finally {
    await brume.stop();
  }
}

async function spawns(): Promise<Latencies> {
  const latencies = new Latencies();
  for (let i = 0; i < SPAWNS; i++) {
    const before = performance.now();
    await once(spawn('/bin/true', { stdio: 'ignore' }), 'exit');
    latencies.add(performance.now() - before);
  }
  return latencies;
}

/** The bootstrap and the server's end of its connection, and nothing else. Undefined where there is no interpreter. */
async function bareRoundTrips({ runtime, handler, files }: Load): Promise<Latencies | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'brume-bench-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
    const interpreters = new Interpreters({
      configured: DOTNET ? { dotnet8: DOTNET } : {},
      dir: join(dir, 'interpreters'),
    });
    const version = { handler, memoryMb: MEMORY_MB, codeDir: dir };
    const interpreter = fitted(await interpreters.find(runtime), version);
    const process_ = new RuntimeProcess({
      command: {
        file: interpreter.executable,
        args: argsIn(interpreter, { runtimeDir: interpreter.runtimeDir, taskRoot: dir }),
        environment: {
          ...process.env,
          _HANDLER: handler,
          LAMBDA_TASK_ROOT: dir,
          AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
        },
        workingDir: dir,
      },
      group: undefined,
      onOutput: () => {},
    });
    const latencies = new Latencies();
    for (let i = 0; i < WARM_UPS + WARM_CALLS; i++) {
      const readiness = await process_.readiness();
      if (readiness.kind !== 'ready') throw new Error(`the runtime did not start: ${JSON.stringify(readiness)}`);
      const before = performance.now();
      const headers = { 'Lambda-Runtime-Aws-Request-Id': String(i), 'Lambda-Runtime-Deadline-Ms': '9999999999999' };
      const outcome = await process_.run(String(i), headers, EVENT);
      if (outcome.kind !== 'response') throw new Error(`the runtime answered ${outcome.kind}`);
      if (i >= WARM_UPS) latencies.add(performance.now() - before);
    }
    await process_.kill();
    interpreters.close();
    return latencies;
  } catch (error) {
    if (error instanceof MissingInterpreterError) return undefined;
    throw error;
  } finally {
    await rm(dir, { recursive: true });
  }
}

/** What a compiled runtime is like. Undefined where there is no compiler. */
function staticBinary(): Load | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'brume-bench-'));
  const source = fileURLToPath(new URL('../server/test/provided-runtime.c', import.meta.url));
  try {
    execFileSync('gcc', ['-O1', '-static', '-o', join(dir, 'bootstrap'), source]);
    return {
      runtime: 'provided.al2023',
      handler: 'none',
      files: { bootstrap: readFileSync(join(dir, 'bootstrap')) },
    };
  } catch {
    return undefined;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function create(
  brume: ServerProcess,
  { runtime, handler, files }: Load,
  name: string,
  settings: object = {},
): Promise<void> {
  const answer = await send(brume, 'POST', FUNCTIONS, {
    FunctionName: name,
    Runtime: runtime,
    Handler: handler,
    Role: 'arn:aws:iam::000000000000:role/bench',
    Code: {
      ZipFile: makeZip(Object.entries(files).map(([name, data]) => ({ name, data, mode: 0o100755 }))).toString(
        'base64',
      ),
    },
    ...settings,
  });
  if (answer.status !== 201) throw new Error(`CreateFunction answered ${answer.status}: ${answer.body}`);
  for (;;) {
    const { body } = await send(brume, 'GET', `${FUNCTIONS}/${name}/configuration`);
    if (JSON.parse(body.toString()).State === 'Active') return;
  }
}

async function warm(brume: ServerProcess): Promise<Latencies> {
  const connection = await LightConnection.open(brume.endpoint);
  const latencies = new Latencies();
  for (let i = 0; i < WARM_UPS + WARM_CALLS; i++) {
    const before = performance.now();
    await invoke(brume, connection, 'warm');
    if (i >= WARM_UPS) latencies.add(performance.now() - before);
  }
  connection.close();
  return latencies;
}

async function busy(brume: ServerProcess): Promise<number> {
  const endMs = performance.now() + BUSY_MS;
  let count = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const connection = await LightConnection.open(brume.endpoint);
      for (; performance.now() < endMs; count++) await invoke(brume, connection, 'warm');
      connection.close();
    }),
  );
  return Math.round(count / (BUSY_MS / 1_000));
}

/** First invocations of functions that were never invoked. */
async function cold(
  brume: ServerProcess,
  load: Load,
  pauseMs: number,
  settings: object = {},
  starts = COLD_STARTS,
): Promise<Latencies> {
  const connection = await LightConnection.open(brume.endpoint);
  const latencies = new Latencies();
  for (let i = 0; i < starts; i++) {
    const name = `cold-${i}`;
    await create(brume, load, name, settings);
    await sleep(pauseMs);
    const before = performance.now();
    await invoke(brume, connection, name);
    latencies.add(performance.now() - before);
    await send(brume, 'DELETE', `${FUNCTIONS}/${name}`);
  }
  connection.close();
  return latencies;
}

async function invoke({ endpoint }: ServerProcess, connection: LightConnection, name: string): Promise<void> {
  const path = `${FUNCTIONS}/${name}/invocations`;
  const head = requestHead(endpoint, 'POST', path, 'lambda', { 'Content-Length': EVENT.length });
  const { status, body } = await connection.send([head, EVENT]);
  if (status !== 200 || !body.equals(EVENT)) throw new Error(`Invoke answered ${status}: ${body}`);
}

async function send({ endpoint }: ServerProcess, method: string, path: string, input?: object) {
  const body = Buffer.from(input ? JSON.stringify(input) : '');
  const connection = await LightConnection.open(endpoint);
  const answer = await connection.send([
    requestHead(endpoint, method, path, 'lambda', { 'Content-Length': body.length }),
    body,
  ]);
  connection.close();
  return answer;
}
