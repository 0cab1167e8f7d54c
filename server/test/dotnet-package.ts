// Packages of .NET functions, as `dotnet publish` lays them out, compiled by Mono's compiler from server/test/dotnet.
// BRUME_TEST_DOTNET names the `dotnet` to run them on where none is on the PATH; it may be as old as .NET Core 2.0.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DOTNET_RUNTIME } from '../../scripts/build-dotnet-runtime.ts';
import { missing } from './lambda-engine.ts';

const SOURCES = fileURLToPath(new URL('./dotnet/', import.meta.url));
const configured = process.env.BRUME_TEST_DOTNET;

export const noDotnet =
  missing('mcs', '--version') || missing(configured ?? 'dotnet', 'exec', DOTNET_RUNTIME, '--trial');

/** For the configuration of what is tested. */
export const dotnetInterpreters: Record<string, string> = configured
  ? { dotnet8: configured, dotnet10: configured }
  : {};

/** An assembly: `Handlers` from Handlers.cs. Those that it refers to come first. */
export interface Assembly {
  name: string;
  source: string;
  isProgram?: boolean;
}

const CORE = { name: 'Amazon.Lambda.Core', source: 'AmazonLambdaCore.cs' };
const SERIALIZATION = { name: 'Serialization', source: 'Serialization.cs' };

/** The files of a package whose last assembly is this one. */
export function dotnetPackage(name: string, { isProgram = false } = {}): Record<string, Uint8Array | string> {
  if (noDotnet) return {};
  const assemblies = [CORE, SERIALIZATION, { name, source: `${name}.cs`, isProgram }];
  return {
    ...compiled(assemblies),
    [`${name}.deps.json`]: dependencies(assemblies),
    [`${name}.runtimeconfig.json`]: RUNTIME_CONFIG,
  };
}

function compiled(assemblies: readonly Assembly[]): Record<string, Buffer> {
  const dir = mkdtempSync(join(tmpdir(), 'brume-test-'));
  after(() => rmSync(dir, { recursive: true }));
  const files: Record<string, Buffer> = {};
  const references: string[] = [];
  for (const { name, source, isProgram } of assemblies) {
    const file = join(dir, `${name}.dll`);
    const kind = isProgram ? 'exe' : 'library';
    execFileSync('mcs', [`-target:${kind}`, '-nowarn:1998', ...references, `-out:${file}`, source], { cwd: SOURCES });
    references.push(`-r:${file}`);
    files[`${name}.dll`] = readFileSync(file);
  }
  return files;
}

function dependencies(assemblies: readonly Assembly[]): string {
  const target = '.NETCoreApp,Version=v2.0';
  const each = (value: (name: string) => unknown) =>
    Object.fromEntries(assemblies.map(({ name }) => [`${name}/1.0.0`, value(name)]));
  return JSON.stringify({
    runtimeTarget: { name: target, signature: '' },
    targets: { [target]: each((name) => ({ runtime: { [`${name}.dll`]: {} } })) },
    libraries: each(() => ({ type: 'project', serviceable: false, sha512: '' })),
  });
}

/** The oldest framework there is; newer ones take it for theirs. */
const RUNTIME_CONFIG = JSON.stringify({
  runtimeOptions: {
    framework: { name: 'Microsoft.NETCore.App', version: '2.0.0' },
    rollForward: 'LatestMajor',
    configProperties: { 'System.Globalization.Invariant': true },
  },
});
