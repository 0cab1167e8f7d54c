// Which metrics exist: for each account and region the (namespace, name, dimensions) that were ever put, with the
// number under which their points are stored. Held in memory for the hot path and for ListMetrics; every metric is
// also a document, written before its first point is acknowledged, from which `load` rebuilds the index.

import { createHash } from 'node:crypto';
import { defineCollection, type StateStore } from '#storage/state/state.ts';

/** Spelled as on the wire, so that a request with a thousand data points is looked up without conversion. */
export interface Dimension {
  readonly Name: string;
  readonly Value: string;
}

export interface MetricScope {
  account: string;
  region: string;
}

export interface Metric {
  /** Unique over accounts and regions, never reused. */
  readonly id: number;
  readonly scope: MetricScope;
  readonly namespace: string;
  readonly name: string;
  /** Sorted by name: the order of dimensions does not tell metrics apart. */
  readonly dimensions: readonly Dimension[];
  /** When data last arrived (not the time that the data carry). */
  lastPutMs: number;
  /** No data carry a later time; an upper bound after a restart. */
  newestDataMs: number;
  /** Someone wants to know of new data. */
  watched: boolean;
  /** The `lastPutMs` that the document holds. */
  storedLastPutMs: number;
  /** Paths in the index beside the sorted one. */
  aliases: number;
  /** The dimensions in the order in which they last came. */
  spelled: readonly Dimension[];
  /** The metric that last followed in a request: agents send the same metrics in the same order again and again. */
  next: Metric | undefined;
  /** Out of the index; found no more, not even by `next`. */
  forgotten: boolean;
}

export interface MetricIdentity {
  scope: MetricScope;
  namespace: string;
  name: string;
  dimensions: readonly Dimension[];
}

interface MetricDocument {
  id: number;
  namespace: string;
  name: string;
  dimensions: [name: string, value: string][];
  lastPutMs: number;
}

const METRICS = defineCollection<MetricDocument>('cloudwatch.metrics');
const METRIC_SEQUENCE = 'cloudwatch.metrics';

/** The same metric may be put with its dimensions in several orders; so many are remembered, others are sorted each time. */
const MAX_ALIASES = 8;
/** A document is rewritten when its last put is older than this: ListMetrics needs no more precision. */
const LAST_PUT_PRECISION_MS = 20 * 60_000;
/** Documents are rewritten at intervals, so they may be older by that much. */
const UPKEEP_SLACK_MS = 40 * 60_000;
/** Data may carry times so far ahead of their arrival. */
const LONGEST_AHEAD_MS = 2 * 3_600_000;
/** Documents written in one transaction by `storeLastPuts` and `forget`. */
const DOCUMENTS_PER_TRANSACTION = 500;

/** Whether the dimensions are those, in that order. */
export function isSpelled(
  spelled: readonly Dimension[],
  dimensions: readonly Partial<Dimension>[] | undefined,
): boolean {
  const count = dimensions === undefined ? 0 : dimensions.length;
  if (spelled.length !== count) return false;
  for (let i = 0; i < count; i++) {
    const expected = spelled[i]!;
    const given = dimensions![i]!;
    if (expected.Value !== given.Value || expected.Name !== given.Name) return false;
  }
  return true;
}

/** A step on the way name -> dimension name -> dimension value -> … -> metric. */
interface Node {
  metric: Metric | undefined;
  next: Map<string, Map<string, Node>> | undefined;
}

/** The metrics of one namespace in one account and region. */
export class NamespaceIndex {
  readonly scope: MetricScope;
  readonly namespace: string;
  readonly #roots = new Map<string, Node>();
  readonly #byName = new Map<string, Metric[]>();
  /** By rising id. */
  readonly metrics: Metric[] = [];

  constructor(scope: MetricScope, namespace: string) {
    this.scope = scope;
    this.namespace = namespace;
  }

  /**
   * The metric of that name and those dimensions in any order. Nothing is concatenated or validated on the way:
   * what is found was validated when it was created.
   */
  find(name: string, dimensions: readonly Partial<Dimension>[] | undefined): Metric | undefined {
    let node = this.#roots.get(name);
    if (dimensions !== undefined) {
      for (let i = 0; i < dimensions.length && node !== undefined; i++) {
        const dimension = dimensions[i]!;
        node = node.next?.get(dimension.Name!)?.get(dimension.Value!);
      }
    }
    if (node?.metric !== undefined || dimensions === undefined || dimensions.length < 2) return node?.metric;
    return this.#findInAnotherOrder(name, dimensions as readonly Dimension[]);
  }

