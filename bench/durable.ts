// Durable executions by themselves, in process, on a durable state store: checkpoints of one step from 1 and from 16
// executions, early and late in a long log, beside a raw transaction; and whole executions of three steps.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../server/src/core/clock.ts';
import { createLogger } from '../server/src/core/log.ts';
import { NO_METER } from '../server/src/core/meter.ts';
import { DurableExecutions, type FunctionCall } from '../server/src/engines/durable-executions/durable-executions.ts';
import { openStateStore } from '../server/src/storage/state/sqlite-state.ts';
import { defineCollection, type StateStore } from '../server/src/storage/state/state.ts';
import { Latencies } from './latencies.ts';
import type { Report } from './run.ts';

const SCOPE = { account: '000000000000', region: 'us-east-1' };
const DOCUMENTS = defineCollection<{ body: string }>('bench');
const PAYLOAD = JSON.stringify('x'.repeat(200));
const CALLERS = [1, 16];
const EARLY = 300;
/** One fewer than an execution may have. */
const LATE = 2_999;
const WHOLE = 1_000;
const SETTINGS = { timeoutS: 3_600, retentionDays: 1 };

interface Open {
  arn: string;
  token: string;
  end(answer: object): void;
}

export async function run(report: Report): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'brume-bench-durable-'));
  const log = createLogger('error');
  const state = await openStateStore({ dir, durable: true, log });
  const opened = new Map<string, (open: Open) => void>();
  const executions = new DurableExecutions({
    state,
    clock: new SystemClock(),
    log,
    meter: NO_METER,
    invoke: (call) => invocation(call, opened),
    resolve: () => Promise.reject(new Error('nothing is chained here')),
  });
  await executions.start();
  try {
    for (const callers of CALLERS) {
      await measure(report, 'raw transaction: put 200 B', callers, EARLY, (caller, n) => put(state, `${caller}/${n}`));
      await measureCheckpoints(report, executions, opened, callers);
    }
    for (const callers of CALLERS) {
      await measure(report, 'execution: begin, 3 checkpoints, end', callers, WHOLE / callers, async () => {
        const open = await begin(executions, opened);
        for (let i = 0; i < 3; i++) await checkpoint(executions, open, i);
        open.end({ Status: 'SUCCEEDED', Result: '1' });
        await executions.ended(await executions.reader.find(open.arn));
      });
    }
  } finally {
    await executions.stop();
    await state.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measureCheckpoints(
  report: Report,
  executions: DurableExecutions,
  opened: Map<string, (open: Open) => void>,
  callers: number,
): Promise<void> {
  const open = await Promise.all(Array.from({ length: callers }, () => begin(executions, opened)));
  const write = (caller: number, n: number) => checkpoint(executions, open[caller]!, n);
  await measure(report, `checkpoint of one step, 1 to ${EARLY}`, callers, EARLY, write);
  if (callers === 1) {
    for (let n = EARLY; n < LATE - EARLY; n++) await write(0, n);
    const late = (_: number, n: number) => write(0, LATE - EARLY + n);
    await measure(report, `checkpoint of one step, ${LATE - EARLY} to ${LATE}`, 1, EARLY, late);
  }
  for (const { end } of open) end({ Status: 'SUCCEEDED' });
}

/** The invocation stays open until the bench ends it. */
function invocation(call: FunctionCall, opened: Map<string, (open: Open) => void>): Promise<{ payload: Uint8Array }> {
  const { DurableExecutionArn: arn, CheckpointToken: token } = JSON.parse(Buffer.from(call.payload).toString());
  return new Promise((resolve) => {
    const end = (answer: object) => resolve({ payload: Buffer.from(JSON.stringify(answer)) });
    opened.get(arn.slice(0, arn.lastIndexOf('/')))!({ arn, token, end });
  });
}

let names = 0;

async function begin(executions: DurableExecutions, opened: Map<string, (open: Open) => void>): Promise<Open> {
  const name = `n${names++}`;
  const key = `arn:aws:lambda:us-east-1:000000000000:function:f:1/durable-execution/${name}`;
  const open = new Promise<Open>((resolve) => opened.set(key, resolve));
  await executions.begin({
    scope: SCOPE,
    functionName: 'f',
    version: '1',
    settings: SETTINGS,
    name,
    payload: '{}',
    synchronous: true,
  });
  const result = await open;
  opened.delete(key);
  return result;
}

async function checkpoint(executions: DurableExecutions, open: Open, n: number): Promise<void> {
  const { token } = await executions.checkpoint(open.arn, open.token, [
    { Id: `step-${n}`, Type: 'STEP', Action: 'SUCCEED', Payload: PAYLOAD },
  ]);
  open.token = token;
}

function put(state: StateStore, key: string): Promise<void> {
  return state.transact((tx) => tx.documents.put(DOCUMENTS, SCOPE, key, { body: PAYLOAD }));
}

async function measure(
  report: Report,
  label: string,
  callers: number,
  each: number,
  act: (caller: number, n: number) => Promise<unknown>,
): Promise<void> {
  const latencies = new Latencies();
  const startedAtMs = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let n = 0; n < each; n++) {
        const fromMs = performance.now();
        await act(caller, n);
        latencies.add(performance.now() - fromMs);
      }
    }),
  );
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const rate = Math.round(latencies.count / seconds).toLocaleString('en-US');
  report(`${label.padEnd(44)} ${String(callers).padStart(2)} at once ${rate.padStart(7)}/s  ${latencies}`);
}
