// Limits per environment by Linux control groups, version 1 or 2, where Brume may write them; elsewhere there are none.
//
// The kernel counts the pages of /tmp as memory, Lambda does not. So the hard limit is memory and /tmp together, and
// `exceeds` tells whether the memory alone is over the limit: it is asked while an invocation runs.

import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '#core/clock.ts';
import { randomHex } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';

export interface Limits {
  memoryMb: number;
  ephemeralStorageMb: number;
  /** Gets what others leave of the processor. */
  isBackground?: boolean;
}

export interface ControlGroup {
  /** Files to which a process writes its id to join. */
  readonly joinFiles: readonly string[];
  /** Sets other limits than at its beginning. */
  limit(limits: Limits): void;
  /** The most memory that was in use since the start, caches and /tmp included. */
  peakMemoryBytes(): number;
  /** Whether the processes hold more than `memoryMb`, /tmp not counted. */
  exceeds(memoryMb: number): boolean;
  /** Every process in it gets SIGKILL. */
  kill(): void;
  /** Once its processes are gone. */
  remove(): void;
}

export interface ControlGroups {
  readonly version: 1 | 2;
  create(name: string, limits: Limits): ControlGroup;
  close(): void;
}

const ROOT = '/sys/fs/cgroup';
const MEGABYTE = 1024 * 1024;
/** As in Lambda. */
const MOST_PROCESSES = 1_024;
/** The share of a whole processor that 1,769 MB buy; weights are relative to it. */
const MEMORY_MB_PER_PROCESSOR = 1_769;
/** The least that both versions take. */
const LOWEST_WEIGHT = 2;
const REMOVE_ATTEMPTS = 20;
const REMOVE_PAUSE_MS = 50;

/** The control groups of this machine under a group of Brume's own, or undefined when there is no use to be made of them. */
export function openControlGroups(log: Logger): ControlGroups | undefined {
  if (process.platform !== 'linux') return undefined;
  for (const open of [openVersion2, openVersion1]) {
    try {
      const groups = open();
      if (groups) return groups;
    } catch (error) {
      log.debug('control groups cannot be used', { error });
    }
  }
  log.warn('the memory of functions is not limited: Brume may not write control groups here');
  return undefined;
}

function openVersion1(): ControlGroups | undefined {
  if (!existsSync(join(ROOT, 'memory', 'memory.limit_in_bytes'))) return undefined;
  const membership = readFileSync('/proc/self/cgroup', 'utf8');
  const name = ownName();
  const owns = new Map<string, string>();
  for (const controller of ['memory', 'pids', 'cpu']) {
    // `4:memory:/path` or `4:cpu,cpuacct:/path`: below Brume's own group, whose limits go on to hold.
    const mine = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, 'm').exec(membership)?.[1];
    const parent = join(ROOT, controller, mine ?? '');
    if (!existsSync(join(parent, 'cgroup.procs'))) continue;
    sweep(parent);
    mkdirSync(join(parent, name));
    owns.set(controller, join(parent, name));
  }
  const memoryDir = owns.get('memory');
  if (memoryDir === undefined) return undefined;
  return {
    version: 1,
    create(environment, limits) {
      const within = (controller: string) => {
        const own = owns.get(controller);
        return own === undefined ? undefined : join(own, environment);
      };
      const paths = [...owns.values()].map((own) => join(own, environment));
      for (const path of paths) mkdirSync(path);
      const [memory, pids, cpu] = [within('memory')!, within('pids'), within('cpu')];
      if (pids) writeFileSync(join(pids, 'pids.max'), String(MOST_PROCESSES));
      const limit = (wanted: Limits) => {
        writeFileSync(join(memory, 'memory.limit_in_bytes'), String(hardLimitBytes(wanted)));
        if (cpu) writeFileSync(join(cpu, 'cpu.shares'), String(weight(wanted, 1_024)));
      };
      limit(limits);
      return new Group({
        paths,
        limit,
        peakFile: join(memory, 'memory.max_usage_in_bytes'),
        statFile: join(memory, 'memory.stat'),
        residentFields: ['total_rss', 'rss'],
      });
    },
    close: () => removeAll([...owns.values()], REMOVE_ATTEMPTS),
  };
}

