import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { zip } from './zip.ts';

const files = new Map([
  ['handler.py', Buffer.from('print("hello")\n'.repeat(100))],
  ['package/daten-ä.txt', Buffer.from('ü')],
  ['empty', Buffer.alloc(0)],
]);

test('another implementation reads it back', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'brume-zip-'));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'a.zip'), zip(files));
  const script =
    'import zipfile,json,sys; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(json.dumps({i.filename: [z.read(i).decode(), oct(i.external_attr >> 16)] for i in z.infolist()}))';
  let text: string;
  try {
    text = execFileSync('python3', ['-c', script, join(dir, 'a.zip')], { encoding: 'utf8' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return t.skip('needs python3');
  }
  const expected = Object.fromEntries([...files].map(([name, content]) => [name, [content.toString(), '0o100644']]));
  assert.deepEqual(JSON.parse(text), expected);
});

test('the same files give the same bytes', () => {
  assert.deepEqual(zip(files), zip(files));
});
