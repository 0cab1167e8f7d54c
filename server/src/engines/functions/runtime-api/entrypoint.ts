// The program that a function of an OS-only runtime (provided.al2023) brings: found as Lambda finds it, and looked at before it
// is started, so that what is wrong with it is told in Lambda's words and not in those of a sandbox.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html

import { closeSync, existsSync, lstatSync, openSync, readlinkSync, readSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export interface PackageDirectories {
  /** On the host. */
  codeDir: string;
  layersDir?: string | undefined;
}

/** `path` as the sandbox shows it, `file` on the host; or what is wrong. */
export type Entrypoint = { path: string; file: string } | { fault: string };

/** Where Lambda looks, in this order. */
const PLACES = ['/var/task/bootstrap', '/opt/bootstrap'] as const;
const MOST_LINKS = 8;
const LONGEST_FIRST_LINE = 256;
/** Of the ELF header: the machine that the program is for. */
const MACHINES: Partial<Record<NodeJS.Architecture, number>> = { x64: 62, arm64: 183 };

/** `path` is under /var/task or /opt. */
export function findEntrypoint(directories: PackageDirectories): Entrypoint {
  for (const path of PLACES) {
    const file = onHost(path, directories);
    if (file === undefined || !isThere(file)) continue;
    const problem = problemOf(path, directories);
    return problem === undefined ? { path, file } : { fault: `fork/exec ${path}: ${problem}` };
  }
  return { fault: `Couldn't find valid bootstrap(s): [${PLACES.join(' ')}]` };
}

/** What the system would say to a program of a package, `path` being the one in the sandbox; undefined when it would start it. */
export function problemOf(path: string, directories: PackageDirectories): string | undefined {
  const file = followLinks(path, directories);
  if (file === undefined || !existsSync(file)) return 'no such file or directory';
  const { mode } = statSync(file);
  if ((mode & 0o111) === 0 || !statSync(file).isFile()) return 'permission denied';
  const head = readHead(file);
  if (head.toString('latin1', 0, 4) === '\x7fELF') {
    const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
    return machine === MACHINES[process.arch] ? undefined : 'exec format error';
  }
  // Other systems have other formats, which they know best.
  if (head.toString('latin1', 0, 2) !== '#!') return process.platform === 'linux' ? 'exec format error' : undefined;
  const interpreter = head.toString('utf8', 2).split('\n', 1)[0]!.trimStart().split(/[ \t]/, 1)[0]!;
  const interpreterFile = followLinks(interpreter, directories);
  return interpreterFile !== undefined && existsSync(interpreterFile) ? undefined : 'no such file or directory';
}

/** Links of a package are read as the sandbox would: from its own root. */
function followLinks(path: string, directories: PackageDirectories): string | undefined {
  let current = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    const file = onHost(current, directories);
    if (file === undefined) return undefined;
    if (!isThere(file) || !lstatSync(file).isSymbolicLink() || file === current) return file;
    current = resolve(dirname(current), readlinkSync(file));
  }
  return undefined;
}

/** A path of the sandbox on the host; the system's own are the same in both. */
function onHost(path: string, { codeDir, layersDir }: PackageDirectories): string | undefined {
  if (path.startsWith('/var/task/')) return join(codeDir, path.slice('/var/task/'.length));
  if (path.startsWith('/opt/'))
    return layersDir === undefined ? undefined : join(layersDir, path.slice('/opt/'.length));
  return path;
}

function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function readHead(file: string): Buffer {
  const head = Buffer.alloc(LONGEST_FIRST_LINE);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 0);
    return head;
  } finally {
    closeSync(descriptor);
  }
}
