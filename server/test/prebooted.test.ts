// Runtimes that are booted ahead: a function that gets one cannot tell it from one that was started for it, and functions
// for which that would not hold get none.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FunctionVersion } from '#engines/functions/function-engine.ts';
import {
  missing,
  noBoto3,
  noBubblewrap,
  noPython,
  startEngine,
  type TestEngine,
  type TestFunction,
} from './lambda-engine.ts';
import { gemFiles, makeZip, zipOf } from './lambda-zip.ts';

/** The environment with which a process began stays visible there: without a handler it began before its function. */
const PYTHON_ORIGIN = 'b"_HANDLER" not in open("/proc/self/environ", "rb").read()';
const NODE_ORIGIN = '!require("fs").readFileSync("/proc/self/environ", "latin1").includes("_HANDLER")';
const noCurl = missing('curl', '--version');
const RUBY_ORIGIN = '!File.binread("/proc/self/environ").include?("_HANDLER")';
const noRuby = missing('ruby', '--version');
const LONGEST_BOOT_MS = 10_000;
const HANDLER = 'def handler(e, c): return answer()\n';

function python(body: string, before = ''): TestFunction {
  return { files: { 'app.py': `${before}\n${HANDLER}def answer():\n${body.replace(/^/gm, '  ')}\n` } };
}

const PYTHON = python(`return ${PYTHON_ORIGIN}`);
const BOTO3 = python(
  `return [${PYTHON_ORIGIN}, boto3.__file__]`,
  'import sys\nHAD = "boto3" in sys.modules\nimport boto3',
);
/** Of which the process is older than its program when it waited for it. */
const SHELL: TestFunction = {
  runtime: 'provided.al2023',
  files: {
    bootstrap: `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
clock=$(cut -d. -f1 /proc/uptime)
booted=$(test $((clock - $(awk '{ print int($22 / 100) }' /proc/$$/stat))) -ge 1 && echo true || echo false)
while curl -s -D /tmp/head "$api/invocation/next" > /tmp/event; do
  id=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: \\(.*\\)\\r$/\\1/ip' /tmp/head)
  names=$(env | sed 's/=.*//' | sort | tr '\\n' ' ')
  files=$(ls /proc/$$/fd | tr '\\n' ' ')
  curl -s -X POST "$api/invocation/$id/response" -d "{\\"booted\\":$booted,\\"names\\":\\"$names\\",\\"files\\":\\"$files\\",\\"input\\":\\"$(readlink /proc/$$/fd/0)\\",\\"arguments\\":\\"$0 $*\\",\\"directory\\":\\"$PWD\\"}" > /dev/null
done
`,
  },
};
const RUBY = { runtime: 'ruby3.3', files: { 'app.rb': `def handler(event:, context:) = ${RUBY_ORIGIN}` } };
const NODE = { runtime: 'nodejs24.x', files: { 'app.js': `exports.handler = async () => ${NODE_ORIGIN}` } };

interface Stored extends TestFunction {
  layer?: Record<string, string>;
  ephemeralStorageMb?: number;
}

/** A function whose code lies in the code store, as that of all functions that are created through the API. */
async function deploy(tested: TestEngine, spec: Stored) {
  const { layer, ephemeralStorageMb = 512, ...rest } = spec;
  const deployed = tested.deploy({ ...rest, files: {} });
  const { code } = tested.engine;
  const settings: Partial<FunctionVersion> = { ephemeralStorageMb, codeDir: await code.add(zipped(spec)) };
  if (layer) settings.layersDir = await code.add(zipOf(layer));
  Object.assign(deployed.version, settings);
  return deployed;
}

function zipped({ files, programs = [] }: TestFunction): Buffer {
  return makeZip(
    Object.entries(files).map(([name, data]) => ({ name, data, mode: programs.includes(name) ? 0o100755 : 0o100644 })),
  );
}

async function answerOf(tested: TestEngine, spec: Stored): Promise<any> {
  const deployed = await deploy(tested, spec);
  const { value, functionError } = await deployed.invoke({});
  assert.equal(functionError, undefined, JSON.stringify(value));
  await tested.engine.retire(deployed.version.versionArn);
  return value;
}

/** Until one waits for the next function like this. */
async function fill(tested: TestEngine, spec: Stored): Promise<void> {
  for (const endMs = Date.now() + LONGEST_BOOT_MS; Date.now() < endMs; await sleep(200)) {
    const answer = await answerOf(tested, spec);
    if (answer === true || answer[0] === true) {
      await sleep(600);
      return;
    }
  }
  throw new Error('no runtime was booted ahead');
}

