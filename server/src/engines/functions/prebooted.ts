// Interpreters that are booted ahead, each in a sandbox of its own that never saw a function: a cold start then costs what
// is the function's own. Such a one waits on its connection for the environment variables; the code gets in by hard links in
// two directories that the sandbox shows as /var/task and /opt, since a later mount would not reach it without privileges.
//
// For programs that functions bring (provided.*) it is a shell that waits in the sandbox, to become the program.
//
// What an interpreter reads when it starts cannot come late: functions that set such a variable, have another size of /tmp, a
// file system or a package of too many files start as ever. None is booted before a runtime was used, few are kept, and unused ones go.
// docs/decisions/0007-prebooted-sandboxes.md

import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SystemClock, type Timer } from '#core/clock.ts';
import { randomHex } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import type { ControlGroup, ControlGroups } from './cgroups.ts';
import type { FunctionVersion } from './function-engine.ts';
import type { Interpreter } from './interpreter.ts';
import type { Cell, Isolation } from './isolation/isolation.ts';
import type { Emit } from './output-reader.ts';
import { linkContents, type PackageContents, readContents, topModuleNames } from './package-contents.ts';
import type { RuntimeConnection, RuntimeRequests } from './runtime-connection.ts';
import { RuntimeProcess } from './runtime-process.ts';

export interface PrebootedRuntimesOptions {
  isolation: Isolation;
  groups: ControlGroups | undefined;
  log: Logger;
  hostsFile?: string;
  /** For the directories of the sandboxes; on the file system of the code. */
  dir: string;
  /** Whether a directory is one of the code store, whose content stays as it is. */
  isStored(dir: string): boolean;
  /** How long they are kept after the last start that they could have served. */
  idleTimeoutMs: number;
}

export interface PrebootedRuntime {
  process: RuntimeProcess;
  group: ControlGroup | undefined;
}

interface Slot extends PrebootedRuntime {
  dir: string;
  /** Modules that came with what was imported ahead. */
  loaded: readonly string[];
  /** Those of them that are no part of the language. */
  installed: readonly string[];
}

interface Kind {
  key: string;
  interpreter: Interpreter;
  preload: string;
  /** What the interpreter reads at its start. */
  environment: Record<string, string>;
  slots: Slot[];
  wanted: number;
  lastUsedMs: number;
}

/** Of a runtime after its first use; more when a burst finds none. */
const FEWEST_SLOTS = 2;
const MOST_SLOTS_OF_A_KIND = 4;
const MOST_SLOTS = 8;
/** Boots wait until the start that set them off is over. */
const REFILL_DELAY_MS = 60;
const LONGEST_BOOT_MS = 10_000;
const MOST_CONTENTS = 200;
/** As AWS gives when nobody asks for more. */
const TMP_MB = 512;
/** While it boots; the function's own limit follows. */
const BOOT_MEMORY_MB = 512;

const BOOTED_AHEAD: ReadonlySet<Interpreter['language']> = new Set(['python', 'nodejs', 'ruby', 'provided']);

/** Variables that interpreters, the loader and the C library read at their start, or that say what is started. */
const READ_AT_START =
  /^(?:PYTHON|NODE_|RUBY|LD_|LC_|MALLOC_|OPENSSL_|SSL_|UV_|ICU_|GCONV_|AWS_NEW_RETRIES)|^(?:LANG|LANGUAGE|LOCPATH|TZ|TZDIR|HOME|GLIBC_TUNABLES|AWS_LAMBDA_EXEC_WRAPPER|SSLKEYLOGFILE)$/;

export class PrebootedRuntimes {
  readonly #options: PrebootedRuntimesOptions;
  readonly #realTime = new SystemClock();
  readonly #kinds = new Map<string, Kind>();
  /** By directory; null for what has too many files. */
  readonly #contents = new Map<string, PackageContents | null>();
  #refill: Timer | undefined;
  #reaper: Timer | undefined;
  #booting: Promise<void> | undefined;
  #stopped = false;

  constructor(options: PrebootedRuntimesOptions) {
    this.#options = options;
  }

