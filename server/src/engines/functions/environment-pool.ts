// The environments of all functions: one invocation at a time each, reused while warm, the longest idle going first when
// they are too many, all of them after a while without work. Those that share a runtime come and go together.

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
  /** The same for environments that share a runtime. */
  group: object;
  /** Not the first of its group: not counted. */
  isExtra: boolean;
  idleSinceMs: number;
  /** Stays however long it idles, and is used before others. */
  isProvisioned: boolean;
  /** Goes as soon as it is free. */
  retired: boolean;
}

export interface EnvironmentPoolOptions {
  clock: Clock;
  idleTimeoutMs: number;
  /** One, or as many as share a runtime. */
  create(version: FunctionVersion): Promise<Environment[]>;
}

export class EnvironmentPool {
  readonly #options: EnvironmentPoolOptions;
  /** Idle ones of a version, the one used last at the end. */
  readonly #idle = new Map<string, PooledEnvironment[]>();
  /** All idle ones, the longest idle first. */
  readonly #idleInOrder = new Set<PooledEnvironment>();
  readonly #busy = new Set<PooledEnvironment>();
  /** How many of a version stay, idle as they are. */
  readonly #kept = new Map<string, { version: FunctionVersion; count: number }>();
  /** Groups that are being made; who comes meanwhile may get one of them. */
  readonly #making = new Map<string, Promise<PooledEnvironment[]>>();
  #idleExtras = 0;
  #reaper: Timer | undefined;

  constructor(options: EnvironmentPoolOptions) {
    this.#options = options;
  }

  /** An environment for one invocation, of its tenant only; `release` gives it back. */
  async acquire(version: FunctionVersion, tenantId?: string): Promise<PooledEnvironment> {
    for (;;) {
      const warm = this.#warm(version, tenantId);
      if (warm) return warm;
      const making = this.#making.get(version.versionArn);
      if (!making) break;
      await making.catch(() => {});
    }
    if (version.lanes !== undefined && version.lanes > 1) {
      const [first] = await this.#makeGroup(version, false);
      return first!;
    }
    const [environment] = await this.#options.create(version);
    const entry = entryOf(environment!, version, tenantId);
    this.#busy.add(entry);
    return entry;
  }

