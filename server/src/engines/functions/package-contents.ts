// What is in a function's package or layers, and the same again under another directory by hard links: that is how code gets
// into a sandbox that was made before the function was known. Directories of the code store do not change once they are there.

import { linkSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface PackageContents {
  dir: string;
  /** Relative paths, parents before their children. */
  directories: string[];
  files: string[];
  links: string[];
  /** Names under which Python could import something, anywhere in it. */
  moduleNames: ReadonlySet<string>;
  /** Archives may hold modules as well. */
  hasArchives: boolean;
  /** Whether Python code at the top asks for the AWS SDK. */
  usesBoto3: boolean;
}

/** A link takes 14 us: this many take a part of the start that they save. */
export const MOST_LINKED_FILES = 500;
const MOST_FILES_READ = 20;
const LARGEST_FILE_READ_BYTES = 256 * 1024;
const USES_BOTO3 = /^\s*(?:import|from)\s+(?:boto3|botocore)\b/m;

/** Undefined when it holds more than `mostFiles` entries. */
export function readContents(dir: string, mostFiles = MOST_LINKED_FILES): PackageContents | undefined {
  const contents = {
    dir,
    directories: [] as string[],
    files: [] as string[],
    links: [] as string[],
    moduleNames: new Set<string>(),
    hasArchives: false,
    usesBoto3: false,
  };
  let entries = 0;
  for (const pending = ['']; pending.length > 0; ) {
    const directory = pending.pop()!;
    for (const entry of readdirSync(join(dir, directory), { withFileTypes: true })) {
      if (++entries > mostFiles) return undefined;
      const path = join(directory, entry.name);
      contents.moduleNames.add(entry.name.replace(/\..*$/, ''));
      if (/\.(zip|egg|whl|pth)$/.test(entry.name)) contents.hasArchives = true;
      if (entry.isDirectory()) {
        contents.directories.push(path);
        pending.push(path);
      } else if (entry.isSymbolicLink()) contents.links.push(path);
      else if (entry.isFile()) contents.files.push(path);
      else return undefined;
    }
  }
  contents.usesBoto3 = contents.files
    .filter((path) => /^[^/]+\.py$/.test(path))
    .slice(0, MOST_FILES_READ)
    .some((path) => USES_BOTO3.test(readFileSync(join(dir, path)).toString('latin1', 0, LARGEST_FILE_READ_BYTES)));
  return contents;
}

/** Into an empty directory of the same file system. */
export function linkContents({ dir, directories, files, links }: PackageContents, target: string): void {
  for (const path of directories) mkdirSync(join(target, path), { mode: 0o755 });
  for (const path of files) linkSync(join(dir, path), join(target, path));
  for (const path of links) symlinkSync(readlinkSync(join(dir, path)), join(target, path));
}

/** The names of what Python would import from these directories without being told of others. */
export function topModuleNames({ files, directories, links }: PackageContents, roots: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const path of [...files, ...directories, ...links]) {
    for (const root of roots) {
      if (!path.startsWith(root)) continue;
      const [name] = path.slice(root.length).split('/', 1);
      names.add(name!.replace(/\..*$/, ''));
    }
  }
  return names;
}
