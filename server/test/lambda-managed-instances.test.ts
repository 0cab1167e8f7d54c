// Lambda Managed Instances: capacity providers, versions whose environments are kept, and what bounds them.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateCapacityProviderCommand,
  type CreateCapacityProviderCommandInput,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteCapacityProviderCommand,
  DeleteFunctionCommand,
  GetCapacityProviderCommand,
  GetFunctionConfigurationCommand,
  GetFunctionScalingConfigCommand,
  InvokeCommand,
  type LambdaClient,
  ListCapacityProvidersCommand,
  ListFunctionVersionsByCapacityProviderCommand,
  ListTagsCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionScalingConfigCommand,
  PutProvisionedConcurrencyConfigCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateCapacityProviderCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { ACCOUNT, REGION, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';
import { arnOf, codeOf, parse, ROLE, testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, error, create } = testLambda(brume);
const providerArn = (name: string) => `arn:aws:lambda:${REGION}:${ACCOUNT}:capacity-provider:${name}`;
const makeProvider = (
  name: string,
  more: Partial<CreateCapacityProviderCommandInput> = {},
  at: LambdaClient = client,
) =>
  at.send(
    new CreateCapacityProviderCommand({
      CapacityProviderName: name,
      VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] },
      PermissionsConfig: { CapacityProviderOperatorRoleArn: ROLE },
      ...more,
    }),
  );
const on = (name: string, PerExecutionEnvironmentMaxConcurrency = 1) => ({
  CapacityProviderConfig: {
    LambdaManagedInstancesCapacityProviderConfig: {
      CapacityProviderArn: providerArn(name),
      PerExecutionEnvironmentMaxConcurrency,
    },
  },
});
const HANDLER = `(() => {
  const id = Math.random();
  return async ({ ms = 0 }, { functionVersion }) => {
    await new Promise((done) => setTimeout(done, ms));
    return { id, type: process.env.AWS_LAMBDA_INITIALIZATION_TYPE, functionVersion };
  };
})()`;

async function invoke(FunctionName: string, Qualifier?: string, event = {}, at: LambdaClient = client) {
  const { Payload, ExecutedVersion, LogResult } = await at.send(
    new InvokeCommand({ FunctionName, Qualifier, LogType: 'Tail', Payload: Buffer.from(JSON.stringify(event)) }),
  );
  const cold = Buffer.from(LogResult!, 'base64').toString().includes('platform.initStart');
  return { ...parse(Payload), ExecutedVersion, cold };
}

async function untilState(FunctionName: string, Qualifier: string, wanted: string, at: LambdaClient = client) {
  for (let attempt = 0; ; attempt++) {
    const shown = await at.send(new GetFunctionConfigurationCommand({ FunctionName, Qualifier }));
    if (shown.State === wanted) return shown;
    assert.ok(attempt < 200, `it is ${shown.State} still`);
    await sleep(25);
  }
}

