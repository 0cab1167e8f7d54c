// The functions, their versions and aliases, read through a cache: every invocation needs them. Only this process writes
// the collections, so a write simply forgets what was cached of its function.

import { AwsError } from '#core/errors.ts';
import type { Scope, StateStore, Transaction } from '#storage/state/state.ts';
import {
  ALIASES,
  type AliasDocument,
  FUNCTIONS,
  type FunctionDocument,
  POLICIES,
  VERSIONS,
  type VersionDocument,
  versionKey,
} from './documents.ts';
import { type FunctionReference, functionNotFound, LATEST, LATEST_PUBLISHED } from './function-name.ts';

const MOST_CACHED = 10_000;
const VERSION_NUMBER = /^\d+$/;

/** What a name and a qualifier stand for. */
export interface Target {
  document: FunctionDocument;
  /** The version; for an alias, the one that it points to. */
  version: VersionDocument;
  alias?: AliasDocument;
}

interface Cached {
  document: FunctionDocument;
  targets: Map<string, Target>;
}

export class FunctionTable {
  readonly #state: StateStore;
  /** What the functions of an account and region have reserved in all, until one of them is written. */
  readonly #reserved = new Map<string, Promise<number>>();
  readonly #cache = new Map<string, Cached>();
  #writes = 0;

  constructor(state: StateStore) {
    this.#state = state;
  }

  /** The function; throws ResourceNotFoundException where it, or the qualifier, is not there. */
  async get(reference: FunctionReference): Promise<FunctionDocument> {
    return (await this.resolve(reference)).document;
  }

  /** Whether the function, and its version or alias, is there. */
  async isThere(reference: FunctionReference): Promise<boolean> {
    try {
      await this.resolve(reference);
      return true;
    } catch (error) {
      if (error instanceof AwsError && error.code === 'ResourceNotFoundException') return false;
      throw error;
    }
  }

  /** Throws ResourceNotFoundException for functions and qualifiers that are not there. */
  async resolve(reference: FunctionReference): Promise<Target> {
    const { scope, name, qualifier = LATEST } = reference;
    const document = await this.find(scope, name);
    if (!document) throw functionNotFound(reference);
    if (qualifier === LATEST) return { document, version: document.latest };
    const cached = this.#cache.get(keyOf(scope, name));
    const known = cached?.document === document ? cached.targets.get(qualifier) : undefined;
    if (known) return known;
    const writes = this.#writes;
    const target = await this.#read(reference, document, qualifier);
    if (!target) throw functionNotFound(reference);
    // What was read while something was written may be old.
    if (writes === this.#writes && cached?.document === document) cached.targets.set(qualifier, target);
    return target;
  }

  /** The same for one invocation: an alias with two versions gives each its share, by a random number in [0, 1). */
  async route(reference: FunctionReference, random: () => number): Promise<Target> {
    const target = await this.#invoked(reference);
    const { alias } = target;
    if (!alias?.routing || random() >= alias.routing.weight) return target;
    const { version } = await this.resolve({ ...reference, qualifier: alias.routing.version });
    return { ...target, version };
  }

  /** Unqualified, a function on Managed Instances is invoked as it was published last. */
  async #invoked(reference: FunctionReference): Promise<Target> {
    const target = await this.resolve(reference);
    if (reference.qualifier !== undefined || !target.version.managed) return target;
    const published = { ...reference, qualifier: LATEST_PUBLISHED };
    if (await this.isThere(published)) return this.resolve(published);
    throw new AwsError('NoPublishedVersionException', 'The function has no published versions available.', {
      fields: { Type: 'User' },
    });
  }

