// Recursive loops through other services: a function that feeds itself by a queue, a topic, a bucket or its destinations is stopped
// after sixteen rounds. The functions send their trace header along, as the SDKs in them do.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  AddPermissionCommand,
  CreateEventSourceMappingCommand,
  InvokeCommand,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { arnOf, codeOf, testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, create } = testLambda(brume);
const sqs = new SQSClient(clientConfig(brume));
const sns = new SNSClient(clientConfig(brume));
const s3 = new S3Client(clientConfig(brume));
const cloudwatch = new CloudWatchClient(clientConfig(brume));
/** So often a loop may turn. */
const ROUNDS = 16;

async function newQueue(QueueName: string, Attributes: Record<string, string> = {}) {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  return { QueueUrl: QueueUrl!, arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}` };
}

/** What a function does: counts itself in `rounds`, then `sends` with the trace header that it got. */
const handler = (sends: string) => `async (event) => {
  const headers = {
    authorization: 'AWS4-HMAC-SHA256 Credential=${ACCOUNT}/20261123/${REGION}/SERVICE/aws4_request, SignedHeaders=host, Signature=0',
    'x-amzn-trace-id': process.env._X_AMZN_TRACE_ID,
  };
  const as = (service) => ({ ...headers, authorization: headers.authorization.replace('SERVICE', service) });
  const query = (service, form) =>
    fetch(process.env.AWS_ENDPOINT_URL, {
      method: 'POST',
      headers: { ...as(service), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form),
    });
  const check = async (response) => {
    if (!response.ok) throw new Error(await response.text());
  };
  await check(await query('sqs', {
    Action: 'SendMessage', Version: '2012-11-05', QueueUrl: process.env.ROUNDS, MessageBody: process.env._X_AMZN_TRACE_ID,
  }));
  ${sends}
}`;

async function stopped(name: string): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (performance.now() < deadlineMs) {
    const { MetricDataResults } = await cloudwatch.send(
      new GetMetricDataCommand({
        StartTime: new Date(Date.now() - 3_600_000),
        EndTime: new Date(Date.now() + 120_000),
        MetricDataQueries: [
          {
            Id: 'm',
            MetricStat: {
              Metric: {
                Namespace: 'AWS/Lambda',
                MetricName: 'RecursiveInvocationsDropped',
                Dimensions: [{ Name: 'FunctionName', Value: name }],
              },
              Period: 60,
              Stat: 'Sum',
            },
          },
        ],
      }),
    );
    if ((MetricDataResults![0]!.Values ?? []).length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${name} was not stopped`);
}

async function count(QueueUrl: string): Promise<number> {
  let all = 0;
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
    );
    if (Messages.length === 0) return all;
    all += Messages.length;
  }
}

describe('a loop is stopped', { timeout: 120_000 }, () => {
  const loop = (name: string, sends: string, start: (environment: Record<string, string>) => Promise<void>) =>
    test(`through ${name}`, async () => {
      const rounds = await newQueue(`rounds-${name}`);
      const Variables = { ROUNDS: rounds.QueueUrl };
      await create(name, undefined, {
        Timeout: 20,
        Environment: { Variables },
        Code: { ZipFile: codeOf(handler(sends)) },
      });
      await start(Variables);
      await stopped(name);
      assert.equal(await count(rounds.QueueUrl), ROUNDS);
    });

  loop(
    'a-queue',
    `await check(await query('sqs', {
      Action: 'SendMessage', Version: '2012-11-05', QueueUrl: process.env.ROUNDS.replace('rounds-a-queue', 'loop'), MessageBody: 'again',
    }));`,
    async () => {
      const dead = await newQueue('dead');
      const queue = await newQueue('loop', {
        VisibilityTimeout: '20',
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 }),
      });
      await client.send(new CreateEventSourceMappingCommand({ FunctionName: 'a-queue', EventSourceArn: queue.arn }));
      await sqs.send(new SendMessageCommand({ QueueUrl: queue.QueueUrl, MessageBody: 'first' }));
    },
  );

  loop(
    'a-topic',
    `await check(await query('sns', {
      Action: 'Publish', Version: '2010-03-31', TopicArn: 'arn:aws:sns:${REGION}:${ACCOUNT}:loop', Message: 'again',
    }));`,
    async () => {
      const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'loop' }));
      await allow('a-topic', 'sns.amazonaws.com');
      await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'lambda', Endpoint: arnOf('a-topic') }));
      await sns.send(new PublishCommand({ TopicArn, Message: 'first' }));
    },
  );

  loop(
    'a-bucket',
    `await check(await fetch(process.env.AWS_ENDPOINT_URL + '/loop/key', { method: 'PUT', headers: as('s3'), body: 'again' }));`,
    async () => {
      await s3.send(new CreateBucketCommand({ Bucket: 'loop' }));
      await allow('a-bucket', 's3.amazonaws.com');
      await s3.send(
        new PutBucketNotificationConfigurationCommand({
          Bucket: 'loop',
          NotificationConfiguration: {
            LambdaFunctionConfigurations: [{ LambdaFunctionArn: arnOf('a-bucket'), Events: ['s3:ObjectCreated:*'] }],
          },
        }),
      );
      await s3.send(new PutObjectCommand({ Bucket: 'loop', Key: 'key', Body: 'first' }));
    },
  );

  // Each record holds the one before it: an answer that did so too, or text in text, would soon be too large.
  loop('a-destination', '', async () => {
    await create('b-destination', 'async () => 1');
    for (const [FunctionName, other] of [
      ['a-destination', 'b-destination'],
      ['b-destination', 'a-destination'],
    ] as const) {
      const DestinationConfig = { OnSuccess: { Destination: arnOf(other) } };
      await client.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, DestinationConfig }));
    }
    await client.send(new InvokeCommand({ FunctionName: 'a-destination', InvocationType: 'Event' }));
  });
});

function allow(FunctionName: string, Principal: string) {
  return client.send(
    new AddPermissionCommand({ FunctionName, StatementId: 's', Action: 'lambda:InvokeFunction', Principal }),
  );
}
