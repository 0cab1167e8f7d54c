// Functions with the official client: life, invocations, limits, permissions, packages, and what AWS says to bad input.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  GetAccountSettingsCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  ListTagsCommand,
  PutFunctionConcurrencyCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { clientConfig, REGION, startBrume } from '#test/harness.ts';
import { arnOf, codeOf, parse, ROLE, testLambda } from './lambda-functions.ts';
import { makeZip, type ZipEntry, zipOf } from './lambda-zip.ts';

const brume = await startBrume();
const { client, create, error } = testLambda(brume);

test('a function from its creation to its end', async () => {
  const FunctionName = 'whole-life';
  const created = await client.send(
    new CreateFunctionCommand({
      FunctionName,
      Role: ROLE,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Description: 'd',
      Code: { ZipFile: codeOf('async () => process.env.GREETING') },
      Environment: { Variables: { GREETING: 'hello' } },
      Tags: { team: 'data' },
    }),
  );
  assert.deepEqual(
    [created.State, created.StateReasonCode, created.Version, created.FunctionArn, created.PackageType],
    ['Pending', 'Creating', '$LATEST', arnOf(FunctionName), 'Zip'],
  );
  assert.deepEqual(
    [created.Timeout, created.MemorySize, created.EphemeralStorage, created.Architectures, created.TracingConfig],
    [3, 128, { Size: 512 }, ['x86_64'], { Mode: 'PassThrough' }],
  );
  assert.deepEqual(created.LoggingConfig, { LogFormat: 'Text', LogGroup: `/aws/lambda/${FunctionName}` });
  assert.match(created.LastModified!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/);
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 20 }, { FunctionName });

  assert.equal(
    await error(
      new CreateFunctionCommand({
        FunctionName,
        Role: ROLE,
        Runtime: 'nodejs22.x',
        Handler: 'i.h',
        Code: { ZipFile: codeOf('1') },
      }),
    ),
    `ResourceConflictException: Function already exist: ${FunctionName}`,
  );
  const { Configuration, Tags } = await client.send(new GetFunctionCommand({ FunctionName }));
  assert.deepEqual(
    [Configuration!.State, Configuration!.LastUpdateStatus, Tags],
    ['Active', 'Successful', { team: 'data' }],
  );
  assert.equal(parse((await client.send(new InvokeCommand({ FunctionName }))).Payload), 'hello');

  const changed = await client.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName,
      Environment: { Variables: { GREETING: 'bye' } },
      Timeout: 9,
    }),
  );
  assert.deepEqual([changed.LastUpdateStatus, changed.Timeout, changed.Description], ['InProgress', 9, 'd']);
  assert.notEqual(changed.RevisionId, created.RevisionId);
  assert.equal(parse((await client.send(new InvokeCommand({ FunctionName }))).Payload), 'bye');
  const dry = await client.send(
    new UpdateFunctionCodeCommand({ FunctionName, ZipFile: codeOf('async () => 2'), DryRun: true }),
  );
  const updated = await client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: codeOf('async () => 2') }));
  assert.equal(dry.CodeSha256, updated.CodeSha256);
  assert.notEqual(updated.CodeSha256, created.CodeSha256);
  assert.equal(parse((await client.send(new InvokeCommand({ FunctionName }))).Payload), 2);

  const Resource = arnOf(FunctionName);
  await client.send(new TagResourceCommand({ Resource, Tags: { stage: 'test' } }));
  await client.send(new UntagResourceCommand({ Resource, TagKeys: ['team'] }));
  assert.deepEqual((await client.send(new ListTagsCommand({ Resource }))).Tags, { stage: 'test' });

  const { AccountUsage, AccountLimit } = await client.send(new GetAccountSettingsCommand({}));
  assert.deepEqual([AccountUsage!.FunctionCount, AccountUsage!.TotalCodeSize], [1, updated.CodeSize]);
  assert.equal(AccountLimit!.ConcurrentExecutions, 1_000);
  await client.send(new DeleteFunctionCommand({ FunctionName }));
  for (const command of [new GetFunctionCommand({ FunctionName }), new DeleteFunctionCommand({ FunctionName })]) {
    assert.equal(await error(command), `ResourceNotFoundException: Function not found: ${Resource}`);
  }
  assert.deepEqual((await client.send(new ListFunctionsCommand({}))).Functions, []);
});

