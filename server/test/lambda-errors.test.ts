// What AWS answered, recorded, to requests that it refused: beside what the tests of each operation hold.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteFunctionCommand,
  GetAccountSettingsCommand,
  InvokeCommand,
  LambdaClient,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionCodeSigningConfigCommand,
  PutFunctionConcurrencyCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { arnOf, codeOf, ROLE, testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, create, error } = testLambda(brume);
const FunctionName = 'there';
await create(FunctionName);

const creation = (more: Partial<CreateFunctionCommandInput>) =>
  new CreateFunctionCommand({
    FunctionName: 'new',
    Role: ROLE,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: codeOf('1') },
    ...more,
  });
const signing = `arn:aws:lambda:${REGION}:${ACCOUNT}:code-signing-config:csc-00000000000000000`;
const long = 'a'.repeat(65);

for (const [label, command, expected] of [
  [
    'a name that is too long',
    creation({ FunctionName: long }),
    `InvalidParameterValueException: 1 validation error detected: Value '${long}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64`,
  ],
  [
    'a package that is too large to upload',
    creation({ Code: { ZipFile: new Uint8Array(52_428_801) } }),
    'RequestEntityTooLargeException: Zipped size must be smaller than 52428800 bytes',
  ],
  [
    'no tags',
    new TagResourceCommand({ Resource: arnOf(FunctionName), Tags: {} }),
    'InvalidParameterValueException: An error occurred and the request cannot be processed.',
  ],
  [
    'a reservation of less than nothing for nobody',
    new PutFunctionConcurrencyCommand({ FunctionName: 'none', ReservedConcurrentExecutions: -1 }),
    `ResourceNotFoundException: Function not found: ${arnOf('none', '$LATEST')}`,
  ],
  [
    'a code signing configuration and a function that are not there',
    new PutFunctionCodeSigningConfigCommand({ FunctionName: 'none', CodeSigningConfigArn: signing }),
    `CodeSigningConfigNotFoundException: The code signing configuration cannot be found. Check that the provided configuration is not deleted: ${signing}.`,
  ],
  [
    'permission on an alias that is not there',
    new AddPermissionCommand({
      FunctionName,
      Qualifier: 'none',
      StatementId: 's',
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
    }),
    `ResourceNotFoundException: Cannot find alias arn: ${arnOf(FunctionName, 'none')}`,
  ],
  [
    'a permission of nobody',
    new RemovePermissionCommand({ FunctionName: 'none', StatementId: 's' }),
    `ResourceNotFoundException: No policy found for: ${arnOf('none')}`,
  ],
  [
    'no tags to take away',
    new UntagResourceCommand({ Resource: arnOf(FunctionName), TagKeys: [] }),
    "ValidationException: 1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
  ],
  [
    'a layer with nothing in it',
    new PublishLayerVersionCommand({ LayerName: 'empty', Content: { ZipFile: new Uint8Array(0) } }),
    'InvalidParameterValueException: Uploaded file must be a non-empty zip',
  ],
  [
    'an image for a package',
    new UpdateFunctionCodeCommand({ FunctionName, ImageUri: 'x.dkr.ecr.us-east-1.amazonaws.com/x:y' }),
    "InvalidParameterValueException: Please don't provide ImageUri when updating a function with packageType Zip.",
  ],
  [
    'an image for what is not said to be one',
    creation({ Code: { ImageUri: 'x.dkr.ecr.us-east-1.amazonaws.com/x:y' } }),
    'InvalidParameterValueException: Please provide a source for function code.',
  ],
  [
    'an image, nor what a package needs',
    creation({
      Code: { ImageUri: 'x.dkr.ecr.us-east-1.amazonaws.com/x:y' },
      Runtime: undefined as never,
      Handler: undefined as never,
    }),
    'InvalidParameterValueException: Runtime and Handler are mandatory parameters for functions created with deployment packages.',
  ],
  [
    'a payload that is no JSON',
    new InvokeCommand({ FunctionName, Payload: Buffer.from('{') }),
    'InvalidRequestContentException: Could not parse request body into json: Could not parse payload into json: ' +
      'Unexpected end-of-input: expected close marker for Object (start marker at [Source: (byte[])"{"; line: 1, column: 1])\n' +
      ' at [Source: (byte[])"{"; line: 1, column: 2]',
  ],
] as const) {
  test(label, async () => {
    const answer = await error(command);
    if (typeof expected === 'string') assert.equal(answer, expected);
    else assert.match(answer, expected);
  });
}

test("another account's functions are its own to change", async () => {
  const stranger = new LambdaClient({
    ...clientConfig(brume),
    credentials: { accessKeyId: '222222222222', secretAccessKey: 'test' },
  });
  const named = { FunctionName: arnOf(FunctionName) };
  for (const command of [
    creation({ FunctionName: arnOf('theirs') }),
    new UpdateFunctionCodeCommand({ ...named, ZipFile: codeOf('2') }),
    new UpdateFunctionConfigurationCommand({ ...named, Timeout: 5 }),
    new DeleteFunctionCommand(named),
  ]) {
    await assert.rejects(stranger.send(command as never), {
      name: 'AccessDeniedException',
      message: /not authorized to perform: lambda:/,
    });
  }
});

test('each version counts towards the size of all code', async () => {
  const size = async () => (await client.send(new GetAccountSettingsCommand({}))).AccountUsage!.TotalCodeSize!;
  const before = await size();
  const { CodeSize } = await client.send(new PublishVersionCommand({ FunctionName }));
  assert.equal(await size(), before + CodeSize!);
});

test('only an empty text takes the dead-letter queue away', async () => {
  const TargetArn = `arn:aws:sqs:${REGION}:${ACCOUNT}:dead`;
  const configure = async (DeadLetterConfig: { TargetArn?: string }) =>
    (await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, DeadLetterConfig }))).DeadLetterConfig;
  assert.deepEqual(
    [await configure({ TargetArn }), await configure({}), await configure({ TargetArn: '' })],
    [{ TargetArn }, { TargetArn }, undefined],
  );
});
