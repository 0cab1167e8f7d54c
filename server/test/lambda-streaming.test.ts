// Responses that Node.js functions stream: they arrive while the handler runs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AddPermissionCommand,
  CreateFunctionUrlConfigCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientConfig, startBrume } from './harness.ts';
import { testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, create } = testLambda(brume);
const s3 = new S3Client({ ...clientConfig(brume), forcePathStyle: true });

/** What came, and when the first of it came. */
async function stream(FunctionName: string, event: object, onFirst: () => Promise<unknown> = async () => {}) {
  const { EventStream, ExecutedVersion } = await client.send(
    new InvokeWithResponseStreamCommand({ FunctionName, LogType: 'Tail', Payload: Buffer.from(JSON.stringify(event)) }),
  );
  assert.equal(ExecutedVersion, '$LATEST');
  const chunks: Buffer[] = [];
  let end: { ErrorCode?: string; ErrorDetails?: string; LogResult?: string } | undefined;
  for await (const { PayloadChunk, InvokeComplete } of EventStream!) {
    if (PayloadChunk) {
      if (chunks.length === 0) await onFirst();
      chunks.push(Buffer.from(PayloadChunk.Payload!));
    }
    if (InvokeComplete) end = InvokeComplete;
  }
  return { text: Buffer.concat(chunks).toString(), chunks: chunks.length, end: end! };
}

test('the first bytes are there before the handler has ended', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'gate' }));
  // It goes on only when the client, which has its first bytes, has opened the gate.
  await create(
    'gated',
    `awslambda.streamifyResponse(async (event, stream) => {
      const { S3Client, HeadObjectCommand } = require('@aws-sdk/client-s3');
      const s3 = new S3Client({ forcePathStyle: true });
      console.log('begun');
      stream.write('first ');
      for (;;) {
        try { await s3.send(new HeadObjectCommand({ Bucket: 'gate', Key: 'open' })); break; }
        catch { await new Promise((done) => setTimeout(done, 20)); }
      }
      stream.write('second');
      stream.end();
    })`,
    { Timeout: 20 },
  );
  const found = await stream('gated', {}, async () => {
    await assert.rejects(s3.send(new HeadObjectCommand({ Bucket: 'gate', Key: 'open' })));
    await s3.send(new PutObjectCommand({ Bucket: 'gate', Key: 'open', Body: 'x' }));
  });
  assert.equal(found.text, 'first second');
  assert.equal(found.end.ErrorCode, undefined);
  assert.match(Buffer.from(found.end.LogResult!, 'base64').toString(), /begun/);
});

const STREAMER = `awslambda.streamifyResponse(async (event, stream, context) => {
  const out = event.prelude ? awslambda.HttpResponseStream.from(stream, event.prelude) : stream;
  for (let i = 0; i < (event.count ?? 0); i++) {
    const more = out.write(Buffer.alloc(event.size, 97 + i % 26));
    if (!more) await new Promise((done) => out.once('drain', done));
  }
  if (event.fail) throw new RangeError('midway');
  if (event.exit) process.exit(3);
  if (event.id) out.write(context.awsRequestId);
  if (!event.open) out.end();
})`;

test('much, whole, with a prelude, ended by errors', async () => {
  await create('streamer', STREAMER, { Timeout: 10 });
  const much = await stream('streamer', { count: 40, size: 500_000 });
  assert.equal(much.text.length, 20_000_000);
  assert.equal(much.text.at(-1), 'n');

  const { Payload, FunctionError } = await client.send(
    new InvokeCommand({ FunctionName: 'streamer', Payload: Buffer.from('{"count":3,"size":2}') }),
  );
  assert.deepEqual([Buffer.from(Payload!).toString(), FunctionError], ['aabbcc', undefined]);

  const prelude = await stream('streamer', { prelude: { statusCode: 418 }, count: 1, size: 3 });
  assert.equal(prelude.text, `{"statusCode":418}${'\0'.repeat(8)}aaa`);
  assert.equal((await stream('streamer', {})).text, '');

  const failed = await stream('streamer', { count: 2, size: 2, fail: true });
  assert.equal(failed.text, 'aabb');
  assert.equal(failed.end.ErrorCode, 'Unhandled');
  const details = JSON.parse(failed.end.ErrorDetails!);
  assert.deepEqual([details.errorType, details.errorMessage], ['RangeError', 'midway']);

  const before = await stream('streamer', { fail: true });
  assert.deepEqual([before.text, JSON.parse(before.end.ErrorDetails!).errorType], ['', 'RangeError']);
  const exited = await stream('streamer', { count: 1, size: 2, exit: true });
  assert.deepEqual([exited.text, JSON.parse(exited.end.ErrorDetails!).errorType], ['aa', 'Runtime.ExitError']);
  const open = await stream('streamer', { open: true });
  assert.equal(JSON.parse(open.end.ErrorDetails!).errorType, 'Runtime.StreamError');
  assert.match((await stream('streamer', { id: true })).text, /^[0-9a-f-]{36}$/);
});