describe('runtimes that are booted ahead', { skip: noBubblewrap || noPython }, () => {
  const tested = startEngine({ functions: { isolation: 'sandbox' } });

  for (const [name, spec] of [
    ['Python', PYTHON],
    ['Node.js', NODE],
    ['Ruby', RUBY],
  ] as const) {
    test(`${name}: none before a first use, then there is one`, { skip: name === 'Ruby' && noRuby }, async () => {
      const own = startEngine({ functions: { isolation: 'sandbox' } });
      assert.deepEqual(bootedDirs(own), []);
      assert.equal(await answerOf(own, spec), false);
      await fill(own, spec);
      assert.equal(await answerOf(own, spec), true);
      await own.engine.stop();
      assert.deepEqual(bootedDirs(own), []);
    });
  }

  test('a Python function sees what it would see otherwise', async () => {
    await fill(tested, PYTHON);
    const seen = python(
      `import os, sys, random
names = sorted(os.listdir("/proc/self/fd"))
return dict(booted=${PYTHON_ORIGIN}, environment=dict(os.environ), path=sys.path, argv=sys.argv, directory=os.getcwd(),
  modules=MODULES, encoding=sys.stdout.encoding, preferred=__import__("locale").getpreferredencoding(),
  mounts=sorted(line.split()[1] for line in open("/proc/self/mounts") if line.split()[1] != "/opt"),
  hosts=open("/etc/hosts").read(), task=sorted(os.listdir("/var/task")), opt=sorted(os.listdir("/opt")), file=__file__, user=__import__('pwd').getpwuid(os.getuid()).pw_name,
  pid=os.getpid(), executable=sys.executable, output=os.fstat(1).st_mode)`,
      'import sys\nMODULES = sorted(sys.modules)',
    );
    await compare(seen);
  });

  test('a Node.js function sees what it would see otherwise', async () => {
    await fill(tested, NODE);
    await compare({
      runtime: 'nodejs24.x',
      environment: { COLOUR: 'blue' },
      files: {
        'app.mjs': `import os from 'node:os'; import fs from 'node:fs'; import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
export const handler = async () => ({ booted: ${NODE_ORIGIN}, environment: { ...process.env }, argv: process.argv,
  execArgv: process.execArgv, directory: process.cwd(), task: fs.readdirSync('/var/task'), opt: fs.readdirSync('/opt'),
  tmpdir: os.tmpdir(), paths: require.resolve.paths('x'), file: import.meta.url, pid: process.pid,
  cache: Object.keys(require.cache), globals: Object.keys(globalThis), sdk: (await import('@aws-sdk/client-s3')).S3Client.name })`,
      },
    });
  });

  test('a program that a function brings sees what it would see otherwise', { skip: noCurl }, async () => {
    const spec = { ...SHELL, programs: ['bootstrap'] };
    const plain = await answerOf(tested, { ...spec, ephemeralStorageMb: 513 });
    let ahead = await answerOf(tested, spec);
    for (const endMs = Date.now() + LONGEST_BOOT_MS; !ahead.booted; await sleep(1_500)) {
      assert.ok(Date.now() < endMs, 'one is booted ahead');
      ahead = await answerOf(tested, spec);
    }
    assert.deepEqual(ahead, { ...plain, booted: true });
  });

  /** The same function twice, given a booted runtime and started for itself. */
  async function compare(spec: Stored): Promise<void> {
    const ahead = await answerOf(tested, spec);
    const plain = await answerOf(tested, { ...spec, ephemeralStorageMb: 513 });
    assert.deepEqual([ahead.booted, plain.booted], [true, false]);
    for (const answer of [ahead, plain]) {
      delete answer.booted;
      delete answer.environment.AWS_LAMBDA_LOG_STREAM_NAME;
      delete answer.environment.AWS_LAMBDA_FUNCTION_NAME;
      delete answer.environment.AWS_LAMBDA_LOG_GROUP_NAME;
    }
    assert.deepEqual(ahead, plain);
  }

  const many = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`data/${index}.txt`, '']));
  const ordinary: [name: string, spec: Stored][] = [
    ['another size of /tmp', { ...PYTHON, ephemeralStorageMb: 1_024 }],
    ['more files than are linked', { files: { ...PYTHON.files, ...many } }],
    ['PYTHONPATH', { ...PYTHON, environment: { PYTHONPATH: '/var/task/lib' } }],
    ['PYTHONHASHSEED', { ...PYTHON, environment: { PYTHONHASHSEED: '1' } }],
    ['TZ', { ...PYTHON, environment: { TZ: 'Europe/Paris' } }],
    ['LC_ALL', { ...PYTHON, environment: { LC_ALL: 'C' } }],
    ['LD_PRELOAD', { ...PYTHON, environment: { LD_PRELOAD: '' } }],
    ['NODE_OPTIONS', { ...NODE, environment: { NODE_OPTIONS: '--max-http-header-size=20000' } }],
    ['NODE_EXTRA_CA_CERTS', { ...NODE, environment: { NODE_EXTRA_CA_CERTS: '/var/task/ca.pem' } }],
  ];
  test('a booted Ruby has its function, its gems and its environment', { skip: noRuby }, async () => {
    const code =
      `require "tiny"\nrequire "logger"\ndef handler(event:, context:)\n  puts "said"\n  Logger.new($stdout).warn("logged")\n` +
      `  [${RUBY_ORIGIN}, Tiny::SIZE, ENV["OWN"], ENV["_HANDLER"], ARGV, Dir.pwd, context.function_name == ENV["AWS_LAMBDA_FUNCTION_NAME"]]\nend`;
    const spec: Stored = {
      runtime: 'ruby3.3',
      files: { 'app.rb': code },
      layer: gemFiles('ruby/gems/3.3.0'),
      environment: { OWN: 'ü' },
    };
    await fill(tested, RUBY);
    assert.deepEqual(await answerOf(tested, spec), [true, 7, 'ü', 'app.handler', [], '/var/task', true]);
  });

  for (const [name, spec] of ordinary) {
    test(`a function with ${name} is started as ever`, async () => {
      await fill(tested, spec.runtime ? NODE : PYTHON);
      assert.equal(await answerOf(tested, spec), false);
    });
  }

  test('code, links and layers are there, read-only, and nobody else finds them', async () => {
    await fill(tested, PYTHON);
    const code = python(
      `import errno, os, mine, deep.below
try: open("/var/task/app.py", "a")
except OSError as error: denied = error.errno in (errno.EROFS, errno.EACCES)
return [${PYTHON_ORIGIN}, mine.FROM, deep.below.FROM, denied, oct(os.stat("/var/task/deep").st_mode)]`,
    );
    const answer = await answerOf(tested, {
      files: { ...code.files, 'deep/below.py': 'FROM = "code"' },
      layer: { 'python/mine.py': 'FROM = "layer"' },
    });
    assert.deepEqual(answer, [true, 'layer', 'code', true, '0o40755']);
    await fill(tested, PYTHON);
    assert.deepEqual(
      await answerOf(
        tested,
        python('import os\nreturn [os.listdir("/var/task"), os.listdir("/opt"), os.listdir("/tmp")]'),
      ),
      [['app.py'], [], []],
    );
  });

  test('what is random is so in each of them', async () => {
    const spec = python(
      `import os, uuid, ssl, random
return [${PYTHON_ORIGIN}, hash("text"), random.random(), str(uuid.uuid4()), os.urandom(8).hex(), ssl.RAND_bytes(8).hex()]`,
    );
    await fill(tested, spec);
    const [one, other] = [await answerOf(tested, spec), await answerOf(tested, spec)];
    assert.deepEqual([one[0], other[0]], [true, true]);
    for (let index = 1; index < one.length; index++) assert.notEqual(one[index], other[index]);
    const inNode = {
      runtime: 'nodejs24.x',
      files: { 'app.js': `exports.handler = async () => [${NODE_ORIGIN}, Math.random(), crypto.randomUUID()]` },
    };
    await fill(tested, inNode);
    const [third, fourth] = [await answerOf(tested, inNode), await answerOf(tested, inNode)];
    assert.deepEqual([third[0], fourth[0]], [true, true]);
    assert.notEqual(third[1], fourth[1]);
    assert.notEqual(third[2], fourth[2]);
  });

  test('the log, and the time that the own code takes, are as ever', async () => {
    await fill(tested, PYTHON);
    const { version, invoke } = await deploy(
      tested,
      python(`print("hello")\nreturn ${PYTHON_ORIGIN}`, 'import time\nprint("starting")\ntime.sleep(0.2)'),
    );
    const { value, initDurationMs, logTail } = await invoke({});
    await tested.engine.flushLogs();
    assert.equal(value, true);
    assert.ok(initDurationMs! >= 200 && initDurationMs! < 5_000, String(initDurationMs));
    const stream = tested.log.at(-1)!.stream;
    const lines = tested.log
      .filter((one) => one.stream === stream)
      .map(({ message }) => message.split(/[ :]/)[0]!.trim());
    assert.deepEqual(
      lines.filter((line) => line !== 'BRUME_NOTICE'),
      ['INIT_START', 'starting', 'START', 'hello', 'END', 'REPORT'],
    );
    assert.match(logTail, /Init Duration: \d+\.\d\d ms/);
    await tested.engine.retire(version.versionArn);
  });

  test('an initialization that fails is told as ever, and so is the end of a process', async () => {
    await fill(tested, PYTHON);
    const broken = await deploy(tested, { files: { 'app.py': 'raise ValueError("no")' } });
    const { value, functionError } = await broken.invoke({});
    assert.equal(functionError, 'Unhandled');
    assert.deepEqual([value.errorType, value.errorMessage], ['ValueError', 'no']);
    const ending = await deploy(tested, { files: { 'app.py': 'import os\ndef handler(e, c): os._exit(e)' } });
    const ended = await ending.invoke(3);
    assert.equal(ended.value.errorType, 'Runtime.ExitError');
    assert.match(ended.value.errorMessage, /exit status 3/);
  });

  test('the memory limit is that of the function', {
    skip: process.getuid?.() !== 0 && 'it needs control groups',
  }, async () => {
    await fill(tested, PYTHON);
    const { invoke } = await deploy(tested, {
      ...python('kept = bytearray(150 << 20)\nimport time\ntime.sleep(1)\nreturn len(kept)'),
      memoryMb: 128,
    });
    const { value } = await invoke({});
    assert.match(value.errorMessage, /signal: killed/);
  });

  describe('with boto3 imported already', { skip: noBoto3 }, () => {
    test('a function that imports it gets such a one', async () => {
      const code = python(`return [${PYTHON_ORIGIN}, HAD]`, 'import sys\nHAD = "boto3" in sys.modules\nimport boto3');
      await fill(tested, code);
      let answer = await answerOf(tested, code);
      for (const endMs = Date.now() + LONGEST_BOOT_MS; !answer[0] && Date.now() < endMs; await sleep(1_000)) {
        answer = await answerOf(tested, code);
      }
      assert.deepEqual(answer, [true, true]);
      // Others do not pay for it with their memory.
      assert.equal(await answerOf(tested, python('import sys\nreturn "boto3" in sys.modules')), false);
    });

    test('its log has the form of Lambda', async () => {
      await fill(tested, BOTO3);
      const { invoke } = await deploy(
        tested,
        python(`logging.getLogger().warning("careful")\nreturn ${PYTHON_ORIGIN}`, 'import boto3, logging'),
      );
      const { value, logTail, requestId } = await invoke({});
      assert.equal(value, true);
      assert.match(logTail, new RegExp(`\\[WARNING\\]\t\\S+Z\t${requestId}\tcareful`));
    });

    const owns: [name: string, spec: Stored, seen: string][] = [
      ['boto3 in the package', { files: { 'boto3/__init__.py': '' } }, 'boto3'],
      ['boto3 in a layer', { files: {}, layer: { 'python/boto3/__init__.py': '' } }, 'boto3'],
      ['urllib3 in the package', { files: { 'urllib3.py': '' } }, 'urllib3'],
      ['a part of the language in the package', { files: { 'queue.py': '' } }, 'queue'],
      [
        's3transfer in a directory of vendored packages',
        { files: { 'vendor/s3transfer/__init__.py': '' } },
        's3transfer',
      ],
    ];
    for (const [name, spec, module] of owns) {
      test(`${name} is what the function gets`, async () => {
        await fill(tested, BOTO3);
        const code = python(
          `import ${module}\nreturn ${module}.__file__`,
          // Something of its own in place of a module that boto3 needs would fail it: only its name is asked for.
          'import sys\nsys.path.insert(0, "/var/task/vendor")\nif False:\n  import boto3',
        );
        const answer = await answerOf(tested, { ...spec, files: { ...code.files, ...spec.files } });
        assert.match(answer, /^\/(var\/task|opt)\//);
      });
    }
  });

  test('they go when no function needs them', async () => {
    const short = startEngine({ functions: { isolation: 'sandbox', idleTimeoutMs: 1_500 } });
    await answerOf(short, PYTHON);
    await until(() => bootedDirs(short).length > 0);
    await until(() => bootedDirs(short).length === 0);
  });

  test('a reset ends them', async () => {
    await fill(tested, PYTHON);
    assert.ok(bootedDirs(tested).length > 0);
    await tested.engine.reset();
    assert.deepEqual(bootedDirs(tested), []);
  });
});

function bootedDirs({ dir }: TestEngine): string[] {
  const environments = join(dir, 'scratch', 'environments');
  return existsSync(environments) ? readdirSync(environments).filter((name) => name.startsWith('booted-')) : [];
}

async function until(condition: () => boolean): Promise<void> {
  for (const endMs = Date.now() + LONGEST_BOOT_MS; !condition(); await sleep(50))
    assert.ok(Date.now() < endMs, 'in time');
}