  /**
   * A runtime that has the function's code, and got its environment: it goes on with the initialization. Undefined when there is
   * none, or this function must be started as ever; there will be some for the next in the first case.
   */
  take(
    version: FunctionVersion,
    interpreter: Interpreter,
    environment: Readonly<Record<string, string>>,
    onOutput: Emit,
    attach?: (requests: RuntimeRequests) => Pick<RuntimeConnection, 'sendEvent'>,
  ): PrebootedRuntime | undefined {
    const packages = this.#packagesOf(version, interpreter);
    if (!packages) return undefined;
    const script = attach && this.#options.isolation.becoming?.(interpreter.executable, environment);
    if (attach && !script) return undefined;
    const kind = this.#use(interpreter, preloadFor(interpreter, packages), environment);
    const isUsual = attach !== undefined || isDeepStrictEqual(startVariables(environment), kind.environment);
    const slot = isUsual ? this.#suitable(kind, packages, interpreter) : undefined;
    this.#planRefill();
    if (!slot) return undefined;
    try {
      const [code, layers] = packages;
      linkContents(code!, join(slot.dir, 'task'));
      if (layers) linkContents(layers, join(slot.dir, 'opt'));
      slot.group?.limit(version);
    } catch (error) {
      this.#options.log.debug('a function could not be given to a booted runtime', { error });
      void slot.process.kill().then(() => slot.group?.remove());
      return undefined;
    }
    if (attach) slot.process.become(script!, onOutput, attach);
    else slot.process.assign(environment, onOutput);
    return slot;
  }

  /** Ends all that are free. Runtimes that were taken belong to their environments. */
  async clear(): Promise<void> {
    this.#refill?.cancel();
    this.#refill = undefined;
    this.#reaper?.cancel();
    this.#reaper = undefined;
    this.#contents.clear();
    const kinds = [...this.#kinds.values()];
    this.#kinds.clear();
    await this.#booting;
    await Promise.all(kinds.map((kind) => this.#empty(kind)));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.clear();
  }

  /** How many wait. */
  get size(): number {
    let size = 0;
    for (const { slots } of this.#kinds.values()) size += slots.length;
    return size;
  }

  /** The contents of code and layers; undefined when this function cannot be assigned late. */
  #packagesOf(version: FunctionVersion, { language, root }: Interpreter): PackageContents[] | undefined {
    const { codeDir, layersDir, fileSystems, ephemeralStorageMb, environment } = version;
    if (root || fileSystems?.length || !BOOTED_AHEAD.has(language)) return undefined;
    if (this.#options.isolation.name === 'process' || ephemeralStorageMb !== TMP_MB) return undefined;
    const isEarly = (name: string) => language !== 'provided' && READ_AT_START.test(name);
    if (Object.keys(environment).some(isEarly)) return undefined;
    const packages: PackageContents[] = [];
    for (const dir of layersDir === undefined ? [codeDir] : [codeDir, layersDir]) {
      const contents = this.#options.isStored(dir) ? this.#contentsOf(dir) : undefined;
      if (!contents) return undefined;
      packages.push(contents);
    }
    return packages;
  }

  #contentsOf(dir: string): PackageContents | undefined {
    let contents = this.#contents.get(dir);
    if (contents === undefined) {
      contents = readContents(dir) ?? null;
      this.#contents.set(dir, contents);
      if (this.#contents.size > MOST_CONTENTS) this.#contents.delete(this.#contents.keys().next().value!);
    }
    return contents ?? undefined;
  }

  #use(interpreter: Interpreter, preload: string, environment: Readonly<Record<string, string>>): Kind {
    const key = `${interpreter.runtime} ${preload}`;
    let kind = this.#kinds.get(key);
    if (!kind) {
      kind = {
        key,
        interpreter,
        preload,
        environment: startVariables(environment),
        slots: [],
        wanted: FEWEST_SLOTS,
        lastUsedMs: 0,
      };
      this.#kinds.set(key, kind);
    } else if (kind.slots.length === 0) kind.wanted = Math.min(MOST_SLOTS_OF_A_KIND, kind.wanted * 2);
    kind.lastUsedMs = this.#realTime.now();
    return kind;
  }

  /** One that lives, and brought no module of which the function may have its own. */
  #suitable(kind: Kind, packages: PackageContents[], interpreter: Interpreter): Slot | undefined {
    while (kind.slots.length > 0) {
      const slot = kind.slots[0]!;
      if (slot.process.ended) {
        kind.slots.shift();
        slot.group?.remove();
        continue;
      }
      if (slot.loaded.length > 0 && mayReplace(slot, packages, interpreter)) return undefined;
      kind.slots.shift();
      return slot;
    }
    return undefined;
  }

  #planRefill(): void {
    if (this.#stopped || this.#refill || this.#booting) return;
    this.#refill = this.#realTime.at(this.#realTime.now() + REFILL_DELAY_MS, () => {
      this.#refill = undefined;
      this.#booting = this.#bootNext()
        .catch((error) => {
          this.#options.log.debug('a runtime could not be booted ahead', { error });
          return false;
        })
        .then((isMoreWanted) => {
          this.#booting = undefined;
          if (isMoreWanted) this.#planRefill();
        });
    });
  }

