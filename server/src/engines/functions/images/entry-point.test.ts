import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { entryPointFault, statIn } from './entry-point.ts';

const dir = mkdtempSync(join(tmpdir(), 'brume-entry-point-'));
after(() => rmSync(dir, { recursive: true }));
mkdirSync(join(dir, 'usr/bin'), { recursive: true });
mkdirSync(join(dir, 'app'));
writeFileSync(join(dir, 'usr/bin/tool'), '', { mode: 0o755 });
writeFileSync(join(dir, 'app/data'), '', { mode: 0o644 });
symlinkSync('usr/bin', join(dir, 'bin'));
symlinkSync('/usr/bin/tool', join(dir, 'app/absolute'));
symlinkSync('../../../../../../usr/bin/tool', join(dir, 'app/upwards'));
symlinkSync('/etc/passwd', join(dir, 'app/outside'));
symlinkSync('round', join(dir, 'app/round'));

for (const [program, fault, environment = {}] of [
  ['/usr/bin/tool', undefined],
  ['/bin/tool', undefined],
  ['absolute', 'fork/exec absolute: no such file or directory'],
  ['./absolute', undefined],
  ['./upwards', undefined],
  ['tool', undefined],
  ['tool', 'fork/exec tool: no such file or directory', { PATH: '/app' }],
  ['/app/data', 'fork/exec /app/data: permission denied'],
  ['/app', 'fork/exec /app: permission denied'],
  ['/app/missing', 'fork/exec /app/missing: no such file or directory'],
  ['/app/outside', 'fork/exec /app/outside: no such file or directory'],
  ['/app/round', 'fork/exec /app/round: no such file or directory'],
  ['', 'the image has neither an entry point nor a command'],
] as [string, string | undefined, Record<string, string>?][]) {
  test(`the entry point ${JSON.stringify(program)}${environment.PATH ? ` on ${environment.PATH}` : ''}`, () => {
    assert.equal(entryPointFault({ dir, workingDir: '/app', environment }, program), fault);
  });
}

test('a working directory that is not there', () => {
  const root = { dir, workingDir: '/gone', environment: {} };
  assert.equal(entryPointFault(root, '/usr/bin/tool'), 'chdir /gone: no such file or directory');
});

test('links lead to nothing outside of the root', () => {
  assert.equal(statIn(dir, '/app/outside'), undefined);
  assert.equal(statIn(dir, '/../../../etc/passwd'), undefined);
});
