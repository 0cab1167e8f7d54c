// One runtime: the process tree that runs a function's code, its Runtime API connection and its output.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Duplex, Readable, Writable } from 'node:stream';
import { SystemClock } from '#core/clock.ts';
import type { ControlGroup } from './cgroups.ts';
import type { Command } from './isolation/isolation.ts';
import { type Emit, OutputReader } from './output-reader.ts';
import { processesOfGroup, processTree } from './runtime-api/peer.ts';
import { RuntimeConnection, type RuntimeRequests } from './runtime-connection.ts';
import { type ChunkSink, RuntimeLane } from './runtime-lane.ts';
import { starting } from './starter.ts';

export interface RuntimeExit {
  kind: 'exit';
  /** In the words of Lambda's supervisor: `exit status 1`, `signal: killed`. */
  description: string;
}

export type Readiness = { kind: 'ready' } | { kind: 'initError'; errorType: string; payload: Buffer } | RuntimeExit;

export type Outcome =
  | { kind: 'response'; payload: Buffer }
  | { kind: 'error'; errorType: string; payload: Buffer }
  | { kind: 'tooLarge'; size: number }
  | RuntimeExit;

export interface RuntimeProcessOptions {
  command: Command;
  group: ControlGroup | undefined;
  onOutput: Emit;
  /** It waits for `become`: its standard input stays open, and it has no connection. */
  waits?: boolean;
  /** Where the runtime speaks, when it is not over the connection that it inherits: the Runtime API's address. */
  attach?: (requests: RuntimeRequests) => Pick<RuntimeConnection, 'sendEvent'>;
  /** Takes the ends of descriptors 5 and 6: the orders to what starts runtime and extensions, and what extensions write. */
  supervise?: (orders: Duplex, extensionOutput: Readable) => void;
  /** How many invocations it serves at once, each over a connection of its own; more than one only without `supervise`. */
  lanes?: number;
  /** What is to be done when all of it is gone, before `kill` resolves. */
  onEnded?: () => Promise<void>;
}

/** How long output may stay open after the runtime's end, held by a process that escaped its group. */
const LONGEST_OUTPUT_AFTER_EXIT_MS = 500;
const MEGABYTE = 1_048_576;
const MOST_LOOKS = 5;

/** Descriptors of the connections after the first. */
const FIRST_LANE = 10;
const LAST_OWN_DESCRIPTOR = 4;
const NOTHING_TOLD = Buffer.from('{}');
const NOT_YET: Pick<RuntimeConnection, 'sendEvent'> = {
  sendEvent: () => assert.fail('BUG: an event for a program that is not there yet'),
};

export class RuntimeProcess {
  readonly #child: ChildProcess;
  #connection: Pick<RuntimeConnection, 'sendEvent'>;
  readonly #output: Readable;
  readonly #reader: OutputReader;
  #outputBytes = 0;
  readonly #group: ControlGroup | undefined;
  readonly #ended: Promise<void>;
  /** The runtime asked for an event that it did not get yet. */
  #asks = false;
  #exit: RuntimeExit | undefined;
  #initError: Readiness | undefined;
  #onReadiness: ((readiness: Readiness) => void) | undefined;
  readonly #lane = new RuntimeLane();
  /** Beside the first, of a runtime that serves several invocations at once. */
  readonly #moreLanes: { lane: RuntimeLane; connection: RuntimeConnection }[];
  readonly #requests: RuntimeRequests;
  #isFrozen = false;
  #onBooted: ((told: Buffer | undefined) => void) | undefined;
  #bootedWith: Buffer | undefined;
  #onOutput: Emit;
  #statusFile: string | undefined;

