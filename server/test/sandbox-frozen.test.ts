// Between two invocations an environment stands still: threads, timers and child processes that a function left running go on
// when it is invoked again. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { spawnBrume, temporaryDirectory } from './harness.ts';
import { noBubblewrap, noPython, startEngine } from './lambda-engine.ts';
import { testLambda } from './lambda-functions.ts';

/** Longer than an environment takes to be frozen, so that what runs on shows. */
const IDLE_MS = 1_500;
/** How long things may go on after an invocation, with a machine that is busy. */
const MOST_RUNNING_MS = 700;

describe('between invocations', { skip: noBubblewrap || noPython }, () => {
  const tested = startEngine({ functions: { isolation: 'sandbox' } });

  test('a thread of a Python function stands still, and goes on with the next', async () => {
    const { invoke } = tested.deploy({
      files: {
        'app.py': `import threading, time
ticks = []
def tick():
  while True:
    ticks.append(time.time())
    time.sleep(0.02)
threading.Thread(target=tick, daemon=True).start()
def handler(e, c):
  time.sleep(0.2)
  return ticks`,
      },
    });
    await invoke({});
    await sleep(IDLE_MS);
    const { value } = await invoke({});
    const gaps = value.slice(1).map((at: number, index: number) => (at - value[index]) * 1_000);
    assert.ok(Math.max(...gaps) > IDLE_MS - MOST_RUNNING_MS, `no pause: ${Math.max(...gaps)}`);
    assert.ok(gaps.at(-1)! < IDLE_MS - MOST_RUNNING_MS, 'it goes on');
  });

  test('so does a program that it started, and what that started', async () => {
    const { invoke } = tested.deploy({
      runtime: 'nodejs24.x',
      files: {
        'app.mjs': `import { spawn } from 'node:child_process';
import fs from 'node:fs';
export const handler = async (first) => {
  if (first) spawn('/bin/sh', ['-c', '(while :; do date +%s%3N >> /tmp/ticks; sleep 0.05; done) & wait'], { detached: true, stdio: 'ignore' }).unref();
  await new Promise((resolve) => setTimeout(resolve, 300));
  return fs.readFileSync('/tmp/ticks', 'utf8').trim().split('\\n').map(Number);
};`,
      },
    });
    await invoke(true);
    await sleep(IDLE_MS);
    const { value } = await invoke(false);
    const gaps = value.slice(1).map((at: number, index: number) => at - value[index]);
    assert.ok(Math.max(...gaps) > IDLE_MS - MOST_RUNNING_MS, `no pause: ${Math.max(...gaps)}`);
  });

  test('calls one after another are not held up', async () => {
    const { invoke } = tested.deploy({ files: { 'app.py': 'def handler(e, c): return e' } });
    for (let n = 0; n < 200; n++) assert.equal((await invoke(n)).value, n);
    for (const pauseMs of [90, 100, 110, 250]) {
      await sleep(pauseMs);
      assert.equal((await invoke(pauseMs)).value, pauseMs);
    }
  });

  test('one that stands still is ended as any other', async () => {
    const { invoke, version } = tested.deploy({
      files: {
        'app.py': 'import subprocess\ndef handler(e, c):\n  subprocess.Popen(["sleep", "86424"])',
      },
    });
    await invoke({});
    await sleep(400);
    assert.equal(states('86424').length, 1);
    assert.deepEqual(states('86424'), ['T']);
    await tested.engine.retire(version.versionArn);
    await untilGone('86424');
  });

  test('kill -9 of the server ends it too', async () => {
    const dataDir = temporaryDirectory();
    const brume = await spawnBrume(dataDir);
    const { client, create } = testLambda(brume);
    await create(
      'left',
      "async () => require('node:child_process').spawn('sleep', ['86425'], { detached: true, stdio: 'ignore' }).unref()",
    );
    await client.send(new InvokeCommand({ FunctionName: 'left' }));
    await sleep(1_500);
    assert.deepEqual(states('86425'), ['T']);
    const waiting = bootedAhead(dataDir);
    assert.ok(waiting.length > 0);
    await brume.kill();
    await untilGone('86425');
    for (const pid of waiting) {
      for (const endMs = Date.now() + 5_000; existsSync(`/proc/${pid}`); await sleep(20)) assert.ok(Date.now() < endMs);
    }
  });
});

/** Of the processes that sleep for so long, as the kernel has them: S sleeps, T is stopped. */
function states(seconds: string): string[] {
  return pids((command) => command === `sleep\0${seconds}\0`).map(
    (pid) => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]!,
  );
}

async function untilGone(seconds: string): Promise<void> {
  for (const endMs = Date.now() + 5_000; states(seconds).length > 0; await sleep(20)) assert.ok(Date.now() < endMs);
}

/** Runtimes of a Brume that wait for a function: the directory that will hold its code is one of theirs. */
function bootedAhead(dataDir: string): string[] {
  return pids((command) => /bootstrap\.\w+\0.*\0wait\0$/.test(command)).filter((pid) =>
    readFileSync(`/proc/${pid}/mountinfo`, 'latin1').includes(`${basename(dataDir)}/`),
  );
}

function pids(matches: (command: string) => boolean): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && matches(readFileSync(`/proc/${name}/cmdline`, 'latin1'));
    } catch {
      return false;
    }
  });
}
