import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageError, resolveImage } from './image-tool.ts';

for (const uri of [
  '',
  '--privileged',
  'a b',
  'a;b',
  '-a/b',
  'a:b:c',
  'a@sha256:12',
  'a'.repeat(1_001),
  'a\nb',
  '$(a)',
]) {
  test(`no image has the name ${JSON.stringify(uri.slice(0, 20))}`, async () => {
    await assert.rejects(resolveImage(uri), (error) => {
      assert.ok(error instanceof ImageError);
      assert.equal(error.reason, 'invalid');
      assert.equal(error.message, `Source image ${uri} is not valid. Provide a valid source image.`);
      return true;
    });
  });
}

for (const uri of [
  'hello',
  'localhost/hello:1',
  'registry.example:5000/team/hello:v1.0_2',
  '123456789012.dkr.ecr.us-east-1.amazonaws.com/hello:latest',
  `public.ecr.aws/lambda/python@sha256:${'a'.repeat(64)}`,
]) {
  test(`without Podman and Docker the answer for ${uri.slice(0, 40)} says what to install`, async () => {
    const { PATH } = process.env;
    process.env.PATH = '/nowhere';
    try {
      await assert.rejects(resolveImage(uri), {
        reason: 'noTool',
        message:
          /^Functions from container images need Podman or Docker .* install podman \(apt-get install podman\), /,
      });
    } finally {
      process.env.PATH = PATH;
    }
  });
}
