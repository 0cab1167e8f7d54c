// Function URLs, called as browsers and programs call them: events of format 2.0, answers, CORS, who is let in.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { before, describe, test } from 'node:test';
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionUrlConfigCommand,
  type CreateFunctionUrlConfigCommandInput,
  DeleteFunctionUrlConfigCommand,
  GetFunctionUrlConfigCommand,
  ListFunctionUrlConfigsCommand,
  PutFunctionConcurrencyCommand,
  UpdateFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda';
import { ACCOUNT, REGION, startBrume } from '#test/harness.ts';
import { arnOf, testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, create, error } = testLambda(brume);
const { port } = new URL(brume.endpoint);

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** By the host name, as DNS would lead here. */
function call(
  url: string,
  options: { method?: string; headers?: object; body?: string | Buffer } = {},
): Promise<Answer> {
  const { host, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path: pathname + search,
        method: options.method ?? 'GET',
        headers: { host, ...options.headers },
      },
      async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() });
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

async function publish(
  FunctionName: string,
  handler: string,
  config: Partial<CreateFunctionUrlConfigCommandInput> = {},
): Promise<string> {
  await create(FunctionName, handler);
  const { FunctionUrl } = await client.send(
    new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE', ...config }),
  );
  await client.send(
    new AddPermissionCommand({
      FunctionName,
      StatementId: 'public',
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    }),
  );
  return FunctionUrl!;
}

test('the event of a request', async () => {
  const url = await publish('echo', 'async (event) => event');
  const { urlId } = /\/\/(?<urlId>[a-z0-9]{32})\./.exec(url)!.groups as { urlId: string };
  assert.equal(url, `http://${urlId}.lambda-url.${REGION}.localhost:${port}/`);
  const { status, headers, body } = await call(`${url}a%20b/c?x=1&y=2&x=3`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      Cookie: 'a=1; b=2',
      'User-Agent': 'test',
      'X-Own': 'ü',
    },
    body: '{"é":1}',
  });
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/json');
  const event = JSON.parse(body);
  const { time, timeEpoch, requestId, ...context } = event.requestContext;
  assert.match(time, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
  assert.ok(Math.abs(timeEpoch - Date.now()) < 60_000);
  assert.equal(requestId, headers['x-amzn-requestid']);
  const domainName = `${urlId}.lambda-url.${REGION}.localhost`;
  assert.deepEqual(context, {
    accountId: 'anonymous',
    apiId: urlId,
    domainName,
    domainPrefix: urlId,
    http: { method: 'POST', path: '/a%20b/c', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
    routeKey: '$default',
    stage: '$default',
  });
  assert.deepEqual(
    [event.version, event.routeKey, event.rawPath, event.rawQueryString, event.cookies],
    ['2.0', '$default', '/a%20b/c', 'x=1&y=2&x=3', ['a=1', 'b=2']],
  );
  assert.deepEqual(event.queryStringParameters, { x: '1,3', y: '2' });
  assert.deepEqual([event.body, event.isBase64Encoded], ['{"é":1}', false]);
  assert.deepEqual(
    [event.headers['user-agent'], event.headers.cookie, event.headers.host],
    ['test', undefined, `${domainName}:${port}`],
  );
  assert.match(event.headers['x-amzn-trace-id'], /^Root=1-/);

  const binary = JSON.parse((await call(url, { method: 'PUT', body: Buffer.from([0, 255]) })).body);
  assert.deepEqual([binary.body, binary.isBase64Encoded], ['AP8=', true]);
  const bare = JSON.parse((await call(url)).body);
  assert.deepEqual(['body' in bare, 'cookies' in bare, 'queryStringParameters' in bare], [false, false, false]);

  const byPath = await fetch(`${brume.endpoint}/_brume/lambda-url/${urlId}/deep/path?q=1`);
  const fromPath = (await byPath.json()) as any;
  assert.deepEqual([fromPath.rawPath, fromPath.rawQueryString], ['/deep/path', 'q=1']);
});

