// The consumers of all mappings: started, changed and ended as the mappings are, one change of a mapping after the other.
// The documents say what is wanted; what a stopped or killed Brume left half done is completed at the next start.

import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import { type BatchOutcome, type ConsumerCounts, settledWithin } from '#engines/consumers/consumer.ts';
import { QueueConsumer, type QueueConsumerOptions, type QueueRecord } from '#engines/consumers/queue-consumer.ts';
import { compileRecordFilter } from '#engines/consumers/record-filter.ts';
import type { Scope } from '#storage/state/state.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { functionArn } from '../function-name.ts';
import { furthest, recordRecursion, recursiveInvocation, traced } from '../recursion.ts';
import { functionOf, MAPPINGS, type MappingDocument } from './documents.ts';
import { createSqsSource } from './sqs-source.ts';

/** How long a stop of Brume waits for batches under way; their messages come back by the visibility time-out. */
const LONGEST_STOP_MS = 5_000;
/** A change waits for the batches under way, which end with their function: at most 15 minutes. */
const LONGEST_CHANGE_MS = 15 * 60_000;
/** How long an operation waits for the change before it. */
const LONGEST_WAIT_MS = 1_000;

const COUNT_METRICS: Record<keyof ConsumerCounts, string> = {
  polled: 'PolledEventCount',
  filteredOut: 'FilteredOutEventCount',
  invoked: 'InvokedEventCount',
  failedInvoke: 'FailedInvokeEventCount',
  deleted: 'DeletedEventCount',
  dropped: 'DroppedEventCount',
  delivered: 'OnFailureDestinationDeliveredEventCount',
};

/** Of one poller in provisioned mode. */
const INVOCATIONS_PER_POLLER = 10;
/** What provisioned mode may come to on one machine: as much as MaximumConcurrency may ask for. */
const MOST_CONCURRENT_BATCHES = 1_000;

interface Poller {
  consumer: QueueConsumer;
}

export class Pollers {
  readonly #dependencies: LambdaDependencies;
  readonly #pollers = new Map<string, Poller>();
  readonly #changes = new Map<string, Promise<void>>();
  readonly #results = new Map<string, string>();
  #running = false;

  constructor(dependencies: LambdaDependencies) {
    this.#dependencies = dependencies;
  }

  async start(): Promise<void> {
    this.#running = true;
    for (const { account, region, value } of await this.#dependencies.state.documents.scan(MAPPINGS)) {
      this.change({ account, region }, value.uuid);
    }
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#abandon(LONGEST_STOP_MS);
  }

  async reset(): Promise<void> {
    await this.#abandon(0);
    this.#results.clear();
  }

  /** `OK`, a problem, or undefined while nothing was processed. */
  lastResult(mappingId: string): string | undefined {
    return this.#results.get(mappingId);
  }

