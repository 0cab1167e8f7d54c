// The Telemetry and the Logs API: what an extension may subscribe to, and what it gets.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { missing, noBubblewrap, startEngine, type TestEngine, type TestFunction } from './lambda-engine.ts';

/** As the sandbox shows it. */
const noPython = missing('/usr/bin/python3', '--version');

interface Subscribing {
  path?: string;
  body?: object;
  /** What listens, and tells in the log what came. */
  listen?: 'HTTP' | 'TCP' | 'nobody';
  /** The answers to further requests of the same. */
  more?: object[];
}

/**
 * Subscribes, and says every event that it gets as `GOT json` (to descriptor 2, which is not told as its own output when only
 * the platform is asked for). It goes on for 0.3 s after each invocation, so that what was told meanwhile arrives.
 */
const subscriber = ({
  path = '/2022-07-01/telemetry',
  body = { schemaVersion: '2022-12-13', types: ['platform', 'function'], buffering: { timeoutMs: 25 } },
  listen = 'HTTP',
  more = [],
}: Subscribing) => `#!/usr/bin/python3
import http.client, http.server, json, os, socket, sys, threading, time
def say(text):
    print(text, flush=True)
def tell(events):
    for event in events: say("GOT " + json.dumps(event))
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        say("BATCH %s %s" % (self.path, self.headers["Host"].split(":")[0]))
        tell(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
listen = ${JSON.stringify(listen)}
body = json.loads(${JSON.stringify(JSON.stringify(body))})
if listen == "TCP":
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    def read():
        lines = server.accept()[0].makefile()
        for line in lines: tell([json.loads(line)])
    threading.Thread(target=read, daemon=True).start()
    body.setdefault("destination", {"protocol": "TCP", "port": port})
elif listen == "HTTP":
    server = http.server.ThreadingHTTPServer(("sandbox.localdomain", 0), Handler)
    port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    body.setdefault("destination", {"protocol": "HTTP", "URI": "http://sandbox.localdomain:%d/here?x=1" % port})
else:
    body.setdefault("destination", {"protocol": "HTTP", "URI": "http://sandbox:9"})
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, **headers):
    api.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    response = api.getresponse()
    return response.status, dict(response.getheaders()), response.read().decode()
_, headers, _ = call("POST", "/2020-01-01/extension/register", '{"events":["INVOKE","SHUTDOWN"]}', Lambda_Extension_Name="sub")
me = {"Lambda_Extension_Identifier": headers["Lambda-Extension-Identifier"]}
for request in [body] + json.loads(${JSON.stringify(JSON.stringify(more))}):
    status, _, answer = call("PUT", "${path}", json.dumps(request), **me)
    say("ANSWER %d %s" % (status, answer.strip()))
while True:
    _, _, event = call("GET", "/2020-01-01/extension/event/next", **me)
    kind = json.loads(event)["eventType"]
    if kind == "INVOKE":
        time.sleep(0.3)
        status, _, answer = call("PUT", "${path}", json.dumps(body), **me)
        say("LATE %d %s" % (status, answer.strip()))
    else:
        time.sleep(0.3)
        say("END")
        sys.exit(0)
`;

const withSubscriber = (subscribing: Subscribing, more: Partial<TestFunction> = {}): TestFunction => ({
  runtime: 'nodejs24.x',
  files: {
    'index.js':
      'exports.handler = async (event) => { console.log("hello"); process.stdout.write("raw\\n"); return 1; }',
  },
  handler: 'index.handler',
  layers: { files: { 'extensions/sub': subscriber(subscribing) }, programs: ['extensions/sub'] },
  ...more,
});

