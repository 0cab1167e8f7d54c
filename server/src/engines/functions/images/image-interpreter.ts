// A function from a container image, as what runs functions: its entry point, in the sandbox that its files are the root of.

import { type Interpreter, versionNames } from '../interpreter.ts';
import type { ImageDefaults } from './image-tool.ts';

/** What an image function runs, once its configuration is laid over what its image says. */
export interface ImageCommand {
  /** Of the image's files: 64 hexadecimal digits. */
  id: string;
  entryPoint: readonly string[];
  command: readonly string[];
  workingDir: string;
  /** The image's own; Lambda's variables and the function's go before it. */
  environment: Readonly<Record<string, string>>;
}

/** As set by the function; each replaces what the image says. */
export interface ImageOverrides {
  entryPoint?: string[];
  command?: string[];
  workingDir?: string;
}

export function imageCommand(id: string, defaults: ImageDefaults, overrides: ImageOverrides = {}): ImageCommand {
  return {
    id,
    entryPoint: overrides.entryPoint?.length ? overrides.entryPoint : defaults.entryPoint,
    command: overrides.command?.length ? overrides.command : defaults.command,
    workingDir: overrides.workingDir || defaults.workingDir,
    environment: defaults.environment,
  };
}

/** `rootDir` holds the image's files. */
export function imageInterpreter(image: ImageCommand, rootDir: string): Interpreter {
  const [executable = '', ...args] = [...image.entryPoint, ...image.command];
  return {
    runtime: 'image',
    language: 'image',
    executable,
    version: image.id,
    exact: true,
    runtimeDir: '/var/runtime',
    args,
    libraryDirs: [],
    root: { dir: rootDir, workingDir: image.workingDir, environment: image.environment },
    ...versionNames(`image:${image.id.slice(0, 12)}`),
  };
}
