// Functions that run from a directory: what is saved counts at the next invocation.

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { clientConfig, startBrume, temporaryDirectory } from '#test/harness.ts';
import { codeOf, parse, ROLE, testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, error } = testLambda(brume);
const root = temporaryDirectory();

const at = (S3Key: string) => ({ S3Bucket: 'hot-reload', S3Key });
const creation = (FunctionName: string, S3Key: string) =>
  new CreateFunctionCommand({
    FunctionName,
    Role: ROLE,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: at(S3Key),
  });
const invoke = async (FunctionName: string) => parse((await client.send(new InvokeCommand({ FunctionName }))).Payload);

function project(name: string, files: Record<string, string>): string {
  const directory = join(root, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  return directory;
}

test('a saved file counts from the next invocation on; without one the environment stays', async () => {
  const FunctionName = 'live';
  const index = (text: string) =>
    `let n = 0; exports.handler = async () => '${text} ' + require('./lib/word.js') + ' ' + ++n;`;
  const directory = project('live', { 'index.js': index('hello'), 'lib/word.js': "module.exports = 'world'" });
  await client.send(creation(FunctionName, directory));
  assert.equal(await invoke(FunctionName), 'hello world 1');
  assert.equal(await invoke(FunctionName), 'hello world 2');
  project('live', { 'index.js': index('good-bye') });
  assert.equal(await invoke(FunctionName), 'good-bye world 1');
  project('live', { 'lib/word.js': "module.exports = 'moon!'" });
  assert.equal(await invoke(FunctionName), 'good-bye moon! 1');
  project('live', { 'node_modules/x/index.js': '', '__pycache__/y.pyc': '' });
  assert.equal(await invoke(FunctionName), 'good-bye moon! 2');

  const { Code, Configuration } = await client.send(new GetFunctionCommand({ FunctionName }));
  assert.deepEqual([Code!.Location, Configuration!.CodeSize], [`file://${directory}`, 0]);
  const { Version } = await client.send(new PublishVersionCommand({ FunctionName }));
  assert.equal(await invoke(`${FunctionName}:${Version}`), 'good-bye moon! 1');

  rmSync(directory, { recursive: true });
  assert.match(
    await error(new InvokeCommand({ FunctionName })),
    /^InvalidZipFileException: The code in .*live cannot be read/,
  );
  await client.send(new DeleteFunctionCommand({ FunctionName }));
});

test('a function goes from a package to a directory and back', async () => {
  const FunctionName = 'moving';
  const directory = project('moving', { 'index.js': "exports.handler = async () => 'directory';" });
  await client.send(
    new CreateFunctionCommand({
      FunctionName,
      Role: ROLE,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: codeOf("async () => 'package'") },
    }),
  );
  assert.equal(await invoke(FunctionName), 'package');
  const update = (code: object, more: object = {}) =>
    client.send(new UpdateFunctionCodeCommand({ FunctionName, ...code, ...more }));
  const { CodeSize } = await update(at(directory), { DryRun: true });
  assert.equal(CodeSize, 0);
  assert.equal(await invoke(FunctionName), 'package');
  await update(at(directory));
  assert.equal(await invoke(FunctionName), 'directory');
  await update({ ZipFile: codeOf("async () => 'another package'") });
  assert.equal(await invoke(FunctionName), 'another package');
});

describe('what is refused', () => {
  test('what is no directory', async () => {
    const file = join(project('plain', { 'a.txt': '' }), 'a.txt');
    for (const path of [file, '/does/not/exist']) {
      assert.equal(
        await error(creation('refused', path)),
        `InvalidParameterValueException: ${path} is not a directory of the machine that Brume runs on.`,
      );
    }
  });

  test('a bucket of that name with an ordinary key', async () => {
    assert.match(await error(creation('refused', 'code.zip')), /S3 Error Code: NoSuchBucket/);
  });

  test('directories, where access keys are needed', async () => {
    const key = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
    const guarded = await startBrume({
      accessKeys: new Map([[key.accessKeyId, { secretAccessKey: key.secretAccessKey, account: '000000000000' }]]),
    });
    const lambda = new LambdaClient({ ...clientConfig(guarded), credentials: key });
    await assert.rejects(lambda.send(creation('refused', project('secret', { 'index.js': '' }))), {
      name: 'InvalidParameterValueException',
      message: 'Code is reloaded from directories only where Brume runs without access keys.',
    });
  });
});
