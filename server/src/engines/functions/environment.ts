// One execution environment: a log stream and a runtime process, which runs one invocation at a time. Its phases, and what
// happens when one fails: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
//
// An initialization that fails is tried once more as part of the invocation; a runtime that ends or is killed is
// replaced at the next invocation, in the same environment, its start then being a part of that invocation too.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, SystemClock, type Timer } from '#core/clock.ts';
import type { ControlGroup, ControlGroups } from './cgroups.ts';
import { environmentVariables } from './environment-variables.ts';
import type { FunctionVersion, Invocation, InvocationResult } from './function-engine.ts';
import { entryPointFault } from './images/entry-point.ts';
import { bringsProgram, speaksHttp } from './interpreter.ts';
import type { Cell, Isolation } from './isolation/isolation.ts';
import type { EnvironmentRuntime, JointRuntime } from './joint-runtime.ts';
import { severity, severityOfLine } from './log-level.ts';
import type { LogStream } from './log-stream.ts';
import { LogTail } from './log-tail.ts';
import { type Phase, PlatformLog } from './platform-log.ts';
import type { PrebootedRuntimes } from './prebooted.ts';
import { billedDurationMs, type Report } from './report-lines.ts';
import { findEntrypoint, problemOf } from './runtime-api/entrypoint.ts';
import { EXTENSION_PREFIX, Extensions, MOST_EXTENSIONS, type ShutdownReason } from './runtime-api/extensions.ts';
import { RuntimeApiServer } from './runtime-api/runtime-api-server.ts';
import { externalExtensions, SUPERVISOR, Supervisor } from './runtime-api/supervisor.ts';
import { LOGS_PREFIX, TELEMETRY_PREFIX, Telemetry } from './runtime-api/telemetry.ts';
import { LARGEST_RESPONSE_BYTES, type RuntimeRequests } from './runtime-connection.ts';
import type { ChunkSink } from './runtime-lane.ts';
import { type Outcome, type Readiness, RuntimeProcess } from './runtime-process.ts';
import type { StartGate } from './start-gate.ts';

export interface EnvironmentOptions {
  id: string;
  version: FunctionVersion;
  cell: Cell;
  isolation: Isolation;
  groups: ControlGroups | undefined;
  /** Where there is an isolation that allows it. */
  prebooted?: PrebootedRuntimes | undefined;
  stream: LogStream;
  clock: Clock;
  /** Written to the log once, after INIT_START. */
  notice?: string;
  /** Lets only so many runtimes start at once. */
  gate: StartGate;
  /** Called once when it is gone. */
  onDestroyed: () => void;
  /** With others, where a runtime serves several invocations at once; each has a lane of it. */
  shared?: { runtime: JointRuntime; index: number; lanes: number };
}

/** How long the first initialization may take. */
const LONGEST_INIT_MS = 10_000;
/** With external extensions: for all to shut down, and what of it the runtime may take. */
const LONGEST_SHUTDOWN_MS = 2_000;
const LONGEST_RUNTIME_SHUTDOWN_MS = 300;
/** Then, for telemetry that is on its way. */
const LONGEST_FLUSH_MS = 500;
/** Of an environment without work. */
const FREEZE_AFTER_MS = 100;
/** How often the memory of a running function is looked at. */
const MEMORY_WATCH_MS = 100;

type Status = NonNullable<Report['status']>;
/** What ends a phase from outside of the runtime. */
type Interruption = { kind: 'timeout' } | { kind: 'memory' };
/** Why there is no runtime to begin with. */
interface Fault {
  kind: 'fault';
  errorType: string;
  message: string;
}
type Start = Readiness | Interruption | Fault;

interface Ending {
  payload: Uint8Array;
  failed: boolean;
  /** What REPORT tells about it; only for failures of the environment. */
  status?: Status;
}

