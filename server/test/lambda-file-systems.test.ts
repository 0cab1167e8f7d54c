// FileSystemConfigs: a directory that functions share, and that stays.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem-efs.html

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { ACCOUNT, REGION, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';
import { noBubblewrap, noPython, startEngine } from './lambda-engine.ts';
import { parse, testLambda } from './lambda-functions.ts';

const accessPoint = (digit: string, account = ACCOUNT) =>
  `arn:aws:elasticfilesystem:${REGION}:${account}:access-point/fsap-${digit.repeat(17)}`;
const mounted = (Arn = accessPoint('a'), LocalMountPath = '/mnt/shared') => ({
  FileSystemConfigs: [{ Arn, LocalMountPath }],
});
/** Runs what the event holds. */
const RUN = `async ({ code }) => {
  const fs = require('node:fs');
  try { return eval(code) ?? null; } catch (error) { return error.code ?? String(error); }
}`;

async function run({ client }: ReturnType<typeof testLambda>, FunctionName: string, code: string) {
  const { Payload } = await client.send(
    new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify({ code })) }),
  );
  return parse(Payload);
}

describe('in a sandbox', { skip: noBubblewrap }, async () => {
  const brume = await startBrume();
  const lambda = testLambda(brume);
  const { client, create, error } = lambda;
  await create('writer', RUN, mounted());
  await create('reader', RUN, mounted(accessPoint('a'), '/mnt/data'));
  await create('other', RUN, mounted(accessPoint('b')));

  test('functions share what they write, each below its own path', async () => {
    assert.equal(
      await run(lambda, 'writer', "fs.mkdirSync('/mnt/shared/in'); fs.writeFileSync('/mnt/shared/in/x', '1')"),
      null,
    );
    assert.equal(await run(lambda, 'reader', "fs.readFileSync('/mnt/data/in/x', 'utf8')"), '1');
    assert.equal(
      await run(
        lambda,
        'reader',
        "fs.appendFileSync('/mnt/data/in/x', '2'); fs.renameSync('/mnt/data/in/x', '/mnt/data/y')",
      ),
      null,
    );
    assert.equal(await run(lambda, 'writer', "fs.readFileSync('/mnt/shared/y', 'utf8')"), '12');
    assert.deepEqual(await run(lambda, 'other', "fs.readdirSync('/mnt/shared')"), []);
  });

  for (const [name, code, expected] of [
    ['beside it', "fs.writeFileSync('/mnt/x', '')", 'EROFS'],
    ['devices', "require('child_process').execSync('mknod /mnt/shared/d c 1 3 2>&1 || true').length > 0", true],
    [
      'programs that raise privileges',
      "/nosuid/.test(fs.readFileSync('/proc/self/mounts', 'utf8').split('\\n').find((line) => line.includes('/mnt/shared')))",
      true,
    ],
  ] as const) {
    test(`not: ${name}`, async () => {
      assert.deepEqual(await run(lambda, 'writer', code), expected);
    });
  }

  test('it is shown, changed, published and taken away', async () => {
    const FunctionName = 'changing';
    await create(FunctionName, RUN, mounted());
    const get = async (Qualifier?: string) =>
      (await client.send(new GetFunctionConfigurationCommand({ FunctionName, Qualifier }))).FileSystemConfigs;
    assert.deepEqual(await get(), mounted().FileSystemConfigs);
    await client.send(new PublishVersionCommand({ FunctionName }));
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, ...mounted(accessPoint('b'), '/mnt/b') }));
    assert.deepEqual(await run(lambda, FunctionName, "fs.readdirSync('/mnt')"), ['b']);
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Description: 'kept' }));
    assert.deepEqual(await get(), mounted(accessPoint('b'), '/mnt/b').FileSystemConfigs);
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, FileSystemConfigs: [] }));
    assert.equal(await get(), undefined);
    assert.deepEqual(await get('1'), mounted().FileSystemConfigs);
    assert.equal(await run(lambda, FunctionName, "fs.existsSync('/mnt/b')"), false);
  });

  for (const [name, more, expected] of [
    [
      'another path',
      mounted(accessPoint('a'), '/srv/x'),
      /'fileSystemConfigs.1.member.localMountPath' .*pattern: \/mnt\/\[a-zA-Z0-9-_.\]\+$/,
    ],
    ['a way out', mounted(accessPoint('a'), '/mnt/..'), /^ValidationException: /],
    [
      'a file system',
      mounted(`arn:aws:elasticfilesystem:${REGION}:${ACCOUNT}:file-system/fs-1`),
      /'fileSystemConfigs.1.member.arn'/,
    ],
    [
      'two',
      { FileSystemConfigs: [...mounted().FileSystemConfigs, ...mounted().FileSystemConfigs] },
      /length less than or equal to 1$/,
    ],
    [
      'S3 Files',
      mounted(
        `arn:aws:s3files:${REGION}:${ACCOUNT}:file-system/fs-${'0'.repeat(17)}/access-point/fsap-${'0'.repeat(17)}`,
      ),
      /^NotImplemented.*S3 Files/,
    ],
  ] as const) {
    test(`refused: ${name}`, async () => {
      const { FileSystemConfigs } = more;
      const update = new UpdateFunctionConfigurationCommand({
        FunctionName: 'writer',
        FileSystemConfigs: [...FileSystemConfigs],
      });
      assert.match(await error(update), expected);
    });
  }

  test("another account's access point", async () => {
    await create('stranger', RUN, mounted(accessPoint('a', '111111111111')));
    assert.equal(
      await error(new InvokeCommand({ FunctionName: 'stranger' })),
      `EFSMountFailureException: The access point ${accessPoint('a', '111111111111')} belongs to another account.`,
    );
  });

  test('it survives kill -9', async () => {
    const dataDir = temporaryDirectory();
    const first = await spawnBrume(dataDir);
    await testLambda(first).create('keeper', RUN, mounted());
    await run(testLambda(first), 'keeper', "fs.writeFileSync('/mnt/shared/kept', 'here')");
    await first.kill();
    const second = await spawnBrume(dataDir);
    assert.equal(await run(testLambda(second), 'keeper', "fs.readFileSync('/mnt/shared/kept', 'utf8')"), 'here');
    await second.stop();
  });

  test('Python, and code that starts another program', { skip: noPython }, async () => {
    const { deploy } = startEngine();
    const write = 'import subprocess\ndef handler(e, c):\n  return subprocess.check_output(["sh", "-c", e]).decode()';
    const fileSystems = [{ arn: accessPoint('c', '123456789012'), path: '/mnt/x' }];
    const [one, two] = [deploy({ files: { 'app.py': write } }), deploy({ files: { 'app.py': write } })];
    for (const fn of [one, two]) fn.version.fileSystems = fileSystems;
    assert.equal((await one.invoke('umask 077; mkdir /mnt/x/d; echo 1 > /mnt/x/d/f')).value, '');
    assert.equal((await two.invoke('echo 2 >> /mnt/x/d/f; cat /mnt/x/d/f')).value, '1\n2\n');
  });
});

test('not as a plain process', async () => {
  const brume = await startBrume({ functions: { isolation: 'process', interpreters: {} } });
  const lambda = testLambda(brume);
  await lambda.create('bare', RUN, mounted());
  assert.match(
    await lambda.error(new InvokeCommand({ FunctionName: 'bare' })),
    /^EFSMountFailureException: File systems are/,
  );
});
