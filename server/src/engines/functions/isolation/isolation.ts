// Isolation: how a runtime is started so that a function sees its own code and a machine of its own, and nothing of Brume's.
//   sandbox     bubblewrap: new mount, pid, ipc and uts namespaces, a user of its own (where Brume is root, else a user
//               namespace), no capabilities, a seccomp filter, a read-only root of the system's libraries, /tmp of the
//               configured size; the network stays the host's, so that SDKs reach Brume
//   namespaces  the same with `unshare` and `mount` where bubblewrap is missing
//   process     a plain process, for machines that allow neither; with a notice, since it can read what Brume's user can
// A user namespace keeps the user that Brume runs as, without its privileges: mapping another one would need root or
// /etc/subuid, and interpreters below a home directory would be unreadable for it.

import { execFileSync, spawn } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import type { FunctionsConfig } from '#core/config.ts';
import type { Logger } from '#core/log.ts';
import type { Mount } from '../file-systems.ts';
import { inheritedDescriptors } from '../inherited-descriptors.ts';
import type { Interpreter } from '../interpreter.ts';
import { starting } from '../starter.ts';
import { type BubblewrapOptions, bubblewrap } from './bubblewrap.ts';
import { namespaces } from './namespaces.ts';
import { plainProcess } from './process.ts';
import { seccompFilter } from './seccomp.ts';
import { UserIds } from './user-ids.ts';

export type IsolationName = 'sandbox' | 'namespaces' | 'process';

/** What one environment is made of. */
export interface Cell {
  interpreter: Interpreter;
  codeDir: string;
  /** What is seen as /opt. */
  layersDir?: string;
  /** Directory of this environment on the host. */
  dir: string;
  ephemeralStorageMb: number;
  /** Directories below /mnt, to be written to. */
  mounts?: readonly Mount[];
  /** Instead of the host's own /etc/hosts. */
  hostsFile?: string;
  /** Programs that start the runtime: they get its command as arguments. */
  launcher?: readonly string[];
}

/** Where the function finds what is its own. */
export interface View {
  taskRoot: string;
  runtimeDir: string;
  executable: string;
  /** Set where /tmp is not the function's own. */
  temporaryDir?: string;
}

export interface Command {
  file: string;
  args: string[];
  /** Of the starter, which runs outside of the isolation: nothing that a function's author chose. */
  environment: Record<string, string>;
  /** Read by the starter from file descriptor 4. */
  input?: Buffer;
  /** Read by a shell inside from its standard input. */
  shellInput?: Buffer;
  /** File that the starter finds open as descriptor 9. */
  filter?: string;
  /** Descriptors of Brume that its children would have as well: they get nothing in their place. */
  inherited?: readonly number[];
  /** To be called once when the processes are gone, or none was started. */
  release?: () => void;
  workingDir?: string;
}

export interface Isolation {
  readonly name: IsolationName;
  view(cell: Cell): View;
  /** The program that becomes the runtime with this environment. Descriptors 1 to 3 reach it. */
  command(cell: Cell, environment: Readonly<Record<string, string>>): Command;
  /** A shell that waits in the sandbox, on its standard input, to become a program; where that can be had. */
  waiting?: ((cell: Cell) => Command) | undefined;
  /** What that shell is told; undefined when it cannot set these variables. */
  becoming?: ((program: string, environment: Readonly<Record<string, string>>) => Buffer | undefined) | undefined;
}

