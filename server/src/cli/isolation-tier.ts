// What functions will run in, as far as it can be told without trying: the engine tries at the first function.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { FunctionsConfig } from '#core/config.ts';

export interface Machine {
  platform: NodeJS.Platform;
  /** Whether the PATH has this program. */
  has(program: string): boolean;
}

/** `sandbox (bubblewrap)`, and for weaker tiers what would make it stronger. */
export function isolationTier(wanted: FunctionsConfig['isolation'], machine: Machine = thisMachine()): string {
  if (wanted === 'process') return 'plain processes, as configured';
  if (machine.platform !== 'linux') {
    return wanted !== 'auto' ? 'none: a sandbox needs Linux' : 'plain processes: a sandbox needs Linux';
  }
  if (wanted === 'namespaces') {
    return machine.has('unshare') ? 'sandbox (namespaces, as configured)' : 'none: install util-linux';
  }
  if (machine.has('bwrap')) return 'sandbox (bubblewrap)';
  if (machine.has('unshare')) return 'sandbox (namespaces; bubblewrap would be faster and stricter)';
  return wanted === 'sandbox' ? 'none: install bubblewrap' : 'plain processes; install bubblewrap for a sandbox';
}

function thisMachine(): Machine {
  // The engine looks there too.
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  return {
    platform: process.platform,
    has: (program) => directories.some((directory) => isExecutable(join(directory, program))),
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
