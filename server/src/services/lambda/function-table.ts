// The functions, read through a cache: every invocation needs its function's document. Only this process writes the
// collection, so a write simply forgets what was cached.

import { AwsError } from '#core/errors.ts';
import type { Scope, StateStore, Transaction } from '#storage/state/state.ts';
import { FUNCTIONS, type FunctionDocument, POLICIES } from './documents.ts';
import { type FunctionReference, functionNotFound, LATEST } from './function-name.ts';

const MOST_CACHED = 10_000;

export class FunctionTable {
  readonly #state: StateStore;
  readonly #cache = new Map<string, FunctionDocument>();
  #writes = 0;

  constructor(state: StateStore) {
    this.#state = state;
  }

  /** Throws ResourceNotFoundException for functions and qualifiers that are not there. */
  async get(reference: FunctionReference): Promise<FunctionDocument> {
    const found = await this.find(reference.scope, reference.name);
    if (!found || !isKnownQualifier(reference)) throw functionNotFound(reference);
    return found;
  }

  async find(scope: Scope, name: string): Promise<FunctionDocument | undefined> {
    const key = keyOf(scope, name);
    const cached = this.#cache.get(key);
    if (cached) return cached;
    const writes = this.#writes;
    const found = await this.#state.documents.get(FUNCTIONS, scope, name);
    // What was read while something was written may be old.
    if (found && writes === this.#writes && this.#cache.size < MOST_CACHED) this.#cache.set(key, found);
    return found;
  }

  /** Changes a function in a transaction; `change` gets it as it is and returns what it becomes. */
  async update(
    reference: FunctionReference,
    change: (document: FunctionDocument, tx: Transaction) => Promise<FunctionDocument> | FunctionDocument,
  ): Promise<FunctionDocument> {
    const { scope, name } = reference;
    return this.#write(scope, name, async (tx) => {
      const document = await tx.documents.get(FUNCTIONS, scope, name);
      if (!document || !isKnownQualifier(reference)) throw functionNotFound(reference);
      const changed = await change(document, tx);
      await tx.documents.put(FUNCTIONS, scope, name, changed);
      return changed;
    });
  }

  async create(scope: Scope, document: FunctionDocument): Promise<void> {
    await this.#write(scope, document.name, async (tx) => {
      if (await tx.documents.get(FUNCTIONS, scope, document.name)) {
        throw new AwsError('ResourceConflictException', `Function already exist: ${document.name}`, {
          fields: { Type: 'User' },
        });
      }
      await tx.documents.put(FUNCTIONS, scope, document.name, document);
    });
  }

  /** Deletes a function with its policy; gives what it was. `also` runs in the same transaction. */
  async delete(reference: FunctionReference, also: (tx: Transaction) => Promise<unknown>): Promise<FunctionDocument> {
    const { scope, name } = reference;
    return this.#write(scope, name, async (tx) => {
      const document = await tx.documents.get(FUNCTIONS, scope, name);
      if (!document || !isKnownQualifier(reference)) throw functionNotFound(reference);
      await tx.documents.delete(FUNCTIONS, scope, name);
      await tx.documents.delete(POLICIES, scope, name);
      await also(tx);
      return document;
    });
  }

  reset(): void {
    this.#writes++;
    this.#cache.clear();
  }

  async #write<T>(scope: Scope, name: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.#state.transact(work);
    } finally {
      this.#writes++;
      this.#cache.delete(keyOf(scope, name));
    }
  }
}

/** Versions and aliases come with PublishVersion and CreateAlias, which Brume does not have yet. */
function isKnownQualifier({ qualifier }: FunctionReference): boolean {
  return qualifier === undefined || qualifier === LATEST;
}

function keyOf({ account, region }: Scope, name: string): string {
  return `${account}/${region}/${name}`;
}
