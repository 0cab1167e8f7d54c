// Tenant isolation: https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  ListFunctionsCommand,
  PublishVersionCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { missing, noPython, startEngine } from './lambda-engine.ts';
import { codeOf, parse, ROLE, testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, create, error } = testLambda(brume);
const PER_TENANT = { TenancyConfig: { TenantIsolationMode: 'PER_TENANT' as const } };
/** Whose invocations an environment has served, in order. */
const HANDLER = `(() => {
  const served = [];
  return async ({ ms = 0 }, { tenantId }) => {
    served.push(tenantId);
    console.log('for', tenantId);
    await new Promise((done) => setTimeout(done, ms));
    return served;
  };
})()`;

await create('tenants', HANDLER, { ...PER_TENANT, LoggingConfig: { LogFormat: 'JSON' } });
await create('anyone', HANDLER);

async function invoke(FunctionName: string, TenantId?: string, event = {}) {
  const { Payload } = await client.send(
    new InvokeCommand({ FunctionName, TenantId, Payload: Buffer.from(JSON.stringify(event)) }),
  );
  return parse(Payload);
}

test('an environment serves one tenant only', async () => {
  assert.deepEqual(await invoke('tenants', 'blue'), ['blue']);
  assert.deepEqual(await invoke('tenants', 'green'), ['green']);
  assert.deepEqual(await invoke('tenants', 'blue'), ['blue', 'blue']);
  // At once, more environments of each.
  const many = await Promise.all(
    Array.from({ length: 8 }, (_, index) => invoke('tenants', index % 2 ? 'blue' : 'green', { ms: 50 })),
  );
  for (const served of many) assert.equal(new Set(served).size, 1, String(served));
  assert.deepEqual(await invoke('tenants', 'a b/c:d=e+f-g@h._'), ['a b/c:d=e+f-g@h._']);
});

test('streams know it too', async () => {
  const { EventStream } = await client.send(
    new InvokeWithResponseStreamCommand({ FunctionName: 'tenants', TenantId: 'red' }),
  );
  let text = '';
  for await (const { PayloadChunk } of EventStream!) text += Buffer.from(PayloadChunk?.Payload ?? []).toString();
  assert.equal(text, '["red"]');
});

const MISSING =
  'InvalidParameterValueException: The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.';
const SURPLUS =
  'InvalidParameterValueException: The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again.';

for (const [name, input, expected] of [
  ['no tenant', { FunctionName: 'tenants' }, MISSING],
  ['no tenant, of an event', { FunctionName: 'tenants', InvocationType: 'Event' as const }, MISSING],
  ['no tenant, dry', { FunctionName: 'tenants', InvocationType: 'DryRun' as const }, MISSING],
  ['a tenant of a function without', { FunctionName: 'anyone', TenantId: 'blue' }, SURPLUS],
  [
    'a tenant of other characters',
    { FunctionName: 'tenants', TenantId: 'blau*' },
    "ValidationException: 1 validation error detected: Value 'blau*' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9._:/=+\\-@ ]+",
  ],
  [
    'a long one',
    { FunctionName: 'tenants', TenantId: 'x'.repeat(257) },
    `ValidationException: 1 validation error detected: Value '${'x'.repeat(257)}' at 'tenantId' failed to satisfy constraint: Member must have length less than or equal to 256`,
  ],
] as const) {
  test(`refused: ${name}`, async () => {
    assert.equal(await error(new InvokeCommand(input)), expected);
  });
}

test('it is shown, and stays', async () => {
  const FunctionName = 'tenants';
  const shown = await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Description: 'changed' }));
  assert.deepEqual(shown.TenancyConfig, PER_TENANT.TenancyConfig);
  const got = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
  assert.deepEqual(got.TenancyConfig, PER_TENANT.TenancyConfig);
  const { Functions } = await client.send(new ListFunctionsCommand({}));
  assert.deepEqual(
    Functions!.map(({ TenancyConfig }) => TenancyConfig?.TenantIsolationMode),
    [undefined, 'PER_TENANT'],
  );
  const { Version, TenancyConfig } = await client.send(new PublishVersionCommand({ FunctionName }));
  assert.deepEqual([Version, TenancyConfig], ['1', PER_TENANT.TenancyConfig]);
  assert.equal(await error(new InvokeCommand({ FunctionName, Qualifier: '1' })), MISSING);
});

