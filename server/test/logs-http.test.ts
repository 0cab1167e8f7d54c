// Logs without an SDK: the HTTP endpoints, with bearer tokens, as curl, OpenTelemetry's exporter and a signed request send them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import * as sdk from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateServiceSpecificCredentialCommand,
  CreateUserCommand,
  DeleteServiceSpecificCredentialCommand,
  DeleteUserCommand,
  IAMClient,
  ListServiceSpecificCredentialsCommand,
  ResetServiceSpecificCredentialCommand,
  UpdateServiceSpecificCredentialCommand,
} from '@aws-sdk/client-iam';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const logs = new sdk.CloudWatchLogsClient(clientConfig(brume));
const iam = new IAMClient(clientConfig(brume));
const DAY_MS = 86_400_000;
let made = 0;

async function newStream() {
  const logGroupName = `http-${++made}`;
  const logStreamName = 's';
  await logs.send(new sdk.CreateLogGroupCommand({ logGroupName }));
  await logs.send(new sdk.CreateLogStreamCommand({ logGroupName, logStreamName }));
  return { logGroupName, logStreamName };
}

type Stream = Awaited<ReturnType<typeof newStream>>;

async function post(path: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  const given = { 'content-type': 'application/json', ...headers };
  const response = await fetch(`${brume.endpoint}${path}`, { method: 'POST', headers: given, body: body as string });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

const to = (path: string, { logGroupName, logStreamName }: Stream) =>
  `${path}?logGroup=${encodeURIComponent(logGroupName)}&logStream=${encodeURIComponent(logStreamName)}`;

async function eventsOf(stream: Stream): Promise<{ message: string; timestamp: number }[]> {
  const { events } = await logs.send(new sdk.GetLogEventsCommand({ ...stream, startFromHead: true }));
  return events!.map(({ message, timestamp }) => ({ message: message!, timestamp: timestamp! }));
}

test('each format becomes events; what is none is left out, and counted where the endpoint tells', async () => {
  const nowMs = Math.floor(Date.now() / 1000) * 1000 - 5000;
  const s = nowMs / 1000;
  const partial = (count: number) => ({
    partialSuccess: { rejectedLogRecords: count, errorMessage: `${count} of the log records could not be taken` },
  });
  const structured = (message: string, timestamp: number) => `{"timestamp":${timestamp},"message":"${message}"}`;
  const cases: [path: string, body: string, answer: object, events: [string, number | 'now'][]][] = [
    ['/services/collector/event', `{"event":"one","time":${s}.5}`, {}, [['one', nowMs + 500]]],
    [
      '/services/collector/event',
      `{"event":"a","time":${s}}{"event":{"b":1},"time":"${s + 1}.25"} {"message":"none"} [{"event":42},{"event":true}] 7`,
      {},
      [
        ['a', nowMs],
        ['{"b":1}', nowMs + 1250],
        ['42', 'now'],
        ['true', 'now'],
      ],
    ],
    [
      '/services/collector/event',
      `{"event":[{"time":${s},"event":"in","host":"web-1"},{"time":${s + 1},"event":"out"}]}`,
      {},
      [
        [`{"time":${s},"event":"in","host":"web-1"}`, nowMs],
        ['out', nowMs + 1000],
      ],
    ],
    ['/services/collector/event', '{"event":"late","time":"invalid"}', {}, [['late', 'now']]],
    [
      '/ingest/bulk',
      `${structured('b', nowMs + 1)}\r\n\n${structured('a', nowMs)}\nbroken\n"text"\n42\nnull\n[{"x":1},"y"]\n[]\n`,
      partial(1),
      [
        [structured('a', nowMs), nowMs],
        [structured('b', nowMs + 1), nowMs + 1],
        ['text', 'now'],
        ['42', 'now'],
        ['null', 'now'],
        ['{"x":1}', 'now'],
        ['y', 'now'],
      ],
    ],
    ['/ingest/bulk', '{"id":12345678901234567890}', {}, [['{"id":12345678901234567890}', 'now']]],
    ['/ingest/json', structured('a', nowMs), {}, [[structured('a', nowMs), nowMs]]],
    [
      '/ingest/json',
      `[${structured('a', nowMs)},"just a string",42,{"timestamp":"invalid"}]`,
      partial(2),
      [
        [structured('a', nowMs), nowMs],
        ['{"timestamp":"invalid"}', 'now'],
      ],
    ],
    ['/ingest/json', `${structured('a', nowMs)}${structured('b', nowMs)}`, {}, [[structured('a', nowMs), nowMs]]],
    ['/ingest/json', '[]', {}, []],
    ['/ingest/json', '"hello"', partial(1), []],
    [
      '/ingest/json',
      `[${structured('old', nowMs - 15 * DAY_MS)},${structured('a', nowMs)},${structured('new', nowMs + DAY_MS)}]`,
      partial(2),
      [[structured('a', nowMs), nowMs]],
    ],
  ];
  for (const [path, body, answer, expected] of cases) {
    const stream = await newStream();
    const before = Date.now();
    assert.deepEqual(await post(to(path, stream), body), { status: 200, body: answer }, body);
    const events = await eventsOf(stream);
    assert.deepEqual(
      events.map(({ message }) => message),
      expected.map(([message]) => message),
      body,
    );
    for (const [i, [, at]] of expected.entries()) {
      const { timestamp } = events[i]!;
      if (at === 'now') assert.ok(timestamp >= before && timestamp <= Date.now(), body);
      else assert.equal(timestamp, at, body);
    }
  }
});

test('gzip, and the group and stream in headers', async () => {
  const stream = await newStream();
  const headers = { 'x-aws-log-group': stream.logGroupName, 'x-aws-log-stream': stream.logStreamName };
  const packed = gzipSync('{"a":1}\n{"a":2}');
  const answer = await post('/ingest/bulk', packed, {
    ...headers,
    'content-type': 'application/x-ndjson; charset=utf-8',
    'content-encoding': 'gzip',
  });
  assert.deepEqual(answer, { status: 200, body: {} });
  assert.deepEqual(
    (await eventsOf(stream)).map(({ message }) => message),
    ['{"a":1}', '{"a":2}'],
  );
});

test('what is wrong with a request', async () => {
  const stream = await newStream();
  const ndjson = { 'content-type': 'application/x-ndjson' };
  const header = { 'x-aws-log-group': stream.logGroupName };
  const gone = { ...stream, logGroupName: 'gone' };
  const many = JSON.stringify(Array.from({ length: 10_001 }, () => ({})));
  const cases: [path: string, body: string, headers: Record<string, string>, status: number, message: RegExp][] = [
    ['/ingest/json', '{}', {}, 400, /x-aws-log-group or the query parameter logGroup is required/],
    [`/ingest/json?logGroup=${stream.logGroupName}`, '{}', {}, 400, /logStream is required/],
    [to('/ingest/json', stream), '{}', header, 400, /not both/],
    [to('/ingest/json', stream), '{}', ndjson, 400, /Content-Type must be application\/json/],
    [to('/services/collector/event', stream), '{}', ndjson, 400, /Content-Type/],
    [to('/ingest/json', stream), '{"a":', {}, 400, /not valid JSON/],
    [to('/ingest/json', stream), '', {}, 400, /empty/],
    [to('/ingest/json', stream), many, {}, 400, /at most 10000/],
    [to('/ingest/json', stream), `{"a":"${'x'.repeat(1_048_576)}"}`, {}, 400, /Upload too large/],
    [to('/ingest/json', gone), '{}', {}, 404, /log group does not exist/],
    [to('/ingest/json', gone), '[]', {}, 404, /log group does not exist/],
    [to('/ingest/json', { ...stream, logStreamName: 'gone' }), '{}', {}, 404, /log stream does not exist/],
    ['/v1/logs', '{}', {}, 400, /x-aws-log-group is required/],
    ['/v1/logs', '{}', { ...header, 'x-aws-log-stream': 's' }, 400, /resourceLogs must be a list/],
    ...['[1]', '[{"scopeLogs":5}]', '[{"scopeLogs":[{"logRecords":{}}]}]', '[{"resource":{"attributes":"x"}}]'].map(
      (resourceLogs): [string, string, Record<string, string>, number, RegExp] => [
        '/v1/logs',
        `{"resourceLogs":${resourceLogs}}`,
        { ...header, 'x-aws-log-stream': 's' },
        400,
        /must be a list of objects/,
      ],
    ),
    [
      '/v1/logs',
      'nonsense',
      { ...header, 'x-aws-log-stream': 's', 'content-type': 'application/x-protobuf' },
      400,
      /no OpenTelemetry/,
    ],
  ];
  for (const [path, body, headers, status, message] of cases) {
    const answer = await post(path, body, headers);
    assert.equal(answer.status, status, `${path} ${JSON.stringify(answer.body)}`);
    assert.match(answer.body.message, message);
  }
  assert.deepEqual(await eventsOf(stream), []);
});

test('OpenTelemetry: JSON records as events', async () => {
  const stream = await newStream();
  const nowMs = Date.now() - 1000;
  const attributes = [
    { key: 'text', value: { stringValue: 'x' } },
    { key: 'count', value: { intValue: '7' } },
    { key: 'large', value: { intValue: '9223372036854775807' } },
    { key: 'list', value: { arrayValue: { values: [{ boolValue: true }, { doubleValue: 0.5 }] } } },
    { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } } },
    { key: 'none' },
  ];
  const record = { timeUnixNano: `${nowMs}000000`, severityNumber: 9, severityText: 'INFO', attributes };
  const request = {
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'etl' } }] },
        scopeLogs: [
          {
            scope: { name: 'lib', version: '1.0' },
            logRecords: [
              {
                ...record,
                body: { stringValue: 'done' },
                traceId: '5b8efff798038103d269b633813fc60c',
                spanId: 'eee19b7ec3c1b174',
              },
              { observedTimeUnixNano: `${nowMs - 1}000000`, body: { kvlistValue: { values: [] } } },
              { timeUnixNano: `${nowMs - 20 * DAY_MS}000000`, body: { stringValue: 'too old' } },
            ],
          },
        ],
      },
    ],
  };
  const headers = { 'x-aws-log-group': stream.logGroupName, 'x-aws-log-stream': stream.logStreamName };
  const answer = await post('/v1/logs', JSON.stringify(request), headers);
  assert.equal(answer.status, 200);
  assert.equal(answer.body.partialSuccess.rejectedLogRecords, 1);
  const origin = { resource: { attributes: { 'service.name': 'etl' } }, scope: { name: 'lib', version: '1.0' } };
  const events = await eventsOf(stream);
  assert.deepEqual(
    events.map(({ timestamp }) => timestamp),
    [nowMs - 1, nowMs],
  );
  assert.deepEqual(
    events.map(({ message }) => JSON.parse(message)),
    [
      { ...origin, observedTimeUnixNano: (nowMs - 1) * 1e6, body: {}, attributes: {} },
      {
        ...origin,
        timeUnixNano: nowMs * 1e6,
        severityNumber: 9,
        severityText: 'INFO',
        body: 'done',
        attributes: {
          text: 'x',
          count: 7,
          large: '9223372036854775807',
          list: [true, 0.5],
          map: { k: 'v' },
          none: null,
        },
        traceId: '5b8efff798038103d269b633813fc60c',
        spanId: 'eee19b7ec3c1b174',
      },
    ],
  );
});

