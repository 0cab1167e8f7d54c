// How durable functions are invoked: an invocation starts an execution, and whoever waits gets the execution's result.
// https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking.html

import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Delivery } from '#engines/delivery/delivery.ts';
import {
  type ChainTarget,
  DurableExecutions,
  type DurableExecutionsOptions,
} from '#engines/durable-executions/durable-executions.ts';
import type { Ending } from '#engines/durable-executions/execution-reader.ts';
import { LONGEST_SYNCHRONOUS_S } from '#engines/durable-executions/limits.ts';
import type { InvocationResult } from '#engines/functions/function-engine.ts';
import type { Scope } from '#storage/state/state.ts';
import type { Activation } from './activation.ts';
import { sendToDeadLetterQueue } from './durable-dead-letters.ts';
import { type FunctionReference, readFunctionName } from './function-name.ts';
import type { FunctionTable, Target } from './function-table.ts';
import type { InvocationRequest, Invoker } from './invoker.ts';

interface Dependencies extends Pick<DurableExecutionsOptions, 'state' | 'clock' | 'log' | 'meter'> {
  table: FunctionTable;
  activation: Activation;
  invoker: Invoker;
  delivery: Delivery;
}

export interface DurableInvocationResult extends InvocationResult {
  durableExecutionArn: string;
}

/** The executions of durable functions, each invocation of which is one of the function's own. */
export function createDurableExecutions({
  table,
  activation,
  invoker,
  delivery,
  ...options
}: Dependencies): DurableExecutions {
  const find = async (reference: FunctionReference): Promise<Target> => {
    const target = await table.route(reference, Math.random);
    if (target.version.state !== 'Pending' && !target.version.updating) return target;
    await activation.settled(reference);
    return table.route(reference, Math.random);
  };
  return new DurableExecutions({
    ...options,
    atEnd: (tx, execution, document) => sendToDeadLetterQueue(tx, delivery, execution, document),
    async invoke({ scope, functionName, version, requestId, payload, traceHeader }) {
      const reference = { scope, name: functionName, qualifier: version };
      const target = await find(reference);
      return invoker.run(reference, target, {
        requestId,
        payload,
        ofDurableExecution: true,
        ...(traceHeader === undefined ? {} : { traceHeader }),
      });
    },
    async resolve(scope: Scope, functionName: string): Promise<ChainTarget> {
      const reference = readFunctionName(functionName, scope);
      const target = await find(reference);
      const { version } = target;
      if (!version.durable) {
        return {
          kind: 'ordinary',
          version: version.version,
          invoke: (payload, traceHeader) =>
            invoker.run(reference, target, {
              requestId: uuid(),
              payload,
              ...(traceHeader === undefined ? {} : { traceHeader }),
            }),
        };
      }
      checkQualified(reference);
      return {
        kind: 'durable',
        scope: reference.scope,
        functionName: reference.name,
        version: version.version,
        settings: version.durable,
      };
    },
  });
}

/** Starts an execution that nobody waits for; its ARN. */
export async function startDurable(
  executions: DurableExecutions,
  reference: FunctionReference,
  target: Target,
  request: Pick<InvocationRequest, 'payload' | 'traceHeader' | 'requestId'> & {
    name?: string | undefined;
    synchronous?: boolean;
  },
): Promise<{ arn: string; ended(): Promise<Ending> }> {
  checkQualified(reference);
  const { durable, version } = target.version;
  const synchronous = request.synchronous ?? false;
  if (synchronous && durable!.timeoutS > LONGEST_SYNCHRONOUS_S) {
    throw invalid(
      'You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.',
    );
  }
  const { arn, reference: execution } = await executions.begin({
    scope: reference.scope,
    functionName: reference.name,
    version,
    settings: durable!,
    name: request.name,
    payload: Buffer.from(request.payload).toString(),
    traceHeader: request.traceHeader,
    synchronous,
    requestId: request.requestId,
  });
  return { arn, ended: () => executions.ended(execution) };
}

/** Starts an execution and waits for its end, which is the result of the invocation. */
export async function runDurable(
  executions: DurableExecutions,
  reference: FunctionReference,
  target: Target,
  request: InvocationRequest,
): Promise<DurableInvocationResult> {
  const { arn, ended } = await startDurable(executions, reference, target, {
    payload: request.payload,
    traceHeader: request.traceHeader,
    requestId: request.requestId,
    name: request.durableExecutionName,
    synchronous: true,
  });
  const { document, result } = await ended();
  const durationMs = document.endedAtMs! - document.startedAtMs;
  const common = {
    durableExecutionArn: arn,
    logTail: '',
    durationMs,
    billedDurationMs: durationMs,
    maxMemoryUsedMb: 0,
  };
  if (document.status === 'SUCCEEDED') return { ...common, payload: Buffer.from(result ?? 'null') };
  const { ErrorType, ErrorMessage, ErrorData, StackTrace } = document.error ?? {};
  const error = {
    errorMessage: ErrorMessage ?? '',
    errorType: ErrorType ?? '',
    ...(ErrorData === undefined ? {} : { errorData: ErrorData }),
    ...(StackTrace === undefined ? {} : { stackTrace: StackTrace }),
  };
  return { ...common, functionError: 'Unhandled', payload: Buffer.from(JSON.stringify(error)) };
}

/** Executions run one version to their end, so the caller has to say which. */
function checkQualified({ qualifier }: FunctionReference): void {
  if (qualifier === undefined) throw invalid('You cannot invoke a durable function using an unqualified ARN.');
}

/** For functions that are not durable. */
export function refuseExecutionName(name: string | undefined): void {
  if (name === undefined) return;
  throw invalid('You cannot specify a durable execution name when you invoke a function that is not durable.');
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