test('an event is run for its tenant, and the JSON log names it', async () => {
  const logs = new CloudWatchLogsClient(clientConfig(brume));
  await client.send(new InvokeCommand({ FunctionName: 'tenants', TenantId: 'later', InvocationType: 'Event' }));
  const wanted = ['platform.start', 'for later', 'platform.report'];
  let found: unknown[] = [];
  for (let attempt = 0; attempt < 100 && found.length < wanted.length; attempt++) {
    await sleep(50);
    const { events = [] } = await logs
      .send(new FilterLogEventsCommand({ logGroupName: '/aws/lambda/tenants' }))
      .catch(() => ({ events: [] }));
    const lines = events.map(({ message }) => JSON.parse(message!));
    found = lines
      .filter(({ tenantId, record }) => (tenantId ?? record?.tenantId) === 'later')
      .map(({ type, message }) => type ?? message);
  }
  assert.deepEqual(found, wanted);
});

test('what it cannot be combined with', async () => {
  const sqs = new SQSClient(clientConfig(brume));
  await sqs.send(new CreateQueueCommand({ QueueName: 'jobs' }));
  const refused = (feature: string) =>
    `InvalidParameterValueException: ${feature} is not supported for functions with tenancy configuration.`;
  const make = (more: object) =>
    new CreateFunctionCommand({
      FunctionName: 'other',
      Role: ROLE,
      Runtime: 'python3.12',
      Handler: 'index.handler',
      Code: { ZipFile: codeOf('x') },
      ...PER_TENANT,
      ...more,
    });
  const FunctionName = 'tenants';
  const rows = [
    ['Function URL', new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE' })],
    [
      'Provisioned Concurrency',
      new PutProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier: '1', ProvisionedConcurrentExecutions: 1 }),
    ],
    [
      'Event source mapping',
      new CreateEventSourceMappingCommand({ FunctionName, EventSourceArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:jobs` }),
    ],
    ['SnapStart', make({ SnapStart: { ApplyOn: 'PublishedVersions' } })],
    ['Durable execution', make({ DurableConfig: { ExecutionTimeout: 60 }, Runtime: 'nodejs24.x' })],
  ] as const;
  for (const [feature, command] of rows) assert.equal(await error(command), refused(feature));
  assert.match(
    await error(make({ TenancyConfig: { TenantIsolationMode: 'SHARED' } })),
    /^ValidationException: .*'tenancyConfig.tenantIsolationMode' failed .* enum value set: \[PER_TENANT\]$/,
  );
});

describe('runtimes tell handlers, and JSON logs', () => {
  const testEngine = startEngine();
  for (const [runtime, skip, file, code] of [
    [
      'nodejs24.x',
      false,
      'app.js',
      'exports.handler = async (_, c) => { console.log("hi"); return c.tenantId ?? null; }',
    ],
    [
      'python3.11',
      noPython,
      'app.py',
      'import logging\ndef handler(event, context):\n  logging.getLogger().error("hi")\n  return context.tenant_id',
    ],
    [
      'ruby3.3',
      missing('ruby', '--version'),
      'app.rb',
      'require "logger"\ndef handler(event:, context:)\n  Logger.new($stdout).error("hi")\n  context.tenant_id\nend',
    ],
  ] as const) {
    test(runtime, { skip }, async () => {
      const fn = testEngine.deploy({
        runtime,
        files: { [file]: code },
        handler: 'app.handler',
        logging: { format: 'JSON', applicationLevel: 'INFO', systemLevel: 'INFO' },
      });
      assert.equal((await fn.invoke({}, { tenantId: 'blue' })).value, 'blue');
      assert.equal((await fn.invoke({})).value, null);
      await testEngine.engine.flushLogs();
      const lines = testEngine.log.map(({ message }) => message).filter((message) => message.includes('"hi"'));
      testEngine.log.length = 0;
      assert.deepEqual(
        lines.map((line) => JSON.parse(line).tenantId),
        ['blue', undefined],
      );
    });
  }
});
