// Functions: environments that run a function's code, and the Runtime API they speak.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Clock, VirtualClock } from '#core/clock.ts';
import type { Config } from '#core/config.ts';
import { randomHex } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import type { LogStore } from '#engines/logs/log-store.ts';
import { type ControlGroups, openControlGroups } from './cgroups.ts';
import { CodeStore } from './code-store.ts';
import { Environment, type EnvironmentOptions } from './environment.ts';
import { DEFAULT_IDLE_TIMEOUT_MS, EnvironmentPool } from './environment-pool.ts';
import { type FileSystem, FileSystemError, FileSystems } from './file-systems.ts';
import { recordEnd, recordStart, recordThrottle } from './function-metrics.ts';
import { type ImageCommand, imageInterpreter } from './images/image-interpreter.ts';
import { type ResolvedImage, resolveImage } from './images/image-tool.ts';
import { fitted, type Interpreter, LANGUAGE_NAMES, MissingInterpreterError } from './interpreter.ts';
import { Interpreters } from './interpreters.ts';
import { type Cell, chooseIsolation, type Isolation } from './isolation/isolation.ts';
import { JointRuntime } from './joint-runtime.ts';
import type { Logging } from './log-level.ts';
import { LogStream } from './log-stream.ts';
import { PrebootedRuntimes } from './prebooted.ts';
import { logStreamName } from './report-lines.ts';
import type { ChunkSink } from './runtime-lane.ts';
import { StartGate } from './start-gate.ts';

export { CodeStore } from './code-store.ts';
export { type FileSystem, FileSystemError } from './file-systems.ts';
export { type ImageCommand, type ImageOverrides, imageCommand } from './images/image-interpreter.ts';
export { type ImageDefaults, ImageError, type ResolvedImage } from './images/image-tool.ts';
export { MissingInterpreterError } from './interpreter.ts';
export { BrokenPackageError, LARGEST_UNZIPPED_BYTES, PackageTooLargeError } from './unzip.ts';

export interface FunctionEngine {
  /**
   * Runs one invocation in a warm or new environment of this function version. Rejects with ConcurrencyLimitError,
   * MissingInterpreterError when the runtime cannot run on this machine, or FileSystemError; what the function does wrong is a result.
   */
  invoke(version: FunctionVersion, invocation: Invocation): Promise<InvocationResult>;
  /**
   * Keeps this many environments of a version initialized from now on, whether they are used or not; 0 lets them go as others.
   * Resolves with how many there are once all are ready, or one failed to initialize.
   */
  provision(version: FunctionVersion, count: number): Promise<number>;
  /** Ends the environments of a version (code or configuration changed, function deleted). */
  retire(versionArn: string): Promise<void>;
  /** Concurrent executions now, of one function or of all. */
  concurrency(functionArn?: string): number;
  /** Unpacked code. */
  readonly code: CodeStore;
  /**
   * A container image, fetched when it is not on this machine, its files unpacked. Rejects with ImageError, or
   * MissingInterpreterError where there is no sandbox for it.
   */
  image(uri: string): Promise<ResolvedImage>;
  /** What would run this runtime; rejects with MissingInterpreterError, which says what to install. */
  interpreter(runtime: string): Promise<Pick<Interpreter, 'version' | 'exact' | 'runtimeVersionHash'>>;
  /** Resolves once what functions wrote until now is durable. */
  flushLogs(): Promise<void>;
  stop(): Promise<void>;
  reset(): Promise<void>;
}

export type { ChunkSink } from './runtime-lane.ts';

/** All that an environment needs to know of a function version. */
export interface FunctionVersion {
  /** With the qualifier: arn:aws:lambda:region:account:function:name:version; environments are pooled by it and `revision`. */
  versionArn: string;
  functionArn: string;
  functionName: string;
  version: string;
  account: string;
  region: string;
  /** Changes with code and configuration. */
  revision: string;
  runtime: string;
  handler: string;
  /** Of a function from a container image, whose files are in `codeDir`; its runtime and handler are empty. */
  image?: ImageCommand;
  timeoutS: number;
  memoryMb: number;
  ephemeralStorageMb: number;
  environment: Record<string, string>;
  /** Directory with the unpacked code, read-only for the function. */
  codeDir: string;
  /** Directory with the function's layers, one over the other: /opt. */
  layersDir?: string;
  /** Directories below /mnt that outlive the environment. */
  fileSystems?: readonly FileSystem[];
  /** Credentials of the execution role that the function sees. */
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
  /** Endpoint under which the function reaches Brume. */
  endpoint: string;
  logGroup: string;
  /** Format and levels of its log; text when not set. */
  logging?: Logging;
  /** AWS_LAMBDA_INITIALIZATION_TYPE; on-demand when not set. */
  initializationType?: 'provisioned-concurrency' | 'lambda-managed-instances';
  /** The most concurrent executions of this version, which the limits of functions and of all do not concern. */
  managedConcurrency?: number;
  /** Invocations that one environment serves at once, where its runtime can. */
  lanes?: number;
  /** The most concurrent executions of this function; without it only the limit of all functions holds. */
  reservedConcurrency?: number;
  /** The most concurrent executions of all functions without a reservation; what others reserved is not in it. */
  unreservedConcurrency?: number;
}

