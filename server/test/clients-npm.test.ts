// Packages from npm that people put in front of AWS's services, unchanged: consumers of queues, uploads, presigned forms, loggers.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Consumer } from 'sqs-consumer';
import winston from 'winston';
import WinstonCloudWatch from 'winston-cloudwatch';
import { clientConfig, startBrume } from '#test/harness.ts';
import { testLambda } from './lambda-functions.ts';
import { zipWithPackages } from './npm-package.ts';

const brume = await startBrume();
const lambda = testLambda(brume);
const logs = new CloudWatchLogsClient(clientConfig(brume));
const metrics = new CloudWatchClient(clientConfig(brume));
const s3 = new S3Client(clientConfig(brume));
const sqs = new SQSClient(clientConfig(brume));
const Bucket = 'clients';
await s3.send(new CreateBucketCommand({ Bucket }));

async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error(`not seen: ${what}`);
}

test('sqs-consumer: batches, what fails comes again, dead letters', async () => {
  const { QueueUrl: deadUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: 'work',
      Attributes: {
        RedrivePolicy: JSON.stringify({
          deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead',
          maxReceiveCount: 2,
        }),
      },
    }),
  );
  const attribute = { DataType: 'String', StringValue: 'v' };
  for (const MessageBody of ['a', 'bad', 'c']) {
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes: { attribute } }));
  }
  const seen: string[] = [];
  const work = Consumer.create({
    queueUrl: QueueUrl!,
    sqs,
    batchSize: 10,
    waitTimeSeconds: 1,
    visibilityTimeout: 20,
    terminateVisibilityTimeout: true,
    messageAttributeNames: ['All'],
    attributeNames: ['ApproximateReceiveCount'] as never,
    handleMessage: async (message) => {
      seen.push(`${message.Body} ${message.MessageAttributes!.attribute!.StringValue}`);
      if (message.Body === 'bad') throw new Error('no');
      return message;
    },
  });
  work.on('error', () => {});
  const processingErrors: string[] = [];
  work.on('processing_error', (error) => processingErrors.push(error.message));
  const dead: string[] = [];
  const deadLetters = Consumer.create({
    queueUrl: deadUrl!,
    sqs,
    waitTimeSeconds: 1,
    handleMessageBatch: async (messages) => {
      dead.push(...messages.map(({ Body }) => Body!));
      return messages;
    },
  });
  work.start();
  deadLetters.start();
  await eventually(async () => (dead.length > 0 ? dead : undefined), 'a dead letter');
  work.stop();
  deadLetters.stop();
  assert.deepEqual(dead, ['bad']);
  assert.deepEqual(seen.toSorted(), ['a v', 'bad v', 'bad v', 'c v']);
  assert.deepEqual(processingErrors, [
    'Unexpected message handler failure: no',
    'Unexpected message handler failure: no',
  ]);
});

test('@aws-sdk/lib-storage: a stream of unknown length goes up in parts, an aborted one leaves nothing', async () => {
  const piece = Buffer.alloc(1 << 20, 'brume');
  const body = () => Readable.from(Array.from({ length: 12 }, () => piece));
  const hash = createHash('sha256');
  for (let i = 0; i < 12; i++) hash.update(piece);
  const progress: number[] = [];
  const upload = new Upload({
    client: s3,
    params: { Bucket, Key: 'large', Body: body(), ContentType: 'text/plain', Metadata: { of: 'ü' } },
    queueSize: 3,
    partSize: 5 << 20,
  });
  upload.on('httpUploadProgress', ({ loaded }) => progress.push(loaded!));
  const { ETag, Location } = (await upload.done()) as { ETag: string; Location: string };
  assert.match(ETag, /-3"$/);
  assert.match(Location, /\/clients\/large$/);
  assert.equal(Math.max(...progress), 12 << 20);
  const { Body, ContentType } = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }));
  assert.equal(ContentType, 'text/plain');
  assert.equal(
    createHash('sha256')
      .update(await Body!.transformToByteArray())
      .digest('hex'),
    hash.digest('hex'),
  );

  const aborted = new Upload({ client: s3, params: { Bucket, Key: 'aborted', Body: body() }, partSize: 5 << 20 });
  aborted.on('httpUploadProgress', () => void aborted.abort());
  await assert.rejects(aborted.done(), { name: 'AbortError' });
  await eventually(async () => {
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
    return (Uploads ?? []).length === 0 ? true : undefined;
  }, 'no upload under way');
});

test('@aws-sdk/s3-request-presigner: addresses to read and write with', async () => {
  const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'a b/ü', ContentType: 'text/csv' }), {
    expiresIn: 60,
  });
  assert.equal((await fetch(put, { method: 'PUT', body: 'x,y', headers: { 'content-type': 'text/csv' } })).status, 200);
  const get = await getSignedUrl(
    s3,
    new GetObjectCommand({ Bucket, Key: 'a b/ü', ResponseContentDisposition: 'attachment' }),
  );
  const answer = await fetch(get);
  assert.equal(await answer.text(), 'x,y');
  assert.equal(answer.headers.get('content-type'), 'text/csv');
  assert.equal(answer.headers.get('content-disposition'), 'attachment');
});

