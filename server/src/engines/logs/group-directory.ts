// The log groups and streams of all accounts, held in memory and written through to the state store.

import type { Clock } from '#core/clock.ts';
import type { StateStore, Transaction } from '#storage/state/state.ts';
import { AccountPolicies } from './account-policies.ts';
import type { Eraser } from './eraser.ts';
import { GROUP_STATISTICS, STREAM_STATISTICS } from './ingestion-statistics.ts';
import {
  LOG_GROUPS,
  LOG_STREAMS,
  LogGroup,
  type LogGroupClass,
  type LogGroupDocument,
  type LogScope,
  LogStream,
} from './log-group.ts';
import { compileStoredMetricFilter, METRIC_FILTERS } from './metric-filter.ts';
import { SUBSCRIPTION_CURSORS, SUBSCRIPTION_FILTERS } from './subscriptions/subscription.ts';

export interface NewGroup {
  logGroupClass?: LogGroupClass;
  retentionInDays?: number;
  kmsKeyId?: string;
  tags?: Record<string, string>;
  deletionProtection?: boolean;
}

/** What keeps something on the groups, and has to be there before anyone finds them. */
export interface GroupListener {
  load(): Promise<void>;
  created(group: LogGroup): void;
  deleted(group: LogGroup): void;
}

const GROUP_NUMBERS = 'logs.group-number';

export class GroupDirectory {
  readonly #state: StateStore;
  readonly #clock: Clock;
  readonly #eraser: Eraser;
  /** What groups inherit from. */
  readonly policies: AccountPolicies;
  #groups = new Map<string, LogGroup>();
  #byId = new Map<number, LogGroup>();
  /** Groups of a scope in the order of their names; built when asked for. */
  #sorted = new Map<string, LogGroup[]>();
  #loading: Promise<void> | undefined;
  #loaded = false;
  readonly #listeners: GroupListener[] = [];
  /** Creations under way, by the key of what they create: a second one waits to find the first one's work. */
  readonly #creating = new Map<string, Promise<unknown>>();

  constructor(state: StateStore, clock: Clock, eraser: Eraser) {
    this.#state = state;
    this.#clock = clock;
    this.#eraser = eraser;
    this.policies = new AccountPolicies(state);
  }

  attach(listener: GroupListener): void {
    this.#listeners.push(listener);
  }

  /** Every read below needs this to have resolved once. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async find(scope: LogScope, name: string): Promise<LogGroup | undefined> {
    if (!this.#loaded) await this.load();
    return this.#groups.get(groupKey(scope, name));
  }

  /** At once, from what is in memory: undefined when it is not loaded, too. */
  peek(scope: LogScope, name: string): LogGroup | undefined {
    return this.#groups.get(groupKey(scope, name));
  }

  findById(id: number): LogGroup | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<LogGroup> {
    return this.#byId.values();
  }

  /** In the order of their names. */
  async list(scope: LogScope): Promise<readonly LogGroup[]> {
    await this.load();
    const key = groupKey(scope, '');
    let sorted = this.#sorted.get(key);
    if (!sorted) {
      sorted = [];
      for (const group of this.#byId.values()) {
        if (group.scope.account === scope.account && group.scope.region === scope.region) sorted.push(group);
      }
      sorted.sort((a, b) => (a.name < b.name ? -1 : 1));
      this.#sorted.set(key, sorted);
    }
    return sorted;
  }

  /** Undefined when there is one of that name. */
  async create(scope: LogScope, name: string, options: NewGroup = {}): Promise<LogGroup | undefined> {
    await this.load();
    return this.#oneByOne(groupKey(scope, name), () => this.#create(scope, name, options));
  }