describe('answers', () => {
  let url: string;
  before(async () => {
    url = await publish('answers', 'async (event) => eval("(" + Buffer.from(event.rawPath.slice(1), "hex") + ")")');
  });
  const cases: [string, string, Partial<Answer>][] = [
    ['an object', '({ a: 1 })', { status: 200, body: '{"a":1}' }],
    ['a text', '"text"', { status: 200, body: 'text' }],
    ['a list', '["a, b", 3, true]', { status: 200, body: '["a, b",3,true]' }],
    ['a status', '({ statusCode: 201, body: "made" })', { status: 201, body: 'made' }],
    ['a status as text', '({ statusCode: "404" })', { status: 404, body: '' }],
    ['base64', '({ statusCode: 200, body: "w7w=", isBase64Encoded: true })', { status: 200, body: 'ü' }],
    ['a status that bears no body', '({ statusCode: 204, body: "x" })', { status: 204, body: '' }],
    ['a status for the protocol alone', '({ statusCode: 101 })', { status: 502 }],
    ['no status at all', '({ statusCode: 42 })', { status: 502, body: 'Internal Server Error' }],
    ['a header that splits', '({ statusCode: 200, headers: { a: "b\\r\\nc: d" } })', { status: 502 }],
    ['an error', '(() => { throw new Error("x") })()', { status: 502, body: 'Internal Server Error' }],
  ];
  for (const [name, expression, expected] of cases) {
    test(name, async () => {
      const answer = await call(url + Buffer.from(expression).toString('hex'));
      for (const [member, value] of Object.entries(expected))
        assert.equal(answer[member as keyof Answer], value, member);
    });
  }

  test('headers and cookies', async () => {
    const expression =
      '({ statusCode: 302, headers: { Location: "/there", "X-N": 5, "Content-Type": "text/html" }, cookies: ["a=1; Secure", "b=2"] })';
    const { status, headers } = await call(url + Buffer.from(expression).toString('hex'));
    assert.deepEqual(
      [status, headers.location, headers['x-n'], headers['content-type'], headers['set-cookie']],
      [302, '/there', '5', 'text/html', ['a=1; Secure', 'b=2']],
    );
  });
});

describe('who is let in', () => {
  const forbidden = { status: 403, body: '{"Message":"Forbidden"}' };
  const short = ({ status, body }: Answer) => ({ status, body });

  test('nobody without a policy, not even where no signature is asked for', async () => {
    await create('private');
    const { FunctionUrl } = await client.send(
      new CreateFunctionUrlConfigCommand({ FunctionName: 'private', AuthType: 'NONE' }),
    );
    assert.deepEqual(short(await call(FunctionUrl!)), forbidden);
  });

  test('whoever signed, of the account; others by policy', async () => {
    const url = await publish('signed', 'async (event) => event.requestContext', { AuthType: 'AWS_IAM' });
    assert.deepEqual(short(await call(url)), forbidden);
    const signedBy = (accessKeyId: string) => ({
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20261123/${REGION}/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
        'x-amz-date': '20261123T000000Z',
      },
    });
    const answer = await call(url, signedBy(ACCOUNT));
    assert.equal(answer.status, 200, answer.body);
    const { accountId, authorizer } = JSON.parse(answer.body);
    assert.deepEqual([accountId, authorizer.iam.userArn], [ACCOUNT, `arn:aws:iam::${ACCOUNT}:root`]);
    assert.deepEqual(short(await call(url, signedBy('222222222222'))), forbidden);
    await client.send(
      new AddPermissionCommand({
        FunctionName: 'signed',
        StatementId: 'other',
        Action: 'lambda:InvokeFunctionUrl',
        Principal: '222222222222',
        FunctionUrlAuthType: 'AWS_IAM',
      }),
    );
    assert.equal((await call(url, signedBy('222222222222'))).status, 200);
  });

  test('not more than the concurrency allows, nor an unknown URL', async () => {
    const url = await publish('busy', 'async () => 1');
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName: 'busy', ReservedConcurrentExecutions: 0 }));
    assert.equal((await call(url)).status, 429);
    const unknown = await call(url.replace(/[a-z0-9]{32}/, 'a'.repeat(32)));
    assert.deepEqual(
      [unknown.status, unknown.headers['x-amzn-errortype'], unknown.body],
      [403, 'AccessDeniedException', '{"Message":null}'],
    );
    assert.equal((await call(url, { method: 'POST', body: Buffer.alloc(6_291_457) })).status, 413);
  });
});