  /** One that is there; undefined where there is none. */
  #warm(version: FunctionVersion, tenantId: string | undefined): PooledEnvironment | undefined {
    const idle = this.#idle.get(version.versionArn);
    const isShared = version.lanes !== undefined && version.lanes > 1;
    while (idle?.length) {
      const entry =
        (isShared ? leastLoaded(idle) : undefined) ??
        idle.findLast((one) => one.isProvisioned) ??
        (tenantId === undefined ? idle.at(-1)! : idle.findLast((one) => one.tenantId === tenantId));
      if (!entry) break;
      this.#removeIdle(entry);
      if (entry.revision !== version.revision || entry.environment.isSpent) {
        void entry.environment.destroy();
        continue;
      }
      this.#busy.add(entry);
      entry.environment.wake();
      return entry;
    }
    return undefined;
  }

  /** Environments with one runtime, initialized; all but the first are idle then, which is busy. */
  #makeGroup(version: FunctionVersion, isProvisioned: boolean): Promise<PooledEnvironment[]> {
    const { versionArn } = version;
    const making = (async () => {
      const environments = await this.#options.create(version);
      const group = {};
      const entries = environments.map((environment, index) => ({
        ...entryOf(environment, version, undefined),
        ...{ group, isExtra: index > 0, isProvisioned },
      }));
      for (const entry of entries) this.#busy.add(entry);
      const isReady = await environments[0]!.warm().catch(() => false);
      for (const entry of entries.slice(1)) {
        if (!isReady) entry.retired = true;
        this.release(entry);
      }
      return entries;
    })();
    this.#making.set(versionArn, making);
    const made = () => {
      if (this.#making.get(versionArn) === making) this.#making.delete(versionArn);
    };
    making.then(made, made);
    return making;
  }

  /** Keeps as many of a version; resolves with how many there are once all are initialized, or one failed. */
  async provision(version: FunctionVersion, count: number): Promise<number> {
    const { versionArn, revision } = version;
    if (count === 0) this.#kept.delete(versionArn);
    else this.#kept.set(versionArn, { version, count });
    for (const old of [...(this.#idle.get(versionArn) ?? [])]) if (old.revision !== revision) void this.#end(old);
    const there = () =>
      [...(this.#idle.get(versionArn) ?? []), ...this.#busy].filter(
        (entry) =>
          entry.isProvisioned &&
          !entry.isExtra &&
          !entry.environment.isSpent &&
          entry.versionArn === versionArn &&
          entry.revision === revision,
      );
    const surplus = new Set(
      there()
        .slice(count)
        .map(({ group }) => group),
    );
    for (const entry of [...(this.#idle.get(versionArn) ?? []), ...this.#busy]) {
      if (surplus.has(entry.group)) entry.isProvisioned = false;
    }
    const begin = async () => {
      if (version.lanes !== undefined && version.lanes > 1) {
        const [first] = await this.#makeGroup(version, true);
        if (this.#kept.get(versionArn)?.count !== count) first!.retired = true;
        this.release(first!);
        return;
      }
      const [environment] = await this.#options.create(version);
      const entry = { ...entryOf(environment!, version, undefined), isProvisioned: true };
      this.#busy.add(entry);
      const isReady = await environment!.warm().catch(() => false);
      if (!isReady || this.#kept.get(versionArn)?.count !== count) entry.retired = true;
      this.release(entry);
    };
    const missing = Math.max(0, count - there().length);
    await Promise.allSettled(Array.from({ length: missing }, begin));
    return there().length;
  }

  release(entry: PooledEnvironment): void {
    if (!this.#busy.delete(entry)) return;
    if (entry.retired || entry.environment.isSpent) {
      void entry.environment.destroy();
      if (entry.environment.isSpent) this.#replaceGroup(entry);
      return;
    }
    entry.idleSinceMs = this.#options.clock.now();
    entry.environment.rest();
    const idle = this.#idle.get(entry.versionArn);
    if (idle) idle.push(entry);
    else this.#idle.set(entry.versionArn, [entry]);
    this.#idleInOrder.add(entry);
    if (entry.isExtra) this.#idleExtras++;
    if (this.#idleInOrder.size - this.#idleExtras > MOST_IDLE) {
      const dispensable = [...this.#idleInOrder].find((one) => !one.isProvisioned);
      for (const one of dispensable ? this.#idleOf(dispensable) : []) void this.#end(one);
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
    this.#idleExtras = 0;
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

  /** The idle environments that go with one. */
  #idleOf({ versionArn, group }: PooledEnvironment): PooledEnvironment[] {
    return (this.#idle.get(versionArn) ?? []).filter((one) => one.group === group);
  }

  /** Their runtime takes no more: those that idle end at once, and another group is made where such are kept. */
  #replaceGroup(entry: PooledEnvironment): void {
    for (const idle of this.#idleOf(entry)) void this.#end(idle);
    const kept = this.#kept.get(entry.versionArn);
    if (!kept || !entry.isProvisioned || kept.version.revision !== entry.revision) return;
    this.provision(kept.version, kept.count).catch(() => {});
  }

  #longestIdle(): PooledEnvironment | undefined {
    return this.#idleInOrder.values().next().value;
  }

  #end(entry: PooledEnvironment): Promise<void> {
    this.#removeIdle(entry);
    return entry.environment.destroy();
  }

  #removeIdle(entry: PooledEnvironment): void {
    if (this.#idleInOrder.delete(entry) && entry.isExtra) this.#idleExtras--;
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

/** Of its own; a group makes it one of theirs. */
function entryOf(
  environment: Environment,
  { versionArn, revision }: FunctionVersion,
  tenantId: string | undefined,
): PooledEnvironment {
  const own = { idleSinceMs: 0, retired: false, isProvisioned: false, isExtra: false };
  return { environment, versionArn, tenantId, revision, group: {}, ...own };
}

/** Of those that share runtimes: invocations spread over these. */
function leastLoaded(idle: readonly PooledEnvironment[]): PooledEnvironment {
  return idle.reduce((least, one) => (one.environment.load < least.environment.load ? one : least));
}
