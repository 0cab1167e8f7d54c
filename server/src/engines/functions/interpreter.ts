// What runs a runtime on this machine.

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `provided` and `image` are none: the function brings the program. */
export type Language = 'python' | 'nodejs' | 'ruby' | 'java' | 'dotnet' | 'provided' | 'image';

/** As people write it. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  python: 'Python',
  nodejs: 'Node.js',
  ruby: 'Ruby',
  java: 'Java',
  dotnet: '.NET',
  provided: 'its own program',
  image: 'its own program',
};

export interface Interpreter {
  /** `python3.12`, as asked for. */
  runtime: string;
  language: Language;
  executable: string;
  /** What people know it by, where `executable` is a starter of ours. */
  program?: string;
  /** `3.11.7` */
  version: string;
  /** Whether the version is the one that the runtime names. */
  exact: boolean;
  /** Directory with the bootstrap; /var/runtime in the sandbox. */
  runtimeDir: string;
  /** What follows the executable; `{runtime}` and `{task}` stand for the directories of both as the function sees them. */
  args: readonly string[];
  /** What it is started with to see that it starts; `--version` where this is not given. */
  trialArgs?: readonly string[];
  /** What is other for this function; asked at each start. */
  fit?: (version: PackageToRun) => Pick<Interpreter, 'args' | 'speaksHttp' | 'packageProgram'>;
  /** A file of the package that is run in place of the executable: it was compiled to a program. */
  packageProgram?: string;
  /** Whether the Runtime API is spoken over HTTP, not over the connection that the runtime inherits. */
  speaksHttp?: boolean;
  /** Directories beyond the system's own that the interpreter reads. */
  libraryDirs: readonly string[];
  /** A container image: its files are all that the function sees of a machine. */
  root?: { dir: string; workingDir: string; environment: Readonly<Record<string, string>> };
  /** As in INIT_START: `python:3.11.v7`. */
  runtimeVersion: string;
  /** Hash at the end of the runtime version's ARN. */
  runtimeVersionHash: string;
}

/** What the start of a function may depend on. */
export interface PackageToRun {
  handler: string;
  memoryMb: number;
  /** On the host. */
  codeDir: string;
}

/** The runtime cannot run here; the message says what to install. */
export class MissingInterpreterError extends Error {}

/** Whether the function does, which then speaks the Runtime API over HTTP. */
export function bringsProgram({ language }: Interpreter): boolean {
  return language === 'provided' || language === 'image';
}

/** The interpreter as it runs one function. */
export function fitted(interpreter: Interpreter, version: PackageToRun): Interpreter {
  return interpreter.fit ? { ...interpreter, ...interpreter.fit(version) } : interpreter;
}

/** Whether it needs an address of the Runtime API. */
export function speaksHttp(interpreter: Interpreter): boolean {
  return interpreter.speaksHttp ?? bringsProgram(interpreter);
}

/** The arguments as they are where the function runs. */
export function argsIn(
  { args }: Interpreter,
  { runtimeDir, taskRoot }: { runtimeDir: string; taskRoot: string },
): string[] {
  return args.map((arg) => arg.replace('{runtime}', runtimeDir).replace('{task}', taskRoot));
}

/** The names under which a function may start its own interpreter. */
export function programNames(interpreter: Interpreter): string[] {
  if (bringsProgram(interpreter) || interpreter.packageProgram !== undefined) return [];
  const { language, executable } = interpreter;
  return [...new Set([language === 'python' ? 'python3' : language, basename(executable)])];
}

/** For asking an interpreter what it is. */
export const PROBE_TIMEOUT_MS = 15_000;
/** With a directory of bootstraps for each language. */
export const RUNTIME_SOURCES = fileURLToPath(new URL('../../../../runtime/', import.meta.url));

export function versionNames(runtimeVersion: string): Pick<Interpreter, 'runtimeVersion' | 'runtimeVersionHash'> {
  return { runtimeVersion, runtimeVersionHash: createHash('sha256').update(runtimeVersion).digest('hex') };
}

export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}