export interface Invocation {
  requestId: string;
  payload: Uint8Array;
  /** The ARN as invoked, with alias or version. */
  invokedFunctionArn: string;
  /** Base64 as in X-Amz-Client-Context. */
  clientContext?: string;
  traceHeader?: string;
  /** Environments that served one tenant serve no other, and none of a function's without. */
  tenantId?: string;
  /**
   * Takes a response that the function streams, stretch by stretch as it is made; the function waits for the promise. The
   * result's payload is then empty. Without it a streamed response is gathered into the payload.
   */
  onChunk?: ChunkSink;
}

export interface InvocationResult {
  payload: Uint8Array;
  /** `Unhandled` or `Handled`, absent on success. */
  functionError?: string;
  /** The last 4 KB of the log. */
  logTail: string;
  durationMs: number;
  billedDurationMs: number;
  initDurationMs?: number;
  maxMemoryUsedMb: number;
  /** How long extensions went on after the runtime. */
  postRuntimeExtensionsDurationMs?: number;
  /** With extensions: the same with all that follows the response; the environment is busy until then. */
  whole?: Promise<InvocationResult>;
}

/** No environment could be had within the concurrency limit. */
export class ConcurrencyLimitError extends Error {
  /** As in TooManyRequestsException. */
  readonly reason: 'ConcurrentInvocationLimitExceeded' | 'ReservedFunctionConcurrentInvocationLimitExceeded';

  constructor(reason: ConcurrencyLimitError['reason']) {
    super('Rate Exceeded.');
    this.reason = reason;
  }
}

export interface FunctionEngineOptions {
  config: Pick<Config, 'functions'>;
  clock: Clock;
  logs: LogStore;
  meter: Meter;
  log: Logger;
  /** For what may be lost: unpacked code, sandboxes. */
  dir: string;
  /** For what functions keep in file systems. */
  fileSystemsDir: string;
}

/** As in AWS. */
export const DEFAULT_CONCURRENCY = 1_000;
/** The one that is always there: Brume runs on it. */
const TRIAL_RUNTIME = 'nodejs24.x';
const TRIAL_STORAGE_MB = 512;
/** Runtimes that start at once, per processor. */
const STARTS_PER_PROCESSOR = 2;

/** The names that this machine knows, and those by which extensions know their own sandbox. */
function writeHosts(dir: string): string {
  const file = join(dir, 'hosts');
  const own = existsSync('/etc/hosts') ? readFileSync('/etc/hosts', 'utf8').trimEnd() : '127.0.0.1 localhost';
  mkdirSync(dir, { recursive: true });
  writeFileSync(file, `${own}\n127.0.0.1 sandbox.localdomain sandbox\n`, { mode: 0o644 });
  return file;
}

export function createFunctionEngine(options: FunctionEngineOptions): FunctionEngine {
  return new Engine(options);
}

class Engine implements FunctionEngine {
  readonly code: CodeStore;
  readonly #options: FunctionEngineOptions;
  readonly #interpreters: Interpreters;
  readonly #pool: EnvironmentPool;
  readonly #gate = new StartGate(STARTS_PER_PROCESSOR * availableParallelism());
  readonly #environmentsDir: string;
  readonly #hostsFile: string;
  readonly #fileSystems: FileSystems;
  /** Executions now, by function. */
  readonly #executions = new Map<string, number>();
  #allExecutions = 0;
  /** Of functions without a reservation. */
  #unreservedExecutions = 0;
  readonly #noticed = new Set<string>();
  #isolation: Promise<Isolation> | undefined;
  /** Opened with the first environment; null when this machine has none. */
  #groups: ControlGroups | null | undefined;
  /** There from the first environment on. */
  #prebooted: PrebootedRuntimes | undefined;
  #clockHeld = false;

