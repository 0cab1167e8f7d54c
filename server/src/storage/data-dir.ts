// The data directory: its layout, its format version, and the lock that lets in one Brume at a time.
// The lock is an exclusive SQLite lock on lock.db, which is a lock of the operating system on the open file: it ends
// with the process, however that ends, and no pid is ever compared.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface DataDir {
  /** Absolute. */
  path: string;
  /** Where each store keeps its files. */
  stateDir: string;
  objectsDir: string;
  telemetryDir: string;
  /** For what may be lost: unpacked function code, sandboxes. */
  scratchDir: string;
  /** What functions keep in file systems; made when the first one is mounted. */
  fileSystemsDir: string;
  /** Lets the next Brume in. After all stores are closed. */
  close(): void;
}

/** Another Brume has it. */
export class DataDirLockedError extends Error {
  /** The holder, as it wrote itself down. */
  readonly pid: number | undefined;

  constructor(path: string, pid: number | undefined) {
    super(
      `The data directory ${path} is in use by another Brume${pid === undefined ? '' : ` (process ${pid})`}. ` +
        'Stop that one, or choose another directory with --data.',
    );
    this.name = 'DataDirLockedError';
    this.pid = pid;
  }
}

/** It cannot be used: not writable, disk full, not a directory, another program's, or of a newer Brume. */
export class DataDirUnusableError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DataDirUnusableError';
  }
}

const FORMAT = 1;
/** Of two that start at the same moment one has to let go before the other gets through. */
const LOCK_TIMEOUT_MS = 200;
const LOCK_FILE = 'lock.db';
const HOLDER_FILE = 'holder.json';
const FORMAT_FILE = 'format.json';
const FORMAT_FILE_NEW = 'format.json.new';
const DIRECTORIES = ['state', 'objects', 'telemetry', 'scratch'] as const;
const OWN_NAMES = new Set<string>([LOCK_FILE, HOLDER_FILE, FORMAT_FILE, FORMAT_FILE_NEW, ...DIRECTORIES]);

/**
 * Opens `dir` for this process, creating what is missing. Throws DataDirLockedError while another Brume holds it,
 * and DataDirUnusableError, with what to do about it, when it cannot be used.
 */
export function openDataDir(dir: string): DataDir {
  const path = resolve(dir);
  try {
    return open(path);
  } catch (error) {
    throw explain(path, error);
  }
}

function open(path: string): DataDir {
  createDirectory(path);
  refuseForeign(path);
  const lock = takeLock(path);
  try {
    writeFileSync(join(path, HOLDER_FILE), `${JSON.stringify({ pid: process.pid })}\n`);
    checkFormat(path);
    for (const name of DIRECTORIES) mkdirSync(join(path, name), { recursive: true });
    syncDirectory(path);
  } catch (error) {
    lock.close();
    throw error;
  }
  return {
    path,
    stateDir: join(path, 'state'),
    objectsDir: join(path, 'objects'),
    telemetryDir: join(path, 'telemetry'),
    scratchDir: join(path, 'scratch'),
    fileSystemsDir: join(path, 'file-systems'),
    close: () => lock.close(),
  };
}

function createDirectory(path: string): void {
  if (existsSync(path)) return;
  // Node's recursive mkdir never returns where the parent exists and the kernel says ENOENT (as in /proc).
  mkdirSync(path, { recursive: !existsSync(dirname(path)) });
}

/** So that `--data ~` does not scatter files over somebody's home directory. */
function refuseForeign(path: string): void {
  const names = readdirSync(path);
  if (names.includes(FORMAT_FILE)) return;
  const foreign = names.find((name) => !OWN_NAMES.has(name) && name !== 'lost+found');
  if (foreign === undefined) return;
  throw new DataDirUnusableError(
    `${path} holds other files (${foreign}) and is no data directory of Brume. Choose an empty one with --data.`,
  );
}

function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(join(path, LOCK_FILE), { timeout: LOCK_TIMEOUT_MS });
  try {
    // The transaction stays open, and empty, for the life of the process.
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (isBusy(error)) throw new DataDirLockedError(path, holderOf(path));
    throw error;
  }
}

function holderOf(path: string): number | undefined {
  try {
    return JSON.parse(readFileSync(join(path, HOLDER_FILE), 'utf8')).pid;
  } catch {
    return undefined;
  }
}

function checkFormat(path: string): void {
  const file = join(path, FORMAT_FILE);
  if (!existsSync(file)) writeFormat(path, file);
  const format = readFormat(readFileSync(file, 'utf8'));
  if (format === FORMAT) return;
  throw new DataDirUnusableError(
    format === undefined
      ? `${file} is damaged: expected {"format":${FORMAT}}.`
      : `${path} has data format ${format}; this Brume reads format ${FORMAT}. Start the Brume version that wrote it.`,
  );
}

function readFormat(text: string): number | undefined {
  try {
    const { format } = JSON.parse(text);
    return Number.isInteger(format) ? format : undefined;
  } catch {
    return undefined;
  }
}

function writeFormat(path: string, file: string): void {
  const temporary = join(path, FORMAT_FILE_NEW);
  const descriptor = openSync(temporary, 'w');
  try {
    writeFileSync(descriptor, `${JSON.stringify({ format: FORMAT })}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;

function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_BUSY;
}

function explain(path: string, error: unknown): unknown {
  if (error instanceof DataDirLockedError || error instanceof DataDirUnusableError) return error;
  const { code, errcode } = error as { code?: string; errcode?: number };
  const unusable = (reason: string) => new DataDirUnusableError(`The data directory ${path} ${reason}`, error);
  if (code === 'ENOSPC' || code === 'EDQUOT' || errcode === SQLITE_FULL) {
    return unusable('is on a full disk. Free some space, or choose another directory with --data.');
  }
  if (code === 'EROFS' || errcode === SQLITE_READONLY) return unusable('is read-only.');
  if (code === 'EACCES' || code === 'EPERM' || code === 'ENOENT' || errcode === SQLITE_CANTOPEN) {
    return unusable('cannot be written by this user. Change its owner, or choose another directory with --data.');
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') return unusable('is not a directory.');
  return error;
}
