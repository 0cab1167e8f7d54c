// A runtime that serves several invocations at once, each in a lane: environments share its sandbox, its memory and its log
// stream. https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html
//
// One in which an invocation timed out, or of which a process ended, takes no more; it ends when those under way have.

import type { ControlGroup } from './cgroups.ts';
import type { ChunkSink } from './runtime-lane.ts';
import type { Outcome, Readiness, RuntimeProcess } from './runtime-process.ts';

/** What an environment needs of its runtime. */
export type EnvironmentRuntime = Pick<
  RuntimeProcess,
  | 'ready'
  | 'gone'
  | 'ended'
  | 'readiness'
  | 'run'
  | 'drainOutput'
  | 'pauseOutput'
  | 'resumeOutput'
  | 'maxMemoryUsedMb'
  | 'exceeds'
  | 'processes'
  | 'freeze'
  | 'thaw'
  | 'kill'
>;

export class JointRuntime {
  #process: RuntimeProcess | undefined;
  #group: ControlGroup | undefined;
  #isInitialized = false;
  #isSpent = false;
  #mustEnd = false;
  #underWay = 0;
  /** Environments that use it. */
  #members: number;
  /** Lanes in which something was done of late. */
  readonly #awake = new Set<number>();
  readonly #dispose: () => Promise<void>;

  /** `dispose` is called when it is gone. */
  constructor(members: number, dispose: () => Promise<void>) {
    this.#members = members;
    this.#dispose = dispose;
  }

  /** Whether somebody has started it. */
  get isBegun(): boolean {
    return this.#process !== undefined;
  }

  /** It takes no more invocations. */
  get isSpent(): boolean {
    return this.#isSpent || (this.#process?.ended ?? false);
  }

  /** Invocations under way. */
  get load(): number {
    return this.#underWay;
  }

  begin(process: RuntimeProcess, group: ControlGroup | undefined): void {
    this.#process = process;
    this.#group = group;
  }

  /** An environment goes; the last one ends the runtime. */
  async leave(): Promise<void> {
    this.#members--;
    if (this.#members > 0) return;
    await this.#process?.kill();
    this.#group?.remove();
    await this.#dispose();
  }

  lane(index: number): EnvironmentRuntime {
    const shared = this;
    const process = this.#process!;
    return {
      get ready() {
        return shared.#isInitialized && !process.ended;
      },
      get gone() {
        return process.gone;
      },
      get ended() {
        return process.ended;
      },
      readiness: () => shared.#readiness(process),
      run: (...event) => shared.#run(process, index, ...event),
      drainOutput: () => process.drainOutput(),
      pauseOutput: () => process.pauseOutput(),
      resumeOutput: () => process.resumeOutput(),
      maxMemoryUsedMb: () => process.maxMemoryUsedMb(),
      exceeds(memoryMb) {
        if (!process.exceeds(memoryMb)) return false;
        shared.#mustEnd = true;
        return true;
      },
      processes: () => process.processes(),
      freeze() {
        shared.#awake.delete(index);
        shared.#restIfAll();
      },
      thaw() {
        shared.#awake.add(index);
        process.thaw();
      },
      async kill() {
        shared.#isSpent = true;
        // Others go on to their end.
        if (shared.#mustEnd || shared.#underWay === 0) await process.kill();
      },
    };
  }

  async #readiness(process: RuntimeProcess): Promise<Readiness> {
    if (this.#isInitialized && !process.ended) return { kind: 'ready' };
    const readiness = await process.readiness();
    if (readiness.kind === 'ready') this.#isInitialized = true;
    return readiness;
  }

  async #run(
    process: RuntimeProcess,
    index: number,
    requestId: string,
    headers: Record<string, string>,
    payload: Uint8Array,
    onChunk?: ChunkSink,
  ): Promise<Outcome> {
    this.#underWay++;
    this.#awake.add(index);
    process.thaw();
    try {
      const outcome = await process.runIn(index, requestId, headers, payload, onChunk);
      if (outcome.kind === 'exit') this.#isSpent = true;
      return outcome;
    } finally {
      this.#underWay--;
    }
  }

  #restIfAll(): void {
    if (this.#underWay === 0 && this.#awake.size === 0) this.#process?.freeze();
  }
}
