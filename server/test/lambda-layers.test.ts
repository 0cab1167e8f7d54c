// Layers: versions, permissions, their order under /opt, and packages that can be downloaded.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, test } from 'node:test';
import {
  AddLayerVersionPermissionCommand,
  CreateFunctionCommand,
  DeleteLayerVersionCommand,
  GetFunctionCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  GetLayerVersionPolicyCommand,
  InvokeCommand,
  LambdaClient,
  ListLayersCommand,
  ListLayerVersionsCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  RemoveLayerVersionPermissionCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { noBubblewrap } from './lambda-engine.ts';
import { codeOf, parse, ROLE, testLambda } from './lambda-functions.ts';
import { makeZip, type ZipEntry, zipOf } from './lambda-zip.ts';

const brume = await startBrume();
const { client, create, error } = testLambda(brume);
const other = new LambdaClient({
  ...clientConfig(brume),
  credentials: { accessKeyId: '222222222222', secretAccessKey: 's' },
});

const arnOf = (layer: string, version?: number) =>
  `arn:aws:lambda:${REGION}:${ACCOUNT}:layer:${layer}${version === undefined ? '' : `:${version}`}`;
const publish = (LayerName: string, files: Record<string, string>, more = {}) =>
  client.send(new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: zipOf(files) }, ...more }));

