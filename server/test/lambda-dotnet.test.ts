// The contract of the .NET runtime. https://docs.aws.amazon.com/lambda/latest/dg/lambda-csharp.html

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findDotnet } from '#engines/functions/dotnet.ts';
import { dotnetInterpreters, dotnetPackage, noDotnet } from './dotnet-package.ts';
import { temporaryDirectory } from './harness.ts';
import { jsonLinesOf, linesOf, randomJson, runCases } from './lambda-contract.ts';
import { missing, noBubblewrap, startEngine, type TestFunction } from './lambda-engine.ts';
import { seeded } from './seeded-random.ts';

const functions = { interpreters: dotnetInterpreters };
const noCurl = missing('curl', '--version');
const testEngine = startEngine({ functions });
const { deploy, engine } = testEngine;

const handlers = dotnetPackage('Handlers');
const unserialized = dotnetPackage('Unserialized');
const executable = dotnetPackage('Executable', { isProgram: true });

/** A function of Example.Handlers, or of another class: `Twice`, `Abstract::Run`. */
const app = (method: string, more: Partial<TestFunction> = {}): TestFunction => ({
  runtime: 'dotnet8',
  files: handlers,
  handler: `Handlers::Example.${method.includes('::') ? method : `Handlers::${method}`}`,
  memoryMb: 512,
  ...more,
});

const invalid = (errorMessage: string | RegExp) => ({ errorType: 'LambdaValidationException', errorMessage });

