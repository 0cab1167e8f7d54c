// The .NET runtime in the repository is what its sources make.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildDotnetRuntime, DOTNET_RUNTIME, MCS_VERSION, mcsVersion } from '../../scripts/build-dotnet-runtime.ts';
import { temporaryDirectory } from './harness.ts';

const found = mcsVersion();
const otherCompiler = found !== MCS_VERSION && `it takes mcs ${MCS_VERSION}, and this machine has ${found ?? 'none'}`;

test('the .NET runtime is up to date', { skip: otherCompiler }, () => {
  const built = join(temporaryDirectory(), 'built.dll');
  buildDotnetRuntime(built);
  assert.ok(readFileSync(built).equals(readFileSync(DOTNET_RUNTIME)), 'run: node scripts/build-dotnet-runtime.ts');
});