  constructor({ command, group, onOutput, onEnded, attach, supervise, waits, lanes = 1 }: RuntimeProcessOptions) {
    this.#onOutput = onOutput;
    this.#group = group;
    this.#child = start(command, group, [
      ...([command.shellInput || waits ? 'pipe' : 'ignore', 'pipe', 'ignore'] as const),
      ...([attach || waits ? 'ignore' : 'pipe', command.input ? 'pipe' : 'ignore'] as const),
      ...(supervise ? (['pipe', 'pipe'] as const) : []),
      ...lanesAfter(lanes),
    ]);
    this.#reader = new OutputReader((message, severity) => {
      if (!waits || this.#bootedWith) return this.#onOutput(message, severity);
      this.#bootedWith = NOTHING_TOLD;
      this.#onBooted?.(NOTHING_TOLD);
    });
    this.#output = this.#child.stdout!;
    this.#output.on('data', (chunk: Buffer) => {
      this.#outputBytes += chunk.length;
      this.#reader.read(chunk);
    });
    this.#output.on('error', () => {});
    this.#child.stdin?.on('error', () => {});
    // What waits says so.
    if (waits) this.#child.stdin!.write('echo\n');
    else this.#child.stdin?.end(command.shellInput);
    if (command.input) {
      const input = this.#child.stdio[4] as Writable;
      input.on('error', () => {});
      input.end(command.input);
    }
    this.#requests = {
      next: () => this.#becomeReady(),
      assignment: (body) => {
        this.#bootedWith = body;
        this.#onBooted?.(body);
      },
      ...this.#lane.requests,
      exited: (status) => this.runtimeEnded(describeExit(status, null)),
      initError: (payload, errorType) => {
        this.#initError = { kind: 'initError', errorType, payload };
        this.#tellReadiness(this.#initError);
      },
    };
    if (waits) this.#connection = NOT_YET;
    else if (attach) this.#connection = attach(this.#requests);
    else this.#connection = new RuntimeConnection(this.#child.stdio[3] as Duplex, this.#requests);
    this.#moreLanes = this.#child.stdio
      .slice(FIRST_LANE, FIRST_LANE + lanes - 1)
      .map((socket) => connected(socket as Duplex));
    const [orders, extensionOutput] = this.#child.stdio.slice(5) as unknown as [Duplex, Readable];
    supervise?.(orders, extensionOutput);
    this.#ended = this.#watchEnd().then(() => {
      command.release?.();
      return onEnded?.();
    });
  }

  get ready(): boolean {
    return this.#asks && this.#exit === undefined;
  }

  /** Whether the starter itself ended, and with it all that it started. */
  get gone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get ended(): boolean {
    return this.#exit !== undefined;
  }

  /** Of one that is started ahead of its function: what it says when it waits for it; undefined when it ended instead. */
  booted(): Promise<Buffer | undefined> {
    if (this.#bootedWith || this.#exit) return Promise.resolve(this.#bootedWith);
    return new Promise((resolve) => {
      this.#onBooted = resolve;
    });
  }

  /** One that waits as a shell is told to become a program, which speaks to what it is attached to. */
  become(
    script: Buffer,
    onOutput: Emit,
    attach: (requests: RuntimeRequests) => Pick<RuntimeConnection, 'sendEvent'>,
  ): void {
    this.#onOutput = onOutput;
    this.#connection = attach(this.#requests);
    this.#child.stdin!.end(script);
  }

  /** Gives one that waits the environment variables of its function; from now on it is initializing. */
  assign(environment: Readonly<Record<string, string>>, onOutput: Emit): void {
    this.#onOutput = onOutput;
    this.#connection.sendEvent({}, Buffer.from(JSON.stringify(environment)));
  }

  /** When the runtime asks for an event, or cannot do so any more. */
  readiness(): Promise<Readiness> {
    if (this.#exit) return Promise.resolve(this.#initError ?? this.#exit);
    if (this.#asks) return Promise.resolve({ kind: 'ready' });
    if (this.#initError) return Promise.resolve(this.#initError);
    return new Promise((resolve) => {
      this.#onReadiness = resolve;
    });
  }

  /** Gives it an event; it must be ready. With `onChunk` a streamed response goes there, and the outcome's payload is empty. */
  run(requestId: string, headers: Record<string, string>, payload: Uint8Array, onChunk?: ChunkSink): Promise<Outcome> {
    if (this.#exit) return Promise.resolve(this.#exit);
    this.#asks = false;
    const outcome = this.#lane.begin(requestId, onChunk);
    this.#connection.sendEvent(headers, payload);
    return outcome;
  }

  /** The same on one of several connections, 0 being the first, which need not have asked for it yet. */
  runIn(
    index: number,
    requestId: string,
    headers: Record<string, string>,
    payload: Uint8Array,
    onChunk?: ChunkSink,
  ): Promise<Outcome> {
    if (index === 0) return this.run(requestId, headers, payload, onChunk);
    if (this.#exit) return Promise.resolve(this.#exit);
    const { lane, connection } = this.#moreLanes[index - 1]!;
    const outcome = lane.begin(requestId, onChunk);
    connection.sendEvent(headers, payload);
    return outcome;
  }

  /** Resolves when what the runtime wrote before its last message has been read. */
  async drainOutput(): Promise<void> {
    // That became readable before the message did: a turn of the event loop that finds no more has found all.
    for (let before = -1; before !== this.#outputBytes; ) {
      if (this.#output.isPaused()) await once(this.#output, 'resume');
      before = this.#outputBytes;
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#reader.flush();
  }

  pauseOutput(): void {
    this.#output.pause();
  }

  resumeOutput(): void {
    this.#output.resume();
  }

  maxMemoryUsedMb(): number {
    return Math.ceil((this.#group ? this.#group.peakMemoryBytes() : this.#peakResidentBytes()) / MEGABYTE);
  }

  exceeds(memoryMb: number): boolean {
    return this.#group?.exceeds(memoryMb) ?? false;
  }

  /** All processes of the environment now, on the host's numbers. */
  processes(): readonly number[] {
    const list = this.#group?.joinFiles[0];
    if (list !== undefined) return processesOfGroup(list);
    return this.#child.pid === undefined ? [] : processTree(this.#child.pid);
  }

  /** Stops all that runs in it, as SIGSTOP does: unlike a frozen control group of version 1 it can still be killed. */
  freeze(): void {
    if (this.#isFrozen || this.gone) return;
    this.#isFrozen = true;
    const stopped = new Set<number>();
    // Until nothing is found that was not: what runs may start more.
    for (let look = 0; look < MOST_LOOKS; look++) {
      const running = this.processes().filter((pid) => pid !== this.#child.pid && !stopped.has(pid));
      if (running.length === 0) return;
      for (const pid of running) {
        signal(pid, 'SIGSTOP');
        stopped.add(pid);
      }
    }
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    this.#isFrozen = false;
    for (const pid of this.processes()) signal(pid, 'SIGCONT');
  }

  /** The runtime ended, in the words of Lambda's supervisor, while what started it goes on for the extensions. */
  runtimeEnded(description: string): void {
    if (this.#exit) return;
    this.#exit = { kind: 'exit', description };
    this.#tellReadiness(this.#initError ?? this.#exit);
    this.#lane.end(this.#exit);
  }

  /** SIGKILL for the whole tree; resolves when it is gone and its output read. */
  async kill(): Promise<void> {
    this.#killTree();
    await this.#ended;
  }

  #becomeReady(): void {
    this.#asks = true;
    this.#lane.asked();
    // The runtime has no children yet; later a child of the function could be taken for it.
    if (!this.#group) this.#statusFile ??= statusFileOf(this.#child.pid!);
    this.#tellReadiness({ kind: 'ready' });
  }

  #tellReadiness(readiness: Readiness): void {
    this.#onReadiness?.(readiness);
    this.#onReadiness = undefined;
  }

  #watchEnd(): Promise<void> {
    const child = this.#child;
    return new Promise((resolve) => {
      const finish = (description: string) => {
        this.#reader.flush();
        this.#onBooted?.(undefined);
        this.runtimeEnded(description);
        for (const { lane } of this.#moreLanes) lane.end({ kind: 'exit', description });
        resolve();
      };
      child.once('error', (error) => finish(error.message));
      child.once('exit', (code, signal) => {
        this.#killTree();
        this.#output.resume();
        const description = describeExit(code, signal);
        if (this.#output.closed) return finish(description);
        const realTime = new SystemClock();
        const timer = realTime.at(realTime.now() + LONGEST_OUTPUT_AFTER_EXIT_MS, () => void this.#output.destroy());
        this.#output.once('close', () => {
          timer.cancel();
          finish(description);
        });
      });
    });
  }

  #killTree(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
    this.#group?.kill();
  }

  #peakResidentBytes(): number {
    if (this.#statusFile === undefined) return 0;
    try {
      const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(this.#statusFile, 'latin1'))?.[1];
      return Number(peak ?? 0) * 1_024;
    } catch {
      return 0;
    }
  }
}

/** For `stdio` after the descriptors below: nothing up to the first lane, then the lanes. */
function lanesAfter(lanes: number): ('pipe' | 'ignore')[] {
  if (lanes === 1) return [];
  return [
    ...Array.from({ length: FIRST_LANE - LAST_OWN_DESCRIPTOR - 1 }, () => 'ignore' as const),
    ...Array.from({ length: lanes - 1 }, () => 'pipe' as const),
  ];
}

function connected(socket: Duplex): { lane: RuntimeLane; connection: RuntimeConnection } {
  const lane = new RuntimeLane();
  const connection = new RuntimeConnection(socket, {
    ...lane.requests,
    next: () => lane.asked(),
    initError: (payload, errorType) => lane.end({ kind: 'error', errorType, payload }),
    exited: (status) => lane.end({ kind: 'exit', description: describeExit(status, null) }),
  });
  return { lane, connection };
}

function start(
  command: Command,
  group: ControlGroup | undefined,
  streams: ('pipe' | 'ignore' | number)[],
): ChildProcess {
  const { environment, workingDir, inherited = [] } = command;
  const nothing = inherited.length > 0 ? openSync('/dev/null', 'r') : -1;
  for (const descriptor of inherited) {
    while (streams.length <= descriptor) streams.push('ignore');
    // From the fourth on, 'ignore' leaves a child what it inherits.
    if (streams[descriptor] === 'ignore') streams[descriptor] = nothing;
  }
  try {
    return spawn(...starting(command, group?.joinFiles ?? []), {
      env: environment,
      cwd: workingDir,
      // A process group of its own, so that the whole of it can be killed.
      detached: true,
      stdio: streams,
    });
  } finally {
    if (nothing >= 0) closeSync(nothing);
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself.
  }
}

/** Of the innermost descendant: the starters stay as ancestors of the runtime. */
function statusFileOf(pid: number): string | undefined {
  try {
    for (let current = pid; ; ) {
      const children = readFileSync(`/proc/${current}/task/${current}/children`, 'latin1').trim();
      if (children === '') return `/proc/${current}/status`;
      current = Number(children.split(' ')[0]);
    }
  } catch {
    return undefined;
  }
}

/** A sandbox passes on the signal that ended the runtime as 128 and its number; runtimes use 128 and 129 themselves. */
const SIGNALS_BY_STATUS: Readonly<Record<number, NodeJS.Signals>> = {
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  143: 'SIGTERM',
};

const SIGNAL_WORDS: Partial<Record<NodeJS.Signals, string>> = {
  SIGILL: 'illegal instruction',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGKILL: 'killed',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};

export function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  const name = signal ?? SIGNALS_BY_STATUS[code ?? 0];
  return name ? `signal: ${SIGNAL_WORDS[name] ?? name}` : `exit status ${code}`;
}
