// kill -9 of a whole Brume at random moments under load, restart, compare with what was acknowledged: nothing lost, nothing
// doubled, in SQS messages, S3 objects, log events, metric data and documents.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, GetMetricStatisticsCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  GetLogEventsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { clientConfig, spawnBrume, temporaryDirectory } from './harness.ts';
import { seeded } from './seeded-random.ts';

const ROUNDS = 3;
const WRITERS = 3;

interface Ledger {
  /** Names that were sent, whether or not an answer came. */
  sent: Set<string>;
  acknowledged: Set<string>;
}

const newLedger = (): Ledger => ({ sent: new Set(), acknowledged: new Set() });

test('kill -9 under load loses and doubles nothing', { timeout: 180_000 }, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.log(`seed ${seed}`);
  const random = seeded(seed);
  const dataDir = temporaryDirectory();
  const ledgers = {
    messages: newLedger(),
    objects: newLedger(),
    events: newLedger(),
    data: newLedger(),
    queues: newLedger(),
  };
  const started = Date.now();
  const write = async (ledger: Ledger, name: string, send: () => Promise<unknown>) => {
    ledger.sent.add(name);
    await send();
    ledger.acknowledged.add(name);
  };

  for (let round = 0; round < ROUNDS; round++) {
    const brume = await spawnBrume(dataDir);
    const config = clientConfig(brume);
    const [sqs, s3, logs, cloudwatch] = [
      new SQSClient(config),
      new S3Client(config),
      new CloudWatchLogsClient(config),
      new CloudWatchClient(config),
    ];
    const { QueueUrl } = await sqs.send(
      new CreateQueueCommand({ QueueName: 'work', Attributes: { VisibilityTimeout: '0' } }),
    );
    if (round === 0) {
      await s3.send(new CreateBucketCommand({ Bucket: 'data' }));
      await logs.send(new CreateLogGroupCommand({ logGroupName: 'g' }));
      await logs.send(new CreateLogStreamCommand({ logGroupName: 'g', logStreamName: 's' }));
    }
    let alive = true;
    const loop = async (id: string, step: (name: string) => Promise<unknown>) => {
      for (let i = 0; alive; i++) await step(`${round}-${id}-${i}`).catch(() => {});
    };
    const load = Array.from({ length: WRITERS }, (_, w) => [
      loop(`m${w}`, (name) =>
        write(ledgers.messages, name, () => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: name }))),
      ),
      loop(`o${w}`, (name) =>
        write(ledgers.objects, name, () =>
          s3.send(new PutObjectCommand({ Bucket: 'data', Key: name, Body: name.repeat(500) })),
        ),
      ),
      loop(`e${w}`, async (name) => {
        const names = Array.from({ length: 20 }, (_, k) => `${name}-${k}`);
        for (const one of names) ledgers.events.sent.add(one);
        await logs.send(
          new PutLogEventsCommand({
            logGroupName: 'g',
            logStreamName: 's',
            logEvents: names.map((message) => ({ timestamp: Date.now(), message })),
          }),
        );
        for (const one of names) ledgers.events.acknowledged.add(one);
      }),
      loop(`d${w}`, (name) =>
        write(ledgers.data, name, () =>
          cloudwatch.send(
            new PutMetricDataCommand({
              Namespace: 'n',
              MetricData: [{ MetricName: 'm', Value: 1, Timestamp: new Date() }],
            }),
          ),
        ),
      ),
      loop(`q${w}`, (name) =>
        write(ledgers.queues, `q-${name}`, () => sqs.send(new CreateQueueCommand({ QueueName: `q-${name}` }))),
      ),
    ]).flat();
    await sleep(700 + random() * 1200);
    await brume.kill();
    alive = false;
    await Promise.all(load);
    for (const client of [sqs, s3, logs, cloudwatch]) client.destroy();
  }

  const brume = await spawnBrume(dataDir);
  const config = clientConfig(brume);
  const [sqs, s3, logs, cloudwatch] = [
    new SQSClient(config),
    new S3Client(config),
    new CloudWatchLogsClient(config),
    new CloudWatchClient(config),
  ];

  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({ QueueName: 'work', Attributes: { VisibilityTimeout: '0' } }),
  );
  const bodies: string[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
    );
    if (Messages.length === 0) break;
    for (const message of Messages) {
      bodies.push(message.Body!);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
    }
  }
  compare('messages', bodies, ledgers.messages);

  const keys: string[] = [];
  for (let token: string | undefined; ; ) {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: 'data', ...(token ? { ContinuationToken: token } : {}) }),
    );
    for (const { Key } of page.Contents ?? []) keys.push(Key!);
    token = page.NextContinuationToken;
    if (!token) break;
  }
  compare('objects', keys, ledgers.objects);
  for (const key of keys) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'data', Key: key }));
    assert.equal(await Body!.transformToString(), key.repeat(500));
  }

  const messages: string[] = [];
  for (let token: string | undefined; ; ) {
    const page = await logs.send(
      new GetLogEventsCommand({
        logGroupName: 'g',
        logStreamName: 's',
        startFromHead: true,
        ...(token ? { nextToken: token } : {}),
      }),
    );
    for (const event of page.events ?? []) messages.push(event.message!);
    if (page.nextForwardToken === token) break;
    token = page.nextForwardToken;
  }
  compare('log events', messages, ledgers.events);

  const { Datapoints = [] } = await cloudwatch.send(
    new GetMetricStatisticsCommand({
      Namespace: 'n',
      MetricName: 'm',
      Period: 60,
      Statistics: ['SampleCount'],
      StartTime: new Date(started - 120_000),
      EndTime: new Date(Date.now() + 120_000),
    }),
  );
  const samples = Datapoints.reduce((sum, { SampleCount }) => sum + SampleCount!, 0);
  console.log(
    `metric data: ${ledgers.data.acknowledged.size} acknowledged, ${samples} kept, ${ledgers.data.sent.size} sent`,
  );
  assert.ok(samples >= ledgers.data.acknowledged.size && samples <= ledgers.data.sent.size);

  const urls: string[] = [];
  for (let token: string | undefined; ; ) {
    const page = await sqs.send(
      new ListQueuesCommand({ QueueNamePrefix: 'q-', MaxResults: 1000, ...(token ? { NextToken: token } : {}) }),
    );
    for (const url of page.QueueUrls ?? []) urls.push(url.slice(url.lastIndexOf('/') + 1));
    token = page.NextToken;
    if (!token) break;
  }
  compare('queues', urls, ledgers.queues);
  for (const client of [sqs, s3, logs, cloudwatch]) client.destroy();
  await brume.stop();
});

function compare(what: string, found: string[], { sent, acknowledged }: Ledger): void {
  console.log(`${what}: ${acknowledged.size} acknowledged, ${found.length} kept, ${sent.size} sent`);
  assert.ok(acknowledged.size > 20, `${what}: the load was real`);
  const kept = new Set(found);
  assert.equal(kept.size, found.length, `${what}: nothing doubled`);
  for (const name of acknowledged) assert.ok(kept.has(name), `${what}: ${name} was acknowledged and is lost`);
  for (const name of kept) assert.ok(sent.has(name), `${what}: ${name} was never sent`);
}
