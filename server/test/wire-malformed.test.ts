// Bad input at the wire: AWS's error each, in the protocol that the client speaks; then random and mutated requests.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { cbor } from '@smithy/core/cbor';
import { readSchemas } from '#wire/shapes.ts';
import { bareListener, MODELS } from './bare-listener.ts';
import { randomStructure } from './random-shape.ts';
import { seeded } from './seeded-random.ts';

const bare = await bareListener();

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

const logs = (operation: string) => ({
  'x-amz-target': `Logs_20140328.${operation}`,
  'content-type': 'application/x-amz-json-1.1',
});
const sqs = (operation: string) => ({
  'x-amz-target': `AmazonSQS.${operation}`,
  'content-type': 'application/x-amz-json-1.0',
});
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const cborHeaders = { 'smithy-protocol': 'rpc-v2-cbor', 'content-type': 'application/cbor' };
const CBOR_PATH = '/service/GraniteServiceVersion20100801/operation';

const table: [what: string, sent: Sent, status: number, expected: RegExp][] = [
  ['broken JSON', { headers: logs('PutLogEvents'), body: '{"a":' }, 400, /"__type":"SerializationException"/],
  ['JSON that is a list', { headers: logs('PutLogEvents'), body: '[]' }, 400, /Start of list found where not expected/],
  [
    'a number for a string',
    { headers: logs('CreateLogGroup'), body: '{"logGroupName":1}' },
    400,
    /NUMBER_VALUE can not be converted to a String/,
  ],
  [
    'a string for a list',
    { headers: logs('PutLogEvents'), body: '{"logGroupName":"g","logStreamName":"s","logEvents":"x"}' },
    400,
    /SerializationException/,
  ],
  [
    'an object for a string',
    { headers: sqs('CreateQueue'), body: '{"QueueName":{}}' },
    400,
    /Start of structure or map found where not expected/,
  ],
  [
    'null in a list',
    { headers: logs('PutLogEvents'), body: '{"logGroupName":"g","logStreamName":"s","logEvents":[null]}' },
    400,
    /must not hold null/,
  ],
  [
    'bytes that are no UTF-8',
    { headers: logs('PutLogEvents'), body: Buffer.from([0x7b, 0xff, 0x7d]) },
    400,
    /Invalid UTF-8/,
  ],
  [
    'a missing member',
    { headers: logs('CreateLogGroup'), body: '{}' },
    400,
    /Value null at 'logGroupName' failed to satisfy constraint: Member must not be null/,
  ],
  [
    'a missing member in a list',
    {
      headers: logs('PutLogEvents'),
      body: '{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"m"},{"timestamp":1}]}',
    },
    400,
    /at 'logEvents\.2\.member\.message'/,
  ],
  ['an unknown operation', { headers: logs('Nonsense'), body: '{}' }, 400, /UnknownOperationException/],
  [
    'an unknown target',
    { headers: { 'x-amz-target': 'Nobody.Nothing' }, body: '{}' },
    400,
    /UnknownOperationException/,
  ],
  [
    'an unknown action',
    { headers: form, body: 'Action=Nonsense&Version=2010-03-31' },
    400,
    /<Code>InvalidAction<\/Code>/,
  ],
  ['no action', { headers: form, body: 'Version=2010-03-31' }, 400, /<Code>InvalidAction<\/Code>/],
  [
    'a bad number in a form',
    { headers: form, body: 'Action=AssumeRole&Version=2011-06-15&RoleArn=a&RoleSessionName=b&DurationSeconds=x' },
    400,
    /<Code>MalformedInput<\/Code>/,
  ],
  [
    'a bad index in a form',
    { headers: form, body: 'Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.x.MetricName=m' },
    400,
    /Invalid list index/,
  ],
  [
    'broken CBOR',
    { path: `${CBOR_PATH}/PutMetricData`, headers: cborHeaders, body: Buffer.from([0xbf, 0x61]) },
    400,
    /SerializationException/,
  ],
  [
    'CBOR of a wrong type',
    { path: `${CBOR_PATH}/PutMetricData`, headers: cborHeaders, body: cbor.serialize({ Namespace: 1 }) },
    400,
    /Expected a string/,
  ],
  [
    'broken gzip',
    { headers: { ...logs('PutLogEvents'), 'content-encoding': 'gzip' }, body: 'not gzip' },
    400,
    /not valid gzip/,
  ],
  [
    'a gzip bomb',
    {
      headers: { ...logs('PutLogEvents'), 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(64 * 1024 * 1024)),
    },
    413,
    /RequestEntityTooLarge/,
  ],
  [
    'an unknown encoding',
    { headers: { ...logs('PutLogEvents'), 'content-encoding': 'br' }, body: '{}' },
    400,
    /Unsupported content encoding/,
  ],
  [
    'a body over the limit',
    { headers: logs('PutLogEvents'), body: Buffer.alloc(17 * 1024 * 1024, 0x20) },
    413,
    /RequestEntityTooLarge/,
  ],
  [
    'broken XML',
    { method: 'POST', path: '/bucket?delete', body: '<Delete><Object>' },
    400,
    /<Code>MalformedXML<\/Code>/,
  ],
  [
    'XML with a document type',
    { method: 'POST', path: '/bucket?delete', body: '<!DOCTYPE a [<!ENTITY x "y">]><Delete/>' },
    400,
    /MalformedXML/,
  ],
  [
    'XML too deep',
    { method: 'POST', path: '/bucket?delete', body: '<a>'.repeat(5000) + '</a>'.repeat(5000) },
    400,
    /MalformedXML/,
  ],
  ['a method that S3 has not', { method: 'PATCH', path: '/bucket/key' }, 405, /MethodNotAllowed/],
  [
    'a service that Brume has not',
    {
      headers: {
        authorization:
          'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=00',
      },
      body: '{}',
    },
    501,
    /does not implement the service kinesis/,
  ],
  [
    'a broken authorization header',
    { headers: { ...logs('PutLogEvents'), authorization: 'AWS4-HMAC-SHA256 nonsense' }, body: '{}' },
    400,
    /IncompleteSignature/,
  ],
  [
    'a form post of a web page',
    { headers: { ...form, origin: 'https://evil.example' }, body: 'Action=ListTopics&Version=2010-03-31' },
    403,
    /AccessDenied.*evil\.example/,
  ],
  [
    'a sandboxed web page',
    { headers: { ...form, origin: 'null' }, body: 'Action=ListTopics&Version=2010-03-31' },
    403,
    /AccessDenied/,
  ],
];

