// Several invocations in one environment: Node.js in one event loop, Python in a process each.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { noControlGroups, noPython, startEngine, type TestFunction } from './lambda-engine.ts';

const testEngine = startEngine();
const { engine, log } = testEngine;
const LANES = 4;
const logging = { format: 'JSON', applicationLevel: 'INFO', systemLevel: 'INFO' } as const;

const NODE: TestFunction = {
  runtime: 'nodejs24.x',
  logging,
  files: {
    'app.mjs': `
import fs from 'node:fs';
const id = Math.random();
let inside = 0;
let most = 0;
export const handler = async (event, context) => {
  most = Math.max(most, ++inside);
  try {
    if (event.log) console.log('before', event.log);
    if (event.ms) await new Promise((done) => setTimeout(done, event.ms));
    if (event.log) console.log('after', event.log);
    if (event.fail) throw new RangeError(event.fail);
    if (event.exit !== undefined) process.exit(event.exit);
    if (event.late) setTimeout(() => { throw new Error('late'); }, 10), await new Promise(() => {});
    if (event.mb) return Buffer.alloc(event.mb << 20, 1).length;
    if (event.file) fs.appendFileSync('/tmp/shared', event.file);
    const shared = fs.existsSync('/tmp/shared') ? fs.readFileSync('/tmp/shared', 'utf8') : '';
    return { id, most, event, shared, request: context.awsRequestId, lanes: process.env.AWS_LAMBDA_MAX_CONCURRENCY, trace: process.env._X_AMZN_TRACE_ID ?? null };
  } finally { inside--; }
};
`,
  },
};

const PYTHON: TestFunction = {
  logging,
  files: {
    'app.py': `
import logging, os, time
logger = logging.getLogger()
def handler(event, context):
    if event.get("log"): logger.info("before " + event["log"])
    time.sleep(event.get("ms", 0) / 1000)
    if event.get("log"): logger.info("after " + event["log"])
    if event.get("fail"): raise ValueError(event["fail"])
    if "exit" in event: os._exit(event["exit"])
    if event.get("mb"): return len(b"x" * (event["mb"] << 20))
    if event.get("file"): open("/tmp/shared", "a").write(event["file"])
    shared = open("/tmp/shared").read() if os.path.exists("/tmp/shared") else ""
    return {"id": os.getpid(), "event": event, "shared": shared, "request": context.aws_request_id, "lanes": os.environ["AWS_LAMBDA_MAX_CONCURRENCY"], "trace": os.environ.get("_X_AMZN_TRACE_ID")}
`,
  },
};

