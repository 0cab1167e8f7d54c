// SendDurableExecutionCallbackSuccess, …Failure and …Heartbeat, for whoever was given a callback's id:
// https://docs.aws.amazon.com/lambda/latest/api/API_SendDurableExecutionCallbackSuccess.html

import { buffer } from 'node:stream/consumers';
import type {
  SendDurableExecutionCallbackFailureRequest,
  SendDurableExecutionCallbackFailureResponse,
  SendDurableExecutionCallbackHeartbeatRequest,
  SendDurableExecutionCallbackHeartbeatResponse,
  SendDurableExecutionCallbackSuccessRequest,
  SendDurableExecutionCallbackSuccessResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { LARGEST_PAYLOAD_BYTES } from '#engines/durable-executions/limits.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { checkError } from './durable-executions.ts';

const CALLBACK_ID = /[A-Za-z0-9+/]+={0,2}/;

export function sendDurableExecutionCallbackSuccess({ durable }: LambdaDependencies) {
  return async (
    input: SendDurableExecutionCallbackSuccessRequest,
    context: RequestContext,
  ): Promise<SendDurableExecutionCallbackSuccessResponse> => {
    checkId(input.CallbackId!);
    const body = input.Result as unknown as Uint8Array | NodeJS.ReadableStream | undefined;
    const bytes = body === undefined || body instanceof Uint8Array ? body : await buffer(body);
    if (bytes && bytes.byteLength > LARGEST_PAYLOAD_BYTES) {
      throw invalid(`CALLBACK output payload size must be less than or equal to ${LARGEST_PAYLOAD_BYTES} bytes.`);
    }
    const result = bytes && bytes.byteLength > 0 ? Buffer.from(bytes).toString() : undefined;
    await durable.succeedCallback(context, input.CallbackId!, result);
    return {};
  };
}

export function sendDurableExecutionCallbackFailure({ durable }: LambdaDependencies) {
  return async (
    input: SendDurableExecutionCallbackFailureRequest,
    context: RequestContext,
  ): Promise<SendDurableExecutionCallbackFailureResponse> => {
    checkId(input.CallbackId!);
    checkError(input.Error);
    await durable.failCallback(context, input.CallbackId!, input.Error);
    return {};
  };
}

export function sendDurableExecutionCallbackHeartbeat({ durable }: LambdaDependencies) {
  return async (
    input: SendDurableExecutionCallbackHeartbeatRequest,
    context: RequestContext,
  ): Promise<SendDurableExecutionCallbackHeartbeatResponse> => {
    checkId(input.CallbackId!);
    await durable.heartbeat(context, input.CallbackId!);
    return {};
  };
}

function checkId(value: string): void {
  checkConstraints([{ at: 'callbackId', value, min: 1, max: 1_024, pattern: CALLBACK_ID }]);
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
