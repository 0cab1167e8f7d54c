// Event notifications: to queues, topics and functions, through a whole server; and the storage metrics, on a virtual
// clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketNotificationConfigurationCommand,
  type NotificationConfiguration,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, advance, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { zipOf } from './lambda-zip.ts';

const brume = await startBrume();
const config = clientConfig(brume);
const [s3, sqs, sns, lambda, logs] = [
  new S3Client(config),
  new SQSClient(config),
  new SNSClient(config),
  new LambdaClient(config),
  new CloudWatchLogsClient(config),
];
let made = 0;

async function newBucket(): Promise<string> {
  const Bucket = `bucket-${++made}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

async function newQueue(): Promise<{ url: string; arn: string }> {
  const QueueName = `queue-${++made}`;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
  return { url: QueueUrl!, arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}` };
}

const configure = (Bucket: string, NotificationConfiguration: NotificationConfiguration, more = {}) =>
  s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration, ...more }));

/** Bodies of the messages in a queue, waiting until there are `count`. */
async function drain(QueueUrl: string, count: number): Promise<any[]> {
  const bodies: any[] = [];
  while (bodies.length < count) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 }),
    );
    if (Messages.length === 0) break;
    for (const { Body, ReceiptHandle } of Messages) {
      bodies.push(JSON.parse(Body!));
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
  return bodies;
}

test('a queue gets the test event, then what its rules ask for', async () => {
  const [Bucket, queue] = [await newBucket(), await newQueue()];
  const wanted: NotificationConfiguration = {
    QueueConfigurations: [
      {
        Id: 'csv',
        QueueArn: queue.arn,
        Events: ['s3:ObjectCreated:*'],
        Filter: {
          Key: {
            FilterRules: [
              { Name: 'prefix', Value: 'in/' },
              { Name: 'suffix', Value: '.csv' },
            ],
          },
        },
      },
      { Id: 'rest', QueueArn: queue.arn, Events: ['s3:ObjectRemoved:*', 's3:ObjectTagging:*'] },
    ],
  };
  await configure(Bucket, wanted);
  const { $metadata, ...kept } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
  assert.deepEqual(kept, wanted);
  const [testEvent] = await drain(queue.url, 1);
  assert.deepEqual([testEvent.Service, testEvent.Event, testEvent.Bucket], ['Amazon S3', 's3:TestEvent', Bucket]);

  const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'in/a b.csv', Body: 'x,y' }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'in/a.txt', Body: 'no' }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'out/a.csv', Body: 'no' }));
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'in/copy.csv', CopySource: `${Bucket}/out/a.csv` }));
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'in/parts.csv' }));
  const part = { Bucket, Key: 'in/parts.csv', UploadId };
  const { ETag } = await s3.send(new UploadPartCommand({ ...part, PartNumber: 1, Body: 'z' }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  await s3.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload }));
  const Tagging = { TagSet: [{ Key: 'k', Value: 'v' }] };
  await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'in/a.txt', Tagging }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'in/a.txt' }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'in/a.txt' }));
  const Objects = [{ Key: 'in/copy.csv' }, { Key: 'never/there' }];
  await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));

  const records = (await drain(queue.url, 6)).flatMap(({ Records }) => Records);
  const told = records.map((record) => [record.eventName, record.s3.object.key, record.s3.configurationId]);
  assert.deepEqual(told.sort(), [
    ['ObjectCreated:CompleteMultipartUpload', 'in/parts.csv', 'csv'],
    ['ObjectCreated:Copy', 'in/copy.csv', 'csv'],
    ['ObjectCreated:Put', 'in/a+b.csv', 'csv'],
    ['ObjectRemoved:Delete', 'in/a.txt', 'rest'],
    ['ObjectRemoved:Delete', 'in/copy.csv', 'rest'],
    ['ObjectTagging:Put', 'in/a.txt', 'rest'],
  ]);
  const created = records.find(({ eventName }) => eventName === 'ObjectCreated:Put');
  assert.match(created.eventTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(created.s3.object, {
    key: 'in/a+b.csv',
    size: 3,
    eTag: put.ETag!.replaceAll('"', ''),
    sequencer: created.s3.object.sequencer,
  });
  assert.deepEqual(created.responseElements, {
    'x-amz-request-id': put.$metadata.requestId,
    'x-amz-id-2': put.$metadata.extendedRequestId,
  });
  assert.equal(created.requestParameters.sourceIPAddress, '127.0.0.1');
  const removed = records.find(({ s3 }) => s3.object.key === 'in/copy.csv' && !s3.object.eTag);
  const copied = records.find(({ s3 }) => s3.object.key === 'in/copy.csv' && s3.object.eTag);
  assert.ok(copied.s3.object.sequencer < removed.s3.object.sequencer, 'sequencers tell the order');

  await configure(Bucket, {});
  await s3.send(new PutObjectCommand({ Bucket, Key: 'in/after.csv', Body: 'x' }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.url, WaitTimeSeconds: 1 }));
  assert.equal(Messages, undefined, 'an empty configuration turns notifications off');
});

test('a topic passes the event on', async () => {
  const [Bucket, queue] = [await newBucket(), await newQueue()];
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'uploads' }));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: queue.arn }));
  await configure(Bucket, { TopicConfigurations: [{ TopicArn, Events: ['s3:ObjectCreated:Put'] }] });
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
  const envelopes = await drain(queue.url, 2);
  assert.deepEqual(
    envelopes.map(({ Subject }) => Subject),
    ['Amazon S3 Notification', 'Amazon S3 Notification'],
  );
  const messages = envelopes.map(({ Message }) => JSON.parse(Message));
  assert.ok(messages.some(({ Event }) => Event === 's3:TestEvent'));
  assert.ok(messages.some(({ Records }) => Records?.[0].s3.object.key === 'k'));
});

