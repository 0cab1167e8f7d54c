// The job that Brume exists for, end to end with clients as they come: boto3 builds the pipeline, the AWS CLI copies the
// files and reads the logs, the AWS SDK for JavaScript looks at what came of it. Nothing but AWS_ENDPOINT_URL is set.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CloudWatchClient, DescribeAlarmsCommand, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand, StartLiveTailCommand } from '@aws-sdk/client-cloudwatch-logs';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Brume } from '#main';
import { ACCOUNT, clientConfig, clientEnvironment, REGION, startBrume, temporaryDirectory } from './harness.ts';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('./pipeline/', import.meta.url));
const LONGEST_WAIT_MS = 60_000;

const python = await found('python3', ['-c', 'import sys, boto3; print("python3.%d" % sys.version_info[1])']);
const cli = await found('aws', ['--version']);
const tail = cli !== undefined && (await found('aws', ['logs', 'tail', 'help'])) !== undefined;
const skip = python === undefined ? 'needs python3 with boto3' : cli === undefined ? 'needs the AWS CLI' : false;

const dir = temporaryDirectory();
/** A server, and the pipeline on it, unless the clients that build it are missing. */
const brume = skip ? ({ endpoint: '' } as Brume) : await startBrume({ dataDir: join(temporaryDirectory(), 'data') });
const setUp: { account: string; topic: string; queueUrl: string } = skip ? undefined : await buildPipeline();
const logs = new CloudWatchLogsClient(clientConfig(brume));
const s3 = new S3Client(clientConfig(brume));
const cloudwatch = new CloudWatchClient(clientConfig(brume));

