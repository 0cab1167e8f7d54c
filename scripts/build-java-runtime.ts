// Compiles the Java runtime (runtime/java/src) into runtime/java/brume-lambda.jar, which is kept in the repository: a machine
// that runs Java functions need not have a compiler. The same compiler makes the same bytes.
//
//   node scripts/build-java-runtime.ts

import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../runtime/java/src/', import.meta.url));
export const JAVA_RUNTIME_JAR = fileURLToPath(new URL('../runtime/java/brume-lambda.jar', import.meta.url));
/** The one that made the jar; others may write the same code in other bytes. */
export const COMPILER_VERSION = 17;
/** Any; fixed, so that the bytes are. */
const DATE = '2026-01-01T00:00:00Z';
/** The sample function of the training run: outside of the class path, where functions are. */
const TRAINING = 'dev/brume/lambda/training';

/** Major version of the Java compiler here; undefined without one. */
export function compilerVersion(): number | undefined {
  try {
    return Number(/\d+/.exec(execFileSync('javac', ['-version'], { encoding: 'utf8' }))?.[0]);
  } catch {
    return undefined;
  }
}

export function buildJavaRuntime(target: string): void {
  const dir = mkdtempSync(join(tmpdir(), 'brume-java-'));
  try {
    const classes = join(dir, 'classes');
    const sources = globSync('**/*.java', { cwd: SOURCES }).sort();
    // Strings are put together without bootstrap methods, which a cold start would pay for.
    const options = [
      '--release',
      String(COMPILER_VERSION),
      '-g',
      '-XDstringConcat=inline',
      '-encoding',
      'UTF-8',
      '-nowarn',
    ];
    execFileSync('javac', [...options, '-d', classes, ...sources], {
      cwd: SOURCES,
      stdio: ['ignore', 'inherit', 'ignore'],
    });
    mkdirSync(join(classes, 'training', TRAINING), { recursive: true });
    cpSync(join(classes, TRAINING), join(classes, 'training', TRAINING), { recursive: true });
    rmSync(join(classes, TRAINING), { recursive: true });
    const files = globSync('**/*.class', { cwd: classes }).sort();
    // Stored, not compressed: read at each cold start.
    execFileSync('jar', ['--create', '--no-compress', '--no-manifest', `--date=${DATE}`, '--file', target, ...files], {
      cwd: classes,
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildJavaRuntime(JAVA_RUNTIME_JAR);