/** Runs it once and ends it; what the extension said, by its first word. */
async function told(testEngine: TestEngine, spec: TestFunction) {
  const fn = testEngine.deploy(spec);
  const result = await fn.invoke({});
  for (let attempt = 0; attempt < 300 && testEngine.engine.concurrency() > 0; attempt++) await sleep(10);
  await testEngine.engine.retire(fn.version.versionArn);
  await testEngine.engine.flushLogs();
  const messages = testEngine.log.map(({ message }) => message.trimEnd());
  const said = (word: string) =>
    messages.filter((message) => message.startsWith(`${word} `)).map((message) => message.slice(word.length + 1));
  const events = said('GOT').map((text) => JSON.parse(text) as { time: string; type: string; record: any });
  return { fn, result, messages, events, said, types: events.map(({ type }) => type) };
}

describe('telemetry', { skip: noPython || noBubblewrap }, () => {
  test('the life of an environment, over HTTP', async () => {
    const { result, events, types, said, messages } = await told(startEngine(), withSubscriber({}));
    assert.deepEqual(types, [
      'platform.initStart',
      'platform.telemetrySubscription',
      'platform.extension',
      'platform.initRuntimeDone',
      'platform.initReport',
      'platform.start',
      'function',
      'function',
      'platform.runtimeDone',
      'platform.report',
    ]);
    const of = (type: string) => events.find((event) => event.type === type)!.record;
    for (const { time } of events) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(of('platform.telemetrySubscription'), {
      name: 'sub',
      state: 'Subscribed',
      types: ['platform', 'function'],
    });
    assert.deepEqual(of('platform.extension'), { name: 'sub', state: 'Ready', events: ['INVOKE', 'SHUTDOWN'] });
    assert.equal(of('platform.start').requestId, result.requestId);
    assert.match(of('function'), /\tINFO\thello$/);
    assert.equal(events[7]!.record, 'raw');
    assert.equal(of('platform.runtimeDone').status, 'success');
    assert.ok(of('platform.report').metrics.durationMs >= 300, 'the extension is part of it');
    assert.deepEqual(said('ANSWER'), ['200 "OK"']);
    assert.ok(said('BATCH').every((text) => text === '/here?x=1 sandbox.localdomain'));
    assert.deepEqual(said('LATE'), [
      '403 {"errorMessage":"Telemetry API subscription is closed already","errorType":"Telemetry.SubscriptionClosed"}',
    ]);
    assert.ok(messages.includes('TELEMETRY\tName: sub\tState: Subscribed\tTypes: [platform, function]'));
  });

  test('lines of JSON over TCP, of the extension as well', async () => {
    const body = { schemaVersion: '2025-01-29', types: ['extension'], buffering: { timeoutMs: 25 } };
    const spec = withSubscriber({ listen: 'TCP', body });
    // What it says of an event would be an event again.
    spec.layers!.files['extensions/sub'] = String(spec.layers!.files['extensions/sub']).replace(
      'for event in events: say',
      'for event in events:\n        if "GOT" not in event["record"]: say',
    );
    const { events } = await told(startEngine(), spec);
    assert.ok(events.length >= 1);
    assert.deepEqual(events[0], { time: events[0]!.time, type: 'extension', record: 'ANSWER 200 "OK"' });
  });

  test('with the JSON log format lines of the function are objects, and filtered', async () => {
    const code =
      'exports.handler = async () => { console.log({ a: 1 }); console.debug("hidden"); process.stdout.write("raw\\n"); }';
    const body = { schemaVersion: '2022-12-13', types: ['function'], buffering: { timeoutMs: 25 } };
    const spec = withSubscriber({ body }, { files: { 'index.js': code }, logging: { format: 'JSON' } });
    const { events } = await told(startEngine(), spec);
    assert.deepEqual(
      events.map(({ record }) => record.message ?? record),
      [{ a: 1 }, 'raw'],
    );
  });

  test('the Logs API', async () => {
    const body = { types: ['platform'], buffering: { timeoutMs: 25 } };
    const { types, messages, said } = await told(startEngine(), withSubscriber({ path: '/2020-08-15/logs', body }));
    assert.deepEqual(types, [
      'platform.logsSubscription',
      'platform.extension',
      'platform.start',
      'platform.end',
      'platform.report',
    ]);
    assert.ok(messages.includes('LOGS\tName: sub\tState: Subscribed\tTypes: [platform]'));
    assert.match(said('LATE')[0]!, /^403 .*Logs\.SubscriptionClosed/);
  });

  test('a function that fails', async () => {
    const files = { 'index.js': 'exports.handler = () => process.exit(2)' };
    const body = { schemaVersion: '2022-12-13', types: ['platform'], buffering: { timeoutMs: 25 } };
    const { events, types } = await told(startEngine(), withSubscriber({ body }, { files }));
    assert.deepEqual(types.slice(-3), ['platform.fault', 'platform.runtimeDone', 'platform.report']);
    assert.match(events.at(-3)!.record, /Runtime exited with error: exit status 2\nRuntime\.ExitError$/);
    assert.equal(events.at(-1)!.record.status, 'error');
  });

  test('what nobody takes is dropped, and told', async () => {
    const log = startEngine();
    const body = { schemaVersion: '2022-12-13', types: ['platform'], buffering: { timeoutMs: 25 } };
    const spec = withSubscriber({ listen: 'nobody', body }, { logging: { format: 'JSON', systemLevel: 'WARN' } });
    const fn = log.deploy(spec);
    await fn.invoke({});
    for (let attempt = 0; attempt < 300; attempt++) {
      await log.engine.flushLogs();
      const dropped = log.log.find(({ message }) => message.includes('platform.logsDropped'));
      if (dropped) {
        const { record } = JSON.parse(dropped.message);
        assert.ok(record.droppedRecords > 0 && record.droppedBytes > 0);
        assert.match(record.reason, /^could not send events: /);
        return;
      }
      await sleep(10);
    }
    assert.fail('nothing was told');
  });

  test('an event of one environment goes to no process of another', async () => {
    const testEngine = startEngine();
    // A server of this test listens where the extension says that it does.
    const { createServer } = await import('node:http');
    const heard: string[] = [];
    const server = createServer((request, response) => {
      heard.push(request.url!);
      response.end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const destination = { protocol: 'HTTP', URI: `http://sandbox.localdomain:${port}/secret` };
    const body = { schemaVersion: '2022-12-13', types: ['platform'], buffering: { timeoutMs: 25 }, destination };
    await told(testEngine, withSubscriber({ listen: 'nobody', body }));
    server.close();
    assert.deepEqual(heard, []);
  });

  test('what is no subscription', async () => {
    const valid = {
      schemaVersion: '2022-12-13',
      types: ['platform'],
      destination: { protocol: 'HTTP', URI: 'http://sandbox:9' },
    };
    const wrong: [object, RegExp][] = [
      [{ ...valid, schemaVersion: '2020-01-01' }, /schemaVersion must be one of/],
      [{ ...valid, types: [] }, /types must be a list of/],
      [{ ...valid, types: ['all'] }, /types must be a list of/],
      [{ ...valid, destination: undefined }, /destination must be an object/],
      [{ ...valid, destination: { protocol: 'UDP' } }, /protocol must be HTTP or TCP/],
      [{ ...valid, destination: { protocol: 'TCP' } }, /port must be a port number/],
      [{ ...valid, destination: { protocol: 'HTTP', URI: 'http://example.com/' } }, /URI must be like/],
      [{ ...valid, buffering: { maxItems: 999 } }, /maxItems must be an integer from 1000 to 10000/],
      [{ ...valid, buffering: { maxBytes: 1_048_577 } }, /maxBytes must be an integer from 262144 to 1048576/],
      [{ ...valid, buffering: { timeoutMs: 24 } }, /timeoutMs must be an integer from 25 to 30000/],
    ];
    const more = wrong.map(([request]) => request);
    const { said } = await told(startEngine(), withSubscriber({ listen: 'nobody', body: valid, more }));
    const [first, ...answers] = said('ANSWER');
    assert.equal(first, '200 "OK"');
    for (const [index, [request, message]] of wrong.entries()) {
      assert.match(answers[index]!, /^400 .*"errorType":"ValidationError"/, JSON.stringify(request));
      assert.match(answers[index]!, message);
    }
  });
});
