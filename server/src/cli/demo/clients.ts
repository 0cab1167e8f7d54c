// The official clients that the demo speaks through, as any program of a user would.

import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

export interface Clients {
  account: string;
  region: string;
  s3: S3Client;
  iam: IAMClient;
  lambda: LambdaClient;
  logs: CloudWatchLogsClient;
  cloudwatch: CloudWatchClient;
  sns: SNSClient;
  sqs: SQSClient;
  destroy(): void;
}

/** With the credentials and region of the environment; on loopback any do, so without them `test`. */
export async function connect(endpoint: string, environment: NodeJS.ProcessEnv): Promise<Clients> {
  const region = environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1';
  const config = {
    endpoint,
    region,
    forcePathStyle: true,
    disableHostPrefix: true,
    ...(environment.AWS_ACCESS_KEY_ID || environment.AWS_PROFILE
      ? {}
      : { credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }),
  };
  const sts = new STSClient(config);
  const { Account: account } = await sts.send(new GetCallerIdentityCommand({}));
  sts.destroy();
  const clients = {
    s3: new S3Client(config),
    iam: new IAMClient(config),
    lambda: new LambdaClient(config),
    logs: new CloudWatchLogsClient(config),
    cloudwatch: new CloudWatchClient(config),
    sns: new SNSClient(config),
    sqs: new SQSClient(config),
  };
  const destroy = () => {
    for (const client of Object.values(clients)) client.destroy();
  };
  return { account: account!, region, ...clients, destroy };
}
