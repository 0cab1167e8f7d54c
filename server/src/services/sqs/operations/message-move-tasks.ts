// StartMessageMoveTask, ListMessageMoveTasks and CancelMessageMoveTask.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html

import type {
  CancelMessageMoveTaskRequest,
  CancelMessageMoveTaskResult,
  ListMessageMoveTasksRequest,
  ListMessageMoveTasksResult,
  StartMessageMoveTaskRequest,
  StartMessageMoveTaskResult,
} from '@aws-sdk/client-sqs';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { deadLetterSources } from '../dead-letter.ts';
import { invalidParameterValue, invalidValue, isWithin } from '../errors.ts';
import { MAX_TASKS_A_QUEUE, type MessageMover, type MoveTask, tasksOf } from '../message-mover.ts';
import type { Queue } from '../queue.ts';
import type { Sqs } from '../sqs.ts';

const MAX_PER_SECOND = 500;

export function startMessageMoveTask(
  sqs: Sqs,
  mover: MessageMover,
): Handler<StartMessageMoveTaskRequest, StartMessageMoveTaskResult> {
  return async (input) => {
    const { DestinationArn: destinationArn, MaxNumberOfMessagesPerSecond: perSecond } = input;
    const source = await queueByArn(sqs, input.SourceArn, 'SourceArn');
    if (destinationArn !== undefined) {
      const destination = await queueByArn(sqs, destinationArn, 'DestinationArn');
      if ((destination.fifo === undefined) !== (source.fifo === undefined)) {
        throw invalidParameterValue('Source and destination must be queues of the same type.');
      }
    }
    if (perSecond !== undefined && !isWithin(perSecond, 1, MAX_PER_SECOND)) {
      throw invalidValue(perSecond, 'MaxNumberOfMessagesPerSecond', `Must be an integer from 1 to ${MAX_PER_SECOND}.`);
    }
    if ((await deadLetterSources(sqs.queues, source)).length === 0) {
      throw invalidParameterValue('Source queue must be configured as a Dead Letter Queue.');
    }
    const task = await mover.begin(source, {
      ...(destinationArn === undefined ? {} : { destinationArn }),
      ...(perSecond === undefined ? {} : { perSecond }),
    });
    return { TaskHandle: handleOf(task) };
  };
}

export function listMessageMoveTasks(sqs: Sqs): Handler<ListMessageMoveTasksRequest, ListMessageMoveTasksResult> {
  return async (input) => {
    const source = await queueByArn(sqs, input.SourceArn, 'SourceArn');
    const limit = input.MaxResults ?? 1;
    if (!isWithin(limit, 1, MAX_TASKS_A_QUEUE)) {
      throw invalidValue(limit, 'MaxResults', `Must be an integer from 1 to ${MAX_TASKS_A_QUEUE}.`);
    }
    const tasks = await tasksOf(sqs.state.documents, source, source.name);
    return {
      Results: tasks.slice(0, limit).map((task) => ({
        ...(task.status === 'RUNNING' ? { TaskHandle: handleOf(task) } : {}),
        Status: task.status,
        SourceArn: task.sourceArn,
        ...(task.destinationArn === undefined ? {} : { DestinationArn: task.destinationArn }),
        ...(task.perSecond === undefined ? {} : { MaxNumberOfMessagesPerSecond: task.perSecond }),
        ApproximateNumberOfMessagesMoved: task.moved,
        ApproximateNumberOfMessagesToMove: task.toMove,
        ...(task.failureReason === undefined ? {} : { FailureReason: task.failureReason }),
        StartedTimestamp: task.startedAtMs,
      })),
    };
  };
}

export function cancelMessageMoveTask(
  sqs: Sqs,
  mover: MessageMover,
): Handler<CancelMessageMoveTaskRequest, CancelMessageMoveTaskResult> {
  return async (input) => {
    const { taskId, sourceArn } = openHandle(input.TaskHandle ?? '');
    const source = await queueByArn(sqs, sourceArn, 'SourceArn');
    const task = (await tasksOf(sqs.state.documents, source, source.name)).find((known) => known.taskId === taskId);
    if (!task) throw new AwsError('ResourceNotFoundException', 'Task does not exist.');
    const cancelled = await mover.cancel(source, task);
    if (!cancelled) throw invalidParameterValue('Only active tasks can be cancelled.');
    return { ApproximateNumberOfMessagesMoved: cancelled.moved };
  };
}

async function queueByArn(sqs: Sqs, arn: string | undefined, parameter: string): Promise<Queue> {
  const queue = await sqs.queues.byArn(arn ?? '');
  if (queue) return queue;
  throw new AwsError(
    'ResourceNotFoundException',
    `The resource that you specified for the ${parameter} parameter doesn't exist.`,
  );
}

function handleOf({ taskId, sourceArn }: MoveTask): string {
  return Buffer.from(JSON.stringify({ taskId, sourceArn })).toString('base64');
}

function openHandle(handle: string): { taskId: string; sourceArn: string } {
  try {
    const { taskId, sourceArn } = JSON.parse(Buffer.from(handle, 'base64').toString());
    if (typeof taskId === 'string' && typeof sourceArn === 'string') return { taskId, sourceArn };
  } catch {
    // Answered below, as a handle that holds something else is.
  }
  throw invalidParameterValue('Value for parameter TaskHandle is invalid.');
}
