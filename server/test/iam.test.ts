// IAM over HTTP with the official client.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DeleteUserCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  GetUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListAttachedRolePoliciesCommand,
  ListEntitiesForPolicyCommand,
  ListInstanceProfilesForRoleCommand,
  ListPoliciesCommand,
  ListPolicyTagsCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
  ListUsersCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  SetDefaultPolicyVersionCommand,
  TagPolicyCommand,
  TagRoleCommand,
  UntagPolicyCommand,
  UntagRoleCommand,
  UpdateAccessKeyCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
  UpdateRoleDescriptionCommand,
} from '@aws-sdk/client-iam';
import { ACCOUNT, clientConfig, startBrume, temporaryDirectory } from './harness.ts';

const TRUST =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}';
const POLICY = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}';
const BASIC_EXECUTION = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';

const brume = await startBrume();
const iam = new IAMClient(clientConfig(brume));
const otherAccount = new IAMClient({
  ...clientConfig(brume),
  region: 'eu-central-1',
  credentials: { accessKeyId: '111122223333', secretAccessKey: 'x' },
});

const createRole = (RoleName: string, more: object = {}) =>
  iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: TRUST, ...more }));
const createPolicy = async (PolicyName: string, more: object = {}) =>
  (await iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument: POLICY, ...more }))).Policy!;