describe('dotnet', { skip: noDotnet }, () => {
  runCases(testEngine, [
    { name: 'streams', function: app('Echo'), event: { a: ['ü€😀', 1.5, null] }, returns: { a: ['ü€😀', 1.5, null] } },
    { name: 'a stream of a task', function: app('EchoLater'), event: [1], returns: [1] },
    {
      name: 'an object by the serializer of the assembly, which is in a library of the package',
      function: app('Twice'),
      event: { id: 'ü', count: 21, lines: [{ id: 'l', count: 1 }] },
      returns: { id: 'ü', count: 42, lines: [{ id: 'l', count: 1, lines: null }] },
    },
    {
      name: 'a task of one',
      function: app('TwiceLater'),
      event: { count: 2 },
      returns: { id: null, count: 4, lines: null },
    },
    { name: 'a static method', function: app('Upper'), event: 'aß', returns: 'Aß' },
    { name: 'no parameters', function: app('Next'), returns: 1 },
    { name: 'the context alone', function: app('OnlyContext'), returns: '$LATEST' },
    { name: 'an inherited method', function: app('Inherited'), event: 'is', returns: 'is inherited' },
    { name: 'a private method', function: app('Hidden'), event: 'is', returns: 'is hidden' },
    {
      name: 'one of several by its signature',
      function: app('System.String Overloaded(Int32)'),
      event: 1,
      returns: 'number',
    },
    { name: 'the serializer of the method', function: app('Raw'), event: 12, returns: [12] },
    {
      name: 'dependencies of the only deps.json, where the handler is in a library',
      function: app('Upper', {
        files: {
          ...Object.fromEntries(Object.entries(handlers).filter(([name]) => name.endsWith('.dll'))),
          'App.deps.json': handlers['Handlers.deps.json']!,
          'App.runtimeconfig.json': handlers['Handlers.runtimeconfig.json']!,
        },
      }),
      event: 'a',
      returns: 'A',
    },
    {
      name: 'an exception with its cause, without the frames of the runtime',
      function: app('Throws'),
      event: 'no good ü',
      fails: { errorType: 'NotFoundException', errorMessage: 'no good ü' },
      check: ({ value, logTail }) => {
        assert.deepEqual(Object.keys(value), ['errorType', 'errorMessage', 'stackTrace', 'cause']);
        assert.deepEqual(value.stackTrace.map(withoutPlace), [
          'at Example.Handlers.Inner(String text)',
          'at Example.Handlers.Throws(String text)',
        ]);
        assert.deepEqual([value.cause.errorType, value.cause.errorMessage], ['IndexOutOfRangeException', 'below']);
        assert.match(
          logTail,
          /^[^\t\n]+Z\t[0-9a-f-]{36}\tfail\tExample\.NotFoundException: no good ü\n? ---> System\.Index/m,
        );
      },
    },
    {
      name: 'an exception of a task',
      function: app('ThrowsLater'),
      event: 'late',
      fails: { errorType: 'NotFoundException', errorMessage: 'late' },
      check: ({ value }) => assert.equal(withoutPlace(value.stackTrace[0]), 'at Example.Handlers.Inner(String text)'),
    },
    {
      name: 'several exceptions in one',
      function: app('Aggregate'),
      fails: { errorType: 'AggregateException', errorMessage: /^both/ },
      check: ({ value }) => {
        assert.equal(value.cause.errorMessage, 'one');
        assert.deepEqual(
          value.causes.map((cause: { errorMessage: string }) => cause.errorMessage),
          ['one', 'two'],
        );
      },
    },
    {
      name: 'an event that the serializer does not take',
      function: app('Twice'),
      event: 'x',
      fails: { errorType: 'JsonException', errorMessage: 'No { at 0.' },
    },
    {
      name: 'Environment.Exit',
      function: app('Exits'),
      event: 4,
      fails: { errorType: 'Runtime.ExitError', errorMessage: /exit status 4$/ },
    },
    {
      name: 'an exception that nobody catches ends the process',
      function: app('ThrowsElsewhere'),
      fails: { errorType: 'Runtime.ExitError', errorMessage: /signal: aborted$/ },
      check: ({ logTail }) => assert.match(logTail, /System\.InvalidOperationException: elsewhere/),
    },
    {
      name: 'no serializer for the event',
      function: app('', { files: unserialized, handler: 'Unserialized::Example.Unserialized::Text' }),
      fails: invalid(
        /^Could not find the LambdaSerializerAttribute on the assembly 'Unserialized' or method 'Text' while attempting to deserialize input data of type 'System\.String'\. /,
      ),
    },
    {
      name: 'no serializer for the result',
      function: app('', { files: unserialized, handler: 'Unserialized::Example.Unserialized::Result' }),
      fails: invalid(/ while attempting to serialize output data of type 'System\.String'\. /),
    },
    {
      name: 'none is needed for streams',
      function: app('', { files: unserialized, handler: 'Unserialized::Example.Unserialized::Streams' }),
      event: [1],
      returns: [1],
    },
    ...(
      [
        [
          'a handler of two names',
          'Handlers::Example.Handlers',
          "Invalid lambda function handler: 'Handlers::Example.Handlers'. The valid format is 'ASSEMBLY::TYPE::METHOD'.",
        ],
        [
          'a handler without a method',
          'Handlers::Example.Handlers::',
          "Invalid lambda function handler: 'Handlers::Example.Handlers::', the method is missing. The valid format is 'ASSEMBLY::TYPE::METHOD'.",
        ],
        [
          'a missing assembly',
          'Missing::Example.Handlers::Echo',
          /^Could not find the specified handler assembly with the file name 'Missing.*'\. The assembly should be located in the root of your uploaded \.zip file\.$/,
        ],
        [
          'a missing class',
          'Handlers::Example.Missing::Echo',
          "Unable to load type 'Example.Missing' from assembly 'Handlers'.",
        ],
        [
          'a missing method',
          'Handlers::Example.Handlers::Missing',
          "Unable to find method 'Missing' in type 'Example.Handlers' from assembly 'Handlers': Found no methods matching method name 'Missing'.",
        ],
        [
          'one of several by its name',
          'Handlers::Example.Handlers::Overloaded',
          "The method 'Overloaded' in type 'Example.Handlers' appears to have a number of overloads. To call this method please specify a complete method signature. Possible candidates are:\nSystem.String Overloaded(System.String)\nSystem.String Overloaded(Int32).",
        ],
        [
          'three parameters',
          'Handlers::Example.Handlers::ThreeParameters',
          "Method 'ThreeParameters' of type 'Example.Handlers' is not supported: the method has more than 2 parameters.",
        ],
        [
          'a second parameter that is no context',
          'Handlers::Example.Handlers::WrongSecond',
          "Method 'WrongSecond' of type 'Example.Handlers' is not supported: the method has 2 parameters, but the second parameter is not of type 'Amazon.Lambda.Core.ILambdaContext'.",
        ],
        [
          'async void',
          'Handlers::Example.Handlers::AsyncVoid',
          /^The method 'Void AsyncVoid\(\)' cannot be used as a Lambda Handler because it is an 'async void' method\. /,
        ],
        [
          'a generic method',
          'Handlers::Example.Handlers::Generic',
          /^The method 'T Generic\[T\]\(T\)' cannot be used as a Lambda Handler because it is a generic method\. /,
        ],
        [
          'an abstract class',
          'Handlers::Example.Abstract::Run',
          "The instance method 'System.String Run()' cannot be used as a Lambda Handler because its type 'Example.Abstract' is abstract. Please either use a static handler or specify a type that is not abstract.",
        ],
      ] as const
    ).map(([name, handler, errorMessage]) => ({
      name,
      function: app('', { handler }),
      fails: invalid(errorMessage),
    })),
    {
      name: 'an exception in the constructor fails the initialization',
      function: app('FailsInConstructor::Run'),
      fails: { errorType: 'TargetInvocationException' },
      check: ({ value, logTail }) => {
        assert.deepEqual(
          [value.cause.errorType, value.cause.errorMessage],
          ['ArgumentException', 'in the constructor'],
        );
        assert.match(logTail, /INIT_REPORT .*Phase: init\tStatus: error\tError Type: Runtime\.Unknown/);
      },
    },
    {
      name: 'an exception in the static initializer too',
      function: app('FailsInStatic::Run'),
      fails: { errorType: 'TypeInitializationException' },
    },
    {
      name: 'the context',
      function: app('Context', { environment: { TEXT: 'ü€' } }),
      check: ({ value, requestId }) => {
        const { name, remainingMs, stream, here, unknown, ...rest } = value;
        assert.deepEqual(rest, {
          id: requestId,
          version: '$LATEST',
          arn: `arn:aws:lambda:eu-west-1:123456789012:function:${name}`,
          group: `/aws/lambda/${name}`,
          memory: '512',
          trace: null,
          traceVariable: null,
          traceProvider: null,
          tenant: null,
          serializer: 'Serialization.JsonSerializer',
          identity: null,
          client: null,
          custom: null,
          environment: null,
          execution: 'AWS_Lambda_dotnet8',
          text: 'ü€',
          input: '',
        });
        assert.ok(Number(remainingMs) > 5_000 && Number(remainingMs) <= 10_000, remainingMs);
        assert.match(stream, /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
        assert.match(unknown, /does not have Amazon\.Lambda\.Core\.ILambdaContext\.get_Unknown/);
        if (!noBubblewrap) assert.equal(here, '/var/task');
      },
    },
  ]);

  test('what calls it tells: the client context, the trace, the tenant', async () => {
    const { invoke } = deploy(app('Context'));
    const clientContext = {
      custom: { a: 'ü"\n', b: 1.5 },
      client: { app_title: 'title' },
      env: { locale: 'de' },
      services: [{}, null],
    };
    const { value } = await invoke(
      {},
      {
        clientContext: Buffer.from(JSON.stringify(clientContext)).toString('base64'),
        traceHeader: 'Root=1-2-3',
        tenantId: 'tenant',
      },
    );
    assert.deepEqual(
      [
        value.custom,
        value.client,
        value.environment,
        value.trace,
        value.traceVariable,
        value.traceProvider,
        value.tenant,
      ],
      ['ü"\n1.5', 'title', 'de', 'Root=1-2-3', 'Root=1-2-3', 'Root=1-2-3', 'tenant'],
    );
    assert.equal((await invoke({})).value.traceVariable, null);
  });

  test('a method without a result answers nothing', async () => {
    for (const [method, event] of [
      ['Nothing', { id: 'x' }],
      ['NothingLater', {}],
    ] as const) {
      const { version } = deploy(app(method));
      const payload = Buffer.from(JSON.stringify(event));
      const result = await engine.invoke(version, {
        requestId: '1',
        payload,
        invokedFunctionArn: version.functionArn,
      });
      assert.deepEqual([result.functionError, result.payload.byteLength], [undefined, 0]);
    }
  });

  test('state stays between invocations, errors leave it', async () => {
    const { invoke } = deploy(app('Next'));
    assert.equal((await invoke({})).value, 1);
    assert.equal((await invoke({})).value, 2);
    const thrower = deploy(app('Throws'));
    assert.equal((await thrower.invoke('a')).functionError, 'Unhandled');
    const again = await thrower.invoke('again');
    assert.deepEqual([again.value.errorMessage, again.initDurationMs], ['again', undefined]);
  });

  test('random values come back as they were', async (t) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    t.diagnostic(`seed ${seed}`);
    const random = seeded(seed);
    const { invoke } = deploy(app('Echo'));
    for (let i = 0; i < 20; i++) {
      const event = Array.from({ length: 50 }, () => randomJson(random));
      assert.deepEqual((await invoke(event)).value, event, `seed ${seed}`);
    }
  });

  test('large payloads both ways', async () => {
    const { invoke } = deploy(app('Echo'));
    const event = { text: 'ü€'.repeat(1_000_000) };
    assert.deepEqual((await invoke(event)).value, event);
    assert.deepEqual((await invoke([1])).value, [1]);
  });

  test('lines of the console and messages of the logger', async () => {
    const lines = await linesOf(testEngine, await deploy(app('Logs')).invoke({}));
    assert.deepEqual(
      lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[0-9a-f-]{36}\t/, '> ')),
      [
        '> info\ta line ü\n',
        '> info\ttwo\nlines of 1\n',
        '> info\t1.5\n',
        'in parts\n',
        '> fail\tto standard error\n',
        '> info\tby the logger\n',
        '> warn\twith a level\n',
        '> Odd\tof a level of its own\n',
        '> info\tCheese for 2.00, {braces}, {missing}\n',
        '> crit\tfailed here and here\nSystem.InvalidOperationException: what\n',
        '> static\n',
        '> fail\tstatic with text\n',
        '> info\tlater\n',
      ],
    );
  });

  test('their level and format, by the function’s own variables', async () => {
    const environment = { AWS_LAMBDA_HANDLER_LOG_LEVEL: 'error', AWS_LAMBDA_HANDLER_LOG_FORMAT: 'Unformatted' };
    const lines = await linesOf(testEngine, await deploy(app('Logs', { environment })).invoke({}));
    assert.deepEqual(lines, [
      'in parts\n',
      'to standard error\n',
      'of a level of its own\n',
      'failed here and here\nSystem.InvalidOperationException: what\n',
      'static\n',
      'static with text\n',
    ]);
  });

  test('the JSON log format', async () => {
    const logging = { format: 'JSON', applicationLevel: 'WARN' } as const;
    const all = await jsonLinesOf(testEngine, await deploy(app('Logs', { logging })).invoke({}));
    const lines = all.filter(({ message }) => message && !message.startsWith('BRUME_NOTICE'));
    const told = lines.map(({ timestamp, requestId, ...rest }) => rest);
    assert.match(lines[0].timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(lines[0].requestId.length, 36);
    assert.deepEqual(told, [
      { level: 'Error', message: 'to standard error' },
      { level: 'Warning', message: 'with a level' },
      {
        level: 'Critical',
        message: 'failed here and here',
        0: 'here',
        errorType: 'System.InvalidOperationException',
        errorMessage: 'what',
        stackTrace: ['System.InvalidOperationException: what'],
      },
      { level: 'Error', message: 'static with text', what: 'text' },
    ]);
  });

  test('in the least memory that there is', async () => {
    const { invoke } = deploy(app('Echo', { memoryMb: 128 }));
    const event = { text: 'x'.repeat(1_000_000) };
    for (let i = 0; i < 5; i++) assert.deepEqual((await invoke(event)).value, event);
  });

  test('as a plain process', async () => {
    const plain = startEngine({ functions: { ...functions, isolation: 'process' } });
    assert.deepEqual((await plain.deploy(app('Echo')).invoke([1])).value, [1]);
  });

  describe('a program that speaks the Runtime API by itself', () => {
    const program = (handler: string, more: Partial<TestFunction> = {}) =>
      app('', { files: executable, handler, ...more });

    test('is the assembly that the handler names', async () => {
      const { invoke } = deploy(program('Executable'));
      const first = await invoke({ a: 'ü' });
      assert.deepEqual(first.value, [1, { a: 'ü' }]);
      assert.deepEqual(await linesOf(testEngine, first), ['event 1\n']);
      assert.deepEqual((await invoke([])).value, [2, []]);
      assert.deepEqual((await deploy(program('Executable.dll')).invoke([])).value, [1, []]);
    });

    test('compiled ahead of time: a file of the handler’s name', { skip: noCurl }, async () => {
      const files = {
        App: `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
  curl -sS -D /tmp/headers "$api/next" > /dev/null
  id=$(sed -n 's/^lambda-runtime-aws-request-id: \\(.*\\)\\r$/\\1/ip' /tmp/headers)
  curl -sS "$api/$id/response" -d "[\\"$AWS_EXECUTION_ENV\\",\\"$0\\"]"
done
`,
      };
      const { value } = await deploy(program('App', { files, programs: ['App'] })).invoke({});
      assert.equal(value[0], 'AWS_Lambda_dotnet8');
      assert.match(value[1], /\/App$/);
      const denied = await deploy(program('App', { files })).invoke({});
      assert.deepEqual(denied.value, {
        errorType: 'Runtime.InvalidEntrypoint',
        errorMessage: `RequestId: ${denied.requestId} Error: fork/exec /var/task/App: permission denied`,
      });
    });

    test('that is not there', async () => {
      const { value, logTail } = await deploy(program('Missing')).invoke({});
      assert.equal(value.errorType, 'Runtime.ExitError');
      assert.match(logTail, /Missing\.dll/);
    });
  });
});