test('as the runtime of AWS streams', async () => {
  const told = async (name: string, handler: string) => {
    await create(name, `awslambda.streamifyResponse(${handler})`);
    const { text, end } = await stream(name, {});
    const { errorType, errorMessage } = JSON.parse(end.ErrorDetails ?? '{}');
    return {
      text,
      error: errorType && `${errorType}: ${errorMessage}`,
      log: Buffer.from(end.LogResult!, 'base64').toString(),
    };
  };
  const objects = await told('objects', 'async (e, s) => { s.write({ a: 1 }); s.write("b"); s.end(); }');
  assert.equal(objects.text, '{"a":1}b');
  const late = await told('late', 'async (e, s) => { s.write("a"); s.setContentType("text/plain"); }');
  assert.equal(late.error, 'Runtime.InvalidStreamingOperation: Cannot set content-type, too late.');
  const sync = await told('sync', '(e, s) => { s.end("a"); }');
  assert.match(sync.log, /Streaming does not support non-async handlers\./);
  const returning = await told('returning', 'async (e, s) => { s.end("a"); return 1; }');
  assert.deepEqual([returning.text, returning.error], ['a', undefined]);
  assert.match(returning.log, /\tWARN\tStreaming handlers ignore return values\./);
  // The invocation goes on behind the end of the response.
  const after = await told(
    'after',
    'async (e, s) => { s.end("a"); await new Promise((r) => setTimeout(r, 100)); console.log("still here"); }',
  );
  assert.equal(after.text, 'a');
  assert.match(after.log, /still here\nEND /);
});

test('a function URL with RESPONSE_STREAM', async () => {
  await create(
    'page',
    STREAMER.replace('async (event', 'async ({ body, ...rest }').replace(
      '=> {',
      '=> { const event = JSON.parse(body);',
    ),
    {
      Timeout: 10,
    },
  );
  const { FunctionUrl } = await client.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: 'page', AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM' }),
  );
  await client.send(
    new AddPermissionCommand({
      FunctionName: 'page',
      StatementId: 'all',
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    }),
  );
  const id = new URL(FunctionUrl!).hostname.split('.')[0];
  const call = async (event: object) => {
    const response = await fetch(`${brume.endpoint}/_brume/lambda-url/${id}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(event),
    });
    return { response, text: await response.text() };
  };
  const prelude = {
    statusCode: 418,
    headers: { 'X-Kind': 'tea', 'content-type': 'text/plain' },
    cookies: ['a=1', 'b=2'],
  };
  const { response, text } = await call({ prelude, count: 3, size: 1_000_000 });
  assert.equal(response.status, 418);
  assert.deepEqual(
    ['x-kind', 'content-type'].map((name) => response.headers.get(name)),
    ['tea', 'text/plain'],
  );
  assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
  assert.equal(text.length, 3_000_000);

  const plain = await call({ count: 1, size: 4 });
  assert.deepEqual(
    [plain.response.status, plain.response.headers.get('content-type'), plain.text],
    [200, 'application/octet-stream', 'aaaa'],
  );
  await assert.rejects(
    call({ count: 1, size: 4, fail: true }),
    'an answer that an error cuts short is not taken for whole',
  );
  assert.equal((await call({ fail: true })).response.status, 502);
  assert.equal((await call({ prelude: { statusCode: 'tea' }, count: 1, size: 1 })).response.status, 502);
});
