// `brume lambda run`: makes a function of a file on a Brume of its own (in memory, in this process) or a running one, invokes it,
// prints its log on stderr and its result on stdout, and takes it away again. With --watch it does so at each save.

import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  InvokeCommand,
  LambdaClient,
  type Runtime,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { SystemClock } from '#core/clock.ts';
import { randomHex } from '#core/ids.ts';
import { clientOptions } from '../client-options.ts';
import { paint } from '../logs/paint.ts';
import { UsageError } from '../logs/usage-error.ts';
import { type DebugTarget, debugTarget, withDebugger } from './debugger.ts';
import { readEnvironment, readNumber } from './function-options.ts';
import { saves } from './saves.ts';
import { packageOf, readSourceFile, type SourceFile } from './source-file.ts';

export interface RunOptions {
  handler?: string;
  event: string;
  runtime?: string;
  timeout: string;
  memory: string;
  env?: string[];
  watch?: boolean;
  /** The port of the debugger; true for the usual one. */
  inspect?: string | true;
  endpoint?: string;
}

const LONGEST_TIMEOUT_S = 900;
const LOG_ATTEMPTS = 40;
const LOG_INTERVAL_MS = 50;

/** Exit code 0 when the function succeeded, 1 when it failed. */
export async function runFile(file: string, options: RunOptions, signal: AbortSignal): Promise<number> {
  const path = resolve(file);
  const event = await readEvent(options.event);
  const environment = readEnvironment(options.env);
  let source = await readSourceFile(path, options);
  const inspected = options.inspect === undefined ? undefined : debugTarget(source, options.inspect);
  const handlerOf = ({ handler }: SourceFile) => (inspected ? inspected.handler : handler);
  const own = options.endpoint === undefined ? await startOwn() : undefined;
  const target = clientOptions(options.endpoint ?? own!.endpoint, process.env);
  const clients = { lambda: new LambdaClient(target), logs: new CloudWatchLogsClient(target) };
  const FunctionName = `run-${basename(path, extname(path))
    .replace(/[^A-Za-z0-9-_]/g, '-')
    .slice(0, 40)}-${randomHex(6)}`;
  try {
    await clients.lambda.send(
      new CreateFunctionCommand({
        FunctionName,
        Role: 'arn:aws:iam::000000000000:role/brume-run',
        Runtime: source.runtime as Runtime,
        Handler: handlerOf(source),
        Code: { ZipFile: await packaged(source, inspected) },
        // Who debugs takes their time.
        Timeout: inspected ? LONGEST_TIMEOUT_S : readNumber(options.timeout, '--timeout', 1, LONGEST_TIMEOUT_S),
        MemorySize: readNumber(options.memory, '--memory', 128, 10_240),
        Environment: environment,
      }),
    );
    if (inspected) process.stderr.write(`${paint('cyan', inspected.announcement)}\n`);
    let succeeded = await invoke(clients, FunctionName, event);
    if (options.watch) {
      for await (const _ of saves(dirname(path), signal)) {
        process.stderr.write(`${paint('cyan', `--- ${basename(path)} saved`)}\n`);
        try {
          source = await update(clients.lambda, FunctionName, source, options, inspected);
          succeeded = await invoke(clients, FunctionName, event);
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          process.stderr.write(`${error.message}\n`);
        }
      }
      return 0;
    }
    return succeeded ? 0 : 1;
  } finally {
    if (!own) await clients.lambda.send(new DeleteFunctionCommand({ FunctionName })).catch(() => {});
    clients.lambda.destroy();
    clients.logs.destroy();
    await own?.stop();
  }
}

async function startOwn() {
  const [{ loadConfig }, { startBrume }] = await Promise.all([import('../load-config.ts'), import('#main')]);
  const config = loadConfig({ flags: { port: '0', logLevel: 'error' }, environment: process.env });
  // Nobody else is to reach it, and nothing of it stays.
  return startBrume({ ...config, host: '127.0.0.1', accessKeys: new Map(), clock: 'system', inMemory: true });
}

async function update(
  lambda: LambdaClient,
  FunctionName: string,
  before: SourceFile,
  options: RunOptions,
  inspected: DebugTarget | undefined,
): Promise<SourceFile> {
  const source = await readSourceFile(before.path, options);
  await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: await packaged(source, inspected) }));
  if (source.handler !== before.handler && !inspected) {
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Handler: source.handler }));
  }
  return source;
}

function packaged(source: SourceFile, inspected: DebugTarget | undefined): Promise<Buffer> {
  return packageOf(source, inspected && withDebugger(source, inspected));
}

/** Whether the function succeeded. */
async function invoke(
  { lambda, logs }: { lambda: LambdaClient; logs: CloudWatchLogsClient },
  FunctionName: string,
  event: string,
): Promise<boolean> {
  const startTime = new SystemClock().now() - 1_000;
  const { Payload, FunctionError, LogResult, $metadata } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: Buffer.from(event), LogType: 'Tail' }),
  );
  const tail = Buffer.from(LogResult ?? '', 'base64').toString();
  const lines = (await logOf(logs, FunctionName, startTime, $metadata.requestId!)) ?? tail.trimEnd().split('\n');
  for (const line of lines) process.stderr.write(`${paint('dim', line)}\n`);
  process.stdout.write(`${pretty(Buffer.from(Payload ?? []).toString())}\n`);
  return FunctionError === undefined;
}

/** All that one invocation logged; undefined when its end did not show up in time. */
async function logOf(
  logs: CloudWatchLogsClient,
  name: string,
  startTime: number,
  requestId: string,
): Promise<string[] | undefined> {
  for (let attempt = 0; attempt < LOG_ATTEMPTS; attempt++) {
    const lines: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await logs
        .send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}`, startTime, nextToken }))
        .catch((error: Error) => {
          if (error.name !== 'ResourceNotFoundException') throw error;
          return { events: [], nextToken: undefined };
        });
      lines.push(...(page.events ?? []).map(({ message }) => message!.trimEnd()));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    const end = lines.findIndex((line) => line.startsWith(`REPORT RequestId: ${requestId}`));
    if (end >= 0) {
      const start = lines.findIndex((line) => line.startsWith(`START RequestId: ${requestId}`));
      // What came before the first start belongs to the environment's own.
      const isFirst = lines.findIndex((line) => line.startsWith('START ')) === start;
      return lines.slice(isFirst ? 0 : Math.max(0, start), end + 1);
    }
    await sleep(LOG_INTERVAL_MS);
  }
  return undefined;
}

function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), undefined, 2);
  } catch {
    return payload;
  }
}

async function readEvent(given: string): Promise<string> {
  const found =
    given === '-' ? await text(process.stdin) : /^\s*[[{"\dtfn-]/.test(given) && isJson(given) ? given : undefined;
  const event =
    found ??
    (await readFile(given, 'utf8').catch(() => {
      throw new UsageError(`--event ${given} is neither JSON nor a file that can be read.`);
    }));
  if (!isJson(event)) throw new UsageError(`The event (${given}) is not JSON.`);
  return event;
}

function isJson(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
