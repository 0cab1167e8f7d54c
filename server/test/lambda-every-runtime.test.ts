// What every runtime has to stand: the same events for a function in each language.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { JAVA_RUNTIME_JAR } from '../../scripts/build-java-runtime.ts';
import { dotnetInterpreters, dotnetPackage, noDotnet } from './dotnet-package.ts';
import { linesOf } from './lambda-contract.ts';
import { missing, noBubblewrap, noControlGroups, noPython, startEngine, type TestFunction } from './lambda-engine.ts';

const testEngine = startEngine({ functions: { interpreters: dotnetInterpreters } });
const { deploy, engine, log } = testEngine;

interface Language {
  name: string;
  skip: string | false;
  function: () => TestFunction;
  /** What it cannot be asked for. */
  without?: readonly string[];
}

const JAVA_SOURCE = fileURLToPath(new URL('./java/example/Contract.java', import.meta.url));

/** Each counts its calls, and does what the event says. */
const languages: Language[] = [
  {
    name: 'python',
    skip: noPython,
    function: () => ({
      files: {
        'app.py': `
import os, subprocess, sys, time
count = 0
def deep(): return deep() + 1
def handler(event, context):
  global count
  count += 1
  do, n = event["do"], event.get("n")
  if do == "echo": return event
  if do == "make": return "x" * n
  if do == "throw": raise ValueError("v")
  if do == "exit": os._exit(n)
  if do == "signal": os.kill(os.getpid(), 9)
  if do == "eat": return len(b"x" * (n << 20))
  if do == "deep": return deep()
  if do == "leave": subprocess.Popen(["sleep", "300"])
  if do == "bytes":
    sys.stdout.buffer.write(b"\\xff\\xfe ok\\n\\x00end")
    sys.stdout.flush()
  if do == "sleep":
    print("before")
    time.sleep(n / 1000)
    print("after")
  return count
`,
      },
    }),
  },
  {
    name: 'nodejs',
    skip: false,
    function: () => ({
      runtime: 'nodejs24.x',
      files: {
        'app.mjs': `
import { spawn } from 'node:child_process';
let count = 0;
const deep = () => deep() + 1;
export const handler = async (event) => {
  count++;
  const { do: what, n } = event;
  if (what === 'echo') return event;
  if (what === 'make') return 'x'.repeat(n);
  if (what === 'throw') throw new Error('v');
  if (what === 'exit') process.exit(n);
  if (what === 'signal') { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); }
  if (what === 'eat') return Buffer.alloc(n << 20, 1).length;
  if (what === 'deep') return deep();
  if (what === 'leave') spawn('sleep', ['300'], { stdio: 'inherit', detached: true }).unref();
  if (what === 'bytes') process.stdout.write(Buffer.from('fffe206f6b0a00656e64', 'hex'));
  if (what === 'sleep') {
    console.log('before');
    await new Promise((done) => setTimeout(done, n));
    console.log('after');
  }
  return count;
};
`,
      },
    }),
  },
  {
    name: 'ruby',
    skip: missing('ruby', '--version'),
    function: () => ({
      runtime: 'ruby3.3',
      files: {
        'app.rb': `
$count = 0
def deep = deep() + 1
def handler(event:, context:)
  $count += 1
  n = event['n']
  case event['do']
  when 'echo' then return event
  when 'make' then return 'x' * n
  when 'throw' then raise ArgumentError, 'v'
  when 'exit' then exit!(n)
  when 'signal' then Process.kill(9, Process.pid)
  when 'eat' then return ('x' * (n << 20)).bytesize
  when 'deep' then return deep
  when 'leave' then spawn('sleep', '300')
  when 'bytes'
    $stdout.write("\\xff\\xfe ok\\n\\x00end".b)
    $stdout.flush
  when 'sleep'
    puts 'before'
    sleep(n / 1000.0)
    puts 'after'
  end
  $count
end
`,
      },
    }),
  },
  {
    name: 'java',
    skip: missing('java', '-version') || missing('javac', '-version'),
    without: ['eat'],
    function: () => ({
      runtime: 'java17',
      files: compiled(),
      handler: 'example.Contract',
      memoryMb: 512,
    }),
  },
  {
    name: 'dotnet',
    skip: noDotnet,
    // A stack that overflows ends the process; how much memory there is, .NET knows from version 8 on.
    without: ['eat', 'deep'],
    function: () => ({
      runtime: 'dotnet8',
      files: dotnetPackage('Contract'),
      handler: 'Contract::Example.Contract::Run',
      memoryMb: 512,
    }),
  },
  {
    name: 'provided',
    skip: missing('curl', '--version'),
    // A shell has no errors to throw, and no stack.
    without: ['eat', 'throw', 'deep'],
    function: () => ({
      runtime: 'provided.al2023',
      handler: 'any',
      programs: ['bootstrap'],
      files: {
        bootstrap: `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
count=0
while :; do
  curl -sS -D /tmp/headers -o /tmp/event "$api/invocation/next" || exit 1
  id=$(sed -n 's/^lambda-runtime-aws-request-id: \\(.*\\)\\r$/\\1/ip' /tmp/headers)
  what=$(sed -n 's/^{"do":"\\([a-z]*\\)".*/\\1/p' /tmp/event)
  n=$(sed -n 's/^{"do":"[a-z]*","n":\\([0-9]*\\).*/\\1/p' /tmp/event)
  count=$((count + 1))
  printf %s $count > /tmp/answer
  case $what in
    echo) cp /tmp/event /tmp/answer ;;
    make) { printf '"'; head -c "$n" /dev/zero | tr '\\0' x; printf '"'; } > /tmp/answer ;;
    exit) exit "$n" ;;
    signal) kill -9 $$ ;;
    leave) sleep 300 & ;;
    bytes) printf '\\377\\376 ok\\n\\000end' ;;
    sleep) echo before; sleep "$(awk "BEGIN { print $n / 1000 }")"; echo after ;;
  esac
  curl -sS -o /dev/null --data-binary @/tmp/answer -H 'Expect:' "$api/invocation/$id/response"
done
`,
      },
    }),
  },
];

