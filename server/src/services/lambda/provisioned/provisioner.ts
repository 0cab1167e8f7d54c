// Sees to it that provisioned environments are there: after a request, after an alias moved, and after each start.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html

import type { Clock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import type { StateStore } from '#storage/state/state.ts';
import { EnvironmentUpkeep } from '../environment-upkeep.ts';
import { type FunctionReference, functionArn } from '../function-name.ts';
import type { FunctionTable } from '../function-table.ts';
import type { Invoker } from '../invoker.ts';
import { PROVISIONED, type ProvisionedDocument } from './documents.ts';

/** Environments of one configuration: each is a process of this machine. */
const MOST_PROVISIONED = 100;

interface Allocation {
  status: 'IN_PROGRESS' | 'READY' | 'FAILED';
  reason?: string;
  allocated: number;
  /** The version whose environments these are. */
  version?: string;
  inUse: number;
}

export interface ProvisionerOptions {
  state: StateStore;
  clock: Clock;
  table: FunctionTable;
  invoker: Invoker;
  meter: Meter;
  log: Logger;
}

export class Provisioner {
  readonly #options: ProvisionerOptions;
  /** By the qualified ARN. */
  readonly #allocations = new Map<string, Allocation>();
  readonly #upkeep: EnvironmentUpkeep;

  constructor(options: ProvisionerOptions) {
    this.#options = options;
    this.#upkeep = new EnvironmentUpkeep(options.clock);
  }

  async start(): Promise<void> {
    for (const { account, region, key } of await this.#options.state.documents.scan(PROVISIONED)) {
      const [name, qualifier] = key.split(':') as [string, string];
      this.begin({ scope: { account, region }, name, qualifier });
    }
  }

  /** Brings the environments of a version or an alias to what is asked for now; goes on after it returns. */
  begin(reference: FunctionReference): void {
    const arn = functionArn(reference, reference.qualifier);
    const before = this.#allocations.get(arn);
    this.#allocations.set(arn, { allocated: 0, inUse: 0, ...before, status: 'IN_PROGRESS' });
    this.#upkeep.begin(arn, () =>
      this.#provision(reference, arn).catch((error) => {
        this.#options.log.error('environments could not be provisioned', { function: arn, error });
        this.#allocations.set(arn, { status: 'FAILED', reason: 'INTERNAL_ERROR', allocated: 0, inUse: 0 });
      }),
    );
  }

  /** How far it is. Without a word of it, it has just been asked for. */
  allocation(arn: string): Readonly<Allocation> {
    return this.#allocations.get(arn) ?? { status: 'IN_PROGRESS', allocated: 0, inUse: 0 };
  }

  async settled(): Promise<void> {
    await this.#upkeep.settled();
  }

  /** Of a function, or of one version, that was deleted. */
  forget(arn: string): void {
    for (const known of this.#allocations.keys()) {
      if (known === arn || known.startsWith(`${arn}:`)) this.#allocations.delete(known);
    }
  }

  /** Renews nothing any more. */
  stop(): void {
    this.#upkeep.stop();
  }

  reset(): void {
    this.stop();
    this.#allocations.clear();
  }

  /** How many idle environments of the function are kept for other versions than the invoked one. */
  keptFromOthers(reference: FunctionReference, version: string): number {
    if (this.#allocations.size === 0) return 0;
    const own = this.#allocationFor(reference, version);
    const prefix = `${functionArn(reference)}:`;
    let kept = 0;
    for (const [arn, allocation] of this.#allocations) {
      if (allocation !== own && arn.startsWith(prefix)) kept += Math.max(0, allocation.allocated - allocation.inUse);
    }
    return kept;
  }

  /** Counts an invocation of what has provisioned concurrency; call the returned function at its end. */
  invocation(reference: FunctionReference, version: string): () => void {
    if (this.#allocations.size === 0) return NOTHING;
    const allocation = this.#allocationFor(reference, version);
    if (!allocation || allocation.allocated === 0) return NOTHING;
    const { scope, name, qualifier } = reference;
    const record = (metricName: string, value: number, unit = 'Count') =>
      this.#options.meter.record(scope, {
        namespace: 'AWS/Lambda',
        metricName,
        dimensions: [{ FunctionName: name }, { FunctionName: name, Resource: `${name}:${qualifier}` }],
        value,
        unit,
      });
    if (allocation.inUse >= allocation.allocated) {
      record('ProvisionedConcurrencySpilloverInvocations', 1);
      return NOTHING;
    }
    allocation.inUse++;
    record('ProvisionedConcurrencyInvocations', 1);
    record('ProvisionedConcurrentExecutions', allocation.inUse);
    record('ProvisionedConcurrencyUtilization', allocation.inUse / allocation.allocated, 'None');
    return () => {
      allocation.inUse--;
    };
  }

  #allocationFor(reference: FunctionReference, version: string): Allocation | undefined {
    if (reference.qualifier === undefined) return undefined;
    return (
      this.#allocations.get(functionArn(reference, reference.qualifier)) ??
      this.#allocations.get(functionArn(reference, version))
    );
  }

  async #provision(reference: FunctionReference, arn: string): Promise<void> {
    const { state, table, invoker } = this.#options;
    const document = await state.documents.get(
      PROVISIONED,
      reference.scope,
      `${reference.name}:${reference.qualifier}`,
    );
    const before = this.#allocations.get(arn);
    const target = document && (await this.#target(table, reference));
    const moved = before?.version !== undefined && before.version !== target?.version.version;
    if (moved) await this.#release(reference, before!.version!);
    if (!document || !target) {
      this.#allocations.delete(arn);
      return;
    }
    const wanted = Math.min(document.requested, MOST_PROVISIONED);
    const { allocated, renewAtMs } = await invoker.provision(reference, target, wanted);
    // Environments with old credentials are not used any more.
    this.#upkeep.renewAt(arn, renewAtMs, () => this.begin(reference));
    this.#allocations.set(arn, { ...this.#outcome(document, allocated), version: target.version.version, inUse: 0 });
  }

  #outcome({ requested }: ProvisionedDocument, allocated: number): Pick<Allocation, 'status' | 'reason' | 'allocated'> {
    if (allocated === requested) return { status: 'READY', allocated };
    return {
      status: 'FAILED',
      reason:
        allocated >= MOST_PROVISIONED
          ? `This machine provisions at most ${MOST_PROVISIONED} environments of a function.`
          : 'FUNCTION_ERROR_INIT_FAILURE',
      allocated,
    };
  }

  async #release(reference: FunctionReference, version: string): Promise<void> {
    const of = { ...reference, qualifier: version };
    const target = await this.#target(this.#options.table, of);
    if (target) await this.#options.invoker.provision(of, target, 0);
  }

  async #target(table: FunctionTable, reference: FunctionReference) {
    try {
      return await table.resolve(reference);
    } catch (error) {
      if (error instanceof AwsError) return undefined;
      throw error;
    }
  }
}

const NOTHING = () => {};