const PROBE_TIMEOUT_MS = 10_000;
/** What the starters themselves get: where Brume looks for programs, and where systems keep theirs. */
export const STARTER_ENVIRONMENT = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin` };

/**
 * The strongest isolation that works here: each is tried with the cell at hand. `sandbox` takes bubblewrap or namespaces,
 * `namespaces` the latter alone, and they reject when neither works; `auto` falls back to a plain process.
 */
export async function chooseIsolation(
  wanted: FunctionsConfig['isolation'],
  cell: Cell,
  log: Logger,
): Promise<Isolation> {
  const { name, view, command, waiting, becoming } = await strongest(wanted, cell, log);
  const inherited = inheritedDescriptors();
  return {
    name,
    view,
    command: (...given) => ({ ...command(...given), inherited }),
    waiting: waiting && ((...given) => ({ ...waiting(...given), inherited })),
    becoming,
  };
}

async function strongest(wanted: FunctionsConfig['isolation'], cell: Cell, log: Logger): Promise<Isolation> {
  if (wanted === 'process') return plainProcess;
  const reasons: Record<string, string> = {};
  for (const [name, isolation] of isolations(cell)) {
    if (wanted === 'namespaces' && isolation.name !== wanted) continue;
    const failure = process.platform === 'linux' ? await tryOut(isolation, cell) : 'it needs Linux';
    if (failure === undefined) {
      if (name !== 'bubblewrap' && wanted !== 'namespaces') log.warn(WEAKER[name], reasons);
      return isolation;
    }
    reasons[name] = failure;
  }
  if (wanted !== 'auto') {
    const bwrap = wanted === 'sandbox' ? `bubblewrap: ${reasons['no filter']}; ` : '';
    throw new Error(
      `functions.isolation is "${wanted}", which does not work on this machine (${bwrap}unshare: ${reasons.namespaces}). ` +
        'Install bubblewrap, or allow "process".',
    );
  }
  log.warn('functions run as plain processes and can read what Brume can; install bubblewrap to isolate them', reasons);
  return plainProcess;
}

const WEAKER = {
  'user namespace': 'functions run as the user of Brume, in user namespaces: users of their own do not work here',
  'no filter': 'functions run without a seccomp filter, which does not work here',
  namespaces: 'functions run in plain namespaces; install bubblewrap for a faster and stricter sandbox',
} as const;

/** Those that are to be tried, the strongest first. */
function isolations(cell: Cell): ['bubblewrap' | keyof typeof WEAKER, Isolation][] {
  const program = seccompFilter();
  const isRoot = process.getuid?.() === 0;
  if (!program) {
    return [
      ['no filter', bubblewrap({})],
      ['namespaces', namespaces],
    ];
  }
  const filter = join(dirname(cell.dir), 'seccomp.bpf');
  writeFileSync(filter, program);
  const nullDevice = isRoot ? nullDeviceFor(dirname(cell.dir)) : 'missing';
  return [
    ...(nullDevice === 'missing' ? [] : [withUsers({ filter, users: new UserIds(), nullDevice })]),
    [isRoot ? 'user namespace' : 'bubblewrap', bubblewrap({ filter })],
    ['no filter', bubblewrap({})],
    ['namespaces', namespaces],
  ];
}

function withUsers(options: BubblewrapOptions): ['bubblewrap', Isolation] {
  return ['bubblewrap', bubblewrap(options)];
}

/** Machines are met on which root alone may write to /dev/null: then there is one of Brume's own. */
function nullDeviceFor(dir: string): string | 'missing' | undefined {
  if ((statSync('/dev/null').mode & 0o006) === 0o006) return undefined;
  const path = join(dir, 'null');
  rmSync(path, { force: true });
  try {
    execFileSync('mknod', ['-m', '0666', path, 'c', '1', '3'], { stdio: 'ignore' });
    return path;
  } catch {
    return 'missing';
  }
}

/** Why an interpreter cannot be started this way; undefined when it can. */
function tryOut(isolation: Isolation, cell: Cell): Promise<string | undefined> {
  const command = isolation.command(
    { ...cell, interpreter: { ...cell.interpreter, args: cell.interpreter.trialArgs ?? ['--version'] } },
    { PATH: '/usr/bin' },
  );
  return new Promise((resolve) => {
    // Errors go where output goes.
    const child = spawn(...starting(command, []), {
      env: command.environment,
      stdio: [command.shellInput ? 'pipe' : 'ignore', 'pipe', 'ignore', 'ignore', 'pipe'],
      timeout: PROBE_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const input = child.stdio[4] as Writable;
    input.on('error', () => {});
    input.end(command.input);
    let errors = '';
    child.stdin?.on('error', () => {});
    child.stdin?.end(command.shellInput);
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(0, 500);
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => {
      command.release?.();
      resolve(code === 0 ? undefined : errors.trim() || `it ended with ${signal ?? `status ${code}`}`);
    });
  });
}
