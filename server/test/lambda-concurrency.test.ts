// Concurrency under load: never one execution more than a limit, the rest throttled in AWS's words, at once and without an environment.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  DeleteFunctionConcurrencyCommand,
  InvokeCommand,
  PutFunctionConcurrencyCommand,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import { startBrume } from '#test/harness.ts';
import { startEngine } from './lambda-engine.ts';
import { parse, testLambda } from './lambda-functions.ts';

/** Tells when it began and ended. */
const WORK = `async ({ ms }) => {
  const from = performance.timeOrigin + performance.now();
  await new Promise((done) => setTimeout(done, ms));
  return [from, performance.timeOrigin + performance.now()];
}`;

interface Outcome {
  span?: [from: number, to: number];
  error?: any;
}

/** The most spans at any one time. */
function mostAtOnce(outcomes: readonly Outcome[]): number {
  const edges = outcomes.flatMap(({ span }) => (span ? [[span[0], 1] as const, [span[1], -1] as const] : []));
  let [now, most] = [0, 0];
  for (const [, step] of edges.sort(([a, x], [b, y]) => a - b || x - y)) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}

const brume = await startBrume({
  functions: { isolation: 'auto', interpreters: {}, concurrency: 105 },
});
const { client, create } = testLambda(brume);

async function invoke(FunctionName: string, ms = 60): Promise<Outcome> {
  try {
    const Payload = Buffer.from(JSON.stringify({ ms }));
    const output = await client.send(new InvokeCommand({ FunctionName, Payload }));
    return { span: parse(output.Payload) };
  } catch (error) {
    return { error };
  }
}

async function newFunction(FunctionName: string, reserved?: number): Promise<void> {
  await create(FunctionName, WORK, { Timeout: 30 });
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 20 }, { FunctionName });
  if (reserved !== undefined) await reserve(FunctionName, reserved);
}

const reserve = (FunctionName: string, ReservedConcurrentExecutions: number) =>
  client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }));

function assertThrottled(outcomes: readonly Outcome[], reason: string): void {
  for (const { error } of outcomes.filter(({ span }) => !span)) {
    const { name, Reason, Type, retryAfterSeconds, $metadata, $response } = error;
    assert.deepEqual(
      [name, Reason, Type, retryAfterSeconds, $metadata.httpStatusCode, $response.headers['retry-after']],
      ['TooManyRequestsException', reason, 'User', '1', 429, '1'],
    );
  }
}

describe('a reservation', () => {
  test('is never exceeded, and used in full, whatever comes', async () => {
    await newFunction('reserved', 3);
    const reason = 'ReservedFunctionConcurrentInvocationLimitExceeded';
    const outcomes: Outcome[] = [];
    for (let wave = 0; wave < 4; wave++) {
      outcomes.push(...(await Promise.all(Array.from({ length: 12 }, () => invoke('reserved')))));
    }
    assert.equal(mostAtOnce(outcomes), 3);
    assert.ok(outcomes.filter(({ span }) => span).length >= 12);
    assertThrottled(outcomes, reason);

    // Clients that come back until they are served.
    const served = await Promise.all(
      Array.from({ length: 20 }, async () => {
        for (;;) {
          const outcome = await invoke('reserved', 15);
          if (outcome.span) return outcome;
          await new Promise((done) => setTimeout(done, 5));
        }
      }),
    );
    assert.ok(mostAtOnce(served) <= 3);
  });

  test('of none throttles everything at once; without it the function runs', async () => {
    await newFunction('off', 0);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => invoke('off')));
    assert.equal(outcomes.filter(({ span }) => span).length, 0);
    assertThrottled(outcomes, 'ReservedFunctionConcurrentInvocationLimitExceeded');
    await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'off' }));
    assert.ok((await invoke('off', 1)).span);
  });
});

test('what is reserved is kept free: the other functions together get the rest', async () => {
  const { deploy } = startEngine({ functions: { concurrency: 5 } });
  const spec = { runtime: 'nodejs22.x', files: { 'index.js': `exports.handler = ${WORK}` }, handler: 'index.handler' };
  const [one, two, reserved] = [deploy(spec), deploy(spec), deploy({ ...spec, reservedConcurrency: 2 })];
  for (const { version } of [one, two]) Object.assign(version, { unreservedConcurrency: 3 });
  const attempt = async ({ invoke: run }: typeof one): Promise<Outcome> => {
    try {
      return { span: (await run({ ms: 150 })).value };
    } catch (error) {
      return { error };
    }
  };
  const crowd = Array.from({ length: 12 }, (_, index) => attempt(index % 2 ? one : two));
  const kept = Array.from({ length: 4 }, () => attempt(reserved));
  const [others, own] = [await Promise.all(crowd), await Promise.all(kept)];
  const served = (outcomes: Outcome[]) => outcomes.filter(({ span }) => span).length;
  assert.deepEqual([served(others), served(own)], [3, 2]);
  assert.deepEqual(
    [...new Set(others.flatMap(({ error }) => error?.reason ?? []))],
    ['ConcurrentInvocationLimitExceeded'],
  );
});

test('the account: a reservation is taken off what the others may use', async () => {
  await newFunction('taker');
  await reserve('taker', 1);
  await reserve('reserved', 4);
  // 105 less 5: the least that must stay for the others.
  await assert.rejects(reserve('taker', 2), { name: 'InvalidParameterValueException' });
  await newFunction('other');
  assert.ok((await invoke('other', 1)).span);
});
