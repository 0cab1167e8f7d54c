// The descriptors that Brume itself was started with and that whoever started it left open for all programs that follow: a
// pipe of a supervisor, a lock. They are none of a function's business.

import { readdirSync, readFileSync } from 'node:fs';

const LAST_STANDARD = 2;
const CLOSE_ON_EXEC = 0o2000000;
/** What Node can be told to give a child is an array; nothing that starts programs leaves higher ones behind. */
const HIGHEST = 1_023;

/** In order; empty where the system does not tell. */
export function inheritedDescriptors(): number[] {
  let names: string[];
  try {
    names = readdirSync('/proc/self/fdinfo');
  } catch {
    return [];
  }
  return names
    .map(Number)
    .filter((descriptor) => descriptor > LAST_STANDARD && descriptor <= HIGHEST && staysOpen(descriptor))
    .sort((a, b) => a - b);
}

function staysOpen(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // The one by which the directory was read.
    return false;
  }
}
