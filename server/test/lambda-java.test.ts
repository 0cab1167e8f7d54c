// The contract of the Java runtime. https://docs.aws.amazon.com/lambda/latest/dg/lambda-java.html
// The functions are compiled here against the interfaces that the runtime offers, which are those of aws-lambda-java-core.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { JAVA_RUNTIME_JAR } from '../../scripts/build-java-runtime.ts';
import { temporaryDirectory } from './harness.ts';
import { jsonLinesOf, linesOf, randomJson, runCases } from './lambda-contract.ts';
import { missing, noBubblewrap, startEngine, type TestFunction } from './lambda-engine.ts';
import { makeZip } from './lambda-zip.ts';
import { seeded } from './seeded-random.ts';

const noJava = missing('java', '-version') || missing('javac', '-version');
const testEngine = startEngine();
const { deploy, engine, log } = testEngine;

const SOURCES = fileURLToPath(new URL('./java/', import.meta.url));
const classes = noJava ? {} : compiled();

/** Class files of the sources in test/java, by path. */
function compiled(): Record<string, Buffer> {
  const dir = mkdtempSync(join(tmpdir(), 'brume-test-'));
  after(() => rmSync(dir, { recursive: true }));
  const sources = globSync('**/*.java', { cwd: SOURCES });
  const options = ['--release', '17', '-g', '-nowarn', '-cp', JAVA_RUNTIME_JAR, '-d', dir];
  execFileSync('javac', [...options, ...sources], { cwd: SOURCES });
  return Object.fromEntries(globSync('**/*.class', { cwd: dir }).map((path) => [path, readFileSync(join(dir, path))]));
}

function classesOf(...prefixes: string[]): Record<string, Buffer> {
  return Object.fromEntries(
    Object.entries(classes).filter(([path]) => prefixes.some((prefix) => path.startsWith(prefix))),
  );
}

/** A function of example.Handlers: `$Echo`, `::twice`. */
const app = (handler: string, more: Partial<TestFunction> = {}): TestFunction => ({
  runtime: 'java17',
  files: classesOf('example/Handlers'),
  handler: `example.Handlers${handler}`,
  memoryMb: 512,
  ...more,
});