async function textOf(logObjectPointer: string, unmask?: boolean): Promise<string> {
  const { fieldStream } = await logs.send(new sdk.GetLogObjectCommand({ logObjectPointer, unmask }));
  const parts: Uint8Array[] = [];
  for await (const { fields } of fieldStream!) parts.push(fields!.data!);
  return Buffer.concat(parts).toString();
}

test('OpenTelemetry: records beyond 1 MB, and the large objects that are cut off them', async () => {
  const stream = await newStream();
  const policy = (operation: object) => ({
    DataIdentifier: ['arn:aws:dataprotection::aws:data-identifier/EmailAddress'],
    Operation: operation,
  });
  const statements = [policy({ Audit: { FindingsDestination: {} } }), policy({ Deidentify: { MaskConfig: {} } })];
  const policyDocument = JSON.stringify({ Name: 'p', Version: '2021-06-01', Statement: statements });
  await logs.send(new sdk.PutDataProtectionPolicyCommand({ logGroupIdentifier: stream.logGroupName, policyDocument }));
  const nowMs = Date.now() - 1000;
  const body = `${'é'.repeat(1_500_000)} of ann@example.com.`;
  const text = 'line\n'.repeat(300_000);
  const recordOf = (members: object) => ({ timeUnixNano: `${nowMs}000000`, ...members });
  const attributes = [{ key: 'text', value: { stringValue: text } }];
  const logRecords = [
    recordOf({ body: { stringValue: body }, attributes }),
    recordOf({ body: { stringValue: 'x'.repeat(900_000) } }),
    recordOf({ body: { stringValue: 'y'.repeat(900_000) } }),
  ];
  const headers = { 'x-aws-log-group': stream.logGroupName, 'x-aws-log-stream': stream.logStreamName };
  const sent = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
  assert.deepEqual(await post('/v1/logs', sent, headers), { status: 200, body: {} });

  const messages = await wholeMessages(stream);
  assert.equal(messages.length, 3);
  const message = messages.find((each) => each.includes('@ptr'))!;
  const bytes = Buffer.byteLength(message);
  assert.ok(bytes <= 1_048_550 && bytes > 1_048_400, `${bytes} bytes`);
  const record = JSON.parse(message);
  const [ofBody, ofText] = ["@ptr.$['body']", "@ptr.$['attributes']['text']"].map((name) => record[name] as string);
  assert.equal(record.body + (await textOf(ofBody!, true)), body);
  assert.equal(record.attributes.text + (await textOf(ofText!)), text);
  assert.match(await textOf(ofBody!), / of \*+\.$/);

  const named = { ...headers, 'x-aws-truncatable-fields': "$['attributes']['text']" };
  const large = recordOf({
    body: { stringValue: 'x'.repeat(700_000) },
    attributes: [{ key: 'text', value: { stringValue: 'y'.repeat(500_000) } }],
  });
  const request = (record: object) => JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });
  assert.equal((await post('/v1/logs', request(large), named)).status, 200);
  const [pointers] = (await wholeMessages(stream))
    .map((each) => Object.keys(JSON.parse(each)).slice(-1))
    .filter(([last]) => last!.includes("['text']"));
  assert.deepEqual(pointers, ["@ptr.$['attributes']['text']"]);
  const refused = await post('/v1/logs', request(logRecords[0]!), named);
  assert.deepEqual([refused.status, refused.body.__type], [400, 'InvalidParameterException']);

  const tooLong = Buffer.from(Buffer.from(ofBody!, 'base64').toString().replace(/\d+$/, '99')).toString('base64');
  for (const [pointer, name] of [
    ['bm9uZQ==', 'InvalidParameterException'],
    ['x'.repeat(513), 'InvalidParameterException'],
    [tooLong, 'ResourceNotFoundException'],
  ] as const) {
    await assert.rejects(textOf(pointer), { name });
  }
  await logs.send(new sdk.DeleteLogStreamCommand(stream));
  await assert.rejects(textOf(ofText!), { name: 'ResourceNotFoundException' });
});

