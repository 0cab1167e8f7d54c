// STS over HTTP with the official client.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateAccessKeyCommand, CreateRoleCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  AssumeRoleCommand,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { newAccessKeyId } from '#core/access-key-id.ts';
import { ACCOUNT, advance, clientConfig, startBrume, temporaryDirectory } from './harness.ts';

const TRUST =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}';

const brume = await startBrume({ clock: 'virtual' });
const sts = new STSClient(clientConfig(brume));
const iam = new IAMClient(clientConfig(brume));
const as = (accessKeyId: string, secretAccessKey = 'x', sessionToken?: string, endpoint = brume.endpoint) =>
  new STSClient({
    ...clientConfig({ endpoint }),
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  });
const { Role: role } = await iam.send(
  new CreateRoleCommand({
    RoleName: 'worker',
    Path: '/jobs/',
    AssumeRolePolicyDocument: TRUST,
    MaxSessionDuration: 7200,
  }),
);
const RoleArn = role!.Arn!;

test('the caller is the root of the account that its key names', async () => {
  const cases: [string, string][] = [
    ['123456789012', '123456789012'],
    ['test', ACCOUNT],
    ['AKIAIOSFODNN7EXAMPLE', ACCOUNT],
  ];
  for (const [accessKeyId, account] of cases) {
    const { UserId, Account, Arn } = await as(accessKeyId).send(new GetCallerIdentityCommand({}));
    assert.deepEqual([UserId, Account, Arn], [account, account, `arn:aws:iam::${account}:root`], accessKeyId);
  }
});

test('AssumeRole gives credentials that act as the role', async () => {
  const { Credentials: credentials, AssumedRoleUser: user } = await sts.send(
    new AssumeRoleCommand({ RoleArn, RoleSessionName: 'etl@1', DurationSeconds: 900 }),
  );
  assert.match(credentials!.AccessKeyId!, /^ASIA[A-Z2-7]{16}$/);
  assert.equal(user!.Arn, `arn:aws:sts::${ACCOUNT}:assumed-role/worker/etl@1`);
  assert.equal(user!.AssumedRoleId, `${role!.RoleId}:etl@1`);
  const session = as(credentials!.AccessKeyId!, credentials!.SecretAccessKey!, credentials!.SessionToken!);
  const identity = await session.send(new GetCallerIdentityCommand({}));
  assert.deepEqual([identity.UserId, identity.Account, identity.Arn], [user!.AssumedRoleId, ACCOUNT, user!.Arn]);
  await assert.rejects(session.send(new GetSessionTokenCommand({})), {
    name: 'AccessDenied',
    message: 'Cannot call GetSessionToken with session credentials',
  });
  await assert.rejects(
    session.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'chained', DurationSeconds: 3601 })),
    { name: 'ValidationError', message: /1 hour session limit for roles assumed by role chaining/ },
  );
});

