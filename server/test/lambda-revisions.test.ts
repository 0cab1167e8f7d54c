// RevisionIds: when they change, what they guard, and that environments outlive the changes that do not concern them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  InvokeCommand,
  PublishVersionCommand,
  RemovePermissionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
  waitUntilPublishedVersionActive,
} from '@aws-sdk/client-lambda';
import { startBrume } from '#test/harness.ts';
import { arnOf, codeOf, parse, ROLE, testLambda } from './lambda-functions.ts';

const MISMATCH =
  'PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id';
const { client, create, error } = testLambda(await startBrume());

const revision = async (FunctionName: string, Qualifier?: string) =>
  (await client.send(new GetFunctionConfigurationCommand({ FunctionName, Qualifier }))).RevisionId!;

describe('a function', () => {
  test('has a new one at each step, states included', async () => {
    const FunctionName = 'steps';
    const created = await client.send(
      new CreateFunctionCommand({
        FunctionName,
        Role: ROLE,
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Code: { ZipFile: codeOf('async () => 1') },
      }),
    );
    await waitUntilFunctionActiveV2({ client, maxWaitTime: 20 }, { FunctionName });
    const active = await revision(FunctionName);
    assert.equal(
      await error(
        new UpdateFunctionCodeCommand({ FunctionName, ZipFile: codeOf('2'), RevisionId: created.RevisionId }),
      ),
      MISMATCH,
    );
    const code = await client.send(
      new UpdateFunctionCodeCommand({ FunctionName, ZipFile: codeOf('async () => 2'), RevisionId: active }),
    );
    await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 20 }, { FunctionName });
    const coded = await revision(FunctionName);
    assert.equal(
      await error(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 9, RevisionId: code.RevisionId })),
      MISMATCH,
    );
    const configured = await client.send(
      new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 9, RevisionId: coded }),
    );
    await waitUntilFunctionUpdatedV2({ client, maxWaitTime: 20 }, { FunctionName });
    const updated = await revision(FunctionName);
    const version = await client.send(new PublishVersionCommand({ FunctionName, RevisionId: updated }));
    await waitUntilPublishedVersionActive({ client, maxWaitTime: 20 }, { FunctionName, Qualifier: '1' });
    const published = await revision(FunctionName);
    const all = [created, active, code, coded, configured, updated, version, published].map((one) =>
      typeof one === 'string' ? one : one.RevisionId,
    );
    assert.equal(new Set(all).size, all.length, all.join('\n'));
    assert.equal(await revision(FunctionName, '1'), version.RevisionId);

    const again = await client.send(new PublishVersionCommand({ FunctionName }));
    assert.deepEqual([again.Version, again.RevisionId], ['1', version.RevisionId]);
    assert.equal(await revision(FunctionName), published);
  });

  test('that is published as it is made or changed', async () => {
    const FunctionName = 'published';
    const created = await client.send(
      new CreateFunctionCommand({
        FunctionName,
        Role: ROLE,
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Environment: { Variables: {} },
        Code: { ZipFile: codeOf('async () => 1') },
        Publish: true,
      }),
    );
    assert.deepEqual(
      [created.FunctionArn, created.Version, created.State, created.Environment],
      [arnOf(FunctionName), '1', 'Pending', { Variables: {} }],
    );
    const changed = await client.send(
      new UpdateFunctionCodeCommand({ FunctionName, ZipFile: codeOf('async () => 2'), Publish: true }),
    );
    assert.deepEqual(
      [changed.FunctionArn, changed.Version, changed.State, changed.StateReasonCode, changed.LastUpdateStatus],
      [arnOf(FunctionName, '2'), '2', 'Pending', 'Creating', undefined],
    );
    await waitUntilPublishedVersionActive({ client, maxWaitTime: 20 }, { FunctionName, Qualifier: '2' });
  });
});

describe('a resource policy', () => {
  const add = (FunctionName: string, StatementId: string, more: object = {}) =>
    new AddPermissionCommand({
      FunctionName,
      StatementId,
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      ...more,
    });
  const policy = async (FunctionName: string, Qualifier?: string) =>
    (await client.send(new GetPolicyCommand({ FunctionName, Qualifier }))).RevisionId;

  test('has the revision of what it belongs to, and gives that a new one', async () => {
    const FunctionName = 'with-policies';
    await create(FunctionName);
    await waitUntilFunctionActiveV2({ client, maxWaitTime: 20 }, { FunctionName });
    await client.send(new PublishVersionCommand({ FunctionName }));
    await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    const ofAlias = async () => (await client.send(new GetAliasCommand({ FunctionName, Name: 'live' }))).RevisionId!;

    for (const [Qualifier, current] of [
      [undefined, () => revision(FunctionName)],
      ['1', () => revision(FunctionName, '1')],
      ['live', ofAlias],
    ] as const) {
      const before = await current();
      assert.equal(await error(add(FunctionName, 's', { Qualifier, RevisionId: 'another' })), MISMATCH);
      await client.send(add(FunctionName, 's', { Qualifier, RevisionId: before }));
      const after = await current();
      assert.notEqual(after, before);
      assert.equal(await policy(FunctionName, Qualifier), after);
      const remove = (RevisionId: string) =>
        new RemovePermissionCommand({ FunctionName, StatementId: 's', Qualifier, RevisionId });
      assert.equal(await error(remove(before)), MISMATCH);
      await client.send(remove(after));
      assert.notEqual(await current(), after);
    }
  });

  test('leaves the environments alone', async () => {
    const FunctionName = 'warm';
    await create(FunctionName, '(() => { let n = 0; return async () => ++n })()');
    const count = async () => parse((await client.send(new InvokeCommand({ FunctionName }))).Payload);
    assert.equal(await count(), 1);
    await client.send(add(FunctionName, 's'));
    await client.send(new PublishVersionCommand({ FunctionName }));
    assert.equal(await count(), 2);
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Description: 'changed' }));
    assert.equal(await count(), 1);
  });
});