describe('the pipeline', { skip }, () => {
  // Before its directory goes.
  after(() => brume.stop());

  test('aws s3 cp runs the handler, whose output is in its log group', async () => {
    await upload('data.csv', 'id,name\n1,one\n');
    const messages = await eventually('REPORT in /aws/lambda/process-upload', async () => {
      const lines = await logLines('/aws/lambda/process-upload');
      return lines.some((line) => line.startsWith('REPORT ')) ? lines : undefined;
    });
    const kinds = messages.map((line) => /^(INIT_START|START|END|REPORT|New file)/.exec(line)?.[1] ?? line);
    assert.deepEqual(kinds, ['INIT_START', 'START', 'New file', 'END', 'REPORT']);
    assert.equal(messages[2], 'New file uploaded: data.csv in bucket my-bucket\n');
    assert.match(
      messages[4]!,
      /^REPORT RequestId: [0-9a-f-]{36}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t\n$/,
    );
  });

  test('invoked by hand, the same handler answers with its result and the tail of its log', async () => {
    const Payload = JSON.stringify({ Records: [{ s3: { bucket: { name: 'b' }, object: { key: 'k' } } }] });
    const answer = await new LambdaClient(clientConfig(brume)).send(
      new InvokeCommand({ FunctionName: 'process-upload', Payload, LogType: 'Tail' }),
    );
    const expected = { statusCode: 200, body: '"File processed successfully!"' };
    assert.deepEqual(JSON.parse(Buffer.from(answer.Payload!).toString()), expected);
    assert.match(
      Buffer.from(answer.LogResult!, 'base64').toString(),
      /^START .*\nNew file uploaded: k in bucket b\nEND .*\nREPORT /,
    );
  });

  test('a function in Node.js gets its files', async () => {
    await upload('data.json', '{}');
    await eventually('the line of the Node.js function', async () =>
      (await logLines('/aws/lambda/in-nodejs')).find((line) =>
        line.includes('\tINFO\tNode.js saw data.json in my-bucket'),
      ),
    );
  });

  test('live tail shows lines as they come', async () => {
    const logGroupIdentifiers = [`arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/aws/lambda/process-upload`];
    const abort = new AbortController();
    const { responseStream } = await logs.send(new StartLiveTailCommand({ logGroupIdentifiers }), {
      abortSignal: abort.signal,
    });
    const events = responseStream![Symbol.asyncIterator]();
    assert.ok((await events.next()).value.sessionStart);
    await upload('live.csv', 'x');
    const seen: string[] = [];
    while (!seen.includes('New file uploaded: live.csv in bucket my-bucket\n')) {
      const { value, done } = await events.next();
      assert.ok(!done, `the session ended after ${JSON.stringify(seen)}`);
      seen.push(...(value.sessionUpdate?.sessionResults ?? []).map(({ message }) => message!));
    }
    abort.abort();
  });

  test('aws logs tail', { skip: tail ? false : 'needs the AWS CLI version 2' }, async () => {
    const shown = await aws('logs', 'tail', '/aws/lambda/process-upload', '--format', 'short');
    assert.match(shown, /New file uploaded: data\.csv in bucket my-bucket/);
  });

  test('aws logs filter-log-events', async () => {
    const shown = JSON.parse(
      await aws(
        'logs',
        'filter-log-events',
        '--log-group-name',
        '/aws/lambda/process-upload',
        '--filter-pattern',
        '"New file"',
        '--output',
        'json',
      ),
    );
    const keys = shown.events.map(({ message }: { message: string }) => /: (\S+) in/.exec(message)![1]);
    assert.deepEqual(keys.sort(), ['data.csv', 'k', 'live.csv']);
  });

  test('errors in a log raise the alarm, which notifies the queue and has the failed file retried', async () => {
    await upload('good.txt', 'all is well');
    await upload('broken.txt', 'a bad row');
    const alarm = await eventually('ALARM', async () => {
      const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: ['errors'] }));
      return MetricAlarms!.find(({ StateValue }) => StateValue === 'ALARM');
    });
    assert.match(
      alarm.StateReason!,
      /^Threshold Crossed: 1 .*datapoint.* was greater than or equal to the threshold \(1\.0\)/,
    );

    const sqs = new SQSClient(clientConfig(brume));
    const message = await eventually('the message', async () => {
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: setUp.queueUrl, WaitTimeSeconds: 10 }));
      return Messages?.[0];
    });
    const envelope = JSON.parse(message.Body!);
    assert.deepEqual([envelope.Type, envelope.TopicArn], ['Notification', setUp.topic]);
    assert.match(envelope.Subject, /^ALARM: "errors" in /);
    const notice = JSON.parse(envelope.Message);
    assert.deepEqual(
      [notice.AlarmName, notice.NewStateValue, notice.AWSAccountId, notice.AlarmArn, notice.NewStateReason],
      ['errors', 'ALARM', ACCOUNT, alarm.AlarmArn, alarm.StateReason],
    );
    assert.equal(notice.Trigger.MetricName, 'Errors');
    assert.equal(notice.Trigger.Threshold, 1);

    const retried = await eventually('the retried file', () => objectText('output-bucket', 'retried/broken.txt'));
    assert.equal(retried, 'a mended row');
    // The function deletes the failed file after it has written the other.
    await eventually('the end of the failed file', async () => {
      const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'output-bucket' }));
      return Contents!.map(({ Key }) => Key).join() === 'good/good.txt,retried/broken.txt' || undefined;
    });
  });

  test('the functions and the bucket have their metrics', async () => {
    const query = (
      Id: string,
      Namespace: string,
      MetricName: string,
      dimensions: Record<string, string>,
      Stat: string,
    ) => {
      const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
      return { Id, MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period: 3600, Stat } };
    };
    const ofFunction = (Id: string, name: string, Stat: string) =>
      query(Id, 'AWS/Lambda', name, { FunctionName: 'process-upload' }, Stat);
    const ofBucket = (Id: string, name: string, StorageType: string) =>
      query(Id, 'AWS/S3', name, { BucketName: 'my-bucket', StorageType }, 'Maximum');
    const values = await eventually('the metrics', async () => {
      const nowMs = Date.now();
      const { MetricDataResults } = await cloudwatch.send(
        new GetMetricDataCommand({
          StartTime: new Date(nowMs - 2 * 24 * 3_600_000),
          EndTime: new Date(nowMs + 3_600_000),
          MetricDataQueries: [
            ofFunction('invocations', 'Invocations', 'Sum'),
            ofFunction('errors', 'Errors', 'Sum'),
            ofFunction('throttles', 'Throttles', 'Sum'),
            ofFunction('durations', 'Duration', 'SampleCount'),
            ofFunction('concurrency', 'ConcurrentExecutions', 'Maximum'),
            ofBucket('bytes', 'BucketSizeBytes', 'StandardStorage'),
            ofBucket('objects', 'NumberOfObjects', 'AllStorageTypes'),
          ],
        }),
      );
      const sums = Object.fromEntries(
        MetricDataResults!.map(({ Id, Values }) => [Id, Values!.reduce((a, b) => a + b, 0)]),
      );
      return sums.invocations === 3 && sums.objects === 5 ? sums : undefined;
    });
    const { concurrency, ...sums } = values;
    assert.deepEqual(sums, { invocations: 3, errors: 0, throttles: 0, durations: 3, bytes: 37, objects: 5 });
    assert.ok(concurrency! >= 1);
    const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: ['S3BucketSizeAlarm'] }));
    assert.notEqual(MetricAlarms![0]!.StateValue, 'ALARM');
  });
});

async function buildPipeline() {
  const { stdout } = await run('python3', ['-B', join(HERE, 'set_up.py'), python!], { env: clientEnvironment(brume) });
  return JSON.parse(stdout);
}

async function aws(...args: string[]): Promise<string> {
  return (await run('aws', args, { env: clientEnvironment(brume), maxBuffer: 16 * 1024 * 1024 })).stdout;
}

async function upload(name: string, content: string): Promise<void> {
  const file = join(dir, name);
  await writeFile(file, content);
  await aws('s3', 'cp', '--no-progress', file, 's3://my-bucket/');
}

async function found(command: string, args: string[]): Promise<string | undefined> {
  try {
    return (await run(command, args)).stdout.trim();
  } catch {
    return undefined;
  }
}

async function logLines(logGroupName: string): Promise<string[]> {
  try {
    const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName }));
    return events!.map(({ message }) => message!);
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return [];
    throw error;
  }
}

async function objectText(Bucket: string, Key: string): Promise<string | undefined> {
  try {
    return await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString();
  } catch (error) {
    if ((error as Error).name === 'NoSuchKey') return undefined;
    throw error;
  }
}

/** Asks until there is an answer. */
async function eventually<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  while (performance.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(100);
  }
  throw new Error(`${what} did not come within ${LONGEST_WAIT_MS / 1000} s`);
}
