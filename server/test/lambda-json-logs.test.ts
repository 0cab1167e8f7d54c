// The JSON log format: what the platform says, what runtimes make of a function's own messages, and levels.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import type { Logging } from '#engines/functions/log-level.ts';
import { startBrume } from '#test/harness.ts';
import { missing, noPython, startEngine, type TestEngine, type TestFunction } from './lambda-engine.ts';
import { codeOf, ROLE, testLambda } from './lambda-functions.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What stands in the log after one invocation: JSON parsed, text as it is. */
async function logOf(testEngine: TestEngine, spec: TestFunction, event: unknown = {}) {
  const fn = testEngine.deploy(spec);
  const result = await fn.invoke(event);
  await testEngine.engine.flushLogs();
  const [stream] = new Set(
    testEngine.log.filter(({ message }) => message.includes(result.requestId)).map((line) => line.stream),
  );
  const lines = testEngine.log
    .filter((line) => line.stream === stream)
    .map(({ message }) => {
      try {
        return JSON.parse(message);
      } catch {
        return message;
      }
    });
  return { lines, result, own: lines.filter((line) => !String(line.type).startsWith('platform.')) };
}

const json = (more: Partial<Logging> = {}): { logging: Logging } => ({
  logging: { format: 'JSON', applicationLevel: 'INFO', systemLevel: 'INFO', ...more },
});
const node = (code: string, more: Partial<TestFunction> = {}): TestFunction => ({
  runtime: 'nodejs24.x',
  files: { 'index.js': code },
  handler: 'index.handler',
  ...json(),
  ...more,
});
const python = (code: string, more: Partial<TestFunction> = {}): TestFunction => ({
  files: { 'app.py': code },
  ...json(),
  ...more,
});
const types = (lines: any[]) => lines.map((line) => line.type ?? line.message ?? line);

describe('what the platform says', () => {
  const testEngine = startEngine();
  const echo = 'exports.handler = async (event) => { if (event.fail) throw new Error("no"); return "ok"; }';

  test('at INFO: initStart, start and report', async () => {
    const { lines, result } = await logOf(testEngine, node(echo));
    assert.deepEqual(types(lines), ['platform.initStart', 'platform.start', 'platform.report']);
    for (const { time } of lines) assert.match(time, TIME);
    const [initStart, start, report] = lines.map(({ record }) => record);
    assert.equal(initStart.initializationType, 'on-demand');
    assert.equal(initStart.phase, 'init');
    assert.match(initStart.runtimeVersion, /^nodejs:/);
    assert.match(initStart.runtimeVersionArn, /^arn:aws:lambda:eu-west-1::runtime:/);
    assert.deepEqual(start, { requestId: result.requestId, version: '$LATEST' });
    assert.equal(report.requestId, result.requestId);
    assert.equal(report.status, 'success');
    assert.deepEqual(Object.keys(report.metrics), [
      'durationMs',
      'billedDurationMs',
      'memorySizeMB',
      'maxMemoryUsedMB',
      'initDurationMs',
    ]);
    assert.equal(report.metrics.memorySizeMB, 256);
    assert.equal(report.metrics.billedDurationMs, result.billedDurationMs);
  });

  test('at DEBUG: also what is done', async () => {
    const { lines, result } = await logOf(testEngine, node(echo, json({ systemLevel: 'DEBUG' })));
    assert.deepEqual(types(lines), [
      'platform.initStart',
      'platform.initRuntimeDone',
      'platform.initReport',
      'platform.start',
      'platform.runtimeDone',
      'platform.report',
    ]);
    const done = lines[4].record;
    assert.equal(done.requestId, result.requestId);
    assert.equal(done.status, 'success');
    assert.equal(done.metrics.producedBytes, 4);
    assert.deepEqual(
      done.spans.map(({ name }: { name: string }) => name),
      ['responseLatency', 'responseDuration', 'runtimeOverhead'],
    );
  });

  test('at WARN: only what went wrong', async () => {
    assert.deepEqual(types((await logOf(testEngine, node(echo, json({ systemLevel: 'WARN' })))).lines), []);
    const slow = node('exports.handler = () => new Promise((done) => setTimeout(done, 9000))', {
      timeoutS: 1,
      ...json({ systemLevel: 'WARN' }),
    });
    const { lines } = await logOf(testEngine, slow);
    assert.deepEqual(types(lines), ['platform.runtimeDone', 'platform.report']);
    for (const { record } of lines) assert.equal(record.status, 'timeout');
    const exits = await logOf(
      testEngine,
      node('exports.handler = () => process.exit(3)', json({ systemLevel: 'WARN' })),
    );
    assert.deepEqual(types(exits.lines), ['platform.fault', 'platform.runtimeDone', 'platform.report']);
    assert.match(exits.lines[0].record, /Error: Runtime exited with error: exit status 3\nRuntime\.ExitError$/);
    assert.equal(exits.lines[2].record.status, 'error');
    assert.equal(exits.lines[2].record.errorType, 'Runtime.ExitError');
  });

  test('the trace of an invocation', async () => {
    const fn = testEngine.deploy(node(echo));
    const traceHeader = 'Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1';
    const { requestId } = await fn.invoke({}, { traceHeader });
    await testEngine.engine.flushLogs();
    const line = testEngine.log.find(
      ({ message }) => message.includes('platform.start') && message.includes(requestId),
    );
    assert.deepEqual(JSON.parse(line!.message).record.tracing, {
      spanId: '0efbd19962d95b05',
      type: 'X-Amzn-Trace-Id',
      value: traceHeader,
    });
  });
});