  async #create(scope: LogScope, name: string, options: NewGroup): Promise<LogGroup | undefined> {
    if (this.#groups.has(groupKey(scope, name))) return undefined;
    const document = await this.#state.transact(async (tx) => {
      if (await tx.documents.get(LOG_GROUPS, scope, name)) return undefined;
      const { logGroupClass = 'STANDARD', tags = {}, ...rest } = options;
      const created: LogGroupDocument = {
        name,
        groupId: await tx.documents.nextSequence(GROUP_NUMBERS),
        createdAtMs: this.#clock.now(),
        logGroupClass,
        tags,
        ...rest,
      };
      await tx.documents.put(LOG_GROUPS, scope, name, created);
      return created;
    });
    if (!document) return undefined;
    const group = new LogGroup(scope, document, this.policies);
    group.streams = new Map();
    this.#add(group);
    for (const listener of this.#listeners) listener.created(group);
    return group;
  }

  /** Replaces the group's document by what `change` makes of it; false when the group was deleted meanwhile. */
  async update(group: LogGroup, change: (document: LogGroupDocument) => LogGroupDocument): Promise<boolean> {
    const changed = await this.#state.transact(async (tx) => {
      const current = await this.#current(tx, group);
      if (!current) return undefined;
      const next = change(current);
      await tx.documents.put(LOG_GROUPS, group.scope, group.name, next);
      return next;
    });
    if (changed) group.document = changed;
    return changed !== undefined;
  }

  /** Deletes the group and all that hangs on it; its events are erased in the background. False when it was gone. */
  async delete(group: LogGroup): Promise<boolean> {
    const deleted = await this.#state.transact(async (tx) => {
      if (!(await this.#current(tx, group))) return false;
      await tx.documents.delete(LOG_GROUPS, group.scope, group.name);
      const ofGroup = { prefix: group.streamKey('') };
      await tx.documents.deleteRange(LOG_STREAMS, group.scope, ofGroup);
      await tx.documents.deleteRange(STREAM_STATISTICS, group.scope, ofGroup);
      await tx.documents.deleteRange(METRIC_FILTERS, group.scope, ofGroup);
      await tx.documents.deleteRange(SUBSCRIPTION_FILTERS, group.scope, ofGroup);
      await tx.documents.deleteRange(SUBSCRIPTION_CURSORS, group.scope, ofGroup);
      await tx.documents.delete(GROUP_STATISTICS, group.scope, String(group.id));
      await this.#eraser.schedule(tx, group, undefined);
      return true;
    });
    if (!deleted) return false;
    group.deleted = true;
    this.#byId.delete(group.id);
    this.#sorted.delete(groupKey(group.scope, ''));
    const key = groupKey(group.scope, group.name);
    if (this.#groups.get(key) === group) this.#groups.delete(key);
    for (const tail of group.tails) tail.leave(group);
    for (const listener of this.#listeners) listener.deleted(group);
    this.#eraser.run();
    return true;
  }

  /** The group's streams by name. */
  async streams(group: LogGroup): Promise<Map<string, LogStream>> {
    if (group.streams) return group.streams;
    const prefix = group.streamKey('');
    const [documents, statistics] = await Promise.all([
      this.#state.documents.range(LOG_STREAMS, group.scope, { prefix }),
      this.#state.documents.range(STREAM_STATISTICS, group.scope, { prefix }),
    ]);
    // Another caller may have been faster, and its map may have changed since.
    if (group.streams) return group.streams;
    const streams = new Map(documents.map(({ value }) => [value.name, new LogStream(value)]));
    for (const { key, value } of statistics) {
      streams.get(key.slice(prefix.length))?.extend(value.firstEventMs, value.lastEventMs, value.lastIngestionMs);
    }
    group.streams = streams;
    return streams;
  }

  /** Undefined when there is one of that name, or the group is gone. */
  createStream(group: LogGroup, name: string): Promise<LogStream | undefined> {
    return this.#oneByOne(group.streamKey(name), () => this.#createStream(group, name));
  }

  async #createStream(group: LogGroup, name: string): Promise<LogStream | undefined> {
    const streams = await this.streams(group);
    if (streams.has(name)) return undefined;
    // The rows of an earlier stream of this name must not come back as the new one's.
    if (group.streamsBeingErased.has(name)) await this.#eraser.settled();
    const document = { name, createdAtMs: this.#clock.now() };
    const created = await this.#state.transact(async (tx) => {
      if (!(await this.#current(tx, group))) return false;
      if (await tx.documents.get(LOG_STREAMS, group.scope, group.streamKey(name))) return false;
      await tx.documents.put(LOG_STREAMS, group.scope, group.streamKey(name), document);
      return true;
    });
    if (!created) return undefined;
    const stream = new LogStream(document);
    streams.set(name, stream);
    return stream;
  }

  /** Deletes the stream; its events are erased in the background. */
  async deleteStream(group: LogGroup, stream: LogStream): Promise<boolean> {
    if (stream.deleted) return false;
    // No append begins from here on, and what was begun is in the log before its rows are erased.
    stream.deleted = true;
    this.#eraser.waitFor(stream.drained());
    const deleted = await this.#state.transact(async (tx) => {
      if (!(await tx.documents.delete(LOG_STREAMS, group.scope, group.streamKey(stream.name)))) return false;
      await tx.documents.delete(STREAM_STATISTICS, group.scope, group.streamKey(stream.name));
      await this.#eraser.schedule(tx, group, stream.name);
      group.streamsBeingErased.add(stream.name);
      return true;
    });
    group.streams?.delete(stream.name);
    this.#eraser.run();
    return deleted;
  }

  forget(): void {
    this.#groups = new Map();
    this.#byId = new Map();
    this.#sorted = new Map();
    this.#loaded = false;
  }

  async #load(): Promise<void> {
    const { documents } = this.#state;
    await this.policies.load();
    const [groups, filters] = await Promise.all([documents.scan(LOG_GROUPS), documents.scan(METRIC_FILTERS)]);
    for (const { account, region, value } of groups) this.#add(new LogGroup({ account, region }, value, this.policies));
    for (const { key, value } of filters) {
      const group = this.#byId.get(Number(key.slice(0, key.indexOf('/'))));
      group?.metricFilters.set(value.name, compileStoredMetricFilter(value, group.scope));
    }
    for (const { groupId, stream } of await this.#eraser.pending()) {
      if (stream !== undefined) this.#byId.get(groupId)?.streamsBeingErased.add(stream);
    }
    for (const listener of this.#listeners) await listener.load();
    this.#loaded = true;
  }

  async #oneByOne<T>(key: string, work: () => Promise<T>): Promise<T> {
    for (let other = this.#creating.get(key); other; other = this.#creating.get(key)) await other.catch(() => {});
    const working = work();
    this.#creating.set(key, working);
    try {
      return await working;
    } finally {
      this.#creating.delete(key);
    }
  }

  #add(group: LogGroup): void {
    this.#groups.set(groupKey(group.scope, group.name), group);
    this.#byId.set(group.id, group);
    this.#sorted.delete(groupKey(group.scope, ''));
  }

  /** The group's document, unless it was deleted (and perhaps another made under its name). */
  async #current(tx: Transaction, group: LogGroup): Promise<LogGroupDocument | undefined> {
    const document = await tx.documents.get(LOG_GROUPS, group.scope, group.name);
    return document?.groupId === group.id ? document : undefined;
  }
}

function groupKey({ account, region }: LogScope, name: string): string {
  return `${account}\n${region}\n${name}`;
}