describe('roles', () => {
  test('are created, read, updated, listed and deleted', async () => {
    const created = await createRole('reader', {
      Path: '/service-role/',
      Description: 'reads',
      MaxSessionDuration: 7200,
      Tags: [{ Key: 'team', Value: 'data' }],
    });
    assert.match(created.Role!.RoleId!, /^AROA[A-Z2-7]{17}$/);
    assert.equal(created.Role!.Arn, `arn:aws:iam::${ACCOUNT}:role/service-role/reader`);
    assert.equal(created.Role!.RoleLastUsed, undefined);

    const { Role: role } = await iam.send(new GetRoleCommand({ RoleName: 'reader' }));
    assert.equal(decodeURIComponent(role!.AssumeRolePolicyDocument!), TRUST);
    assert.match(role!.AssumeRolePolicyDocument!, /^%7B%22Version%22%3A/);
    assert.equal(role!.Description, 'reads');
    assert.equal(role!.MaxSessionDuration, 7200);
    assert.equal(role!.CreateDate!.getMilliseconds(), 0);
    assert.deepEqual(role!.Tags, [{ Key: 'team', Value: 'data' }]);
    assert.ok(role!.RoleLastUsed);

    await iam.send(new UpdateRoleCommand({ RoleName: 'reader', Description: '', MaxSessionDuration: 3600 }));
    const described = await iam.send(new UpdateRoleDescriptionCommand({ RoleName: 'reader', Description: 'again' }));
    assert.equal(described.Role!.Description, 'again');
    assert.equal(described.Role!.MaxSessionDuration, 3600);
    const trusting = TRUST.replace('lambda', 'states');
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'reader', PolicyDocument: trusting }));
    const updated = await iam.send(new GetRoleCommand({ RoleName: 'READER' }));
    assert.equal(decodeURIComponent(updated.Role!.AssumeRolePolicyDocument!), trusting);

    const listed = await iam.send(new ListRolesCommand({ PathPrefix: '/service-role/' }));
    assert.deepEqual(
      listed.Roles!.map(({ RoleName }) => RoleName),
      ['reader'],
    );
    assert.equal(listed.Roles![0]!.Tags, undefined);
    assert.deepEqual((await otherAccount.send(new ListRolesCommand({}))).Roles, []);

    await iam.send(new DeleteRoleCommand({ RoleName: 'reader' }));
    await assert.rejects(iam.send(new GetRoleCommand({ RoleName: 'reader' })), {
      name: 'NoSuchEntityException',
      message: 'The role with name reader cannot be found.',
    });
  });

  test('refuse what AWS refuses', async () => {
    await createRole('taken');
    const cases: [object, string, string | RegExp][] = [
      [{ RoleName: 'TAKEN' }, 'EntityAlreadyExistsException', 'Role with name TAKEN already exists.'],
      [
        { RoleName: 'a b' },
        'ValidationError',
        'The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-',
      ],
      [
        { RoleName: 'x'.repeat(65) },
        'ValidationError',
        /at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64$/,
      ],
      [{ Path: 'nope' }, 'ValidationError', /^The specified value for path is invalid/],
      [
        { MaxSessionDuration: 60 },
        'ValidationError',
        "1 validation error detected: Value '60' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600",
      ],
      [{ AssumeRolePolicyDocument: '{' }, 'MalformedPolicyDocumentException', 'This policy contains invalid Json'],
      [{ AssumeRolePolicyDocument: POLICY }, 'MalformedPolicyDocumentException', 'Has prohibited field Resource'],
      [
        { AssumeRolePolicyDocument: TRUST.replace('lambda', 'l'.repeat(2100)) },
        'LimitExceededException',
        'Cannot exceed quota for ACLSizePerRole: 2048',
      ],
      [
        { PermissionsBoundary: 'arn:aws:iam::aws:policy/NoSuchPolicy' },
        'NoSuchEntityException',
        'Policy arn:aws:iam::aws:policy/NoSuchPolicy does not exist or is not attachable.',
      ],
      [
        {
          Tags: [
            { Key: 'a', Value: '' },
            { Key: 'A', Value: '' },
          ],
        },
        'InvalidInputException',
        /^Duplicate tag keys found/,
      ],
    ];
    for (const [more, name, message] of cases) {
      await assert.rejects(createRole('fresh', more), { name, message }, JSON.stringify(more));
    }
  });

  test('are listed in pages', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) await createRole(name, { Path: '/paged/' });
    const names: string[] = [];
    let Marker: string | undefined;
    let pages = 0;
    do {
      const page = await iam.send(new ListRolesCommand({ PathPrefix: '/paged/', MaxItems: 2, Marker }));
      names.push(...page.Roles!.map(({ RoleName }) => RoleName!));
      assert.equal(page.IsTruncated, page.Marker !== undefined);
      Marker = page.Marker;
      pages++;
    } while (Marker);
    assert.deepEqual([names, pages], [['page-a', 'page-b', 'page-c'], 2]);
    await assert.rejects(iam.send(new ListRolesCommand({ Marker: 'nonsense' })), { name: 'ValidationError' });
    await assert.rejects(iam.send(new ListRolesCommand({ MaxItems: 1001 })), { name: 'ValidationError' });
  });

  test('carry inline policies', async () => {
    await createRole('inline');
    const at = { RoleName: 'inline' };
    await iam.send(new PutRolePolicyCommand({ ...at, PolicyName: 'b', PolicyDocument: POLICY }));
    await iam.send(new PutRolePolicyCommand({ ...at, PolicyName: 'a', PolicyDocument: POLICY }));
    assert.deepEqual((await iam.send(new ListRolePoliciesCommand(at))).PolicyNames, ['a', 'b']);
    const got = await iam.send(new GetRolePolicyCommand({ ...at, PolicyName: 'a' }));
    assert.equal(decodeURIComponent(got.PolicyDocument!), POLICY);
    await assert.rejects(iam.send(new DeleteRoleCommand(at)), {
      name: 'DeleteConflictException',
      message: 'Cannot delete entity, must delete policies first.',
    });
    const large = POLICY.replace('s3:*', `s3:${'x'.repeat(10_300)}`);
    await assert.rejects(iam.send(new PutRolePolicyCommand({ ...at, PolicyName: 'c', PolicyDocument: large })), {
      name: 'LimitExceededException',
      message: 'Maximum policy size of 10240 bytes exceeded for role inline',
    });
    await iam.send(new DeleteRolePolicyCommand({ ...at, PolicyName: 'a' }));
    for (const PolicyName of ['a', 'constructor']) {
      await assert.rejects(iam.send(new GetRolePolicyCommand({ ...at, PolicyName })), {
        name: 'NoSuchEntityException',
        message: `The role policy with name ${PolicyName} cannot be found.`,
      });
    }
    await iam.send(new DeleteRolePolicyCommand({ ...at, PolicyName: 'b' }));
    await iam.send(new DeleteRoleCommand(at));
  });

  test('carry managed policies and a boundary', async () => {
    await createRole('managed');
    const at = { RoleName: 'managed' };
    const own = await createPolicy('own', { Path: '/team/' });
    for (const PolicyArn of [BASIC_EXECUTION, own.Arn!, own.Arn!]) {
      await iam.send(new AttachRolePolicyCommand({ ...at, PolicyArn }));
    }
    const listed = await iam.send(new ListAttachedRolePoliciesCommand(at));
    assert.deepEqual(listed.AttachedPolicies, [
      { PolicyName: 'own', PolicyArn: own.Arn },
      { PolicyName: 'AWSLambdaBasicExecutionRole', PolicyArn: BASIC_EXECUTION },
    ]);
    const inPath = await iam.send(new ListAttachedRolePoliciesCommand({ ...at, PathPrefix: '/service-role/' }));
    assert.deepEqual(
      inPath.AttachedPolicies!.map(({ PolicyArn }) => PolicyArn),
      [BASIC_EXECUTION],
    );

    await iam.send(new PutRolePermissionsBoundaryCommand({ ...at, PermissionsBoundary: own.Arn }));
    const bounded = (await iam.send(new GetRoleCommand(at))).Role!.PermissionsBoundary!;
    assert.deepEqual({ ...bounded }, { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: own.Arn });
    const counted = (await iam.send(new GetPolicyCommand({ PolicyArn: own.Arn }))).Policy!;
    assert.deepEqual([counted.AttachmentCount, counted.PermissionsBoundaryUsageCount], [1, 1]);
    const entities = await iam.send(new ListEntitiesForPolicyCommand({ PolicyArn: own.Arn }));
    assert.deepEqual(
      entities.PolicyRoles!.map(({ RoleName }) => RoleName),
      ['managed'],
    );
    const users = await iam.send(new ListEntitiesForPolicyCommand({ PolicyArn: own.Arn, EntityFilter: 'User' }));
    assert.deepEqual(users.PolicyRoles, []);

    await assert.rejects(iam.send(new DeleteRoleCommand(at)), {
      name: 'DeleteConflictException',
      message: 'Cannot delete entity, must detach all policies first.',
    });
    const attached = { name: 'DeleteConflictException', message: 'Cannot delete a policy attached to entities.' };
    await assert.rejects(iam.send(new DeletePolicyCommand({ PolicyArn: own.Arn })), attached);
    await iam.send(new DetachRolePolicyCommand({ ...at, PolicyArn: own.Arn }));
    await assert.rejects(iam.send(new DetachRolePolicyCommand({ ...at, PolicyArn: own.Arn })), {
      name: 'NoSuchEntityException',
      message: `Policy ${own.Arn} was not found.`,
    });
    await assert.rejects(iam.send(new DeletePolicyCommand({ PolicyArn: own.Arn })), attached);
    await iam.send(new DeleteRolePermissionsBoundaryCommand(at));
    await iam.send(new DeletePolicyCommand({ PolicyArn: own.Arn }));
    await iam.send(new DetachRolePolicyCommand({ ...at, PolicyArn: BASIC_EXECUTION }));
    await iam.send(new DeleteRoleCommand(at));
  });

  test('attach only policies that exist, and ten at most', async () => {
    await createRole('limits');
    const attach = (PolicyArn: string) => iam.send(new AttachRolePolicyCommand({ RoleName: 'limits', PolicyArn }));
    const cases: [string, string, string][] = [
      [
        'arn:aws:iam::aws:policy/NoSuchPolicy',
        'NoSuchEntityException',
        'Policy arn:aws:iam::aws:policy/NoSuchPolicy does not exist or is not attachable.',
      ],
      [
        `arn:aws:iam::${ACCOUNT}:policy/missing`,
        'NoSuchEntityException',
        `Policy arn:aws:iam::${ACCOUNT}:policy/missing does not exist or is not attachable.`,
      ],
      ['not-an-arn-but-long-enough', 'InvalidInputException', 'ARN not-an-arn-but-long-enough is not valid.'],
    ];
    for (const [arn, name, message] of cases) await assert.rejects(attach(arn), { name, message }, arn);
    const aws = await iam.send(new ListPoliciesCommand({ Scope: 'AWS', MaxItems: 11 }));
    for (const { Arn } of aws.Policies!.slice(0, 10)) await attach(Arn!);
    await assert.rejects(attach(aws.Policies![10]!.Arn!), {
      name: 'LimitExceededException',
      message: 'Cannot exceed quota for PoliciesPerRole: 10',
    });
    const uses = await iam.send(new ListPoliciesCommand({ OnlyAttached: true }));
    assert.equal(uses.Policies!.length, 10);
    const none = await iam.send(new ListInstanceProfilesForRoleCommand({ RoleName: 'limits' }));
    assert.deepEqual(none.InstanceProfiles, []);
  });

  test('carry tags', async () => {
    await createRole('tagged');
    const at = { RoleName: 'tagged' };
    await iam.send(
      new TagRoleCommand({
        ...at,
        Tags: [
          { Key: 'b', Value: '1' },
          { Key: 'a', Value: '2' },
        ],
      }),
    );
    await iam.send(new TagRoleCommand({ ...at, Tags: [{ Key: 'B', Value: '3' }] }));
    assert.deepEqual((await iam.send(new ListRoleTagsCommand(at))).Tags, [
      { Key: 'B', Value: '3' },
      { Key: 'a', Value: '2' },
    ]);
    const many = Array.from({ length: 49 }, (_, i) => ({ Key: `k${i}`, Value: '' }));
    await assert.rejects(iam.send(new TagRoleCommand({ ...at, Tags: many })), { name: 'LimitExceededException' });
    await iam.send(new UntagRoleCommand({ ...at, TagKeys: ['A', 'unknown'] }));
    assert.deepEqual((await iam.send(new ListRoleTagsCommand(at))).Tags, [{ Key: 'B', Value: '3' }]);
    await assert.rejects(iam.send(new TagRoleCommand({ ...at, Tags: [{ Key: 'aws:x', Value: '' }] })), {
      name: 'InvalidInputException',
    });
  });
});