describe('Node.js', () => {
  const testEngine = startEngine();

  test('console methods become objects with time, level and request', async () => {
    const code = `exports.handler = async () => {
      console.log('plain'); console.info({ a: [1] }); console.warn('%s is %d', 'x', 7); console.error('bad', new TypeError('t'));
      console.error(Object.assign(new RangeError('r'), { code: 5 })); console.debug('hidden'); console.log('two', 2);
      process.stdout.write('raw\\n');
    }`;
    const { own, result } = await logOf(testEngine, node(code));
    for (const line of own.slice(0, -1)) {
      assert.match(line.timestamp, TIME);
      assert.equal(line.requestId, result.requestId);
    }
    assert.deepEqual(
      own.map((line) => (line.level ? [line.level, line.message.errorMessage ?? line.message] : line)),
      [
        ['INFO', 'plain'],
        ['INFO', { a: [1] }],
        ['WARN', 'x is 7'],
        ['ERROR', own[3].message],
        ['ERROR', 'r'],
        ['INFO', 'two 2'],
        'raw\n',
      ],
    );
    assert.equal(own[3].errorType, 'TypeError');
    assert.equal(own[3].errorMessage, 't');
    assert.ok(Array.isArray(own[3].stackTrace));
    assert.match(own[3].message, /^bad TypeError: t/);
    assert.equal(own[4].message.errorType, 'RangeError');
    assert.equal(own[4].message.code, 5);
  });

  test('an error of the handler, one at the start, and what JSON cannot hold', async () => {
    const thrown = await logOf(testEngine, node('exports.handler = async () => { throw new TypeError("no"); }'));
    assert.equal(thrown.own.length, 1);
    assert.equal(thrown.own[0].level, 'ERROR');
    assert.equal(thrown.own[0].message.errorType, 'TypeError');
    assert.match(thrown.own[0].message.stackTrace[0], /^TypeError: no/);
    const missing = await logOf(testEngine, node('exports.other = 1'));
    assert.equal(missing.own[0].message.errorType, 'Runtime.HandlerNotFound');
    const loop = 'exports.handler = async () => { const a = {}; a.a = a; console.log(a); console.log(10n); }';
    const { own } = await logOf(testEngine, node(loop));
    assert.deepEqual(types(own), ['<ref *1> { a: [Circular *1] }', '10n']);
  });

  test('levels: what is printed without one counts as INFO', async () => {
    const code = `exports.handler = async () => {
      for (const level of ['trace', 'debug', 'info', 'warn', 'error']) console[level](level);
      process.stdout.write('raw\\n'); process.stdout.write('{"level":"error","message":"own"}\\n');
      process.stdout.write('{"level":"debug","message":"own debug"}\\n'); return process.env.AWS_LAMBDA_LOG_LEVEL;
    }`;
    const cases = {
      TRACE: ['trace', 'debug', 'info', 'warn', 'error', 'raw\n', 'own', 'own debug'],
      DEBUG: ['debug', 'info', 'warn', 'error', 'raw\n', 'own', 'own debug'],
      WARN: ['warn', 'error', 'own'],
      FATAL: [],
    } as const;
    for (const [level, kept] of Object.entries(cases)) {
      const { own, result } = await logOf(testEngine, node(code, json({ applicationLevel: level as never })));
      assert.deepEqual(types(own), kept, level);
      assert.equal(result.value, level);
    }
  });
});