describe('invocations', () => {
  const FunctionName = 'invoked';
  before(() =>
    create(
      FunctionName,
      'async (event, context) => { console.log("a line"); if (event.fail) throw new TypeError(event.fail); return { event, client: context.clientContext, arn: context.invokedFunctionArn } }',
    ),
  );

  test('wait for the answer, with the tail of the log', async () => {
    const answer = await client.send(
      new InvokeCommand({ FunctionName, Payload: Buffer.from('{"a":"ü"}'), LogType: 'Tail' }),
    );
    assert.deepEqual([answer.StatusCode, answer.ExecutedVersion, answer.FunctionError], [200, '$LATEST', undefined]);
    assert.deepEqual(parse(answer.Payload).event, { a: 'ü' });
    const log = Buffer.from(answer.LogResult!, 'base64').toString();
    assert.match(log, /START RequestId: .*\n.*a line\nEND RequestId: .*\nREPORT RequestId: .*Init Duration/s);
    const plain = await client.send(new InvokeCommand({ FunctionName }));
    assert.deepEqual([parse(plain.Payload).event, plain.LogResult], [{}, undefined]);
  });

  test('tell the error of the function', async () => {
    const answer = await client.send(new InvokeCommand({ FunctionName, Payload: Buffer.from('{"fail":"no"}') }));
    assert.deepEqual([answer.StatusCode, answer.FunctionError], [200, 'Unhandled']);
    const { errorType, errorMessage, trace } = parse(answer.Payload);
    assert.deepEqual([errorType, errorMessage, trace[0]], ['TypeError', 'no', 'TypeError: no']);
  });

  test('dry, as an event, by every form of the name', async () => {
    const dry = await client.send(new InvokeCommand({ FunctionName, InvocationType: 'DryRun' }));
    assert.deepEqual([dry.StatusCode, dry.Payload?.length ?? 0], [204, 0]);
    const event = await client.send(new InvokeCommand({ FunctionName, InvocationType: 'Event' }));
    assert.equal(event.StatusCode, 202);
    const ClientContext = Buffer.from('{"custom":{"k":"v"}}').toString('base64');
    const forms: [string, string][] = [
      [arnOf(FunctionName), arnOf(FunctionName)],
      [`000000000000:function:${FunctionName}`, arnOf(FunctionName)],
      [`${FunctionName}:$LATEST`, arnOf(FunctionName, '$LATEST')],
    ];
    for (const [form, arn] of forms) {
      const { Payload } = await client.send(new InvokeCommand({ FunctionName: form, ClientContext }));
      assert.deepEqual([parse(Payload).arn, parse(Payload).client], [arn, { custom: { k: 'v' } }]);
    }
  });

  test('bad requests', async () => {
    const cases: [object, string | RegExp][] = [
      [{ FunctionName: 'nobody' }, `ResourceNotFoundException: Function not found: ${arnOf('nobody')}`],
      [
        { FunctionName: `arn:aws:lambda:eu-west-1:000000000000:function:${FunctionName}` },
        `ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region ('${REGION}')`,
      ],
      [
        { FunctionName: `${FunctionName}:a`, Qualifier: 'b' },
        'InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier.',
      ],
      [{ Payload: Buffer.from('{"a":') }, /^InvalidRequestContentException: Could not parse request body into json: /],
      [{ Payload: Buffer.from([34, 0xff, 34]) }, /^InvalidRequestContentException: Could not parse request body/],
      [
        { Payload: Buffer.from(`"${'x'.repeat(6_291_455)}"`) },
        'RequestTooLargeException: Request must be smaller than 6291456 bytes for the InvokeFunction operation',
      ],
      [
        { InvocationType: 'Event', Payload: Buffer.from(`"${'x'.repeat(1_048_575)}"`) },
        'RequestTooLargeException: Request must be smaller than 1048576 bytes for the InvokeFunction operation',
      ],
      [{ ClientContext: 'bm8gSlNPTg==' }, /^InvalidRequestContentException: /],
      [
        { InvocationType: 'Later' },
        "ValidationException: 1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]",
      ],
    ];
    for (const [input, expected] of cases) {
      const message = await error(new InvokeCommand({ FunctionName, ...input }));
      if (typeof expected === 'string') assert.equal(message, expected);
      else assert.match(message, expected);
    }
  });
});