for (const [language, skip, spec] of [
  ['nodejs', false, NODE],
  ['python', noPython, PYTHON],
] as const) {
  const sharesMemory = language === 'nodejs';
  describe(language, { skip }, () => {
    const start = (more: Partial<TestFunction> = {}) => {
      const fn = testEngine.deploy({ ...spec, ...more });
      fn.version.lanes = LANES;
      const together = (...events: object[]) => Promise.all(events.map((event) => fn.invoke(event)));
      return { ...fn, together };
    };
    /** The log streams in which these were run. */
    const streamsOf = async (...requestIds: string[]) => {
      await engine.flushLogs();
      const lines = log.filter(({ message }) => requestIds.some((id) => message.includes(id)));
      return [...new Set(lines.map(({ stream }) => stream))];
    };

    test('at once, each with its own event and answer', async () => {
      const { invoke, together } = start();
      await invoke({});
      const results = await together(
        ...Array.from({ length: LANES }, (_, index) => ({ ms: 200, index, text: 'ü'.repeat(index) })),
      );
      for (const [index, { value, requestId }] of results.entries()) {
        assert.deepEqual(value.event, { ms: 200, index, text: 'ü'.repeat(index) });
        assert.equal(value.request, requestId);
        assert.equal(value.lanes, String(LANES));
      }
      assert.equal(new Set(results.map(({ value }) => value.id)).size, sharesMemory ? 1 : LANES);
      if (sharesMemory) assert.equal(Math.max(...results.map(({ value }) => value.most)), LANES);
      assert.equal((await streamsOf(...results.map(({ requestId }) => requestId))).length, 1);
      assert.ok(results.every(({ initDurationMs }) => initDurationMs === undefined));
    });

    test('they share /tmp; more than fit get another environment', async () => {
      const { invoke, together } = start();
      await invoke({ file: 'a' });
      const results = await together(...Array.from({ length: LANES + 2 }, () => ({ ms: 300 })));
      const shared = results.map(({ value }) => value.shared).toSorted();
      assert.deepEqual(shared, [...Array.from({ length: 2 }, () => ''), ...Array.from({ length: LANES }, () => 'a')]);
      assert.equal((await streamsOf(...results.map(({ requestId }) => requestId))).length, 2);
    });

    test('large events and answers at once', async () => {
      const { together } = start({ timeoutS: 30 });
      const events = ['a', 'b', 'c'].map((letter) => ({ large: letter.repeat(2_500_000) }));
      const results = await together(...events);
      assert.deepEqual(
        results.map(({ value }) => value.event),
        events,
      );
    });

    test('an error of one is none of the others', async () => {
      const { together, invoke } = start();
      const { value } = await invoke({});
      const [failed, fine] = await together({ fail: 'v' }, { ms: 100 });
      assert.equal(failed!.functionError, 'Unhandled');
      assert.equal(failed!.value.errorMessage, 'v');
      assert.equal(fine!.functionError, undefined);
      if (sharesMemory) assert.equal((await invoke({})).value.id, value.id);
    });

    test('the JSON log tells them apart', async () => {
      const { together, invoke } = start();
      await invoke({});
      const results = await together({ log: 'x', ms: 60 }, { log: 'y', ms: 60 });
      await engine.flushLogs();
      for (const [index, { requestId }] of results.entries()) {
        const own = log
          .map(({ message }) => JSON.parse(message))
          .filter((line) => line.requestId === requestId)
          .map((line) => line.message);
        assert.deepEqual(
          own,
          ['before', 'after'].map((word) => `${word} ${'xy'[index]}`),
        );
      }
    });

    test('an end by itself; the environment takes no more, and the next has a new one', async () => {
      const { together, invoke } = start();
      await invoke({ file: 'old' });
      const [other, ended] = await together({ ms: 300 }, { exit: 7 });
      assert.equal(
        ended!.value.errorMessage,
        `RequestId: ${ended!.requestId} Error: Runtime exited with error: exit status 7`,
      );
      // Of one event loop all are gone; a process of its own goes alone.
      if (sharesMemory) assert.match(other!.value.errorMessage, /exit status 7$/);
      else assert.equal(other!.value.shared, 'old');
      const next = await invoke({});
      assert.equal(next.value.shared, '');
      assert.equal((await streamsOf(ended!.requestId, next.requestId)).length, 2);
    });

    test('a time-out of one; the others go on to their end, and the next has a new environment', async () => {
      const { together, invoke } = start({ timeoutS: 1 });
      await invoke({ file: 'old' });
      const late = invoke({ ms: 30_000 });
      await sleep(500);
      const other = invoke({ ms: 800 });
      assert.equal(
        (await late).value.errorMessage,
        `RequestId: ${(await late).requestId} Error: Task timed out after 1.00 seconds`,
      );
      assert.equal((await invoke({})).value.shared, '');
      assert.equal((await other).value.shared, 'old');
      assert.deepEqual(
        (await together({}, {})).map(({ value }) => value.shared),
        ['', ''],
      );
    });

    test('more memory than there is ends all of it', { skip: noControlGroups }, async () => {
      const { together, invoke } = start({ memoryMb: 192 });
      assert.equal((await invoke({ mb: 20 })).value, 20 << 20);
      const [greedy] = await together({ mb: 1_500 }, { ms: 50 });
      assert.match(greedy!.value.errorMessage, /Runtime exited with error: signal: killed$/);
      assert.equal((await invoke({ mb: 1 })).value, 1 << 20);
    });

    test('what stood still goes on in every lane', async () => {
      const { together, invoke } = start();
      await invoke({});
      await sleep(300);
      const results = await together(...Array.from({ length: LANES }, () => ({ ms: 20 })));
      assert.ok(results.every(({ functionError }) => functionError === undefined));
      await sleep(300);
      assert.equal((await invoke({})).functionError, undefined);
    });

    test('an initialization that fails', async () => {
      const { together } = start({
        files: { 'app.py': 'raise ValueError("at load")', 'app.mjs': 'throw new Error("at load")' },
      });
      for (const { value } of await together({}, {})) assert.equal(value.errorMessage, 'at load');
    });

    test('provisioned, and again after one was lost', async () => {
      const fn = start();
      assert.equal(await engine.provision(fn.version, 2), 2);
      const results = await fn.together(...Array.from({ length: 2 * LANES }, () => ({ ms: 200 })));
      assert.equal((await streamsOf(...results.map(({ requestId }) => requestId))).length, 2);
      await fn.invoke({ exit: 1 });
      await sleep(600);
      const after = await fn.together(...Array.from({ length: 2 * LANES }, () => ({ ms: 200 })));
      assert.ok(after.every(({ initDurationMs, functionError }) => initDurationMs === undefined && !functionError));
      assert.equal((await streamsOf(...after.map(({ requestId }) => requestId))).length, 2);
      await engine.retire(fn.version.versionArn);
    });
  });
}

test('Node.js streams from several at once', async () => {
  const fn = testEngine.deploy({
    runtime: 'nodejs24.x',
    files: {
      'app.mjs': `export const handler = awslambda.streamifyResponse(async (event, stream) => {
        for (let n = 0; n < 3; n++) { stream.write(event.letter.repeat(n + 1)); await new Promise((done) => setTimeout(done, 30)); }
        stream.end();
      });`,
    },
  });
  fn.version.lanes = LANES;
  const texts = await Promise.all(
    ['a', 'b', 'c'].map(async (letter, index) => {
      const parts: string[] = [];
      await engine.invoke(fn.version, {
        requestId: `11111111-0000-4000-8000-00000000000${index}`,
        payload: Buffer.from(JSON.stringify({ letter })),
        invokedFunctionArn: fn.version.functionArn,
        onChunk: (bytes) => void parts.push(bytes.toString()),
      });
      return parts;
    }),
  );
  assert.deepEqual(
    texts,
    ['a', 'b', 'c'].map((letter) => [letter, letter.repeat(2), letter.repeat(3)]),
  );
});
