import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findEntrypoint } from './entrypoint.ts';

const dir = mkdtempSync(join(tmpdir(), 'brume-entrypoint-'));
after(() => rmSync(dir, { recursive: true }));

/** A header of the machine's own kind, or of another. */
function elf(isOwn: boolean): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01', 'latin1');
  header.writeUInt16LE((process.arch === 'x64') === isOwn ? 62 : 183, 18);
  return header;
}

interface Case {
  name: string;
  code?: Record<string, string | Buffer>;
  layers?: Record<string, string | Buffer>;
  links?: Record<string, string>;
  mode?: number;
  finds?: string;
  fault?: string;
}

const MISSING = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]";
const cases: Case[] = [
  { name: 'a script', code: { bootstrap: '#!/bin/sh\n' }, finds: '/var/task/bootstrap' },
  { name: 'a script with arguments', code: { bootstrap: '#! /usr/bin/env sh\n' }, finds: '/var/task/bootstrap' },
  { name: 'a binary', code: { bootstrap: elf(true) }, finds: '/var/task/bootstrap' },
  { name: 'a binary in a layer', layers: { bootstrap: elf(true) }, finds: '/opt/bootstrap' },
  {
    name: 'the package goes before the layers',
    code: { bootstrap: elf(true) },
    layers: { bootstrap: '' },
    finds: '/var/task/bootstrap',
  },
  {
    name: 'a link within the package',
    code: { app: elf(true) },
    links: { bootstrap: '/var/task/app' },
    finds: '/var/task/bootstrap',
  },
  {
    name: 'an interpreter in the package',
    code: { bootstrap: '#!/var/task/my-shell\n', 'my-shell': elf(true) },
    finds: '/var/task/bootstrap',
  },
  { name: 'nothing', fault: MISSING },
  { name: 'only something else', code: { app: elf(true) }, layers: { app: '' }, fault: MISSING },
  {
    name: 'a file that may not be run',
    code: { bootstrap: elf(true) },
    mode: 0o644,
    fault: 'fork/exec /var/task/bootstrap: permission denied',
  },
  {
    name: 'a binary for another machine',
    code: { bootstrap: elf(false) },
    fault: 'fork/exec /var/task/bootstrap: exec format error',
  },
  { name: 'text', code: { bootstrap: 'echo\n' }, fault: 'fork/exec /var/task/bootstrap: exec format error' },
  { name: 'an empty file', code: { bootstrap: '' }, fault: 'fork/exec /var/task/bootstrap: exec format error' },
  {
    name: 'an interpreter that is not there',
    code: { bootstrap: '#!/usr/bin/no-such-shell\n' },
    fault: 'fork/exec /var/task/bootstrap: no such file or directory',
  },
  {
    name: 'a line end of Windows',
    code: { bootstrap: '#!/bin/sh\r\n' },
    fault: 'fork/exec /var/task/bootstrap: no such file or directory',
  },
  {
    name: 'a link to nothing',
    links: { bootstrap: 'gone' },
    fault: 'fork/exec /var/task/bootstrap: no such file or directory',
  },
  {
    name: 'a link to itself',
    links: { bootstrap: 'bootstrap' },
    fault: 'fork/exec /var/task/bootstrap: no such file or directory',
  },
];

for (const [index, { name, code = {}, layers, links = {}, mode = 0o755, finds, fault }] of cases.entries()) {
  test(name, () => {
    const [codeDir, layersDir] = [join(dir, `code-${index}`), join(dir, `layers-${index}`)];
    for (const [target, files] of [
      [codeDir, code],
      [layersDir, layers ?? {}],
    ] as const) {
      mkdirSync(target);
      for (const [path, content] of Object.entries(files)) writeFileSync(join(target, path), content, { mode });
    }
    for (const [path, target] of Object.entries(links)) symlinkSync(target, join(codeDir, path));
    const found = findEntrypoint({ codeDir, layersDir: layers && layersDir });
    if (fault !== undefined) assert.deepEqual(found, { fault });
    else assert.equal('path' in found ? found.path : found.fault, finds);
  });
}
