// A function engine alone, for tests of runtimes and isolation: its log in memory, its code in a temporary directory.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { type Clock, SystemClock } from '#core/clock.ts';
import type { FunctionsConfig } from '#core/config.ts';
import { createLogger } from '#core/log.ts';
import type { MeterSample } from '#core/meter.ts';
import { openControlGroups } from '#engines/functions/cgroups.ts';
import {
  createFunctionEngine,
  type FunctionEngine,
  type FunctionVersion,
  type Invocation,
  type InvocationResult,
} from '#engines/functions/function-engine.ts';
import type { Logging } from '#engines/functions/log-level.ts';
import type { LogStore } from '#engines/logs/log-store.ts';
import { temporaryDirectory } from './harness.ts';

export interface TestFunction {
  runtime?: string;
  files: Record<string, string | Uint8Array>;
  /** Those that may be run. */
  programs?: readonly string[];
  /** Seen as /opt. */
  layers?: { files: Record<string, string | Uint8Array>; programs?: readonly string[] };
  handler?: string;
  timeoutS?: number;
  memoryMb?: number;
  environment?: Record<string, string>;
  logging?: Logging;
  reservedConcurrency?: number;
}

export interface TestEngine {
  engine: FunctionEngine;
  dir: string;
  /** Every message that was logged, in order, all streams together. */
  log: { stream: string; message: string; timestamp: number }[];
  samples: MeterSample[];
  deploy(spec: TestFunction): DeployedFunction;
}

export interface DeployedFunction {
  version: FunctionVersion;
  invoke(event: unknown, options?: Partial<Invocation>): Promise<ParsedResult>;
}

export interface ParsedResult extends InvocationResult {
  /** The payload, parsed. */
  value: any;
  requestId: string;
}

export function startEngine(
  options: { functions?: Partial<FunctionsConfig>; clock?: Clock; logs?: Partial<LogStore> } = {},
): TestEngine {
  const dir = temporaryDirectory();
  const log: TestEngine['log'] = [];
  const samples: MeterSample[] = [];
  const engine = createFunctionEngine({
    config: { functions: { isolation: 'auto', interpreters: {}, ...options.functions } },
    clock: options.clock ?? new SystemClock(),
    log: createLogger('error'),
    meter: { record: (_, sample) => void samples.push(sample) },
    logs: {
      async appendFromService(_scope, _group, stream, events) {
        for (const { message, timestamp } of events) log.push({ stream, message, timestamp });
      },
      ...options.logs,
    } as LogStore,
    dir: join(dir, 'scratch'),
    fileSystemsDir: join(dir, 'file-systems'),
  });
  after(() => engine.stop());
  let functions = 0;
  let requests = 0;
  return {
    engine,
    dir,
    log,
    samples,
    deploy({ runtime = 'python3.11', files, programs, layers, handler = 'app.handler', ...settings }) {
      const name = `function-${++functions}`;
      const codeDir = writePackage(join(dir, 'code', name), files, programs);
      const layersDir = layers && writePackage(join(dir, 'layers', name), layers.files, layers.programs);
      const functionArn = `arn:aws:lambda:eu-west-1:123456789012:function:${name}`;
      const version: FunctionVersion = {
        versionArn: `${functionArn}:$LATEST`,
        functionArn,
        functionName: name,
        version: '$LATEST',
        account: '123456789012',
        region: 'eu-west-1',
        revision: '1',
        runtime,
        handler,
        timeoutS: 10,
        memoryMb: 256,
        ephemeralStorageMb: 512,
        environment: {},
        codeDir,
        ...(layersDir === undefined ? {} : { layersDir }),
        credentials: { accessKeyId: '123456789012', secretAccessKey: 'secret', sessionToken: 'token' },
        endpoint: 'http://127.0.0.1:1',
        logGroup: `/aws/lambda/${name}`,
        ...settings,
      };
      return {
        version,
        async invoke(event, invocation = {}) {
          const requestId = `00000000-0000-4000-8000-${String(++requests).padStart(12, '0')}`;
          const result = await engine.invoke(version, {
            requestId,
            payload: Buffer.from(JSON.stringify(event)),
            invokedFunctionArn: functionArn,
            ...invocation,
          });
          return { ...result, requestId, value: JSON.parse(Buffer.from(result.payload).toString()) };
        },
      };
    },
  };
}

function writePackage(directory: string, files: TestFunction['files'], programs: readonly string[] = []): string {
  mkdirSync(directory, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text, { mode: programs.includes(path) ? 0o755 : 0o644 });
  }
  return directory;
}

/** Why tests of a runtime must be skipped here; false when they can run. */
export function missing(program: string, ...args: string[]): string | false {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return false;
  } catch {
    return `${program} ${args.join(' ')} does not run on this machine`;
  }
}

export const noPython = missing('python3', '--version');
export const noBoto3 = missing('python3', '-c', 'import boto3');
export const noBubblewrap = missing('bwrap', '--ro-bind', '/', '/', '--unshare-user', '--unshare-pid', 'true');
export const noNamespaces = missing('unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork', 'true');
export const noControlGroups = controlGroupsMissing();

function controlGroupsMissing(): string | false {
  const groups = openControlGroups(createLogger('silent'));
  groups?.close();
  return groups ? false : 'control groups cannot be written on this machine';
}
