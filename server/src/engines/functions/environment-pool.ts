// The environments of all functions: one invocation at a time each, reused while warm, the longest idle going first when
// they are too many, all of them after a while without work.

import type { Clock, Timer } from '#core/clock.ts';
import type { Environment } from './environment.ts';
import type { FunctionVersion } from './function-engine.ts';

/** As long as an environment may idle. */
export const DEFAULT_IDLE_TIMEOUT_MS = 10 * 60_000;
/** Idle environments in all; each is a process that holds memory. */
const MOST_IDLE = 100;

export interface PooledEnvironment {
  environment: Environment;
  versionArn: string;
  /** The only one that it serves. */
  tenantId: string | undefined;
  revision: string;
  idleSinceMs: number;
  /** Stays however long it idles, and is used before others. */
  isProvisioned: boolean;
  /** Goes as soon as it is free. */
  retired: boolean;
}

export interface EnvironmentPoolOptions {
  clock: Clock;
  idleTimeoutMs: number;
  create(version: FunctionVersion): Promise<Environment>;
}

export class EnvironmentPool {
  readonly #options: EnvironmentPoolOptions;
  /** Idle ones of a version, the one used last at the end. */
  readonly #idle = new Map<string, PooledEnvironment[]>();
  /** All idle ones, the longest idle first. */
  readonly #idleInOrder = new Set<PooledEnvironment>();
  readonly #busy = new Set<PooledEnvironment>();
  /** How many of a version stay, idle as they are. */
  readonly #kept = new Map<string, number>();
  #reaper: Timer | undefined;

  constructor(options: EnvironmentPoolOptions) {
    this.#options = options;
  }

  /** An environment for one invocation, of its tenant only; `release` gives it back. */
  async acquire(version: FunctionVersion, tenantId?: string): Promise<PooledEnvironment> {
    const idle = this.#idle.get(version.versionArn);
    while (idle?.length) {
      const entry =
        idle.findLast((one) => one.isProvisioned) ??
        (tenantId === undefined ? idle.at(-1)! : idle.findLast((one) => one.tenantId === tenantId));
      if (!entry) break;
      this.#removeIdle(entry);
      if (entry.revision !== version.revision) {
        void entry.environment.destroy();
        continue;
      }
      this.#busy.add(entry);
      entry.environment.wake();
      return entry;
    }
    const environment = await this.#options.create(version);
    const { versionArn, revision } = version;
    const entry = { environment, versionArn, tenantId, revision, idleSinceMs: 0, retired: false, isProvisioned: false };
    this.#busy.add(entry);
    return entry;
  }

  /** Keeps as many of a version; resolves with how many there are once all are initialized, or one failed. */
  async provision(version: FunctionVersion, count: number): Promise<number> {
    const { versionArn, revision } = version;
    if (count === 0) this.#kept.delete(versionArn);
    else this.#kept.set(versionArn, count);
    for (const old of [...(this.#idle.get(versionArn) ?? [])]) if (old.revision !== revision) void this.#end(old);
    const there = () =>
      [...(this.#idle.get(versionArn) ?? []), ...this.#busy].filter(
        (entry) => entry.isProvisioned && entry.versionArn === versionArn && entry.revision === revision,
      );
    for (const surplus of there().slice(count)) surplus.isProvisioned = false;
    const begin = async () => {
      const environment = await this.#options.create(version);
      const entry = {
        environment,
        ...{ versionArn, tenantId: undefined, revision },
        ...{ idleSinceMs: 0, retired: false, isProvisioned: true },
      };
      this.#busy.add(entry);
      const isReady = await environment.warm().catch(() => false);
      if (!isReady || this.#kept.get(versionArn) !== count) entry.retired = true;
      this.release(entry);
      return isReady;
    };
    const missing = Math.max(0, count - there().length);
    await Promise.allSettled(Array.from({ length: missing }, begin));
    return there().length;
  }

  release(entry: PooledEnvironment): void {
    if (!this.#busy.delete(entry)) return;
    if (entry.retired) {
      void entry.environment.destroy();
      return;
    }
    entry.idleSinceMs = this.#options.clock.now();
    entry.environment.rest();
    const idle = this.#idle.get(entry.versionArn);
    if (idle) idle.push(entry);
    else this.#idle.set(entry.versionArn, [entry]);
    this.#idleInOrder.add(entry);
    if (this.#idleInOrder.size > MOST_IDLE) {
      const dispensable = [...this.#idleInOrder].find((one) => !one.isProvisioned);
      if (dispensable) void this.#end(dispensable);
    }
    this.#armReaper();
  }

  /** Ends the environments of a version, the busy ones after their invocation. */
  async retire(versionArn: string): Promise<void> {
    this.#kept.delete(versionArn);
    for (const entry of this.#busy) if (entry.versionArn === versionArn) entry.retired = true;
    await Promise.all([...(this.#idle.get(versionArn) ?? [])].map((entry) => this.#end(entry)));
  }

  /** Ends all, whatever they do. */
  async clear(): Promise<void> {
    this.#reaper?.cancel();
    this.#reaper = undefined;
    const all = [...this.#idleInOrder, ...this.#busy];
    this.#idle.clear();
    this.#idleInOrder.clear();
    this.#kept.clear();
    this.#busy.clear();
    await Promise.all(all.map(({ environment }) => environment.destroy()));
  }

  async flushLogs(): Promise<void> {
    await Promise.all([...this.#idleInOrder, ...this.#busy].map(({ environment }) => environment.flushLog()));
  }

  get size(): number {
    return this.#idleInOrder.size + this.#busy.size;
  }

  #longestIdle(): PooledEnvironment | undefined {
    return this.#idleInOrder.values().next().value;
  }

  #end(entry: PooledEnvironment): Promise<void> {
    this.#removeIdle(entry);
    return entry.environment.destroy();
  }

  #removeIdle(entry: PooledEnvironment): void {
    this.#idleInOrder.delete(entry);
    const idle = this.#idle.get(entry.versionArn);
    if (!idle) return;
    idle.splice(idle.lastIndexOf(entry), 1);
    if (idle.length === 0) this.#idle.delete(entry.versionArn);
  }

  /** One timer, for the environment that is due first. */
  #armReaper(): void {
    if (this.#reaper) return;
    const first = this.#longestIdle();
    if (!first) return;
    this.#reaper = this.#options.clock.at(first.idleSinceMs + this.#options.idleTimeoutMs, () => this.#reap());
  }

  async #reap(): Promise<void> {
    this.#reaper = undefined;
    const beforeMs = this.#options.clock.now() - this.#options.idleTimeoutMs;
    const due = [...this.#idleInOrder].filter((entry) => entry.idleSinceMs <= beforeMs);
    await Promise.all(
      due.map((entry) => {
        if (!entry.isProvisioned) return this.#end(entry);
        entry.idleSinceMs = this.#options.clock.now();
        this.#idleInOrder.delete(entry);
        this.#idleInOrder.add(entry);
        return undefined;
      }),
    );
    this.#armReaper();
  }
}
