import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import test from 'node:test';
import { LARGEST_RESPONSE_BYTES, RuntimeConnection, type RuntimeRequests } from './runtime-connection.ts';

const NEXT = 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n';
const ACCEPTED = 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n';
const post = (what: string, body: string, headers = '') =>
  `POST /2018-06-01/runtime/${what} HTTP/1.1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;

function open() {
  const said: string[] = [];
  let written = '';
  const socket = new Duplex({
    read() {},
    write(chunk, _, done) {
      written += chunk;
      done();
    },
    final: (done) => done(),
  });
  const say = (text: string) => void said.push(text);
  const requests: RuntimeRequests = {
    next: () => say('next'),
    response: (id, body) => say(`response ${id} ${body}`),
    responseTooLarge: (id, size) => say(`too large ${id} ${size}`),
    error: (id, body, type) => say(`error ${id} ${type} ${body}`),
    initError: (body, type) => say(`init error ${type} ${body}`),
    chunk: (id, bytes) => say(`chunk ${id} ${bytes}`),
    streamed: (id, error) => say(`streamed ${id}${error ? ` ${error.errorType} ${error.body}` : ''}`),
  };
  const connection = new RuntimeConnection(socket, requests);
  const receive = (text: string) => socket.emit('data', Buffer.from(text));
  const answer = () => {
    const text = written;
    written = '';
    return text;
  };
  return { connection, said, receive, answer };
}

const EVENT = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nA: b\r\nContent-Length: 2\r\n\r\n{}';

test('an event answers next', () => {
  const { connection, said, receive, answer } = open();
  receive(NEXT);
  assert.deepEqual(said, ['next']);
  assert.equal(answer(), '');
  connection.sendEvent({ A: 'b' }, Buffer.from('{}'));
  assert.equal(answer(), EVENT);
});

test('a streamed response, however its bytes come', () => {
  const head = 'POST /2018-06-01/runtime/invocation/7/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n';
  const body = 'eyJhIjoxfQ==';
  const failed = `0\r\nLambda-Runtime-Function-Error-Type: Oops\r\nLambda-Runtime-Function-Error-Body: ${body}\r\n\r\n`;
  const text = `${head}3\r\none\r\nA\r\n0123456789\r\n`;
  for (const [end, last] of [
    ['0\r\n\r\n', 'streamed 7'],
    [failed, 'streamed 7 Oops {"a":1}'],
  ] as const) {
    const whole = open();
    whole.receive(text + end + NEXT);
    assert.deepEqual(whole.said, ['chunk 7 one', 'chunk 7 0123456789', last, 'next']);
    whole.connection.sendEvent({ A: 'b' }, Buffer.from('{}'));
    assert.equal(whole.answer(), ACCEPTED + EVENT);

    const bytewise = open();
    for (const byte of text + end + NEXT) bytewise.receive(byte);
    assert.equal(
      bytewise.said
        .filter((word) => word.startsWith('chunk'))
        .map((word) => word.slice(8))
        .join(''),
      'one0123456789',
    );
    assert.deepEqual(bytewise.said.slice(-2), [last, 'next']);
  }
});

test('a result is acknowledged with the next event when both came together, else at once', () => {
  const together = open();
  together.receive(post('invocation/1/response', '"é"') + NEXT);
  assert.deepEqual(together.said, ['response 1 "é"', 'next']);
  assert.equal(together.answer(), '');
  together.connection.sendEvent({ A: 'b' }, Buffer.from('{}'));
  assert.equal(together.answer(), ACCEPTED + EVENT);

  const apart = open();
  apart.receive(post('invocation/1/response', '1'));
  assert.equal(apart.answer(), ACCEPTED);
});

test('requests in pieces of any size', () => {
  const text =
    post('invocation/7/response', '{"a":1}') +
    post('invocation/7/error', '{}', 'Lambda-Runtime-Function-Error-Type: T\r\n') +
    post('init/error', '[]', 'lambda-runtime-function-error-type: U\r\n');
  for (let size = 1; size < text.length; size++) {
    const { said, receive } = open();
    for (let at = 0; at < text.length; at += size) receive(text.slice(at, at + size));
    assert.deepEqual(said, ['response 7 {"a":1}', 'error 7 T {}', 'init error U []']);
  }
});

test('a response that is too large is thrown away and refused', () => {
  const { said, receive, answer } = open();
  const size = LARGEST_RESPONSE_BYTES + 1;
  receive(`POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nContent-Length: ${size}\r\n\r\n`);
  receive('x'.repeat(size));
  receive(NEXT);
  assert.deepEqual(said, [`too large 1 ${size}`, 'next']);
  assert.equal(answer(), 'HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n');
});

const refused: [name: string, request: string, status: string][] = [
  ['an unknown path', 'GET /elsewhere HTTP/1.1\r\n\r\n', '404 Not Found'],
  ['no HTTP', 'hello\r\n\r\n', '400 Bad Request'],
  ['a length that is no number', 'POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n', '400 Bad Request'],
  ['a negative length', 'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', '400 Bad Request'],
  ['chunked encoding', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', '400 Bad Request'],
  ['an endless head', `GET /${'x'.repeat(70_000)}`, '431 Request Header Fields Too Large'],
];

for (const [name, request, status] of refused) {
  test(`${name} is refused`, () => {
    const { said, receive, answer } = open();
    receive(request);
    assert.deepEqual(said, []);
    assert.equal(answer(), `HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
  });
}
