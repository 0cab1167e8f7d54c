// The contract of each runtime: handler shapes, errors, context, environment, logs, payloads. The engine runs alone.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html, …/lambda-nodejs.html

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Case, linesOf as linesOfResult, runCases } from './lambda-contract.ts';
import { noControlGroups, noPython, type ParsedResult, startEngine, type TestFunction } from './lambda-engine.ts';

const testEngine = startEngine();
const { engine, deploy, log } = testEngine;

const run = (cases: readonly Case[]) => runCases(testEngine, cases);
const linesOf = (result: ParsedResult) => linesOfResult(testEngine, result);

describe('python', { skip: noPython }, () => {
  const app = (code: string, more: Partial<TestFunction> = {}): TestFunction => ({
    files: { 'app.py': code },
    ...more,
  });
  run([
    {
      name: 'returns what the handler returns',
      function: app('handler = lambda e, c: e'),
      event: { a: [1, 'ü', null] },
      returns: { a: [1, 'ü', null] },
    },
    { name: 'returns null for None', function: app('def handler(e, c): pass'), returns: null },
    {
      name: 'a handler in a package',
      function: { files: { 'a/__init__.py': '', 'a/b.py': 'def run(e, c): return __name__' }, handler: 'a.b.run' },
      returns: 'a.b',
    },
    {
      name: 'a handler by path',
      function: { files: { 'a/b.py': 'def run(e, c): return __name__' }, handler: 'a/b.run' },
      returns: 'a.b',
    },
    {
      name: 'a class method',
      function: app('class H:\n  def __call__(self, e, c): return 1\nhandler = H()'),
      returns: 1,
    },
    {
      name: 'decimals become numbers',
      function: app('from decimal import Decimal\ndef handler(e, c): return {"d": Decimal("1.5")}'),
      returns: { d: 1.5 },
    },
    {
      name: 'modules beside the handler, and exit() of site',
      function: {
        files: { 'app.py': 'import other\ndef handler(e, c): return other.x, callable(exit)', 'other.py': 'x = 7' },
      },
      returns: [7, true],
    },
    {
      name: 'state stays between invocations',
      function: app('n = 0\ndef handler(e, c):\n  global n\n  n += 1\n  return n'),
      returns: 1,
    },
    {
      name: 'an exception, with its trace without the bootstrap',
      function: app('class Bad(Exception): pass\ndef inner():\n  raise Bad("no good")\ndef handler(e, c):\n  inner()'),
      fails: { errorType: 'Bad', errorMessage: 'no good' },
      check: ({ value, requestId }) => {
        assert.equal(value.requestId, requestId);
        assert.equal(value.stackTrace.length, 2);
        assert.match(value.stackTrace[0], /^ {2}File "[^"]+\/app\.py", line 5, in handler\n {4}inner\(\)\n/);
      },
    },
    {
      name: 'a missing module',
      function: app('import missing_module\ndef handler(e, c): pass'),
      fails: {
        errorType: 'Runtime.ImportModuleError',
        errorMessage: "Unable to import module 'app': No module named 'missing_module'",
      },
    },
    {
      name: 'a missing handler file',
      function: app('', { handler: 'other.handler' }),
      fails: {
        errorType: 'Runtime.ImportModuleError',
        errorMessage: "Unable to import module 'other': No module named 'other'",
      },
    },
    {
      name: 'a missing handler',
      function: app('x = 1'),
      fails: { errorType: 'Runtime.HandlerNotFound', errorMessage: "Handler 'handler' missing on module 'app'" },
    },
    {
      name: 'a syntax error',
      function: app('def handler(:\n  pass'),
      fails: {
        errorType: 'Runtime.UserCodeSyntaxError',
        errorMessage: "Syntax error in module 'app': invalid syntax (app.py, line 1)",
      },
    },
    {
      name: 'a handler name without a dot',
      function: app('', { handler: 'app' }),
      fails: {
        errorType: 'Runtime.MalformedHandlerName',
        errorMessage: "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
      },
    },
    {
      name: 'an exception at import',
      function: app('raise RuntimeError("at import")'),
      fails: { errorType: 'RuntimeError', errorMessage: 'at import' },
    },
    {
      name: 'a result that is no JSON',
      function: app('def handler(e, c): return {1, 2}'),
      fails: {
        errorType: 'Runtime.MarshalError',
        errorMessage: 'Unable to marshal response: Object of type set is not JSON serializable',
      },
    },
    {
      name: 'sys.exit',
      function: app('import sys\ndef handler(e, c): sys.exit(4)'),
      fails: {
        errorType: 'Runtime.ExitError',
        errorMessage: /^RequestId: \S+ Error: Runtime exited with error: exit status 4$/,
      },
    },
    {
      name: 'sys.exit(0)',
      function: app('import sys\ndef handler(e, c): sys.exit(0)'),
      fails: { errorType: 'Runtime.ExitError', errorMessage: /Error: Runtime exited without providing a reason$/ },
    },
    {
      name: 'exit at import',
      function: app('import os\nos._exit(3)'),
      fails: { errorType: 'Runtime.ExitError', errorMessage: /exit status 3$/ },
    },
    {
      name: 'death by a signal',
      function: app('import os, signal\ndef handler(e, c): os.kill(os.getpid(), signal.SIGSEGV)'),
      fails: { errorType: 'Runtime.ExitError', errorMessage: /signal: segmentation fault$/ },
    },
    {
      name: 'the context',
      function: app(
        'def handler(e, c):\n  return [c.function_name, c.function_version, c.memory_limit_in_mb, c.aws_request_id, c.invoked_function_arn, c.log_group_name, c.log_stream_name, c.identity.cognito_identity_id, c.client_context, c.get_remaining_time_in_millis()]',
      ),
      check: ({ value, requestId }) => {
        const [name, version, memory, id, arn, group, stream, identity, client, remaining] = value;
        assert.deepEqual([version, memory, id, identity, client], ['$LATEST', '256', requestId, null, null]);
        assert.equal(arn, `arn:aws:lambda:eu-west-1:123456789012:function:${name}`);
        assert.equal(group, `/aws/lambda/${name}`);
        assert.match(stream, /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
        assert.ok(remaining > 5_000 && remaining <= 10_000, String(remaining));
      },
    },
  ]);

  test('the client context', async () => {
    const { invoke } = deploy(
      app('def handler(e, c): return [c.client_context.custom, c.client_context.client.app_title]'),
    );
    const clientContext = Buffer.from('{"custom":\n{"a":"ü"},"client":{"app_title":"t"}}').toString('base64');
    assert.deepEqual((await invoke({}, { clientContext })).value, [{ a: 'ü' }, 't']);
  });

  test('logging, print and standard error', async () => {
    const { invoke } = deploy(
      app(
        'import logging, sys, os\nlog = logging.getLogger()\nlog.setLevel("INFO")\n' +
          'def handler(e, c):\n  print("two\\nlines")\n  log.info("of\\nlogging %s", "ü")\n  log.debug("not this")\n  print("to stderr", file=sys.stderr)\n  os.write(1, b"raw")\n',
      ),
    );
    const lines = await linesOf(await invoke({}));
    assert.deepEqual(lines.slice(0, 2), ['two\n', 'lines\n']);
    assert.match(lines[2]!, /^\[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t00000000-\S+\tof\nlogging ü\n$/);
    assert.deepEqual(lines.slice(3), ['to stderr\n', 'raw']);
  });

  test('an exception is logged with its trace, as one event', async () => {
    const lines = await linesOf(await deploy(app('def handler(e, c):\n  raise KeyError("k")')).invoke({}));
    assert.equal(lines.length, 1);
    assert.match(
      lines[0]!,
      /^\[ERROR\] KeyError: 'k'\nTraceback \(most recent call last\):\n\u00a0\u00a0File "[^"]+app\.py", line 2, in handler\n\u00a0{4}raise KeyError/,
    );
  });
});

describe('nodejs', () => {
  const cjs = (code: string, more: Partial<TestFunction> = {}): TestFunction => ({
    runtime: 'nodejs22.x',
    files: { 'app.js': code },
    ...more,
  });
  const esm = (code: string, more: Partial<TestFunction> = {}): TestFunction => ({
    runtime: 'nodejs24.x',
    files: { 'app.mjs': code },
    ...more,
  });
  run([
    {
      name: 'an async handler',
      function: cjs('exports.handler = async (event) => event'),
      event: { a: ['ü', null] },
      returns: { a: ['ü', null] },
    },
    { name: 'nothing returned', function: cjs('exports.handler = async () => {}'), returns: null },
    {
      name: 'a promise',
      function: cjs('exports.handler = () => new Promise((done) => setTimeout(done, 20, 1))'),
      returns: 1,
    },
    {
      name: 'a callback',
      function: cjs('exports.handler = (e, c, done) => setTimeout(() => done(null, e.x), 10)'),
      event: { x: 5 },
      returns: 5,
    },
    {
      name: 'a callback waits for the empty event loop',
      function: cjs(
        'exports.handler = (e, c, done) => { const r = { late: false }; setTimeout(() => { r.late = true; console.log("late"); }, 30); done(null, r); }',
      ),
      check: (result) => assert.match(result.logTail, /\tINFO\tlate\n/),
    },
    {
      name: 'unless told not to',
      function: cjs(
        'exports.handler = (e, c, done) => { c.callbackWaitsForEmptyEventLoop = false; setTimeout(() => console.log("late"), 5_000); done(null, 1); }',
      ),
      returns: 1,
      check: (result) => assert.ok(result.durationMs < 4_000),
    },
    {
      name: 'a callback with an error',
      function: cjs('exports.handler = (e, c, done) => done(new RangeError("r"))'),
      fails: { errorType: 'RangeError', errorMessage: 'r' },
    },
    {
      name: 'a callback with text as the error',
      function: cjs('exports.handler = (e, c, done) => done("text")'),
      fails: { errorType: 'string', errorMessage: 'text' },
    },
    { name: 'a callback that is never called', function: cjs('exports.handler = (e, c, done) => {}'), returns: null },
    {
      name: 'context.succeed, fail and done',
      function: cjs('exports.handler = (e, c) => c[e.how](...e.args)'),
      event: { how: 'done', args: [null, 3] },
      returns: 3,
    },
    {
      name: 'callbacks are refused from Node.js 24 on',
      function: esm('export const handler = (event, context, callback) => callback(null, 1)'),
      fails: { errorType: 'Runtime.CallbackHandlerDeprecated' },
    },
    {
      name: 'a plain function from Node.js 24 on',
      function: esm('export const handler = (event) => event.x'),
      event: { x: 2 },
      returns: 2,
    },
    {
      name: 'an ES module with a top-level await',
      function: esm('const x = await Promise.resolve(6); export const handler = async () => x'),
      returns: 6,
    },
    {
      name: 'an ES module by package.json',
      function: {
        runtime: 'nodejs22.x',
        files: {
          'package.json': '{"type":"module"}',
          'app.js': 'const y = await 7; export const handler = async () => y',
        },
      },
      returns: 7,
    },
    {
      name: 'a .cjs file in a subdirectory, a nested export',
      function: {
        runtime: 'nodejs20.x',
        files: { 'src/app.cjs': 'exports.a = { b: async () => require("./x.json").v }', 'src/x.json': '{"v":8}' },
        handler: 'src/app.a.b',
      },
      returns: 8,
    },
    {
      name: 'a package of its own',
      function: cjs('const dep = require("dep"); exports.handler = async () => dep', {
        files: {
          'app.js': 'const dep = require("dep"); exports.handler = async () => dep',
          'node_modules/dep/index.js': 'module.exports = 9',
        },
      }),
      returns: 9,
    },
    {
      name: 'a thrown error',
      function: cjs(
        'class Bad extends Error { constructor() { super("m"); this.name = "Bad"; this.code = 5; } }\nexports.handler = async () => { throw new Bad() }',
      ),
      fails: { errorType: 'Bad', errorMessage: 'm' },
      check: ({ value, logTail }) => {
        assert.equal(value.trace[0], 'Bad: m');
        assert.match(value.trace[1], /^ {4}at (Runtime\.)?(exports\.)?handler \(.*app\.js:2:/);
        assert.match(
          logTail,
          /\tERROR\tInvoke Error \t\{"errorType":"Bad","errorMessage":"m","code":5,"name":"Bad","stack":\["Bad: m",/,
        );
      },
    },
    {
      name: 'a thrown value',
      function: cjs('exports.handler = async () => { throw "text" }'),
      fails: { errorType: 'string', errorMessage: 'text' },
    },
    {
      name: 'a synchronous throw',
      function: cjs('exports.handler = () => { null.x }'),
      fails: { errorType: 'TypeError' },
    },
    {
      name: 'an unhandled rejection',
      function: cjs(
        'exports.handler = async () => { Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 50)); }',
      ),
      fails: { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: lost' },
    },
    {
      name: 'an uncaught exception',
      function: cjs('exports.handler = () => new Promise(() => setTimeout(() => { throw new Error("late") }, 5))'),
      fails: { errorType: 'Error', errorMessage: 'late' },
    },
    {
      name: 'a promise that is never settled, from Node.js 24 on',
      function: esm('export const handler = async () => new Promise(() => {})'),
      fails: { errorType: 'Runtime.ExitError', errorMessage: /Runtime exited without providing a reason$/ },
    },
    {
      name: 'a promise that is never settled, before',
      function: cjs('exports.handler = async () => new Promise(() => {})'),
      fails: { errorType: 'Runtime.NodeJsExit' },
    },
    {
      name: 'process.exit',
      function: cjs('exports.handler = async () => process.exit(7)'),
      fails: { errorType: 'Runtime.ExitError', errorMessage: /exit status 7$/ },
    },
    {
      name: 'a missing module',
      function: cjs('require("missing")'),
      fails: {
        errorType: 'Runtime.ImportModuleError',
        errorMessage: /^Error: Cannot find module 'missing'\nRequire stack:/,
      },
    },
    {
      name: 'a missing file',
      function: cjs('', { handler: 'other.handler' }),
      fails: { errorType: 'Runtime.ImportModuleError', errorMessage: /^Error: Cannot find module 'other'/ },
    },
    {
      name: 'a missing handler',
      function: cjs('exports.x = 1'),
      fails: { errorType: 'Runtime.HandlerNotFound', errorMessage: 'app.handler is undefined or not exported' },
    },
    {
      name: 'a handler that is no function',
      function: cjs('exports.handler = 1'),
      fails: { errorType: 'Runtime.HandlerNotFound', errorMessage: 'app.handler is not a function' },
    },
    {
      name: 'a syntax error',
      function: cjs('exports.handler = async ( => {'),
      fails: { errorType: 'Runtime.UserCodeSyntaxError', errorMessage: /^SyntaxError: / },
    },
    {
      name: 'an error at load',
      function: cjs('throw new EvalError("at load")'),
      fails: { errorType: 'EvalError', errorMessage: 'at load' },
    },
    {
      name: 'a circular result',
      function: cjs('exports.handler = async () => { const a = {}; a.a = a; return a; }'),
      fails: { errorType: 'Error', errorMessage: 'Unable to stringify response body' },
    },
    {
      name: 'the context',
      function: esm(
        'export const handler = async (event, c) => [c.functionName, c.functionVersion, c.memoryLimitInMB, c.awsRequestId, c.invokedFunctionArn, c.logGroupName, c.logStreamName, c.getRemainingTimeInMillis(), c.clientContext]',
      ),
      check: ({ value, requestId }) => {
        const [name, version, memory, id, arn, group, stream, remaining, client] = value;
        assert.deepEqual([version, memory, id, client], ['$LATEST', '256', requestId, null]);
        assert.equal(arn, `arn:aws:lambda:eu-west-1:123456789012:function:${name}`);
        assert.equal(group, `/aws/lambda/${name}`);
        assert.match(stream, /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
        assert.ok(remaining > 5_000 && remaining <= 10_000, String(remaining));
      },
    },
  ]);

  test('the console and the standard streams', async () => {
    const { invoke } = deploy(
      esm(
        'console.log("at load");\nexport const handler = async () => { console.log("two\\nlines %s", "ü", { a: 1 }); console.error("bad"); console.warn("w"); console.debug("d"); console.info("i"); console.trace("t"); process.stdout.write("raw\\n"); process.stderr.write("raw error\\n"); }',
      ),
    );
    const lines = await linesOf(await invoke({}));
    const line = (level: string, text: string) =>
      new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z\\t00000000-\\S+\\t${level}\\t${text}\\n$`);
    const wanted = [
      ['INFO', 'two\nlines ü { a: 1 }'],
      ['ERROR', 'bad'],
      ['WARN', 'w'],
      ['DEBUG', 'd'],
      ['INFO', 'i'],
      ['TRACE', 't'],
    ];
    for (const [index, [level, text]] of wanted.entries()) assert.match(lines[index]!, line(level!, text!));
    assert.deepEqual(lines.slice(6), ['raw\n', 'raw error\n']);
    assert.ok(log.some(({ message }) => /Z\t-\tINFO\tat load\n$/.test(message)));
  });
});

const echoes: [string, TestFunction][] = [
  ...(noPython
    ? []
    : [
        [
          'python',
          { files: { 'app.py': 'import os\ndef handler(e, c):\n  return dict(os.environ) if e == "env" else e' } },
        ] as [string, TestFunction],
      ]),
  [
    'nodejs',
    {
      runtime: 'nodejs24.x',
      files: { 'app.mjs': 'export const handler = async (e) => e === "env" ? { ...process.env } : e' },
    },
  ],
];

for (const [language, spec] of echoes) {
  describe(`${language}, both ways`, () => {
    // Python before 3.12 answers in ASCII, where one é is six bytes.
    const large = 'x'.repeat(6_291_556 - '{"large": ""}'.length);
    const events: [string, unknown][] = [
      ['6 MB', { large }],
      ['nested', Array.from({ length: 200 }).reduce((inner) => [inner], 1)],
      ['unicode', { '\u0000\u2028\ud83d\ude00': '\t\r\n"\\', Ж中: '\uffff' }],
      ['numbers', [0, -1.5, 1e300, 9007199254740991]],
      ['null', null],
      ['text', 'text'],
    ];
    test('payloads', async () => {
      const { invoke } = deploy(spec);
      for (const [name, event] of events) assert.deepEqual((await invoke(event)).value, event, name);
    });

    test('the environment that Lambda documents', async () => {
      const { version, invoke } = deploy({ ...spec, environment: { OWN: "quote ' and ü\nline" } });
      const traceHeader = 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0';
      const { value } = await invoke('env', { traceHeader });
      const wanted: Record<string, string> = {
        OWN: "quote ' and ü\nline",
        _HANDLER: 'app.handler',
        _X_AMZN_TRACE_ID: traceHeader,
        AWS_REGION: 'eu-west-1',
        AWS_DEFAULT_REGION: 'eu-west-1',
        AWS_EXECUTION_ENV: `AWS_Lambda_${version.runtime}`,
        AWS_LAMBDA_FUNCTION_NAME: version.functionName,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        AWS_LAMBDA_LOG_GROUP_NAME: version.logGroup,
        AWS_ACCESS_KEY_ID: '123456789012',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_SESSION_TOKEN: 'token',
        AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
        AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000',
        _AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1',
        _AWS_XRAY_DAEMON_PORT: '2000',
        AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
        LANG: 'en_US.UTF-8',
        TZ: ':UTC',
      };
      for (const [name, text] of Object.entries(wanted)) assert.equal(value[name], text, name);
      assert.equal(value.HOME, undefined);
      assert.equal((await invoke('env')).value._X_AMZN_TRACE_ID, undefined);
    });

    test('a response beyond 6 MB', async () => {
      const { invoke } = deploy({
        ...spec,
        files: {
          'app.py': 'def handler(e, c): return "x" * e',
          'app.mjs': 'export const handler = async (e) => "x".repeat(e)',
        },
      });
      const { functionError, value } = await invoke(6_291_560);
      assert.equal(functionError, 'Unhandled');
      assert.deepEqual(value, {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
      });
      assert.equal((await invoke(5)).value, 'xxxxx', 'the environment goes on');
    });
  });
}

interface Behaviour {
  language: string;
  skip: string | false;
  runtime: string;
  /** Sleeps for `e.ms`, then counts its calls. */
  sleeper: Record<string, string>;
  /** Holds `e.mb` MB. */
  eater: Record<string, string>;
  /** Writes `e` bytes in lines, and one without its end. */
  talker: Record<string, string>;
  /** Ends in the way of `e`, or counts its calls. */
  mortal: Record<string, string>;
}

const behaviours: Behaviour[] = [
  {
    language: 'python',
    skip: noPython,
    runtime: 'python3.11',
    sleeper: {
      'app.py':
        'import time\nn = 0\ndef handler(e, c):\n  global n\n  n += 1\n  print("before")\n  time.sleep(e["ms"] / 1000)\n  print("after")\n  return n',
    },
    eater: { 'app.py': 'def handler(e, c): return len(b"x" * (e["mb"] << 20))' },
    talker: { 'app.py': 'def handler(e, c):\n  for i in range(e // 100): print("%099d" % i)\n  print("end", end="")' },
    mortal: {
      'app.py':
        'import os, sys\nn = 0\ndef handler(e, c):\n  global n\n  n += 1\n  if e == "exit": os._exit(1)\n  if e == "throw": raise ValueError("v")\n  return n',
    },
  },
  {
    language: 'nodejs',
    skip: false,
    runtime: 'nodejs24.x',
    sleeper: {
      'app.mjs':
        'let n = 0; export const handler = async (e) => { n++; console.log("before"); await new Promise((r) => setTimeout(r, e.ms)); console.log("after"); return n; }',
    },
    eater: { 'app.mjs': 'export const handler = async (e) => Buffer.alloc(e.mb << 20, 1).length' },
    talker: {
      'app.mjs':
        'export const handler = async (e) => { for (let i = 0; i < e / 100; i++) process.stdout.write(String(i).padStart(99, "0") + "\\n"); process.stdout.write("end"); }',
    },
    mortal: {
      'app.mjs':
        'let n = 0; export const handler = async (e) => { n++; if (e === "exit") process.exit(1); if (e === "throw") throw new RangeError("v"); return n; }',
    },
  },
];

for (const { language, skip, runtime, ...files } of behaviours) {
  describe(`${language}, life and death`, { skip }, () => {
    test('a time-out', async () => {
      const { invoke } = deploy({ runtime, files: files.sleeper, timeoutS: 1 });
      assert.equal((await invoke({ ms: 0 })).value, 1);
      assert.equal((await invoke({ ms: 0 })).value, 2, 'the environment is used again');

      const late = await invoke({ ms: 30_000 });
      assert.equal(late.functionError, 'Unhandled');
      assert.deepEqual(late.value, {
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${late.requestId} Error: Task timed out after 1.00 seconds`,
      });
      const lines = await linesOf(late);
      assert.match(lines[0]!, /before\n$/);
      assert.match(lines[1]!, /^\d{4}-\S+Z 00000000-\S+ Task timed out after 1\.00 seconds\n\n$/);
      assert.equal(lines.length, 2);
      assert.match(late.logTail, /Duration: 1000\.00 ms\tBilled Duration: 1000 ms\t.*\tStatus: timeout\t\n$/);

      const next = await invoke({ ms: 0 });
      assert.equal(next.value, 1, 'the runtime is a new one');
      const streams = new Set(
        log
          .filter(({ message }) => message.includes(next.requestId) || message.includes(late.requestId))
          .map((line) => line.stream),
      );
      assert.equal(streams.size, 1, 'the environment is the old one');
    });

    test('a time-out of the initialization', async () => {
      const code = {
        'app.py': 'import time\ntime.sleep(60)\ndef handler(e, c): pass',
        'app.mjs': 'await new Promise((done) => setTimeout(done, 60_000)); export const handler = async () => {}',
      };
      // The first attempt has ten seconds, the second what the invocation has.
      const result = await deploy({ runtime, files: code, timeoutS: 1 }).invoke({});
      assert.equal(
        result.value.errorMessage,
        `RequestId: ${result.requestId} Error: Task timed out after 1.00 seconds`,
      );
      await engine.flushLogs();
      assert.match(result.logTail, /INIT_REPORT Init Duration: 10\d\d\d\.\d\d ms\tPhase: init\tStatus: timeout\n/);
    });

    test('a runtime that ended is replaced, one whose handler failed is not', async () => {
      const { invoke } = deploy({ runtime, files: files.mortal });
      const values: unknown[] = [];
      for (const event of ['', 'throw', '', 'exit', '']) values.push((await invoke(event)).value);
      assert.equal(values[0], 1);
      assert.equal((values[1] as { errorMessage: string }).errorMessage, 'v');
      assert.equal(values[2], 3);
      assert.match((values[3] as { errorMessage: string }).errorMessage, /Runtime exited with error: exit status 1$/);
      assert.equal(values[4], 1);
    });

    test('memory within the limit, and beyond it', { skip: noControlGroups }, async () => {
      const { invoke } = deploy({ runtime, files: files.eater, memoryMb: 192 });
      const modest = await invoke({ mb: 60 });
      assert.equal(modest.value, 60 << 20);
      assert.ok(modest.maxMemoryUsedMb >= 60 && modest.maxMemoryUsedMb <= 192, String(modest.maxMemoryUsedMb));
      const greedy = await invoke({ mb: 1_500 });
      assert.deepEqual(greedy.value, {
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${greedy.requestId} Error: Runtime exited with error: signal: killed`,
      });
      assert.match(greedy.logTail, /Max Memory Used: 192 MB\t.*Status: error\tError Type: Runtime\.ExitError\t\n$/);
      assert.equal((await invoke({ mb: 1 })).value, 1 << 20);
    });

    test('the tail of the log is its last 4 KB, a line without its end included', async () => {
      const { invoke } = deploy({ runtime, files: files.talker });
      const result = await invoke(300_000);
      assert.ok(Buffer.byteLength(result.logTail) <= 4_096, String(Buffer.byteLength(result.logTail)));
      assert.ok(Buffer.byteLength(result.logTail) > 4_000);
      assert.match(result.logTail, /\n0{95}2999\nendEND RequestId: \S+\nREPORT /);
      assert.equal((await linesOf(result)).length, 3_001);
    });

    test('environments at once, and the reserved concurrency', async () => {
      const { invoke, version } = deploy({ runtime, files: files.sleeper, reservedConcurrency: 2 });
      const [first, second, third] = await Promise.allSettled([1, 2, 3].map(() => invoke({ ms: 300 })));
      assert.deepEqual([first!.status, second!.status], ['fulfilled', 'fulfilled']);
      assert.equal((third as PromiseRejectedResult).reason.reason, 'ReservedFunctionConcurrentInvocationLimitExceeded');
      assert.equal(engine.concurrency(version.functionArn), 0);
    });
  });
}
