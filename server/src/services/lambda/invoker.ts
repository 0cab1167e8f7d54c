// From a function's document to an execution: its code unpacked, its role's credentials, the engine's outcome.

import type { AssumeRoleRequest, AssumeRoleResponse } from '@aws-sdk/client-sts';
import { serviceCaller } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import {
  type ChunkSink,
  ConcurrencyLimitError,
  FileSystemError,
  type FunctionVersion,
  ImageError,
  type InvocationResult,
  MissingInterpreterError,
} from '#engines/functions/function-engine.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { concurrencyLimit } from './concurrency-limit.ts';
import type { VersionDocument } from './documents.ts';
import { type FunctionReference, functionArn } from './function-name.ts';
import type { FunctionTable, Target } from './function-table.ts';
import { stateOf } from './hot-reload.ts';
import { commandOf } from './images.ts';
import { runningRevision } from './revision.ts';

export interface InvocationRequest {
  requestId: string;
  payload: Uint8Array;
  clientContext?: string;
  traceHeader?: string;
  /** Whose environments it is for. */
  tenantId?: string;
  /** Of a durable function: what tells its execution from others. */
  durableExecutionName?: string;
  /** Whether it carries on a durable execution, rather than starts one. */
  ofDurableExecution?: boolean;
  /** Where a streamed response goes as it is made. */
  onChunk?: ChunkSink;
}

/** Each is a connection, and for Python a process once it is used. */
const MOST_LANES = 64;

type Dependencies = Pick<ServiceDependencies, 'call' | 'clock' | 'config' | 'functions' | 'objects'> & {
  table: FunctionTable;
};

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  /** After this new environments get new ones. */
  renewAtMs: number;
}

export class Invoker {
  readonly #dependencies: Dependencies;
  readonly #credentials = new Map<string, Promise<Credentials>>();

  /** Told of every invocation; set once it is there. */
  provisioned:
    | {
        invocation(reference: FunctionReference, version: string): () => void;
        keptFromOthers(reference: FunctionReference, version: string): number;
      }
    | undefined;

  /** Tells how many invocations a version on Managed Instances takes; set once it is there. */
  managed: { concurrency(reference: FunctionReference, target: Target): Promise<number> } | undefined;

