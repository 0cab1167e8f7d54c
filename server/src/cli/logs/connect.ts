import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { clientOptions } from '../client-options.ts';

/** The official client through which the `logs` commands speak to a running Brume (or to AWS). */
export function connect(endpoint: string, environment: NodeJS.ProcessEnv): CloudWatchLogsClient {
  return new CloudWatchLogsClient(clientOptions(endpoint, environment));
}
