// New and updated functions are Pending, or InProgress, until Brume has seen to them after the answer: as in Lambda, where
// that takes seconds. What needs the function meanwhile waits, where Lambda answers ResourceConflictException.

import type { Logger } from '#core/log.ts';
import type { StateStore } from '#storage/state/state.ts';
import { FUNCTIONS, type FunctionDocument } from './documents.ts';
import type { FunctionReference } from './function-name.ts';
import type { FunctionTable } from './function-table.ts';
import { withNewRevision } from './revision.ts';

export class Activation {
  readonly #table: FunctionTable;
  readonly #log: Logger;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(table: FunctionTable, log: Logger) {
    this.#table = table;
    this.#log = log;
  }

  /** Begins once the caller has answered. */
  begin(reference: FunctionReference): void {
    const key = keyOf(reference);
    const work = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#complete(reference))
      .catch((error) => this.#log.error('a function could not be made active', { function: reference.name, error }))
      .finally(() => {
        if (this.#underWay.get(key) === work) this.#underWay.delete(key);
      });
    this.#underWay.set(key, work);
  }

  /** Resolves when nothing is under way for the function. */
  async settled(reference: FunctionReference): Promise<void> {
    await this.#underWay.get(keyOf(reference));
  }

  async allSettled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** Completes what a stopped or killed Brume had begun. */
  async recover(state: StateStore): Promise<void> {
    for (const { account, region, key, value } of await state.documents.scan(FUNCTIONS)) {
      if (isUnderWay(value)) await this.#complete({ scope: { account, region }, name: key });
    }
  }

  async #complete(reference: FunctionReference): Promise<void> {
    const document = await this.#table.find(reference.scope, reference.name);
    if (!document || !isUnderWay(document)) return;
    await this.#table.update(reference, (current) => ({
      ...current,
      latest: {
        ...withNewRevision(current.latest),
        // Only versions run on Managed Instances.
        state: current.latest.managed ? 'ActiveNonInvocable' : 'Active',
        updating: false,
      },
    }));
  }
}

function isUnderWay({ latest }: FunctionDocument): boolean {
  return latest.state === 'Pending' || latest.updating;
}

function keyOf({ scope, name }: FunctionReference): string {
  return `${scope.account}/${scope.region}/${name}`;
}
