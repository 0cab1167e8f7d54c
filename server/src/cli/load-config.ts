// Flags win over the environment, the environment over the configuration file, the file over the defaults.
// A value that cannot be read stops the start, and the message says where it stands and what was expected.

import { readFileSync } from 'node:fs';
import type { Config } from '#core/config.ts';
import { SETTINGS, type Setting, type SettingName, Unreadable } from './settings.ts';

export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

export interface ConfigSources {
  /** What the command line gave, by setting; only what was given. */
  flags: Partial<Record<SettingName | 'config', unknown>>;
  environment: Record<string, string | undefined>;
  /** Reads the configuration file; a test hands in another. */
  readFile?: (path: string) => string;
}

/** Throws ConfigError. */
export function loadConfig({ flags, environment, readFile = readText }: ConfigSources): Config {
  const file = (flags.config as string | undefined) ?? environment.BRUME_CONFIG;
  const inFile = file === undefined ? new Map<string, unknown>() : readConfigFile(file, readFile);
  const value = <T>(name: SettingName): T => {
    const setting = SETTINGS[name] as Setting<T>;
    const given = flags[name];
    if (given !== undefined) return read(setting, given, setting.flag!.split(' ')[0]!);
    const variable = environment[setting.environment];
    if (variable !== undefined && variable !== '') return read(setting, variable, setting.environment);
    const stored = inFile.get(setting.file);
    if (stored !== undefined) return read(setting, stored, `${setting.file} in ${file}`);
    return setting.fallback;
  };
  return {
    host: value('host'),
    port: value('port'),
    dataDir: value('dataDir'),
    inMemory: value('inMemory'),
    clock: value('clock'),
    testing: value('testing'),
    logLevel: value('logLevel'),
    region: value('region'),
    accessKeys: value('accessKeys'),
    functions: { isolation: value('isolation'), interpreters: value('interpreters') },
  };
}

function read<T>(setting: Setting<T>, given: unknown, place: string): T {
  try {
    return setting.read(given);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw new ConfigError(
      `${place}: ${error.quoted ?? JSON.stringify(given)} is not valid; expected ${error.message}.`,
    );
  }
}

/** The values of the file by their path (`functions.isolation`). */
function readConfigFile(path: string, readFile: (path: string) => string): Map<string, unknown> {
  let content: string;
  try {
    content = readFile(path);
  } catch (error) {
    throw new ConfigError(`The configuration file ${path} cannot be read: ${(error as Error).message}.`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch (error) {
    throw new ConfigError(`The configuration file ${path} is not valid JSON: ${(error as Error).message}.`);
  }
  if (!isObject(parsed)) throw new ConfigError(`The configuration file ${path} must hold a JSON object.`);
  const known = new Set(Object.values(SETTINGS).map((setting) => setting.file as string));
  const values = new Map<string, unknown>();
  for (const [key, value] of Object.entries(parsed)) {
    const isSection = [...known].some((name) => name.startsWith(`${key}.`));
    if (isSection && isObject(value)) {
      for (const [inner, innerValue] of Object.entries(value)) values.set(`${key}.${inner}`, innerValue);
    } else values.set(key, value);
  }
  for (const key of values.keys()) {
    if (!known.has(key)) {
      throw new ConfigError(`${path}: "${key}" is not a setting; there are ${[...known].join(', ')}.`);
    }
  }
  return values;
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