function openVersion2(): ControlGroups | undefined {
  if (!existsSync(join(ROOT, 'cgroup.controllers'))) return undefined;
  const mine = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  // A group with processes cannot share its controllers out, so the environments stand beside Brume's own group.
  const parent = join(ROOT, mine === '/' ? '' : join(mine, '..'));
  const controllers = readFileSync(join(parent, 'cgroup.controllers'), 'utf8').trim().split(' ');
  if (!controllers.includes('memory')) return undefined;
  const wanted = ['memory', 'pids', 'cpu'].filter((name) => controllers.includes(name));
  const shared = wanted.map((name) => `+${name}`).join(' ');
  sweep(parent);
  writeFileSync(join(parent, 'cgroup.subtree_control'), shared);
  const own = join(parent, ownName());
  mkdirSync(own);
  writeFileSync(join(own, 'cgroup.subtree_control'), shared);
  return {
    version: 2,
    create(environment, limits) {
      const path = join(own, environment);
      mkdirSync(path);
      if (wanted.includes('pids')) writeFileSync(join(path, 'pids.max'), String(MOST_PROCESSES));
      const limit = (limitsNow: Limits) => {
        writeFileSync(join(path, 'memory.max'), String(hardLimitBytes(limitsNow)));
        if (wanted.includes('cpu')) writeFileSync(join(path, 'cpu.weight'), String(weight(limitsNow, 100)));
      };
      limit(limits);
      return new Group({
        paths: [path],
        limit,
        peakFile: join(path, 'memory.peak'),
        statFile: join(path, 'memory.stat'),
        residentFields: ['anon'],
      });
    },
    close: () => removeAll([own], REMOVE_ATTEMPTS),
  };
}

function ownName(): string {
  return `brume-${process.pid}-${randomHex(6)}`;
}

/** Removes what a Brume that was killed left behind. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = /^brume-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    for (const entry of readdirSync(join(parent, name), { withFileTypes: true })) {
      if (entry.isDirectory()) removeQuietly(join(parent, name, entry.name));
    }
    removeQuietly(join(parent, name));
  }
}

function hardLimitBytes({ memoryMb, ephemeralStorageMb }: Limits): number {
  return (memoryMb + ephemeralStorageMb) * MEGABYTE;
}

function weight({ memoryMb, isBackground }: Limits, wholeProcessor: number): number {
  if (isBackground) return LOWEST_WEIGHT;
  return Math.max(LOWEST_WEIGHT, Math.round((memoryMb / MEMORY_MB_PER_PROCESSOR) * wholeProcessor));
}

/** The kernel needs a moment to see the last process of a group off. */
function removeAll(paths: string[], attempts: number): void {
  const left = paths.filter((path) => !removeQuietly(path));
  if (left.length === 0 || attempts === 0) return;
  const realTime = new SystemClock();
  realTime.at(realTime.now() + REMOVE_PAUSE_MS, () => removeAll(left, attempts - 1));
}

function removeQuietly(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return !existsSync(path);
  }
}

interface GroupFiles {
  paths: string[];
  limit(limits: Limits): void;
  peakFile: string;
  statFile: string;
  residentFields: string[];
}

class Group implements ControlGroup {
  readonly joinFiles: readonly string[];
  readonly limit: (limits: Limits) => void;
  readonly #paths: string[];
  readonly #statFile: string;
  readonly #residentFields: string[];
  readonly #buffer = Buffer.alloc(32);
  #peakFile: number | undefined;

  constructor({ paths, limit, peakFile, statFile, residentFields }: GroupFiles) {
    this.#paths = paths;
    this.limit = limit;
    this.joinFiles = paths.map((path) => join(path, 'cgroup.procs'));
    this.#statFile = statFile;
    this.#residentFields = residentFields;
    // memory.peak came with Linux 5.19.
    this.#peakFile = existsSync(peakFile) ? openSync(peakFile, 'r') : undefined;
  }

  peakMemoryBytes(): number {
    if (this.#peakFile === undefined) return this.#residentBytes();
    const length = readSync(this.#peakFile, this.#buffer, 0, this.#buffer.length, 0);
    return Number(this.#buffer.toString('latin1', 0, length));
  }

  exceeds(memoryMb: number): boolean {
    return this.peakMemoryBytes() > memoryMb * MEGABYTE && this.#residentBytes() > memoryMb * MEGABYTE;
  }

  #residentBytes(): number {
    const fields = new Map(
      readFileSync(this.#statFile, 'latin1')
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    );
    return Number(this.#residentFields.map((name) => fields.get(name)).find((value) => value !== undefined) ?? 0);
  }

  kill(): void {
    for (const file of this.joinFiles) {
      let ids: string[];
      try {
        ids = readFileSync(file, 'latin1').split('\n');
      } catch {
        continue;
      }
      for (const id of ids) {
        if (id === '') continue;
        try {
          process.kill(Number(id), 'SIGKILL');
        } catch {
          // It ended by itself.
        }
      }
    }
  }

  remove(): void {
    if (this.#peakFile !== undefined) closeSync(this.#peakFile);
    this.#peakFile = undefined;
    removeAll(this.#paths, REMOVE_ATTEMPTS);
  }
}