describe('capacity providers', () => {
  test('are made, shown, changed and deleted', async () => {
    const shown = {
      CapacityProviderArn: providerArn('p1'),
      VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] },
      PermissionsConfig: { CapacityProviderOperatorRoleArn: ROLE },
      InstanceRequirements: { Architectures: ['arm64'], AllowedInstanceTypes: ['m7g.large'] },
      CapacityProviderScalingConfig: { MaxVCpuCount: 400, ScalingMode: 'Auto' },
    };
    const created = await makeProvider('p1', {
      InstanceRequirements: { Architectures: ['arm64'], AllowedInstanceTypes: ['m7g.large'] },
      Tags: { a: '1' },
    });
    const { LastModified, ...rest } = created.CapacityProvider!;
    assert.deepEqual(rest, { ...shown, State: 'Pending' });
    assert.match(String(LastModified), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/);
    for (const CapacityProviderName of ['p1', providerArn('p1')]) {
      const { CapacityProvider } = await client.send(new GetCapacityProviderCommand({ CapacityProviderName }));
      assert.deepEqual(
        { ...CapacityProvider, LastModified: undefined },
        { ...shown, State: 'Active', LastModified: undefined },
      );
    }
    const policies = [
      { PredefinedMetricType: 'LambdaCapacityProviderAverageCPUUtilization' as const, TargetValue: 50 },
    ];
    const updated = await client.send(
      new UpdateCapacityProviderCommand({
        CapacityProviderName: 'p1',
        CapacityProviderScalingConfig: { MaxVCpuCount: 8, ScalingMode: 'Manual', ScalingPolicies: policies },
      }),
    );
    assert.deepEqual(updated.CapacityProvider!.CapacityProviderScalingConfig, {
      MaxVCpuCount: 8,
      ScalingMode: 'Manual',
      ScalingPolicies: policies,
    });
    const Resource = providerArn('p1');
    await client.send(new TagResourceCommand({ Resource, Tags: { b: '2' } }));
    await client.send(new UntagResourceCommand({ Resource, TagKeys: ['a'] }));
    assert.deepEqual((await client.send(new ListTagsCommand({ Resource }))).Tags, { b: '2' });
    const deleted = await client.send(new DeleteCapacityProviderCommand({ CapacityProviderName: 'p1' }));
    assert.equal(deleted.CapacityProvider!.State, 'Deleting');
    assert.equal(
      await error(new GetCapacityProviderCommand({ CapacityProviderName: 'p1' })),
      `ResourceNotFoundException: Capacity provider not found: ${providerArn('p1')}`,
    );
  });

  test('are listed page by page', async () => {
    for (const name of ['l1', 'l2', 'l3']) await makeProvider(name);
    const first = await client.send(new ListCapacityProvidersCommand({ MaxItems: 2 }));
    const second = await client.send(new ListCapacityProvidersCommand({ Marker: first.NextMarker! }));
    assert.deepEqual(
      [first, second].map(({ CapacityProviders }) => CapacityProviders!.map((one) => one.CapacityProviderArn)),
      [[providerArn('l1'), providerArn('l2')], [providerArn('l3')]],
    );
    const none = await client.send(new ListCapacityProvidersCommand({ State: 'Failed' }));
    assert.deepEqual(none.CapacityProviders, []);
  });

  for (const [name, more, expected] of [
    ['a name that is taken', { CapacityProviderName: 'l1' }, /^ResourceConflictException: /],
    ['a name with a dot', { CapacityProviderName: 'a.b' }, /^ValidationException: .*'capacityProviderName'/],
    [
      'no subnet',
      { VpcConfig: { SubnetIds: [], SecurityGroupIds: [] } },
      /'vpcConfig.subnetIds' .*greater than or equal to 1$/,
    ],
    [
      'one processor',
      { CapacityProviderScalingConfig: { MaxVCpuCount: 1 } },
      /'capacityProviderScalingConfig.maxVCpuCount' .*greater than or equal to 2$/,
    ],
    [
      'a role that is none',
      { PermissionsConfig: { CapacityProviderOperatorRoleArn: 'me' } },
      /'permissionsConfig.capacityProviderOperatorRoleArn'/,
    ],
    [
      'types in and out',
      { InstanceRequirements: { AllowedInstanceTypes: ['a'], ExcludedInstanceTypes: ['b'] } },
      /^InvalidParameterValueException: /,
    ],
  ] as [string, Partial<CreateCapacityProviderCommandInput>, RegExp][]) {
    test(`refused: ${name}`, async () => {
      const command = new CreateCapacityProviderCommand({
        CapacityProviderName: 'refused',
        VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: [] },
        PermissionsConfig: { CapacityProviderOperatorRoleArn: ROLE },
        ...more,
      });
      assert.match(await error(command), expected);
    });
  }
});