describe('managed policies', () => {
  test('have up to five versions', async () => {
    const policy = await createPolicy('versions', { Description: 'five', Tags: [{ Key: 'k', Value: 'v' }] });
    const at = { PolicyArn: policy.Arn };
    assert.match(policy.PolicyId!, /^ANPA[A-Z2-7]{17}$/);
    assert.equal(policy.DefaultVersionId, 'v1');
    for (let i = 2; i <= 5; i++) {
      const made = await iam.send(
        new CreatePolicyVersionCommand({ ...at, PolicyDocument: POLICY, SetAsDefault: i === 3 }),
      );
      assert.deepEqual([made.PolicyVersion!.VersionId, made.PolicyVersion!.IsDefaultVersion], [`v${i}`, i === 3]);
    }
    await assert.rejects(iam.send(new CreatePolicyVersionCommand({ ...at, PolicyDocument: POLICY })), {
      name: 'LimitExceededException',
      message:
        'A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.',
    });
    const listed = await iam.send(new ListPolicyVersionsCommand({ ...at, MaxItems: 3 }));
    assert.deepEqual(
      listed.Versions!.map(({ VersionId }) => VersionId),
      ['v5', 'v4', 'v3'],
    );
    const rest = await iam.send(new ListPolicyVersionsCommand({ ...at, Marker: listed.Marker }));
    assert.deepEqual(
      rest.Versions!.map(({ VersionId }) => VersionId),
      ['v2', 'v1'],
    );
    await assert.rejects(iam.send(new DeletePolicyVersionCommand({ ...at, VersionId: 'v3' })), {
      name: 'DeleteConflictException',
      message: 'Cannot delete the default version of a policy.',
    });
    await iam.send(new SetDefaultPolicyVersionCommand({ ...at, VersionId: 'v5' }));
    await assert.rejects(iam.send(new DeletePolicyCommand(at)), {
      name: 'DeleteConflictException',
      message: /^This policy has more than one version/,
    });
    for (const VersionId of ['v1', 'v2', 'v3', 'v4'])
      await iam.send(new DeletePolicyVersionCommand({ ...at, VersionId }));
    const made = await iam.send(new CreatePolicyVersionCommand({ ...at, PolicyDocument: POLICY }));
    assert.equal(made.PolicyVersion!.VersionId, 'v6');
    await assert.rejects(iam.send(new GetPolicyVersionCommand({ ...at, VersionId: 'v9' })), {
      name: 'NoSuchEntityException',
      message: `Policy ${policy.Arn} version v9 does not exist or is not attachable.`,
    });
    const shown = (await iam.send(new GetPolicyCommand(at))).Policy!;
    assert.deepEqual(
      [shown.DefaultVersionId, shown.Description, shown.Tags],
      ['v5', 'five', [{ Key: 'k', Value: 'v' }]],
    );
    await iam.send(new TagPolicyCommand({ ...at, Tags: [{ Key: 'n', Value: '' }] }));
    await iam.send(new UntagPolicyCommand({ ...at, TagKeys: ['k'] }));
    assert.deepEqual((await iam.send(new ListPolicyTagsCommand(at))).Tags, [{ Key: 'n', Value: '' }]);
    await iam.send(new DeletePolicyVersionCommand({ ...at, VersionId: 'v6' }));
    await iam.send(new DeletePolicyCommand(at));
    await assert.rejects(iam.send(new GetPolicyCommand(at)), {
      name: 'NoSuchEntityException',
      message: `Policy ${policy.Arn} was not found.`,
    });
  });

  test('refuse what AWS refuses', async () => {
    await createPolicy('twice');
    const cases: [object, string, string | RegExp][] = [
      [
        { PolicyName: 'Twice' },
        'EntityAlreadyExistsException',
        'A policy called Twice already exists. Duplicate names are not allowed.',
      ],
      [{ PolicyDocument: 'x' }, 'MalformedPolicyDocumentException', 'Syntax errors in policy.'],
      [
        { PolicyDocument: POLICY.replace('s3:*', `s3:${'x'.repeat(6200)}`) },
        'LimitExceededException',
        'Cannot exceed quota for PolicySize: 6144',
      ],
      [{ Path: '/a b/' }, 'ValidationError', /at 'path' failed to satisfy constraint/],
    ];
    for (const [more, name, message] of cases) {
      await assert.rejects(createPolicy('fresh', more), { name, message }, JSON.stringify(more));
    }
    await assert.rejects(iam.send(new DeletePolicyCommand({ PolicyArn: BASIC_EXECUTION })), {
      name: 'AccessDenied',
      message: 'Policy is outside your own account.',
    });
  });

  test("of AWS stand with AWS's documents", async () => {
    const { Policy: policy } = await iam.send(new GetPolicyCommand({ PolicyArn: BASIC_EXECUTION }));
    assert.equal(policy!.Path, '/service-role/');
    const { PolicyVersion: version } = await iam.send(
      new GetPolicyVersionCommand({ PolicyArn: BASIC_EXECUTION, VersionId: policy!.DefaultVersionId }),
    );
    assert.deepEqual(JSON.parse(decodeURIComponent(version!.Document!)), {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
          Resource: '*',
        },
      ],
    });
    const local = await iam.send(new ListPoliciesCommand({ Scope: 'Local' }));
    assert.ok(local.Policies!.every(({ Arn }) => Arn!.startsWith(`arn:aws:iam::${ACCOUNT}:`)));
  });
});

