// The archive of the runtime's loaded classes (AppCDS), from which a Java starts in half the time. One for each Java, made in
// the background by a run over sample events when the Java is first found, and kept: until it is there, functions start
// without. https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { randomHex } from '#core/ids.ts';
import { RUNTIME_SOURCES } from '../interpreter.ts';
import { unzip } from '../unzip.ts';

const JAR = 'brume-lambda.jar';
const ARCHIVE = 'brume-lambda.jsa';
const TRAINING_TIMEOUT_MS = 60_000;
/** Java opens no descriptor by its number: it gets the connection to the server, descriptor 3, as its standard input. */
const starter = (java: string) => `#!/bin/sh
if [ -e /proc/self/fd/3 ]; then exec '${java}' "$@" <&3 3<&-; fi
exec '${java}' "$@"
`;

/** An archive holds only for a Java that is started with these. */
const START_ARGS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-XX:-UsePerfData', '-Xshare:auto'];
/** An archive that does not fit is no matter for the function's log. */
const QUIET_ARGS = ['-Xlog:cds=off', '-Xlog:cds+dynamic=off', '-Xlog:class+path=off'];

export interface ClassArchive {
  dir: string;
  /** Java, as functions are run by it. */
  java: string;
  /** The runtime's classes, for the class path. */
  jar: string;
  /** What Java is started with now. */
  args(): string[];
  /** Resolves when the archive is there, or cannot be made. */
  ready: Promise<void>;
}

export interface ClassArchiveOptions {
  home: string;
  version: string;
  dir: string;
  /** Ends the making of it. */
  signal: AbortSignal;
}

/** The runtime's jar in a directory of its own, beside its archive, which may follow. */
export async function openClassArchive({ home, version, dir, signal }: ClassArchiveOptions): Promise<ClassArchive> {
  const jarBytes = await readFile(join(RUNTIME_SOURCES, 'java', JAR));
  const identity = createHash('sha256')
    .update(`${home}\n${version}\n${dir}\n`)
    .update(jarBytes)
    .digest('hex')
    .slice(0, 16);
  const own = join(dir, `java-${version}-${identity}`);
  const jar = join(own, JAR);
  const archive = join(own, ARCHIVE);
  const java = join(home, 'bin', 'java');
  // One that a power cut left half written is written anew.
  if (!(await isSame(jar, jarBytes))) {
    await mkdir(own, { recursive: true });
    const temporary = `${jar}.${randomHex(8)}`;
    await writeFile(temporary, jarBytes);
    await writeFile(join(own, 'java'), starter(java), { mode: 0o755 });
    // Last: where the jar is, all is.
    await rename(temporary, jar);
  }
  let isThere = existsSync(archive);
  const ready = isThere ? Promise.resolve() : make(java, own, jar, jarBytes, archive, signal);
  void ready.then(() => {
    isThere = existsSync(archive);
  });
  return {
    dir: own,
    java: join(own, 'java'),
    jar,
    args: () => [...START_ARGS, ...QUIET_ARGS, ...(isThere ? [`-XX:SharedArchiveFile=${archive}`] : [])],
    ready,
  };
}

async function isSame(path: string, content: Buffer): Promise<boolean> {
  const there = await readFile(path).catch(() => undefined);
  return there?.equals(content) ?? false;
}

/** Java trusts an archive that it finds. */
async function makeDurable(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function make(
  java: string,
  dir: string,
  jar: string,
  jarBytes: Buffer,
  archive: string,
  signal: AbortSignal,
): Promise<void> {
  const scratch = join(dir, `training.${randomHex(8)}`);
  const made = join(scratch, ARCHIVE);
  try {
    await unzip(jarBytes, join(scratch, 'unpacked'));
    // With a jar in its lib directory, as functions are.
    const taskRoot = join(scratch, 'unpacked', 'training');
    await mkdir(join(taskRoot, 'lib'));
    await writeFile(join(taskRoot, 'lib', 'one.jar'), jarBytes);
    await promisify(execFile)(
      java,
      [`-XX:ArchiveClassesAtExit=${made}`, ...START_ARGS, '-cp', jar, 'dev.brume.lambda.Main', 'train', taskRoot],
      { timeout: TRAINING_TIMEOUT_MS, signal, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } },
    );
    await makeDurable(made);
    await rename(made, archive);
  } catch {
    // Functions start without it, somewhat later; the next Brume tries again.
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
