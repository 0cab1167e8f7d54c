// A function as subscriber: what its handler gets, and what becomes of a notification that it is not allowed to get.

import assert from 'node:assert/strict';
import test from 'node:test';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { zipOf } from './lambda-zip.ts';

const brume = await startBrume();
const config = clientConfig(brume);
const [sns, sqs, lambda, logs] = [
  new SNSClient(config),
  new SQSClient(config),
  new LambdaClient(config),
  new CloudWatchLogsClient(config),
];

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});

async function newFunction(FunctionName: string): Promise<string> {
  const { Role } = await new IAMClient(config).send(
    new CreateRoleCommand({
      RoleName: FunctionName,
      AssumeRolePolicyDocument: TRUST,
    }),
  );
  const { FunctionArn } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role: Role!.Arn!,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: {
        ZipFile: zipOf({ 'index.js': 'exports.handler = async (event) => console.log(JSON.stringify(event));' }),
      },
    }),
  );
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 20 }, { FunctionName });
  return FunctionArn!;
}

test('a function logs the notification, once SNS may invoke it', { timeout: 60_000 }, async () => {
  const functionArn = await newFunction('subscriber');
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'topic' }));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
  const { SubscriptionArn } = await sns.send(
    new SubscribeCommand({
      TopicArn,
      Protocol: 'lambda',
      Endpoint: functionArn,
      Attributes: {
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:dead` }),
      },
    }),
  );

  await sns.send(new PublishCommand({ TopicArn, Message: 'not allowed yet' }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  assert.equal(JSON.parse(Messages![0]!.Body!).Message, 'not allowed yet');

  await lambda.send(
    new AddPermissionCommand({
      FunctionName: 'subscriber',
      StatementId: 'sns',
      Action: 'lambda:InvokeFunction',
      Principal: 'sns.amazonaws.com',
      SourceArn: TopicArn,
    }),
  );
  const { MessageId } = await sns.send(new PublishCommand({ TopicArn, Subject: 'S', Message: 'hello' }));
  let line: string | undefined;
  for (const until = Date.now() + 30_000; !line && Date.now() < until; ) {
    const found = await logs
      .send(new FilterLogEventsCommand({ logGroupName: '/aws/lambda/subscriber', filterPattern: '"aws:sns"' }))
      .catch(() => undefined);
    line = found?.events?.[0]?.message;
    if (!line) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const [record] = JSON.parse(line!.slice(line!.indexOf('{'))).Records;
  assert.equal(record.EventSubscriptionArn, SubscriptionArn);
  assert.deepEqual([record.Sns.MessageId, record.Sns.Subject, record.Sns.Message], [MessageId, 'S', 'hello']);
});
