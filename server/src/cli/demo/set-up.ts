// The demo's pipeline up to the moment a file may arrive: each step is one or two calls of the official clients.

import { readFile } from 'node:fs/promises';
import { PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { CreateLogGroupCommand, PutMetricFilterCommand } from '@aws-sdk/client-cloudwatch-logs';
import { AttachRolePolicyCommand, CreateRoleCommand } from '@aws-sdk/client-iam';
import { AddPermissionCommand, CreateFunctionCommand, GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { CreateTopicCommand, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, GetQueueAttributesCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Clients } from './clients.ts';
import { EXAMPLE } from './example.ts';
import type { FunctionLanguage } from './language.ts';
import { metricName, type PipelineNames } from './names.ts';
import type { Narrator } from './narrator.ts';
import { poll } from './poll.ts';
import { zip } from './zip.ts';

const NAMESPACE = 'Demo/Orders';
const FIVE_GB = 5 * 1024 ** 3;

/** Everything up to the moment a file may arrive. */
export async function setUp(
  clients: Clients,
  language: FunctionLanguage,
  narrator: Narrator,
  names: PipelineNames,
): Promise<void> {
  const { s3, lambda, logs, cloudwatch, sns, sqs, account, region } = clients;
  const functionArn = (name: string) => `arn:aws:lambda:${region}:${account}:function:${name}`;

  narrator.section('Set up');
  await narrator.step(`Buckets ${names.inputBucket} and ${names.outputBucket}`, async () => {
    const constraint =
      region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } };
    for (const Bucket of [names.inputBucket, names.outputBucket]) {
      await s3.send(new CreateBucketCommand({ Bucket, ...constraint }));
    }
  });
  const roleArn = await narrator.step(`Role ${names.role}`, () => createRole(clients, names.role));
  const [handler, retry] = await narrator.step(
    `Functions ${names.transform} and ${names.retry} (${language.runtime})`,
    async () => {
      const code = await zipSources(language);
      const common = {
        Runtime: language.runtime,
        Role: roleArn,
        Code: { ZipFile: code },
        Timeout: 60,
        MemorySize: 256,
      };
      const environment = { Environment: { Variables: { OUTPUT_BUCKET: names.outputBucket } } };
      for (const [FunctionName, file] of [
        [names.transform, 'handler'],
        [names.retry, 'retry'],
      ] as const) {
        const Handler = `${file}.${language.handlerName}`;
        await lambda.send(new CreateFunctionCommand({ FunctionName, Handler, ...common, ...environment }));
        await poll(`function ${FunctionName}`, async () => {
          const { State, StateReason } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
          if (State === 'Failed') throw new Error(`${FunctionName} failed to start: ${StateReason}`);
          return State === 'Active' ? State : undefined;
        });
      }
      return [functionArn(names.transform), functionArn(names.retry)] as const;
    },
  );
  await narrator.step(`Notification: s3:ObjectCreated of *.csv runs ${names.transform}`, async () => {
    await allow(clients, names.transform, 's3.amazonaws.com', `arn:aws:s3:::${names.inputBucket}`);
    const filter = { Key: { FilterRules: [{ Name: 'suffix' as const, Value: '.csv' }] } };
    const NotificationConfiguration = {
      LambdaFunctionConfigurations: [
        { LambdaFunctionArn: handler, Events: ['s3:ObjectCreated:*' as const], Filter: filter },
      ],
    };
    await s3.send(
      new PutBucketNotificationConfigurationCommand({ Bucket: names.inputBucket, NotificationConfiguration }),
    );
  });
  const topicArn = await narrator.step(
    `Topic ${names.topic} with two subscribers: queue ${names.queue}, function ${names.retry}`,
    async () => {
      const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: names.topic }));
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: names.queue }));
      const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
      const QueueArn = Attributes!.QueueArn!;
      const Policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'sns.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: QueueArn,
            Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
          },
        ],
      });
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
      await allow(clients, names.retry, 'sns.amazonaws.com', TopicArn!);
      await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: QueueArn }));
      await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'lambda', Endpoint: retry }));
      return TopicArn!;
    },
  );
  await narrator.step(`Metric filter: lines with ERROR count as ${NAMESPACE} ${metricName(names)}`, async () => {
    for (const name of [names.transform, names.retry]) {
      await logs.send(new CreateLogGroupCommand({ logGroupName: `/aws/lambda/${name}` }));
    }
    const metricTransformations = [
      { metricNamespace: NAMESPACE, metricName: metricName(names), metricValue: '1', defaultValue: 0 },
    ];
    const group = { logGroupName: `/aws/lambda/${names.transform}`, filterName: 'errors' };
    await logs.send(new PutMetricFilterCommand({ ...group, filterPattern: 'ERROR', metricTransformations }));
  });
  await narrator.step(
    `Alarm ${names.errorAlarm}: ERROR lines >= 1 within 60 s; alarm ${names.sizeAlarm}: bucket > 5 GB`,
    async () => {
      await cloudwatch.send(
        new PutMetricAlarmCommand({
          AlarmName: names.errorAlarm,
          AlarmDescription: 'Rows of an order file were rejected.',
          Namespace: NAMESPACE,
          MetricName: metricName(names),
          Statistic: 'Sum',
          Period: 60,
          EvaluationPeriods: 1,
          Threshold: 1,
          ComparisonOperator: 'GreaterThanOrEqualToThreshold',
          TreatMissingData: 'notBreaching',
          AlarmActions: [topicArn],
        }),
      );
      await cloudwatch.send(
        new PutMetricAlarmCommand({
          AlarmName: names.sizeAlarm,
          AlarmDescription: 'The bucket for incoming files holds more than 5 GB.',
          Namespace: 'AWS/S3',
          MetricName: 'BucketSizeBytes',
          Dimensions: [
            { Name: 'BucketName', Value: names.inputBucket },
            { Name: 'StorageType', Value: 'StandardStorage' },
          ],
          Statistic: 'Average',
          Period: 300,
          EvaluationPeriods: 1,
          Threshold: FIVE_GB,
          ComparisonOperator: 'GreaterThanThreshold',
          AlarmActions: [topicArn],
        }),
      );
    },
  );
}

async function createRole({ iam, account }: Clients, name: string): Promise<string> {
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  for (const policy of ['service-role/AWSLambdaBasicExecutionRole', 'AmazonS3FullAccess']) {
    await iam.send(new AttachRolePolicyCommand({ RoleName: name, PolicyArn: `arn:aws:iam::aws:policy/${policy}` }));
  }
  return `arn:aws:iam::${account}:role/${name}`;
}

async function allow({ lambda, account }: Clients, name: string, principal: string, sourceArn: string): Promise<void> {
  await lambda.send(
    new AddPermissionCommand({
      FunctionName: name,
      StatementId: 'caller',
      Action: 'lambda:InvokeFunction',
      Principal: principal,
      SourceArn: sourceArn,
      ...(principal === 's3.amazonaws.com' ? { SourceAccount: account } : {}),
    }),
  );
}

async function zipSources({ extension }: FunctionLanguage): Promise<Buffer> {
  const names = ['handler', 'retry', 'orders'].map((name) => `${name}.${extension}`);
  return zip(new Map(await Promise.all(names.map(async (name) => [name, await readFile(EXAMPLE + name)] as const))));
}
