// Everything the operator can set, one entry each: its names on the command line, in the environment and in the
// configuration file, how its text is read, its default and what it is for. docs/configuration.md is this table.

import { resolve } from 'node:path';
import { type AccessKey, type Config, DEFAULT_ACCOUNT } from '#core/config.ts';

export interface Setting<T = unknown> {
  /** As commander takes it; absent for what must not stand in a process list. */
  flag?: string;
  environment: string;
  /** Path in the JSON file. */
  file: string;
  fallback: T;
  /** The default as the documentation shows it. */
  shownDefault: string;
  description: string;
  /** Reads a flag or variable (text) or a value of the file (any JSON); throws Unreadable with what is expected. */
  read(value: unknown): T;
}

/** What was expected instead; the caller adds where the value came from. */
export class Unreadable extends Error {
  /** What to quote in place of the value, where that holds a secret. */
  readonly quoted: string | undefined;

  constructor(expected: string, quoted?: string) {
    super(expected);
    this.quoted = quoted;
  }
}

export const SETTINGS = {
  host: {
    flag: '--host <address>',
    environment: 'BRUME_HOST',
    file: 'host',
    fallback: '127.0.0.1',
    shownDefault: '127.0.0.1',
    description: 'Address to listen on. Anything but loopback needs access keys.',
    read: text('an address to listen on'),
  },
  port: {
    flag: '--port <number>',
    environment: 'BRUME_PORT',
    file: 'port',
    fallback: 4566,
    shownDefault: '4566',
    description: 'Port to listen on; 0 takes a free one.',
    read: readPort,
  },
  dataDir: {
    flag: '--data <dir>',
    environment: 'BRUME_DATA',
    file: 'data',
    fallback: resolve('.brume'),
    shownDefault: './.brume',
    description: 'Directory that keeps everything; one Brume a directory.',
    read: (value: unknown) => resolve(text('a directory')(value)),
  },
  inMemory: {
    flag: '--in-memory',
    environment: 'BRUME_IN_MEMORY',
    file: 'inMemory',
    fallback: false,
    shownDefault: 'false',
    description: 'Keep nothing: a temporary directory without fsync, removed at the end.',
    read: readBoolean,
  },
  clock: {
    flag: '--clock <kind>',
    environment: 'BRUME_CLOCK',
    file: 'clock',
    fallback: 'system',
    shownDefault: 'system',
    description: '`system`, or `virtual`: time moves only through POST /_brume/clock.',
    read: oneOf('system', 'virtual'),
  },
  testing: {
    flag: '--testing',
    environment: 'BRUME_TESTING',
    file: 'testing',
    fallback: false,
    shownDefault: 'false',
    description: 'Enable POST /_brume/reset and POST /_brume/clock, on loopback only.',
    read: readBoolean,
  },
  logLevel: {
    flag: '--log-level <level>',
    environment: 'BRUME_LOG_LEVEL',
    file: 'logLevel',
    fallback: 'info',
    shownDefault: 'info',
    description: "Of Brume's own log on stderr: `debug`, `info`, `warn`, `error` or `silent`.",
    read: oneOf('debug', 'info', 'warn', 'error', 'silent'),
  },
  region: {
    flag: '--region <name>',
    environment: 'BRUME_REGION',
    file: 'region',
    fallback: 'us-east-1',
    shownDefault: 'us-east-1',
    description: 'Region of requests that name none.',
    read: readRegion,
  },
  accessKeys: {
    environment: 'BRUME_ACCESS_KEYS',
    file: 'accessKeys',
    fallback: new Map<string, AccessKey>(),
    shownDefault: 'none',
    description:
      '`id:secret:account`, separated by commas (account may be left out); in the file a list of `{"accessKeyId", "secretAccessKey", "account"}`. With any set, every request must be signed with one of them.',
    read: readAccessKeys,
  },
  isolation: {
    flag: '--isolation <tier>',
    environment: 'BRUME_ISOLATION',
    file: 'functions.isolation',
    fallback: 'auto',
    shownDefault: 'auto',
    description:
      'What functions run in: `sandbox` (bubblewrap, or plain namespaces where it is missing), `namespaces` (without bubblewrap), `process` (no isolation) or `auto` (the best there is).',
    read: oneOf('auto', 'namespaces', 'process', 'sandbox'),
  },
  interpreters: {
    environment: 'BRUME_INTERPRETERS',
    file: 'functions.interpreters',
    fallback: {},
    shownDefault: 'found on the PATH',
    description: '`python3.12=/usr/bin/python3.12`, separated by commas; in the file an object.',
    read: readInterpreters,
  },
} satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** Rows of the documentation: setting, environment variable, key in the file, default, purpose. */
export function settingsTable(): string {
  const rows = Object.values(SETTINGS as Record<string, Setting>).map((setting) => {
    const flag = setting.flag ? `\`${setting.flag}\`` : '';
    return `| ${flag} | \`${setting.environment}\` | \`${setting.file}\` | ${setting.shownDefault} | ${setting.description} |`;
  });
  return ['| Flag | Environment | In the file | Default | |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function text(expected: string): (value: unknown) => string {
  return (value) => {
    if (typeof value !== 'string' || value.trim() === '') throw new Unreadable(expected);
    return value;
  };
}

function oneOf<T extends string>(...allowed: readonly T[]): (value: unknown) => T {
  return (value) => {
    if (!allowed.includes(value as T)) {
      throw new Unreadable(`${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}`);
    }
    return value as T;
  };
}

function readPort(value: unknown): number {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Unreadable('a whole number from 0 to 65535');
  }
  return port;
}