test('AssumeRole refuses what AWS refuses', async () => {
  const denied = (arn: string) =>
    `User: arn:aws:iam::${ACCOUNT}:root is not authorized to perform: sts:AssumeRole on resource: ${arn}`;
  const missing = `arn:aws:iam::${ACCOUNT}:role/missing`;
  const otherPath = `arn:aws:iam::${ACCOUNT}:role/worker`;
  const foreign = 'arn:aws:iam::999988887777:role/jobs/worker';
  const cases: [object, string, string | RegExp][] = [
    [{ RoleArn: missing }, 'AccessDenied', denied(missing)],
    [{ RoleArn: otherPath }, 'AccessDenied', denied(otherPath)],
    [{ RoleArn: foreign }, 'AccessDenied', denied(foreign)],
    [{ RoleArn: 'this-is-no-arn-at-all' }, 'ValidationError', 'this-is-no-arn-at-all is invalid'],
    [
      { RoleArn: 'short' },
      'ValidationError',
      /at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20$/,
    ],
    [
      { RoleSessionName: 'a b' },
      'ValidationError',
      "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    ],
    [{ RoleSessionName: 'a' }, 'ValidationError', /greater than or equal to 2$/],
    [
      { DurationSeconds: 899 },
      'ValidationError',
      /at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900$/,
    ],
    [{ DurationSeconds: 43_201 }, 'ValidationError', /less than or equal to 43200$/],
    [
      { DurationSeconds: 7201 },
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    ],
    [{ Policy: '{' }, 'MalformedPolicyDocumentException', 'This policy contains invalid Json'],
    [{ SerialNumber: 'arn:aws:iam::1:mfa/x', TokenCode: '123456' }, 'NotImplemented', /SerialNumber/],
  ];
  for (const [more, name, message] of cases) {
    const command = new AssumeRoleCommand({ RoleArn, RoleSessionName: 'name', ...more });
    await assert.rejects(sts.send(command), { name, message }, JSON.stringify(more));
  }
});

test('GetSessionToken: the root user gets an hour at most', async () => {
  const credentials = [];
  for (const DurationSeconds of [900, 3600, 129_600, undefined]) {
    credentials.push((await sts.send(new GetSessionTokenCommand({ DurationSeconds }))).Credentials!);
  }
  const [first, ...rest] = credentials.map(({ Expiration }) => Expiration!.getTime() / 1000);
  assert.deepEqual(
    rest.map((expiry) => expiry - first!),
    [2700, 2700, 2700],
  );
  const identity = await as(credentials[0]!.AccessKeyId!).send(new GetCallerIdentityCommand({}));
  assert.equal(identity.Arn, `arn:aws:iam::${ACCOUNT}:root`);
});

test('GetAccessKeyInfo reads the account from the id', async () => {
  await iam.send(new CreateUserCommand({ UserName: 'grace' }));
  const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName: 'grace' }));
  const cases: [string, string][] = [
    [key!.AccessKeyId!, ACCOUNT],
    ['ASIAQNZGKIQY56JQ7WML', '029608264753'],
    ['AKIAIOSFODNN7EXAMPLE', ACCOUNT],
  ];
  for (const [AccessKeyId, account] of cases) {
    assert.equal((await sts.send(new GetAccessKeyInfoCommand({ AccessKeyId }))).Account, account, AccessKeyId);
  }
  await assert.rejects(sts.send(new GetAccessKeyInfoCommand({ AccessKeyId: 'short' })), { name: 'ValidationError' });
});

test('with keys configured, a session is verified, lasts over a restart and expires', async () => {
  const options = {
    dataDir: temporaryDirectory(),
    accessKeys: new Map([['AKIDOPERATOR', { secretAccessKey: 'secret', account: '123456789012' }]]),
  };
  const first = await startBrume(options);
  const operator = { accessKeyId: 'AKIDOPERATOR', secretAccessKey: 'secret' };
  const config = { ...clientConfig(first), credentials: operator };
  const { Role: made } = await new IAMClient(config).send(
    new CreateRoleCommand({ RoleName: 'night', AssumeRolePolicyDocument: TRUST }),
  );
  const { Credentials: credentials } = await new STSClient(config).send(
    new AssumeRoleCommand({ RoleArn: made!.Arn, RoleSessionName: 'shift', DurationSeconds: 900 }),
  );
  await first.stop();

  const second = await startBrume({ ...options, clock: 'virtual' });
  const { AccessKeyId: id, SecretAccessKey: secret, SessionToken: token } = credentials!;
  const identity = await as(id!, secret, token, second.endpoint).send(new GetCallerIdentityCommand({}));
  assert.equal(identity.Arn, 'arn:aws:sts::123456789012:assumed-role/night/shift');
  const unauthorized: [STSClient, RegExp][] = [
    [as(id!, secret, 'forged', second.endpoint), /^(InvalidClientTokenId|UnrecognizedClientException)$/],
    [
      as(newAccessKeyId('ASIA', ACCOUNT), secret, token, second.endpoint),
      /^(InvalidClientTokenId|UnrecognizedClientException)$/,
    ],
    [as(id!, 'wrong', token, second.endpoint), /^SignatureDoesNotMatch$/],
  ];
  for (const [client, name] of unauthorized) {
    await assert.rejects(client.send(new GetCallerIdentityCommand({})), (error: Error) => name.test(error.name));
  }
  await advance(second, 901_000);
  await assert.rejects(as(id!, secret, token, second.endpoint).send(new GetCallerIdentityCommand({})), (error: Error) =>
    /^ExpiredToken/.test(error.name),
  );
});
