// What AWS's own runtime interface clients do beyond the documentation, as their source and tests have it, held against Brume's
// runtimes: results that are no plain JSON, handlers that are not found, what is logged of errors, contexts, streams.
// https://github.com/aws/aws-lambda-python-runtime-interface-client, …-nodejs-…, …-ruby-…

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Case, jsonLinesOf, linesOf, runCases } from './lambda-contract.ts';
import { missing, noPython, startEngine, type TestFunction } from './lambda-engine.ts';

const testEngine = startEngine();
const { deploy } = testEngine;
const run = (cases: readonly Case[]) => runCases(testEngine, cases);
const JSON_LOGS: Partial<TestFunction> = {
  logging: { format: 'JSON', applicationLevel: 'INFO', systemLevel: 'INFO' },
};

describe('python', { skip: noPython }, () => {
  const app = (code: string, more: Partial<TestFunction> = {}): TestFunction => ({
    files: { 'app.py': code },
    ...more,
  });
  const returning = (value: string, imports = '') => app(`${imports}\ndef handler(e, c): return ${value}`);
  /** The bytes of the answer: not all are JSON that JavaScript could tell. */
  const answerOf = async (spec: TestFunction) => {
    const { version } = deploy(spec);
    const { payload } = await testEngine.engine.invoke(version, {
      requestId: '00000000-0000-4000-8000-00000000abcd',
      payload: Buffer.from('{}'),
      invokedFunctionArn: version.functionArn,
    });
    return Buffer.from(payload).toString();
  };

  test('what is sent of a result', async () => {
    const decimals = 'from decimal import Decimal';
    const newer = { runtime: 'python3.13' };
    const cases: [TestFunction, string][] = [
      [
        returning(`{"a": Decimal("1.10"), "b": [Decimal("12345678901234567890.123456789")]}`, decimals),
        '{"a": 1.10, "b": [12345678901234567890.123456789]}',
      ],
      [returning('b"\\xc3\\xbc raw"'), 'ü raw'],
      [returning('{"b": b"\\xc3\\xbc"}'), '{"b": "\\u00fc"}'],
      [returning('Decimal("-NaN")', decimals), 'NaN'],
      [returning('"ü"'), '"\\u00fc"'],
      [{ ...returning('"ü"'), ...newer }, '"ü"'],
      [returning('(1, None, {2: True})'), '[1, null, {"2": true}]'],
    ];
    for (const [spec, wanted] of cases) assert.equal(await answerOf(spec), wanted);
  });

  run([
    {
      name: 'a result of a class',
      function: returning('type("obj", (object,), {})'),
      fails: {
        errorType: 'Runtime.MarshalError',
        errorMessage: 'Unable to marshal response: Object of type type is not JSON serializable',
      },
    },
    {
      name: 'a date',
      function: returning('{"now": datetime.datetime.now()}', 'import datetime'),
      fails: {
        errorType: 'Runtime.MarshalError',
        errorMessage: 'Unable to marshal response: Object of type datetime is not JSON serializable',
      },
    },
    {
      name: 'a coroutine',
      function: app('async def handler(e, c): pass'),
      fails: {
        errorType: 'Runtime.MarshalError',
        errorMessage: 'Unable to marshal response: Object of type coroutine is not JSON serializable',
      },
    },
    {
      name: 'a module that is built in',
      function: app('', { handler: 'sys.exit' }),
      fails: {
        errorType: 'Runtime.BuiltInModuleConflict',
        errorMessage: 'Cannot use built-in module sys as a handler module',
      },
    },
    {
      name: 'a module of such a name in a directory',
      function: { files: { 'tests/sys.py': 'def handler(e, c): return 1' }, handler: 'tests/sys.handler' },
      returns: 1,
    },
    {
      name: 'an error within an import of the handler',
      function: app('def handler(e, c): import invalid_module'),
      fails: { errorType: 'ModuleNotFoundError', errorMessage: "No module named 'invalid_module'" },
    },
    {
      name: 'a syntax error, told with its line',
      function: app('def handler()\n  pass'),
      fails: { errorType: 'Runtime.UserCodeSyntaxError', errorMessage: /^Syntax error in module 'app': / },
      check: ({ value }) => {
        assert.match(value.stackTrace[0], /^ {2}File ".*app\.py" Line 1\n {4}def handler\(\)/);
        assert.equal(value.requestId, '');
      },
    },
    {
      name: 'an error without a message',
      function: app('class MyError(Exception): pass\ndef handler(e, c): raise MyError("")'),
      fails: { errorType: 'MyError', errorMessage: '' },
      check: ({ logTail }) => assert.match(logTail, /^\[ERROR\] MyError\nTraceback \(most recent call last\):\n/m),
    },
    {
      name: 'a log record that cannot be formatted fails where it is logged',
      function: app('import logging\ndef handler(e, c): logging.getLogger().warning("%d", "x")'),
      fails: { errorType: 'TypeError' },
    },
  ]);

  test('a client context that is no JSON, and one with a trace', async () => {
    const { invoke } = deploy(
      app('def handler(e, c): return [c.w3c(), c.client_context.custom, repr(c.client_context)]'),
    );
    const sent = (value: string) => invoke({}, { clientContext: Buffer.from(value).toString('base64') });
    const { value } = await sent(
      JSON.stringify({ w3c: { traceparent: '00-ab', other: 'x', baggage: 1 }, custom: { a: 1 } }),
    );
    assert.deepEqual(value, [
      { traceparent: '00-ab' },
      { a: 1 },
      "ClientContext([custom={'a': 1},env=None,client=None])",
    ]);
    const bad = (await sent('no json')).value;
    assert.deepEqual(
      [bad.errorType, bad.errorMessage],
      [
        'Runtime.LambdaContextUnmarshalError',
        'Unable to parse Client Context JSON: Expecting value: line 1 column 1 (char 0)',
      ],
    );
  });

  test('JSON logs: extras, and exceptions of other levels', async () => {
    const code = `
import logging
def handler(e, c):
    log = logging.getLogger("my.logger")
    log.warning("w %s", 1, extra={"a": [1], "none": None, "requestId": "mine"})
    log.log(25, "between")
    try:
        {}["k"]
    except KeyError:
        log.info("handled", exc_info=True)
`;
    const [warning, between, handled] = await jsonLinesOf(testEngine, await deploy(app(code, JSON_LOGS)).invoke({}));
    assert.deepEqual([warning.level, warning.message, warning.logger, warning.a], ['WARNING', 'w 1', 'my.logger', [1]]);
    assert.ok(!('none' in warning) && warning.requestId.startsWith('0000'));
    assert.deepEqual([between.level, between.message], ['INFO', 'between']);
    assert.deepEqual([handled.level, handled.errorType, handled.errorMessage], ['INFO', 'KeyError', "'k'"]);
    assert.match(handled.stackTrace[0], /line 8, in handler/);
    assert.match(handled.location, /app\.py:handler:10$/);
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
      name: 'a package that an ES module does not find is an error like any other',
      function: esm('import "missing"; export const handler = async () => 1'),
      fails: { errorType: 'Error', errorMessage: /^Cannot find package 'missing' imported from \/var\/task\/app\.mjs/ },
    },
    {
      name: 'what a CommonJS module does not find',
      function: cjs('require("missing")', { runtime: 'nodejs24.x' }),
      fails: {
        errorType: 'Runtime.ImportModuleError',
        errorMessage: "Error: Cannot find module 'missing'\nRequire stack:\n- /var/task/app.js",
      },
      check: ({ logTail }) =>
        assert.match(
          logTail,
          /\t-\tERROR\tInit Error \t\{"errorType":"Runtime\.ImportModuleError",.*"name":"Runtime\.ImportModuleError","stack":/,
        ),
    },
    {
      name: 'callbacks, from Node.js 24 on',
      function: esm('export const handler = (event, context, callback) => callback()'),
      fails: {
        errorType: 'Runtime.CallbackHandlerDeprecated',
        errorMessage:
          /^ERROR: AWS Lambda has removed support .* see https:\/\/docs\.aws\.amazon\.com\/lambda\/latest\/dg\/nodejs-handler\.html\.$/,
      },
    },
    {
      name: 'what nobody catches ends the runtime, from Node.js 24 on',
      function: esm(
        'export const handler = async () => { Promise.reject(new RangeError("lost")); await new Promise((r) => setTimeout(r, 200)); }',
      ),
      fails: { errorType: 'Runtime.ExitError', errorMessage: /Runtime exited with error: exit status 1$/ },
      check: ({ logTail }) => assert.match(logTail, /^RangeError: lost$/m),
    },
    {
      name: 'a syntax error, with its own trace from Node.js 24 on',
      function: esm('export const handler = async ( => {'),
      fails: { errorType: 'Runtime.UserCodeSyntaxError', errorMessage: /^SyntaxError: / },
      check: ({ value }) => assert.match(value.trace[0], /^(file:|SyntaxError)/),
    },
    {
      name: 'a function as the result',
      function: esm('export const handler = async () => () => 1'),
      fails: { errorType: 'TypeError', errorMessage: 'Wrong arguments' },
    },
    {
      name: 'a handler in the default export, from Node.js 24 on',
      function: esm('export default { handler: async () => 4 }'),
      returns: 4,
    },
    {
      name: 'and not before',
      function: esm('export default { handler: async () => 4 }', { runtime: 'nodejs22.x' }),
      fails: { errorType: 'Runtime.HandlerNotFound', errorMessage: 'app.handler is undefined or not exported' },
    },
    {
      name: 'a handler that is nothing',
      function: cjs('exports.handler = 0'),
      fails: { errorType: 'Runtime.HandlerNotFound', errorMessage: 'app.handler is undefined or not exported' },
    },
    {
      name: 'a handler name that climbs',
      function: cjs('', { handler: '../app.handler' }),
      fails: {
        errorType: 'Runtime.MalformedHandlerName',
        errorMessage:
          "'../app.handler' is not a valid handler name. Use absolute paths when specifying root directories in handler names.",
      },
    },
    {
      name: 'a handler name without a function',
      function: cjs('', { handler: 'app' }),
      fails: { errorType: 'Runtime.MalformedHandlerName', errorMessage: 'Bad handler' },
    },
    {
      name: 'a result that is no JSON, from Node.js 24 on',
      function: esm('export const handler = async () => 10n'),
      fails: { errorType: 'Runtime.JSONStringifyError', errorMessage: 'Unable to stringify response body' },
    },
    {
      name: 'a context without callbacks, from Node.js 24 on',
      function: esm(
        'export const handler = async (e, c) => [typeof c.succeed, typeof c.fail, typeof c.done, "callbackWaitsForEmptyEventLoop" in c, c.w3c()]',
      ),
      returns: ['undefined', 'undefined', 'undefined', false, {}],
    },
    {
      name: 'nothing returned at once ends the invocation, from Node.js 24 on',
      function: esm('export const handler = () => { setTimeout(() => console.log("late"), 3_000); }'),
      returns: null,
      check: ({ durationMs }) => assert.ok(durationMs < 2_000),
    },
    {
      name: 'context.fail() of nothing',
      function: cjs('exports.handler = (e, c) => c.fail()'),
      fails: { errorType: 'string', errorMessage: 'handled' },
    },
    {
      name: 'a thrown text is logged as an error',
      function: cjs('exports.handler = async () => { throw "text" }'),
      fails: { errorType: 'string', errorMessage: 'text' },
      check: ({ logTail }) =>
        assert.match(logTail, /Invoke Error \t\{"errorType":"Error","errorMessage":"text","stack":\["Error: text",/),
    },
    {
      name: 'an error whose message fails',
      function: cjs(
        'exports.handler = async () => { const e = new Error(); Object.defineProperty(e, "message", { get() { throw 1 } }); throw e; }',
      ),
      fails: { errorType: 'handled', errorMessage: /^callback called with Error argument, but there was a problem/ },
    },
    {
      name: 'what an error carries is logged',
      function: cjs(
        'exports.handler = async () => { throw Object.assign(new TypeError("outer"), { code: "E1", inner: [new RangeError("inner")] }) }',
      ),
      fails: { errorType: 'TypeError', errorMessage: 'outer' },
      check: ({ logTail }) => {
        const line = JSON.parse(/Invoke Error \t(\{.*\})/.exec(logTail)![1]!);
        assert.deepEqual(Object.keys(line), ['errorType', 'errorMessage', 'code', 'inner', 'stack']);
        assert.deepEqual([line.inner[0].errorType, line.inner[0].errorMessage], ['RangeError', 'inner']);
      },
    },
    {
      name: 'an unhandled rejection is logged with its reason',
      function: cjs(
        'exports.handler = async () => { Promise.reject(new RangeError("lost")); await new Promise((r) => setTimeout(r, 50)); }',
      ),
      fails: { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'RangeError: lost' },
      check: ({ logTail }) => {
        const line = JSON.parse(/Unhandled Promise Rejection \t(\{.*\})/.exec(logTail)![1]!);
        assert.deepEqual(
          [line.errorType, line.reason.errorType, line.promise],
          ['Runtime.UnhandledPromiseRejection', 'RangeError', {}],
        );
      },
    },
    {
      name: 'a character that no header takes',
      function: cjs(
        'exports.handler = async () => { const e = new Error("a\\x7fb"); e.name = "Bad\\x7fName"; throw e; }',
      ),
      fails: { errorType: 'Bad%7FName', errorMessage: 'a%7Fb' },
    },
    {
      name: 'writes under way when the handler returns are logged',
      function: cjs('exports.handler = async () => { require("fs").write(1, "written\\n", () => {}); return 1; }'),
      returns: 1,
      check: ({ logTail }) => assert.match(logTail, /^written$/m),
    },
    {
      name: 'the store of @aws/lambda-invoke-store, from Node.js 24 on',
      function: esm(
        'export const handler = async (e, c) => { const s = globalThis.awslambda.InvokeStore; s.set("own", 1); return [s.getRequestId() === c.awsRequestId, s.getXRayTraceId() === c.xRayTraceId, s.get("own")]; }',
      ),
      returns: [true, true, 1],
    },
    {
      name: 'no global, where it is not wanted',
      function: esm('export const handler = async () => typeof awslambda', {
        environment: { AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA: '1' },
      }),
      returns: 'undefined',
    },
    {
      name: 'only responses stream',
      function: esm(
        'export const handler = async () => 1; handler[Symbol.for("aws.lambda.runtime.handler.streaming")] = "request";',
      ),
      fails: { errorType: 'Runtime.MalformedStreamingHandler', errorMessage: 'Only response streaming is supported.' },
    },
  ]);

  test('console.log without arguments', async () => {
    const lines = await linesOf(
      testEngine,
      await deploy(cjs('exports.handler = async () => console.log()')).invoke({}),
    );
    assert.match(lines[0]!, /\tINFO\tundefined\n$/);
  });

  test('a client context with a trace', async () => {
    const { invoke } = deploy(esm('export const handler = async (e, c) => [c.w3c(), c.clientContext]'));
    const context = { w3c: { traceparent: '00-ab', other: 'x' }, custom: { a: 1 } };
    const clientContext = Buffer.from(JSON.stringify(context)).toString('base64');
    assert.deepEqual((await invoke({}, { clientContext })).value, [{ traceparent: '00-ab' }, { custom: { a: 1 } }]);
  });
});

describe('ruby', { skip: missing('ruby', '--version') }, () => {
  const app = (code: string): TestFunction => ({ runtime: 'ruby3.3', files: { 'app.rb': code } });
  const own = `module AwsLambda
  class Marshaller
    class << self
      def marshall_request(raw) = JSON.parse(raw.body).merge('type' => raw['Content-Type'])
      def marshall_response(response) = [JSON.generate(wrapped: response), 'application/json']
    end
  end
end
def handler(event:, context:) = event`;
  run([
    {
      name: 'a marshaller of its own',
      function: app(own),
      event: { a: 1 },
      returns: { wrapped: { a: 1, type: 'application/json' } },
    },
    {
      name: 'a result that cannot be told',
      function: app('def handler(event:, context:) = { a: 0.0 / 0 }'),
      fails: { errorType: 'Function<JSON::GeneratorError>' },
    },
  ]);

  test('a client context with a trace', async () => {
    const { invoke } = deploy(app('def handler(event:, context:) = [context.w3c, context.client_context]'));
    const context = { w3c: { traceparent: '00-ab', other: 'x', baggage: 1 }, custom: { a: 1 } };
    const clientContext = Buffer.from(JSON.stringify(context)).toString('base64');
    assert.deepEqual((await invoke({}, { clientContext })).value, [{ traceparent: '00-ab' }, { custom: { a: 1 } }]);
    assert.deepEqual((await invoke({})).value, [{}, null]);
  });
});
