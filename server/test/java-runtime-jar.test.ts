// The jar in the repository is what its sources make.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  buildJavaRuntime,
  COMPILER_VERSION,
  compilerVersion,
  JAVA_RUNTIME_JAR,
} from '../../scripts/build-java-runtime.ts';
import { temporaryDirectory } from './harness.ts';

const found = compilerVersion();
const otherCompiler =
  found !== COMPILER_VERSION && `it takes javac ${COMPILER_VERSION}, and this machine has ${found ?? 'none'}`;

test('the jar of the Java runtime is up to date', { skip: otherCompiler }, () => {
  const built = join(temporaryDirectory(), 'built.jar');
  buildJavaRuntime(built);
  assert.ok(readFileSync(built).equals(readFileSync(JAVA_RUNTIME_JAR)), 'run: node scripts/build-java-runtime.ts');
});