/** Frames name file and line where the assembly has them. */
function withoutPlace(frame: string): string {
  return frame.replace(/ in .*$/, '');
}

describe('finding .NET', () => {
  /** A directory as .NET is installed, with these versions; `dotnet` runs everything. */
  function install(...versions: string[]): string {
    const dir = temporaryDirectory();
    for (const version of versions) mkdirSync(join(dir, 'shared/Microsoft.NETCore.App', version), { recursive: true });
    writeFileSync(join(dir, 'dotnet'), '#!/bin/sh\n', { mode: 0o755 });
    return dir;
  }

  for (const [name, wanted, versions, found] of [
    ['the version asked for, its newest', 8, ['6.0.36', '8.0.9', '8.0.11', '10.0.2'], '8.0.11'],
    ['else the next newer', 8, ['6.0.36', '9.0.1', '10.0.2'], '9.0.1'],
    ['by number, not by letter', 10, ['9.0.1', '10.0.2'], '10.0.2'],
    ['a release candidate', 10, ['10.0.0-rc.1.25451.107'], '10.0.0-rc.1.25451.107'],
  ] as const) {
    test(name, async () => {
      for (const environment of [{ DOTNET_ROOT: install(...versions) }, { PATH: `/nowhere:${install(...versions)}` }]) {
        const { version, exact } = await findDotnet(`dotnet${wanted}`, wanted, { configured: undefined, environment });
        assert.deepEqual([version, exact], [found, found.startsWith(`${wanted}.`)]);
      }
    });
  }

  test('one that is too old is none, but for the one that is configured', async () => {
    const dir = install('6.0.36');
    const environment = { DOTNET_ROOT: dir };
    await assert.rejects(findDotnet('dotnet8', 8, { configured: undefined, environment }), {
      message:
        /^The runtime dotnet8 needs the \.NET runtime on this machine\. Install \.NET 8 or newer \(apt-get install dotnet-runtime-8\.0, /,
    });
    const { version } = await findDotnet('dotnet8', 8, { configured: join(dir, 'dotnet'), environment: {} });
    assert.equal(version, '6.0.36');
  });

  test('one that does not run is none', async () => {
    const dir = install('8.0.1');
    writeFileSync(join(dir, 'dotnet'), '#!/bin/sh\nexit 1\n');
    await assert.rejects(findDotnet('dotnet8', 8, { configured: join(dir, 'dotnet'), environment: {} }), {
      message: /Last tried: Command failed: /,
    });
  });

  test('without .NET the answer says what to install', async () => {
    const { engine: other } = startEngine({ functions: { interpreters: { dotnet10: '/nowhere/dotnet' } } });
    await assert.rejects(other.interpreter('dotnet10'), { message: /apt-get install dotnet-runtime-10\.0, / });
  });
});
