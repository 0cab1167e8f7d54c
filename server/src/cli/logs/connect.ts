// The official client through which the `logs` commands speak to a running Brume (or to AWS).

import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';

/** With the credentials and region of the environment; on loopback any do, so without them `test`. */
export function connect(endpoint: string, environment: NodeJS.ProcessEnv): CloudWatchLogsClient {
  return new CloudWatchLogsClient({
    endpoint,
    region: environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-1',
    disableHostPrefix: true,
    ...(environment.AWS_ACCESS_KEY_ID || environment.AWS_PROFILE
      ? {}
      : { credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }),
  });
}
