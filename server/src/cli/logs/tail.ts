// `brume logs tail`: what a log group holds since a time, and with --follow what comes. It asks FilterLogEvents again
// and again, looking back a little, because events may arrive late and out of order.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CloudWatchLogsClient,
  type FilteredLogEvent,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { paint } from './paint.ts';

export interface TailOptions {
  sinceMs: number;
  filter?: string;
  /** Streams whose names begin so. */
  streamPrefix?: string;
  streamNames?: readonly string[];
  follow?: boolean;
  json?: boolean;
  /** Without the stream. */
  short?: boolean;
}

const POLL_MS = 1000;
/** How late an event may arrive and still be shown while following. */
const LATEST_ARRIVAL_MS = 60_000;
/** Event ids remembered, so that none is shown twice. */
const MOST_REMEMBERED = 200_000;

export async function tail(
  client: CloudWatchLogsClient,
  group: string,
  options: TailOptions,
  signal: AbortSignal,
): Promise<number> {
  const seen = new Set<string>();
  let fromMs = options.sinceMs;
  let newestMs = fromMs;
  for (;;) {
    for await (const event of eventsSince(client, group, fromMs, options, signal)) {
      if (seen.has(event.eventId!)) continue;
      seen.add(event.eventId!);
      newestMs = Math.max(newestMs, event.timestamp!);
      process.stdout.write(options.json ? `${JSON.stringify(event)}\n` : line(event, options));
    }
    if (!options.follow || signal.aborted) return 0;
    for (const id of seen) {
      if (seen.size <= MOST_REMEMBERED) break;
      seen.delete(id);
    }
    fromMs = Math.max(options.sinceMs, newestMs - LATEST_ARRIVAL_MS);
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return 0;
  }
}

async function* eventsSince(
  client: CloudWatchLogsClient,
  logGroupIdentifier: string,
  startTime: number,
  { filter, streamPrefix, streamNames }: TailOptions,
  signal: AbortSignal,
): AsyncGenerator<FilteredLogEvent> {
  let nextToken: string | undefined;
  do {
    const answer = await client
      .send(
        new FilterLogEventsCommand({
          logGroupIdentifier,
          startTime,
          ...(filter !== undefined && { filterPattern: filter }),
          ...(streamPrefix !== undefined && { logStreamNamePrefix: streamPrefix }),
          ...(streamNames !== undefined && { logStreamNames: [...streamNames] }),
          ...(nextToken !== undefined && { nextToken }),
        }),
        { abortSignal: signal },
      )
      .catch((error) => {
        if (signal.aborted) return { events: [], nextToken: undefined };
        throw error;
      });
    yield* answer.events ?? [];
    nextToken = answer.nextToken;
  } while (nextToken !== undefined && !signal.aborted);
}

function line({ timestamp, logStreamName, message }: FilteredLogEvent, { short }: TailOptions): string {
  const time = paint('green', new Date(timestamp!).toISOString());
  const stream = short ? '' : `${paint('cyan', logStreamName!)} `;
  return `${time} ${stream}${message!.trimEnd()}\n`;
}