describe('users', () => {
  test('have up to two access keys', async () => {
    const { User: user } = await iam.send(new CreateUserCommand({ UserName: 'ada', Path: '/eng/' }));
    assert.equal(user!.Arn, `arn:aws:iam::${ACCOUNT}:user/eng/ada`);
    await assert.rejects(iam.send(new CreateUserCommand({ UserName: 'Ada' })), {
      name: 'EntityAlreadyExistsException',
      message: 'User with name Ada already exists.',
    });
    const at = { UserName: 'ada' };
    const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand(at));
    assert.match(key!.AccessKeyId!, /^AKIA[A-Z2-7]{16}$/);
    await iam.send(new CreateAccessKeyCommand(at));
    await assert.rejects(iam.send(new CreateAccessKeyCommand(at)), {
      name: 'LimitExceededException',
      message: 'Cannot exceed quota for AccessKeysPerUser: 2',
    });
    await iam.send(new UpdateAccessKeyCommand({ ...at, AccessKeyId: key!.AccessKeyId, Status: 'Inactive' }));
    const { AccessKeyMetadata: keys } = await iam.send(new ListAccessKeysCommand(at));
    assert.deepEqual(keys!.map(({ Status }) => Status).sort(), ['Active', 'Inactive']);
    await assert.rejects(iam.send(new DeleteUserCommand(at)), {
      name: 'DeleteConflictException',
      message: 'Cannot delete entity, must delete access keys first.',
    });
    for (const { AccessKeyId } of keys!) await iam.send(new DeleteAccessKeyCommand({ ...at, AccessKeyId }));
    await assert.rejects(iam.send(new DeleteAccessKeyCommand({ ...at, AccessKeyId: key!.AccessKeyId })), {
      name: 'NoSuchEntityException',
      message: `The Access Key with id ${key!.AccessKeyId} cannot be found.`,
    });
    assert.equal((await iam.send(new ListUsersCommand({ PathPrefix: '/eng/' }))).Users!.length, 1);
    await iam.send(new DeleteUserCommand(at));
    await assert.rejects(iam.send(new GetUserCommand(at)), {
      name: 'NoSuchEntityException',
      message: 'The user with name ada cannot be found.',
    });
    const { User: root } = await iam.send(new GetUserCommand({}));
    assert.equal(root!.Arn, `arn:aws:iam::${ACCOUNT}:root`);
  });
});

test('what was acknowledged is there after a restart', async () => {
  const dataDir = temporaryDirectory();
  const first = await startBrume({ dataDir });
  await new IAMClient(clientConfig(first)).send(
    new CreateRoleCommand({ RoleName: 'kept', AssumeRolePolicyDocument: TRUST }),
  );
  await first.stop();
  const second = await startBrume({ dataDir });
  const { Role: role } = await new IAMClient(clientConfig(second)).send(new GetRoleCommand({ RoleName: 'kept' }));
  assert.equal(role!.RoleName, 'kept');
});
