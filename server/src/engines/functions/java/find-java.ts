// Finds the Java that runs javaNN: the one of that version, else the next newer, else another of at least 17, for which our
// runtime is compiled.

import { execFile } from 'node:child_process';
import { globSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  firstLine,
  type Interpreter,
  MissingInterpreterError,
  PROBE_TIMEOUT_MS,
  versionNames,
} from '../interpreter.ts';
import { type ClassArchive, openClassArchive } from './class-archive.ts';

const OLDEST = 17;
/** What each installed Java says of itself. */
const INSTALLED = '/usr/lib/jvm/*/release';
const MAIN_CLASS = 'dev.brume.lambda.Main';
/** Read as part of the JDK, though Debian keeps them in /etc. */
const SETTINGS = ['lib/jvm.cfg', 'conf/security/java.security', 'conf/net.properties', 'lib/security/cacerts'];
/** As shares of the function's memory; AWS has the same. */
const HEAP_SHARE = 0.85;
const METASPACE_SHARE = 0.1;
const CODE_SHARE = 0.05;
const KILOBYTES = 1024;

interface JavaFacts {
  home: string;
  version: string;
  major: number;
}

export interface JavaOptions {
  /** From the configuration. */
  configured: string | undefined;
  /** For class archives. */
  dir: string;
  signal: AbortSignal;
}

/**
 * The interpreter for `java21`, where `wanted` is the number in its name. Rejects with MissingInterpreterError.
 */
export async function findJava(runtime: string, wanted: number, options: JavaOptions): Promise<Interpreter> {
  const { configured } = options;
  let tried = 'there is none';
  for (const candidate of configured ? [configured] : candidatesFor(wanted)) {
    let facts: JavaFacts;
    try {
      facts = await probe(candidate);
    } catch (error) {
      tried = firstLine(error);
      continue;
    }
    if (facts.major < OLDEST) {
      tried = `${candidate} is Java ${facts.version}, and Brume needs ${OLDEST} or newer`;
      continue;
    }
    return interpreterOf(runtime, wanted, facts, await openClassArchive({ ...options, ...facts }));
  }
  throw new MissingInterpreterError(
    `The runtime ${runtime} needs Java on this machine. Install Java ${Math.max(wanted, OLDEST)} or any newer than ${OLDEST - 1} (apt-get ` +
      `install openjdk-${OLDEST}-jre-headless), or name it in the configuration (functions.interpreters). Last tried: ${tried}`,
  );
}

function candidatesFor(wanted: number): string[] {
  const installed = globSync(INSTALLED)
    .map((path) => ({ java: join(path, '../bin/java'), major: majorOf(path) }))
    .sort((a, b) => a.major - b.major);
  // A newer one runs what was compiled for an older; the other way round it refuses.
  const suitable = installed.filter(({ major }) => major >= Math.max(wanted, OLDEST)).map(({ java }) => java);
  return [...suitable, 'java', ...installed.reverse().map(({ java }) => java)];
}

/** `JAVA_VERSION="17.0.15"`, and before 9 `"1.8.0_382"`; 0 when it does not say. */
function majorOf(release: string): number {
  try {
    return Number(/^JAVA_VERSION="(?:1\.)?(\d+)/m.exec(readFileSync(release, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function probe(executable: string): Promise<JavaFacts> {
  const { stderr } = await promisify(execFile)(executable, ['-XshowSettings:properties', '-version'], {
    timeout: PROBE_TIMEOUT_MS,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  });
  const property = (name: string) => new RegExp(`^ *${name} = (.*)$`, 'm').exec(stderr)?.[1]?.trim();
  const [home, version, major] = [
    property('java.home'),
    property('java.version'),
    property('java.specification.version'),
  ];
  if (!home || !version || !major) throw new Error(`${executable} does not tell its version`);
  return { home: realpathSync(home), version, major: Number(major) };
}

function interpreterOf(
  runtime: string,
  wanted: number,
  { home, version, major }: JavaFacts,
  archive: ClassArchive,
): Interpreter {
  // By its path on the host, which the archive was made with: it holds for no other.
  const args = ['-cp', archive.jar, MAIN_CLASS];
  return {
    runtime,
    language: 'java',
    executable: archive.java,
    program: join(home, 'bin', 'java'),
    version,
    exact: major === wanted,
    runtimeDir: archive.dir,
    args,
    fit: ({ memoryMb }) => ({ args: [...archive.args(), ...memoryArgs(memoryMb), ...args] }),
    libraryDirs: [home, ...SETTINGS.flatMap((name) => realDirectory(join(home, name))), archive.dir],
    ...versionNames(`java:${major}.v${version.split('.')[2] ?? 0}`),
  };
}

function memoryArgs(memoryMb: number): string[] {
  const kilobytes = (share: number) => `${Math.ceil(memoryMb * KILOBYTES * share)}k`;
  return [
    `-XX:MaxHeapSize=${kilobytes(HEAP_SHARE)}`,
    `-XX:MaxMetaspaceSize=${kilobytes(METASPACE_SHARE)}`,
    `-XX:ReservedCodeCacheSize=${kilobytes(CODE_SHARE)}`,
  ];
}

function realDirectory(path: string): string[] {
  try {
    return [dirname(realpathSync(path))];
  } catch {
    return [];
  }
}
