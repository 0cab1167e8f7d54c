// Finds the .NET that runs dotnetN: a `dotnet` with the shared framework of that version, else with a newer one. Only the
// runtime is needed, no SDK. How a function is started on it is as AWS starts it.
// https://docs.aws.amazon.com/lambda/latest/dg/csharp-handler.html

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  firstLine,
  type Interpreter,
  MissingInterpreterError,
  type PackageToRun,
  PROBE_TIMEOUT_MS,
  RUNTIME_SOURCES,
  versionNames,
} from './interpreter.ts';

/** Below the directory of `dotnet`: a directory for each version that is installed. */
const FRAMEWORK = 'shared/Microsoft.NETCore.App';
/** Where the packages of distributions and Microsoft's installer put it. */
const USUAL_PLACES = ['/usr/lib/dotnet/dotnet', '/usr/share/dotnet/dotnet', '/usr/lib64/dotnet/dotnet'];

const PROGRAM = join(RUNTIME_SOURCES, 'dotnet', 'brume-lambda.dll');
/** Our program ends at once when it is told this. */
const TRIAL = '--trial';

interface DotnetFacts {
  executable: string;
  /** `8.0.11` */
  version: string;
  major: number;
}

export interface DotnetOptions {
  /** From the configuration. */
  configured: string | undefined;
  /** Where PATH and DOTNET_ROOT are looked up. */
  environment: NodeJS.ProcessEnv;
}

/** The interpreter for `dotnet8`, where `wanted` is the number in its name. Rejects with MissingInterpreterError. */
export async function findDotnet(
  runtime: string,
  wanted: number,
  { configured, environment }: DotnetOptions,
): Promise<Interpreter> {
  let tried = 'there is none';
  for (const candidate of configured ? [configured] : candidates(environment)) {
    try {
      const versions = installedVersions(candidate);
      // What is configured is meant, whatever its version.
      const found = suitable(versions, wanted) ?? (configured ? versions.at(-1) : undefined);
      if (found) {
        await promisify(execFile)(found.executable, ['exec', PROGRAM, TRIAL], { timeout: PROBE_TIMEOUT_MS, env: {} });
        return interpreterOf(runtime, wanted, found);
      }
      tried = `${candidate} has .NET ${versions.map(({ version }) => version).join(', ') || 'of no version'}`;
    } catch (error) {
      if (configured || existsSync(candidate)) tried = firstLine(error);
    }
  }
  throw new MissingInterpreterError(
    `The runtime ${runtime} needs the .NET runtime on this machine. Install .NET ${wanted} or newer (apt-get install ` +
      `dotnet-runtime-${wanted}.0, or https://dot.net), so that dotnet is on the PATH or in DOTNET_ROOT, or name it in the configuration ` +
      `(functions.interpreters). Last tried: ${tried}`,
  );
}

function candidates({ DOTNET_ROOT, PATH = '' }: NodeJS.ProcessEnv): string[] {
  const onPath = PATH.split(delimiter).filter(Boolean);
  return [...(DOTNET_ROOT ? [DOTNET_ROOT] : []), ...onPath].map((dir) => join(dir, 'dotnet')).concat(USUAL_PLACES);
}

/** Oldest first. */
function installedVersions(dotnet: string): DotnetFacts[] {
  const executable = realpathSync(dotnet);
  return readdirSync(join(dirname(executable), FRAMEWORK))
    .filter((version) => /^\d+\.\d+\.\d+/.test(version))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((version) => ({ executable, version, major: Number.parseInt(version, 10) }));
}

/** The newest of the version that is asked for, else of the next one. */
function suitable(versions: readonly DotnetFacts[], wanted: number): DotnetFacts | undefined {
  const major = versions.find((one) => one.major >= wanted)?.major;
  return versions.findLast((one) => one.major === major);
}

function interpreterOf(runtime: string, wanted: number, { executable, version, major }: DotnetFacts): Interpreter {
  return {
    runtime,
    language: 'dotnet',
    executable,
    version,
    exact: major === wanted,
    runtimeDir: dirname(PROGRAM),
    args: [],
    // `dotnet --version` takes an SDK.
    trialArgs: ['exec', '{runtime}/brume-lambda.dll', TRIAL],
    fit: startOf,
    libraryDirs: [dirname(executable)],
    ...versionNames(`dotnet:${major}.v${version.split('.')[2] ?? 0}`),
  };
}

/**
 * A handler without colons is the name of an assembly that runs by itself and speaks the Runtime API over HTTP, or of a program
 * that one was compiled to ahead of time. Others are methods of a class library, run by our program with the package's own settings
 * and dependencies.
 */
function startOf({ handler, codeDir }: PackageToRun): Pick<Interpreter, 'args' | 'speaksHttp' | 'packageProgram'> {
  if (!handler.includes(':')) {
    const assembly = handler.endsWith('.dll') ? handler : `${handler}.dll`;
    if (!existsSync(join(codeDir, assembly)) && existsSync(join(codeDir, handler))) {
      return { args: [], speaksHttp: true, packageProgram: handler };
    }
    return { args: ['exec', `{task}/${assembly}`], speaksHttp: true };
  }
  const name = handler.slice(0, handler.indexOf(':'));
  return {
    args: [
      ...['exec', '--depsfile', `{task}/${fileFor(codeDir, name, '.deps.json')}`],
      ...['--runtimeconfig', `{task}/${fileFor(codeDir, name, '.runtimeconfig.json')}`],
      '{runtime}/brume-lambda.dll',
    ],
  };
}

/** That of the handler's assembly, else the only one that there is: the handler may be in a library of the package. */
function fileFor(codeDir: string, assembly: string, ending: string): string {
  const own = `${assembly}${ending}`;
  if (existsSync(join(codeDir, own))) return own;
  const others = readdirSync(codeDir).filter((file) => file.endsWith(ending));
  return others.length === 1 ? others[0]! : own;
}
