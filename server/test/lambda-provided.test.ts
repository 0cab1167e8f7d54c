// OS-only runtimes: programs of the function's own, which speak the Runtime API over HTTP.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { linesOf, runCases } from './lambda-contract.ts';
import { missing, noBubblewrap, startEngine, type TestFunction } from './lambda-engine.ts';

const noCurl = missing('curl', '--version');
const noCompiler = missing('gcc', '--version');

/** A bootstrap in shell, as in Lambda's tutorial; `handler` reads $EVENT and prints the response. */
const shell = (handler: string, more: Partial<TestFunction> = {}): TestFunction => ({
  runtime: 'provided.al2023',
  files: {
    bootstrap: `#!/bin/sh
set -u
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while :; do
  headers=$(mktemp)
  EVENT=$(curl -sS -LD "$headers" "$api/invocation/next")
  header() { sed -n "s/^$1: \\(.*\\)\\r$/\\1/ip" "$headers"; }
  ID=$(header Lambda-Runtime-Aws-Request-Id)
  ${handler}
done
`,
  },
  programs: ['bootstrap'],
  handler: 'my.handler',
  ...more,
});
const RESPOND = 'curl -sS -X POST "$api/invocation/$ID/response" -d';

describe('provided, a shell script with curl', { skip: noCurl }, () => {
  const testEngine = startEngine();
  runCases(testEngine, [
    {
      name: 'an event comes back',
      function: shell(`${RESPOND} "$EVENT" > /dev/null`),
      event: { a: 'ü' },
      returns: { a: 'ü' },
    },
    {
      name: 'provided.al2',
      function: shell(`${RESPOND} '"old"' > /dev/null`, { runtime: 'provided.al2' }),
      returns: 'old',
    },
    {
      name: 'an error of its own',
      function: shell(
        `curl -sS -X POST "$api/invocation/$ID/error" -H 'Lambda-Runtime-Function-Error-Type: Mine.Own' -d '{"errorType":"Mine.Own","errorMessage":"no"}' > /dev/null`,
      ),
      fails: { errorType: 'Mine.Own', errorMessage: 'no' },
    },
    {
      name: 'it ends with the event in hand',
      function: shell('exit 3'),
      fails: {
        errorType: 'Runtime.ExitError',
        errorMessage: /^RequestId: .* Error: Runtime exited with error: exit status 3$/,
      },
    },
    {
      name: 'no program',
      function: { runtime: 'provided.al2023', files: { app: '' } },
      fails: {
        errorType: 'Runtime.InvalidEntrypoint',
        errorMessage:
          /^RequestId: .* Error: Couldn't find valid bootstrap\(s\): \[\/var\/task\/bootstrap \/opt\/bootstrap\]$/,
      },
    },
    {
      name: 'a program that may not be run',
      function: shell('exit 0', { programs: [] }),
      fails: {
        errorType: 'Runtime.InvalidEntrypoint',
        errorMessage: /^RequestId: .* Error: fork\/exec \/var\/task\/bootstrap: permission denied$/,
      },
    },
    {
      name: 'a program in a layer',
      function: { ...shell(''), files: {}, programs: [], layers: shell(`${RESPOND} '"layer"' > /dev/null`) },
      returns: 'layer',
    },
    {
      name: 'an initialization that fails',
      function: {
        ...shell(''),
        files: {
          bootstrap: `#!/bin/sh
curl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error" -H 'Lambda-Runtime-Function-Error-Type: My.Init' -d '{"errorType":"My.Init","errorMessage":"not today"}'
exit 1
`,
        },
      },
      fails: { errorType: 'My.Init', errorMessage: 'not today' },
    },
  ]);

  test('the environment that Lambda promises', async () => {
    const names =
      'AWS_EXECUTION_ENV _HANDLER LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR PATH LD_LIBRARY_PATH AWS_REGION TZ MINE';
    const spec = shell(
      `${RESPOND} "\\"$(for n in ${names}; do eval "echo $n=\\\${$n-unset}"; done | tr '\\n' ' ')$(pwd)\\"" > /dev/null`,
      {
        environment: { MINE: 'mine' },
      },
    );
    const { value } = await testEngine.deploy(spec).invoke({});
    assert.equal(
      value,
      'AWS_EXECUTION_ENV=unset _HANDLER=my.handler LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime ' +
        'PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin ' +
        'LD_LIBRARY_PATH=/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib ' +
        'AWS_REGION=eu-west-1 TZ=:UTC MINE=mine /var/task',
    );
  });

  test('its log: what it prints, between START and END; a failed start is told', async () => {
    const talkative = testEngine.deploy(shell(`echo out; echo err >&2; ${RESPOND} 1 > /dev/null`));
    assert.deepEqual(await linesOf(testEngine, await talkative.invoke({})), ['out\n', 'err\n']);
    const result = await testEngine.deploy({ runtime: 'provided.al2', files: {} }).invoke({});
    assert.match((await linesOf(testEngine, result)).join(''), /bootstrap\(s\).*\nRuntime\.InvalidEntrypoint\n$/);
    const report = testEngine.log.find(({ message }) => message.includes(`REPORT RequestId: ${result.requestId}`));
    assert.match(report!.message, /Status: error\tError Type: Runtime\.InvalidEntrypoint/);
  });

  test('a second invocation runs in the same program; a client context in any language reaches it', async () => {
    const counting = testEngine.deploy(
      shell(`n=$((\${n-0} + 1)); ${RESPOND} "[$n, $(header Lambda-Runtime-Client-Context)]" > /dev/null`),
    );
    const clientContext = Buffer.from('{"name":"größe"}').toString('base64');
    assert.deepEqual((await counting.invoke({}, { clientContext })).value, [1, { name: 'größe' }]);
    assert.deepEqual((await counting.invoke({}, { clientContext })).value, [2, { name: 'größe' }]);
  });

  test('a time-out ends it, and the next invocation starts it anew', async () => {
    const slow = testEngine.deploy(
      shell(`case $EVENT in *slow*) sleep 30;; esac; ${RESPOND} "$$" > /dev/null`, { timeoutS: 1 }),
    );
    assert.equal(typeof (await slow.invoke({})).value, 'number');
    assert.equal((await slow.invoke({ slow: true })).value.errorType, 'Sandbox.Timedout');
    assert.equal(typeof (await slow.invoke({})).value, 'number');
  });

  test('a streamed response arrives as it is made', async () => {
    const streaming = testEngine.deploy(
      shell(
        `(printf one; sleep 0.3; printf two) | curl -sS -X POST "$api/invocation/$ID/response" -H 'Lambda-Runtime-Function-Response-Mode: streaming' -H 'Transfer-Encoding: chunked' -H 'Content-Type: text/plain' -T - > /dev/null`,
      ),
    );
    const chunks: string[] = [];
    const onChunk = (bytes: Buffer, type: string) => void chunks.push(`${type} ${bytes}`);
    const { version } = streaming;
    const result = await testEngine.engine.invoke(version, {
      requestId: 'r',
      payload: Buffer.from('{}'),
      invokedFunctionArn: version.functionArn,
      onChunk,
    });
    assert.equal(result.payload.byteLength, 0);
    assert.deepEqual(chunks, ['text/plain one', 'text/plain two']);
  });
});

