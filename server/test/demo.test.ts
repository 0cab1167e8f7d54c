// `brume demo`, in both languages that its functions are written in, and the file it works on.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startBrume, temporaryDirectory } from './harness.ts';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../bin/brume.mjs', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../examples/pipeline/', import.meta.url));

test('the file is what its generator makes', async () => {
  const { generateOrders } = await import('../../examples/pipeline/generate.ts');
  assert.equal(readFileSync(`${EXAMPLE}orders.csv`, 'utf8'), generateOrders(10_000, 20261123));
});

describe('brume demo', () => {
  test('starts a Brume of its own and leaves its data', async () => {
    const dataDir = join(temporaryDirectory(), 'data');
    const { stdout } = await run(process.execPath, [CLI, 'demo', '--data', dataDir]);
    assert.match(stdout, /✓ Brume listens on http:\/\/127\.0\.0\.1:\d+/);
    assert.match(stdout, /order-errors-\w+ is in ALARM: Threshold Crossed/);
    assert.match(stdout, /10,000 rows in = 9,903 \+ 59 \+ 38 out: none is lost\./);
    assert.ok(stdout.includes(`npm start -- --data ${dataDir}`));
    const again = await startBrume({ dataDir });
    const [, bucket] = /aws s3 ls --recursive s3:\/\/(\S+)/.exec(stdout)!;
    const listing = await (await fetch(`${again.endpoint}/${bucket}?list-type=2`)).text();
    await again.stop();
    assert.match(listing, /<Key>orders\/orders\.retried\.jsonl<\/Key>/);
  });

  test('runs on a Brume that is there, in Node.js where there is no Python', async () => {
    const brume = await startBrume();
    const { stdout } = await run(process.execPath, [CLI, 'demo', '--endpoint', brume.endpoint], {
      // The demo finds no Python; the server, which runs in this process, keeps its PATH.
      env: { PATH: '' },
    });
    assert.match(stdout, /\(nodejs24\.x\)/);
    assert.match(stdout, /10,000 rows in = 9,903 \+ 59 \+ 38 out: none is lost\./);
  });

  test('says what is wrong', async () => {
    const failed = await run(process.execPath, [CLI, 'demo', '--endpoint', 'http://127.0.0.1:9']).catch(
      (error) => error,
    );
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /^\nThe demo failed\. Nothing listens on http:\/\/127\.0\.0\.1:9\.$/m);
  });
});