  constructor(options: FunctionEngineOptions) {
    this.#options = options;
    const { clock, config, dir } = options;
    this.code = new CodeStore(join(dir, 'code'));
    this.#environmentsDir = join(dir, 'environments');
    rmSync(this.#environmentsDir, { recursive: true, force: true });
    this.#hostsFile = writeHosts(dir);
    this.#fileSystems = new FileSystems(options.fileSystemsDir);
    this.#interpreters = new Interpreters({ configured: config.functions.interpreters, dir: join(dir, 'runtimes') });
    this.#pool = new EnvironmentPool({
      clock,
      idleTimeoutMs: config.functions.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      create: (version) => this.#createEnvironments(version),
    });
  }

  async invoke(version: FunctionVersion, invocation: Invocation): Promise<InvocationResult> {
    const { meter } = this.#options;
    const subject = { version, invokedFunctionArn: invocation.invokedFunctionArn };
    const isManaged = version.managedConcurrency !== undefined;
    const functionArn = isManaged ? version.versionArn : version.functionArn;
    const functionNow = (this.#executions.get(functionArn) ?? 0) + 1;
    const refusal = this.#refusal(version, functionNow);
    if (refusal) {
      recordThrottle(meter, subject);
      throw new ConcurrencyLimitError(refusal);
    }
    this.#executions.set(functionArn, functionNow);
    const isUnreserved = !isManaged && version.reservedConcurrency === undefined;
    if (!isManaged) this.#allExecutions++;
    if (isUnreserved) this.#unreservedExecutions++;
    const leave = () => {
      if (!isManaged) this.#allExecutions--;
      if (isUnreserved) this.#unreservedExecutions--;
      const left = this.#executions.get(functionArn)! - 1;
      if (left === 0) this.#executions.delete(functionArn);
      else this.#executions.set(functionArn, left);
    };
    // Set where the environment is busy for longer than the caller waits.
    let rest: Promise<void> | undefined;
    try {
      const entry = await this.#pool.acquire(version, invocation.tenantId);
      const giveBack = () => {
        this.#pool.release(entry);
        this.#holdClock();
      };
      recordStart(meter, subject, {
        function: functionNow,
        all: this.#allExecutions,
        unreserved: this.#unreservedExecutions,
      });
      try {
        const result = await entry.environment.invoke(invocation);
        if (!result.whole) recordEnd(meter, subject, result);
        else {
          rest = result.whole
            .then((whole) => recordEnd(meter, subject, whole))
            .catch((error) => this.#options.log.error('an invocation did not end as it should', { functionArn, error }))
            .finally(giveBack)
            .finally(leave);
        }
        return result;
      } finally {
        if (!rest) giveBack();
      }
    } finally {
      if (!rest) leave();
    }
  }

  provision(version: FunctionVersion, count: number): Promise<number> {
    return this.#pool.provision(version, count);
  }

  retire(versionArn: string): Promise<void> {
    return this.#pool.retire(versionArn);
  }

  concurrency(functionArn?: string): number {
    return functionArn === undefined ? this.#allExecutions : (this.#executions.get(functionArn) ?? 0);
  }

  interpreter(runtime: string): Promise<Interpreter> {
    return this.#interpreters.find(runtime);
  }

  async image(uri: string): Promise<ResolvedImage> {
    await this.#imageIsolation();
    const resolved = await resolveImage(uri);
    await this.code.findImage(resolved.id);
    return resolved;
  }

  flushLogs(): Promise<void> {
    return this.#pool.flushLogs();
  }

  async stop(): Promise<void> {
    this.#interpreters.close();
    await this.#prebooted?.stop();
    await this.#pool.clear();
    this.#groups?.close();
    this.#groups = undefined;
  }

  async reset(): Promise<void> {
    await this.#prebooted?.clear();
    await this.#pool.clear();
    await this.code.reset();
    this.#fileSystems.reset();
    this.#noticed.clear();
  }

  #refusal(version: FunctionVersion, functionNow: number): ConcurrencyLimitError['reason'] | undefined {
    if (version.managedConcurrency !== undefined) {
      return functionNow > version.managedConcurrency ? 'ConcurrentInvocationLimitExceeded' : undefined;
    }
    if (version.reservedConcurrency !== undefined && functionNow > version.reservedConcurrency) {
      return 'ReservedFunctionConcurrentInvocationLimitExceeded';
    }
    const limit = this.#options.config.functions.concurrency ?? DEFAULT_CONCURRENCY;
    const isUnreserved = version.reservedConcurrency === undefined;
    // What others reserved stays free for them.
    const isFull =
      this.#allExecutions >= limit ||
      (isUnreserved && this.#unreservedExecutions >= (version.unreservedConcurrency ?? limit));
    return isFull ? 'ConcurrentInvocationLimitExceeded' : undefined;
  }

  /** One; as many as its runtime serves invocations at once, where these share one. */
  async #createEnvironments(version: FunctionVersion): Promise<Environment[]> {
    const { clock, logs, log, config } = this.#options;
    const interpreter = version.image
      ? imageInterpreter(version.image, version.codeDir)
      : fitted(await this.#interpreters.find(version.runtime), version);
    const id = randomHex(32);
    const cell: Cell = {
      interpreter,
      codeDir: version.codeDir,
      ...(version.layersDir === undefined ? {} : { layersDir: version.layersDir }),
      dir: join(this.#environmentsDir, id),
      hostsFile: this.#hostsFile,
      ephemeralStorageMb: version.ephemeralStorageMb,
      mounts: this.#fileSystems.mounts(version.fileSystems, version.account),
    };
    mkdirSync(cell.dir, { recursive: true, mode: 0o700 });
    const isolation = version.image ? await this.#imageIsolation() : await this.#isolationFor(cell);
    if (cell.mounts?.length && isolation.name === 'process') {
      throw new FileSystemError(
        'File systems are mounted in sandboxes only: install bubblewrap, and leave functions.isolation as it is.',
      );
    }
    if (this.#groups === undefined) this.#groups = openControlGroups(log) ?? null;
    this.#prebooted ??= new PrebootedRuntimes({
      hostsFile: this.#hostsFile,
      isolation,
      groups: this.#groups ?? undefined,
      log,
      dir: this.#environmentsDir,
      isStored: (dir) => this.code.holds(dir),
      idleTimeoutMs: config.functions.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
    });
    const notice = this.#noticeFor(version, interpreter);
    const onDestroyed = this.code.use(version.codeDir, version.layersDir);
    const options: EnvironmentOptions = {
      id,
      version,
      cell,
      isolation,
      groups: this.#groups ?? undefined,
      prebooted: this.#prebooted,
      gate: this.#gate,
      clock,
      stream: new LogStream({
        logs,
        log,
        scope: { account: version.account, region: version.region },
        group: version.logGroup,
        stream: logStreamName(clock.now(), version.version, id),
      }),
      onDestroyed,
      ...(notice === undefined ? {} : { notice }),
    };
    const { lanes = 1 } = version;
    if (lanes === 1) return [new Environment(options)];
    const runtime = new JointRuntime(lanes, async () => {
      await rm(cell.dir, { recursive: true, force: true });
      onDestroyed();
    });
    return Array.from(
      { length: lanes },
      (_, index) => new Environment({ ...options, shared: { runtime, index, lanes } }),
    );
  }

  /** As chosen with the first cell. */
  #isolationFor(cell: Cell): Promise<Isolation> {
    const { config, log } = this.#options;
    this.#isolation ??= chooseIsolation(config.functions.isolation, cell, log);
    this.#isolation.catch(() => {
      this.#isolation = undefined;
    });
    return this.#isolation;
  }

  /** Whether a sandbox works is not tried out with a stranger's image. */
  async #imageIsolation(): Promise<Isolation> {
    const dir = join(this.#environmentsDir, 'trial');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const interpreter = await this.#interpreters.find(TRIAL_RUNTIME);
    const isolation = await this.#isolationFor({
      interpreter,
      codeDir: dir,
      dir,
      ephemeralStorageMb: TRIAL_STORAGE_MB,
    });
    if (isolation.name === 'sandbox') return isolation;
    throw new MissingInterpreterError(
      'Functions from container images need bubblewrap on this machine (apt-get install bubblewrap), and functions.isolation ' +
        'that is not "process".',
    );
  }

  /** Told once a function: another version of the language runs it than the one that it asks for. */
  #noticeFor({ functionArn, runtime }: FunctionVersion, interpreter: Interpreter): string | undefined {
    const key = `${functionArn} ${runtime}`;
    if (interpreter.exact || this.#noticed.has(key)) return undefined;
    this.#noticed.add(key);
    const language = LANGUAGE_NAMES[interpreter.language];
    return (
      `BRUME_NOTICE The runtime ${runtime} is run by ${language} ${interpreter.version}, ` +
      `the one that this machine has (${interpreter.program ?? interpreter.executable}).`
    );
  }

  /** A virtual clock must not run past log lines that are on their way: what they set off belongs before later timers. */
  #holdClock(): void {
    const { clock } = this.#options;
    if (this.#clockHeld || !(clock instanceof VirtualClock)) return;
    this.#clockHeld = true;
    clock.at(clock.now(), async () => {
      this.#clockHeld = false;
      await this.flushLogs();
    });
  }
}