  /** What an invocation of a durable function comes to; set once it is there. */
  startDurable:
    | ((reference: FunctionReference, target: Target, request: InvocationRequest) => Promise<InvocationResult>)
    | undefined;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Runs one invocation. Throws TooManyRequestsException beyond the concurrency limits and InvalidRuntimeException where
   * the runtime is gone from this machine.
   */
  async run(reference: FunctionReference, target: Target, request: InvocationRequest): Promise<InvocationResult> {
    if (target.version.durable && !request.ofDurableExecution) return this.startDurable!(reference, target, request);
    const { functions } = this.#dependencies;
    const managedConcurrency = target.version.managed && (await this.managed?.concurrency(reference, target));
    const found = await this.#versionOf(reference, target).catch((error) => {
      throw asAwsError(error);
    });
    const version = managedConcurrency === undefined ? found : { ...found, managedConcurrency };
    if (version.reservedConcurrency !== undefined) {
      // What is provisioned is part of what is reserved, also while it is idle.
      version.reservedConcurrency -= this.provisioned?.keptFromOthers(reference, version.version) ?? 0;
    }
    const ended = this.provisioned?.invocation(reference, version.version) ?? (() => {});
    try {
      return await functions.invoke(version, {
        ...request,
        invokedFunctionArn: functionArn(reference, reference.qualifier),
      });
    } catch (error) {
      throw asAwsError(error);
    } finally {
      ended();
    }
  }

  /** Keeps initialized environments of a version: how many there are, and when their credentials are to be renewed. */
  async provision(
    reference: FunctionReference,
    target: Target,
    count: number,
  ): Promise<{ allocated: number; renewAtMs: number }> {
    const { functions } = this.#dependencies;
    const version = await this.#versionOf(reference, target);
    const { renewAtMs } = await this.#credentialsFor(reference, target.version.role);
    const allocated = await functions.provision({ initializationType: 'provisioned-concurrency', ...version }, count);
    return { allocated, renewAtMs };
  }

  /** Ends the environments of what was changed or deleted. */
  retire(reference: FunctionReference, version: string): Promise<void> {
    return this.#dependencies.functions.retire(functionArn(reference, version));
  }

  reset(): void {
    this.#credentials.clear();
  }

  async #versionOf(reference: FunctionReference, { document, version }: Target): Promise<FunctionVersion> {
    const { functions, objects, config, table } = this.#dependencies;
    const { code } = version;
    const layers = (version.layers ?? []).map(({ code: layer }) => ({
      hash: layer.sha256,
      load: () => objects.readAll(layer.objectId),
    }));
    const [codeDir, layersDir, credentials, hotState] = await Promise.all([
      code.directory ??
        (version.image
          ? functions.code.findImage(version.image.id)
          : functions.code.find(code.sha256, () => objects.readAll(code.objectId))),
      layers.length === 0 ? undefined : functions.code.merged(layers),
      this.#credentialsFor(reference, version.role),
      code.directory === undefined ? undefined : stateOf(code.directory),
    ]);
    return {
      versionArn: functionArn(reference, version.version),
      functionArn: functionArn(reference),
      functionName: document.name,
      version: version.version,
      account: reference.scope.account,
      region: reference.scope.region,
      revision: [runningRevision(version), credentials.accessKeyId, ...(hotState === undefined ? [] : [hotState])].join(
        '/',
      ),
      runtime: version.runtime,
      handler: version.handler,
      timeoutS: version.timeoutS,
      memoryMb: version.memoryMb,
      ephemeralStorageMb: version.ephemeralStorageMb,
      environment: version.environment ?? {},
      codeDir,
      ...(version.image ? { image: commandOf(version.image) } : {}),
      ...(layersDir === undefined ? {} : { layersDir }),
      ...(version.fileSystems ? { fileSystems: version.fileSystems } : {}),
      credentials,
      endpoint: `http://${reachable(config.host)}:${config.port}`,
      logGroup: version.logging.group,
      logging: version.logging,
      ...(version.managed ? { initializationType: 'lambda-managed-instances' as const, lanes: lanesOf(version) } : {}),
      ...(document.reservedConcurrency === undefined
        ? { unreservedConcurrency: concurrencyLimit(config) - (await table.reservedConcurrency(reference.scope)) }
        : { reservedConcurrency: document.reservedConcurrency }),
    };
  }

  /** Where any credentials are accepted, the account's number is the key; where they are verified, a session of the role. */
  #credentialsFor(reference: FunctionReference, role: string): Promise<Credentials> {
    const { config, clock } = this.#dependencies;
    const { account } = reference.scope;
    if (config.accessKeys.size === 0) {
      const open = { accessKeyId: account, secretAccessKey: 'brume', sessionToken: 'brume' };
      return Promise.resolve({ ...open, renewAtMs: Number.POSITIVE_INFINITY });
    }
    const key = `${functionArn(reference)} ${role}`;
    const known = this.#credentials.get(key) ?? Promise.resolve(undefined);
    const current = known.then((credentials) =>
      credentials && credentials.renewAtMs > clock.now() ? credentials : this.#assumeRole(reference, role),
    );
    this.#credentials.set(key, current);
    current.catch(() => this.#credentials.delete(key));
    return current;
  }

  async #assumeRole(reference: FunctionReference, role: string): Promise<Credentials> {
    const { call, clock } = this.#dependencies;
    const caller = serviceCaller(
      'lambda.amazonaws.com',
      { ...reference.scope, sourceArn: functionArn(reference) },
      uuid(),
    );
    let response: AssumeRoleResponse;
    try {
      response = await call<AssumeRoleRequest, AssumeRoleResponse>(
        'sts',
        'AssumeRole',
        { RoleArn: role, RoleSessionName: reference.name },
        caller,
      );
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      throw new AwsError('AccessDeniedException', 'The role defined for the function cannot be assumed by Lambda.', {
        status: 403,
        cause: error,
      });
    }
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = response.Credentials!;
    const nowMs = clock.now();
    return {
      accessKeyId: AccessKeyId!,
      secretAccessKey: SecretAccessKey!,
      sessionToken: SessionToken!,
      // At half their life, so that an environment in use never holds expired ones.
      renewAtMs: nowMs + (Expiration!.getTime() - nowMs) / 2,
    };
  }
}

/** Runtimes of Brume's own serve several invocations at once, unless extensions could be with them; the rest one each. */
function lanesOf({ managed, runtime, image, layers }: VersionDocument): number {
  if (image || layers || !/^(python|nodejs)/.test(runtime)) return 1;
  return Math.min(MOST_LANES, managed!.concurrency);
}

function asAwsError(error: unknown): unknown {
  if (error instanceof ConcurrencyLimitError) {
    return new AwsError('TooManyRequestsException', error.message, {
      fields: { Reason: error.reason, Type: 'User', retryAfterSeconds: '1' },
    });
  }
  if (error instanceof MissingInterpreterError || error instanceof ImageError) {
    return new AwsError('InvalidRuntimeException', error.message, { fields: { Type: 'User' } });
  }
  if (error instanceof FileSystemError) {
    return new AwsError('EFSMountFailureException', error.message, { fields: { Type: 'User' } });
  }
  return error;
}

/** An address to connect to, for one to listen on. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
