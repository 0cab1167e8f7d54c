// Versions on Managed Instances: their environments are started when they are published and kept, and their states say so.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-scaling.html
//
// An environment of AWS serves several invocations at once. Here each of them has a sandbox of its own: as many as the
// environments that are wanted are started ahead, as many more as they could serve together are started when they are needed.

import type { Clock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import type { Logger } from '#core/log.ts';
import type { Scope, StateStore } from '#storage/state/state.ts';
import { VERSIONS, type VersionDocument, versionKey } from '../documents.ts';
import { EnvironmentUpkeep } from '../environment-upkeep.ts';
import { type FunctionReference, functionArn, LATEST } from '../function-name.ts';
import type { FunctionTable, Target } from '../function-table.ts';
import type { Invoker } from '../invoker.ts';
import { vCpusOf } from './configuration.ts';
import {
  CAPACITY_PROVIDERS,
  capacityProviderName,
  FUNCTION_SCALING,
  type FunctionScalingDocument,
} from './documents.ts';

/** Environments of a version that nothing was said of. */
export const DEFAULT_MINIMUM = 3;
/** Environments of one version: each is a process of this machine. */
const MOST_ENVIRONMENTS = 100;

interface Running {
  applied: FunctionScalingDocument;
  /** Invocations at once. */
  concurrency: number;
}

type Outcome = Pick<VersionDocument, 'state' | 'stateReason'>;

export interface ManagedVersionsOptions {
  state: StateStore;
  clock: Clock;
  table: FunctionTable;
  invoker: Invoker;
  log: Logger;
}

export class ManagedVersions {
  readonly #options: ManagedVersionsOptions;
  /** By the ARN of the version. */
  readonly #running = new Map<string, Running>();
  readonly #upkeep: EnvironmentUpkeep;

  constructor(options: ManagedVersionsOptions) {
    this.#options = options;
    this.#upkeep = new EnvironmentUpkeep(options.clock);
  }

  async start(): Promise<void> {
    for (const { account, region, key, value } of await this.#options.state.documents.scan(VERSIONS)) {
      if (!value.managed) continue;
      this.begin({ scope: { account, region }, name: key.slice(0, key.indexOf(':')), qualifier: value.version });
    }
  }

  /** Brings the environments of a version to what is wanted now; goes on after it returns. */
  begin(reference: FunctionReference): void {
    const arn = functionArn(reference, reference.qualifier);
    this.#upkeep.begin(arn, () =>
      this.#bring(reference, arn).catch((error) =>
        this.#options.log.error('a version could not be brought up', { function: arn, error }),
      ),
    );
  }

  /** Begins anew for the versions on a capacity provider. */
  async providerChanged(scope: Scope, providerArn: string): Promise<void> {
    for (const { key, value } of await this.#options.state.documents.range(VERSIONS, scope)) {
      if (value.managed?.capacityProviderArn !== providerArn) continue;
      this.begin({ scope, name: key.slice(0, key.indexOf(':')), qualifier: value.version });
    }
  }

  /** What is kept and allowed now; undefined before the first time. */
  applied(arn: string): FunctionScalingDocument | undefined {
    return this.#running.get(arn)?.applied;
  }

  /**
   * Waits until a version is up, and tells how many invocations it takes at once. Throws ResourceConflictException where it
   * cannot be invoked.
   */
  async concurrency(reference: FunctionReference, { version: { version, state } }: Target): Promise<number> {
    if (version === LATEST) throw notInvocable(state);
    const arn = functionArn(reference, version);
    await this.#upkeep.underWay(arn);
    const running = this.#running.get(arn);
    if (running && running.concurrency > 0) return running.concurrency;
    const found = await this.#options.table.resolve({ ...reference, qualifier: version });
    throw notInvocable(found.version.state);
  }

  /** Of a function, or of one version, that was deleted. */
  forget(arn: string): void {
    for (const known of [...this.#running.keys()]) {
      if (known !== arn && !known.startsWith(`${arn}:`)) continue;
      this.#running.delete(known);
      this.#upkeep.forget(known);
    }
  }

  async settled(): Promise<void> {
    await this.#upkeep.settled();
  }

  /** Renews nothing any more. */
  stop(): void {
    this.#upkeep.stop();
  }

  reset(): void {
    this.stop();
    this.#running.clear();
  }

  async #bring(reference: FunctionReference, arn: string): Promise<void> {
    const { state, table, invoker } = this.#options;
    const { scope, name, qualifier } = reference;
    const target = await table
      .find(scope, name)
      .then((there) => there && table.resolve(reference).catch(() => undefined));
    if (!target?.version.managed) return this.forget(arn);
    const { version } = target;
    const requested = (await state.documents.get(FUNCTION_SCALING, scope, `${name}:${qualifier}`)) ?? {};
    const most = await this.#mostEnvironments(scope, version, requested);
    const minimum = Math.min(requested.minimum ?? DEFAULT_MINIMUM, requested.maximum ?? Number.POSITIVE_INFINITY);
    let outcome: Outcome;
    if (requested.maximum === 0) {
      await invoker.retire(reference, version.version);
      this.#running.set(arn, { applied: { minimum: 0, maximum: 0 }, concurrency: 0 });
      outcome = { state: 'Deactivated' };
    } else if (minimum > most) {
      this.#running.delete(arn);
      outcome = failed(
        'CapacityProviderScalingLimitExceeded',
        `The capacity provider has no room for ${minimum} execution environments.`,
      );
    } else {
      const wanted = Math.min(minimum, MOST_ENVIRONMENTS);
      const { allocated, renewAtMs } = await invoker.provision(reference, target, wanted);
      // Environments with old credentials are not used any more.
      this.#upkeep.renewAt(arn, renewAtMs, () => this.begin(reference));
      const isUp = allocated === wanted;
      const { maximum } = requested;
      if (isUp) {
        const applied = { minimum: wanted, ...(maximum === undefined ? {} : { maximum }) };
        this.#running.set(arn, { applied, concurrency: most * version.managed!.concurrency });
      } else this.#running.delete(arn);
      outcome = isUp ? { state: 'Active' } : failed('FunctionError', 'The function could not be initialized.');
    }
    await this.#settle(reference, outcome);
  }

  /** What its own limit and the processors of its capacity provider, less what others keep of them, allow. */
  async #mostEnvironments(
    scope: Scope,
    version: VersionDocument,
    { maximum = Number.POSITIVE_INFINITY }: FunctionScalingDocument,
  ): Promise<number> {
    const { documents } = this.#options.state;
    const { capacityProviderArn } = version.managed!;
    const provider = await documents.get(CAPACITY_PROVIDERS, scope, capacityProviderName(capacityProviderArn));
    if (!provider) return 0;
    let taken = 0;
    for (const { key, value } of await documents.range(VERSIONS, scope)) {
      if (value.managed?.capacityProviderArn !== capacityProviderArn || value.revisionId === version.revisionId)
        continue;
      const arn = functionArn({ scope, name: key.slice(0, key.indexOf(':')) }, value.version);
      taken += (this.#running.get(arn)?.applied.minimum ?? 0) * vCpusOf(value);
    }
    return Math.min(maximum, Math.floor((provider.scaling.maxVCpuCount - taken) / vCpusOf(version)));
  }

  /** Writes the state that came of it, unless the version was replaced or changed meanwhile: that comes next. */
  async #settle(reference: FunctionReference, outcome: Outcome): Promise<void> {
    const { table } = this.#options;
    const { scope, name, qualifier } = reference;
    if (!(await table.isThere(reference))) return;
    await table.write(reference, async (_, tx) => {
      const key = versionKey(name, qualifier!);
      const version = await tx.documents.get(VERSIONS, scope, key);
      if (!version || (version.state === outcome.state && !outcome.stateReason)) return;
      const { stateReason: _before, ...rest } = version;
      await tx.documents.put(VERSIONS, scope, key, { ...rest, ...outcome });
    });
  }
}

function failed(code: string, reason: string): Outcome {
  return { state: 'Failed', stateReason: { code, reason } };
}

function notInvocable(state: string): AwsError {
  return new AwsError(
    'ResourceConflictException',
    `The operation cannot be performed at this time. The function is currently in the following state: ${state}`,
    { fields: { Type: 'User' } },
  );
}