describe('concurrency', () => {
  const FunctionName = 'limited';
  before(() => create(FunctionName, 'async ({ ms = 0 }) => new Promise((done) => setTimeout(done, ms))'));
  const reserve = (ReservedConcurrentExecutions: number) =>
    client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }));
  const throttled = async (input: object) => {
    try {
      await client.send(new InvokeCommand({ FunctionName, ...input }));
      return undefined;
    } catch (error) {
      const { name, message, Reason, $metadata, retryAfterSeconds } = error as any;
      return { name, message, Reason, status: $metadata.httpStatusCode, retryAfterSeconds };
    }
  };
  const refusal = {
    name: 'TooManyRequestsException',
    message: 'Rate Exceeded.',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    status: 429,
    retryAfterSeconds: '1',
  };

  test('of zero refuses everything', async () => {
    await reserve(0);
    assert.deepEqual(await throttled({}), refusal);
    assert.deepEqual(
      await client
        .send(new GetFunctionConcurrencyCommand({ FunctionName }))
        .then((r) => r.ReservedConcurrentExecutions),
      0,
    );
    const { Concurrency } = await client.send(new GetFunctionCommand({ FunctionName }));
    assert.deepEqual(Concurrency, { ReservedConcurrentExecutions: 0 });
    await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
    assert.equal(await throttled({}), undefined);
  });

  test('of two lets two run at once', async () => {
    await reserve(2);
    const Payload = Buffer.from('{"ms":300}');
    const ends = await Promise.all(Array.from({ length: 6 }, () => throttled({ Payload })));
    assert.equal(ends.filter((end) => end === undefined).length, 2);
    assert.deepEqual(
      ends.find((end) => end !== undefined),
      refusal,
    );
    const { AccountLimit } = await client.send(new GetAccountSettingsCommand({}));
    assert.equal(AccountLimit!.UnreservedConcurrentExecutions, 998);
  });

  test('leaves a hundred to the others, and is of whole functions', async () => {
    assert.equal(
      await error(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 901 })),
      "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
    );
    await reserve(900);
    const Qualified = { FunctionName: `${FunctionName}:1`, ReservedConcurrentExecutions: 1 };
    assert.equal(
      await error(new PutFunctionConcurrencyCommand(Qualified)),
      'InvalidParameterValueException: This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.',
    );
    await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
  });
});

