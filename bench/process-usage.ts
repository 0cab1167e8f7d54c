// CPU time and memory of a process and all its descendants, from Linux's /proc.

import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  cpuMs: number;
  /** Resident, shared pages counted in each process. */
  rssMb: number;
  /** Shared pages divided among those that map them: what the tree really costs. */
  pssMb: number;
  processes: number;
}

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;

/** Undefined where there is no /proc. */
export function usageOf(pid: number): Usage | undefined {
  if (process.platform !== 'linux') return undefined;
  const usage: Usage = { cpuMs: 0, rssMb: 0, pssMb: 0, processes: 0 };
  for (const member of treeOf(pid)) {
    try {
      const stat = statOf(member);
      const rollup = readFileSync(`/proc/${member}/smaps_rollup`, 'utf8');
      usage.cpuMs += (Number(stat[11]) + Number(stat[12])) * MS_PER_TICK;
      usage.rssMb += kilobytes(rollup, 'Rss') / 1024;
      usage.pssMb += kilobytes(rollup, 'Pss') / 1024;
      usage.processes++;
    } catch {
      // It ended while we looked.
    }
  }
  return usage;
}

/** Of a process alone. */
export function residentMbOf(pid: number): number {
  return kilobytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS') / 1024;
}

function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(statOf(Number(name))[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // It ended while we looked.
    }
  }
  const tree = [pid];
  for (const member of tree) tree.push(...(children.get(member) ?? []));
  return tree;
}

/** The fields of /proc/PID/stat from the state on, past the name, which may hold spaces. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function kilobytes(rollup: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0);
}