test('a function runs, once S3 may invoke it', { timeout: 60_000 }, async () => {
  const Bucket = await newBucket();
  const FunctionName = 'on-upload';
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  const { Role } = await new IAMClient(config).send(
    new CreateRoleCommand({ RoleName: FunctionName, AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  const code = 'exports.handler = async (event) => console.log(JSON.stringify(event));';
  const { FunctionArn } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role: Role!.Arn!,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: zipOf({ 'index.js': code }) },
    }),
  );
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 20 }, { FunctionName });
  const wanted: NotificationConfiguration = {
    LambdaFunctionConfigurations: [{ Id: 'f', LambdaFunctionArn: FunctionArn, Events: ['s3:ObjectCreated:*'] }],
  };
  await assert.rejects(configure(Bucket, wanted), {
    name: 'InvalidArgument',
    message: 'Unable to validate the following destination configurations',
  });
  await lambda.send(
    new AddPermissionCommand({
      FunctionName,
      StatementId: 's3',
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      SourceArn: `arn:aws:s3:::${Bucket}`,
      SourceAccount: ACCOUNT,
    }),
  );
  await configure(Bucket, wanted);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'data.csv', Body: 'x' }));
  let line: string | undefined;
  for (const until = Date.now() + 30_000; !line && Date.now() < until; ) {
    const found = await logs
      .send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${FunctionName}`, filterPattern: '"aws:s3"' }))
      .catch(() => undefined);
    line = found?.events?.[0]?.message;
    if (!line) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const [record] = JSON.parse(line!.slice(line!.indexOf('{'))).Records;
  assert.deepEqual([record.eventSource, record.s3.bucket.name, record.s3.object.key], ['aws:s3', Bucket, 'data.csv']);
});

test('destinations are tried before a configuration is taken', async () => {
  const [Bucket, queue] = [await newBucket(), await newQueue()];
  const events = { Events: ['s3:ObjectCreated:*' as const] };
  const missingQueue = { QueueArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:missing`, ...events };
  const missingFunction = {
    LambdaFunctionArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:missing`,
    Events: ['s3:ObjectRemoved:*' as const],
  };
  const missingTopic = { TopicArn: `arn:aws:sns:${REGION}:${ACCOUNT}:missing`, ...events };
  for (const configuration of [
    { QueueConfigurations: [missingQueue] },
    { LambdaFunctionConfigurations: [missingFunction] },
    { TopicConfigurations: [missingTopic] },
    // A good queue beside a bad function gets no test event.
    { QueueConfigurations: [{ QueueArn: queue.arn, ...events }], LambdaFunctionConfigurations: [missingFunction] },
  ]) {
    await assert.rejects(
      configure(Bucket, configuration),
      { name: 'InvalidArgument', message: 'Unable to validate the following destination configurations' },
      JSON.stringify(configuration),
    );
  }
  const raw = await fetch(`${brume.endpoint}/${Bucket}?notification`, {
    method: 'PUT',
    body: `<NotificationConfiguration><QueueConfiguration><Queue>${missingQueue.QueueArn}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>`,
  });
  assert.match(
    await raw.text(),
    /<ArgumentName1>arn:aws:sqs:us-east-1:000000000000:missing, null<\/ArgumentName1><ArgumentValue1>The destination queue does not exist<\/ArgumentValue1>/,
  );
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.url }));
  assert.equal(Messages, undefined);
  const { $metadata, ...kept } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
  assert.deepEqual(kept, {});
  await configure(Bucket, { QueueConfigurations: [missingQueue] }, { SkipDestinationValidation: true });
});

test('the size of a bucket and the number of its objects', { timeout: 60_000 }, async () => {
  const dated = await startBrume({ clock: 'virtual' });
  const client = new S3Client(clientConfig(dated));
  const cloudwatch = new CloudWatchClient(clientConfig(dated));
  const Bucket = 'measured';
  await client.send(new CreateBucketCommand({ Bucket }));
  const put = (Key: string, size: number, more = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body: 'x'.repeat(size), ...more }));
  await put('a', 100);
  await put('b', 50);
  await put('b', 20);
  await put('cold', 7, { StorageClass: 'STANDARD_IA' });
  await put('gone', 1_000);
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
  const latest = async (MetricName: string, StorageType: string) => {
    const health = await fetch(`${dated.endpoint}/_brume/health`);
    const { clock } = (await health.json()) as { clock: { now: string } };
    const now = Date.parse(clock.now);
    const { Datapoints } = await cloudwatch.send(
      new GetMetricStatisticsCommand({
        Namespace: 'AWS/S3',
        MetricName,
        Dimensions: [
          { Name: 'BucketName', Value: Bucket },
          { Name: 'StorageType', Value: StorageType },
        ],
        StartTime: new Date(now - 3_600_000),
        EndTime: new Date(now + 60_000),
        Period: 60,
        Statistics: ['Average'],
      }),
    );
    return Datapoints!.sort((a, b) => Number(a.Timestamp) - Number(b.Timestamp)).at(-1)?.Average;
  };
  await advance(dated, 15_000);
  assert.equal(await latest('BucketSizeBytes', 'StandardStorage'), 120);
  assert.equal(await latest('BucketSizeBytes', 'StandardIAStorage'), 7);
  assert.equal(await latest('NumberOfObjects', 'AllStorageTypes'), 3);
  await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a' }, { Key: 'cold' }] } }));
  await advance(dated, 300_000);
  assert.equal(await latest('BucketSizeBytes', 'StandardStorage'), 20);
  assert.equal(await latest('BucketSizeBytes', 'StandardIAStorage'), 0);
  assert.equal(await latest('NumberOfObjects', 'AllStorageTypes'), 1);
});
