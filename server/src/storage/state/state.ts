// State: documents, queues and streams, each written in a transaction. What a resolved `transact` wrote
// is on disk. Embedded: SQLite. The interface is asynchronous so that PostgreSQL can stand behind it.

export interface StateStore {
  /**
   * Runs `work` in one serializable transaction and resolves once its writes are durable (group commit:
   * all that commit while an fsync is under way share the next one). A throw rolls everything back.
   * `work` awaits nothing but the transaction's own methods; it may be run again after a conflict.
   */
  transact<T>(work: (tx: Transaction) => Promise<T> | T): Promise<T>;
  /** Reads outside a transaction see the newest committed state. */
  readonly documents: DocumentReader;
  readonly queues: QueueReader;
  readonly streams: StreamReader;
  /** Tells when a committed transaction made messages of a queue available or appended to a stream. */
  onQueueActivity(listener: (queue: string) => void): () => void;
  onStreamActivity(listener: (stream: string) => void): () => void;
  /** Empties everything (testing). */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface Transaction {
  readonly documents: DocumentReader & DocumentWriter;
  readonly queues: QueueReader & QueueWriter;
  readonly streams: StreamReader & StreamWriter;
}

// ---- documents: typed collections keyed by (account, region, key) ----

/** Declares a collection: `defineCollection<QueueDocument>('sqs.queues')`. Values are plain JSON. */
export interface Collection<T> {
  readonly name: string;
  readonly _type?: T;
}

export function defineCollection<T>(name: string): Collection<T> {
  return { name };
}

export interface Scope {
  account: string;
  /** Global resources (IAM, buckets) use `''`. */
  region: string;
}

export interface RangeOptions {
  /** Keys with this prefix. */
  prefix?: string;
  /** Keys strictly after this one, in the order of the range: with `reverse`, those below it. */
  after?: string;
  limit?: number;
  reverse?: boolean;
}

export interface StoredDocument<T> {
  account: string;
  region: string;
  key: string;
  value: T;
}

export interface DocumentReader {
  get<T>(collection: Collection<T>, scope: Scope, key: string): Promise<T | undefined>;
  /** In ascending byte order of the UTF-8 keys (S3's order), unless reversed. */
  range<T>(collection: Collection<T>, scope: Scope, options?: RangeOptions): Promise<StoredDocument<T>[]>;
  /** Every document of a collection in all accounts and regions: for start-up and background work. */
  scan<T>(collection: Collection<T>): Promise<StoredDocument<T>[]>;
  /**
   * The same, some at a time, for collections that may not fit into memory. The event loop turns between two pages, so
   * each page sees what is committed by then. Not inside a transaction.
   */
  scanPages<T>(collection: Collection<T>): AsyncIterable<StoredDocument<T>[]>;
}

export interface DocumentWriter {
  put<T>(collection: Collection<T>, scope: Scope, key: string, value: T): Promise<void>;
  /** Whether there was one. */
  delete(collection: Collection<unknown>, scope: Scope, key: string): Promise<boolean>;
  deleteRange(collection: Collection<unknown>, scope: Scope, options?: { prefix?: string }): Promise<number>;
  /** The next number of a named sequence, from 1, never given twice. */
  nextSequence(name: string): Promise<number>;
}

// ---- queues: at least once, delayed, visibility time-outs, fair claim ----

export interface NewMessage {
  /** Text, or JSON text; binary goes in as base64. */
  body: string;
  /** Milliseconds since the epoch when it becomes claimable; now when absent. */
  availableAtMs?: number;
  /** After which it is gone by itself. */
  expiresAtMs?: number;
  /** Plain JSON kept beside the body. */
  attributes?: Record<string, unknown>;
}

export interface QueuedMessage {
  id: number;
  queue: string;
  body: string;
  attributes: Record<string, unknown>;
  enqueuedAtMs: number;
  availableAtMs: number;
  expiresAtMs: number | undefined;
  /** Claims so far, this one included. */
  receiveCount: number;
  firstReceivedAtMs: number | undefined;
}

export interface ClaimOptions {
  limit: number;
  nowMs: number;
  /** How long the claimed messages stay hidden; the queue hands them out again after that. */
  visibilityMs: number;
}

export interface QueueCounts {
  /** Claimable now. */
  visible: number;
  /** Claimed and not yet deleted or timed out. */
  inFlight: number;
  /** Waiting for their first availability. */
  delayed: number;
}

export interface QueueReader {
  peek(queue: string, id: number): Promise<QueuedMessage | undefined>;
  /** Every message without its body, in the order sent: for start-up. */
  list(queue: string): Promise<Omit<QueuedMessage, 'body'>[]>;
  counts(queue: string, nowMs: number): Promise<QueueCounts>;
  /** When the next message of this queue becomes claimable (now or in the future); undefined when empty. */
  nextAvailableAtMs(queue: string): Promise<number | undefined>;
  /** When the oldest message was enqueued. */
  oldestEnqueuedAtMs(queue: string): Promise<number | undefined>;
}

export interface QueueWriter {
  /** Ids in the order given. */
  send(queue: string, messages: NewMessage[], nowMs: number): Promise<number[]>;
  /** Oldest available first. */
  claim(queue: string, options: ClaimOptions): Promise<QueuedMessage[]>;
  /** Claims this one, available or not; undefined when it is gone or has expired. */
  claimMessage(queue: string, id: number, options: Omit<ClaimOptions, 'limit'>): Promise<QueuedMessage | undefined>;
  /** Hides (or, with now, shows) a message until then; false when it is gone. */
  setAvailableAt(queue: string, id: number, availableAtMs: number): Promise<boolean>;
  /** Replaces the attributes of a message. */
  setAttributes(queue: string, id: number, attributes: Record<string, unknown>): Promise<boolean>;
  deleteMessage(queue: string, id: number): Promise<boolean>;
  /** Moves a message, keeping body, attributes and enqueue time, with its receive count at zero. */
  move(queue: string, id: number, toQueue: string, nowMs: number): Promise<number | undefined>;
  purge(queue: string): Promise<number>;
  /** Lets every message of the queue expire that long after it was enqueued, whatever it was sent with. */
  setRetention(queue: string, retentionMs: number): Promise<void>;
  /** Deletes what has expired by now, in this queue; how many. */
  expire(queue: string, nowMs: number): Promise<number>;
}

// ---- streams: append-only partitions with sequence numbers ----

export interface StreamRecord {
  /** From 1, rising without gaps inside a partition. */
  sequence: number;
  appendedAtMs: number;
  data: string;
}

export interface StreamReader {
  /** Records after `afterSequence` (0: from the beginning), oldest first. */
  read(stream: string, partition: string, afterSequence: number, limit: number): Promise<StreamRecord[]>;
  /** The last sequence number given, 0 when none. */
  lastSequence(stream: string, partition: string): Promise<number>;
}

export interface StreamWriter {
  append(stream: string, partition: string, data: string[], nowMs: number): Promise<number[]>;
  /** Deletes records appended before then. */
  trim(stream: string, beforeMs: number): Promise<number>;
  deleteStream(stream: string): Promise<void>;
}
