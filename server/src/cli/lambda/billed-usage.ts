// What the invocations of a function came to, as its REPORT lines say: AWS bills what they tell, initialization included.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CloudWatchLogsClient,
  GetQueryResultsCommand,
  type GetQueryResultsResponse,
  StartQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';

/** The invocations that ran with one memory size. */
export interface BilledUsage {
  memoryMb: number;
  requests: number;
  seconds: number;
}

const POLL_MS = 50;
/** Text lines and JSON records; a version may have had another memory size than the next. */
const QUERY = `fields coalesce(@billedDuration, record.metrics.billedDurationMs) as billedMs,
  coalesce(@memorySize / 1000000, record.metrics.memorySizeMB) as memoryMb
| filter ispresent(billedMs)
| stats count(*) as requests, sum(billedMs) as billed by memoryMb`;

/** Empty where the logs are gone. */
export async function billedUsage(
  logs: CloudWatchLogsClient,
  logGroupName: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<BilledUsage[]> {
  const query = new StartQueryCommand({
    logGroupName,
    queryString: QUERY,
    startTime: Math.floor(fromMs / 1_000),
    endTime: Math.ceil(toMs / 1_000),
  });
  const started = await logs.send(query).catch((error: Error) => {
    if (error.name !== 'ResourceNotFoundException') throw error;
    return undefined;
  });
  if (!started) return [];
  let answer: GetQueryResultsResponse;
  do {
    await sleep(POLL_MS);
    answer = await logs.send(new GetQueryResultsCommand({ queryId: started.queryId }));
  } while (answer.status === 'Running' || answer.status === 'Scheduled');
  if (answer.status !== 'Complete')
    throw new Error(`The query for REPORT lines in ${logGroupName} ended as ${answer.status}.`);
  return (answer.results ?? []).map((row) => {
    const value = (name: string) => Number(row.find(({ field }) => field === name)?.value);
    return { memoryMb: value('memoryMb'), requests: value('requests'), seconds: value('billed') / 1_000 };
  });
}
