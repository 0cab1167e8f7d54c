// `brume lambda logs`: the log group of a function, found by the function's name.

import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { clientOptions } from '../client-options.ts';
import { type TailOptions, tail } from '../logs/tail.ts';
import { UsageError } from '../logs/usage-error.ts';

export async function functionLogs(
  endpoint: string,
  name: string,
  options: TailOptions,
  signal: AbortSignal,
): Promise<number> {
  const client = new CloudWatchLogsClient(clientOptions(endpoint, process.env));
  try {
    return await tail(client, await groupOf(endpoint, name), options, signal);
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    throw new UsageError(`${name} has logged nothing yet: it was not invoked.`);
  } finally {
    client.destroy();
  }
}

/** The group that its logging configuration names. A deleted function's logs stay under the default name. */
async function groupOf(endpoint: string, name: string): Promise<string> {
  const client = new LambdaClient(clientOptions(endpoint, process.env));
  const usual = `/aws/lambda/${name}`;
  try {
    const { LoggingConfig } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
    return LoggingConfig?.LogGroup ?? usual;
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    return usual;
  } finally {
    client.destroy();
  }
}
