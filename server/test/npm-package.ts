// Deployment packages with npm packages inside, as `npm install` and zipping a directory make them.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipOf } from './lambda-zip.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** What no function needs at run time. */
const LEFT_OUT = /\.(map|ts|mts|cts|md|tsbuildinfo)$/;

/** A zip of these files and of the packages, with what they depend on, from this repository's own node_modules. */
export function zipWithPackages(files: Record<string, string>, packages: readonly string[]): Buffer {
  const directories = new Set<string>();
  for (const name of packages) addPackage(name, join(REPOSITORY, 'server'), directories);
  const modules: Record<string, Uint8Array> = {};
  for (const directory of directories) {
    for (const file of filesOf(directory)) {
      // A workspace's own node_modules are as good as those of the root.
      const name = relative(REPOSITORY, file)
        .split(sep)
        .join('/')
        .replace(/^server\//, '');
      modules[name] = readFileSync(file);
    }
  }
  return zipOf({ ...modules, ...files });
}

function addPackage(name: string, from: string, found: Set<string>): void {
  const directory = directoryOf(name, from);
  if (found.has(directory)) return;
  found.add(directory);
  const { dependencies = {} } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  for (const dependency of Object.keys(dependencies)) addPackage(dependency, directory, found);
}

function directoryOf(name: string, from: string): string {
  for (let above = from; above.startsWith(REPOSITORY.slice(0, -1)); above = join(above, '..')) {
    const directory = join(above, 'node_modules', name);
    if (statSync(join(directory, 'package.json'), { throwIfNoEntry: false })) return directory;
  }
  throw new Error(`${name} is not installed: npm ci`);
}

function filesOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesOf(path);
    return entry.isFile() && !LEFT_OUT.test(entry.name) ? [path] : [];
  });
}