describe('permissions', () => {
  const FunctionName = 'permitted';
  const statement = { FunctionName, StatementId: 's3', Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com' };
  before(() => create(FunctionName));

  test('are added, shown and removed', async () => {
    const { Statement } = await client.send(
      new AddPermissionCommand({ ...statement, SourceArn: 'arn:aws:s3:::b', SourceAccount: '000000000000' }),
    );
    const expected = {
      Sid: 's3',
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 'lambda:InvokeFunction',
      Resource: arnOf(FunctionName),
      Condition: {
        StringEquals: { 'AWS:SourceAccount': '000000000000' },
        ArnLike: { 'AWS:SourceArn': 'arn:aws:s3:::b' },
      },
    };
    assert.deepEqual(JSON.parse(Statement!), expected);
    const { Policy, RevisionId } = await client.send(new GetPolicyCommand({ FunctionName }));
    assert.deepEqual(JSON.parse(Policy!), { Version: '2012-10-17', Id: 'default', Statement: [expected] });
    assert.equal(
      await error(new AddPermissionCommand(statement)),
      'ResourceConflictException: The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement.',
    );
    assert.equal(
      await error(new AddPermissionCommand({ ...statement, StatementId: 'x', Principal: 'nobody' })),
      'InvalidParameterValueException: The provided principal was invalid. Please check the principal and try again.',
    );
    assert.match(
      await error(new RemovePermissionCommand({ FunctionName, StatementId: 's3', RevisionId: 'old' })),
      /^PreconditionFailedException: /,
    );
    assert.equal(
      await error(new RemovePermissionCommand({ FunctionName, StatementId: 'none' })),
      'ResourceNotFoundException: Statement none is not found in resource policy.',
    );
    await client.send(new RemovePermissionCommand({ FunctionName, StatementId: 's3', RevisionId }));
    assert.equal(
      await error(new GetPolicyCommand({ FunctionName })),
      'ResourceNotFoundException: The resource you requested does not exist.',
    );
  });

  test('let other accounts in', async () => {
    const stranger = new LambdaClient({
      ...clientConfig(brume),
      credentials: { accessKeyId: '222222222222', secretAccessKey: 's' },
    });
    const command = new InvokeCommand({ FunctionName: arnOf(FunctionName) });
    await assert.rejects(stranger.send(command), (error: any) => {
      assert.equal(error.name, 'AccessDeniedException');
      assert.equal(error.$metadata.httpStatusCode, 403);
      assert.match(
        error.message,
        /^User: arn:aws:iam::222222222222:root is not authorized to perform: lambda:InvokeFunction on resource: /,
      );
      return true;
    });
    await client.send(new AddPermissionCommand({ ...statement, StatementId: 'other', Principal: '222222222222' }));
    assert.equal((await stranger.send(command)).StatusCode, 200);
  });
});

describe('packages', () => {
  const make = (FunctionName: string, Code: CreateFunctionCommandInput['Code']) =>
    new CreateFunctionCommand({ FunctionName, Role: ROLE, Runtime: 'nodejs22.x', Handler: 'index.handler', Code });
  const broken =
    'InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again.';

  test('come from S3', async () => {
    const s3 = new S3Client(clientConfig(brume));
    await s3.send(new CreateBucketCommand({ Bucket: 'code' }));
    await s3.send(new PutObjectCommand({ Bucket: 'code', Key: 'f.zip', Body: codeOf('async () => "from S3"') }));
    await client.send(make('from-s3', { S3Bucket: 'code', S3Key: 'f.zip' }));
    assert.equal(parse((await client.send(new InvokeCommand({ FunctionName: 'from-s3' }))).Payload), 'from S3');
    assert.equal(
      await error(make('lost', { S3Bucket: 'code', S3Key: 'none' })),
      'InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.',
    );
    assert.match(
      await error(make('lost', { S3Bucket: 'nowhere', S3Key: 'none' })),
      /^InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: NoSuchBucket. /,
    );
  });

  const zips: [string, Buffer | ZipEntry[]][] = [
    ['no zip', Buffer.from('not a zip')],
    ['a cut zip', codeOf('1').subarray(0, 60)],
    ['an absolute path', [{ name: '/etc/passwd', data: 'x' }]],
    ['a path upwards', [{ name: '../../x', data: 'x' }]],
    ['a path upwards in the middle', [{ name: 'a/../../x', data: 'x' }]],
    ['a link out of the package', [{ name: 'l', data: '../../../etc', mode: 0o120777 }]],
    ['an absolute link', [{ name: 'l', data: '/etc/passwd', mode: 0o120777 }]],
    ['an understated size', [{ name: 'a', data: 'x'.repeat(100_000), declaredSize: 10 }]],
  ];
  for (const [name, zip] of zips) {
    test(`${name} is refused`, async () => {
      assert.equal(await error(make('broken', { ZipFile: Array.isArray(zip) ? makeZip(zip) : zip })), broken);
    });
  }

  test('a zip bomb is refused', async () => {
    const zeros = Buffer.alloc(90 << 20);
    const bomb = makeZip([1, 2, 3].map((n) => ({ name: `zeros-${n}`, data: zeros })));
    assert.equal(
      await error(make('bomb', { ZipFile: bomb })),
      'InvalidParameterValueException: Unzipped size must be smaller than 262144000 bytes',
    );
  });

  test('a function without its code, or with two', async () => {
    assert.equal(
      await error(make('none', {})),
      'InvalidParameterValueException: Please provide a source for function code.',
    );
    assert.equal(
      await error(make('two', { ZipFile: codeOf('1'), S3Bucket: 'code', S3Key: 'k' })),
      'InvalidParameterValueException: Please do not provide other FunctionCode parameters when providing a ZipFile.',
    );
    assert.equal(
      await error(new GetFunctionConfigurationCommand({ FunctionName: 'none' })),
      `ResourceNotFoundException: Function not found: ${arnOf('none')}`,
    );
  });
});

describe('bad configurations', () => {
  const good = {
    FunctionName: 'bad',
    Role: ROLE,
    Runtime: 'nodejs22.x' as const,
    Handler: 'index.handler',
    Code: { ZipFile: zipOf({ 'index.js': '' }) },
  };
  const constraint = (value: string, at: string, text: string) =>
    `ValidationException: 1 validation error detected: Value '${value}' at '${at}' failed to satisfy constraint: ${text}`;
  const invalid = (text: string) => `InvalidParameterValueException: ${text}`;
  const cases: [string, object, string | RegExp][] = [
    ['timeout', { Timeout: 901 }, constraint('901', 'timeout', 'Member must have value less than or equal to 900')],
    [
      'memory',
      { MemorySize: 64 },
      constraint('64', 'memorySize', 'Member must have value greater than or equal to 128'),
    ],
    [
      'role',
      { Role: 'me' },
      /^ValidationException: .* at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:/,
    ],
    ['two at once', { Timeout: 0, MemorySize: 1 }, /^ValidationException: 2 validation errors detected: .*; .*/],
    ['storage', { EphemeralStorage: { Size: 100 } }, /'ephemeralStorage.size' failed .* greater than or equal to 512/],
    [
      'two architectures',
      { Architectures: ['x86_64', 'arm64'] },
      constraint('[x86_64, arm64]', 'architectures', 'Member must have length less than or equal to 1'),
    ],
    [
      'an unknown architecture',
      { Architectures: ['vax'] },
      constraint(
        '[vax]',
        'architectures',
        'Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]',
      ),
    ],
    [
      'SnapStart where there is none',
      { SnapStart: { ApplyOn: 'PublishedVersions' } },
      invalid('nodejs22.x is not supported for SnapStart enabled functions.'),
    ],
    [
      'an unknown runtime',
      { Runtime: 'cobol' },
      /^InvalidParameterValueException: Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: \[.*nodejs22\.x.*\] or be a valid ARN$/,
    ],
    [
      'a retired runtime',
      { Runtime: 'python2.7' },
      /^InvalidParameterValueException: The runtime parameter of python2\.7 is no longer supported/,
    ],
    [
      'no handler',
      { Handler: undefined },
      invalid('Runtime and Handler are mandatory parameters for functions created with deployment packages.'),
    ],
    [
      'reserved variables',
      { Environment: { Variables: { AWS_REGION: 'x' } } },
      invalid(
        'Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION',
      ),
    ],
    [
      'large variables',
      { Environment: { Variables: { AB: 'x'.repeat(4_096) } } },
      /^InvalidParameterValueException: .*exceeded the 4KB limit\. String measured: /,
    ],
    [
      'bad variable names',
      { Environment: { Variables: { '1': 'x' } } },
      /^ValidationException: .*at 'environment\.variables'/,
    ],
    [
      'a long name',
      { FunctionName: 'n'.repeat(65) },
      /'functionName' failed to satisfy constraint: Member must have length less than or equal to 64/,
    ],
    ['tags', { Tags: { 'aws:x': 'y' } }, /^InvalidParameterValueException: /],
    ['a level without JSON', { LoggingConfig: { SystemLogLevel: 'WARN' } }, /^InvalidParameterValueException: /],
  ];
  for (const [name, input, expected] of cases) {
    test(name, async () => {
      const message = await error(new CreateFunctionCommand({ ...good, ...input }));
      if (typeof expected === 'string') assert.equal(message, expected);
      else assert.match(message, expected);
    });
  }
});
