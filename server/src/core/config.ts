// What the operator can set: flag, then environment variable, then the JSON file named by --config, then the default.

import type { LogLevel } from './log.ts';

export interface Config {
  host: string;
  port: number;
  /** Where everything is kept; one Brume process a directory. */
  dataDir: string;
  /** Data in a temporary directory that is removed at the end; nothing is fsynced. */
  inMemory: boolean;
  clock: 'system' | 'virtual';
  /** Enables POST /_brume/reset and POST /_brume/clock, on loopback only. */
  testing: boolean;
  logLevel: LogLevel;
  /** Region for what carries none (the region of the SDK's default in Brume's own calls). */
  region: string;
  /** access key id -> key; empty: any credentials are accepted (loopback only). */
  accessKeys: ReadonlyMap<string, AccessKey>;
  functions: FunctionsConfig;
}

export interface AccessKey {
  secretAccessKey: string;
  account: string;
}

export interface FunctionsConfig {
  isolation: 'auto' | 'namespaces' | 'process' | 'sandbox';
  /** Interpreters by runtime name; what is not set is looked for on the PATH. */
  interpreters: Record<string, string>;
  /** Executions at once, over all functions; 1,000 when not set. */
  concurrency?: number;
  /** How long an environment may idle before it is ended; ten minutes when not set. */
  idleTimeoutMs?: number;
}

export const DEFAULT_ACCOUNT = '000000000000';
