// Compiles the .NET runtime (runtime/dotnet/src) into runtime/dotnet/brume-lambda.dll, which is kept in the repository: a machine
// that runs .NET functions need not have a compiler. Mono's compiler (apt-get install mono-mcs) makes the same bytes, but for
// the identity of the module, which is random: it becomes a hash of the rest.
//
//   node scripts/build-dotnet-runtime.ts

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../runtime/dotnet/src/', import.meta.url));
export const DOTNET_RUNTIME = fileURLToPath(new URL('../runtime/dotnet/brume-lambda.dll', import.meta.url));
/** The one that made it; others may write the same code in other bytes. */
export const MCS_VERSION = '6.8.0';
const GUID_BYTES = 16;

/** Version of Mono's C# compiler here; undefined without one. */
export function mcsVersion(): string | undefined {
  try {
    return /\d+\.\d+\.\d+/.exec(execFileSync('mcs', ['--version'], { encoding: 'utf8' }))?.[0];
  } catch {
    return undefined;
  }
}

export function buildDotnetRuntime(target: string): void {
  const dir = mkdtempSync(join(tmpdir(), 'brume-dotnet-'));
  try {
    const built = join(dir, 'brume-lambda.dll');
    const sources = globSync('*.cs', { cwd: SOURCES }).sort();
    const options = ['-target:exe', '-unsafe', '-optimize+', '-warnaserror', '-langversion:6', `-out:${built}`];
    execFileSync('mcs', [...options, ...sources], { cwd: SOURCES, stdio: ['ignore', 'inherit', 'inherit'] });
    writeFileSync(target, withFixedIdentity(readFileSync(built)));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The module's identity is all that the heap of GUIDs holds. ECMA-335, II.24.2 */
function withFixedIdentity(assembly: Buffer): Buffer {
  const root = assembly.indexOf('BSJB');
  const header = assembly.indexOf('#GUID\0', root);
  const heap = root + assembly.readUInt32LE(header - 8);
  if (root < 0 || header < 0 || assembly.readUInt32LE(header - 4) !== GUID_BYTES) {
    throw new Error('This is not what the compiler wrote so far.');
  }
  assembly.fill(0, heap, heap + GUID_BYTES);
  createHash('sha256').update(assembly).digest().copy(assembly, heap, 0, GUID_BYTES);
  return assembly;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildDotnetRuntime(DOTNET_RUNTIME);