/** Of all pages, not masked. */
async function wholeMessages(stream: Stream): Promise<string[]> {
  const messages: string[] = [];
  for (let nextToken: string | undefined; ; ) {
    const command = new sdk.GetLogEventsCommand({ ...stream, startFromHead: true, unmask: true, nextToken });
    const { events, nextForwardToken } = await logs.send(command);
    if (nextForwardToken === nextToken) return messages;
    messages.push(...events!.map(({ message }) => message!));
    nextToken = nextForwardToken;
  }
}

test("OpenTelemetry's own exporter: Protocol Buffers, gzip, a bearer token", async () => {
  const stream = await newStream();
  await logs.send(
    new sdk.PutBearerTokenAuthenticationCommand({
      logGroupIdentifier: stream.logGroupName,
      bearerTokenAuthenticationEnabled: true,
    }),
  );
  await iam.send(new CreateUserCommand({ UserName: 'otel' }));
  const { ServiceSpecificCredential: credential } = await iam.send(
    new CreateServiceSpecificCredentialCommand({ UserName: 'otel', ServiceName: 'logs.amazonaws.com' }),
  );
  const exporter = new OTLPLogExporter({
    url: `${brume.endpoint}/v1/logs`,
    compression: 'gzip' as never,
    headers: {
      authorization: `Bearer ${credential!.ServiceCredentialSecret}`,
      'x-aws-log-group': stream.logGroupName,
      'x-aws-log-stream': stream.logStreamName,
    },
  });
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter } as never)] });
  const logger = provider.getLogger('pipeline', '2.1');
  const attributes = { rows: 1200, ratio: 0.25, negative: -5, ok: true, tags: ['a', 'b'], bytes: Buffer.from('xyz') };
  logger.emit({ severityNumber: 17, severityText: 'ERROR', body: { step: 'load', grüße: '😀' }, attributes });
  await provider.forceFlush();
  await provider.shutdown();
  const [event] = await eventsOf(stream);
  const record = JSON.parse(event!.message);
  assert.deepEqual(record.scope, { name: 'pipeline', version: '2.1' });
  assert.equal(record.severityText, 'ERROR');
  assert.equal(record.severityNumber, 17);
  assert.deepEqual(record.body, { step: 'load', grüße: '😀' });
  assert.deepEqual(record.attributes, { ...attributes, bytes: Buffer.from('xyz').toString('base64') });
  // Beyond 2^53, where a number is up to 128 ns off.
  assert.equal(Math.floor((record.timeUnixNano + 256) / 1e6), event!.timestamp);
});