  /** One after the other, the kind that was used last first; whether there may be more to do. */
  async #bootNext(): Promise<boolean> {
    const byUse = [...this.#kinds.values()].sort((a, b) => b.lastUsedMs - a.lastUsedMs);
    const kind = byUse.find((one) => one.slots.length < one.wanted);
    if (!kind) return false;
    if (this.size >= MOST_SLOTS) {
      const leastUsed = byUse.findLast((one) => one !== kind && one.slots.length > 0);
      if (!leastUsed || leastUsed.lastUsedMs > kind.lastUsedMs) return false;
      await this.#empty(leastUsed);
      this.#kinds.delete(leastUsed.key);
    }
    const slot = await this.#boot(kind);
    if (!slot) {
      // It will be tried again when it is next used.
      this.#kinds.delete(kind.key);
      await this.#empty(kind);
      return false;
    }
    if (this.#kinds.get(kind.key) === kind) kind.slots.push(slot);
    else await this.#end(slot);
    this.#armReaper();
    return true;
  }

  async #boot({ interpreter, preload, environment }: Kind): Promise<Slot | undefined> {
    const { isolation, groups, hostsFile } = this.#options;
    const waits = interpreter.language === 'provided';
    if (waits && !isolation.waiting) return undefined;
    const id = `booted-${randomHex(16)}`;
    const dir = join(this.#options.dir, id);
    mkdirSync(join(dir, 'task'), { recursive: true, mode: 0o755 });
    mkdirSync(join(dir, 'opt'), { mode: 0o755 });
    mkdirSync(join(dir, 'root'));
    const cell: Cell = {
      interpreter: { ...interpreter, args: [...interpreter.args, preload === '' ? 'wait' : `wait:${preload}`] },
      codeDir: join(dir, 'task'),
      layersDir: join(dir, 'opt'),
      // Where the root is built, which hides what is there.
      dir: join(dir, 'root'),
      ephemeralStorageMb: TMP_MB,
      ...(hostsFile === undefined ? {} : { hostsFile }),
    };
    const group = groups?.create(id, { memoryMb: BOOT_MEMORY_MB, ephemeralStorageMb: TMP_MB, isBackground: true });
    const process = new RuntimeProcess({
      command: waits ? isolation.waiting!(cell) : isolation.command(cell, environment),
      group,
      waits,
      onOutput: () => {},
      onEnded: () => rm(dir, { recursive: true, force: true }),
    });
    const timer = this.#realTime.at(this.#realTime.now() + LONGEST_BOOT_MS, () => void process.kill());
    const told = await process.booted();
    timer.cancel();
    if (!told) {
      await process.kill();
      group?.remove();
      return undefined;
    }
    const { loaded = [], installed = [] } = JSON.parse(told.toString()) as Partial<Slot>;
    return { process, group, dir, loaded, installed };
  }

  async #empty(kind: Kind): Promise<void> {
    await Promise.all(kind.slots.splice(0).map((slot) => this.#end(slot)));
  }

  async #end({ process, group }: Slot): Promise<void> {
    await process.kill();
    group?.remove();
  }

  /** One timer, for the kind that is due first. */
  #armReaper(): void {
    if (this.#reaper || this.#stopped) return;
    const kinds = [...this.#kinds.values()];
    if (kinds.length === 0) return;
    const firstMs = Math.min(...kinds.map((kind) => kind.lastUsedMs)) + this.#options.idleTimeoutMs;
    this.#reaper = this.#realTime.at(firstMs, async () => {
      this.#reaper = undefined;
      const beforeMs = this.#realTime.now() - this.#options.idleTimeoutMs;
      for (const kind of [...this.#kinds.values()]) {
        if (kind.lastUsedMs > beforeMs) continue;
        this.#kinds.delete(kind.key);
        await this.#empty(kind);
      }
      this.#armReaper();
    });
  }
}

function startVariables(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => READ_AT_START.test(name)));
}

/** The AWS SDK for Python takes ten times as long to import as Python to start: it is there when a function will ask for it. */
function preloadFor({ language }: Interpreter, packages: PackageContents[]): string {
  if (language !== 'python' || !packages.some((one) => one.usesBoto3)) return '';
  const mayBringItsOwn = ({ hasArchives, moduleNames }: PackageContents) =>
    hasArchives || moduleNames.has('boto3') || moduleNames.has('botocore');
  return packages.some(mayBringItsOwn) ? '' : 'boto3';
}

function mayReplace({ loaded, installed }: Slot, packages: PackageContents[], { version }: Interpreter): boolean {
  const minor = version.split('.').slice(0, 2).join('.');
  const [code, layers] = packages;
  const own = [
    topModuleNames(code!, ['']),
    ...(layers ? [topModuleNames(layers, ['python/', `python/lib/python${minor}/site-packages/`])] : []),
  ];
  if (loaded.some((name) => own.some((names) => names.has(name)))) return true;
  // The function may add any directory of its package to where it looks for modules.
  return (
    installed.length > 0 &&
    packages.some((one) => one.hasArchives || installed.some((name) => one.moduleNames.has(name)))
  );
}