test('winston-cloudwatch: groups and streams made as needed', async () => {
  const transport = new WinstonCloudWatch({
    logGroupName: 'winston',
    logStreamName: 'app',
    awsOptions: clientConfig(brume),
    jsonMessage: true,
    retentionInDays: 7,
    uploadRate: 100,
    ensureLogGroup: true,
  });
  const logger = winston.createLogger({ transports: [transport] });
  const errors: unknown[] = [];
  transport.on('error', (error) => errors.push(error));
  for (let i = 0; i < 20; i++) logger.info(`message ${i}`, { i, text: 'ü' });
  const read = () =>
    logs.send(new GetLogEventsCommand({ logGroupName: 'winston', logStreamName: 'app', startFromHead: true }));
  const events = await eventually(async () => {
    const found = await read().catch(() => undefined);
    return found && found.events!.length >= 20 ? found.events! : undefined;
  }, 'twenty messages');
  await new Promise<void>((done) => transport.kthxbye(() => done()));
  assert.deepEqual(errors, []);
  assert.deepEqual(
    // It shuffles messages of the same millisecond.
    events.map(({ message }) => JSON.parse(message!).i).toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  );
  const { events: some } = await logs.send(
    new FilterLogEventsCommand({ logGroupName: 'winston', filterPattern: '{ $.i > 17 && $.text = "ü" }' }),
  );
  assert.equal(some!.length, 2);
});

async function run(name: string, code: string, packages: string[], more: object = {}): Promise<string[]> {
  await lambda.create(name, undefined, {
    Runtime: 'nodejs24.x',
    Code: { ZipFile: zipWithPackages({ 'index.mjs': code }, packages) },
    Timeout: 20,
    ...more,
  });
  const { FunctionError, Payload } = await lambda.client.send(new InvokeCommand({ FunctionName: name }));
  assert.equal(FunctionError, undefined, Buffer.from(Payload!).toString());
  return eventually(async () => {
    const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}` }));
    const messages = events!.map(({ message }) => message!);
    if (!messages.some((message) => /^REPORT|"platform.report"/.test(message))) return undefined;
    return messages.filter((message) => !/^(INIT_START|START|END|REPORT|BRUME)|"platform\./.test(message));
  }, `the report of ${name}`);
}

test('aws-embedded-metrics inside a function', async () => {
  const code = `
    import embedded from 'aws-embedded-metrics';
    const { metricScope, Unit, StorageResolution } = embedded;
    export const handler = metricScope((metrics) => async () => {
      metrics.setNamespace('Embedded');
      metrics.setDimensions({ Service: 'Aggregator' });
      for (const ms of [100, 200, 300]) metrics.putMetric('ProcessingLatency', ms, Unit.Milliseconds, StorageResolution.High);
      metrics.setProperty('RequestId', '422b1569-16f6-4a03-b8f0-fe3fd9b100f8');
    });`;
  await run('embedded', code, ['aws-embedded-metrics']);
  const [point] = await eventually(async () => {
    const { Datapoints } = await metrics.send(
      new GetMetricStatisticsCommand({
        Namespace: 'Embedded',
        MetricName: 'ProcessingLatency',
        Dimensions: [{ Name: 'Service', Value: 'Aggregator' }],
        StartTime: new Date(Date.now() - 3_600_000),
        EndTime: new Date(Date.now() + 3_600_000),
        Period: 86_400,
        Statistics: ['SampleCount', 'Sum', 'Minimum', 'Maximum'],
      }),
    );
    return Datapoints!.length > 0 ? Datapoints! : undefined;
  }, 'the metric');
  const { SampleCount, Sum, Minimum, Maximum, Unit } = point!;
  assert.deepEqual([SampleCount, Sum, Minimum, Maximum, Unit], [3, 600, 100, 300, 'Milliseconds']);
});

const LOGGERS = `
  import pino from 'pino';
  import winston from 'winston';
  const fast = pino({ formatters: { level: (level) => ({ level }) } });
  const logger = winston.createLogger({ level: 'debug', format: winston.format.json(), transports: [new winston.transports.Console()] });
  export const handler = async () => {
    fast.info({ by: 'pino' }, 'two\\nlines');
    fast.error({ by: 'pino', err: new RangeError('r') });
    logger.debug('of winston', { by: 'winston' });
    logger.warn('of winston', { by: 'winston', text: 'x'.repeat(100_000) });
    fast.info({ by: 'pino', text: 'ü'.repeat(60_000) });
  };`;

test('pino and winston inside a function: each record is one event, and none stays behind', async () => {
  const packages = ['pino', 'winston'];
  // pino writes while the function goes on.
  const fields = (messages: string[]) =>
    messages
      .map((message) => JSON.parse(message))
      .map(({ by, level }) => `${by} ${level}`)
      .toSorted();
  const all = ['pino error', 'pino info', 'pino info', 'winston debug', 'winston warn'];
  assert.deepEqual(fields(await run('loggers', LOGGERS, packages)), all);
  const json = { LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'WARN' } };
  assert.deepEqual(fields(await run('loggers-json', LOGGERS, packages, json)), ['pino error', 'winston warn']);
});
