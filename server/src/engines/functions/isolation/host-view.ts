// What of the host a sandboxed function sees, read-only: the system's programs and libraries, what name resolution and
// TLS need of /etc, the interpreter. Nothing of /home, /root, /var, /run or /sys, so neither Brume's data nor its keys.

import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Interpreter } from '../interpreter.ts';

export interface HostView {
  /** Shown under the same path. */
  directories: string[];
  /** Symbolic links of the root directory: `/lib` -> `usr/lib`. */
  links: { path: string; target: string }[];
  /** Files and directories of /etc. */
  settings: string[];
  /** Files of Brume's own in place of the system's: (source, place). */
  accounts: readonly (readonly [source: string, place: string])[];
}

/** As on Lambda's own machines. */
export const TASK_ROOT = '/var/task';
export const RUNTIME_DIR = '/var/runtime';
export const LANGUAGE_DIR = '/var/lang';
export const USER_ID = 993;
export const GROUP_ID = 990;

/** The user that a function is, as in Lambda: SDKs ask for its home directory and fail when nobody has this number. */
const ACCOUNTS = ['passwd', 'group'].map(
  (name) => [fileURLToPath(new URL(`../../../../../runtime/etc/${name}`, import.meta.url)), `/etc/${name}`] as const,
);

const ROOT_DIRECTORIES = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/nix/store', '/gnu/store'];
const SETTINGS = [
  'alternatives',
  'ca-certificates',
  'ca-certificates.conf',
  'host.conf',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'pki',
  'protocols',
  'resolv.conf',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
];

export function hostView(interpreter: Interpreter): HostView {
  const view: HostView = { directories: ['/usr'], links: [], settings: [], accounts: ACCOUNTS };
  for (const path of ROOT_DIRECTORIES) {
    if (!existsSync(path)) continue;
    if (lstatSync(path).isSymbolicLink()) view.links.push({ path, target: readlinkSync(path) });
    else view.directories.push(path);
  }
  for (const dir of interpreter.libraryDirs) {
    if (dir !== '/' && !view.directories.some((shown) => isWithin(dir, shown))) view.directories.push(dir);
  }
  view.settings = SETTINGS.map((name) => join('/etc', name)).filter((path) => existsSync(path));
  return view;
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
