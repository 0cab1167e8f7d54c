import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { after, describe, test } from 'node:test';
import type { RuntimeRequests } from '../runtime-connection.ts';
import { RuntimeApiServer } from './runtime-api-server.ts';

const RUNTIME = '/2018-06-01/runtime/';
const event = (requestId: string) => ({
  'Lambda-Runtime-Aws-Request-Id': requestId,
  'Lambda-Runtime-Deadline-Ms': '9',
});
const agent = new Agent({ keepAlive: true });
after(() => agent.destroy());

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** An API with one runtime: this process. `said` is what it told Brume. */
async function api() {
  const server = await RuntimeApiServer.listen();
  after(() => server.close());
  server.admit(() => [process.pid]);
  const said: string[] = [];
  const requests: RuntimeRequests = {
    next: () => said.push('next'),
    response: (id, body) => said.push(`response ${id} ${body}`),
    responseTooLarge: (id, size) => said.push(`too large ${id} ${size}`),
    error: (id, body, type) => said.push(`error ${id} ${type} ${body}`),
    chunk: (id, bytes, type) => void said.push(`chunk ${id} ${type} ${bytes}`),
    streamed: (id, error) => said.push(`streamed ${id} ${error ? `${error.errorType} ${error.body}` : ''}`),
    initError: (body, type) => said.push(`initError ${type} ${body}`),
  };
  const runtime = server.attach(requests);
  const send = (
    method: string,
    path: string,
    options: { headers?: object; parts?: string[]; trailers?: object } = {},
  ) =>
    new Promise<Answer>((resolve, reject) => {
      const [host, port] = server.address.split(':');
      const outgoing = request(
        { agent, host, port, method, path: RUNTIME + path, headers: { ...options.headers } as Record<string, string> },
        async (response) => {
          let body = '';
          for await (const part of response) body += part;
          resolve({ status: response.statusCode!, headers: response.headers, body });
        },
      );
      outgoing.on('error', reject);
      for (const part of options.parts ?? []) outgoing.write(part);
      if (options.trailers) outgoing.addTrailers(options.trailers as Record<string, string>);
      outgoing.end();
    });
  const next = async (requestId: string, payload = '{}') => {
    const asked = send('GET', 'invocation/next');
    for (const before = said.length; said.length === before; ) await new Promise((resolve) => setTimeout(resolve, 2));
    runtime.sendEvent(event(requestId), Buffer.from(payload));
    return asked;
  };
  return { server, said, runtime, send, next };
}

const json = ({ status, body }: Answer) => [status, JSON.parse(body)];
const OK = [202, { status: 'OK' }];

