// Web frameworks from npm behind function URLs, through the adapters that people use for them: Powertools' event handler, Hono (whole
// and streamed), serverless-http and serverless-express in front of a plain Node.js application.

import assert from 'node:assert/strict';
import { type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import {
  AddPermissionCommand,
  CreateFunctionUrlConfigCommand,
  type CreateFunctionUrlConfigCommandInput,
} from '@aws-sdk/client-lambda';
import { startBrume } from '#test/harness.ts';
import { testLambda } from './lambda-functions.ts';
import { zipWithPackages } from './npm-package.ts';

const brume = await startBrume();
const lambda = testLambda(brume);
const { port } = new URL(brume.endpoint);

/** The function's URL. */
async function publish(
  FunctionName: string,
  code: string,
  packages: string[],
  config: Partial<CreateFunctionUrlConfigCommandInput> = {},
): Promise<URL> {
  await lambda.create(FunctionName, undefined, {
    Runtime: 'nodejs24.x',
    Code: { ZipFile: zipWithPackages({ 'index.mjs': code }, packages) },
    Timeout: 20,
  });
  await lambda.client.send(
    new AddPermissionCommand({
      FunctionName,
      StatementId: 'public',
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    }),
  );
  const { FunctionUrl } = await lambda.client.send(
    new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE', ...config }),
  );
  return new URL(FunctionUrl!);
}

/** By the host name, as DNS would lead here. */
function open(url: URL, path: string, options: { method?: string; headers?: object; body?: string | Buffer } = {}) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const { method = 'GET', headers, body } = options;
    request({ host: '127.0.0.1', port, path, method, headers: { host: url.host, ...headers } }, resolve)
      .on('error', reject)
      .end(body);
  });
}

async function call(...parameters: Parameters<typeof open>) {
  const response = await open(...parameters);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  return { status: response.statusCode, headers: response.headers, body, text: body.toString() };
}

const PNG = Buffer.from('89504e470d0a1a0a0000ff', 'hex');

/** What each of the applications below answers. */
async function checkApplication(url: URL, { cookies = ['a=1', 'b=2; Path=/'], upload = PNG } = {}): Promise<void> {
  const posted = await call(url, '/orders/7?tag=a&tag=%C3%BC&q=1%202', {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: 'session=s1; theme=dark' },
    body: '{"item":"ü"}',
  });
  assert.equal(posted.status, 201, posted.text);
  assert.deepEqual(JSON.parse(posted.text), { id: '7', item: 'ü', q: '1 2', session: 's1' });
  assert.deepEqual(posted.headers['set-cookie'], cookies);
  assert.match(posted.headers['content-type']!, /^application\/json/);
  const image = await call(url, '/image');
  assert.deepEqual([image.status, image.headers['content-type']], [200, 'image/png']);
  assert.deepEqual(image.body, PNG);
  const uploaded = await call(url, '/upload', {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: upload,
  });
  assert.equal(uploaded.text, upload.toString('hex'));
  assert.equal((await call(url, '/missing')).status, 404);
}

const EVENT_HANDLER = `
import { Router, NotFoundError } from '@aws-lambda-powertools/event-handler/http';
const app = new Router();
app.post('/orders/:id', async ({ req, params }) => {
  const { item } = await req.json();
  const url = new URL(req.url);
  const session = /session=(\\w+)/.exec(req.headers.get('cookie'))[1];
  const headers = new Headers({ 'content-type': 'application/json' });
  headers.append('set-cookie', 'a=1');
  headers.append('set-cookie', 'b=2; Path=/');
  return new Response(JSON.stringify({ id: params.id, item, q: url.searchParams.get('q'), session }), { status: 201, headers });
});
app.get('/image', () => new Response(Buffer.from('89504e470d0a1a0a0000ff', 'hex'), { headers: { 'content-type': 'image/png' } }));
app.put('/upload', async ({ req }) => new Response(Buffer.from(await req.arrayBuffer()).toString('hex')));
export const handler = async (event, context) => app.resolve(event, context);
`;

