// Functions from container images: created, configured and run through the API. The image is made here, of BusyBox and a
// bootstrap in shell. https://docs.aws.amazon.com/lambda/latest/dg/images-create.html

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { randomHex } from '#core/ids.ts';
import { spawnBrume, startBrume, temporaryDirectory } from './harness.ts';
import { missing, noBubblewrap } from './lambda-engine.ts';
import { parse, ROLE, testLambda } from './lambda-functions.ts';

const BUSYBOX = '/bin/busybox';
const tool = !missing('podman', '--version') ? 'podman' : !missing('docker', 'info') ? 'docker' : undefined;
const cannot =
  (tool === undefined && 'this machine has neither podman nor a docker daemon') ||
  (!isStatic() && `${BUSYBOX} is not there as a static program (apt-get install busybox-static)`) ||
  noBubblewrap;

function isStatic(): boolean {
  if (!existsSync(BUSYBOX)) return false;
  return !missing('sh', '-c', `! ldd ${BUSYBOX}`);
}

/** Answers with what the event asks for, or with the event. */
const BOOTSTRAP = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while :; do
  wget -q -S -O /tmp/event "$api/invocation/next" 2> /tmp/headers || exit 9
  id=$(sed -n 's/^ *lambda-runtime-aws-request-id: *//Ip' /tmp/headers | tr -d '\\r')
  event=$(cat /tmp/event)
  case $event in
    '"start"') result="[\\"$(pwd)\\",\\"$VERSION\\",\\"$0\\",\\"$1\\",\\"$2\\"]" ;;
    '"files"') touch /var/task/x /x 2> /dev/null && result='"writable"' || result="\\"$(ls / | tr '\\n' ' ')\\"" ;;
    '"mounted"') echo kept > /mnt/shared/x; result="\\"$(cat /mnt/shared/x)\\"" ;;
    '"environment"') result="[\\"$OWN\\",\\"$PATH\\",\\"\${_HANDLER-none}\\",\\"\${AWS_EXECUTION_ENV-none}\\",\\"\${LAMBDA_TASK_ROOT-none}\\",\\"$AWS_LAMBDA_FUNCTION_NAME\\"]" ;;
    '"exit"') exit 3 ;;
    *) echo "got $event"; result=$event ;;
  esac
  wget -q -O /dev/null --post-data "$result" "$api/invocation/$id/response"
