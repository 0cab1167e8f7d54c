// Has log patterns computed in a thread of its own, so that the server answers meanwhile: one task after the other. A thread that
// dies fails the task that it had; the next one gets a new thread. What a task holds is bounded by those who make it: for a thread
// that runs out of memory takes the process along.

import { Worker } from 'node:worker_threads';
import type { MiningAnswer, MiningTask } from './mining-task.ts';
import type { ThreadAnswer } from './mining-thread.ts';

/** Tasks that wait their turn; beyond, they are refused. */
const MOST_WAITING = 128;

export class PatternMining {
  readonly #file: URL;
  #thread: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  /** `file`: what the thread runs, when not mining-thread.ts. */
  constructor(file?: URL) {
    // The extension is this file's own: .ts in the repository, .js when published.
    this.#file = file ?? new URL(import.meta.url.replace(/pattern-mining(\.[jt]s)$/, 'mining-thread$1'));
  }

  /** Rejects with the signal's reason, with what is wrong with the task, or when the thread ends. */
  async run<Task extends MiningTask>(task: Task, signal?: AbortSignal): Promise<MiningAnswer<Task>> {
    if (this.#waiting >= MOST_WAITING) throw new Error(`${MOST_WAITING} tasks of log patterns are waiting already`);
    this.#waiting++;
    const before = this.#last;
    const run = (async () => {
      await before.catch(() => {});
      this.#waiting--;
      signal?.throwIfAborted();
      if (this.#closed) throw new Error('Log patterns are no longer mined: Brume stops.');
      return this.#ask(task, signal);
    })();
    this.#last = run;
    return run as Promise<MiningAnswer<Task>>;
  }

  /** Ends the thread; what it does and what waits fails. */
  async close(): Promise<void> {
    this.#closed = true;
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #ask(task: MiningTask, signal: AbortSignal | undefined): Promise<unknown> {
    this.#thread ??= this.#start();
    const thread = this.#thread;
    // While somebody waits for the answer, nothing else might keep the process alive.
    thread.ref();
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        thread.off('message', onAnswer).off('error', onGone).off('exit', onGone);
        signal?.removeEventListener('abort', onAbort);
        thread.unref();
        act();
      };
      const onAnswer = (reply: ThreadAnswer) =>
        settle(() => ('error' in reply ? reject(new Error(reply.error)) : resolve(reply.answer)));
      const onGone = (reason: unknown) => {
        if (this.#thread === thread) this.#thread = undefined;
        settle(() => reject(reason instanceof Error ? reason : new Error('The thread of log patterns has ended.')));
      };
      // There is no other way to stop what computes.
      const onAbort = () => {
        if (this.#thread === thread) this.#thread = undefined;
        void thread.terminate();
        settle(() => reject(signal!.reason));
      };
      thread.on('message', onAnswer).on('error', onGone).on('exit', onGone);
      signal?.addEventListener('abort', onAbort, { once: true });
      thread.postMessage(task, task.kind === 'query' ? [transferable(task)] : []);
    });
  }

  #start(): Worker {
    const thread = new Worker(this.#file);
    // A thread that ends between tasks is noticed by the next one.
    thread.on('error', () => {});
    thread.unref();
    return thread;
  }
}

/** The result's memory, handed over rather than copied; a copy when others share it. */
function transferable(task: Extract<MiningTask, { kind: 'query' }>): ArrayBuffer {
  const { result } = task;
  if (result.byteLength !== result.buffer.byteLength) task.result = new Uint8Array(result);
  return task.result.buffer as ArrayBuffer;
}
