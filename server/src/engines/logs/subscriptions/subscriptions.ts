// All subscriptions: their documents, their feeds on the groups, and the cursors that outlive a crash. An append costs
// nothing for them beyond memory: the events are in the telemetry log anyway, and every second the cursors of the feeds
// that moved are written down. What a crash leaves undelivered is read back from the table.

import type { Clock, Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import type { StateStore } from '#storage/state/state.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import { WATERMARK } from '../ingestion-statistics.ts';
import { LOG_GROUPS, type LogGroup, type LogScope } from '../log-group.ts';
import type { LogStore } from '../log-store.ts';
import { evaluateSelection, parseSelectionCriteria } from '../selection-criteria.ts';
import { endsOfGroups, newestStoredSegment, readBacklog } from './backlog-reader.ts';
import { SubscriptionFeed } from './feed.ts';
import {
  ACCOUNT_SUBSCRIPTIONS,
  type AccountSubscription,
  compileStoredSubscription,
  compileSubscription,
  type IngestionPosition,
  later,
  SUBSCRIPTION_CURSORS,
  SUBSCRIPTION_FILTERS,
  type SubscriptionCursor,
  type SubscriptionDocument,
} from './subscription.ts';

export interface SubscriptionsOptions {
  store: LogStore;
  state: StateStore;
  telemetry: Telemetry;
  clock: Clock;
  log: Logger;
  meter: Meter;
  /** Delivers to a destination once; throws AwsError as the target does. */
  send(group: LogGroup, destinationArn: string, payload: string): Promise<void>;
  /** Whether the group is where the destination itself logs: an account's policy must not feed it to itself. */
  isOwnGroup(group: LogGroup, destinationArn: string): Promise<boolean>;
  random?: () => number;
}

const CURSOR_INTERVAL_MS = 1_000;
const CURSORS_IN_TRANSACTION = 500;
/** Deliveries under way at once, over all feeds. */
const MOST_DELIVERIES = 32;
const DESTINATION_TYPES: Record<string, string> = { lambda: 'Lambda', kinesis: 'Kinesis', firehose: 'Firehose' };

/** The account's policies of a scope, by name. */
type Policies = Map<string, AccountSubscription>;

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #policies = new Map<string, Policies>();
  readonly #places: Places = new Places(MOST_DELIVERIES);
  /** Feeds whose cursor is to be written. */
  readonly #moved = new Set<SubscriptionFeed>();
  readonly #keys = new Map<SubscriptionFeed, string>();
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #storedSegment = 0;
  #running = false;
  #recovering: Promise<void> | undefined;
  #loadedClean = true;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    options.store.groups.attach({
      load: () => this.#load(),
      created: (group) => this.#subscribeToPolicies(group),
      deleted: (group) => this.#leave(group),
    });
  }

  /** Makes or replaces a filter of a group; false when the group is gone. Throws FilterPatternError. */
  async put(group: LogGroup, document: Omit<SubscriptionDocument, 'since'>): Promise<boolean> {
    const { state } = this.#options;
    const existing = group.feeds.get(filterKey(document.name));
    const since = existing?.subscription.document.since ?? (await this.#now());
    const complete = { ...document, since };
    const compiled = compileSubscription(complete, group.scope);
    const stored = await state.transact(async (tx) => {
      const current = await tx.documents.get(LOG_GROUPS, group.scope, group.name);
      if (current?.groupId !== group.id) return false;
      await tx.documents.put(SUBSCRIPTION_FILTERS, group.scope, group.streamKey(document.name), complete);
      return true;
    });
    if (!stored) return false;
    if (existing) existing.replace(compiled);
    else this.#open(group, filterKey(document.name), complete, { ...since, behind: false });
    return true;
  }

  /** False when there is none of that name. */
  async delete(group: LogGroup, name: string): Promise<boolean> {
    const deleted = await this.#options.state.transact(async (tx) => {
      await tx.documents.delete(SUBSCRIPTION_CURSORS, group.scope, cursorKey(group, filterKey(name)));
      return tx.documents.delete(SUBSCRIPTION_FILTERS, group.scope, group.streamKey(name));
    });
    this.#close(group, filterKey(name));
    return deleted;
  }

  /** The filters of a group in the order of their names. */
  list(group: LogGroup): SubscriptionDocument[] {
    return [...group.feeds]
      .filter(([key]) => key.startsWith(FILTER_PREFIX))
      .map(([, feed]) => feed.subscription.document)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Puts the subscription of an account policy on every group that its criteria select. Throws FilterPatternError. */
  async putPolicy(scope: LogScope, document: Omit<AccountSubscription, 'since'>): Promise<void> {
    const { state, store } = this.#options;
    compileSubscription({ ...document, since: { segment: 0, rows: 0 } }, scope);
    const groups = await store.groups.list(scope);
    const existing = this.#policiesOf(scope).get(document.name);
    const complete = { ...document, since: existing?.since ?? (await this.#now()) };
    await state.transact((tx) => tx.documents.put(ACCOUNT_SUBSCRIPTIONS, scope, document.name, complete));
    this.#policiesOf(scope).set(document.name, complete);
    for (const group of groups) {
      const key = policyKey(document.name);
      const feed = group.feeds.get(key);
      if (!selects(complete, group)) this.#close(group, key);
      else if (feed) feed.replace(compileSubscription(complete, scope));
      else this.#open(group, key, complete, { ...complete.since, behind: false });
    }
  }

  async deletePolicy(scope: LogScope, name: string): Promise<void> {
    const { state, store } = this.#options;
    const groups = await store.groups.list(scope);
    await state.transact((tx) => tx.documents.delete(ACCOUNT_SUBSCRIPTIONS, scope, name));
    this.#policiesOf(scope).delete(name);
    const key = policyKey(name);
    const subscribed = groups.filter((group) => group.feeds.has(key));
    for (const group of subscribed) this.#close(group, key);
    for (let i = 0; i < subscribed.length; i += CURSORS_IN_TRANSACTION) {
      const batch = subscribed.slice(i, i + CURSORS_IN_TRANSACTION);
      await state.transact(async (tx) => {
        for (const group of batch) await tx.documents.delete(SUBSCRIPTION_CURSORS, scope, cursorKey(group, key));
      });
    }
  }

  async start(): Promise<void> {
    this.#running = true;
    await this.#options.store.groups.load();
    const behind = [...this.#keys.keys()].filter((feed) => feed.isBehind);
    if (behind.length > 0) this.#recovering = this.#recover(behind);
  }

  /** In the background: the table may take its time to be there. */
  async #recover(behind: readonly SubscriptionFeed[]): Promise<void> {
    const { telemetry, log } = this.#options;
    try {
      const from = behind.reduce((oldest, feed) => Math.min(oldest, feed.cursor().segment), Number.POSITIVE_INFINITY);
      const groupIds = [...new Set(behind.map(({ group }) => group.id))];
      const ends = await endsOfGroups(telemetry, groupIds, from);
      this.#storedSegment = await newestStoredSegment(telemetry);
      for (const feed of behind) feed.catchUp({ position: ends.get(feed.group.id) });
    } catch (error) {
      log.error('log subscriptions cannot see yet what they have to deliver', { error });
      for (const feed of behind) feed.catchUp();
    }
  }

  /** Ends the deliveries under way and writes the cursors down. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    const feeds = [...this.#keys.keys()];
    this.#places.open();
    await this.#recovering;
    await Promise.all(feeds.map((feed) => feed.stop()));
    for (const feed of feeds) this.#moved.add(feed);
    await this.#writeCursors();
  }

  async reset(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const feeds = [...this.#keys.keys()];
    this.#keys.clear();
    this.#moved.clear();
    this.#policies.clear();
    this.#storedSegment = 0;
    await Promise.all(feeds.map((feed) => feed.stop()));
  }

  async #load(): Promise<void> {
    const { documents } = this.#options.state;
    const [filters, policies, cursors, watermark] = await Promise.all([
      documents.scan(SUBSCRIPTION_FILTERS),
      documents.scan(ACCOUNT_SUBSCRIPTIONS),
      documents.scan(SUBSCRIPTION_CURSORS),
      documents.get(WATERMARK, { account: '', region: '' }, 'log_events'),
    ]);
    // After a clean end nothing has come that the cursors do not know.
    this.#loadedClean = watermark?.clean ?? true;
    const cursorOf = new Map(cursors.map(({ key, value }) => [key, value]));
    for (const { account, region, value } of policies) this.#policiesOf({ account, region }).set(value.name, value);
    const { groups } = this.#options.store;
    for (const { key, value } of filters) {
      const group = groups.findById(Number(key.slice(0, key.indexOf('/'))));
      if (group) this.#reopen(group, filterKey(value.name), value, cursorOf);
    }
    if (policies.length === 0) return;
    for (const group of groups.all()) {
      for (const policy of this.#policiesOf(group.scope).values()) {
        if (selects(policy, group)) this.#reopen(group, policyKey(policy.name), policy, cursorOf);
      }
    }
  }

  #reopen(
    group: LogGroup,
    key: string,
    document: SubscriptionDocument,
    cursors: ReadonlyMap<string, SubscriptionCursor>,
  ): void {
    const cursor = cursors.get(cursorKey(group, key));
    const behind = !this.#loadedClean || (cursor?.behind ?? false);
    // A cursor from before the filter is what an earlier one of its name left.
    const from = cursor ? later(cursor, document.since) : document.since;
    // Positions of earlier versions told rows in another way.
    this.#open(group, key, document, { ...from, rows: from.rows ?? 0, behind });
  }

  #subscribeToPolicies(group: LogGroup): void {
    for (const policy of this.#policiesOf(group.scope).values()) {
      if (selects(policy, group)) this.#open(group, policyKey(policy.name), policy, { ...policy.since, behind: false });
    }
  }

  #open(group: LogGroup, key: string, document: SubscriptionDocument, { behind, ...from }: SubscriptionCursor): void {
    const { clock, log, telemetry, send, isOwnGroup, store, random = Math.random } = this.#options;
    const ofPolicy = key.startsWith(POLICY_PREFIX);
    /** The destination that was last found to log elsewhere. */
    let foreign: string | undefined;
    const feed: SubscriptionFeed = new SubscriptionFeed({
      clock,
      log,
      random,
      group,
      subscription: compileStoredSubscription(document, group.scope),
      from,
      behind,
      takePlace: () => this.#places.take(),
      send: async (payload) => {
        const { destinationArn } = feed.subscription.document;
        if (ofPolicy && foreign !== destinationArn) {
          if (await isOwnGroup(group, destinationArn)) return false;
          foreign = destinationArn;
        }
        await send(group, destinationArn, payload);
        return true;
      },
      readBacklog: (from, through) => readBacklog(telemetry, group, from, through),
      newestSegment: () => Math.max(this.#storedSegment, store.statistics.newestSegment),
      oldestUnderWay: () => store.statistics.oldestUnderWay(),
      onProgress: () => this.#notePosition(feed),
      record: (metricName, value) => this.#record(feed, ofPolicy, metricName, value),
    });
    group.feeds.set(key, feed);
    this.#keys.set(feed, key);
  }

  #close(group: LogGroup, key: string): void {
    const feed = group.feeds.get(key);
    if (!feed) return;
    group.feeds.delete(key);
    this.#keys.delete(feed);
    this.#moved.delete(feed);
    void feed.stop();
  }

  #leave(group: LogGroup): void {
    for (const key of [...group.feeds.keys()]) this.#close(group, key);
  }

  /**
   * After everything that was acknowledged before. The query ended the segments that it saw; one that is newer may
   * still grow, so nothing later than this will do.
   */
  async #now(): Promise<IngestionPosition> {
    return { segment: (await newestStoredSegment(this.#options.telemetry)) + 1, rows: 0 };
  }

  #policiesOf({ account, region }: LogScope): Policies {
    const key = `${account}\n${region}`;
    let policies = this.#policies.get(key);
    if (!policies) {
      policies = new Map();
      this.#policies.set(key, policies);
    }
    return policies;
  }

  #notePosition(feed: SubscriptionFeed): void {
    if (!this.#running || !this.#keys.has(feed)) return;
    this.#moved.add(feed);
    const { clock, log } = this.#options;
    this.#timer ??= clock.at(clock.now() + CURSOR_INTERVAL_MS, async () => {
      this.#timer = undefined;
      await this.#writeCursors().catch((error) => log.error('subscription cursors could not be written', { error }));
    });
  }

  #writeCursors(): Promise<void> {
    this.#writing = this.#writing.catch(() => {}).then(() => this.#writeMoved());
    return this.#writing;
  }

  async #writeMoved(): Promise<void> {
    const feeds = [...this.#moved];
    this.#moved.clear();
    for (let i = 0; i < feeds.length; i += CURSORS_IN_TRANSACTION) {
      await this.#options.state.transact(async (tx) => {
        for (const feed of feeds.slice(i, i + CURSORS_IN_TRANSACTION)) {
          const key = this.#keys.get(feed);
          if (key === undefined || feed.group.deleted) continue;
          const cursor = { ...feed.cursor(), behind: feed.isBehind };
          await tx.documents.put(SUBSCRIPTION_CURSORS, feed.group.scope, cursorKey(feed.group, key), cursor);
        }
      });
    }
  }

  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html */
  #record(feed: SubscriptionFeed, ofPolicy: boolean, metricName: string, value: number): void {
    const { name, destinationArn } = feed.subscription.document;
    const LogGroupName = feed.group.name;
    const DestinationType = DESTINATION_TYPES[destinationArn.split(':')[2]!] ?? 'Destination';
    const level: Record<string, string> = ofPolicy ? { PolicyLevel: 'AccountPolicy' } : {};
    this.#options.meter.record(feed.group.scope, {
      namespace: 'AWS/Logs',
      metricName,
      dimensions: [{ LogGroupName }, { LogGroupName, DestinationType, FilterName: name, ...level }],
      value,
      unit: metricName === 'ForwardedBytes' ? 'Bytes' : 'None',
    });
  }
}

/** A number of places for work under way. */
class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return () => {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    };
  }

  /** Lets everyone in who waits, for the end. */
  open(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

const FILTER_PREFIX = 'filter/';
const POLICY_PREFIX = 'policy/';

function filterKey(name: string): string {
  return FILTER_PREFIX + name;
}

function policyKey(name: string): string {
  return POLICY_PREFIX + name;
}

function cursorKey(group: LogGroup, key: string): string {
  return group.streamKey(key);
}

function selects({ selectionCriteria }: AccountSubscription, group: LogGroup): boolean {
  if (group.document.logGroupClass !== 'STANDARD') return false;
  if (!selectionCriteria) return true;
  return evaluateSelection(parseSelectionCriteria(selectionCriteria), { LogGroupName: group.name });
}
