import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '#test/harness.ts';
import { zipOf } from '#test/lambda-zip.ts';
import { CodeStore, MOST_DIRECTORIES } from './code-store.ts';

const packageOf = (n: number) => zipOf({ 'app.py': `# ${n}` });

test('the directories that were used last stay, and those in use', async () => {
  const store = new CodeStore(join(temporaryDirectory(), 'code'));
  const used = await store.add(packageOf(0));
  const release = store.use(used);
  const older: string[] = [];
  for (let n = 1; n < MOST_DIRECTORIES; n++) older.push(await store.add(packageOf(n)));
  const surplus = 20;
  const newest = await Promise.all(
    Array.from({ length: surplus }, (_, index) => store.add(packageOf(MOST_DIRECTORIES + index))),
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(existsSync(used));
  assert.deepEqual(
    newest.filter((dir) => !existsSync(dir)),
    [],
  );
  assert.equal(older.filter((dir) => !existsSync(dir)).length, surplus);
  release();
  await store.reset();
});