done
`;

/** An image whose environment says its version; its name. */
function makeImage(version: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'brume-image-'));
  for (const one of ['bin', 'app', 'etc', 'var/task']) mkdirSync(join(dir, one), { recursive: true });
  copyFileSync(BUSYBOX, join(dir, 'bin/busybox'));
  chmodSync(join(dir, 'bin/busybox'), 0o755);
  for (const name of ['sh', 'wget', 'sed', 'tr', 'cat', 'ls', 'touch']) symlinkSync('busybox', join(dir, 'bin', name));
  writeFileSync(join(dir, 'app/bootstrap'), BOOTSTRAP, { mode: 0o755 });
  // What is put there must not go where this leads.
  symlinkSync('/app/bootstrap', join(dir, 'etc/resolv.conf'));
  symlinkSync('/app', join(dir, 'tmp'));
  const archive = `${dir}.tar`;
  execFileSync('tar', ['-C', dir, '-cf', archive, '.']);
  const name = `brume-test/functions:${version}-${randomHex(8)}`;
  const changes = ['ENTRYPOINT ["/app/bootstrap"]', 'CMD ["one","two"]', 'WORKDIR /app', `ENV VERSION=${version}`];
  execFileSync(tool!, ['import', ...changes.flatMap((change) => ['--change', change]), archive, name], {
    stdio: 'ignore',
  });
  rmSync(dir, { recursive: true });
  rmSync(archive);
  after(() => execFileSync(tool!, ['rmi', '--force', name], { stdio: 'ignore' }));
  return name;
}

describe('functions from container images', { skip: cannot }, async () => {
  const image = cannot ? '' : makeImage('first');
  const lambda = testLambda(await startBrume());
  const { client, error } = lambda;
  const create = (FunctionName: string, more: Partial<CreateFunctionCommandInput> = {}) =>
    client.send(
      new CreateFunctionCommand({ FunctionName, Role: ROLE, PackageType: 'Image', Code: { ImageUri: image }, ...more }),
    );
  const invoke = async (FunctionName: string, event: unknown) => {
    const output = await client.send(
      new InvokeCommand({ FunctionName, Payload: JSON.stringify(event), LogType: 'Tail' }),
    );
    const logTail = Buffer.from(output.LogResult ?? '', 'base64').toString();
    return { ...output, value: parse(output.Payload), logTail };
  };

  test('what CreateFunction and GetFunction tell of one', async () => {
    const created = await create('described', { ImageConfig: { Command: ['three'] } });
    assert.equal(created.PackageType, 'Image');
    assert.deepEqual(
      [created.Runtime, created.Handler, created.RuntimeVersionConfig],
      [undefined, undefined, undefined],
    );
    assert.deepEqual(created.ImageConfigResponse, { ImageConfig: { Command: ['three'] } });
    assert.match(created.CodeSha256!, /^[0-9a-f]{64}$/);
    assert.equal(created.CodeSize, 0);
    const { Code, Configuration } = await client.send(new GetFunctionCommand({ FunctionName: 'described' }));
    assert.deepEqual(Code, {
      RepositoryType: 'ECR',
      ImageUri: image,
      ResolvedImageUri: `brume-test/functions@sha256:${created.CodeSha256}`,
    });
    assert.equal(Configuration!.State, 'Active');
  });

  test('it runs the entry point with its command, in its directory', async () => {
    await create('plain');
    const begun = await invoke('plain', 'start');
    assert.deepEqual(begun.value, ['/app', 'first', '/app/bootstrap', 'one', 'two']);
    assert.match(begun.logTail, /^START RequestId: /);
    const { value, logTail } = await invoke('plain', { a: 'ü' });
    assert.deepEqual(value, { a: 'ü' });
    assert.match(logTail, /^START RequestId: \S+ Version: \$LATEST\ngot \{"a":"ü"\}\nEND /);
  });

  test('ImageConfig goes before what the image says, and can be changed', async () => {
    const configured = { EntryPoint: ['sh', '/app/bootstrap'], Command: ['x'], WorkingDirectory: '/var/task' };
    await create('configured', { ImageConfig: configured });
    assert.deepEqual((await invoke('configured', 'start')).value, ['/var/task', 'first', '/app/bootstrap', 'x', '']);
    const update = new UpdateFunctionConfigurationCommand({
      FunctionName: 'configured',
      ImageConfig: { Command: ['y', 'z'] },
    });
    assert.deepEqual((await client.send(update)).ImageConfigResponse, { ImageConfig: { Command: ['y', 'z'] } });
    assert.deepEqual((await invoke('configured', 'start')).value, ['/app', 'first', '/app/bootstrap', 'y', 'z']);
  });

  test('the image is all that it sees, and read-only', async () => {
    await create('files');
    assert.equal((await invoke('files', 'files')).value, 'app bin dev etc proc tmp var ');
  });

  test('a file system below /mnt', async () => {
    const Arn = `arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-${'0'.repeat(17)}`;
    await create('mounted', { FileSystemConfigs: [{ Arn, LocalMountPath: '/mnt/shared' }] });
    assert.equal((await invoke('mounted', 'files')).value, 'app bin dev etc mnt proc tmp var ');
    assert.equal((await invoke('mounted', 'mounted')).value, 'kept');
  });

  test('its environment is the image’s, Lambda’s and its own', async () => {
    await create('environment', { Environment: { Variables: { OWN: 'ü' } } });
    assert.deepEqual((await invoke('environment', 'environment')).value, [
      ...['ü', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'none', 'none', 'none', 'environment'],
    ]);
  });

  test('a new image by UpdateFunctionCode; published versions keep theirs, and the tag has no say', async () => {
    const second = makeImage('second');
    await create('updated');
    await client.send(new PublishVersionCommand({ FunctionName: 'updated' }));
    const dry = new UpdateFunctionCodeCommand({ FunctionName: 'updated', ImageUri: second, DryRun: true });
    const { CodeSha256 } = await client.send(dry);
    assert.equal((await invoke('updated', 'start')).value[1], 'first');
    const after = await client.send(new UpdateFunctionCodeCommand({ FunctionName: 'updated', ImageUri: second }));
    assert.equal(after.CodeSha256, CodeSha256);
    assert.equal((await invoke('updated', 'start')).value[1], 'second');
    assert.equal((await invoke('updated:1', 'start')).value[1], 'first');
    await client.send(new DeleteFunctionCommand({ FunctionName: 'updated' }));
    assert.match(await error(new GetFunctionCommand({ FunctionName: 'updated' })), /^ResourceNotFoundException/);
  });

  test('a runtime that ends, and one that cannot begin', async () => {
    await create('ends');
    const { value } = await invoke('ends', 'exit');
    assert.match(value.errorMessage, /^RequestId: \S+ Error: Runtime exited with error: exit status 3$/);
    for (const [name, entryPoint, problem] of [
      ['missing', '/app/missing', 'no such file or directory'],
      ['unknown', 'missing', 'no such file or directory'],
      ['directory', '/app', 'permission denied'],
    ] as const) {
      await create(name, { ImageConfig: { EntryPoint: [entryPoint] } });
      const result = await invoke(name, {});
      assert.equal(result.value.errorType, 'Runtime.InvalidEntrypoint');
      assert.match(result.value.errorMessage, new RegExp(`Error: fork/exec ${entryPoint}: ${problem}$`));
    }
  });

  test('what is refused', async () => {
    await create('image');
    await lambda.create('package');
    const update = (FunctionName: string, ImageUri?: string) =>
      new UpdateFunctionCodeCommand({ FunctionName, ImageUri });
    const make = (more: Partial<CreateFunctionCommandInput>) =>
      new CreateFunctionCommand({
        FunctionName: 'refused',
        Role: ROLE,
        PackageType: 'Image',
        Code: { ImageUri: image },
        ...more,
      });
    const code = 'InvalidParameterValueException';
    for (const [command, expected] of [
      [
        make({ Handler: 'a.b', Runtime: 'nodejs22.x' }),
        `${code}: Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.`,
      ],
      [
        make({ Code: { ImageUri: 'localhost/brume-test/not-there:1' } }),
        `${code}: Source image localhost/brume-test/not-there:1 does not exist. Provide a valid source image.`,
      ],
      [
        make({ Code: { ImageUri: '--privileged' } }),
        `${code}: Source image --privileged is not valid. Provide a valid source image.`,
      ],
      [update('image'), `${code}: Please provide ImageUri when updating a function with packageType Image.`],
      [
        update('package', image),
        `${code}: Please don't provide ImageUri when updating a function with packageType Zip.`,
      ],
    ] as const) {
      assert.ok((await error(command)).startsWith(expected), await error(command));
    }
  });
});

test('functions from images survive kill -9', { skip: cannot }, async () => {
  const image = makeImage('kept');
  const dataDir = temporaryDirectory();
  const first = await spawnBrume(dataDir);
  await testLambda(first).client.send(
    new CreateFunctionCommand({ FunctionName: 'kept', Role: ROLE, PackageType: 'Image', Code: { ImageUri: image } }),
  );
  await first.kill();
  const second = await spawnBrume(dataDir);
  const { Payload } = await testLambda(second).client.send(
    new InvokeCommand({ FunctionName: 'kept', Payload: '"start"' }),
  );
  assert.equal(parse(Payload)[1], 'kept');
  await second.stop();
});
