// `brume lambda deploy`: makes a function of a directory, or brings it up to date. With --watch again at each save; with --hot the function
// runs from the directory itself.

import { basename, join, resolve } from 'node:path';
import {
  type Architecture,
  CreateFunctionCommand,
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  LambdaClient,
  type Runtime,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { clientOptions } from '../client-options.ts';
import { paint } from '../logs/paint.ts';
import { UsageError } from '../logs/usage-error.ts';
import { readEnvironment, readNumber } from './function-options.ts';
import { saves } from './saves.ts';
import { findSourceFile, packageOf, readSourceFile, type SourceFile } from './source-file.ts';

export interface DeployOptions {
  name?: string;
  handler?: string;
  runtime?: string;
  timeout?: string;
  memory?: string;
  env?: string[];
  role: string;
  watch?: boolean;
  hot?: boolean;
  endpoint: string;
}

const LONGEST_WAIT_S = 120;

export async function deployDirectory(given: string, options: DeployOptions, signal: AbortSignal): Promise<number> {
  const directory = resolve(given);
  const FunctionName = options.name ?? nameOf(directory);
  const client = new LambdaClient(clientOptions(options.endpoint, process.env));
  try {
    await deploy(client, FunctionName, directory, options);
    if (!options.watch || options.hot) return 0;
    for await (const _ of saves(directory, signal)) {
      try {
        await deploy(client, FunctionName, directory, options);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        process.stderr.write(`${error.message}\n`);
      }
    }
    return 0;
  } finally {
    client.destroy();
  }
}

async function deploy(
  client: LambdaClient,
  FunctionName: string,
  directory: string,
  options: DeployOptions,
): Promise<void> {
  const source = await sourceOf(directory, options);
  const Code = options.hot
    ? { S3Bucket: 'hot-reload', S3Key: directory }
    : { ZipFile: new Uint8Array(await packageOf(source)) };
  const settings = {
    Runtime: source.runtime as Runtime,
    Handler: source.handler,
    ...(options.timeout === undefined ? {} : { Timeout: readNumber(options.timeout, '--timeout', 1, 900) }),
    ...(options.memory === undefined ? {} : { MemorySize: readNumber(options.memory, '--memory', 128, 10_240) }),
    ...(options.env === undefined ? {} : { Environment: readEnvironment(options.env) }),
  };
  const before = await find(client, FunctionName);
  const waiting = { client, maxWaitTime: LONGEST_WAIT_S, minDelay: 1, maxDelay: 2 };
  if (!before) {
    const Architectures: Architecture[] = [process.arch === 'arm64' ? 'arm64' : 'x86_64'];
    await client.send(
      new CreateFunctionCommand({ FunctionName, Role: options.role, Architectures, Code, ...settings }),
    );
    await waitUntilFunctionActiveV2(waiting, { FunctionName });
  } else {
    await client.send(new UpdateFunctionCodeCommand({ FunctionName, ...Code }));
    await waitUntilFunctionUpdatedV2(waiting, { FunctionName });
    if (differs(before, settings)) {
      await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, ...settings }));
      await waitUntilFunctionUpdatedV2(waiting, { FunctionName });
    }
  }
  const from = options.hot ? `runs from ${directory}` : before ? 'updated' : 'created';
  process.stdout.write(`${paint('green', FunctionName)} ${from} (${source.runtime}, ${source.handler})\n`);
}

async function sourceOf(directory: string, { handler, runtime }: DeployOptions): Promise<SourceFile> {
  // Only the directory of the path counts then.
  if (handler !== undefined && runtime !== undefined) return { path: join(directory, 'unread'), handler, runtime };
  return readSourceFile(await findSourceFile(directory), {
    ...(handler === undefined ? {} : { handler }),
    ...(runtime === undefined ? {} : { runtime }),
  });
}

async function find(client: LambdaClient, FunctionName: string): Promise<FunctionConfiguration | undefined> {
  try {
    return await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    return undefined;
  }
}

function differs(before: FunctionConfiguration, settings: Partial<FunctionConfiguration>): boolean {
  return Object.entries(settings).some(
    ([name, value]) => JSON.stringify(before[name as keyof FunctionConfiguration]) !== JSON.stringify(value),
  );
}

/** What a function may be called, of the directory's name. */
function nameOf(directory: string): string {
  const name = basename(directory)
    .replace(/[^A-Za-z0-9-_]+/g, '-')
    .slice(0, 64);
  if (/[A-Za-z0-9]/.test(name)) return name;
  throw new UsageError(`A function cannot be called ${basename(directory)}. Give --name.`);
}
