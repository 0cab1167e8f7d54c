// Where access keys are configured, a function gets a real session of its role, and nothing else lets it in.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateFunctionCommand,
  GetProvisionedConcurrencyConfigCommand,
  InvokeCommand,
  LambdaClient,
  PutProvisionedConcurrencyConfigCommand,
} from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { advance, clientConfig, startBrume } from '#test/harness.ts';
import { codeOf, parse } from './lambda-functions.ts';

const ACCOUNT = '123456789012';
const brume = await startBrume({
  clock: 'virtual',
  accessKeys: new Map([['AKIATESTTESTTEST', { secretAccessKey: 'a-secret', account: ACCOUNT }]]),
});
const config = {
  ...clientConfig(brume),
  credentials: { accessKeyId: 'AKIATESTTESTTEST', secretAccessKey: 'a-secret' },
};
const lambda = new LambdaClient(config);

const ENVIRONMENT = `async () => Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^AWS_(ACCESS|SECRET|SESSION)/.test(name)))`;

function create(FunctionName: string, Role: string, Publish = false) {
  return lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Publish,
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

test('provisioned environments get new credentials in time', { timeout: 30_000 }, async () => {
  const FunctionName = 'lasting';
  await create(FunctionName, `arn:aws:iam::${ACCOUNT}:role/worker`, true);
  const version = { FunctionName, Qualifier: '1' };
  await lambda.send(new PutProvisionedConcurrencyConfigCommand({ ...version, ProvisionedConcurrentExecutions: 1 }));
  const isReady = async (client: LambdaClient) =>
    (await client.send(new GetProvisionedConcurrencyConfigCommand(version))).Status === 'READY';
  while (!(await isReady(lambda))) await sleep(20);
  const keyOf = async (client: LambdaClient) => {
    const { Payload, LogResult } = await client.send(new InvokeCommand({ ...version, LogType: 'Tail' }));
    assert.doesNotMatch(Buffer.from(LogResult!, 'base64').toString(), /Init Duration/, 'it was there already');
    return parse(Payload).AWS_ACCESS_KEY_ID as string;
  };
  const before = await keyOf(lambda);
  const laterMs = 40 * 60_000;
  await advance(brume, laterMs);
  // Signatures carry the time, which is Brume's; a client corrects its own by the Date of the first answer.
  const later = () => new LambdaClient({ ...config, systemClockOffset: laterMs });
  while (!(await isReady(later()))) await sleep(20);
  assert.notEqual(await keyOf(later()), before);
});
