import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { makeZip, type ZipEntry, zipOf } from '#test/lambda-zip.ts';
import { BrokenPackageError, PackageTooLargeError, unzip } from './unzip.ts';

const LINK = 0o120777;
const MEGABYTE = 1024 * 1024;

async function unpack(zip: Uint8Array, look: (directory: string) => void = () => {}): Promise<void> {
  const parent = mkdtempSync(join(tmpdir(), 'brume-unzip-'));
  try {
    const directory = mkdtempSync(join(parent, 'code-'));
    await unzip(zip, directory).finally(() => {
      // Whatever happens, nothing appears beside the directory.
      assert.equal(readdirSync(parent).length, 1);
    });
    look(directory);
  } finally {
    rmSync(parent, { recursive: true });
  }
}

test('files, directories, permissions and links', async () => {
  const zip = makeZip([
    { name: 'app.py', data: 'x = 1', mode: 0o100600 },
    { name: 'bin/', mode: 0o040755 },
    { name: 'bin/tool', data: '#!/bin/sh', mode: 0o100755 },
    { name: 'päckage/ünïcode.txt', data: 'é' },
    { name: 'bin/link', data: '../app.py', mode: LINK },
  ]);
  await unpack(zip, (directory) => {
    assert.equal(readFileSync(join(directory, 'app.py'), 'utf8'), 'x = 1');
    // Readable whatever the package says: Lambda's own wish, and its users' most common mistake.
    assert.equal(statSync(join(directory, 'app.py')).mode & 0o777, 0o644);
    assert.equal(statSync(join(directory, 'bin/tool')).mode & 0o777, 0o755);
    assert.equal(readFileSync(join(directory, 'päckage/ünïcode.txt'), 'utf8'), 'é');
    assert.equal(readlinkSync(join(directory, 'bin/link')), '../app.py');
  });
});

const broken: [name: string, zip: Uint8Array][] = [
  ['nothing', Buffer.alloc(0)],
  ['text', Buffer.from('hello, this is no zip')],
  ['a truncated zip', zipOf({ 'app.py': 'x'.repeat(1_000) }).subarray(0, 60)],
  ['damaged data', damaged(zipOf({ 'app.py': 'some text that deflates' }))],
  ['a parent directory', makeZip([{ name: '../evil', data: 'x' }])],
  ['a parent directory inside', makeZip([{ name: 'a/../../evil', data: 'x' }])],
  ['an absolute path', makeZip([{ name: '/tmp/evil', data: 'x' }])],
  ['a drive letter', makeZip([{ name: 'C:/evil', data: 'x' }])],
  ['a backslash path', makeZip([{ name: '..\\evil', data: 'x' }])],
  ['a null character', makeZip([{ name: 'a\0b', data: 'x' }])],
  ['a device', makeZip([{ name: 'sda', mode: 0o060666 }])],
  ['a pipe', makeZip([{ name: 'pipe', mode: 0o010666 }])],
  ['a link to an absolute path', makeZip([{ name: 'l', data: '/etc', mode: LINK }])],
  ['a link that leads out', makeZip([{ name: 'a/l', data: '../../x', mode: LINK }])],
  ['an empty link', makeZip([{ name: 'l', data: '', mode: LINK }])],
  ['a file behind a link', behindLink({ name: 'l/evil', data: 'x' })],
  ['a directory that is a link too', behindLink({ name: 'l/', mode: 0o040755 })],
  ['a file that is a link too', behindLink({ name: 'l', data: 'x' })],
  ['a link behind a link', behindLink({ name: 'l/m', data: 'x', mode: LINK })],
  ['a file that is a directory too', makeZip([{ name: 'a' }, { name: 'a/b' }])],
  ['more data than it says', makeZip([{ name: 'a', data: 'x'.repeat(MEGABYTE), declaredSize: 10 }])],
];

for (const [name, zip] of broken) {
  test(`refused as broken: ${name}`, () => assert.rejects(unpack(zip), BrokenPackageError));
}

const tooLarge: [name: string, entries: ZipEntry[]][] = [
  ['a bomb', [{ name: 'zeros', data: Buffer.alloc(251 * MEGABYTE) }]],
  [
    'a bomb in many files',
    Array.from({ length: 300 }, (_, i) => ({ name: String(i), data: '', declaredSize: MEGABYTE })),
  ],
];

for (const [name, entries] of tooLarge) {
  test(`refused as too large: ${name}`, () => assert.rejects(unpack(makeZip(entries)), PackageTooLargeError));
}

function behindLink(entry: ZipEntry): Uint8Array {
  return makeZip([{ name: 'l', data: 'real', mode: LINK }, { name: 'real/', mode: 0o040755 }, entry]);
}

function damaged(zip: Buffer): Buffer {
  const copy = Buffer.from(zip);
  copy.fill(0xff, 40, 50);
  return copy;
}