export class Environment {
  readonly #options: EnvironmentOptions;
  /** A function computes in real time, whatever the clock of the services says. */
  readonly #realTime = new SystemClock();
  #process: EnvironmentRuntime | undefined;
  /** Of environments that need it: most runtimes speak over a connection that they inherit. */
  #api: RuntimeApiServer | undefined;
  /** Those that registered with the process there is. */
  #extensions: Extensions | undefined;
  /** Where there are external ones. */
  #supervisor: Supervisor | undefined;
  /** While somebody may subscribe, or did. */
  #telemetry: Telemetry | undefined;
  /** What the platform itself says. */
  readonly #log: PlatformLog;
  /** Of what the function says, where its log has levels. */
  readonly #leastSeverity: number | undefined;
  #group: ControlGroup | undefined;
  #generation = 0;
  #peakMb = 0;
  #tail: LogTail | undefined;
  #destroyed: Promise<void> | undefined;
  #freezing: Timer | undefined;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
    const { clock, version } = options;
    this.#log = new PlatformLog({ version, now: () => clock.now(), write: (message) => this.#write(message) });
    const { format, applicationLevel = 'INFO' } = version.logging ?? {};
    this.#leastSeverity = format === 'JSON' ? severity(applicationLevel) : undefined;
  }

  /** Runs one invocation; resolves when the result is there and the environment may take the next. */
  async invoke(invocation: Invocation): Promise<InvocationResult> {
    const tail = new LogTail();
    this.#tail = tail;
    const { version } = this.#options;
    const first = this.#generation === 0;
    let initDurationMs: number | undefined;
    let beganMs = performance.now();
    let failure: Start | undefined;

    const readiness = await this.#warmReadiness();
    if (readiness?.kind === 'timeout') failure = readiness;
    else if (readiness?.kind !== 'ready') {
      const outcome = first
        ? await this.#initialize('init', LONGEST_INIT_MS)
        : await this.#initialize('invoke', version.timeoutS * 1_000);
      if (first && outcome.readiness.kind === 'ready') {
        if (!outcome.joined) initDurationMs = outcome.durationMs;
        beganMs = performance.now();
      } else if (outcome.readiness.kind !== 'ready') {
        failure = outcome.readiness;
        if (first) {
          beganMs = performance.now();
          const again = await this.#initialize('invoke', version.timeoutS * 1_000);
          failure = again.readiness.kind === 'ready' ? undefined : again.readiness;
        }
      }
    }

    this.#log.start(invocation.requestId, invocation.traceHeader, invocation.tenantId);
    const ending = failure
      ? this.#endingOfInit(failure, invocation.requestId)
      : await this.#run(invocation, version.timeoutS * 1_000 - (performance.now() - beganMs));
    const whole = this.#conclude({ invocation, ending, beganMs, initDurationMs, tail });
    if (!this.#extensions?.all.length) return whole;
    // The response goes out as soon as it is there; the environment is free when the extensions are done with the invocation.
    const durationMs = performance.now() - beganMs;
    return {
      payload: ending.payload,
      ...(ending.failed ? { functionError: 'Unhandled' } : {}),
      logTail: tail.toString(),
      durationMs,
      billedDurationMs: billedDurationMs(durationMs, initDurationMs),
      ...(initDurationMs === undefined ? {} : { initDurationMs }),
      maxMemoryUsedMb: this.#maxMemoryUsedMb(),
      whole,
    };
  }

  /** What follows the response: extensions that go on, the reset after a failure, the report. */
  async #conclude(concluded: {
    invocation: Invocation;
    ending: Ending;
    beganMs: number;
    initDurationMs: number | undefined;
    tail: LogTail;
  }): Promise<InvocationResult> {
    const { invocation, ending, beganMs, initDurationMs, tail } = concluded;
    const { version } = this.#options;
    let { status } = ending;
    let postRuntimeMs: number | undefined;
    if (this.#extensions?.all.length && !status) {
      const rest = await this.#awaitExtensions(version.timeoutS * 1_000 - (performance.now() - beganMs), invocation);
      postRuntimeMs = rest.postRuntimeMs;
      status = rest.status;
    }
    const durationMs = status?.state === 'timeout' ? version.timeoutS * 1_000 : performance.now() - beganMs;
    const maxMemoryUsedMb = this.#maxMemoryUsedMb();
    const reset = () => this.#replaceProcess(status?.state === 'timeout' ? 'timeout' : 'failure');
    // Subscribers hear of the report before their end.
    const isHeard = this.#telemetry !== undefined;
    if (status && !isHeard) await reset();

    const billedMs = billedDurationMs(durationMs, initDurationMs);
    this.#log.report({
      requestId: invocation.requestId,
      durationMs,
      billedDurationMs: billedMs,
      memoryMb: version.memoryMb,
      maxMemoryUsedMb,
      ...(initDurationMs === undefined ? {} : { initDurationMs }),
      ...(invocation.traceHeader === undefined ? {} : { traceHeader: invocation.traceHeader }),
      ...(invocation.tenantId === undefined ? {} : { tenantId: invocation.tenantId }),
      ...(status ? { status } : {}),
    });
    if (status && isHeard) await reset();
    this.#tail = undefined;
    return {
      payload: ending.payload,
      ...(ending.failed ? { functionError: 'Unhandled' } : {}),
      logTail: tail.toString(),
      durationMs,
      billedDurationMs: billedMs,
      ...(initDurationMs === undefined ? {} : { initDurationMs }),
      ...(postRuntimeMs === undefined ? {} : { postRuntimeExtensionsDurationMs: postRuntimeMs }),
      maxMemoryUsedMb,
    };
  }

  /** The phase is over when the runtime and all extensions asked for the next event. */
  async #awaitExtensions(
    limitMs: number,
    { requestId }: Invocation,
  ): Promise<{ postRuntimeMs: number; status?: Status }> {
    const [process, extensions] = [this.#process!, this.#extensions!];
    let runtimeDoneMs = performance.now();
    const outcome = await this.#within<Start>(
      limitMs,
      (async () => {
        const readiness = await process.readiness();
        runtimeDoneMs = performance.now();
        if (readiness.kind !== 'ready') return readiness;
        const failure = await extensions.whenReady();
        return failure ? { kind: 'fault', ...failure } : readiness;
      })(),
    );
    const postRuntimeMs = performance.now() - runtimeDoneMs;
    if (outcome.kind === 'ready' || this.#destroyed) return { postRuntimeMs };
    const ending =
      outcome.kind === 'timeout' ? this.#endingOf(outcome, requestId) : this.#endingOfInit(outcome, requestId);
    return { postRuntimeMs, ...(ending.status ? { status: ending.status } : {}) };
  }

  #maxMemoryUsedMb(): number {
    // Its control group goes with an environment that is ended.
    if (!this.#destroyed) this.#peakMb = this.#process?.maxMemoryUsedMb() ?? 0;
    return Math.min(this.#options.version.memoryMb, this.#peakMb);
  }

  /** Initializes it ahead of its first invocation; whether that went well. */
  async warm(): Promise<boolean> {
    const { readiness } = await this.#initialize('init', LONGEST_INIT_MS);
    if (readiness.kind === 'ready') return true;
    await this.#replaceProcess('failure');
    return false;
  }

  /**
   * It has nothing to do: what a function left running stands still from soon on, until `wake`. Later than at once, since an
   * invocation that follows would wait for it; and not where extensions work on what was.
   */
  rest(): void {
    if (this.#extensions?.all.length || isDebugged(this.#options.version)) return;
    this.#freezing = this.#realTime.at(this.#realTime.now() + FREEZE_AFTER_MS, () => {
      if (this.#process?.ready) this.#process.freeze();
    });
  }

  wake(): void {
    this.#freezing?.cancel();
    this.#process?.thaw();
  }

  /** It takes no more invocations, since it shares a runtime that does not. */
  get isSpent(): boolean {
    return this.#options.shared?.runtime.isSpent ?? false;
  }

  /** Invocations under way in the runtime that it shares. */
  get load(): number {
    return this.#options.shared?.runtime.load ?? 0;
  }

  /** Ends it; resolves when its processes are gone and its log is durable. */
  destroy(): Promise<void> {
    this.#destroyed ??= (async () => {
      this.#freezing?.cancel();
      if (this.#options.shared) {
        await this.#options.shared.runtime.leave();
        await this.flushLog();
        return;
      }
      await this.#shutDown('spindown');
      this.#group?.remove();
      this.#api?.close();
      await rm(this.#options.cell.dir, { recursive: true, force: true });
      this.#options.onDestroyed();
      await this.flushLog();
    })();
    return this.#destroyed;
  }

  flushLog(): Promise<void> {
    return this.#options.stream.flush();
  }

  /** Of the runtime that is there; undefined when there is none, or it ended since its last invocation. */
  async #warmReadiness(): Promise<Start | undefined> {
    if (!this.#process) return undefined;
    if (this.#process.ready && !this.#extensions?.failure) return { kind: 'ready' };
    const readiness = await this.#within(this.#options.version.timeoutS * 1_000, this.#process.readiness());
    if (readiness.kind === 'ready' || readiness.kind === 'timeout') return readiness;
    await this.#replaceProcess('failure');
    return undefined;
  }

  /** `joined` when it found a runtime that another environment began. */
  async #initialize(phase: Phase, limitMs: number): Promise<{ readiness: Start; durationMs: number; joined: boolean }> {
    const { version, cell, notice, gate, shared } = this.#options;
    if (shared?.runtime.isBegun) {
      this.#generation++;
      return { ...(await this.#start(limitMs)), joined: true };
    }
    const { runtimeVersion, runtimeVersionHash } = cell.interpreter;
    await this.#openApi();
    if (this.#generation === 0 || !this.#process) {
      const arn = `arn:aws:lambda:${version.region}::runtime:${runtimeVersionHash}`;
      // An image has no version of a runtime to tell.
      if (!cell.interpreter.root) this.#log.initStart(phase, runtimeVersion, arn);
      if (this.#generation === 0 && notice !== undefined) this.#log.notice(notice);
    }
    this.#generation++;
    const outcome = await gate.run(() => this.#start(limitMs));
    const status = outcome.readiness.kind === 'ready' ? undefined : statusOf(outcome.readiness);
    this.#log.initRuntimeDone(phase, status);
    this.#log.initReport(phase, outcome.durationMs, status);
    return { ...outcome, joined: false };
  }

  /** Before anything is told of a start, so that subscribers hear all of it. */
  async #openApi(): Promise<void> {
    const { version, cell, clock } = this.#options;
    // Extensions come in layers, internal ones too.
    if (!speaksHttp(cell.interpreter) && cell.layersDir === undefined) return;
    this.#api ??= await RuntimeApiServer.listen();
    const processes = () => this.#process?.processes() ?? [];
    const extensions = new Extensions(version, externalExtensions(optOf(cell)));
    this.#extensions = extensions;
    const { isJson } = this;
    this.#telemetry = new Telemetry({ extensions, log: this.#log, processes, now: () => clock.now(), isJson });
    this.#log.sink = this.#telemetry;
    this.#api.admit(processes, {
      [EXTENSION_PREFIX]: extensions,
      [TELEMETRY_PREFIX]: this.#telemetry.routes('telemetry'),
      [LOGS_PREFIX]: this.#telemetry.routes('logs'),
    });
  }

  /** Without subscribers nothing is told to them from now on. */
  #closeSubscriptions(): void {
    if (this.#telemetry?.close()) return;
    this.#log.sink = undefined;
    this.#telemetry = undefined;
  }

  async #start(limitMs: number): Promise<{ readiness: Start; durationMs: number }> {
    const { version, isolation, groups, stream, id, prebooted } = this.#options;
    if (this.#destroyed) throw new Error('The environment was ended before it began.');
    const beganMs = performance.now();
    const { shared } = this.#options;
    if (shared?.runtime.isBegun) {
      const runtime = shared.runtime.lane(shared.index);
      this.#process = runtime;
      const readiness = await this.#within<Start>(limitMs, runtime.readiness());
      if (readiness.kind !== 'ready') await runtime.kill();
      return { readiness, durationMs: performance.now() - beganMs };
    }
    const cell = this.#cellToStart();
    if ('kind' in cell) return { readiness: cell, durationMs: performance.now() - beganMs };
    const [api, extensions] = [this.#api, this.#extensions];
    const supervisor: Supervisor | undefined =
      extensions && extensions.all.length > 0 ? this.#supervise(() => process, extensions) : undefined;
    this.#supervisor = supervisor;
    this.#group?.remove();
    const variables = {
      ...environmentVariables(version, cell.interpreter, isolation.view(cell), stream.name, api?.address),
      ...(shared ? { AWS_LAMBDA_MAX_CONCURRENCY: String(shared.lanes) } : {}),
    };
    const onOutput = (message: string, level?: number) => {
      this.#writeOutput(message, level);
      if (stream.congested) {
        process.pauseOutput();
        stream.whenDrained(() => process.resumeOutput());
      }
    };
    const attach = speaksHttp(cell.interpreter) ? (requests: RuntimeRequests) => api!.attach(requests) : undefined;
    const booted =
      cell.launcher || shared ? undefined : prebooted?.take(version, cell.interpreter, variables, onOutput, attach);
    this.#group = booted ? booted.group : groups?.create(`${id}-${this.#generation}`, version);
    const process: RuntimeProcess =
      booted?.process ??
      new RuntimeProcess({
        command: isolation.command(cell, variables),
        group: this.#group,
        onOutput,
        ...(attach ? { attach } : {}),
        ...(shared ? { lanes: shared.lanes } : {}),
        ...(supervisor ? { supervise: (orders, output) => supervisor.open(orders, output) } : {}),
      });
    shared?.runtime.begin(process, this.#group);
    const runtime = shared ? shared.runtime.lane(shared.index) : process;
    this.#process = runtime;
    const readiness = await this.#within<Start>(
      limitMs,
      extensions ? this.#begin(process, extensions, supervisor) : runtime.readiness(),
    );
    const durationMs = performance.now() - beganMs;
    for (const { name, state, events, errorType } of extensions?.all ?? []) {
      this.#log.extension(name, state, events, errorType);
    }
    this.#closeSubscriptions();
    await process.drainOutput();
    if (readiness.kind !== 'ready') await process.kill();
    return { readiness, durationMs };
  }

  /** External extensions, then the runtime; all must be ready. */
  async #begin(process: RuntimeProcess, extensions: Extensions, supervisor: Supervisor | undefined): Promise<Start> {
    if (supervisor) {
      const external = extensions.all.map(({ name }) => name);
      if (external.length > MOST_EXTENSIONS) extensions.tooMany();
      else for (const name of external) this.#startExtension(name, extensions, supervisor);
      const failure = await extensions.whenRegistered();
      if (failure) return { kind: 'fault', ...failure };
      supervisor.startRuntime();
    }
    const readiness = await process.readiness();
    if (readiness.kind !== 'ready') return readiness;
    extensions.close();
    const failure = await extensions.whenReady();
    return failure ? { kind: 'fault', ...failure } : readiness;
  }

  #startExtension(name: string, extensions: Extensions, supervisor: Supervisor): void {
    const { cell } = this.#options;
    const path = `/opt/extensions/${name}`;
    const problem = cell.interpreter.root === undefined ? problemOf(path, cell) : undefined;
    if (problem !== undefined) extensions.launchFailed(name, `fork/exec ${path}: ${problem}`);
    else supervisor.startExtension(name, this.#placeOf(path, cell));
  }

  /** Of a path of the sandbox where the function runs. */
  #placeOf(path: string, cell: Cell): string {
    const { taskRoot } = this.#options.isolation.view(cell);
    if (taskRoot !== cell.codeDir) return path;
    return path.replace(/^\/var\/task(?=\/)/, cell.codeDir).replace(/^\/opt(?=\/)/, cell.layersDir ?? '/opt');
  }

  #supervise(process: () => RuntimeProcess, extensions: Extensions): Supervisor {
    return new Supervisor({
      onOutput: (message) => {
        this.#telemetry?.line('extension', message);
        this.#write(message);
      },
      onExtensionEnded: (name, description) => extensions.ended(name, description),
      onRuntimeEnded: (description) => process().runtimeEnded(description),
    });
  }

  /** The environment with the program that the function brings, and with what starts the runtime, where there are such. */
  #cellToStart(): Cell | Fault {
    const cell = this.#withLauncher(this.#options.cell);
    const { isolation } = this.#options;
    const { packageProgram } = cell.interpreter;
    if (packageProgram !== undefined) {
      const path = `/var/task/${packageProgram}`;
      const problem = problemOf(path, cell);
      if (problem)
        return { kind: 'fault', errorType: 'Runtime.InvalidEntrypoint', message: `fork/exec ${path}: ${problem}` };
      return { ...cell, interpreter: { ...cell.interpreter, executable: this.#placeOf(path, cell) } };
    }
    if (!bringsProgram(cell.interpreter)) return cell;
    if (cell.interpreter.root) {
      const fault = entryPointFault(cell.interpreter.root, cell.interpreter.executable);
      return fault === undefined ? cell : { kind: 'fault', errorType: 'Runtime.InvalidEntrypoint', message: fault };
    }
    const found = findEntrypoint(cell);
    if ('fault' in found) return { kind: 'fault', errorType: 'Runtime.InvalidEntrypoint', message: found.fault };
    const executable = isolation.view(cell).taskRoot === cell.codeDir ? found.file : found.path;
    return { ...cell, interpreter: { ...cell.interpreter, executable } };
  }

  /** https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html */
  #withLauncher(cell: Cell): Cell {
    const wrapper = this.#options.version.environment.AWS_LAMBDA_EXEC_WRAPPER;
    const launcher = [
      ...(externalExtensions(optOf(cell)).length > 0 ? SUPERVISOR : []),
      ...(wrapper && !bringsProgram(cell.interpreter) ? [this.#placeOf(wrapper, cell)] : []),
    ];
    return launcher.length > 0 ? { ...cell, launcher } : cell;
  }

  async #run(invocation: Invocation, limitMs: number): Promise<Ending> {
    const { clock } = this.#options;
    const process = this.#process!;
    const { requestId } = invocation;
    const startMs = clock.now();
    const beganMs = performance.now();
    let firstChunkMs: number | undefined;
    const { onChunk } = invocation;
    const sink: ChunkSink | undefined =
      onChunk &&
      ((bytes, contentType) => {
        firstChunkMs ??= performance.now() - beganMs;
        return onChunk(bytes, contentType);
      });
    if (this.#extensions?.all.length) {
      this.#extensions.invoke({
        requestId,
        deadlineMs: Math.round(this.#realTime.now() + limitMs),
        invokedFunctionArn: invocation.invokedFunctionArn,
        traceHeader: invocation.traceHeader,
      });
    }
    const outcome = await this.#within<Outcome | Fault>(
      limitMs,
      process.run(requestId, this.#headers(invocation, limitMs), invocation.payload, sink),
    );
    const durationMs = performance.now() - beganMs;
    await process.drainOutput();
    const ending = this.#endingOf(outcome, requestId);
    if (!this.#log.tells) return ending;
    const responseLatencyMs = firstChunkMs ?? durationMs;
    this.#log.runtimeDone({
      requestId,
      status:
        ending.status ?? (outcome.kind === 'error' ? { state: 'error', errorType: outcome.errorType } : undefined),
      durationMs,
      startMs,
      responseLatencyMs,
      responseDurationMs: durationMs - responseLatencyMs,
      producedBytes: ending.payload.byteLength,
      traceHeader: invocation.traceHeader,
      tenantId: invocation.tenantId,
    });
    return ending;
  }

  #endingOf(outcome: Outcome | Interruption | Fault, requestId: string): Ending {
    const { version, clock } = this.#options;
    switch (outcome.kind) {
      case 'response':
        return { payload: outcome.payload, failed: false };
      case 'error':
        return { payload: outcome.payload, failed: true };
      case 'tooLarge':
        return failed(
          'Function.ResponseSizeTooLarge',
          `Response payload size exceeded maximum allowed payload size (${LARGEST_RESPONSE_BYTES} bytes).`,
        );
      case 'timeout': {
        const message = `Task timed out after ${version.timeoutS.toFixed(2)} seconds`;
        if (!this.isJson) this.#write(`${new Date(clock.now()).toISOString()} ${requestId} ${message}\n\n`);
        return {
          ...failed('Sandbox.Timedout', `RequestId: ${requestId} Error: ${message}`),
          status: { state: 'timeout' },
        };
      }
      case 'exit':
        return this.#endingOfExit(outcome.description, requestId);
      case 'fault':
        return this.#endingOfFault(outcome.errorType, outcome.message, requestId);
      case 'memory':
        return this.#endingOfExit('signal: killed', requestId);
    }
  }

  #endingOfInit(failure: Start, requestId: string): Ending {
    switch (failure.kind) {
      case 'initError':
        return {
          payload: failure.payload,
          failed: true,
          status: { state: 'error', errorType: failure.errorType },
        };
      case 'exit':
        return this.#endingOfExit(failure.description, requestId);
      case 'memory':
        return this.#endingOfExit('signal: killed', requestId);
      case 'fault':
        return this.#endingOfFault(failure.errorType, failure.message, requestId);
      default: {
        const message = `Task timed out after ${this.#options.version.timeoutS.toFixed(2)} seconds`;
        return {
          ...failed('Sandbox.Timedout', `RequestId: ${requestId} Error: ${message}`),
          status: { state: 'timeout' },
        };
      }
    }
  }

  #endingOfExit(description: string, requestId: string): Ending {
    const reason =
      description === 'exit status 0'
        ? 'Runtime exited without providing a reason'
        : `Runtime exited with error: ${description}`;
    return this.#endingOfFault('Runtime.ExitError', reason, requestId);
  }

  #endingOfFault(errorType: string, reason: string, requestId: string): Ending {
    const message = `RequestId: ${requestId} Error: ${reason}`;
    this.#log.fault(`${message}\n${errorType}`);
    return { ...failed(errorType, message), status: { state: 'error', errorType } };
  }

  async #replaceProcess(reason: ShutdownReason): Promise<void> {
    await this.#shutDown(reason);
    this.#process = undefined;
  }

  /** Extensions get time to end by themselves; without them nothing does. */
  async #shutDown(reason: ShutdownReason): Promise<void> {
    const [extensions, supervisor] = [this.#extensions, this.#supervisor];
    if (extensions && supervisor && this.#process && !this.#process.gone) {
      const deadlineMs = this.#realTime.now() + LONGEST_SHUTDOWN_MS;
      extensions.beginShutdown();
      await supervisor.endRuntime(LONGEST_RUNTIME_SHUTDOWN_MS);
      await Promise.race([this.#telemetry?.flush(), this.#realTime.sleep(LONGEST_FLUSH_MS)]);
      extensions.shutDown(reason, deadlineMs);
      await supervisor.extensionsEnded(deadlineMs - this.#realTime.now());
    }
    await this.#process?.kill();
    extensions?.abandon();
    this.#extensions = undefined;
    this.#supervisor = undefined;
    this.#telemetry?.stop();
    this.#telemetry = undefined;
    this.#log.sink = undefined;
  }

  #headers(invocation: Invocation, limitMs: number): Record<string, string> {
    return {
      'Lambda-Runtime-Aws-Request-Id': invocation.requestId,
      'Lambda-Runtime-Deadline-Ms': String(Math.round(this.#realTime.now() + limitMs)),
      'Lambda-Runtime-Invoked-Function-Arn': invocation.invokedFunctionArn,
      ...(invocation.traceHeader === undefined ? {} : { 'Lambda-Runtime-Trace-Id': oneLine(invocation.traceHeader) }),
      ...(invocation.tenantId === undefined ? {} : { 'Lambda-Runtime-Aws-Tenant-Id': invocation.tenantId }),
      ...(invocation.clientContext === undefined
        ? {}
        : { 'Lambda-Runtime-Client-Context': oneLine(Buffer.from(invocation.clientContext, 'base64').toString()) }),
    };
  }

  /** The result, or what came first: the end of the time, or of the memory. */
  #within<T>(limitMs: number, result: Promise<T>): Promise<T | Interruption | Fault> {
    const process = this.#process!;
    const { memoryMb } = this.#options.version;
    return new Promise((resolve, reject) => {
      const endMs = this.#realTime.now() + Math.max(0, limitMs);
      const nextLookMs = () => Math.min(endMs, this.#realTime.now() + MEMORY_WATCH_MS);
      const look = () => {
        if (this.#realTime.now() >= endMs) resolve({ kind: 'timeout' });
        else if (process.exceeds(memoryMb)) resolve({ kind: 'memory' });
        else timer = this.#realTime.at(nextLookMs(), look);
      };
      let timer = this.#realTime.at(nextLookMs(), look);
      const extensions = this.#extensions;
      if (extensions) extensions.onFailure = (failure) => resolve({ kind: 'fault', ...failure });
      result.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** Of the runtime. Without levels all of it is kept. */
  #writeOutput(message: string, level: number | undefined): void {
    if (this.#leastSeverity !== undefined && (level ?? severityOfLine(message)) < this.#leastSeverity) return;
    this.#telemetry?.line('function', message);
    // Whose line it is cannot be told where several invocations write.
    if (this.#options.shared) this.#options.stream.append(this.#options.clock.now(), message);
    else this.#write(message);
  }

  get isJson(): boolean {
    return this.#options.version.logging?.format === 'JSON';
  }

  #write(message: string): void {
    this.#options.stream.append(this.#options.clock.now(), message);
    this.#tail?.add(message);
  }
}

/** A debugger speaks with a function between its invocations as well. */
function isDebugged({ environment }: FunctionVersion): boolean {
  return /--inspect/.test(environment.NODE_OPTIONS ?? '');
}

/** What the function sees as /opt, on the host. */
function optOf({ interpreter, layersDir }: Cell): string | undefined {
  return interpreter.root === undefined ? layersDir : join(interpreter.root.dir, 'opt');
}

function failed(errorType: string, errorMessage: string): Ending {
  return { payload: Buffer.from(JSON.stringify({ errorType, errorMessage })), failed: true };
}

function statusOf(failure: Start): Status {
  if (failure.kind === 'timeout') return { state: 'timeout' };
  return { state: 'error', errorType: 'errorType' in failure ? failure.errorType : 'Runtime.ExitError' };
}

/** Header values hold no line breaks; in JSON they mean no more than a space. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
