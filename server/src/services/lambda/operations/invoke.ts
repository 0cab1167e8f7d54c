// Invoke: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html

import type { InvocationRequest, InvocationResponse } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { ChunkSink } from '#engines/functions/function-engine.ts';
import { RESPONSE_HEADERS, type RequestContext } from '#wire/service.ts';
import { authorizeInvocation } from '../authorize.ts';
import { explainBrokenJson } from '../broken-json.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { type DurableInvocationResult, refuseExecutionName, startDurable } from '../durable-invocations.ts';
import { functionArn, readFunctionName } from '../function-name.ts';
import { recordRecursion, recursiveInvocation, traced } from '../recursion.ts';
import { checkTenantId, checkTenantOf } from '../tenancy.ts';
import { newTraceHeader } from '../trace-header.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution */
const LARGEST_PAYLOAD_BYTES = { RequestResponse: 6_291_456, Event: 1_048_576, DryRun: 6_291_456 };
const EMPTY_EVENT = Buffer.from('{}');
const JSON_HEADERS = { 'content-type': 'application/json' };

/** Who wants a streamed response as it is made. */
export interface StreamedTo {
  onChunk: ChunkSink;
  /** The version that is about to run. */
  onTarget(version: string): void;
}

export function invoke(dependencies: LambdaDependencies) {
  const { table, activation, invoker, asynchronous, clock, durable } = dependencies;
  return async (
    input: InvocationRequest,
    context: RequestContext,
    stream?: StreamedTo,
  ): Promise<InvocationResponse> => {
    const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
    checkConstraints([
      { at: 'invocationType', value: input.InvocationType, oneOf: ['Event', 'RequestResponse', 'DryRun'] },
      { at: 'durableExecutionName', value: input.DurableExecutionName, min: 1, max: 64, pattern: /[a-zA-Z0-9-_]+/ },
      { at: 'logType', value: input.LogType, oneOf: ['None', 'Tail'] },
    ]);
    checkTenantId(input.TenantId);
    const type = input.InvocationType ?? 'RequestResponse';
    const payload = readPayload(input.Payload, type);
    let target = await table.route(reference, Math.random);
    if (target.version.state === 'Pending' || target.version.updating) {
      await activation.settled(reference);
      target = await table.route(reference, Math.random);
    }
    await authorizeInvocation(dependencies, reference, context);
    checkTenantOf(target.version, input.TenantId);
    const { durable: isDurable } = target.version;
    if (!isDurable) refuseExecutionName(input.DurableExecutionName);
    if (type === 'DryRun') return { StatusCode: 204 };

    const received = context.headers['x-amzn-trace-id'];
    const { traceHeader, isRunaway } = traced(received, functionArn(reference), clock.now());
    const request = {
      requestId: context.requestId,
      payload,
      traceHeader,
      ...(input.TenantId === undefined ? {} : { tenantId: input.TenantId }),
      ...(input.ClientContext ? { clientContext: checkClientContext(input.ClientContext) } : {}),
    };
    if (type === 'Event' && isDurable) {
      const { arn } = await startDurable(durable, reference, target, { ...request, name: input.DurableExecutionName });
      return { StatusCode: 202, DurableExecutionArn: arn };
    }
    if (type === 'Event') {
      // Counted when it is run: an event that is stopped goes to the dead-letter queue.
      await asynchronous.enqueue(reference, { ...request, traceHeader: received ?? newTraceHeader(clock.now()) });
      return { StatusCode: 202 };
    }
    if (isRunaway && target.document.recursiveLoop !== 'Allow') {
      recordRecursion(dependencies.meter, reference);
      throw recursiveInvocation();
    }
    stream?.onTarget(target.version.version);
    const result = await invoker.run(reference, target, {
      ...request,
      ...(stream && { onChunk: stream.onChunk }),
      ...(input.DurableExecutionName === undefined ? {} : { durableExecutionName: input.DurableExecutionName }),
    });
    const { durableExecutionArn } = result as Partial<DurableInvocationResult>;
    // Who wants the log gets it with the report, which comes when the extensions are done.
    const { logTail } = input.LogType === 'Tail' ? await (result.whole ?? result) : result;
    return {
      StatusCode: 200,
      ExecutedVersion: target.version.version,
      Payload: result.payload as InvocationResponse['Payload'] & {},
      ...(result.functionError === undefined ? {} : { FunctionError: result.functionError }),
      ...(durableExecutionArn === undefined ? {} : { DurableExecutionArn: durableExecutionArn }),
      ...(input.LogType === 'Tail' ? { LogResult: Buffer.from(logTail).toString('base64') } : {}),
      [RESPONSE_HEADERS]: JSON_HEADERS,
    } as InvocationResponse;
  };
}

function readPayload(payload: Uint8Array | undefined, type: keyof typeof LARGEST_PAYLOAD_BYTES): Uint8Array {
  if (!payload || payload.byteLength === 0) return EMPTY_EVENT;
  const limit = LARGEST_PAYLOAD_BYTES[type];
  if (payload.byteLength > limit) {
    throw new AwsError(
      'RequestTooLargeException',
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
      { fields: { Type: 'User' } },
    );
  }
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    throw new AwsError(
      'InvalidRequestContentException',
      `Could not parse request body into json: Could not parse payload into json: ${explainBrokenJson(payload)}`,
      { fields: { Type: 'User' } },
    );
  }
  return payload;
}

function checkClientContext(text: string): string {
  try {
    JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    return text;
  } catch {
    throw new AwsError('InvalidRequestContentException', 'Client context must be a valid Base64-encoded JSON object.', {
      fields: { Type: 'User' },
    });
  }
}