for (const [what, sent, status, expected] of table) {
  test(what, async () => {
    bare.received = undefined;
    const response = await fetch(bare.endpoint + (sent.path ?? '/'), {
      method: sent.method ?? 'POST',
      ...(sent.headers ? { headers: sent.headers } : {}),
      ...(sent.body === undefined ? {} : { body: sent.body as never }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.match(bytes.toString('latin1'), expected);
    assert.equal(response.status, status);
    assert.equal(bare.received, undefined, 'no handler ran');
    assert.ok(response.headers.get('x-amzn-requestid') ?? response.headers.get('x-amz-request-id'));
    assert.deepEqual(bare.failures, []);
  });
}

test('random and mutated requests never crash, never fail inside Brume', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.log(`seed ${seed}`);
  const random = seeded(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const operations = Object.values(MODELS).flatMap((model) =>
    [...readSchemas(model.schemas()).operations.values()].map((operation) => ({ model, operation })),
  );
  const ROUNDS = 1_500;
  for (let round = 0; round < ROUNDS; round++) {
    const { model, operation } = pick(operations);
    const input = randomStructure(operation.input, { random, skip: () => false });
    const protocol = pick(model.protocols);
    const http = operation.traits.http;
    let method = 'POST';
    let path = '/';
    let headers: Record<string, string> = {};
    let body: Buffer = Buffer.from(JSON.stringify(input));
    if (protocol === 'rpcV2Cbor') {
      path = `${CBOR_PATH}/${operation.name}`;
      headers = { ...cborHeaders };
      body = Buffer.from(cbor.serialize(JSON.parse(body.toString())));
    } else if (protocol === 'awsQuery') {
      headers = { ...form };
      body = Buffer.from(
        `Action=${operation.name}&Version=${model.queryVersion}&${new URLSearchParams(Object.entries(input).map(([k, v]): [string, string] => [`${k}.member.1`, String(v)]))}`,
      );
    } else if (http) {
      method = http[0];
      path = http[1].replace(/\{(\w+)\+?\}/g, () =>
        encodeURIComponent(String.fromCharCode(...Array.from({ length: 5 }, () => 33 + Math.floor(random() * 900)))),
      );
      if (protocol === 'restXml') path = `/bucket${path}`;
      if (protocol === 'restXml')
        body = Buffer.from(
          `<Root>${Object.keys(input)
            .map((key) => `<${key}>x</${key}>`)
            .join('')}</Root>`,
        );
    } else {
      headers = {
        'x-amz-target': `${model.targetPrefix}.${operation.name}`,
        'content-type': 'application/x-amz-json-1.1',
      };
    }
    for (let i = Math.floor(random() * 6); i > 0 && body.length > 0; i--) {
      const at = Math.floor(random() * body.length);
      const change = random();
      if (change < 0.5) body[at] = Math.floor(random() * 256);
      else if (change < 0.75)
        body = Buffer.concat([body.subarray(0, at), body.subarray(at + 1 + Math.floor(random() * 8))]);
      else body = Buffer.concat([body.subarray(0, at), Buffer.from([Math.floor(random() * 256)]), body.subarray(at)]);
    }
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const response = await fetch(bare.endpoint + path, {
      method,
      headers,
      ...(hasBody ? { body: body as never } : {}),
    });
    await response.arrayBuffer();
    assert.ok(
      response.status < 500,
      `seed ${seed} round ${round}: ${method} ${path} answered ${response.status}: ${bare.failures}`,
    );
  }
  assert.deepEqual(bare.failures, []);
});

test('a foreign host name is refused (DNS rebinding), local ones are served', async () => {
  for (const [host, status] of [
    ['evil.example', 403],
    ['evil.example:4566', 403],
    ['localhost:4566', 200],
    ['brume:4566', 200],
    ['[::1]:4566', 200],
    ['bucket.s3.localhost', 200],
    ['host.docker.internal:4566', 200],
  ] as const) {
    const answered = await new Promise((resolve, reject) => {
      request({ port: bare.port, path: '/bucket/key', headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    assert.equal(answered, status, host);
  }
});

test('bytes that are no HTTP', async () => {
  for (const bytes of [
    '\x16\x03\x01\x02\x00',
    'GET / HTTP/9.9\r\n\r\n',
    'POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n',
    `GET / HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
  ]) {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(bare.port, '127.0.0.1', () => socket.write(bytes));
      let text = '';
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    assert.match(answer, /^HTTP\/1\.1 4\d\d/);
  }
  assert.equal((await fetch(`${bare.endpoint}/`)).status, 200, 'and the listener still answers');
});
