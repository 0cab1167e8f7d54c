// The engine by itself, with a function that is a callback of the test and a store that fails when told to.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { VirtualClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import { NO_METER } from '#core/meter.ts';
import type { StateStore } from '#storage/state/state.ts';
import { temporaryState } from '#test/temporary-state.ts';
import { DurableExecutions, type FunctionCall } from './durable-executions.ts';
import { MOST_IN_FLIGHT } from './limits.ts';

const SCOPE = { account: '123456789012', region: 'eu-west-1' };

async function start(invoke: (call: FunctionCall) => Promise<object>) {
  const { state: store, remove } = await temporaryState();
  let failures = 0;
  const state: StateStore = Object.create(store, {
    transact: {
      value: (work: never) => {
        if (failures === 0) return store.transact(work);
        failures--;
        return Promise.reject(new Error('the disk is full'));
      },
    },
  });
  const clock = new VirtualClock(1_763_900_000_000);
  const executions = new DurableExecutions({
    state,
    clock,
    log: createLogger('silent'),
    meter: NO_METER,
    invoke: async (call) => ({ payload: Buffer.from(JSON.stringify(await invoke(call))) }),
    resolve: () => Promise.reject(new Error('nothing is chained here')),
  });
  await executions.start();
  after(async () => {
    await executions.stop();
    await remove();
  });
  return {
    clock,
    executions,
    failOnce: () => {
      failures = 1;
    },
    begin: (synchronous = false) =>
      executions.begin({
        scope: SCOPE,
        functionName: 'f',
        version: '1',
        settings: { timeoutS: 3_600, retentionDays: 1 },
        payload: '{}',
        synchronous,
      }),
  };
}

test('an invocation whose end cannot be written is done again', async () => {
  let invocations = 0;
  const { begin, executions, clock, failOnce } = await start(async () => {
    if (++invocations === 1) failOnce();
    return { Status: 'SUCCEEDED', Result: String(invocations) };
  });
  const { reference } = await begin();
  await clock.advanceBy(10_000);
  const { document, result } = await executions.ended(reference);
  assert.deepEqual([document.status, result, invocations], ['SUCCEEDED', '2', 2]);
});

test('a checkpoint that cannot be written changes nothing', async () => {
  const outcomes: string[] = [];
  const { begin, executions, clock, failOnce } = await start(async ({ payload }) => {
    const { DurableExecutionArn: arn, CheckpointToken: token } = JSON.parse(Buffer.from(payload).toString());
    const write = () => executions.checkpoint(arn, token, [{ Id: 's', Type: 'STEP', Action: 'SUCCEED', Payload: '1' }]);
    failOnce();
    for (let attempt = 0; attempt < 3; attempt++) {
      await write().then(
        ({ operations }) => outcomes.push(String(operations.length)),
        (error: Error) => outcomes.push(error.message),
      );
    }
    return { Status: 'SUCCEEDED' };
  });
  const { reference } = await begin();
  await clock.advanceBy(1);
  await executions.ended(reference);
  assert.deepEqual(outcomes, ['the disk is full', '1', 'Invalid Checkpoint Token']);
});

test('invocations that nobody waits for are so many at once; those of callers go beside them', async () => {
  let now = 0;
  let most = 0;
  const open: (() => void)[] = [];
  const { begin, executions } = await start(async () => {
    most = Math.max(most, ++now);
    await new Promise<void>((resolve) => open.push(resolve));
    now--;
    return { Status: 'SUCCEEDED' };
  });
  const until = async (count: number) => {
    while (open.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const begun = await Promise.all(Array.from({ length: MOST_IN_FLIGHT + 8 }, () => begin()));
  await until(MOST_IN_FLIGHT);
  const waitedFor = await begin(true);
  await until(MOST_IN_FLIGHT + 1);
  assert.equal(most, MOST_IN_FLIGHT + 1);
  open.pop()!();
  await executions.ended(waitedFor.reference);
  const ended = Promise.all(begun.map(({ reference }) => executions.ended(reference)));
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const end of open.splice(0)) end();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(most, MOST_IN_FLIGHT + 1);
});