test('CORS', async () => {
  const url = await publish(
    'cross-origin',
    'async () => ({ statusCode: 200, headers: { "Access-Control-Allow-Origin": "https://own.example" }, body: "x" })',
    {
      Cors: {
        AllowOrigins: ['https://good.example'],
        AllowMethods: ['GET', 'POST'],
        AllowHeaders: ['x-own'],
        ExposeHeaders: ['x-seen'],
        AllowCredentials: true,
        MaxAge: 300,
      },
    },
  );
  const preflight = await call(url, {
    method: 'OPTIONS',
    headers: { origin: 'https://good.example', 'access-control-request-method': 'POST' },
  });
  assert.deepEqual(
    ['origin', 'methods', 'headers', 'credentials'].map((name) => preflight.headers[`access-control-allow-${name}`]),
    ['https://good.example', 'GET,POST', 'x-own', 'true'],
  );
  assert.deepEqual([preflight.status, preflight.body, preflight.headers['access-control-max-age']], [200, '', '300']);
  const { headers, body } = await call(url, { headers: { origin: 'https://good.example' } });
  assert.deepEqual(
    [body, headers['access-control-allow-origin'], headers['access-control-expose-headers']],
    ['x', 'https://good.example', 'x-seen'],
  );
  const bad = await call(url, {
    method: 'OPTIONS',
    headers: { origin: 'https://bad.example', 'access-control-request-method': 'GET' },
  });
  assert.equal(bad.headers['access-control-allow-origin'], undefined);
});

test('configurations', async () => {
  const FunctionName = 'configured';
  await create(FunctionName, 'async () => 1', { Publish: true });
  await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
  const created = await client.send(
    new CreateFunctionUrlConfigCommand({ FunctionName, Qualifier: 'live', AuthType: 'AWS_IAM' }),
  );
  assert.deepEqual(
    [created.FunctionArn, created.AuthType, created.InvokeMode, created.Cors],
    [arnOf(FunctionName, 'live'), 'AWS_IAM', undefined, undefined],
  );
  assert.match(created.CreationTime!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  assert.equal(
    await error(new CreateFunctionUrlConfigCommand({ FunctionName, Qualifier: 'live', AuthType: 'NONE' })),
    `ResourceConflictException: Failed to create function url config for [functionArn = ${arnOf(FunctionName, 'live')}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
  );
  await client.send(new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE' }));
  const updated = await client.send(
    new UpdateFunctionUrlConfigCommand({ FunctionName, AuthType: 'AWS_IAM', Cors: { AllowOrigins: ['*'] } }),
  );
  assert.deepEqual([updated.AuthType, updated.Cors], ['AWS_IAM', { AllowOrigins: ['*'] }]);
  const { FunctionUrlConfigs } = await client.send(new ListFunctionUrlConfigsCommand({ FunctionName }));
  assert.deepEqual(
    FunctionUrlConfigs!.map(({ FunctionArn }) => FunctionArn),
    [arnOf(FunctionName), arnOf(FunctionName, 'live')],
  );
  await client.send(new DeleteFunctionUrlConfigCommand({ FunctionName, Qualifier: 'live' }));
  const gone = 'ResourceNotFoundException: The resource you requested does not exist.';
  assert.equal(await error(new GetFunctionUrlConfigCommand({ FunctionName, Qualifier: 'live' })), gone);
  assert.equal((await call(created.FunctionUrl!)).status, 403);
  const cases: [object, string | RegExp][] = [
    [{ FunctionName: 'none' }, 'ResourceNotFoundException: Function does not exist'],
    [{ Qualifier: '1' }, /^ValidationException: .*Value '1' at 'qualifier' failed to satisfy constraint/],
    [{ Qualifier: 'none' }, 'ResourceNotFoundException: Function does not exist'],
    [
      { AuthType: 'BASIC' },
      /at 'authType' failed to satisfy constraint: Member must satisfy enum value set: \[NONE, AWS_IAM\]/,
    ],
  ];
  for (const [input, expected] of cases) {
    const message = await error(new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE', ...input }));
    if (typeof expected === 'string') assert.equal(message, expected);
    else assert.match(message, expected);
  }
});