describe('the Runtime API over HTTP', () => {
  test('an event, its headers and its response; the next one over the same connection', async () => {
    const { said, send, next } = await api();
    const first = await next('a', '{"n":1}');
    assert.equal(first.status, 200);
    assert.equal(first.body, '{"n":1}');
    assert.equal(first.headers['lambda-runtime-aws-request-id'], 'a');
    assert.equal(first.headers['content-type'], 'application/json');
    assert.deepEqual(json(await send('POST', 'invocation/a/response', { parts: ['"o', 'k"'] })), OK);
    assert.equal((await next('b')).headers['lambda-runtime-aws-request-id'], 'b');
    assert.deepEqual(
      json(
        await send('POST', 'invocation/b/error', {
          headers: { 'Lambda-Runtime-Function-Error-Type': 'Mine' },
          parts: ['{"errorType":"Mine"}'],
        }),
      ),
      OK,
    );
    assert.deepEqual(said, ['next', 'response a "ok"', 'next', 'error b Mine {"errorType":"Mine"}']);
  });

  test('a response that is streamed, and one that an error cuts short', async () => {
    const { said, send, next } = await api();
    const headers = {
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Content-Type': 'text/x',
      'Transfer-Encoding': 'chunked',
      Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    };
    await next('a');
    assert.equal((await send('POST', 'invocation/a/response', { headers, parts: ['one'] })).status, 202);
    await next('b');
    const trailers = {
      'Lambda-Runtime-Function-Error-Type': 'Broken',
      'Lambda-Runtime-Function-Error-Body': Buffer.from('{"x":1}').toString('base64'),
    };
    assert.equal((await send('POST', 'invocation/b/response', { headers, parts: ['two'], trailers })).status, 202);
    assert.deepEqual(said, [
      'next',
      'chunk a text/x one',
      'streamed a ',
      'next',
      'chunk b text/x two',
      'streamed b Broken {"x":1}',
    ]);
  });

  test('what a runtime may not say', async () => {
    const { said, send, next } = await api();
    const transition = (from: string, to: string) => [
      403,
      {
        errorMessage: `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`,
        errorType: 'InvalidStateTransition',
      },
    ];
    const cases: [what: string, answer: unknown[]][] = [
      ['invocation/a/response', transition('Started', 'InvocationResponse')],
    ];
    for (const [what, answer] of cases) assert.deepEqual(json(await send('POST', what)), answer);
    await next('a');
    assert.deepEqual(json(await send('POST', 'invocation/other/response')), [
      400,
      { errorMessage: 'Invalid request ID', errorType: 'InvalidRequestID' },
    ]);
    assert.deepEqual(json(await send('POST', 'init/error')), transition('Running', 'InitError'));
    const large = 'x'.repeat(6_291_557);
    assert.equal((await send('POST', 'invocation/a/response', { parts: [large] })).status, 413);
    assert.deepEqual(
      json(await send('POST', 'invocation/a/error')),
      transition('ResponseSent', 'InvocationErrorResponse'),
    );
    assert.equal((await send('GET', 'nothing')).status, 404);
    assert.equal((await send('POST', 'invocation/next')).status, 404);
    assert.deepEqual(said, ['next', 'too large a 6291557']);
  });

  test('an initialization that fails, after which there is nothing more to say', async () => {
    const { said, send } = await api();
    assert.equal((await send('GET', 'restore/next')).status, 200);
    const headers = { 'Lambda-Runtime-Function-Error-Type': 'Runtime.NoSuchHandler' };
    assert.deepEqual(json(await send('POST', 'init/error', { headers, parts: ['{}'] })), OK);
    assert.equal((await send('GET', 'invocation/next')).status, 403);
    assert.deepEqual(said, ['initError Runtime.NoSuchHandler {}']);
  });

  test('an event whose answer was lost is given again', async () => {
    const { said, send, next, runtime } = await api();
    await next('a', '1');
    assert.equal((await send('GET', 'invocation/next')).body, '1');
    await send('POST', 'invocation/a/response');
    // One that nobody asks for yet waits.
    runtime.sendEvent(event('b'), Buffer.from('2'));
    assert.equal((await send('GET', 'invocation/next')).body, '2');
    assert.equal(said.at(-1), 'response a ');
  });
});

describe('connections of others', () => {
  /** What a process of its own gets to hear. */
  const CLIENT = `
    const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1');
    let heard = '';
    socket.on('data', (data) => (heard += data)).on('error', () => {});
    socket.on('connect', () => socket.write('GET ${RUNTIME}nothing HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'));
    socket.on('close', () => process.stdout.write(heard.split('\\r\\n')[0] || 'nothing'));
  `;
  const ask = async (port: string, ready: (pid: number) => void) => {
    const child = spawn(process.execPath, ['-e', CLIENT, port], { stdio: ['ignore', 'pipe', 'inherit'] });
    ready(child.pid!);
    let heard = '';
    child.stdout.on('data', (data) => {
      heard += data;
    });
    await once(child, 'close');
    return heard;
  };

  test('are closed without a word', async () => {
    const { server } = await api();
    const port = server.address.split(':')[1]!;
    assert.equal(await ask(port, () => {}), 'nothing');
    assert.equal(await ask(port, (pid) => server.admit(() => [pid])), 'HTTP/1.1 404 Not Found');
    assert.equal(await ask(port, () => {}), 'nothing', 'the process before was admitted, this one is not');
  });
});