describe('functions on them', () => {
  test('run as published, in environments that were there before', async () => {
    await makeProvider('cp');
    await create('fn', HANDLER, { ...on('cp'), PublishTo: 'LATEST_PUBLISHED' });
    const published = await untilState('fn', '$LATEST.PUBLISHED', 'Active');
    assert.equal(published.FunctionArn, arnOf('fn', '$LATEST.PUBLISHED'));
    assert.deepEqual(
      [published.Version, published.MemorySize, published.LoggingConfig!.LogFormat],
      ['$LATEST.PUBLISHED', 2048, 'JSON'],
    );
    const { LambdaManagedInstancesCapacityProviderConfig: shown } = published.CapacityProviderConfig!;
    assert.deepEqual(shown, {
      CapacityProviderArn: providerArn('cp'),
      PerExecutionEnvironmentMaxConcurrency: 1,
      ExecutionEnvironmentMemoryGiBPerVCpu: 2,
    });
    assert.equal(
      (await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'fn' }))).State,
      'ActiveNonInvocable',
    );
    const answer = await invoke('fn');
    assert.deepEqual(
      { ...answer, id: 0 },
      {
        id: 0,
        type: 'lambda-managed-instances',
        functionVersion: '$LATEST.PUBLISHED',
        ExecutedVersion: '$LATEST.PUBLISHED',
        cold: false,
      },
    );
    assert.equal(
      await error(new InvokeCommand({ FunctionName: 'fn', Qualifier: '$LATEST' })),
      'ResourceConflictException: The operation cannot be performed at this time. The function is currently in the following state: ActiveNonInvocable',
    );
  });

  test('three environments unless told otherwise, and no more invocations than those allowed', async () => {
    const FunctionName = 'fn';
    const get = (Qualifier = '$LATEST.PUBLISHED') =>
      client.send(new GetFunctionScalingConfigCommand({ FunctionName, Qualifier }));
    assert.deepEqual((await get()).AppliedFunctionScalingConfig, { MinExecutionEnvironments: 3 });
    const together = (count: number) =>
      Promise.allSettled(Array.from({ length: count }, () => invoke(FunctionName, undefined, { ms: 300 })));
    const warm = (await together(3)).map((one) => (one.status === 'fulfilled' ? one.value : undefined));
    assert.deepEqual(
      warm.map((one) => one?.cold),
      [false, false, false],
    );
    assert.equal(new Set(warm.map((one) => one.id)).size, 3);

    const FunctionScalingConfig = { MinExecutionEnvironments: 1, MaxExecutionEnvironments: 2 };
    const put = new PutFunctionScalingConfigCommand({
      FunctionName,
      Qualifier: '$LATEST.PUBLISHED',
      FunctionScalingConfig,
    });
    assert.equal((await client.send(put)).FunctionState, 'Active');
    await invoke(FunctionName);
    const { AppliedFunctionScalingConfig, RequestedFunctionScalingConfig } = await get();
    assert.deepEqual(
      [AppliedFunctionScalingConfig, RequestedFunctionScalingConfig],
      [FunctionScalingConfig, FunctionScalingConfig],
    );
    const outcomes = (await together(5)).map((one) => (one.status === 'fulfilled' ? 'ok' : (one.reason as Error).name));
    assert.deepEqual(outcomes.toSorted(), [
      'TooManyRequestsException',
      'TooManyRequestsException',
      'TooManyRequestsException',
      'ok',
      'ok',
    ]);
  });

  test('an environment takes as many invocations as it is allowed', async () => {
    await create('many', HANDLER, { ...on('cp', 3), Publish: true });
    const FunctionName = 'many';
    await client.send(
      new PutFunctionScalingConfigCommand({
        FunctionName,
        Qualifier: '1',
        FunctionScalingConfig: { MinExecutionEnvironments: 1, MaxExecutionEnvironments: 1 },
      }),
    );
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => invoke(FunctionName, '1', { ms: 500 })));
    const served = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    assert.equal(served.length, 3);
    assert.equal(new Set(served.map(({ id }) => id)).size, 1);
    assert.equal(
      await error(new InvokeCommand({ FunctionName })),
      'NoPublishedVersionException: The function has no published versions available.',
    );
  });

  test('none at all: deactivated, and back', async () => {
    const FunctionName = 'many';
    const put = (most: number) =>
      client.send(
        new PutFunctionScalingConfigCommand({
          FunctionName,
          Qualifier: '1',
          FunctionScalingConfig: { MinExecutionEnvironments: most, MaxExecutionEnvironments: most },
        }),
      );
    assert.equal((await put(0)).FunctionState, 'Deactivating');
    await untilState(FunctionName, '1', 'Deactivated');
    assert.match(await error(new InvokeCommand({ FunctionName, Qualifier: '1' })), /following state: Deactivated$/);
    assert.equal((await put(1)).FunctionState, 'Pending');
    assert.equal((await invoke(FunctionName, '1')).cold, false);
  });

  test('published anew without a number; numbers go on', async () => {
    const FunctionName = 'fn';
    const { Version } = await client.send(new PublishVersionCommand({ FunctionName }));
    assert.equal(Version, '1');
    await client.send(
      new UpdateFunctionCodeCommand({
        FunctionName,
        ZipFile: codeOf('async () => ({ id: "new" })'),
        PublishTo: 'LATEST_PUBLISHED',
      }),
    );
    assert.equal((await invoke(FunctionName)).id, 'new');
    assert.notEqual((await invoke(FunctionName, '1')).id, 'new');
    const again = await client.send(new PublishVersionCommand({ FunctionName, PublishTo: 'LATEST_PUBLISHED' }));
    assert.equal(again.Version, '$LATEST.PUBLISHED');
    const { Versions } = await client.send(new ListVersionsByFunctionCommand({ FunctionName }));
    assert.deepEqual(
      Versions!.map((one) => one.Version),
      ['$LATEST', '$LATEST.PUBLISHED', '1'],
    );
    const listed = await client.send(new ListFunctionVersionsByCapacityProviderCommand({ CapacityProviderName: 'cp' }));
    assert.deepEqual(
      listed.FunctionVersions!.map((one) => [one.FunctionArn, one.State]),
      [
        [arnOf('fn', '$LATEST.PUBLISHED'), 'Active'],
        [arnOf('fn', '1'), 'Active'],
        [arnOf('many', '1'), 'Active'],
      ],
    );
  });

  test('a version that cannot be initialized, or for which there is no room, has failed', async () => {
    await makeProvider('small', { CapacityProviderScalingConfig: { MaxVCpuCount: 2 } });
    await create('broken', '(() => { throw new Error("no"); })()', { ...on('cp'), Publish: true });
    await create('large', HANDLER, { ...on('small'), Publish: true });
    const broken = await untilState('broken', '1', 'Failed');
    const large = await untilState('large', '1', 'Failed');
    assert.deepEqual(
      [broken.StateReasonCode, large.StateReasonCode],
      ['FunctionError', 'CapacityProviderScalingLimitExceeded'],
    );
    assert.match(await error(new InvokeCommand({ FunctionName: 'large', Qualifier: '1' })), /following state: Failed$/);
    await client.send(
      new UpdateCapacityProviderCommand({
        CapacityProviderName: 'small',
        CapacityProviderScalingConfig: { MaxVCpuCount: 4 },
      }),
    );
    await untilState('large', '1', 'Active');
  });

  test('a capacity provider in use stays', async () => {
    assert.match(
      await error(new DeleteCapacityProviderCommand({ CapacityProviderName: 'small' })),
      /^ResourceConflictException: Capacity provider small /,
    );
    for (const FunctionName of ['large']) await client.send(new DeleteFunctionCommand({ FunctionName }));
    await client.send(new DeleteCapacityProviderCommand({ CapacityProviderName: 'small' }));
  });

  const make = (more: Partial<CreateFunctionCommandInput>) =>
    new CreateFunctionCommand({
      FunctionName: 'other',
      Role: ROLE,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Code: { ZipFile: codeOf(HANDLER) },
      ...on('cp'),
      ...more,
    });
  for (const [name, command, expected] of [
    [
      'a provider that is not there',
      make(on('nowhere')),
      `ResourceNotFoundException: Capacity provider not found: ${providerArn('nowhere')}`,
    ],
    [
      'an old runtime',
      make({ Runtime: 'nodejs20.x' }),
      'InvalidParameterValueException: Runtime Enum nodejs20.x does not support specified feature: Lambda Managed Instances',
    ],
    ['little memory', make({ MemorySize: 1024 }), /^InvalidParameterValueException: MemorySize must be at least 2048 /],
    [
      'text logs',
      make({ LoggingConfig: { LogFormat: 'Text' } }),
      /^InvalidParameterValueException: .*JSON log format only\.$/,
    ],
    [
      'tenants',
      make({ TenancyConfig: { TenantIsolationMode: 'PER_TENANT' } }),
      /^InvalidParameterValueException: Tenant isolation /,
    ],
    [
      'a ratio',
      make({
        CapacityProviderConfig: {
          LambdaManagedInstancesCapacityProviderConfig: {
            CapacityProviderArn: providerArn('cp'),
            ExecutionEnvironmentMemoryGiBPerVCpu: 1,
          },
        },
      }),
      /'.*executionEnvironmentMemoryGiBPerVCpu' .*greater than or equal to 2\.0$/,
    ],
    [
      'LATEST_PUBLISHED without a provider',
      make({ CapacityProviderConfig: undefined, PublishTo: 'LATEST_PUBLISHED' }),
      /^InvalidParameterValueException: .*only supported for Lambda Managed Instances\.$/,
    ],
    [
      'a late provider',
      new UpdateFunctionConfigurationCommand({ FunctionName: 'plain', ...on('cp') }),
      "InvalidParameterValueException: CapacityProviderConfig isn't supported for Lambda Default functions.",
    ],
    [
      'provisioned concurrency',
      new PutProvisionedConcurrencyConfigCommand({
        FunctionName: 'fn',
        Qualifier: '1',
        ProvisionedConcurrentExecutions: 1,
      }),
      /^InvalidParameterValueException: Provisioned Concurrency is not supported/,
    ],
    [
      'reserved concurrency',
      new PutFunctionConcurrencyCommand({ FunctionName: 'fn', ReservedConcurrentExecutions: 1 }),
      /^InvalidParameterValueException: Reserved concurrency is not supported/,
    ],
    [
      'the scaling of a plain function',
      new PutFunctionScalingConfigCommand({ FunctionName: 'plain', Qualifier: '1', FunctionScalingConfig: {} }),
      /^InvalidParameterValueException: /,
    ],
    [
      'the scaling of an alias',
      new PutFunctionScalingConfigCommand({ FunctionName: 'fn', Qualifier: 'live' }),
      /'qualifier' .*pattern: \(\\\$LATEST\\\.PUBLISHED\|\[0-9\]\+\)$/,
    ],
    [
      'more at least than at most',
      new PutFunctionScalingConfigCommand({
        FunctionName: 'fn',
        Qualifier: '1',
        FunctionScalingConfig: { MinExecutionEnvironments: 2, MaxExecutionEnvironments: 1 },
      }),
      /^InvalidParameterValueException: MinExecutionEnvironments /,
    ],
  ] as [string, { input: object }, string | RegExp][]) {
    test(`refused: ${name}`, async () => {
      if (name === 'a late provider') await create('plain', HANDLER, { Publish: true });
      const got = await error(command);
      if (expected instanceof RegExp) assert.match(got, expected);
      else assert.equal(got, expected);
    });
  }

  test('deleted, it lets its environments go', async () => {
    await client.send(new DeleteFunctionCommand({ FunctionName: 'fn', Qualifier: '$LATEST.PUBLISHED' }));
    assert.match(await error(new InvokeCommand({ FunctionName: 'fn' })), /^NoPublishedVersionException: /);
    for (const FunctionName of ['fn', 'many', 'broken']) await client.send(new DeleteFunctionCommand({ FunctionName }));
    await client.send(new DeleteCapacityProviderCommand({ CapacityProviderName: 'cp' }));
  });
});

test('kill -9: all is kept, and the environments are started again', async () => {
  const dataDir = temporaryDirectory();
  const first = await spawnBrume(dataDir);
  const before = testLambda(first);
  await makeProvider('kept', {}, before.client);
  await before.create('kept', HANDLER, { ...on('kept'), Publish: true });
  const FunctionScalingConfig = { MinExecutionEnvironments: 1, MaxExecutionEnvironments: 4 };
  await before.client.send(
    new PutFunctionScalingConfigCommand({ FunctionName: 'kept', Qualifier: '1', FunctionScalingConfig }),
  );
  await first.kill();
  const second = await spawnBrume(dataDir);
  const after = testLambda(second);
  await untilState('kept', '1', 'Active', after.client);
  assert.equal((await invoke('kept', '1', {}, after.client)).cold, false);
  const shown = await after.client.send(new GetFunctionScalingConfigCommand({ FunctionName: 'kept', Qualifier: '1' }));
  assert.deepEqual(shown.RequestedFunctionScalingConfig, FunctionScalingConfig);
  await second.stop();
});
