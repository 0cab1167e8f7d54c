// The program that an image starts with: looked for in the image's files before it is started, so that what is wrong with it
// is told in Lambda's words.

import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { IMAGE_PATH } from '../environment-variables.ts';
import type { Interpreter } from '../interpreter.ts';

const MOST_LINKS = 40;

/** What is wrong with it; undefined when it can be started. */
export function entryPointFault(root: NonNullable<Interpreter['root']>, program: string): string | undefined {
  if (program === '') return 'the image has neither an entry point nor a command';
  const { dir, workingDir, environment } = root;
  const fault = (problem: string) => `fork/exec ${program}: ${problem}`;
  if (!isThere(dir, workingDir)) return `chdir ${workingDir}: no such file or directory`;
  const directories = program.includes('/') ? [workingDir] : (environment.PATH ?? IMAGE_PATH).split(':');
  const found = directories.map((one) => statIn(dir, resolve(one, program))).find((stat) => stat !== undefined);
  if (!found) return fault('no such file or directory');
  return found.isFile() && (found.mode & 0o111) !== 0 ? undefined : fault('permission denied');
}

function isThere(rootDir: string, path: string): boolean {
  return statIn(rootDir, path) !== undefined;
}

/** Of a file below a root, as a process sees it whose root it is: links never lead out of it. */
export function statIn(rootDir: string, path: string): Stats | undefined {
  let done = '/';
  const parts = path.split('/');
  let stat = lstatSync(rootDir);
  for (let links = 0; parts.length > 0; ) {
    const part = parts.shift()!;
    if (part === '' || part === '.') continue;
    const next = resolve(done, part);
    const there = lstatSync(join(rootDir, next), { throwIfNoEntry: false });
    if (!there) return undefined;
    stat = there;
    if (!there.isSymbolicLink()) {
      done = next;
      continue;
    }
    if (++links > MOST_LINKS) return undefined;
    parts.unshift(...resolve(dirname(next), readlinkSync(join(rootDir, next))).split('/'));
    done = '/';
  }
  return stat;
}