  #findInAnotherOrder(name: string, dimensions: readonly Dimension[]): Metric | undefined {
    const sorted = sortDimensions(dimensions);
    let node = this.#roots.get(name);
    for (const dimension of sorted) node = node?.next?.get(dimension.Name)?.get(dimension.Value);
    const metric = node?.metric;
    if (metric && metric.aliases < MAX_ALIASES) {
      metric.aliases++;
      this.#insert(metric, dimensions);
    }
    return metric;
  }

  add(metric: Metric): void {
    this.#insert(metric, metric.dimensions);
    this.metrics.push(metric);
    const named = this.#byName.get(metric.name);
    if (named) named.push(metric);
    else this.#byName.set(metric.name, [metric]);
  }

  named(name: string): readonly Metric[] {
    return this.#byName.get(name) ?? [];
  }

  #insert(metric: Metric, dimensions: readonly Dimension[]): void {
    let node = getOrCreate(this.#roots, metric.name, newNode);
    for (const { Name, Value } of dimensions) {
      node.next ??= new Map();
      node = getOrCreate(
        getOrCreate(node.next, Name, () => new Map()),
        Value,
        newNode,
      );
    }
    node.metric = metric;
  }
}

/** All metrics of one account and region. */
interface ScopeIndex {
  namespaces: Map<string, NamespaceIndex>;
  /** By rising id. */
  metrics: Metric[];
}

export class MetricRegistry {
  readonly #state: StateStore;
  #scopes = new Map<string, ScopeIndex>();
  #loading: Promise<void> | undefined;
  /** Creations run one after another, so that a metric gets one number. */
  #creating: Promise<unknown> = Promise.resolve();
  #loaded = false;

