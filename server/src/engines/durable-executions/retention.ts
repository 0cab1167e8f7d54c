// Ended executions are kept for as long as their function says, and then forgotten.

import type { Clock, Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { StateStore, Transaction } from '#storage/state/state.ts';
import {
  EVENTS,
  EVERYWHERE,
  EXECUTIONS,
  EXPIRING,
  type ExecutionDocument,
  type ExecutionReference,
  executionKey,
  NAMES,
  nameKey,
  OPERATIONS,
  PAYLOADS,
  readExpiringKey,
} from './documents.ts';

/** Executions that are forgotten in one transaction. */
const EXPIRED_AT_ONCE = 50;
/** Pause after the store itself failed. */
const STORE_RETRY_MS = 60_000;

export interface RetentionOptions {
  state: StateStore;
  clock: Clock;
  log: Logger;
}

export class Retention {
  readonly #options: RetentionOptions;
  #sweep: { atMs: number; timer: Timer } | undefined;
  #stopped = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Something may have to be forgotten, now or later. */
  async arm(): Promise<void> {
    const [first] = await this.#options.state.documents.range(EXPIRING, EVERYWHERE, { limit: 1 });
    if (first) this.#armAt(readExpiringKey(first.key).atMs);
  }

  start(): Promise<void> {
    this.#stopped = false;
    return this.arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#sweep?.timer.cancel();
    this.#sweep = undefined;
  }

  #armAt(atMs: number): void {
    if (this.#stopped || (this.#sweep && this.#sweep.atMs <= atMs)) return;
    this.#sweep?.timer.cancel();
    this.#sweep = { atMs, timer: this.#options.clock.at(atMs, () => this.#forgetDue()) };
  }

  async #forgetDue(): Promise<void> {
    const { state, clock, log } = this.#options;
    this.#sweep = undefined;
    try {
      for (;;) {
        const nowMs = clock.now();
        const page = await state.documents.range(EXPIRING, EVERYWHERE, { limit: EXPIRED_AT_ONCE });
        const due = page.filter(({ key }) => readExpiringKey(key).atMs <= nowMs);
        if (due.length === 0 || this.#stopped) break;
        await state.transact(async (tx) => {
          for (const { key } of due) {
            const { execution } = readExpiringKey(key);
            const document = await tx.documents.get(EXECUTIONS, execution.scope, executionKey(execution));
            if (document) await forget(tx, execution, document);
            await tx.documents.delete(EXPIRING, EVERYWHERE, key);
          }
        });
      }
      await this.arm();
    } catch (error) {
      log.error('ended durable executions cannot be forgotten', { error });
      this.#armAt(clock.now() + STORE_RETRY_MS);
    }
  }
}

/** Everything that is kept of an execution. */
export async function forget(
  tx: Transaction,
  reference: ExecutionReference,
  document: ExecutionDocument,
): Promise<void> {
  const { scope, functionName } = reference;
  const prefix = `${executionKey(reference)}/`;
  await tx.documents.delete(EXECUTIONS, scope, executionKey(reference));
  for (const collection of [OPERATIONS, EVENTS, PAYLOADS])
    await tx.documents.deleteRange(collection, scope, { prefix });
  const named = await tx.documents.get(NAMES, scope, nameKey(functionName, document.name));
  // The name may stand for a newer one by now.
  if (named?.id === reference.id) await tx.documents.delete(NAMES, scope, nameKey(functionName, document.name));
}
