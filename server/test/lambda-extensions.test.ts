// External and internal extensions beside functions: registration, events, what goes wrong, and the end.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, PublishLayerVersionCommand } from '@aws-sdk/client-lambda';
import { startBrume } from '#test/harness.ts';
import { missing, startEngine, type TestEngine, type TestFunction } from './lambda-engine.ts';
import { testLambda } from './lambda-functions.ts';
import { makeZip } from './lambda-zip.ts';

/** As the sandbox shows it. */
const noPython = missing('/usr/bin/python3', '--version');

/**
 * An extension in Python. `after` runs with each event; what it prints is in the log.
 */
const extension = ({
  events = ['INVOKE', 'SHUTDOWN'],
  name = '',
  registered = 'pass',
  after = 'pass',
}: {
  events?: string[];
  name?: string;
  registered?: string;
  after?: string;
} = {}) => `#!/usr/bin/python3 -S
import http.client, json, os, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
name = ${JSON.stringify(name)} or os.path.basename(sys.argv[0])
def say(text):
    print(text, flush=True)
def call(method, path, body=None, **headers):
    api.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    response = api.getresponse()
    return response.status, dict(response.getheaders()), response.read().decode()
E = "/2020-01-01/extension/"
status, headers, body = call("POST", E + "register", json.dumps({"events": ${JSON.stringify(events)}}), Lambda_Extension_Name=name)
if status != 200: say("refused " + body); sys.exit(1)
me = {"Lambda_Extension_Identifier": headers["Lambda-Extension-Identifier"]}
${registered}
while True:
    status, headers, body = call("GET", E + "event/next", **me)
    event = json.loads(body)
    say("%s got %s" % (name, event.get("eventType") or body))
    ${after.split('\n').join('\n    ')}
    if event["eventType"] == "SHUTDOWN": say("%s ends: %s" % (name, event["shutdownReason"])); sys.exit(0)
`;

const node = (code: string, extensions: Record<string, string>, more: Partial<TestFunction> = {}): TestFunction => ({
  runtime: 'nodejs24.x',
  files: { 'index.js': code },
  handler: 'index.handler',
  layers: {
    files: Object.fromEntries(Object.entries(extensions).map(([name, text]) => [`extensions/${name}`, text])),
    programs: Object.keys(extensions).map((name) => `extensions/${name}`),
  },
  ...more,
});
const ECHO = 'exports.handler = async (event) => { console.log("handles"); return event; }';

/** Until the message was logged; all messages. */
async function logged({ engine, log }: TestEngine, pattern: RegExp | number): Promise<string[]> {
  for (let attempt = 0; attempt < 300; attempt++) {
    await engine.flushLogs();
    const messages = log.map(({ message }) => message);
    if (pattern instanceof RegExp ? messages.some((message) => pattern.test(message)) : messages.length >= pattern) {
      return messages;
    }
    await sleep(10);
  }
  throw new Error(`${pattern} was not logged: ${JSON.stringify(log.map(({ message }) => message))}`);
}
const brief = (messages: string[]) =>
  messages
    .map((message) => /^(EXTENSION.*|[A-Z_]+(?= )|.*)/.exec(message.replace(/^\S+\t\S+\tINFO\t/, ''))![0])
    .map((message) => message.replaceAll('\t', ' '));

