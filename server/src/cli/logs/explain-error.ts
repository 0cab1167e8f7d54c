// What went wrong in a `logs` command, in words that say what to do.

import { type CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { type CommandError, explainUse } from '../explain-error.ts';

const MOST_SUGGESTIONS = 5;

/** Runs a command; its errors become one line on stderr and exit code 1. */
export async function explained(
  endpoint: string,
  client: CloudWatchLogsClient,
  groups: readonly string[],
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    process.stderr.write(`${await explain(error as Error, endpoint, client, groups)}\n`);
    return 1;
  } finally {
    client.destroy();
    // The process is about to be ended, and a pipe takes its time.
    await new Promise((resolve) => process.stdout.write('', resolve));
  }
}

async function explain(
  error: CommandError,
  endpoint: string,
  client: CloudWatchLogsClient,
  groups: readonly string[],
): Promise<string> {
  const explained = explainUse(error, endpoint);
  if (explained !== undefined) return explained;
  if (error.name === 'ResourceNotFoundException') {
    const missing = await firstMissing(client, groups);
    if (missing !== undefined) return missing;
  }
  if (error.$metadata?.httpStatusCode === undefined)
    return `No answer from ${endpoint}: ${error.message || error.name}`;
  return `${error.name}: ${error.message}`;
}

/** Says which of the groups is not there, and which names come near. */
async function firstMissing(client: CloudWatchLogsClient, groups: readonly string[]): Promise<string | undefined> {
  for (const group of groups) {
    if (group.startsWith('arn:')) continue;
    const { logGroups: same = [] } = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: group }));
    if (same.some(({ logGroupName }) => logGroupName === group)) continue;
    const word = /[A-Za-z0-9]+(?=[^A-Za-z0-9]*$)/.exec(group)?.[0] ?? group;
    const { logGroups = [] } = await client.send(
      new DescribeLogGroupsCommand({ logGroupNamePattern: word, limit: MOST_SUGGESTIONS }),
    );
    const names = logGroups.map(({ logGroupName }) => logGroupName);
    return `There is no log group ${group}.${names.length > 0 ? ` Did you mean ${names.join(' or ')}?` : ''}`;
  }
  return undefined;
}