describe('layer versions', () => {
  const LayerName = 'tools';
  before(async () => {
    await publish(
      LayerName,
      { a: '1' },
      { CompatibleRuntimes: ['nodejs22.x'], Description: 'first', LicenseInfo: 'MIT' },
    );
    await publish(LayerName, { a: '2' }, { CompatibleArchitectures: ['arm64'] });
    await publish('another', { a: '3' });
  });

  test('are described and can be downloaded', async () => {
    const first = await client.send(new GetLayerVersionCommand({ LayerName, VersionNumber: 1 }));
    const { Content, CreatedDate, $metadata, ...rest } = first;
    assert.deepEqual(rest, {
      LayerArn: arnOf(LayerName),
      LayerVersionArn: arnOf(LayerName, 1),
      Version: 1,
      Description: 'first',
      CompatibleRuntimes: ['nodejs22.x'],
      CompatibleArchitectures: [],
      LicenseInfo: 'MIT',
    });
    assert.match(CreatedDate!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/);
    const zip = Buffer.from(await (await fetch(Content!.Location!)).arrayBuffer());
    assert.deepEqual(
      [zip.length, createHash('sha256').update(zip).digest('base64')],
      [Content!.CodeSize, Content!.CodeSha256],
    );
    const byArn = await client.send(new GetLayerVersionByArnCommand({ Arn: arnOf(LayerName, 2) }));
    assert.deepEqual([byArn.Version, byArn.CompatibleArchitectures], [2, ['arm64']]);
  });

  test('are listed, newest first, by what they fit', async () => {
    const versions = async (input = {}) =>
      (await client.send(new ListLayerVersionsCommand({ LayerName, ...input }))).LayerVersions!.map(
        ({ Version }) => Version,
      );
    assert.deepEqual(await versions(), [2, 1]);
    assert.deepEqual(await versions({ CompatibleRuntime: 'nodejs22.x' }), [1]);
    assert.deepEqual(await versions({ CompatibleArchitecture: 'arm64' }), [2]);
    const page = await client.send(new ListLayerVersionsCommand({ LayerName, MaxItems: 1 }));
    assert.deepEqual(await versions({ Marker: page.NextMarker }), [1]);
    const { Layers } = await client.send(new ListLayersCommand({}));
    assert.deepEqual(
      Layers!.map((layer) => [layer.LayerName, layer.LayerArn, layer.LatestMatchingVersion!.Version]),
      [
        ['another', arnOf('another'), 1],
        [LayerName, arnOf(LayerName), 2],
      ],
    );
  });

  test('have policies that let others in', async () => {
    const version = { LayerName: arnOf(LayerName), VersionNumber: 1 };
    await assert.rejects(other.send(new GetLayerVersionCommand(version)), {
      name: 'AccessDeniedException',
      message: `User: arn:aws:iam::222222222222:root is not authorized to perform: lambda:GetLayerVersion on resource: ${arnOf(LayerName, 1)} because no resource-based policy allows the lambda:GetLayerVersion action`,
    });
    const statement = { LayerName, VersionNumber: 1, StatementId: 's', Action: 'lambda:GetLayerVersion' };
    const added = await client.send(new AddLayerVersionPermissionCommand({ ...statement, Principal: '222222222222' }));
    assert.deepEqual(JSON.parse(added.Statement!), {
      Sid: 's',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::222222222222:root' },
      Action: 'lambda:GetLayerVersion',
      Resource: arnOf(LayerName, 1),
    });
    assert.equal((await other.send(new GetLayerVersionCommand(version))).Version, 1);
    assert.equal(
      await error(new AddLayerVersionPermissionCommand({ ...statement, Principal: '*' })),
      'ResourceConflictException: The statement id (s) provided already exists. Please provide a new statement id, or remove the existing statement.',
    );
    const policy = await client.send(new GetLayerVersionPolicyCommand({ LayerName, VersionNumber: 1 }));
    assert.equal(policy.RevisionId, added.RevisionId);
    await client.send(new RemoveLayerVersionPermissionCommand({ ...statement, RevisionId: policy.RevisionId }));
    assert.equal(
      await error(new GetLayerVersionPolicyCommand({ LayerName, VersionNumber: 1 })),
      'ResourceNotFoundException: No policy is associated with the given resource.',
    );
    await assert.rejects(other.send(new GetLayerVersionCommand(version)), { name: 'AccessDeniedException' });
  });

  test('errors', async () => {
    const cases: [{ input: object }, string | RegExp][] = [
      [
        new GetLayerVersionCommand({ LayerName, VersionNumber: 9 }),
        'ResourceNotFoundException: The resource you requested does not exist.',
      ],
      [
        new GetLayerVersionCommand({ LayerName, VersionNumber: 0 }),
        'InvalidParameterValueException: Layer Version Cannot be less than 1',
      ],
      [
        new GetLayerVersionPolicyCommand({ LayerName, VersionNumber: 9 }),
        `ResourceNotFoundException: Layer version ${arnOf(LayerName, 9)} does not exist.`,
      ],
      [
        new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: Buffer.from('no zip') } }),
        /^InvalidParameterValueException: Could not unzip uploaded file/,
      ],
      [new PublishLayerVersionCommand({ LayerName: 'a b', Content: {} }), /^ValidationException: .*'layerName'/],
    ];
    for (const [command, expected] of cases) {
      const message = await error(command);
      if (typeof expected === 'string') assert.equal(message, expected);
      else assert.match(message, expected);
    }
  });

  test('numbers are not given twice', async () => {
    await publish('short-lived', { a: '1' });
    await client.send(new DeleteLayerVersionCommand({ LayerName: 'short-lived', VersionNumber: 1 }));
    await client.send(new DeleteLayerVersionCommand({ LayerName: 'short-lived', VersionNumber: 1 }));
    assert.equal((await publish('short-lived', { a: '2' })).Version, 2);
  });
});