test('bearer tokens: only for groups that take them, only while they are good', async () => {
  const stream = await newStream();
  const UserName = 'collector';
  await iam.send(new CreateUserCommand({ UserName }));
  const create = (input: object = {}) =>
    iam.send(new CreateServiceSpecificCredentialCommand({ UserName, ServiceName: 'logs.amazonaws.com', ...input }));
  const { ServiceSpecificCredential: first } = await create({ CredentialAgeDays: 30 });
  const { ServiceSpecificCredentialId, ServiceCredentialSecret, CreateDate, ...rest } = first!;
  assert.match(ServiceCredentialSecret!, /^ACWL/);
  assert.deepEqual(rest, {
    ExpirationDate: new Date(CreateDate!.getTime() + 30 * DAY_MS),
    ServiceName: 'logs.amazonaws.com',
    ServiceCredentialAlias: 'collector-at-000000000000',
    UserName,
    Status: 'Active',
  });
  const send = async (token: string) => {
    const answer = await post(to('/ingest/json', stream), '{}', { authorization: `Bearer ${token}` });
    return answer.status;
  };
  const enable = (bearerTokenAuthenticationEnabled: boolean) =>
    logs.send(
      new sdk.PutBearerTokenAuthenticationCommand({
        logGroupIdentifier: `arn:aws:logs:us-east-1:000000000000:log-group:${stream.logGroupName}`,
        bearerTokenAuthenticationEnabled,
      }),
    );
  const described = async () => {
    const { logGroups } = await logs.send(
      new sdk.DescribeLogGroupsCommand({ logGroupNamePrefix: stream.logGroupName }),
    );
    return logGroups![0]!.bearerTokenAuthenticationEnabled;
  };
  assert.equal(await send(ServiceCredentialSecret!), 401);
  assert.equal(await described(), false);
  await enable(true);
  assert.equal(await described(), true);
  assert.equal(await send(ServiceCredentialSecret!), 200);
  const update = (Status: 'Active' | 'Inactive') =>
    iam.send(new UpdateServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId, Status }));
  await update('Inactive');
  assert.equal(await send(ServiceCredentialSecret!), 401);
  await update('Active');
  const { ServiceSpecificCredential: second } = await create();
  await assert.rejects(create(), { name: 'LimitExceededException' });
  await assert.rejects(create({ ServiceName: 'codecommit.amazonaws.com' }), { name: 'NotImplemented' });
  await assert.rejects(create({ ServiceName: 'sqs.amazonaws.com' }), { name: 'ServiceNotSupportedException' });
  const { ServiceSpecificCredential: reset } = await iam.send(
    new ResetServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId }),
  );
  assert.equal(await send(reset!.ServiceCredentialSecret!), 200);
  const listed = await iam.send(new ListServiceSpecificCredentialsCommand({ UserName }));
  assert.deepEqual(
    listed.ServiceSpecificCredentials!.map(({ ServiceSpecificCredentialId: id }) => id).sort(),
    [ServiceSpecificCredentialId, second!.ServiceSpecificCredentialId].sort(),
  );
  assert.ok(listed.ServiceSpecificCredentials!.every((credential) => !('ServiceCredentialSecret' in credential)));
  await assert.rejects(iam.send(new DeleteUserCommand({ UserName })), { name: 'DeleteConflictException' });
  for (const { ServiceSpecificCredentialId: id } of listed.ServiceSpecificCredentials!) {
    await iam.send(new DeleteServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId: id }));
  }
  await iam.send(new DeleteUserCommand({ UserName }));
});

