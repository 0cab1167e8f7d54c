// Changes of executions, one after another for each: a draft of what is stored, written in a transaction. An execution in
// use is kept in memory, with all of its operations.

import type { Clock } from '#core/clock.ts';
import type { StateStore, Transaction } from '#storage/state/state.ts';
import {
  EVERYWHERE,
  EXECUTIONS,
  type ExecutionDocument,
  type ExecutionReference,
  executionKey,
  OPERATIONS,
  RUNNING,
  type RunningDocument,
  runningKey,
} from './documents.ts';
import { Draft, type LiveExecution, liveExecution } from './draft.ts';
import { notFound } from './errors.ts';
import type { ExecutionReader } from './execution-reader.ts';

export interface TurnsOptions {
  state: StateStore;
  clock: Clock;
  reader: ExecutionReader;
  /** In the transaction in which an execution ends. */
  atEnd?: ((tx: Transaction, execution: ExecutionReference, document: ExecutionDocument) => Promise<void>) | undefined;
  /** Once a change is durable. */
  onChanged(change: Change): void;
}

export interface Change {
  reference: ExecutionReference;
  draft: Draft;
  hasEnded: boolean;
  /** Where it goes on. */
  running: RunningDocument | undefined;
}

interface Held {
  /** Absent before it is read, and after a change that may or may not have been written. */
  live: LiveExecution | undefined;
  last: Promise<unknown>;
  users: number;
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Changes an execution in a transaction; what `work` throws, or a change that cannot be written, leaves it as it was. */
  async change<T>(reference: ExecutionReference, work: (draft: Draft) => T): Promise<T> {
    const { held, release } = this.#use(reference);
    const turn = held.last.then(() => this.#inTurn(held, reference, work));
    held.last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      release();
    }
  }

  /** Keeps an execution in memory between its changes, until what it gives is called. */
  keep(reference: ExecutionReference): () => void {
    return this.#use(reference).release;
  }

  /** Resolves when what is under way has been written, or could not be. */
  async settled(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ last }) => last));
  }

  forget(prefix = ''): void {
    for (const key of this.#held.keys()) if (key.startsWith(prefix)) this.#held.delete(key);
  }

  #use(reference: ExecutionReference): { held: Held; release: () => void } {
    const key = runningKey(reference);
    const held = this.#held.get(key) ?? { live: undefined, last: Promise.resolve(), users: 0 };
    this.#held.set(key, held);
    held.users++;
    const release = () => {
      held.users--;
      if (held.users === 0 && this.#held.get(key) === held) this.#held.delete(key);
    };
    return { held, release };
  }

  async #inTurn<T>(held: Held, reference: ExecutionReference, work: (draft: Draft) => T): Promise<T> {
    const { state, clock, atEnd, onChanged } = this.#options;
    held.live ??= await this.#load(reference);
    const { live } = held;
    const draft = new Draft(live, clock.now());
    const wasRunning = draft.isRunning;
    const value = work(draft);
    if (!draft.changed) return value;
    const hasEnded = wasRunning && !draft.isRunning;
    held.live = undefined;
    const running = await state.transact(async (tx) => {
      if (!(await tx.documents.get(EXECUTIONS, reference.scope, executionKey(reference)))) throw notFound(reference);
      const written = await draft.write(tx);
      if (hasEnded) await atEnd?.(tx, reference, draft.document);
      return written;
    });
    draft.apply(running);
    held.live = live;
    onChanged({ reference, draft, hasEnded, running });
    return value;
  }

  async #load(reference: ExecutionReference): Promise<LiveExecution> {
    const { state, reader } = this.#options;
    const { documents } = state;
    const [document, operations, running] = await Promise.all([
      reader.document(reference),
      documents.range(OPERATIONS, reference.scope, { prefix: `${executionKey(reference)}/` }),
      documents.get(RUNNING, EVERYWHERE, runningKey(reference)),
    ]);
    return liveExecution(
      reference,
      document,
      operations.map(({ value }) => value),
      running,
    );
  }
}