test('Powertools event handler', async () => {
  const url = await publish('router', EVENT_HANDLER, ['@aws-lambda-powertools/event-handler']);
  // Of its own (2.35): it sends only the last of several cookies, and reads bodies as text.
  await checkApplication(url, { cookies: ['b=2; Path=/'], upload: Buffer.from('text') });
});

const HONO = `
import { Hono } from 'hono';
import { getCookie } from 'hono/cookie';
import { streamText } from 'hono/streaming';
import { handle, streamHandle } from 'hono/aws-lambda';
const app = new Hono();
app.post('/orders/:id', async (c) => {
  c.header('set-cookie', 'a=1', { append: true });
  c.header('set-cookie', 'b=2; Path=/', { append: true });
  const { item } = await c.req.json();
  return c.json({ id: c.req.param('id'), item, q: c.req.query('q'), session: getCookie(c, 'session') }, 201);
});
app.get('/image', (c) => c.body(Buffer.from('89504e470d0a1a0a0000ff', 'hex'), 200, { 'content-type': 'image/png' }));
app.put('/upload', async (c) => c.text(Buffer.from(await c.req.arrayBuffer()).toString('hex')));
app.get('/stream', (c) => streamText(c, async (stream) => {
  for (const word of ['one ', 'two ', 'three']) { await stream.write(word); await stream.sleep(400); }
}));
export const handler = process.env.AWS_LAMBDA_FUNCTION_NAME === 'hono' ? handle(app) : streamHandle(app);
`;

test('Hono', async () => {
  await checkApplication(await publish('hono', HONO, ['hono']));
});

test('Hono, streamed', async () => {
  const url = await publish('hono-streams', HONO, ['hono'], { InvokeMode: 'RESPONSE_STREAM' });
  await checkApplication(url);
  const response = await open(url, '/stream');
  const chunks: string[] = [];
  for await (const chunk of response) chunks.push(chunk.toString());
  assert.equal(response.statusCode, 200);
  assert.deepEqual(chunks, ['one ', 'two ', 'three']);
});

const PLAIN = `
async function application(request, response) {
  const url = new URL(request.url, 'http://localhost');
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (url.pathname === '/image') {
    response.setHeader('content-type', 'image/png');
    return response.end(Buffer.from('89504e470d0a1a0a0000ff', 'hex'));
  }
  if (url.pathname === '/upload') return response.end(body.toString('hex'));
  const id = /^\\/orders\\/(\\d+)$/.exec(url.pathname)?.[1];
  if (!id) {
    response.statusCode = 404;
    return response.end();
  }
  response.setHeader('set-cookie', ['a=1', 'b=2; Path=/']);
  response.setHeader('content-type', 'application/json');
  response.statusCode = 201;
  const session = /session=(\\w+)/.exec(request.headers.cookie)[1];
  response.end(JSON.stringify({ id, item: JSON.parse(body).item, q: url.searchParams.get('q'), session }));
}
`;

test('serverless-http', async () => {
  const code = `import serverless from 'serverless-http';${PLAIN}
    export const handler = serverless(application, { binary: ['image/*'] });`;
  await checkApplication(await publish('serverless-http', code, ['serverless-http']));
});

test('serverless-express', async () => {
  const code = `import serverlessExpress from '@codegenie/serverless-express';${PLAIN}
    export const handler = serverlessExpress({ app: application, binarySettings: { contentTypes: ['image/*'] } });`;
  await checkApplication(await publish('serverless-express', code, ['@codegenie/serverless-express']));
});

test('curl, which signs nothing and calls every body a form', async () => {
  await lambda.create('curled');
  const answer = await fetch(`${brume.endpoint}/2015-03-31/functions/curled/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: '{"a":1}',
  });
  assert.deepEqual([answer.status, await answer.json()], [200, { a: 1 }]);
});
