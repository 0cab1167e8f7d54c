import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DataDirLockedError, DataDirUnusableError, openDataDir } from './data-dir.ts';

const root = mkdtempSync(join(tmpdir(), 'brume-data-dir-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** Another process that opens `dir`, says so, and holds it until it is killed. */
async function holdInChild(dir: string) {
  const program = `
    import { openDataDir } from ${JSON.stringify(new URL('./data-dir.ts', import.meta.url).href)};
    globalThis.held = openDataDir(${JSON.stringify(dir)});
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.equal(String((await once(child.stdout, 'data'))[0]).trim(), 'held');
  return {
    pid: child.pid!,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('creates the layout, and opens it again', () => {
  const path = join(root, 'new', 'nested');
  const opened = openDataDir(path);
  assert.deepEqual(
    [opened.path, opened.stateDir, opened.objectsDir, opened.telemetryDir, opened.scratchDir],
    [path, ...['state', 'objects', 'telemetry', 'scratch'].map((name) => join(path, name))],
  );
  assert.deepEqual(JSON.parse(readFileSync(join(path, 'format.json'), 'utf8')), { format: 1 });
  opened.close();
  openDataDir(path).close();
});

test('a second open in the same process is locked out until the first closes', () => {
  const path = join(root, 'twice');
  const first = openDataDir(path);
  assert.throws(() => openDataDir(path), DataDirLockedError);
  first.close();
  openDataDir(path).close();
});

test('another process locks it, with its pid in the error; kill -9 frees it', async () => {
  const path = join(root, 'held');
  const holder = await holdInChild(path);
  try {
    assert.throws(
      () => openDataDir(path),
      (error: unknown) =>
        error instanceof DataDirLockedError &&
        error.pid === holder.pid &&
        error.message.includes(`process ${holder.pid}`) &&
        error.message.includes(path),
    );
  } finally {
    await holder.kill();
  }
  openDataDir(path).close();
});

test('a pid left behind by a dead holder locks nobody out, even when some process has that pid now', () => {
  const path = join(root, 'stale');
  openDataDir(path).close();
  writeFileSync(join(path, 'holder.json'), JSON.stringify({ pid: process.ppid }));
  openDataDir(path).close();
});

for (const { name, prepare, says } of [
  { name: 'other files', prepare: (path: string) => write(path, 'thesis.txt', ''), says: /thesis\.txt/ },
  { name: 'a newer format', prepare: (path: string) => write(path, 'format.json', '{"format":99}'), says: /format 99/ },
  { name: 'a damaged format', prepare: (path: string) => write(path, 'format.json', '{"form'), says: /damaged/ },
  { name: 'a file in its place', prepare: (path: string) => writeFileSync(path, ''), says: /not a directory/ },
]) {
  test(`refuses ${name}`, () => {
    const path = join(root, name.replaceAll(' ', '-'));
    prepare(path);
    assert.throws(
      () => openDataDir(path),
      (error: unknown) => error instanceof DataDirUnusableError && says.test(error.message),
    );
  });
}

test('refuses a place where nothing can be created', () => {
  assert.throws(() => openDataDir('/proc/brume'), DataDirUnusableError);
});

function write(path: string, name: string, text: string): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, name), text);
}
