// kill -9 of a whole Brume with durable executions under way: each goes on after the start, none is lost, and no step whose
// checkpoint was written runs again.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SendDurableExecutionCallbackSuccessCommand } from '@aws-sdk/client-lambda';
import { spawnBrume, temporaryDirectory } from '#test/harness.ts';
import { createDurable, historyOf, invokeDurable, untilEvent, untilStatus } from './durable-functions.ts';
import { testLambda } from './lambda-functions.ts';

const EXECUTIONS = 12;
const STEPS = 4;
const KILLS = 3;

test('executions go on after kill -9', { timeout: 180_000 }, async () => {
  /** What the steps did outside, when. */
  const told: { step: string; atMs: number }[] = [];
  const listener = createServer((request, response) => {
    told.push({ step: request.url!.slice(1), atMs: Date.now() });
    response.end();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  after(() => listener.close());
  const { port } = listener.address() as AddressInfo;

  const dataDir = temporaryDirectory();
  const arns = new Map<string, string>();
  const kills: number[] = [];
  for (let round = 0; round < KILLS; round++) {
    const brume = await spawnBrume(dataDir);
    const lambda = testLambda(brume);
    if (round === 0) {
      await createDurable(
        lambda,
        'teller',
        `async ({ name }, context) => {
          const results = [];
          for (let i = 0; i < ${STEPS}; i++) {
            results.push(await context.step('step-' + i, async () => {
              await fetch(process.env.LISTENER + '/' + name + '-' + i);
              return i;
            }));
            await context.wait({ seconds: 1 });
          }
          return results;
        }`,
        { environment: { LISTENER: `http://127.0.0.1:${port}` } },
      );
      await createDurable(lambda, 'sitter', `async (_, context) => context.waitForCallback('word', async () => {})`);
      await lambda.create('slow', `async ({ n }) => { await new Promise((done) => setTimeout(done, 500)); return n; }`);
      await createDurable(
        lambda,
        'caller',
        `async (_, context) => [
          await context.invoke('slow', { n: 1 }),
          await context.invoke('teller:$LATEST', { name: 'called' }),
        ]`,
      );
      for (const name of ['sitter', 'caller']) {
        const { DurableExecutionArn } = await invokeDurable(lambda.client, name, {}, { type: 'Event' });
        arns.set(name, DurableExecutionArn!);
      }
    }
    for (let i = 0; i < EXECUTIONS / KILLS; i++) {
      const name = `execution-${round}-${i}`;
      const { DurableExecutionArn } = await invokeDurable(lambda.client, 'teller', { name }, { type: 'Event', name });
      arns.set(name, DurableExecutionArn!);
    }
    await sleep(700 + 600 * round);
    kills.push(Date.now());
    await brume.kill();
  }

  const brume = await spawnBrume(dataDir);
  const { client } = testLambda(brume);
  const { CallbackStartedDetails } = await untilEvent(
    client,
    arns.get('sitter')!,
    ({ EventType }) => EventType === 'CallbackStarted',
  );
  await client.send(
    new SendDurableExecutionCallbackSuccessCommand({
      CallbackId: CallbackStartedDetails!.CallbackId!,
      Result: Buffer.from('go'),
    }),
  );
  const expected = JSON.stringify(Array.from({ length: STEPS }, (_, i) => i));
  let ranAgain = 0;
  for (const [name, arn] of arns) {
    const { Status, Result } = await untilStatus(client, arn, 'SUCCEEDED', 'FAILED', 'TIMED_OUT');
    assert.equal(Status, 'SUCCEEDED', name);
    const value = name === 'sitter' ? '"go"' : name === 'caller' ? `[1,${expected}]` : expected;
    assert.equal(Result, value, name);
    if (name === 'sitter' || name === 'caller') continue;
    const events = await historyOf(client, arn);
    for (let i = 0; i < STEPS; i++) {
      const succeeded = events.filter(({ EventType, Name }) => EventType === 'StepSucceeded' && Name === `step-${i}`);
      assert.equal(succeeded.length, 1, `${name} has one result of step ${i}`);
      const writtenAtMs = succeeded[0]!.EventTimestamp!.getTime();
      const runs = told.filter(({ step }) => step === `${name}-${i}`);
      assert.ok(runs.length >= 1, `${name} ran step ${i}`);
      ranAgain += runs.length - 1;
      // Once written, whatever was killed afterwards.
      assert.deepEqual(
        runs.filter(({ atMs }) => atMs > writtenAtMs),
        [],
        `${name} does not run step ${i} again`,
      );
    }
  }
  const survived = kills.length;
  console.log(`${arns.size} executions, ${survived} kills, ${ranAgain} steps that were cut off ran again`);
  await brume.stop();
});