describe('java', { skip: noJava }, () => {
  runCases(testEngine, [
    {
      name: 'any value, both ways',
      function: app('$Echo'),
      event: { a: [1, 'ü€😀', true, 1.5, 12345678901, { b: 'x\n"\\\u0001' }], c: {}, d: [] },
      returns: { a: [1, 'ü€😀', true, 1.5, 12345678901, { b: 'x\n"\\\u0001' }], c: {}, d: [] },
    },
    { name: 'null', function: app('$Echo'), event: null, returns: null },
    { name: 'streams', function: app('$Stream'), event: { a: 'ü' }, returns: [{ a: 'ü' }] },
    {
      name: 'an object by its properties; unknown ones and nulls are left out',
      function: app('$Pojo'),
      event: {
        name: 'n',
        count: '41',
        color: 'GREEN',
        points: [{ x: 1, y: 2 }],
        sizes: { a: 1 },
        hidden: 'x',
        unknown: 1,
        active: true,
      },
      returns: { name: 'n', count: 42, color: 'GREEN', points: [{ x: 1, y: 2 }], sizes: { a: 1 }, active: true },
    },
    {
      name: 'an unknown constant is null, one value is a list, an empty text no object',
      function: app('$Pojo'),
      event: { color: 'BLUE', points: { x: 1, label: 5, next: '' } },
      returns: { count: 1, points: [{ x: 1, y: 0, label: '5' }], active: false },
    },
    {
      name: 'records',
      function: app('$Records'),
      event: { x: 1, y: 2.9, label: 'l' },
      returns: { x: 2, y: 1, label: 'l', next: { x: 1, y: 2, label: 'l' } },
    },
    {
      name: 'types from a generic superclass',
      function: app('$Inherited'),
      event: [
        { x: 1, y: 2, label: 'a' },
        { x: 3, y: 4, label: 'b' },
      ],
      returns: { a: 3, b: 7 },
    },
    {
      name: 'types without a name',
      function: app('::types'),
      event: { a: 1, b: 3e9, c: 1.5, d: 'x', e: false, f: [], g: {}, h: null, i: 1e30 },
      returns: ['Integer', 'Long', 'Double', 'String', 'Boolean', 'ArrayList', 'LinkedHashMap', 'null', 'Double'],
    },
    {
      name: 'times, numbers and bytes read',
      function: app('::describeTimes'),
      event: {
        instant: '2026-01-02T03:04:05.678Z',
        day: '2026-01-02',
        local: [2026, 1, 2, 3, 4],
        length: 'PT1M',
        date: '2026-01-02T00:00:00.000+0000',
        id: '123e4567-e89b-12d3-a456-426614174000',
        exact: '12345678901234567890.123456789',
        bytes: 'AAEC',
        maybe: 'some',
      },
      returns: [
        ...['2026-01-02T03:04:05.678Z', '2026-01-02', '2026-01-02T03:04', 'PT1M', 1767312000000],
        ...['123e4567-e89b-12d3-a456-426614174000', '12345678901234567890.123456789', 3, 'some'],
      ],
    },
    {
      name: 'and written',
      function: app('::times'),
      event: {
        instant: 1.5,
        day: '2026-01-02',
        local: '2026-01-02T03:04:05',
        length: 90,
        date: 5,
        bytes: 'AAEC',
        exact: 1.25,
      },
      returns: {
        instant: 1.5,
        day: [2026, 1, 2],
        local: [2026, 1, 2, 3, 4, 5],
        length: 90,
        date: 5,
        exact: 1.25,
        bytes: 'AAEC',
        maybe: null,
      },
    },
    {
      name: 'nulls of maps are left out, those of lists stay',
      function: app('::nulls'),
      returns: { list: [1, null, 2.5, 'c', 'RED', [1, 2]], item: { count: 0, active: false } },
    },
    { name: 'a method of numbers', function: app('::twice'), event: 21, returns: 42 },
    { name: 'a method of a text and the context', function: app('::upper'), event: 'aß', returns: 'ASS$LATEST' },
    { name: 'a static method without parameters', function: app('::fixed'), returns: 'static' },
    { name: 'the longest of overloaded methods', function: app('::overloaded'), event: '', returns: 'with context' },
    { name: 'a method without result', function: app('::nothing'), returns: null },
    { name: 'a method of streams', function: app('::streams'), event: [1], returns: [1] },
    {
      name: 'jars in lib, resources, and a standard input without anything',
      function: app('$Resources', {
        files: { ...classesOf('example/Handlers'), 'settings.txt': 'set', 'lib/tool.jar': jarOf('library/') },
      }),
      returns: ['set', 42, true, -1],
    },
    {
      name: 'an event of AWS’s library',
      function: app('', { files: classesOf('example/Events', 'com/'), handler: 'example.Events' }),
      event: { Records: [{ eventSourceARN: 'arn', 'detail-type': 'type', arrival: 1.5 }, {}] },
      returns: [2, 'arn', 'type', 1_500],
    },
    {
      name: 'a serializer of the function’s own',
      function: app('::upper', {
        files: {
          ...classesOf('example/Handlers', 'custom/'),
          'META-INF/services/com.amazonaws.services.lambda.runtime.CustomPojoSerializer': 'custom.Serializer\n',
        },
      }),
      event: '12',
      returns: 'CUSTOM 4$LATEST!',
    },
    {
      name: 'an exception, with its trace without the runtime',
      function: app('$Thrower'),
      event: { message: 'no good ü' },
      fails: { errorType: 'example.Handlers$Bad', errorMessage: 'no good ü' },
      check: ({ value, logTail }) => {
        assert.deepEqual(Object.keys(value), ['errorMessage', 'errorType', 'stackTrace']);
        assert.equal(value.stackTrace.length, 3);
        assert.match(value.stackTrace[0], /^example\.Handlers\$Thrower\.inner\(Handlers\.java:\d+\)$/);
        assert.match(
          logTail,
          /\nno good ü: example\.Handlers\$Bad\nexample\.Handlers\$Bad: no good ü\n\tat example\.Handlers\$Thrower\.inner\(Handlers\.java:\d+\)\n[\s\S]*\nCaused by: java\.lang\.IllegalStateException: below\n/,
        );
      },
    },
    {
      name: 'a checked exception without a message, of a method',
      function: app('::throwsChecked'),
      fails: { errorType: 'java.io.IOException', errorMessage: 'java.io.IOException' },
      check: ({ value }) =>
        assert.match(value.stackTrace[0], /example\.Handlers\.throwsChecked\(Handlers\.java:\d+\)$/),
    },
    {
      name: 'an event that does not fit',
      function: app('::twice'),
      event: { a: 1 },
      fails: { errorType: 'java.lang.RuntimeException', errorMessage: 'An error occurred during JSON parsing' },
      check: ({ value, logTail }) => {
        assert.deepEqual(value.stackTrace, []);
        assert.match(logTail, /Caused by: .*Cannot deserialize value of type `int` from Object value/);
      },
    },
    {
      name: 'a result that refers to itself',
      function: app('::unserializable'),
      event: 'itself',
      fails: {
        errorType: 'java.lang.RuntimeException',
        errorMessage: 'An error occurred during JSON serialization of response',
      },
    },
    {
      name: 'a missing class',
      function: app('', { handler: 'example.Missing::run' }),
      fails: { errorType: 'java.lang.ClassNotFoundException', errorMessage: 'Class not found: example.Missing' },
      check: ({ value }) => assert.deepEqual(Object.keys(value), ['errorMessage', 'errorType']),
    },
    ...(
      [
        [
          'a missing method',
          '::missing',
          'No public method named missing with appropriate method signature found on class example.Handlers',
        ],
        [
          'a method of other parameters',
          '::badSignature',
          'No public method named badSignature with appropriate method signature found on class example.Handlers',
        ],
        [
          'a class without interface',
          '$NoInterface',
          'Class does not implement an appropriate handler interface: example.Handlers$NoInterface',
        ],
        ['no method after the colons', '::', "Invalid handler: `example.Handlers::'"],
      ] as const
    ).map(([name, handler, errorMessage]) => ({
      name,
      function: app(handler),
      fails: { errorType: undefined as never, errorMessage },
    })),
    {
      name: 'no constructor without parameters',
      function: app('$NoConstructor'),
      fails: {
        errorType: 'java.lang.Exception',
        errorMessage: 'Class example.Handlers$NoConstructor has no public zero-argument constructor',
      },
    },
    {
      name: 'an exception in the constructor fails the initialization',
      function: app('$FailsInConstructor'),
      fails: { errorType: 'java.lang.IllegalArgumentException', errorMessage: 'in the constructor' },
      check: ({ logTail }) =>
        assert.match(logTail, /INIT_REPORT .*Phase: init\tStatus: error\tError Type: Runtime\.BadFunctionCode/),
    },
    {
      name: 'an exception in the class fails the initialization',
      function: app('$FailsInStatic'),
      fails: {
        errorType: 'java.lang.ExceptionInInitializerError',
        errorMessage: 'Error loading class example.Handlers$FailsInStatic',
      },
    },
    {
      name: 'System.exit',
      function: app('$Exits'),
      event: 4,
      fails: { errorType: 'Runtime.ExitError', errorMessage: /exit status 4$/ },
    },
    {
      name: 'no memory left',
      function: app('$Eats', { memoryMb: 256 }),
      fails: { errorType: 'java.lang.OutOfMemoryError', errorMessage: 'Java heap space' },
    },
    {
      name: 'the environment',
      function: app('$Environment', { environment: { TEXT: 'ü€' }, memoryMb: 1_024 }),
      check: ({ value }) => {
        const [execution, handler, text, inTaskRoot, heapMb, charset] = value;
        assert.deepEqual(
          [execution, handler, text, inTaskRoot, charset],
          ['AWS_Lambda_java17', 'example.Handlers$Environment', 'ü€', true, 'UTF-8'],
        );
        // 85% of the memory, as on AWS; a part of the heap is never told.
        assert.ok(heapMb > 800 && heapMb <= 871, String(heapMb));
      },
    },
    {
      name: 'the context',
      function: app('$Contexts'),
      check: ({ value, requestId }) => {
        const [name, version, memory, id, arn, group, stream, identity, custom, title, remaining, trace] = value;
        assert.deepEqual([version, memory, id], ['$LATEST', 512, requestId]);
        assert.deepEqual([identity, custom, title, trace], [null, null, null, null]);
        assert.equal(arn, `arn:aws:lambda:eu-west-1:123456789012:function:${name}`);
        assert.equal(group, `/aws/lambda/${name}`);
        assert.match(stream, /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/);
        assert.ok(remaining > 5_000 && remaining <= 10_000, String(remaining));
      },
    },
  ]);

  test('state stays between invocations, and is gone with the runtime', async () => {
    const { invoke } = deploy(app('$Count'));
    assert.equal((await invoke({})).value, 1);
    assert.equal((await invoke({})).value, 2);
    const thrower = deploy(app('$Thrower'));
    assert.equal((await thrower.invoke({})).functionError, 'Unhandled');
    const again = await thrower.invoke({ message: 'again' });
    assert.equal(again.value.errorMessage, 'again');
    assert.equal(again.initDurationMs, undefined);
  });

  test('random values come back as they were, nulls of objects aside', async (t) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    t.diagnostic(`seed ${seed}`);
    const random = seeded(seed);
    const { invoke } = deploy(app('$Echo'));
    for (let i = 0; i < 20; i++) {
      const event = Array.from({ length: 50 }, () => randomJson(random));
      assert.deepEqual((await invoke(event)).value, withoutNulls(event), `seed ${seed}`);
    }
  });

  test('large payloads both ways', async () => {
    const { invoke } = deploy(app('$Echo'));
    const event = { text: 'ü€'.repeat(1_000_000) };
    assert.deepEqual((await invoke(event)).value, event);
    assert.deepEqual((await invoke([1])).value, [1]);
  });

  test('the client context and the trace header', async () => {
    const { invoke } = deploy(app('$Contexts'));
    const clientContext = Buffer.from('{"custom":\n{"a":"ü"},"client":{"app_title":"t"}}').toString('base64');
    const { value } = await invoke({}, { clientContext, traceHeader: 'Root=1-2-3' });
    assert.deepEqual([value[8], value[9], value[11]], ['ü', 't', 'Root=1-2-3']);
    assert.deepEqual((await invoke({})).value.slice(8, 10), [null, null]);
  });

  test('messages of the logger are log events, whole', async () => {
    const lines = await linesOf(testEngine, await deploy(app('$Logs')).invoke({}));
    assert.deepEqual(lines, [
      'two\nlines ü',
      'printed ü\n',
      'to standard error\n',
      '[WARN] with a level',
      'bytes',
      'of the runtime',
    ]);
  });

  test('the JSON log format', async () => {
    const logging = { format: 'JSON', applicationLevel: 'WARN' } as const;
    const lines = await jsonLinesOf(testEngine, await deploy(app('$Logs', { logging })).invoke({}));
    const warning = lines.find(({ message }) => message === 'with a level');
    assert.match(warning.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual([warning.level, warning.AWSRequestId?.length], ['WARN', 36]);
    const failed = await deploy(app('$Thrower', { logging })).invoke({ message: 'no' });
    const error = (await jsonLinesOf(testEngine, failed)).find(({ level }) => level === 'ERROR');
    assert.deepEqual([error.level, error.message.split('\n')[0]], ['ERROR', 'no: example.Handlers$Bad']);
  });

  test('jars of layers', { skip: noBubblewrap }, async () => {
    const { version, invoke } = deploy(
      app('$Resources', { files: { ...classesOf('example/Handlers'), 'settings.txt': 's' } }),
    );
    version.layersDir = temporaryDirectory();
    mkdirSync(join(version.layersDir, 'java/lib'), { recursive: true });
    writeFileSync(join(version.layersDir, 'java/lib/tool.jar'), jarOf('library/'));
    assert.deepEqual((await invoke({})).value, ['s', 42, true, -1]);
  });

  test('in the least memory that there is', async () => {
    const { invoke } = deploy(app('$Echo', { memoryMb: 128 }));
    const event = { text: 'x'.repeat(1_000_000) };
    for (let i = 0; i < 5; i++) assert.deepEqual((await invoke(event)).value, event);
  });

  test('as a plain process', async () => {
    const plain = startEngine({ functions: { isolation: 'process' } });
    assert.deepEqual((await plain.deploy(app('$Echo')).invoke([1])).value, [1]);
  });

  test('another version than asked for is told once', async () => {
    const found = await engine.interpreter('java25');
    await deploy(app('$Echo', { runtime: 'java25' })).invoke({});
    await engine.flushLogs();
    const notices = log.filter(({ message }) => message.startsWith('BRUME_NOTICE The runtime java25 is run by Java '));
    assert.equal(notices.length, found.exact ? 0 : 1);
  });
});

/** As AWS's runtime writes objects. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(kept.map(([name, one]) => [name, withoutNulls(one)]));
}

/** A jar of compiled classes; java itself is content with a plain archive. */
function jarOf(prefix: string): Buffer {
  if (noJava) return Buffer.alloc(0);
  return makeZip(Object.entries(classesOf(prefix)).map(([name, data]) => ({ name, data })));
}

test('without Java the answer says what to install', async () => {
  const { engine: other } = startEngine({ functions: { interpreters: { java21: '/nowhere/java' } } });
  await assert.rejects(other.interpreter('java21'), {
    message:
      /^The runtime java21 needs Java on this machine\. Install Java 21 or .* \(apt-get install openjdk-17-jre-headless\)/,
  });
});