describe('external extensions', { skip: noPython }, () => {
  test('start before the runtime, hear of each invocation and of the end', async () => {
    const testEngine = startEngine();
    const fn = testEngine.deploy(node(ECHO, { one: extension() }));
    assert.equal((await fn.invoke('a')).value, 'a');
    await logged(testEngine, /^REPORT/);
    assert.equal((await fn.invoke('b')).value, 'b');
    await testEngine.engine.retire(fn.version.versionArn);
    const messages = brief(await logged(testEngine, /^one ends/)).filter((line) => !line.startsWith('BRUME_NOTICE'));
    assert.deepEqual(messages.slice(0, 3), [
      'INIT_START',
      'EXTENSION Name: one State: Ready Events: [INVOKE, SHUTDOWN]',
      'START',
    ]);
    assert.deepEqual(
      messages
        .slice(3)
        .filter((line) => !/^(START|END|REPORT)/.test(line))
        .sort(),
      ['handles', 'handles', 'one ends: spindown', 'one got INVOKE', 'one got INVOKE', 'one got SHUTDOWN'],
    );
  });

  test('what they are told, and the environment they have', async () => {
    const testEngine = startEngine();
    const traceHeader = 'Root=1-5f35ae12-0c0fec141ab77a00bc047aa2;Parent=2be948a625588e32;Sampled=1';
    const registered =
      'say("REGISTERED " + body)\nsay("ENVIRONMENT " + json.dumps([os.environ.get(n) for n in ["_HANDLER", "AWS_LAMBDA_FUNCTION_NAME", "LAMBDA_TASK_ROOT", "MINE"]]))';
    const fn = testEngine.deploy(
      node(ECHO, { one: extension({ registered, after: 'say("EVENT " + body)' }) }, { environment: { MINE: 'yes' } }),
    );
    const { requestId } = await fn.invoke({}, { traceHeader });
    const messages = await logged(testEngine, /^EVENT/);
    const found = (word: string) =>
      JSON.parse(messages.find((message) => message.startsWith(word))!.slice(word.length));
    assert.deepEqual(found('REGISTERED '), {
      functionName: fn.version.functionName,
      functionVersion: '$LATEST',
      handler: 'index.handler',
    });
    assert.deepEqual(found('ENVIRONMENT '), [null, fn.version.functionName, null, 'yes']);
    const { deadlineMs, ...event } = found('EVENT ');
    assert.ok(deadlineMs > Date.now() && deadlineMs < Date.now() + 11_000);
    assert.deepEqual(event, {
      eventType: 'INVOKE',
      requestId,
      invokedFunctionArn: fn.version.functionArn,
      tracing: { type: 'X-Amzn-Trace-Id', value: traceHeader },
    });
  });

  test('the caller has the response while an extension goes on; the environment waits for it', async () => {
    const testEngine = startEngine();
    const after = 'time.sleep(0.5 if event["eventType"] == "INVOKE" else 0)';
    const fn = testEngine.deploy(node(ECHO, { slow: extension({ after }) }));
    await fn.invoke({});
    await logged(testEngine, /^REPORT/);
    const beganMs = performance.now();
    await fn.invoke({});
    assert.ok(performance.now() - beganMs < 400, 'the response did not wait');
    assert.equal(testEngine.engine.concurrency(), 1);
    const report = (await logged(testEngine, testEngine.log.length + 1)) && (await logged(testEngine, /^REPORT/));
    for (let attempt = 0; attempt < 200 && testEngine.engine.concurrency() > 0; attempt++) await sleep(10);
    assert.equal(testEngine.engine.concurrency(), 0);
    const reports = (await logged(testEngine, report.length)).filter((line) => line.startsWith('REPORT'));
    assert.equal(reports.length, 2);
    assert.ok(Number(/\tDuration: ([\d.]+)/.exec(reports[1]!)![1]) >= 490, reports[1]);
    const samples = testEngine.samples.filter(({ metricName }) => metricName === 'PostRuntimeExtensionsDuration');
    assert.equal(samples.length, 2);
    assert.ok(samples.every(({ value }) => (value as number) > 350 && (value as number) < 2_000));
  });

  test('several, with what each asked for', async () => {
    const testEngine = startEngine();
    const fn = testEngine.deploy(
      node(ECHO, {
        all: extension(),
        none: extension({ events: [] }),
        end: extension({ events: ['SHUTDOWN'] }),
      }),
    );
    await fn.invoke({});
    await logged(testEngine, /^REPORT/);
    await testEngine.engine.retire(fn.version.versionArn);
    const messages = brief(await logged(testEngine, /^end ends/));
    assert.deepEqual(
      messages.filter((line) => line.startsWith('EXTENSION')),
      [
        'EXTENSION Name: all State: Ready Events: [INVOKE, SHUTDOWN]',
        'EXTENSION Name: end State: Ready Events: [SHUTDOWN]',
        'EXTENSION Name: none State: Ready Events: []',
      ],
    );
    assert.deepEqual(messages.filter((line) => line.includes(' got ')).sort(), [
      'all got INVOKE',
      'all got SHUTDOWN',
      'end got SHUTDOWN',
    ]);
  });

  test('the runtime gets SIGTERM before', async () => {
    const testEngine = startEngine();
    const code = `process.on('SIGTERM', () => {}); ${ECHO}`;
    const python = `import signal, sys
def end(*_):
    print("runtime ends", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
def handler(event, context): return 1`;
    const fn = testEngine.deploy({
      ...node(code, { one: extension() }),
      runtime: 'python3.11',
      files: { 'app.py': python },
      handler: 'app.handler',
    });
    assert.equal((await fn.invoke({})).value, 1);
    await logged(testEngine, /^REPORT/);
    await testEngine.engine.retire(fn.version.versionArn);
    const messages = await logged(testEngine, /^one ends/);
    const order = messages.filter((line) => /ends|SHUTDOWN$/m.test(line) && !line.startsWith('EXTENSION'));
    assert.deepEqual(order, ['runtime ends\n', 'one got SHUTDOWN\n', 'one ends: spindown\n']);
  });

  test('one that does not end is killed after two seconds', async () => {
    const testEngine = startEngine();
    const fn = testEngine.deploy(
      node(ECHO, { stubborn: extension({ after: 'if event["eventType"] == "SHUTDOWN": time.sleep(60)' }) }),
    );
    await fn.invoke({});
    await logged(testEngine, /^REPORT/);
    const beganMs = performance.now();
    await testEngine.engine.retire(fn.version.versionArn);
    const tookMs = performance.now() - beganMs;
    assert.ok(tookMs > 1_500 && tookMs < 5_000, String(tookMs));
  });

  /** Each is the only extension of a function that echoes; the invocation fails so. */
  const failures: [name: string, extension: string, errorType: string, message: RegExp, line: RegExp][] = [
    [
      'it ends before it registers',
      '#!/bin/sh\nexit 7\n',
      'Extension.Crash',
      /Error: exit status 7$/,
      /Name: one State: Exited Events: \[\] Error Type: Extension\.Crash/,
    ],
    [
      'it ends after it registered',
      extension({ registered: 'sys.exit(0)' }),
      'Extension.Crash',
      /Error: exit code 0$/,
      /State: Exited Events: \[INVOKE, SHUTDOWN\] Error Type: Extension\.Crash/,
    ],
    [
      'it reports that it cannot begin',
      extension({
        registered:
          'call("POST", E + "init/error", "{}", Lambda_Extension_Function_Error_Type="Extension.NoKey", **me); time.sleep(9)',
      }),
      'Extension.InitError',
      /Error: Extension\.NoKey$/,
      /State: InitError Events: \[INVOKE, SHUTDOWN\] Error Type: Extension\.NoKey/,
    ],
    [
      'it is no program',
      'hello',
      'Extension.LaunchError',
      /exec format error$/,
      /State: LaunchError Events: \[\] Error Type: UnknownError/,
    ],
    [
      'it crashes with an event',
      extension({ after: 'os.kill(os.getpid(), 9)' }),
      'Extension.Crash',
      /Error: signal: killed$/,
      /State: Ready/,
    ],
    [
      'it reports that it must end',
      extension({
        after:
          'call("POST", E + "exit/error", "{}", Lambda_Extension_Function_Error_Type="Extension.Lost", **me); time.sleep(9)',
      }),
      'Extension.ExitError',
      /Error: Extension\.Lost$/,
      /State: Ready/,
    ],
  ];
  for (const [name, code, errorType, message, line] of failures) {
    test(name, async () => {
      const testEngine = startEngine();
      // So that the extension is first.
      const slow = 'exports.handler = () => new Promise((done) => setTimeout(done, 3000, "late"))';
      const { value, functionError } = await testEngine.deploy(node(slow, { one: code })).invoke({});
      assert.equal(functionError, 'Unhandled');
      assert.equal(value.errorType, errorType);
      assert.match(value.errorMessage, message);
      const messages = await logged(testEngine, /^REPORT/);
      assert.match(
        messages.find((text) => text.startsWith('REPORT'))!,
        new RegExp(`Status: error\tError Type: ${errorType}`),
      );
      assert.match(brief(messages).join('\n'), line);
    });
  }

  test('after a time-out extensions hear of it, and begin anew', async () => {
    const testEngine = startEngine();
    const code = 'exports.handler = (event) => new Promise((done) => event.slow ? setTimeout(done, 9000) : done("ok"))';
    const fn = testEngine.deploy(node(code, { one: extension() }, { timeoutS: 1 }));
    assert.equal((await fn.invoke({ slow: true })).value.errorType, 'Sandbox.Timedout');
    await logged(testEngine, /^REPORT/);
    assert.equal((await fn.invoke({})).value, 'ok');
    const messages = brief(await logged(testEngine, /^one ends: timeout/));
    assert.equal(messages.filter((line) => line.startsWith('EXTENSION')).length, 2);
  });

  test('an extension that takes too long ends the invocation that was answered', async () => {
    const testEngine = startEngine();
    const after = 'time.sleep(9 if event["eventType"] == "INVOKE" else 0)';
    const fn = testEngine.deploy(node(ECHO, { slow: extension({ after }) }, { timeoutS: 1 }));
    assert.equal((await fn.invoke('there')).value, 'there');
    const messages = await logged(testEngine, /^REPORT/);
    assert.match(messages.join(''), /Task timed out after 1\.00 seconds/);
    assert.match(messages.find((line) => line.startsWith('REPORT'))!, /Duration: 1000\.00 ms.*Status: timeout/);
  });

  test('an environment that is ended while an extension is busy is gone at once, and says nothing of it', async () => {
    const testEngine = startEngine();
    const after = 'time.sleep(60)';
    const fn = testEngine.deploy(node(ECHO, { busy: extension({ after, events: ['INVOKE'] }) }));
    assert.equal((await fn.invoke(1)).value, 1);
    await testEngine.engine.stop();
    for (let attempt = 0; attempt < 200 && testEngine.engine.concurrency() > 0; attempt++) await sleep(10);
    assert.equal(testEngine.engine.concurrency(), 0);
    assert.ok((await logged(testEngine, /^REPORT/)).every((message) => !/Error|timed out/.test(message)));
  });

  test('the eleventh is too many', async () => {
    const testEngine = startEngine();
    const names = Array.from({ length: 11 }, (_, index) => `e${String(index).padStart(2, '0')}`);
    const fn = testEngine.deploy(node(ECHO, Object.fromEntries(names.map((name) => [name, '#!/bin/sh\n']))));
    assert.equal((await fn.invoke({})).value.errorType, 'Extension.LaunchError');
    assert.match(
      brief(await logged(testEngine, /^REPORT/)).join('\n'),
      /Name: e10 State: LaunchError Events: \[\] Error Type: TooManyExtensions/,
    );
  });

  test('with a program of the function’s own', { skip: missing('curl', '--version') }, async () => {
    const testEngine = startEngine();
    const bootstrap = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while :; do
  id=$(curl -sSi "$api/invocation/next" | sed -n 's/^Lambda-Runtime-Aws-Request-Id: \\(.*\\)\\r$/\\1/ip')
  curl -sS -X POST "$api/invocation/$id/response" -d '"own"' > /dev/null
done
`;
    const fn = testEngine.deploy({
      ...node('', { one: extension() }),
      runtime: 'provided.al2023',
      files: { bootstrap },
      programs: ['bootstrap'],
    });
    assert.equal((await fn.invoke({})).value, 'own');
    assert.deepEqual(
      brief(await logged(testEngine, /^REPORT/)).filter((line) => line.includes('got')),
      ['one got INVOKE'],
    );
  });
});

describe('internal extensions', () => {
  /** Registers from inside of the runtime. */
  const inside = `
const http = require('node:http');
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const call = (method, path, body, headers = {}) => new Promise((resolve) => http.request(
  { host, port, method, path: '/2020-01-01/extension/' + path, headers },
  async (response) => { let text = ''; for await (const part of response) text += part; resolve({ status: response.statusCode, headers: response.headers, text }); },
).end(body));
const register = (name, events) => call('POST', 'register', JSON.stringify({ events }), name ? { 'Lambda-Extension-Name': name } : {});
`;
  const inLayer = (code: string) => ({
    ...node(`${inside}\n${code}`, {}),
    layers: { files: { 'nodejs/x.js': '' } },
  });

  test('what cannot be registered', async () => {
    const testEngine = startEngine();
    const code = `
exports.handler = async () => answers;
const answers = [];
const ready = (async () => {
  for (const [name, events] of [['', []], ['a', ['SHUTDOWN']], ['a', ['NEVER']], ['a', 7]]) answers.push(await register(name, events));
  answers.push(await call('GET', 'event/next'), await call('GET', 'event/next', undefined, { 'Lambda-Extension-Identifier': 'x' }));
  answers.push(await call('GET', 'event/next', undefined, { 'Lambda-Extension-Identifier': '00000000-0000-4000-8000-000000000000' }));
  answers.push(await call('GET', 'nothing'));
})();
exports.handler = async () => { await ready; answers.push(await register('late', [])); return answers; };
`;
    const { value } = await testEngine.deploy(inLayer(code)).invoke({});
    assert.deepEqual(
      value.map(({ status, text }: any) => [status, status === 404 ? '' : JSON.parse(text).errorType]),
      [
        [403, 'Extension.InvalidExtensionName'],
        [403, 'Extension.InvalidEventType'],
        [403, 'Extension.InvalidEventType'],
        [403, 'InvalidRequestFormat'],
        [403, 'Extension.MissingExtensionIdentifier'],
        [403, 'Extension.InvalidExtensionIdentifier'],
        [403, 'Extension.UnknownExtensionIdentifier'],
        [404, ''],
        [403, 'Extension.RegistrationClosed'],
      ],
    );
  });

  test('one in a thread of the runtime', { skip: missing('python3', '--version') }, async () => {
    const testEngine = startEngine();
    const code = `
import http.client, json, os, threading
seen = []
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
api.request("POST", "/2020-01-01/extension/register", '{"events":["INVOKE"]}', {"Lambda-Extension-Name": "inner"})
response = api.getresponse()
me = response.getheader("Lambda-Extension-Identifier")
response.read()
def run():
    while True:
        api.request("GET", "/2020-01-01/extension/event/next", headers={"Lambda-Extension-Identifier": me})
        seen.append(json.loads(api.getresponse().read())["requestId"])
threading.Thread(target=run, daemon=True).start()
def handler(event, context):
    return seen
`;
    const fn = testEngine.deploy({ files: { 'app.py': code }, layers: { files: { 'python/x.py': '' } } });
    const { requestId } = await fn.invoke({});
    await logged(testEngine, /^REPORT/);
    assert.ok((await fn.invoke({})).value.includes(requestId));
    assert.match(
      brief(await logged(testEngine, /^REPORT/)).join('\n'),
      /EXTENSION Name: inner State: Ready Events: \[INVOKE\]/,
    );
  });

  test('a wrapper script starts the runtime', async () => {
    const testEngine = startEngine();
    const fn = testEngine.deploy({
      ...node('exports.handler = async () => [process.env.WRAPPED, process.execPath]', {}),
      layers: { files: { wrap: '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n' }, programs: ['wrap'] },
      environment: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/wrap' },
    });
    assert.equal((await fn.invoke({})).value[0], 'yes');
  });
});

test('the log that an invocation answers has the report, which extensions delay', { skip: noPython }, async () => {
  const { client, create } = testLambda(await startBrume());
  const slow = extension({ after: 'time.sleep(0.3)' });
  const ZipFile = makeZip([{ name: 'extensions/slow', data: slow, mode: 0o100755 }]);
  const layer = await client.send(new PublishLayerVersionCommand({ LayerName: 'slow', Content: { ZipFile } }));
  await create('watched', 'async (event) => event', { Layers: [layer.LayerVersionArn!] });
  for (const attempt of [1, 2]) {
    const { LogResult } = await client.send(new InvokeCommand({ FunctionName: 'watched', LogType: 'Tail' }));
    assert.match(
      Buffer.from(LogResult!, 'base64').toString(),
      /slow got INVOKE.*END RequestId.*REPORT RequestId: [^\n]*Duration: [3-9]\d\d\.\d\d ms/s,
      `${attempt}`,
    );
  }
});
