// Export tasks against a whole server: what lies in the bucket afterwards, what is refused, one task at a time,
// cancelling, and a task that kill -9 interrupted.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import {
  CancelExportTaskCommand,
  CloudWatchLogsClient,
  CreateExportTaskCommand,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeExportTasksCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { clientConfig, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';

const brume = await startBrume();
const logs = new CloudWatchLogsClient(clientConfig(brume));
const s3 = new S3Client(clientConfig(brume));
const START = Date.now() - 600_000;
const END = START + 60_000;

async function createStream(client: CloudWatchLogsClient, logGroupName: string, streams: readonly string[]) {
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  for (const logStreamName of streams) await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
}

async function put(client: CloudWatchLogsClient, logGroupName: string, logStreamName: string, messages: string[]) {
  const logEvents = messages.map((message, i) => ({ timestamp: START + i, message }));
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}

async function finished(client: CloudWatchLogsClient, taskId: string) {
  for (let attempt = 0; attempt < 400; attempt++) {
    const { exportTasks } = await client.send(new DescribeExportTasksCommand({ taskId }));
    const { status } = exportTasks![0]!;
    if (!['PENDING', 'RUNNING', 'PENDING_CANCEL'].includes(status!.code!)) return exportTasks![0]!;
    await sleep(25);
  }
  throw new Error('the export task did not end');
}

async function objects(client: S3Client, Bucket: string): Promise<Record<string, string>> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
  const entries = Contents.map(async ({ Key }) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    const bytes = await Body!.transformToByteArray();
    return [Key!, Key!.endsWith('.gz') ? gunzipSync(bytes).toString() : Buffer.from(bytes).toString()];
  });
  return Object.fromEntries(await Promise.all(entries));
}

const line = (i: number, message: string) => `${new Date(START + i).toISOString()} ${message}\n`;

test('the events of each stream lie gzipped in the bucket', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'exports' }));
  await createStream(logs, 'app', ['a/b', 'c', 'empty']);
  await put(logs, 'app', 'a/b', ['one', 'two\nlines', 'déjà']);
  await put(logs, 'app', 'c', ['other']);
  const request = { logGroupName: 'app', from: START, to: START + 1, destination: 'exports' };
  const { taskId } = await logs.send(
    new CreateExportTaskCommand({ ...request, taskName: 'mine', destinationPrefix: 'p/q' }),
  );
  const task = await finished(logs, taskId!);
  assert.deepEqual(
    [task.taskName, task.destination, task.destinationPrefix, task.from, task.to, task.status],
    ['mine', 'exports', 'p/q', START, START + 1, { code: 'COMPLETED', message: 'Completed successfully' }],
  );
  assert.ok(task.executionInfo!.completionTime! >= task.executionInfo!.creationTime!);
  assert.deepEqual(await objects(s3, 'exports'), {
    'p/q/aws-logs-write-test': 'Permission Check Successful',
    [`p/q/${taskId}/a-b/000000.gz`]: line(0, 'one') + line(1, 'two\nlines'),
    [`p/q/${taskId}/c/000000.gz`]: line(0, 'other'),
  });
});

test('a stream prefix narrows, and a day of many events is whole', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'many' }));
  await createStream(logs, 'many', ['x1', 'y1']);
  const messages = Array.from({ length: 10_000 }, (_, i) => `event ${i} ${'.'.repeat(50)}`);
  for (let i = 0; i < 2; i++) await put(logs, 'many', 'x1', messages);
  await put(logs, 'many', 'y1', ['not wanted']);
  const { taskId } = await logs.send(
    new CreateExportTaskCommand({
      logGroupName: 'many',
      logStreamNamePrefix: 'x',
      from: START,
      to: END,
      destination: 'many',
    }),
  );
  await finished(logs, taskId!);
  const { [`exportedlogs/${taskId}/x1/000000.gz`]: text, ...others } = await objects(s3, 'many');
  assert.deepEqual(Object.keys(others), ['aws-logs-write-test']);
  const lines = text!.trimEnd().split('\n');
  assert.equal(lines.length, 20_000);
  assert.deepEqual(new Set(lines), new Set(messages.map((message, i) => line(i, message).trimEnd())));
});