  /** The concurrent executions that the functions of an account and region have reserved in all. */
  reservedConcurrency(scope: Scope): Promise<number> {
    const key = `${scope.account}/${scope.region}`;
    let sum = this.#reserved.get(key);
    if (!sum) {
      sum = this.#state.documents
        .range(FUNCTIONS, scope)
        .then((functions) => functions.reduce((total, { value }) => total + (value.reservedConcurrency ?? 0), 0));
      sum.catch(() => this.#reserved.delete(key));
      this.#reserved.set(key, sum);
    }
    return sum;
  }

  async find(scope: Scope, name: string): Promise<FunctionDocument | undefined> {
    const key = keyOf(scope, name);
    const cached = this.#cache.get(key);
    if (cached) return cached.document;
    const writes = this.#writes;
    const found = await this.#state.documents.get(FUNCTIONS, scope, name);
    if (found && writes === this.#writes && this.#cache.size < MOST_CACHED) {
      this.#cache.set(key, { document: found, targets: new Map() });
    }
    return found;
  }

  /** Changes a function in a transaction; `change` gets it as it is and returns what it becomes. */
  async update(
    reference: FunctionReference,
    change: (document: FunctionDocument, tx: Transaction) => Promise<FunctionDocument> | FunctionDocument,
  ): Promise<FunctionDocument> {
    const { scope, name, qualifier } = reference;
    return this.write(reference, async (document, tx) => {
      if (qualifier !== undefined && qualifier !== LATEST) throw functionNotFound(reference);
      const changed = await change(document, tx);
      if (changed !== document) await tx.documents.put(FUNCTIONS, scope, name, changed);
      return changed;
    });
  }

  /** Changes what belongs to a function in a transaction. Throws ResourceNotFoundException when there is no such function. */
  async write<T>(
    reference: FunctionReference,
    work: (document: FunctionDocument, tx: Transaction) => Promise<T>,
  ): Promise<T> {
    const { scope, name } = reference;
    return this.#write(scope, name, async (tx) => {
      const document = await tx.documents.get(FUNCTIONS, scope, name);
      if (!document) throw functionNotFound(reference);
      return work(document, tx);
    });
  }

  async create(scope: Scope, document: FunctionDocument, also: (tx: Transaction) => Promise<unknown>): Promise<void> {
    await this.#write(scope, document.name, async (tx) => {
      if (await tx.documents.get(FUNCTIONS, scope, document.name)) {
        throw new AwsError('ResourceConflictException', `Function already exist: ${document.name}`, {
          fields: { Type: 'User' },
        });
      }
      await tx.documents.put(FUNCTIONS, scope, document.name, document);
      await also(tx);
    });
  }

  /** Deletes a function with its versions, aliases and policies; gives all its versions. `also` runs in the same transaction. */
  async delete<T>(
    reference: FunctionReference,
    also: (tx: Transaction, versions: readonly VersionDocument[]) => Promise<T>,
  ): Promise<{ versions: VersionDocument[]; result: T }> {
    const { scope, name } = reference;
    return this.write(reference, async (document, tx) => {
      const versions = [document.latest, ...(await publishedVersions(tx.documents, scope, name))];
      await tx.documents.delete(FUNCTIONS, scope, name);
      await tx.documents.delete(POLICIES, scope, name);
      for (const collection of [VERSIONS, ALIASES, POLICIES]) {
        await tx.documents.deleteRange(collection, scope, { prefix: `${name}:` });
      }
      return { versions, result: await also(tx, versions) };
    });
  }

  reset(): void {
    this.#writes++;
    this.#cache.clear();
    this.#reserved.clear();
  }

  async #read(
    { scope, name }: FunctionReference,
    document: FunctionDocument,
    qualifier: string,
  ): Promise<Target | undefined> {
    const { documents } = this.#state;
    if (VERSION_NUMBER.test(qualifier) || qualifier === LATEST_PUBLISHED) {
      const version = await documents.get(VERSIONS, scope, versionKey(name, qualifier));
      return version && { document, version };
    }
    const alias = await documents.get(ALIASES, scope, `${name}:${qualifier}`);
    if (!alias) return undefined;
    const version =
      alias.version === LATEST
        ? document.latest
        : await documents.get(VERSIONS, scope, versionKey(name, alias.version));
    return version && { document, version, alias };
  }

  async #write<T>(scope: Scope, name: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.#state.transact(work);
    } finally {
      this.#writes++;
      this.#cache.delete(keyOf(scope, name));
      this.#reserved.delete(`${scope.account}/${scope.region}`);
    }
  }
}

export async function publishedVersions(
  documents: Pick<Transaction['documents'], 'range'>,
  scope: Scope,
  name: string,
): Promise<VersionDocument[]> {
  return (await documents.range(VERSIONS, scope, { prefix: `${name}:` })).map(({ value }) => value);
}

function keyOf({ account, region }: Scope, name: string): string {
  return `${account}/${region}/${name}`;
}
