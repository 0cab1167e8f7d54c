// Where access keys are configured, a function gets a real session of its role, and nothing else lets it in.

import assert from 'node:assert/strict';
import test from 'node:test';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { clientConfig, startBrume } from '#test/harness.ts';
import { codeOf, parse } from './lambda-functions.ts';

const ACCOUNT = '123456789012';
const brume = await startBrume({
  accessKeys: new Map([['AKIATESTTESTTEST', { secretAccessKey: 'a-secret', account: ACCOUNT }]]),
});
const config = {
  ...clientConfig(brume),
  credentials: { accessKeyId: 'AKIATESTTESTTEST', secretAccessKey: 'a-secret' },
};
const lambda = new LambdaClient(config);

const ENVIRONMENT = `async () => Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^AWS_(ACCESS|SECRET|SESSION)/.test(name)))`;

function create(FunctionName: string, Role: string) {
  return lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: codeOf(ENVIRONMENT) },
    }),
  );
}

test('the credentials in the environment are a session of the role', async () => {
  const { Role } = await new IAMClient(config).send(
    new CreateRoleCommand({
      RoleName: 'worker',
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      }),
    }),
  );
  await create('works', Role!.Arn!);
  const { Payload, FunctionError } = await lambda.send(new InvokeCommand({ FunctionName: 'works' }));
  assert.equal(FunctionError, undefined);
  const variables = parse(Payload) as Record<string, string>;
  assert.match(variables.AWS_ACCESS_KEY_ID!, /^ASIA/);
  const sts = (secretAccessKey: string) =>
    new STSClient({
      ...config,
      credentials: {
        accessKeyId: variables.AWS_ACCESS_KEY_ID!,
        secretAccessKey,
        sessionToken: variables.AWS_SESSION_TOKEN!,
      },
    }).send(new GetCallerIdentityCommand({}));
  const { Arn } = await sts(variables.AWS_SECRET_ACCESS_KEY!);
  assert.equal(Arn, `arn:aws:sts::${ACCOUNT}:assumed-role/worker/works`);
  await assert.rejects(sts('another'), { name: 'SignatureDoesNotMatch' });
});

test('a role that is not there cannot run a function', async () => {
  await create('absent', `arn:aws:iam::${ACCOUNT}:role/absent`);
  await assert.rejects(lambda.send(new InvokeCommand({ FunctionName: 'absent' })), {
    name: 'AccessDeniedException',
    message: 'The role defined for the function cannot be assumed by Lambda.',
  });
});