describe('provided, a static binary', { skip: noCompiler }, () => {
  const testEngine = startEngine();
  const dir = mkdtempSync(join(tmpdir(), 'brume-provided-'));
  after(() => rmSync(dir, { recursive: true }));

  test('one connection kept, events of any size both ways, bytes untouched', async () => {
    const source = fileURLToPath(new URL('./provided-runtime.c', import.meta.url));
    execFileSync('gcc', ['-O1', '-static', '-o', join(dir, 'bootstrap'), source]);
    const echo = testEngine.deploy({
      runtime: 'provided.al2023',
      files: { bootstrap: readFileSync(join(dir, 'bootstrap')) },
      programs: ['bootstrap'],
    });
    for (const size of [1, 1_000, 100_000, 6_000_000]) {
      const { value } = await echo.invoke('ü'.repeat(size / 2));
      assert.equal(value, 'ü'.repeat(size / 2));
    }
  });
});

describe('another environment', { skip: noCurl || noBubblewrap }, () => {
  test('its Runtime API neither answers nor takes an answer', async () => {
    const testEngine = startEngine({ functions: { isolation: 'sandbox' } });
    const victim = testEngine.deploy(
      shell(`case $EVENT in *wait*) sleep 2;; esac; ${RESPOND} "\\"$AWS_LAMBDA_RUNTIME_API $ID\\"" > /dev/null`),
    );
    const attacker = testEngine.deploy(
      shell(
        `target=$(echo "$EVENT" | tr -d '"'); curl -sS -m 3 "http://$target/2018-06-01/runtime/invocation/next" > /dev/null 2>&1; ${RESPOND} "$?" > /dev/null`,
      ),
    );
    const [address] = (await victim.invoke({})).value.split(' ');
    const emptyReply = [52, 56];
    assert.ok(emptyReply.includes((await attacker.invoke(address)).value), 'an idle one');
    const busy = victim.invoke({ wait: true });
    const forged = testEngine.deploy(
      shell(
        `set -- $(echo "$EVENT" | tr -d '"'); curl -sS -m 3 -X POST "http://$1/2018-06-01/runtime/invocation/00000000-0000-4000-8000-000000000003/response" -d '"forged"' > /dev/null 2>&1; ${RESPOND} "$?" > /dev/null`,
      ),
    );
    assert.ok(emptyReply.includes((await forged.invoke(address)).value), 'a busy one');
    assert.match((await busy).value, new RegExp(`^${address} `));
  });
});