describe('Python', { skip: noPython }, () => {
  const testEngine = startEngine();

  test('logging becomes objects, print stays text', async () => {
    const code = `
import logging
logging.getLogger().info("starting")
def handler(event, context):
    logger = logging.getLogger("mine")
    logger.info("hello %s", "ü", extra={"order": 7})
    logger.debug("hidden")
    print("printed")
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("broken")
`;
    const { own, result } = await logOf(testEngine, python(code));
    assert.deepEqual(types(own), ['starting', 'hello ü', 'printed\n', 'broken']);
    const [, hello, , broken] = own;
    assert.match(hello.timestamp, TIME);
    assert.deepEqual(
      { ...hello, timestamp: undefined },
      {
        timestamp: undefined,
        level: 'INFO',
        message: 'hello ü',
        logger: 'mine',
        requestId: result.requestId,
        order: 7,
      },
    );
    assert.equal(broken.level, 'ERROR');
    assert.equal(broken.errorType, 'ZeroDivisionError');
    assert.equal(broken.errorMessage, 'division by zero');
    assert.match(broken.stackTrace[0], /line 10, in handler/);
    assert.match(broken.location, /app\.py:handler:12$/);
  });

  test('an error of the handler', async () => {
    const { own, result } = await logOf(testEngine, python('def handler(e, c):\n    raise ValueError("no")'));
    assert.equal(own.length, 1);
    const { level, errorType, errorMessage, requestId, stackTrace } = own[0];
    assert.deepEqual([level, errorType, errorMessage, requestId], ['ERROR', 'ValueError', 'no', result.requestId]);
    assert.match(stackTrace[0], /line 2, in handler/);
  });

  test('levels', async () => {
    const code = `
import logging, os
def handler(event, context):
    for level in (10, 20, 30, 40, 50):
        logging.log(level, str(level))
    print("printed")
    return os.environ["AWS_LAMBDA_LOG_LEVEL"]
`;
    const cases = {
      TRACE: ['10', '20', '30', '40', '50', 'printed\n'],
      INFO: ['20', '30', '40', '50', 'printed\n'],
      WARN: ['30', '40', '50'],
      FATAL: ['50'],
    };
    for (const [level, kept] of Object.entries(cases)) {
      const { own } = await logOf(testEngine, python(code, json({ applicationLevel: level as never })));
      assert.deepEqual(types(own), kept, level);
    }
  });
});

