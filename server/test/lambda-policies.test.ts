// Resource policies as a whole: PutResourcePolicy and its siblings, beside AddPermission, and what they let in.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  AddPermissionCommand,
  DeleteResourcePolicyCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  GetResourcePolicyCommand,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  PutResourcePolicyCommand,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import { clientConfig, startBrume } from '#test/harness.ts';
import { arnOf, testLambda } from './lambda-functions.ts';

const FunctionName = 'guarded';
const ResourceArn = arnOf(FunctionName);
const OTHER_ACCOUNT = '222222222222';
const brume = await startBrume();
const { client, create, error } = testLambda(brume);
const stranger = new LambdaClient({
  ...clientConfig(brume),
  credentials: { accessKeyId: OTHER_ACCOUNT, secretAccessKey: 'test' },
});

const statement = (more: object = {}) => ({
  Effect: 'Allow',
  Principal: { AWS: [OTHER_ACCOUNT] },
  Action: ['lambda:InvokeFunction', 'lambda:GetFunction*'],
  Resource: ResourceArn,
  ...more,
});
const put = (Statement: unknown, more: object = {}) =>
  new PutResourcePolicyCommand({
    ResourceArn,
    Policy: JSON.stringify({ Version: '2012-10-17', Statement }),
    ...more,
  });
const isLetIn = () =>
  stranger.send(new InvokeCommand({ FunctionName: ResourceArn })).then(
    () => true,
    (error: Error) => {
      assert.equal(error.name, 'AccessDeniedException');
      return false;
    },
  );

before(async () => {
  await create(FunctionName);
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 20 }, { FunctionName });
});

describe('a policy', () => {
  test('is put, read, replaced and deleted, guarded by the RevisionId of its function', async () => {
    const revision = async () => (await client.send(new GetFunctionConfigurationCommand({ FunctionName }))).RevisionId!;
    const mismatch =
      'PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetResourcePolicy API to retrieve the latest Revision Id';
    await client.send(
      new AddPermissionCommand({
        FunctionName,
        StatementId: 'earlier',
        Action: 'lambda:InvokeFunction',
        Principal: 's3.amazonaws.com',
      }),
    );
    assert.equal(await error(put([statement()], { RevisionId: 'another' })), mismatch);
    const written = await client.send(put(statement({ Sid: 'first' }), { RevisionId: await revision() }));
    assert.equal(written.RevisionId, await revision());
    const arns = { AWS: [`arn:aws:iam::${OTHER_ACCOUNT}:root`] };
    assert.deepEqual(JSON.parse(written.Policy!), {
      Version: '2012-10-17',
      Id: 'default',
      Statement: [{ Sid: 'first', ...statement({ Principal: arns }) }],
    });
    const { Policy, RevisionId } = await client.send(new GetResourcePolicyCommand({ ResourceArn }));
    assert.deepEqual([Policy, RevisionId], [written.Policy, written.RevisionId]);
    assert.equal((await client.send(new GetPolicyCommand({ FunctionName }))).Policy, Policy);

    assert.equal(await error(new DeleteResourcePolicyCommand({ ResourceArn, RevisionId: 'another' })), mismatch);
    await client.send(new DeleteResourcePolicyCommand({ ResourceArn, RevisionId }));
    for (const gone of [
      new GetResourcePolicyCommand({ ResourceArn }),
      new DeleteResourcePolicyCommand({ ResourceArn }),
    ]) {
      assert.equal(await error(gone), 'ResourceNotFoundException: The resource you requested does not exist.');
    }
  });

  test('lets in whom it allows and no statement denies', async () => {
    for (const [statements, expected] of [
      [[statement()], true],
      [[statement({ Principal: '*' })], true],
      [[statement({ Principal: { Service: 's3.amazonaws.com', AWS: OTHER_ACCOUNT } })], true],
      [[statement({ Principal: { Service: ['s3.amazonaws.com', 'sns.amazonaws.com'] } })], false],
      [[statement({ Action: 'lambda:Get*' })], false],
      [[statement({ Action: 'lambda:Invoke*' })], true],
      [[statement(), statement({ Effect: 'Deny', Principal: '*' })], false],
      [[statement(), statement({ Effect: 'Deny', Action: 'lambda:DeleteFunction' })], true],
      [[statement({ Condition: { StringEquals: { 'aws:SourceAccount': ['1', OTHER_ACCOUNT] } } })], true],
      [[statement({ Condition: { StringEquals: { 'aws:SourceAccount': '1' } } })], false],
    ] as const) {
      await client.send(put(statements));
      assert.equal(await isLetIn(), expected, JSON.stringify(statements));
    }
  });

  test('of a version is its own', async () => {
    const { Version } = await client.send(new PublishVersionCommand({ FunctionName }));
    const versionArn = arnOf(FunctionName, Version);
    const policy = JSON.stringify({ Statement: statement({ Resource: versionArn }) });
    await client.send(new PutResourcePolicyCommand({ ResourceArn: versionArn, Policy: policy }));
    await client.send(new DeleteResourcePolicyCommand({ ResourceArn }));
    assert.equal(await isLetIn(), false);
    await stranger.send(new InvokeCommand({ FunctionName: versionArn }));
  });

  test('is refused', async () => {
    const invalid = 'InvalidParameterValueException: ';
    for (const [command, expected] of [
      [put([]), `${invalid}The policy must have at least one statement.`],
      [new PutResourcePolicyCommand({ ResourceArn, Policy: '{' }), `${invalid}The policy is not valid JSON: `],
      [put(statement({ Effect: 'Perhaps' })), `${invalid}Statement 1 of the policy: Effect must be Allow or Deny.`],
      [put(statement({ Action: 's3:GetObject' })), `${invalid}Statement 1 of the policy: Action must name actions`],
      [
        put(statement({ Resource: arnOf('other') })),
        `${invalid}Statement 1 of the policy: Resource must be ${ResourceArn}`,
      ],
      [put(statement({ Principal: 'nobody' })), `${invalid}Statement 1 of the policy: Principal must be *`],
      [put(statement({ Principal: { AWS: 'nobody' } })), `${invalid}The provided principal was invalid.`],
      [put([statement({ Sid: 'a' }), statement({ Sid: 'a' })]), `${invalid}The statement id (a) is not unique`],
      [put(statement({ NotPrincipal: '*' })), 'NotImplemented: '],
      [
        put(statement(), { ResourceArn: FunctionName }),
        "ValidationException: 1 validation error detected: Value 'guarded' at 'resourceArn'",
      ],
      [
        put(statement({ Resource: '*' }), { ResourceArn: arnOf('none') }),
        `ResourceNotFoundException: Function not found: ${arnOf('none')}`,
      ],
      [
        new GetResourcePolicyCommand({ ResourceArn: arnOf('none') }),
        `ResourceNotFoundException: Function not found: ${arnOf('none')}`,
      ],
    ] as const) {
      const answer = await error(command);
      assert.ok(answer.startsWith(expected), `${answer}\ninstead of ${expected}`);
    }
  });
});