  constructor(state: StateStore) {
    this.#state = state;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  /** Reads all documents, once. */
  load(): Promise<void> {
    this.#loading ??= this.#load().catch((error) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    const metrics: Metric[] = [];
    for await (const page of this.#state.documents.scanPages(METRICS)) {
      for (const { account, region, value } of page) metrics.push(fromDocument({ account, region }, value));
    }
    metrics.sort((a, b) => a.id - b.id);
    for (const metric of metrics) this.#add(metric);
    this.#loaded = true;
  }

  reset(): void {
    this.#scopes = new Map();
    this.#loading = undefined;
    this.#loaded = false;
  }

  namespace(scope: MetricScope, namespace: string): NamespaceIndex {
    const { namespaces } = this.#scope(scope);
    return getOrCreate(namespaces, namespace, () => new NamespaceIndex({ ...scope }, namespace));
  }

  /** Those that match, by rising id. */
  metrics(scope: MetricScope, namespace?: string, name?: string): readonly Metric[] {
    const scopeIndex = this.#scopes.get(scopeKey(scope));
    if (!scopeIndex) return [];
    if (namespace === undefined) {
      return name === undefined ? scopeIndex.metrics : scopeIndex.metrics.filter((metric) => metric.name === name);
    }
    const index = scopeIndex.namespaces.get(namespace);
    if (!index) return [];
    return name === undefined ? index.metrics : index.named(name);
  }

  *all(): Iterable<Metric> {
    for (const { metrics } of this.#scopes.values()) yield* metrics;
  }

  /** Gives every identity its metric, creating those that are missing; resolves once their documents are durable. */
  create(identities: readonly MetricIdentity[], nowMs: number): Promise<Metric[]> {
    const created = this.#creating.then(() => this.#create(identities, nowMs));
    this.#creating = created.catch(() => {});
    return created;
  }

  async #create(identities: readonly MetricIdentity[], nowMs: number): Promise<Metric[]> {
    const found = (identity: MetricIdentity) =>
      this.namespace(identity.scope, identity.namespace).find(identity.name, identity.dimensions);
    const missing = new Map<string, MetricIdentity>();
    for (const identity of identities) {
      if (found(identity)) continue;
      const dimensions = sortDimensions(identity.dimensions);
      missing.set(`${scopeKey(identity.scope)}/${documentKey(identity, dimensions)}`, { ...identity, dimensions });
    }
    if (missing.size > 0)
      for (const metric of await this.#createDocuments([...missing.values()], nowMs)) this.#add(metric);
    return identities.map((identity) => found(identity)!);
  }

  #createDocuments(identities: readonly MetricIdentity[], nowMs: number): Promise<Metric[]> {
    return this.#state.transact(async (tx) => {
      const created: Metric[] = [];
      for (const { scope, namespace, name, dimensions } of identities) {
        const id = await tx.documents.nextSequence(METRIC_SEQUENCE);
        await tx.documents.put(METRICS, scope, documentKey({ namespace, name }, dimensions), {
          id,
          namespace,
          name,
          dimensions: dimensions.map(({ Name, Value }) => [Name, Value]),
          lastPutMs: nowMs,
        });
        const times = { lastPutMs: nowMs, storedLastPutMs: nowMs, newestDataMs: 0 };
        created.push({ ...UNUSED, id, scope: { ...scope }, namespace, name, ...spelling(dimensions), ...times });
      }
      return created;
    });
  }

  /** Writes the last puts that moved on; ListMetrics after a restart shows what these documents say. */
  async storeLastPuts(): Promise<void> {
    const moved: Metric[] = [];
    for (const metric of this.all()) {
      if (metric.lastPutMs - metric.storedLastPutMs >= LAST_PUT_PRECISION_MS) moved.push(metric);
    }
    for (let i = 0; i < moved.length; i += DOCUMENTS_PER_TRANSACTION) {
      const batch = moved
        .slice(i, i + DOCUMENTS_PER_TRANSACTION)
        .map((metric) => ({ metric, lastPutMs: metric.lastPutMs }));
      await this.#state.transact(async (tx) => {
        for (const { metric, lastPutMs } of batch) {
          await tx.documents.put(METRICS, metric.scope, documentKey(metric, metric.dimensions), {
            id: metric.id,
            namespace: metric.namespace,
            name: metric.name,
            dimensions: metric.dimensions.map(({ Name, Value }) => [Name, Value]),
            lastPutMs,
          });
        }
      });
      for (const { metric, lastPutMs } of batch) metric.storedLastPutMs = lastPutMs;
    }
  }

  /** Forgets metrics that got no data since then; their points are gone too by that time. */
  forget(beforeMs: number): Promise<void> {
    const forgotten = this.#creating.then(() => this.#forget(beforeMs));
    this.#creating = forgotten.catch(() => {});
    return forgotten;
  }

  async #forget(beforeMs: number): Promise<void> {
    const expired = [...this.all()].filter((metric) => metric.lastPutMs < beforeMs && !metric.watched);
    if (expired.length === 0) return;
    // The index first: data that come in meanwhile create the metric anew, after this.
    const gone = new Set(expired);
    for (const metric of expired) metric.forgotten = true;
    const kept = [...this.all()].filter((metric) => !gone.has(metric)).sort((a, b) => a.id - b.id);
    this.#scopes = new Map();
    for (const metric of kept) this.#add(metric);
    for (let i = 0; i < expired.length; i += DOCUMENTS_PER_TRANSACTION) {
      await this.#state.transact(async (tx) => {
        for (const metric of expired.slice(i, i + DOCUMENTS_PER_TRANSACTION)) {
          await tx.documents.delete(METRICS, metric.scope, documentKey(metric, metric.dimensions));
        }
      });
    }
  }

  #add(metric: Metric): void {
    metric.aliases = 0;
    this.namespace(metric.scope, metric.namespace).add(metric);
    this.#scope(metric.scope).metrics.push(metric);
  }

  #scope(scope: MetricScope): ScopeIndex {
    return getOrCreate(this.#scopes, scopeKey(scope), () => ({ namespaces: new Map(), metrics: [] }));
  }
}

/** What a metric starts with. */
const UNUSED = { watched: false, aliases: 0, next: undefined, forgotten: false } as const;

function fromDocument(scope: MetricScope, { id, namespace, name, dimensions, lastPutMs }: MetricDocument): Metric {
  return {
    ...UNUSED,
    id,
    scope,
    namespace,
    name,
    ...spelling(dimensions.map(([Name, Value]) => ({ Name, Value }))),
    lastPutMs,
    storedLastPutMs: lastPutMs,
    newestDataMs: lastPutMs + LAST_PUT_PRECISION_MS + UPKEEP_SLACK_MS + LONGEST_AHEAD_MS,
  };
}

function spelling(dimensions: readonly Dimension[]) {
  return { dimensions, spelled: dimensions };
}

/** By name in code-unit order. */
export function sortDimensions(dimensions: readonly Dimension[]): Dimension[] {
  return dimensions
    .map(({ Name, Value }) => ({ Name, Value }))
    .sort((a, b) => (a.Name < b.Name ? -1 : a.Name > b.Name ? 1 : 0));
}

function documentKey({ namespace, name }: { namespace: string; name: string }, sorted: readonly Dimension[]): string {
  const identity = JSON.stringify([namespace, name, sorted.map(({ Name, Value }) => [Name, Value])]);
  return createHash('sha256').update(identity).digest('hex');
}

function scopeKey({ account, region }: MetricScope): string {
  return `${account}/${region}`;
}

function newNode(): Node {
  return { metric: undefined, next: undefined };
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}
