// How much a bucket holds: counters that change with every object in its transaction, and the storage metrics made of
// them. AWS reports these once a day; Brume at start, every five minutes, and soon after a change.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html

import type { Clock, Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import type { StateStore, Transaction } from '#storage/state/state.ts';
import { type BucketDocument, type ObjectDocument, scopeOf, USAGE, type UsageDocument } from './documents.ts';

const REPORT_INTERVAL_MS = 300_000;
/** From a change to the report of it: time for more changes to come. */
const REPORT_DELAY_MS = 10_000;

/** CloudWatch's name of each storage class. */
const STORAGE_TYPES: Record<string, string> = {
  STANDARD: 'StandardStorage',
  REDUCED_REDUNDANCY: 'ReducedRedundancyStorage',
  STANDARD_IA: 'StandardIAStorage',
  ONEZONE_IA: 'OneZoneIAStorage',
  INTELLIGENT_TIERING: 'IntelligentTieringFAStorage',
  GLACIER_IR: 'GlacierInstantRetrievalStorage',
};

type Counted = Pick<ObjectDocument, 'size' | 'storageClass'>;

/** Counts what left a bucket and what came, in the transaction of the change. */
export async function countChange(
  tx: Transaction,
  bucket: BucketDocument,
  removed: readonly Counted[],
  added: readonly Counted[],
): Promise<void> {
  const scope = scopeOf(bucket);
  const usage = (await tx.documents.get(USAGE, scope, bucket.name)) ?? emptyUsage();
  const bytes = usage.bytesByStorageClass;
  for (const { storageClass = 'STANDARD', size } of removed) bytes[storageClass] = (bytes[storageClass] ?? 0) - size;
  for (const { storageClass = 'STANDARD', size } of added) bytes[storageClass] = (bytes[storageClass] ?? 0) + size;
  usage.objects += added.length - removed.length;
  await tx.documents.put(USAGE, scope, bucket.name, usage);
}

export function emptyUsage(): UsageDocument {
  return { objects: 0, bytesByStorageClass: { STANDARD: 0 } };
}

export interface UsageReporterOptions {
  state: StateStore;
  clock: Clock;
  meter: Meter;
  log: Logger;
}

export class UsageReporter {
  readonly #options: UsageReporterOptions;
  readonly #changed = new Map<string, BucketDocument>();
  #regular: Timer | undefined;
  #soon: Timer | undefined;
  #running = false;

  constructor(options: UsageReporterOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#running = true;
    await this.#reportAll();
    this.#armRegular();
  }

  stop(): void {
    this.#running = false;
    this.#regular?.cancel();
    this.#soon?.cancel();
    this.#soon = undefined;
  }

  forget(): void {
    this.#changed.clear();
  }

  /** After the commit of a change. */
  changed(bucket: BucketDocument): void {
    if (!this.#running) return;
    this.#changed.set(bucket.name, bucket);
    const { clock } = this.#options;
    this.#soon ??= clock.at(clock.now() + REPORT_DELAY_MS, () => {
      this.#soon = undefined;
      return this.#reportChanged();
    });
  }

  #armRegular(): void {
    const { clock } = this.#options;
    const nextMs = (Math.floor(clock.now() / REPORT_INTERVAL_MS) + 1) * REPORT_INTERVAL_MS;
    this.#regular = clock.at(nextMs, async () => {
      await this.#reportAll();
      if (this.#running) this.#armRegular();
    });
  }

  async #reportAll(): Promise<void> {
    try {
      for (const { account, region, key, value } of await this.#options.state.documents.scan(USAGE)) {
        this.#record({ account, region, name: key }, value);
      }
    } catch (error) {
      this.#options.log.error('the usage of buckets could not be read', { error });
    }
  }

  async #reportChanged(): Promise<void> {
    const buckets = [...this.#changed.values()];
    this.#changed.clear();
    try {
      for (const bucket of buckets) {
        const usage = await this.#options.state.documents.get(USAGE, scopeOf(bucket), bucket.name);
        if (usage) this.#record(bucket, usage);
      }
    } catch (error) {
      this.#options.log.error('the usage of buckets could not be read', { error });
    }
  }

  #record(bucket: Pick<BucketDocument, 'account' | 'region' | 'name'>, usage: UsageDocument): void {
    const { meter } = this.#options;
    const scope = { account: bucket.account, region: bucket.region };
    for (const [storageClass, bytes] of Object.entries(usage.bytesByStorageClass)) {
      meter.record(scope, {
        namespace: 'AWS/S3',
        metricName: 'BucketSizeBytes',
        dimensions: [{ BucketName: bucket.name, StorageType: STORAGE_TYPES[storageClass]! }],
        value: bytes,
        unit: 'Bytes',
      });
    }
    meter.record(scope, {
      namespace: 'AWS/S3',
      metricName: 'NumberOfObjects',
      dimensions: [{ BucketName: bucket.name, StorageType: 'AllStorageTypes' }],
      value: usage.objects,
      unit: 'Count',
    });
  }
}