function readBoolean(value: unknown): boolean {
  if (value === true || value === 'true' || value === '1') return true;
  if (value === false || value === 'false' || value === '0' || value === '') return false;
  throw new Unreadable('true or false');
}

function readRegion(value: unknown): string {
  if (typeof value !== 'string' || !/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/.test(value)) {
    throw new Unreadable('a region such as eu-central-1');
  }
  return value;
}

function readAccessKeys(value: unknown): Map<string, AccessKey> {
  const expected =
    typeof value === 'string'
      ? 'id:secret:account, separated by commas'
      : 'a list of {"accessKeyId", "secretAccessKey", "account"}';
  const entries = typeof value === 'string' ? splitList(value).map(splitAccessKey) : value;
  if (!Array.isArray(entries)) throw new Unreadable(expected, 'the value');
  const keys = new Map<string, AccessKey>();
  entries.forEach((entry, i) => {
    const { accessKeyId: id, secretAccessKey: secret, account = DEFAULT_ACCOUNT } = Object(entry);
    // What stands alone may be a secret put in the wrong place.
    const isPair = typeof id === 'string' && typeof secret === 'string' && secret !== '';
    const quoted = isPair ? `key ${id}` : `entry ${i + 1}`;
    if (!isPair || !/^\w{1,128}$/.test(id)) throw new Unreadable(expected, quoted);
    if (!/^\d{12}$/.test(String(account)))
      throw new Unreadable('an account of 12 digits', `account "${account}" of key ${id}`);
    if (keys.has(id)) throw new Unreadable('each key once', quoted);
    keys.set(id, { secretAccessKey: secret, account: String(account) });
  });
  return keys;
}

function splitAccessKey(entry: string): Record<string, string | undefined> {
  const [accessKeyId, secretAccessKey, account, ...rest] = entry.split(':');
  if (rest.length > 0) return {};
  return { accessKeyId, secretAccessKey, ...(account === undefined ? {} : { account }) };
}

function readInterpreters(value: unknown): Config['functions']['interpreters'] {
  const expected = 'runtime=path, separated by commas, such as python3.12=/usr/bin/python3.12';
  const entries: [string, unknown][] =
    typeof value === 'string'
      ? splitList(value).map(splitInterpreter)
      : Object.entries(typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { '': '' });
  for (const [runtime, path] of entries) {
    if (!/^[a-z][a-z0-9.]*$/.test(runtime) || typeof path !== 'string' || path === '') throw new Unreadable(expected);
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function splitInterpreter(entry: string): [string, string] {
  const [runtime = '', ...path] = entry.split('=');
  return [runtime, path.join('=')];
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
