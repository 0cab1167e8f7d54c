// A log group and its streams as they are held in memory; the documents are what is kept on disk.

import type { Processor } from '@aws-sdk/client-cloudwatch-logs';
import { formatArn } from '#core/arn.ts';
import { type DataProtection, parseDataProtectionPolicy } from '#engines/data-protection/data-protection.ts';
import { compileTransformer, type Transformer } from '#engines/log-transforms/transformer.ts';
import { defineCollection } from '#storage/state/state.ts';
import { type ActiveProtection, type Inherited, NO_POLICIES, type PolicySource } from './account-policies.ts';
import type { LiveTail } from './live-tail.ts';
import type { CompiledMetricFilter } from './metric-filter.ts';
import type { SubscriptionFeed } from './subscriptions/feed.ts';

export interface LogScope {
  account: string;
  region: string;
}

export type LogGroupClass = 'STANDARD' | 'INFREQUENT_ACCESS' | 'DELIVERY';

export interface LogGroupDocument {
  name: string;
  /** Unique over accounts and regions and never given again, so that rows of a deleted group belong to nobody. */
  groupId: number;
  createdAtMs: number;
  logGroupClass: LogGroupClass;
  retentionInDays?: number;
  kmsKeyId?: string;
  tags: Record<string, string>;
  deletionProtection?: boolean;
  /** Whether the HTTP endpoints take bearer tokens for it. */
  bearerTokenAuthentication?: boolean;
  transformer?: TransformerDocument;
  /** Set before the first event of it is stored with a transformed version, and never taken back. */
  hasTransformed?: boolean;
  dataProtection?: DataProtectionDocument;
  /** It had one of its own. */
  dataProtectionDeleted?: boolean;
  indexPolicy?: IndexPolicyDocument;
}

export interface IndexPolicyDocument {
  text: string;
  /** Field -> FIELD_INDEX or FACET. */
  fields: Record<string, string>;
  /** Field -> since when it is indexed, where that is before `updatedAtMs`. */
  sinceMs?: Record<string, number>;
  updatedAtMs: number;
}

export interface DataProtectionDocument {
  text: string;
  updatedAtMs: number;
  /** Events ingested before are not masked. */
  sinceMs: number;
}

export interface TransformerDocument {
  config: readonly Processor[];
  createdAtMs: number;
  updatedAtMs: number;
}

export interface LogStreamDocument {
  name: string;
  createdAtMs: number;
}

/** Keyed by the group's name. */
export const LOG_GROUPS = defineCollection<LogGroupDocument>('logs.groups');
/** Keyed by `GROUPID/stream name`. */
export const LOG_STREAMS = defineCollection<LogStreamDocument>('logs.streams');

const DAY_MS = 86_400_000;

export class LogGroup {
  readonly scope: LogScope;
  readonly id: number;
  readonly name: string;
  document: LogGroupDocument;
  deleted = false;
  /** Undefined until they are asked for. */
  streams: Map<string, LogStream> | undefined;
  /** Deleted streams whose rows are still in the table. */
  readonly streamsBeingErased = new Set<string>();
  readonly metricFilters = new Map<string, CompiledMetricFilter>();
  readonly tails = new Set<LiveTail>();
  /** The subscriptions on the group: its own filters and those of the account's policies. */
  readonly feeds = new Map<string, SubscriptionFeed>();
  /** Message bytes in segments that take no more rows, and in each of the later ones. */
  settledBytes = 0;
  readonly bytesBySegment = new Map<number, number>();
  readonly #policies: PolicySource;
  #inherited: { version: number; document: LogGroupDocument; value: Inherited } | undefined;
  #protection: { document: DataProtectionDocument; compiled: DataProtection } | undefined;
  #transformer: { document: TransformerDocument; compiled: Transformer } | undefined;

  constructor(scope: LogScope, document: LogGroupDocument, policies: PolicySource = NO_POLICIES) {
    this.scope = { account: scope.account, region: scope.region };
    this.id = document.groupId;
    this.name = document.name;
    this.document = document;
    this.#policies = policies;
  }

  /** Without `:*`; that is appended where AWS does so. */
  get arn(): string {
    return formatArn({ service: 'logs', ...this.scope, resource: `log-group:${this.name}` });
  }

  /** From the account's policies. */
  get inherited(): Inherited {
    const { document } = this;
    const { version } = this.#policies;
    if (this.#inherited?.version !== version || this.#inherited.document !== document) {
      this.#inherited = { version, document, value: this.#policies.inheritedBy(this) };
    }
    return this.#inherited.value;
  }

  /** Its own, which goes before the account's. Compiled when first asked for after a change. */
  get transformer(): Transformer | undefined {
    const { transformer } = this.document;
    if (!transformer) return this.inherited.transformer;
    if (this.#transformer?.document !== transformer) {
      this.#transformer = { document: transformer, compiled: compileTransformer(transformer.config) };
    }
    return this.#transformer.compiled;
  }

  get isProtected(): boolean {
    return this.document.dataProtection !== undefined || this.inherited.protection !== undefined;
  }

  /** Its own and the account's: both are in effect. */
  get protections(): readonly ActiveProtection[] {
    const { protection: ofAccount } = this.inherited;
    const own = this.#ownProtection();
    const active = own ? [{ protection: own, sinceMs: this.document.dataProtection!.sinceMs }] : [];
    return ofAccount ? [...active, ofAccount] : active;
  }

  /** Compiled when first asked for after a change. */
  #ownProtection(): DataProtection | undefined {
    const { dataProtection } = this.document;
    if (!dataProtection) return undefined;
    if (this.#protection?.document !== dataProtection) {
      this.#protection = { document: dataProtection, compiled: parseDataProtectionPolicy(dataProtection.text) };
    }
    return this.#protection.compiled;
  }

  get storedBytes(): number {
    let bytes = this.settledBytes;
    for (const more of this.bytesBySegment.values()) bytes += more;
    return bytes;
  }

  /** Events before this are expired: no longer read, and soon erased. */
  oldestKeptMs(nowMs: number): number {
    const { retentionInDays } = this.document;
    return retentionInDays === undefined ? 0 : nowMs - retentionInDays * DAY_MS;
  }

  streamKey(stream: string): string {
    return `${this.id}/${stream}`;
  }
}

export class LogStream {
  readonly name: string;
  readonly createdAtMs: number;
  firstEventMs: number | undefined;
  lastEventMs: number | undefined;
  lastIngestionMs: number | undefined;
  deleted = false;
  #appending = 0;
  #drained: (() => void)[] = [];

  constructor({ name, createdAtMs }: LogStreamDocument) {
    this.name = name;
    this.createdAtMs = createdAtMs;
  }

  beginAppend(): void {
    this.#appending++;
  }

  endAppend(): void {
    if (--this.#appending > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** Resolves when no append to the stream is under way. */
  async drained(): Promise<void> {
    if (this.#appending > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** Takes in events from `firstMs` to `lastMs`. */
  extend(firstMs: number, lastMs: number, ingestionMs: number): void {
    if (this.firstEventMs === undefined || firstMs < this.firstEventMs) this.firstEventMs = firstMs;
    if (this.lastEventMs === undefined || lastMs > this.lastEventMs) this.lastEventMs = lastMs;
    if (this.lastIngestionMs === undefined || ingestionMs > this.lastIngestionMs) this.lastIngestionMs = ingestionMs;
  }
}
