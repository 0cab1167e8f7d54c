// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html

import type {
  CancelExportTaskRequest,
  CreateExportTaskRequest,
  CreateExportTaskResponse,
  DescribeExportTasksRequest,
  DescribeExportTasksResponse,
  ExportTask,
} from '@aws-sdk/client-cloudwatch-logs';
import type { HeadBucketOutput } from '@aws-sdk/client-s3';
import { serviceCaller } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import {
  Constraints,
  DESCRIBE_LIMIT,
  invalidParameter,
  LOG_GROUP_NAME,
  LOG_STREAM_NAME,
  TIMESTAMP,
} from '../constraints.ts';
import { EXPORT_TASKS, type ExportTaskDocument, isActive, STATUS_MESSAGES } from '../exports/export-task.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { requireGroup } from '../log-group-reference.ts';
import type { Logs, Sharing } from '../logs.ts';
import { openPageToken, pageToken } from '../page-token.ts';

const TASK_ID = { min: 1, max: 512 };
const DEFAULT_PREFIX = 'exportedlogs';
const DEFAULT_LIMIT = 50;
const STATUS_CODES = ['CANCELLED', 'COMPLETED', 'FAILED', 'PENDING', 'PENDING_CANCEL', 'RUNNING'];
/** S3's longest key, less what an export appends at most to its prefix. */
const LONGEST_PREFIX = 1024 - 36 - 512 - 12;

export function createExportTask(logs: Logs): Handler<CreateExportTaskRequest, CreateExportTaskResponse> {
  return async (input, context) => {
    const bucket = input.destination!;
    const fromMs = input.from!;
    const toMs = input.to!;
    const { taskName, logStreamNamePrefix, destinationPrefix } = input;
    new Constraints()
      .text('taskName', taskName, { min: 1, max: 512 })
      .text('logGroupName', input.logGroupName, LOG_GROUP_NAME)
      .text('logStreamNamePrefix', logStreamNamePrefix, LOG_STREAM_NAME)
      .number('from', fromMs, TIMESTAMP)
      .number('to', toMs, TIMESTAMP)
      .text('destination', bucket, { min: 1, max: 512 })
      .text('destinationPrefix', destinationPrefix, { max: LONGEST_PREFIX })
      .check();
    const group = await requireGroup(logs, context, input.logGroupName!);
    refuseInfrequentAccess(group, 'CreateExportTask');
    if (fromMs >= toMs) throw invalidParameter('The from time of an export task must be before its to time.');
    const prefix = (destinationPrefix || DEFAULT_PREFIX).replace(/\/+$/, '');
    await checkBucket(logs.sharing, context, bucket, destinationPrefix ? `${prefix}/` : '');
    const task: ExportTaskDocument = {
      taskId: uuid(),
      ...(taskName !== undefined && { taskName }),
      groupId: group.id,
      logGroupName: group.name,
      ...(logStreamNamePrefix !== undefined && { logStreamNamePrefix }),
      fromMs,
      toMs,
      bucket,
      prefix,
      status: 'PENDING',
      createdAtMs: logs.clock.now(),
    };
    await logs.sharing.state.transact(async (tx) => {
      const tasks = await tx.documents.range(EXPORT_TASKS, context);
      if (tasks.some(({ value }) => isActive(value))) {
        throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
      }
      await tx.documents.put(EXPORT_TASKS, context, task.taskId, task);
    });
    logs.sharing.exports.run();
    return { taskId: task.taskId };
  };
}

/** Newest first. */
export function describeExportTasks({
  sharing,
}: Logs): Handler<DescribeExportTasksRequest, DescribeExportTasksResponse> {
  return async ({ taskId, statusCode, limit, nextToken }, context) => {
    new Constraints()
      .text('taskId', taskId, TASK_ID)
      .text('statusCode', statusCode, { values: STATUS_CODES })
      .number('limit', limit, DESCRIBE_LIMIT)
      .check();
    const after = nextToken === undefined ? undefined : openPageToken(nextToken, ['number', 'string']);
    const tasks = (await sharing.state.documents.range(EXPORT_TASKS, context))
      .map(({ value }) => value)
      .filter((task) => taskId === undefined || task.taskId === taskId)
      .filter(({ status }) => statusCode === undefined || status === statusCode)
      .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.taskId < b.taskId ? -1 : 1));
    const isAfter = (task: ExportTaskDocument) =>
      !after ||
      task.createdAtMs < (after[0] as number) ||
      (task.createdAtMs === after[0] && task.taskId > (after[1] as string));
    const rest = tasks.filter(isAfter);
    const page = rest.slice(0, limit ?? DEFAULT_LIMIT);
    const last = page.at(-1);
    return {
      exportTasks: page.map(describe),
      ...(last && rest.length > page.length && { nextToken: pageToken([last.createdAtMs, last.taskId]) }),
    };
  };
}

export function cancelExportTask({ sharing }: Logs): Handler<CancelExportTaskRequest, object> {
  return async ({ taskId }, context) => {
    new Constraints().text('taskId', taskId, TASK_ID).check();
    await sharing.state.transact(async (tx) => {
      const task = await tx.documents.get(EXPORT_TASKS, context, taskId!);
      if (!task) throw new AwsError('ResourceNotFoundException', 'The specified export task does not exist.');
      if (task.status !== 'PENDING' && task.status !== 'RUNNING') {
        throw new AwsError('InvalidOperationException', 'The specified export task has already finished');
      }
      await tx.documents.put(EXPORT_TASKS, context, taskId!, { ...task, status: 'PENDING_CANCEL' });
    });
    sharing.exports.cancel(taskId!);
    return {};
  };
}

/** As AWS does it: by writing an object, below the prefix if one was named. */
async function checkBucket({ call }: Sharing, scope: LogScope, bucket: string, prefix: string): Promise<void> {
  const caller = serviceCaller('logs.amazonaws.com', scope, uuid());
  let region: string | undefined;
  try {
    const head = await call<object, HeadBucketOutput>('s3', 'HeadBucket', { Bucket: bucket }, caller);
    region = head.BucketRegion;
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw invalidParameter('The given bucket does not exist. Please make sure the bucket is valid.');
  }
  if (region !== scope.region) {
    throw invalidParameter('The given bucket is in another region than the log group. Please supply one of the same.');
  }
  try {
    const test = { Bucket: bucket, Key: `${prefix}aws-logs-write-test`, Body: 'Permission Check Successful' };
    await call('s3', 'PutObject', test, caller);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw invalidParameter(
      'PutObject call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to perform this operation.',
    );
  }
}

function describe(task: ExportTaskDocument): ExportTask {
  const { status, message = STATUS_MESSAGES[status], createdAtMs, completedAtMs } = task;
  return {
    taskId: task.taskId,
    ...(task.taskName !== undefined && { taskName: task.taskName }),
    logGroupName: task.logGroupName,
    from: task.fromMs,
    to: task.toMs,
    destination: task.bucket,
    destinationPrefix: task.prefix,
    status: { code: status, ...(message !== undefined && { message }) },
    executionInfo: { creationTime: createdAtMs, ...(completedAtMs !== undefined && { completionTime: completedAtMs }) },
  };
}