describe('a program of its own', { skip: missing('curl', '--version') }, () => {
  test('its lines are kept by their level, and are not changed', async () => {
    const testEngine = startEngine();
    const bootstrap = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while :; do
  id=$(curl -sSi "$api/invocation/next" | sed -n 's/^Lambda-Runtime-Aws-Request-Id: \\(.*\\)\\r$/\\1/ip')
  echo text; echo '{"level":"Warning","message":"careful"}'; echo '{"level":"ERROR","message":"bad"}'
  curl -sS -X POST "$api/invocation/$id/response" -d "\\"$AWS_LAMBDA_LOG_FORMAT\\"" > /dev/null
done
`;
    const spec = { runtime: 'provided.al2023', files: { bootstrap }, programs: ['bootstrap'] };
    const { own, result } = await logOf(testEngine, { ...spec, ...json({ applicationLevel: 'WARN' }) });
    assert.deepEqual(types(own), ['careful', 'bad']);
    assert.equal(result.value, 'JSON');
  });
});

describe('LoggingConfig', () => {
  test('defaults, changes, and what is refused', async () => {
    const brume = await startBrume();
    const { client, create, error } = testLambda(brume);
    const shown = async (FunctionName: string) =>
      (await client.send(new GetFunctionConfigurationCommand({ FunctionName }))).LoggingConfig;
    const update = (LoggingConfig: object) =>
      new UpdateFunctionConfigurationCommand({ FunctionName: 'f', LoggingConfig });
    const JSON_INFO = {
      LogFormat: 'JSON',
      ApplicationLogLevel: 'INFO',
      SystemLogLevel: 'INFO',
      LogGroup: '/aws/lambda/f',
    };

    await create('f', 'async () => console.log("hello")', { LoggingConfig: { LogFormat: 'JSON' } });
    assert.deepEqual(await shown('f'), JSON_INFO);
    await client.send(update({ ApplicationLogLevel: 'DEBUG' }));
    assert.deepEqual(await shown('f'), { ...JSON_INFO, ApplicationLogLevel: 'DEBUG' });
    await client.send(update({ SystemLogLevel: 'WARN', LogGroup: 'mine' }));
    assert.deepEqual(await shown('f'), {
      ...JSON_INFO,
      ApplicationLogLevel: 'DEBUG',
      SystemLogLevel: 'WARN',
      LogGroup: 'mine',
    });
    const { LogResult } = await client.send(new InvokeCommand({ FunctionName: 'f', LogType: 'Tail' }));
    const tail = Buffer.from(LogResult!, 'base64').toString().trim().split('\n');
    // Before it may stand that another version of Node.js runs it.
    assert.equal(JSON.parse(tail.at(-1)!).message, 'hello');
    await client.send(update({ LogFormat: 'Text' }));
    assert.deepEqual(await shown('f'), { LogFormat: 'Text', LogGroup: 'mine' });

    const needsJson =
      'InvalidParameterValueException: To set an application or system log level, you must first set LogFormat to JSON.';
    assert.equal(await error(update({ ApplicationLogLevel: 'DEBUG' })), needsJson);
    assert.match(
      await error(update({ LogFormat: 'JSON', ApplicationLogLevel: 'LOUD' })),
      /^ValidationException: .*Value 'LOUD' at 'loggingConfig\.applicationLogLevel' failed to satisfy constraint: Member must satisfy enum value set: \[TRACE, DEBUG, INFO, WARN, ERROR, FATAL\]/,
    );
    assert.match(
      await error(update({ LogFormat: 'JSON', SystemLogLevel: 'ERROR' })),
      /at 'loggingConfig\.systemLogLevel' failed to satisfy constraint: Member must satisfy enum value set: \[DEBUG, INFO, WARN\]/,
    );
    const text = { FunctionName: 'g', Role: ROLE, Runtime: 'nodejs24.x' as const, Handler: 'index.handler' };
    const created = new CreateFunctionCommand({
      ...text,
      Code: { ZipFile: codeOf('async () => 1') },
      LoggingConfig: { LogFormat: 'Text', SystemLogLevel: 'WARN' },
    });
    assert.equal(await error(created), needsJson);
  });
});
