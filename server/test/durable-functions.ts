// Durable functions for API tests: the official SDK of durable executions, as it is published, inside the package.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Event,
  type ExecutionStatus,
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  type GetDurableExecutionResponse,
  InvokeCommand,
  type InvokeCommandOutput,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import { parse, type TestLambda } from './lambda-functions.ts';
import { zipOf } from './lambda-zip.ts';

const SDK = '@aws/durable-execution-sdk-js';

/** A package with the SDK, whose handler is `withDurableExecution(handler)`; `preamble` stands before it. */
export function durableCodeOf(handler: string, preamble = ''): Buffer {
  const main = createRequire(import.meta.url).resolve(SDK);
  const root = dirname(dirname(main));
  return zipOf({
    'index.js': `const { withDurableExecution, createRetryStrategy } = require('${SDK}');
${preamble}
exports.handler = withDurableExecution(${handler});`,
    [`node_modules/${SDK}/package.json`]: readFileSync(join(root, 'package.json')),
    [`node_modules/${SDK}/dist-cjs/index.js`]: readFileSync(join(root, 'dist-cjs/index.js')),
  });
}

export interface DurableOptions {
  timeoutS?: number;
  retentionDays?: number;
  preamble?: string;
  timeout?: number;
  environment?: Record<string, string>;
}

export async function createDurable(
  { create }: TestLambda,
  name: string,
  handler: string,
  { timeoutS = 600, retentionDays, preamble, timeout = 30, environment }: DurableOptions = {},
): Promise<void> {
  await create(name, '', {
    Code: { ZipFile: durableCodeOf(handler, preamble) },
    Timeout: timeout,
    MemorySize: 256,
    DurableConfig: {
      ExecutionTimeout: timeoutS,
      ...(retentionDays === undefined ? {} : { RetentionPeriodInDays: retentionDays }),
    },
    ...(environment ? { Environment: { Variables: environment } } : {}),
  });
}

export interface InvokeOptions {
  name?: string;
  type?: 'Event' | 'RequestResponse';
  qualifier?: string;
}

/** Invokes `$LATEST`, with the answer as it is. */
export function invokeDurable(
  client: LambdaClient,
  FunctionName: string,
  event: unknown,
  { name, type = 'RequestResponse', qualifier = '$LATEST' }: InvokeOptions = {},
): Promise<InvokeCommandOutput> {
  return client.send(
    new InvokeCommand({
      FunctionName,
      Qualifier: qualifier,
      InvocationType: type,
      DurableExecutionName: name,
      Payload: Buffer.from(JSON.stringify(event)),
    }),
  );
}

/** The same, for the value that it returns. */
export async function resultOf(client: LambdaClient, name: string, event: unknown = {}): Promise<any> {
  const { Payload, FunctionError } = await invokeDurable(client, name, event);
  const value = parse(Payload);
  return FunctionError === undefined ? value : { FunctionError, ...value };
}

export async function historyOf(client: LambdaClient, DurableExecutionArn: string): Promise<Event[]> {
  const events: Event[] = [];
  let Marker: string | undefined;
  do {
    const page = await client.send(new GetDurableExecutionHistoryCommand({ DurableExecutionArn, Marker }));
    events.push(...page.Events!);
    Marker = page.NextMarker;
  } while (Marker);
  return events;
}

/** Polls until the execution has one of these states. */
export async function untilStatus(
  client: LambdaClient,
  DurableExecutionArn: string,
  ...statuses: ExecutionStatus[]
): Promise<GetDurableExecutionResponse> {
  for (let attempt = 0; ; attempt++) {
    const execution = await client.send(new GetDurableExecutionCommand({ DurableExecutionArn }));
    if (statuses.includes(execution.Status!)) return execution;
    if (attempt === 150) throw new Error(`the execution is ${execution.Status}: ${JSON.stringify(execution.Error)}`);
    await sleep(100);
  }
}

/** Polls the history until such an event is there. */
export async function untilEvent(client: LambdaClient, arn: string, is: (event: Event) => boolean): Promise<Event> {
  for (let attempt = 0; ; attempt++) {
    const found = (await historyOf(client, arn)).find(is);
    if (found) return found;
    if (attempt === 150) throw new Error('no such event');
    await sleep(100);
  }
}
