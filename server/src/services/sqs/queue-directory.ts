// All queues, in memory: SQS reads its queue on every request. Loaded from the documents once, changed with them.

import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import type { Scope, StateStore, Transaction } from '#storage/state/state.ts';
import { queueDoesNotExist } from './errors.ts';
import { forgetAccepted } from './fifo/fifo-queues.ts';
import { openQueue, QUEUES, type Queue, type QueueDocument } from './queue.ts';

export class QueueDirectory {
  readonly #state: StateStore;
  readonly #queues = new Map<string, Queue>();
  #loading: Promise<void> | undefined;

  constructor(state: StateStore) {
    this.#state = state;
  }

  /** The queue that a URL names in the caller's region; throws InvalidAddress or QueueDoesNotExist. */
  async byUrl(region: string, url: string | undefined): Promise<Queue> {
    const { account, name } = parseQueueUrl(url ?? '');
    return this.byName({ account, region }, name);
  }

  async byName(scope: Scope, name: string): Promise<Queue> {
    const queue = await this.find(scope, name);
    if (!queue) throw queueDoesNotExist();
    return queue;
  }

  async byArn(arn: string): Promise<Queue | undefined> {
    const parsed = parseArn(arn);
    if (parsed?.service !== 'sqs') return undefined;
    return this.find({ account: parsed.account, region: parsed.region }, parsed.resource);
  }

  async find(scope: Scope, name: string): Promise<Queue | undefined> {
    await this.#loaded();
    return this.#queues.get(keyOf(scope, name));
  }

  /** Every queue of an account and region, by name. */
  async list(scope: Scope): Promise<Queue[]> {
    const own = (await this.all()).filter(
      ({ account, region }) => account === scope.account && region === scope.region,
    );
    return own.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async all(): Promise<Queue[]> {
    await this.#loaded();
    return [...this.#queues.values()];
  }

  /**
   * Writes a queue's document as `change` makes it, in one transaction; undefined leaves it as it is. `change` sees
   * what is committed, not what this directory remembers, and may write more through the transaction.
   */
  async update(
    scope: Scope,
    name: string,
    change: (
      current: QueueDocument | undefined,
      tx: Transaction,
    ) => Promise<QueueDocument | undefined> | QueueDocument | undefined,
  ): Promise<Queue> {
    await this.#loaded();
    const document = await this.#state.transact(async (tx) => {
      const current = await tx.documents.get(QUEUES, scope, name);
      const next = await change(current, tx);
      if (next) await tx.documents.put(QUEUES, scope, name, next);
      return next ?? current;
    });
    if (!document) throw queueDoesNotExist();
    const known = this.#queues.get(keyOf(scope, name));
    const queue = openQueue(scope, document, known?.document.uid === document.uid ? known.live : undefined);
    this.#queues.set(keyOf(scope, name), queue);
    return queue;
  }

  /** Deletes a queue with its messages. */
  async delete(queue: Queue): Promise<void> {
    const key = keyOf(queue, queue.name);
    await this.#state.transact(async (tx) => {
      await tx.documents.delete(QUEUES, queue, queue.name);
      await tx.queues.purge(queue.stateQueue);
      if (queue.fifo) await forgetAccepted(tx, queue);
    });
    queue.live.deleted = true;
    this.#queues.delete(key);
  }

  forget(): void {
    this.#queues.clear();
    this.#loading = undefined;
  }

  #loaded(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    for (const { account, region, value } of await this.#state.documents.scan(QUEUES)) {
      this.#queues.set(keyOf({ account, region }, value.name), openQueue({ account, region }, value));
    }
  }
}

/**
 * Account and name from any URL that ends in them, whatever its host: Brume's own, AWS's legacy
 * `region.queue.amazonaws.com`, a container's name for the same server.
 */
export function parseQueueUrl(url: string): { account: string; name: string } {
  const match = /\/(\d{12})\/([^/?#]+)\/?$/.exec(url);
  if (!match) throw new AwsError('InvalidAddress', `The address ${url} is not valid for this endpoint.`);
  return { account: match[1]!, name: match[2]! };
}

export function queueUrl(endpoint: string, queue: { account: string; name: string }): string {
  return `${endpoint}/${queue.account}/${queue.name}`;
}

function keyOf({ account, region }: Scope, name: string): string {
  return `${account}/${region}/${name}`;
}
