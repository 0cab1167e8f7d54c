// Isolation: how a runtime is started so that a function sees its own code and a machine of its own, and nothing of Brume's.
//   sandbox     bubblewrap: new user, mount, pid, ipc and uts namespaces, no capabilities, a read-only root of the
//               system's libraries, /tmp of the configured size; the network stays the host's, so that SDKs reach Brume
//   namespaces  the same with `unshare` and `mount` where bubblewrap is missing
//   process     a plain process, for machines that allow neither; with a notice, since it can read what Brume's user can
// The user namespace keeps the user that Brume runs as, without its privileges: mapping another one would need root or
// /etc/subuid, and interpreters below a home directory would be unreadable for it.

import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Logger } from '#core/log.ts';
import type { Interpreter } from '../interpreter.ts';
import { bubblewrap } from './bubblewrap.ts';
import { namespaces } from './namespaces.ts';
import { plainProcess } from './process.ts';

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
  workingDir?: string;
}

export interface Isolation {
  readonly name: IsolationName;
  view(cell: Cell): View;
  /** The program that becomes the runtime with this environment. Descriptors 1 to 3 reach it. */
  command(cell: Cell, environment: Readonly<Record<string, string>>): Command;
}

const PROBE_TIMEOUT_MS = 10_000;
/** What the starters themselves get: where Brume looks for programs, and where systems keep theirs. */
export const STARTER_ENVIRONMENT = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin` };

/**
 * The strongest isolation that works here: each is tried with the cell at hand. `sandbox` takes bubblewrap or namespaces
 * and rejects when neither works; `auto` falls back to a plain process.
 */
export async function chooseIsolation(
  wanted: 'auto' | 'process' | 'sandbox',
  cell: Cell,
  log: Logger,
): Promise<Isolation> {
  if (wanted === 'process') return plainProcess;
  const failures: string[] = [];
  for (const isolation of [bubblewrap, namespaces]) {
    const failure = process.platform === 'linux' ? await tryOut(isolation, cell) : 'it needs Linux';
    if (failure === undefined) {
      if (isolation === namespaces) {
        log.warn('functions run in plain namespaces; install bubblewrap for a faster and stricter sandbox', {
          bubblewrap: failures[0],
        });
      }
      return isolation;
    }
    failures.push(failure);
  }
  const reasons = { bubblewrap: failures[0], namespaces: failures[1] };
  if (wanted === 'sandbox') {
    throw new Error(
      `functions.isolation is "sandbox", which does not work on this machine (bubblewrap: ${reasons.bubblewrap}; ` +
        `unshare: ${reasons.namespaces}). Install bubblewrap, or allow "process".`,
    );
  }
  log.warn('functions run as plain processes and can read what Brume can; install bubblewrap to isolate them', reasons);
  return plainProcess;
}

/** Why an interpreter cannot be started this way; undefined when it can. */
function tryOut(isolation: Isolation, cell: Cell): Promise<string | undefined> {
  const command = isolation.command(
    { ...cell, interpreter: { ...cell.interpreter, args: ['--version'] } },
    { PATH: '/usr/bin' },
  );
  return new Promise((resolve) => {
    const child = spawn(command.file, command.args, {
      env: command.environment,
      stdio: ['ignore', 'ignore', 'pipe', 'ignore', 'pipe'],
      timeout: PROBE_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const input = child.stdio[4] as Writable;
    input.on('error', () => {});
    input.end(command.input);
    let errors = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(0, 500);
    });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? undefined : errors.trim() || `it ended with ${signal ?? `status ${code}`}`),
    );
  });
}