test('tasks are listed by status, newest first, a page at a time', async () => {
  const all = (await logs.send(new DescribeExportTasksCommand({ statusCode: 'COMPLETED' }))).exportTasks!;
  assert.deepEqual(
    all.map(({ logGroupName }) => logGroupName),
    ['many', 'app'],
  );
  const first = await logs.send(new DescribeExportTasksCommand({ limit: 1 }));
  const second = await logs.send(new DescribeExportTasksCommand({ limit: 1, nextToken: first.nextToken! }));
  assert.deepEqual([...first.exportTasks!, ...second.exportTasks!], all);
  assert.equal(second.nextToken, undefined);
  assert.deepEqual((await logs.send(new DescribeExportTasksCommand({ statusCode: 'FAILED' }))).exportTasks, []);
});

test('what cannot be exported is refused', async () => {
  await s3.send(
    new CreateBucketCommand({ Bucket: 'elsewhere', CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
  );
  await logs.send(new CreateLogGroupCommand({ logGroupName: 'rare', logGroupClass: 'INFREQUENT_ACCESS' }));
  const valid = { logGroupName: 'app', from: START, to: END, destination: 'exports' };
  const cases: [object, string, RegExp][] = [
    [{ destination: 'none-such' }, 'InvalidParameterException', /^The given bucket does not exist/],
    [{ destination: 'elsewhere' }, 'InvalidParameterException', /another region/],
    [{ logGroupName: 'none' }, 'ResourceNotFoundException', /log group does not exist/],
    [{ logGroupName: 'rare' }, 'InvalidParameterException', /INFREQUENT_ACCESS/],
    [{ from: 5, to: 5 }, 'InvalidParameterException', /before/],
    [{ taskName: '' }, 'InvalidParameterException', /taskName/],
  ];
  for (const [change, name, message] of cases) {
    await assert.rejects(
      logs.send(new CreateExportTaskCommand({ ...valid, ...change })),
      { name, message },
      JSON.stringify(change),
    );
  }
  await assert.rejects(logs.send(new CancelExportTaskCommand({ taskId: 'none' })), {
    name: 'ResourceNotFoundException',
  });
  const { exportTasks } = await logs.send(new DescribeExportTasksCommand({ limit: 1 }));
  await assert.rejects(logs.send(new CancelExportTaskCommand({ taskId: exportTasks![0]!.taskId! })), {
    name: 'InvalidOperationException',
  });
});

test('one task at a time; kill -9 in its middle only delays it; a cancelled one ends', {
  timeout: 60_000,
}, async () => {
  const dataDir = temporaryDirectory();
  const doomed = await spawnBrume(dataDir);
  const doomedLogs = new CloudWatchLogsClient(clientConfig(doomed));
  await new S3Client(clientConfig(doomed)).send(new CreateBucketCommand({ Bucket: 'bucket' }));
  const streams = Array.from({ length: 60 }, (_, i) => `s${i}`);
  await createStream(doomedLogs, 'g', streams);
  for (const stream of streams) await put(doomedLogs, 'g', stream, [stream]);
  const request = { logGroupName: 'g', from: START, to: END, destination: 'bucket' };
  const { taskId } = await doomedLogs.send(new CreateExportTaskCommand(request));
  await assert.rejects(doomedLogs.send(new CreateExportTaskCommand(request)), {
    name: 'LimitExceededException',
    message: 'Resource limit exceeded.',
  });
  await doomed.kill();

  const survivor = await spawnBrume(dataDir);
  const survivorLogs = new CloudWatchLogsClient(clientConfig(survivor));
  const task = await finished(survivorLogs, taskId!);
  assert.equal(task.status!.code, 'COMPLETED');
  const { 'aws-logs-write-test': _, ...files } = await objects(new S3Client(clientConfig(survivor)), 'bucket');
  assert.deepEqual(
    files,
    Object.fromEntries(streams.map((stream) => [`exportedlogs/${taskId}/${stream}/000000.gz`, line(0, stream)])),
  );
  const { taskId: second } = await survivorLogs.send(new CreateExportTaskCommand(request));
  await survivorLogs.send(new CancelExportTaskCommand({ taskId: second! }));
  assert.equal((await finished(survivorLogs, second!)).status!.code, 'CANCELLED');
  await survivor.stop();
});