test('where signatures are verified, so are bearer tokens', async () => {
  const key = { secretAccessKey: 'secret', account: '123456789012' };
  const closed = await startBrume({ accessKeys: new Map([['AKIDEXAMPLE', key]]) as never });
  const config = { ...clientConfig(closed), credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' } };
  const own = new sdk.CloudWatchLogsClient(config);
  await own.send(new sdk.CreateLogGroupCommand({ logGroupName: 'g' }));
  await own.send(new sdk.CreateLogStreamCommand({ logGroupName: 'g', logStreamName: 's' }));
  const enabled = { logGroupIdentifier: 'g', bearerTokenAuthenticationEnabled: true };
  await own.send(new sdk.PutBearerTokenAuthenticationCommand(enabled));
  const ownIam = new IAMClient(config);
  await ownIam.send(new CreateUserCommand({ UserName: 'u' }));
  const { ServiceSpecificCredential: credential } = await ownIam.send(
    new CreateServiceSpecificCredentialCommand({ UserName: 'u', ServiceName: 'logs.amazonaws.com' }),
  );
  const statusWith = async (headers: Record<string, string>) => {
    const given = { 'content-type': 'application/json', ...headers };
    const url = `${closed.endpoint}/ingest/json?logGroup=g&logStream=s`;
    return (await fetch(url, { method: 'POST', headers: given, body: '{"a":1}' })).status;
  };
  assert.equal(await statusWith({}), 401);
  assert.equal(await statusWith({ authorization: 'Bearer ACWLwrong' }), 401);
  assert.equal(await statusWith({ authorization: `Bearer ${credential!.ServiceCredentialSecret}` }), 200);
});
