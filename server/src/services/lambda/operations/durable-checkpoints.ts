// CheckpointDurableExecution and GetDurableExecutionState, by which a function's SDK writes and reads its execution:
// https://docs.aws.amazon.com/lambda/latest/api/API_CheckpointDurableExecution.html

import type {
  CheckpointDurableExecutionRequest,
  CheckpointDurableExecutionResponse,
  GetDurableExecutionStateRequest,
  GetDurableExecutionStateResponse,
  OperationUpdate,
} from '@aws-sdk/client-lambda';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { checkArn, pageSize } from './durable-executions.ts';

const TOKEN = /[A-Za-z0-9+/]+={0,2}/;
const OPERATION_ID = /[a-zA-Z0-9-_]+/;
const OPERATION_NAME = /[\x20-\x7E]+/;
const TYPES = ['EXECUTION', 'CONTEXT', 'STEP', 'WAIT', 'CALLBACK', 'CHAINED_INVOKE'];
const ACTIONS = ['START', 'SUCCEED', 'FAIL', 'RETRY', 'CANCEL'];

export function checkpointDurableExecution({ durable }: LambdaDependencies) {
  return async (
    input: CheckpointDurableExecutionRequest,
    context: RequestContext,
  ): Promise<CheckpointDurableExecutionResponse> => {
    checkArn(input.DurableExecutionArn!, context);
    const updates = input.Updates ?? [];
    checkConstraints([
      { at: 'checkpointToken', value: input.CheckpointToken, min: 1, max: 2_048, pattern: TOKEN },
      { at: 'clientToken', value: input.ClientToken, min: 1, max: 64, pattern: /[\x21-\x7E]+/ },
      ...updates.flatMap(constraintsOf),
    ]);
    const { token, operations } = await durable.checkpoint(
      input.DurableExecutionArn!,
      input.CheckpointToken!,
      updates,
      input.ClientToken,
    );
    return { CheckpointToken: token, NewExecutionState: { Operations: operations } };
  };
}

export function getDurableExecutionState({ durable }: LambdaDependencies) {
  return async (
    input: GetDurableExecutionStateRequest,
    context: RequestContext,
  ): Promise<GetDurableExecutionStateResponse> => {
    checkArn(input.DurableExecutionArn!, context);
    checkConstraints([{ at: 'checkpointToken', value: input.CheckpointToken, min: 1, max: 2_048, pattern: TOKEN }]);
    const { operations, marker } = await durable.state(
      input.DurableExecutionArn!,
      input.CheckpointToken!,
      input.Marker,
      pageSize(input.MaxItems),
    );
    return { Operations: operations, ...(marker === undefined ? {} : { NextMarker: marker }) };
  };
}

function constraintsOf({ Id, ParentId, Name, Type, SubType, Action }: OperationUpdate, i: number) {
  const at = `updates.${i + 1}.member`;
  return [
    // SDKs make up ids for the execution itself, with a time in them; they stand for nothing.
    ...(Type === 'EXECUTION' ? [] : [{ at: `${at}.id`, value: Id, min: 1, max: 64, pattern: OPERATION_ID }]),
    { at: `${at}.parentId`, value: ParentId, min: 1, max: 64, pattern: OPERATION_ID },
    { at: `${at}.name`, value: Name, min: 1, max: 256, pattern: OPERATION_NAME },
    { at: `${at}.type`, value: Type, oneOf: TYPES },
    { at: `${at}.subType`, value: SubType, min: 1, max: 32, pattern: OPERATION_ID },
    { at: `${at}.action`, value: Action, oneOf: ACTIONS },
  ];
}