  /** Brings the consumer of a mapping to what its document says, after the answer to the caller has left. */
  change(scope: Scope, mappingId: string): void {
    const before = this.#changes.get(mappingId) ?? new Promise<void>((resolve) => setImmediate(resolve));
    const change = before
      .then(() => this.#apply(scope, mappingId))
      .catch((error) => this.#dependencies.log.error('an event source mapping could not be changed', { error }))
      .finally(() => {
        if (this.#changes.get(mappingId) === change) this.#changes.delete(mappingId);
      });
    this.#changes.set(mappingId, change);
  }

  /** Waits a moment for the change under way; whether there is none any more. */
  async settled(mappingId: string): Promise<boolean> {
    const change = this.#changes.get(mappingId);
    if (change) await settledWithin(change, LONGEST_WAIT_MS);
    return !this.#changes.has(mappingId);
  }

  async #abandon(graceMs: number): Promise<void> {
    const pollers = [...this.#pollers.values()];
    this.#pollers.clear();
    await Promise.all(pollers.map(({ consumer }) => consumer.stop(graceMs)));
    if (graceMs > 0) await settledWithin(Promise.all(this.#changes.values()), graceMs);
  }

  async #apply(scope: Scope, mappingId: string): Promise<void> {
    const { state } = this.#dependencies;
    const running = this.#pollers.get(mappingId);
    this.#pollers.delete(mappingId);
    await running?.consumer.stop(LONGEST_CHANGE_MS);
    const settled = await state.transact(async (tx) => {
      const document = await tx.documents.get(MAPPINGS, scope, mappingId);
      if (!document) return undefined;
      if (document.state === 'Deleting') {
        await tx.documents.delete(MAPPINGS, scope, mappingId);
        return undefined;
      }
      const wanted = document.enabled ? ('Enabled' as const) : ('Disabled' as const);
      if (document.state === wanted) return document;
      const next = { ...document, state: wanted };
      await tx.documents.put(MAPPINGS, scope, mappingId, next);
      return next;
    });
    if (!settled) this.#results.delete(mappingId);
    if (!settled?.enabled || !this.#running) return;
    const consumer = this.#consumerOf(scope, settled);
    this.#pollers.set(mappingId, { consumer });
    consumer.start();
  }

  #consumerOf(scope: Scope, mapping: MappingDocument): QueueConsumer {
    const { call, clock, log } = this.#dependencies;
    const counted = mapping.metrics?.includes('EventCount') ?? false;
    return new QueueConsumer({
      clock,
      log: log.with({ mapping: mapping.uuid }),
      source: createSqsSource(call, mapping.eventSourceArn, mapping.windowS > 0),
      batchSize: mapping.batchSize,
      windowMs: mapping.windowS * 1_000,
      filter: mapping.filters && compileRecordFilter(mapping.filters, 'body'),
      reportsItemFailures: mapping.reportsItemFailures,
      ...this.#concurrency(scope, mapping),
      invoke: (records) => this.#invoke(scope, mapping, records),
      count: (counts) => {
        if (counted) this.#record(scope, mapping.uuid, counts);
      },
      report: (result) => void this.#results.set(mapping.uuid, result),
    });
  }

  #concurrency(
    scope: Scope,
    { uuid, maximumConcurrency, pollers }: MappingDocument,
  ): Pick<QueueConsumerOptions, 'maximumConcurrency' | 'provisionedConcurrency' | 'onWorkers'> {
    if (!pollers) return { maximumConcurrency };
    const { meter } = this.#dependencies;
    return {
      maximumConcurrency: Math.min(MOST_CONCURRENT_BATCHES, pollers.maximum * INVOCATIONS_PER_POLLER),
      provisionedConcurrency: pollers.minimum * INVOCATIONS_PER_POLLER,
      onWorkers: (workers) => {
        const value = Math.max(pollers.minimum, Math.ceil(workers / INVOCATIONS_PER_POLLER));
        const dimensions = [{ EventSourceMappingUUID: uuid }];
        meter.record(scope, {
          namespace: 'AWS/Lambda',
          metricName: 'ProvisionedPollers',
          dimensions,
          value,
          unit: 'Count',
        });
      },
    };
  }

  async #invoke(scope: Scope, mapping: MappingDocument, records: readonly QueueRecord[]): Promise<BatchOutcome> {
    const { table, activation, invoker, clock, meter, log } = this.#dependencies;
    const reference = functionOf(scope, mapping);
    try {
      let target = await table.route(reference, Math.random);
      if (target.version.state === 'Pending' || target.version.updating) {
        await activation.settled(reference);
        target = await table.route(reference, Math.random);
      }
      const requestId = uuid();
      const received = furthest(records.map(traceHeaderOf));
      const { traceHeader, isRunaway } = traced(received, functionArn(reference), clock.now());
      // What is not processed comes back, until the queue's redrive policy takes it away.
      if (isRunaway && target.document.recursiveLoop !== 'Allow') {
        recordRecursion(meter, reference);
        return { kind: 'refused', problem: `PROBLEM: ${recursiveInvocation().message}` };
      }
      const { functionError, payload } = await invoker.run(reference, target, {
        requestId,
        payload: Buffer.from(JSON.stringify({ Records: records.map(({ record }) => record) })),
        traceHeader,
      });
      return functionError === undefined
        ? { kind: 'succeeded', requestId, response: payload }
        : { kind: 'failed', requestId, functionError, version: target.version.version };
    } catch (error) {
      if (error instanceof AwsError && error.code === 'TooManyRequestsException') return { kind: 'throttled' };
      if (!(error instanceof AwsError)) log.error('a batch could not be invoked', { mapping: mapping.uuid, error });
      return { kind: 'refused', problem: `PROBLEM: ${(error as Error).message}` };
    }
  }

  #record(scope: Scope, mappingId: string, counts: ConsumerCounts): void {
    for (const [name, value] of Object.entries(counts) as [keyof ConsumerCounts, number][]) {
      this.#dependencies.meter.record(scope, {
        namespace: 'AWS/Lambda',
        metricName: COUNT_METRICS[name],
        dimensions: [{ EventSourceMappingUUID: mappingId }],
        value,
        unit: 'Count',
      });
    }
  }
}

function traceHeaderOf({ record }: QueueRecord): string | undefined {
  return (record.attributes as Record<string, string>).AWSTraceHeader;
}

/** Whether an ARN is that of a FIFO queue. */
export function isFifo(arn: string): boolean {
  return parseArn(arn)?.resource.endsWith('.fifo') ?? false;
}
