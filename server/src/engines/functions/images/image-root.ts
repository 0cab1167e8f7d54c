// An image's files as the root of a sandbox: read-only, as on AWS, with /tmp, /proc, /dev and what name resolution needs.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exportImage } from './image-tool.ts';

const MEGABYTE = 1024 * 1024;
const DIRECTORIES = ['tmp', 'proc', 'dev', 'etc'];
/** The machine's own: functions share its network. */
const FILES = ['etc/resolv.conf', 'etc/hosts'];

/** Makes an image's files the root of sandboxes: what is put over them has places, which are no links. */
export async function unpackImage(id: string, directory: string): Promise<void> {
  await exportImage(id, directory);
  // So that Brume's user can remove them again.
  await promisify(execFile)('chmod', ['-R', 'u+rwX', directory]);
  for (const name of DIRECTORIES) {
    await makeWay(join(directory, name), 'isDirectory');
    await mkdir(join(directory, name), { recursive: true });
  }
  for (const name of FILES) {
    await makeWay(join(directory, name), 'isFile');
    await writeFile(join(directory, name), '', { flag: 'a' });
  }
}

async function makeWay(path: string, is: 'isDirectory' | 'isFile'): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there && !there[is]()) await rm(path, { recursive: true });
}

/** Bubblewrap's arguments for that root. */
export function imageRoot(rootDir: string, ephemeralStorageMb: number): string[] {
  return [
    ...['--ro-bind', rootDir, '/'],
    ...['--perms', '1777', '--size', String(ephemeralStorageMb * MEGABYTE), '--tmpfs', '/tmp'],
    ...FILES.map((name) => `/${name}`)
      .filter((path) => existsSync(path))
      .flatMap((path) => ['--ro-bind', path, path]),
    ...['--proc', '/proc', '--remount-ro', '/proc', '--dev', '/dev', '--remount-ro', '/dev'],
  ];
}