describe('functions with layers', () => {
  const read =
    'async (names) => names.map((name) => { try { return require("fs").readFileSync("/opt/" + name, "utf8"); } catch { return null; } })';
  const invoke = async (FunctionName: string, names: string[], Qualifier?: string) =>
    parse(
      (await client.send(new InvokeCommand({ FunctionName, Qualifier, Payload: Buffer.from(JSON.stringify(names)) })))
        .Payload,
    );

  test('see them under /opt, the later ones on top', { skip: noBubblewrap }, async () => {
    await publish('lower', { 'shared/x': 'lower', 'shared/y': 'lower', kind: 'file' });
    await publish('upper', { 'shared/x': 'upper', 'kind/inner': 'directory' });
    const FunctionName = 'layered';
    await create(FunctionName, read, { Layers: [arnOf('lower', 1), arnOf('upper', 1)] });
    const names = ['shared/x', 'shared/y', 'kind/inner'];
    assert.deepEqual(await invoke(FunctionName, names), ['upper', 'lower', 'directory']);
    const { Configuration, Code } = await client.send(new GetFunctionCommand({ FunctionName }));
    assert.deepEqual(
      Configuration!.Layers!.map(({ Arn, CodeSize }) => [Arn, CodeSize! > 0]),
      [
        [arnOf('lower', 1), true],
        [arnOf('upper', 1), true],
      ],
    );
    const downloaded = Buffer.from(await (await fetch(Code!.Location!)).arrayBuffer());
    assert.ok(downloaded.equals(codeOf(read)));
    const forged = Code!.Location!.replace(/Signature=./, (text) =>
      text.endsWith('0') ? 'Signature=1' : 'Signature=0',
    );
    assert.equal((await fetch(forged)).status, 403);

    await client.send(new PublishVersionCommand({ FunctionName }));
    await client.send(
      new UpdateFunctionConfigurationCommand({ FunctionName, Layers: [arnOf('upper', 1), arnOf('lower', 1)] }),
    );
    assert.deepEqual(await invoke(FunctionName, ['shared/x', 'kind']), ['lower', 'file']);
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Description: 'unrelated' }));
    assert.deepEqual(await invoke(FunctionName, ['shared/x']), ['lower']);
    for (const LayerName of ['lower', 'upper']) {
      await client.send(new DeleteLayerVersionCommand({ LayerName, VersionNumber: 1 }));
    }
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Layers: [] }));
    assert.deepEqual(await invoke(FunctionName, ['shared/x']), [null]);
    assert.deepEqual(await invoke(FunctionName, ['shared/x'], '1'), ['upper'], 'the version keeps deleted layers');
  });

  test('a link in one layer does not lead another out', { skip: noBubblewrap }, async () => {
    const entries: ZipEntry[] = [
      { name: 'd/e', data: '..', mode: 0o120777 },
      { name: 'up', data: 'd/e/..', mode: 0o120777 },
    ];
    await client.send(new PublishLayerVersionCommand({ LayerName: 'links', Content: { ZipFile: makeZip(entries) } }));
    await publish('through', { 'up/escaped': 'x' });
    await create('linked', read, { Layers: [arnOf('links', 1), arnOf('through', 1)] });
    assert.deepEqual(await invoke('linked', ['up/escaped']), ['x']);
  });

  test('modules are found by Node.js', { skip: noBubblewrap }, async () => {
    await publish('modules', { 'nodejs/node_modules/greet/index.js': 'module.exports = () => "hello"' });
    await create('importing', 'async () => require("greet")()', { Layers: [arnOf('modules', 1)] });
    assert.equal(await invoke('importing', []), 'hello');
  });

  test('errors', async () => {
    await publish('first', { a: '' });
    await publish('first', { b: '' });
    const invalid = (text: string) => `InvalidParameterValueException: ${text}`;
    const cases: [string[], string | RegExp][] = [
      [[arnOf('first', 7)], invalid(`Layer version ${arnOf('first', 7)} does not exist.`)],
      [
        [arnOf('first', 1), arnOf('first', 2)],
        invalid(
          `Two different versions of the same layer are not allowed to be referenced in the same function. ${arnOf('first', 1)} and ${arnOf('first', 2)}.`,
        ),
      ],
      [[1, 2, 3, 4, 5, 6].map((n) => arnOf(`l${n}`, 1)), invalid('Cannot reference more than 5 layers.')],
      [
        [arnOf('first', 1).replace(REGION, 'eu-west-1')],
        invalid(`Layers are not in the same region as the function. Layers are expected to be in region ${REGION}.`),
      ],
      [[arnOf('first')], /^ValidationException: 1 validation error detected: Value '\[.*\]' at 'layers' failed/],
      [[arnOf('first', 1).replace(ACCOUNT, '333333333333')], /^AccessDeniedException: /],
    ];
    for (const [Layers, expected] of cases) {
      const message = await error(
        new CreateFunctionCommand({
          FunctionName: 'refused',
          Role: ROLE,
          Runtime: 'nodejs22.x',
          Handler: 'index.handler',
          Code: { ZipFile: codeOf('1') },
          Layers,
        }),
      );
      if (typeof expected === 'string') assert.equal(message, expected);
      else assert.match(message, expected);
    }
  });
});