function compiled(): Record<string, Buffer> {
  const dir = mkdtempSync(join(tmpdir(), 'brume-test-'));
  after(() => rmSync(dir, { recursive: true }));
  execFileSync('javac', ['--release', '17', '-nowarn', '-cp', JAVA_RUNTIME_JAR, '-d', dir, JAVA_SOURCE]);
  return { 'example/Contract.class': readFileSync(join(dir, 'example', 'Contract.class')) };
}

for (const { name, skip, function: spec, without = [] } of languages) {
  const cannot = (what: string) => without.includes(what) && `${name} has no such thing here`;
  describe(name, { skip }, () => {
    const made = skip ? ({ files: {} } as TestFunction) : spec();
    const start = (more: Partial<TestFunction> = {}) => deploy({ ...made, ...more });

    test('any text, and bytes as text, both ways', async () => {
      const { invoke } = start();
      const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte));
      const event = {
        do: 'echo',
        text: 'ü Ж 中 😀 \u0000 \u2028 \u007f \\ " \t\r\n',
        base64: bytes.toString('base64'),
        latin1: bytes.toString('latin1'),
        empty: ['', [], {}],
      };
      assert.deepEqual((await invoke(event)).value, event);
    });

    test('6 MB in, 6 MB out, and not more', async () => {
      const { invoke } = start({ timeoutS: 30 });
      const large = { do: 'echo', large: 'x'.repeat(6_291_456 - '{"do":"echo","large":""}'.length) };
      assert.deepEqual((await invoke(large)).value, large);
      assert.equal((await invoke({ do: 'make', n: 6_291_556 - 2 })).value.length, 6_291_554);
      const { functionError, value } = await invoke({ do: 'make', n: 6_291_556 - 1 });
      assert.deepEqual([functionError, value.errorType], ['Unhandled', 'Function.ResponseSizeTooLarge']);
      assert.equal((await invoke({ do: 'count' })).value, 4, 'the runtime goes on');
    });

    test('an error leaves the runtime as it is', { skip: cannot('throw') }, async () => {
      const { invoke } = start();
      const failed = await invoke({ do: 'throw' });
      assert.deepEqual([failed.functionError, failed.value.errorMessage], ['Unhandled', 'v']);
      assert.equal((await invoke({ do: 'count' })).value, 2);
    });

    test('a stack that overflows is an error', { skip: cannot('deep') }, async () => {
      const { invoke } = start();
      const { functionError, value } = await invoke({ do: 'deep' });
      assert.equal(functionError, 'Unhandled');
      assert.match(
        value.errorType,
        /^(RecursionError|RangeError|Function<SystemStackError>|java\.lang\.StackOverflowError)$/,
      );
      assert.ok(typeof (await invoke({ do: 'count' })).value === 'number');
    });

    for (const [how, event, reason] of [
      ['status 0', { do: 'exit', n: 0 }, 'Runtime exited without providing a reason'],
      ['status 7', { do: 'exit', n: 7 }, 'Runtime exited with error: exit status 7'],
      ['a signal', { do: 'signal' }, 'Runtime exited with error: signal: killed'],
    ] as const) {
      test(`an end by ${how}; the next runtime is a new one`, async () => {
        const { invoke } = start();
        assert.equal((await invoke({ do: 'count' })).value, 1);
        const ended = await invoke(event);
        assert.equal(ended.functionError, 'Unhandled');
        assert.deepEqual(ended.value, {
          errorType: 'Runtime.ExitError',
          errorMessage: `RequestId: ${ended.requestId} Error: ${reason}`,
        });
        assert.match(ended.logTail, /\nREPORT .*\tStatus: error\tError Type: Runtime\.ExitError\t\n/);
        assert.equal((await invoke({ do: 'count' })).value, 1);
      });
    }

    test('killed from outside with an invocation under way', { skip: noBubblewrap }, async () => {
      const { invoke } = start();
      assert.equal((await invoke({ do: 'count' })).value, 1);
      const underWay = invoke({ do: 'sleep', n: 8_000 });
      await sleep(300);
      killSandboxed();
      const ended = await underWay;
      assert.deepEqual(ended.value, {
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${ended.requestId} Error: Runtime exited with error: signal: killed`,
      });
      assert.equal((await invoke({ do: 'count' })).value, 1);
    });

    test('a time-out; the environment stays, its runtime is a new one', async () => {
      const { invoke } = start({ timeoutS: 1 });
      assert.equal((await invoke({ do: 'count' })).value, 1);
      const late = await invoke({ do: 'sleep', n: 30_000 });
      assert.deepEqual(late.value, {
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${late.requestId} Error: Task timed out after 1.00 seconds`,
      });
      const lines = await linesOf(testEngine, late);
      assert.match(lines[0]!, /before\n$/);
      assert.match(lines.at(-1)!, /^\d{4}-\S+Z 00000000-\S+ Task timed out after 1\.00 seconds\n\n$/);
      const next = await invoke({ do: 'count' });
      assert.equal(next.value, 1);
      await engine.flushLogs();
      const streams = log.filter(({ message }) => [late, next].some(({ requestId }) => message.includes(requestId)));
      assert.equal(new Set(streams.map(({ stream }) => stream)).size, 1);
    });

    test('more memory than it has', { skip: noControlGroups || cannot('eat') }, async () => {
      const { invoke } = start({ memoryMb: 192 });
      assert.equal((await invoke({ do: 'eat', n: 50 })).value, 50 << 20);
      const greedy = await invoke({ do: 'eat', n: 1_500 });
      assert.equal(
        greedy.value.errorMessage,
        `RequestId: ${greedy.requestId} Error: Runtime exited with error: signal: killed`,
      );
      assert.match(greedy.logTail, /Max Memory Used: 192 MB\t/);
      assert.equal((await invoke({ do: 'count' })).value, 1);
    });

    test('output that is no text', async () => {
      const { invoke } = start();
      const result = await invoke({ do: 'bytes' });
      assert.equal(result.value, 1);
      assert.deepEqual(
        (await linesOf(testEngine, result)).map((line) => line.replace(/^.* ok/, 'ok')),
        ['ok\n', '\0end'],
      );
    });

    test('a process that is left behind, with the output open', async () => {
      const { invoke } = start({ timeoutS: 5 });
      assert.equal((await invoke({ do: 'leave' })).value, 1);
      assert.equal((await invoke({ do: 'count' })).value, 2);
    });

    test('never more at once than are reserved', async () => {
      const { invoke, version } = start({ reservedConcurrency: 2 });
      const calls = await Promise.allSettled([1, 2, 3, 4].map(() => invoke({ do: 'sleep', n: 300 })));
      assert.deepEqual(calls.map(({ status }) => status).toSorted(), [
        'fulfilled',
        'fulfilled',
        'rejected',
        'rejected',
      ]);
      assert.equal(engine.concurrency(version.functionArn), 0);
      assert.ok((await invoke({ do: 'count' })).value > 0);
    });
  });
}

/** SIGKILL to all that runs in a sandbox below this process, but for what waits in each as its first process. */
function killSandboxed(): void {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (Number.isNaN(pid)) continue;
    try {
      parents.set(pid, Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]));
    } catch {
      // It ended meanwhile.
    }
  }
  const isOurs = (pid: number): boolean => pid === process.pid || (parents.has(pid) && isOurs(parents.get(pid)!));
  let killed = 0;
  for (const pid of parents.keys()) {
    if (pid === process.pid || !isOurs(pid)) continue;
    try {
      const inside = /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]!.split('\t');
      if (inside.length < 2 || inside.at(-1) === '1') continue;
      process.kill(pid, 'SIGKILL');
      killed++;
    } catch {
      // It ended meanwhile.
    }
  }
  assert.ok(killed > 0, 'nothing was there to be killed');
}
