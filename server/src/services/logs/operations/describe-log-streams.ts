// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html

import type {
  DescribeLogStreamsRequest,
  DescribeLogStreamsResponse,
  LogStream as LogStreamOutput,
} from '@aws-sdk/client-cloudwatch-logs';
import { eventId } from '#engines/logs/event-position.ts';
import type { LogGroup, LogStream } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, DESCRIBE_LIMIT, invalidParameter, LOG_STREAM_NAME } from '../constraints.ts';
import { checkReference, requireReferredGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { openPageToken, pageToken, type SortKey } from '../page-token.ts';

const DEFAULT_LIMIT = 50;

export function describeLogStreams(logs: Logs): Handler<DescribeLogStreamsRequest, DescribeLogStreamsResponse> {
  return async (input, context) => {
    const { logStreamNamePrefix, orderBy = 'LogStreamName', descending = false, limit, nextToken } = input;
    checkReference(new Constraints(), input)
      .text('logStreamNamePrefix', logStreamNamePrefix, LOG_STREAM_NAME)
      .text('orderBy', orderBy, { values: ['LogStreamName', 'LastEventTime'] })
      .number('limit', limit, DESCRIBE_LIMIT)
      .check();
    const byTime = orderBy === 'LastEventTime';
    if (byTime && logStreamNamePrefix !== undefined) {
      throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.');
    }
    const group = await requireReferredGroup(logs, context, input);
    await logs.store.statistics.ready();
    const keyOf = byTime ? (stream: LogStream): SortKey => [stream.lastEventMs ?? 0, stream.name] : nameKey;
    const sign = descending ? -1 : 1;
    const after =
      nextToken === undefined ? undefined : openPageToken(nextToken, byTime ? ['number', 'string'] : ['string']);
    const streams = [...(await logs.store.groups.streams(group)).values()]
      .filter(({ name }) => logStreamNamePrefix === undefined || name.startsWith(logStreamNamePrefix))
      .filter((stream) => after === undefined || sign * compare(keyOf(stream), after) > 0)
      .sort((a, b) => sign * compare(keyOf(a), keyOf(b)));
    const page = streams.slice(0, limit ?? DEFAULT_LIMIT);
    return {
      logStreams: page.map((stream) => describe(group, stream)),
      ...(streams.length > page.length && { nextToken: pageToken(keyOf(page.at(-1)!)) }),
    };
  };
}

function nameKey({ name }: LogStream): SortKey {
  return [name];
}

function compare(a: SortKey, b: SortKey): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return 0;
}

function describe(group: LogGroup, stream: LogStream): LogStreamOutput {
  const { name, createdAtMs, firstEventMs, lastEventMs, lastIngestionMs } = stream;
  return {
    logStreamName: name,
    creationTime: createdAtMs,
    ...(lastIngestionMs !== undefined && {
      firstEventTimestamp: firstEventMs,
      lastEventTimestamp: lastEventMs,
      lastIngestionTime: lastIngestionMs,
      // Nobody needs it any more, but old clients look for it.
      uploadSequenceToken: eventId({ timestamp: lastIngestionMs, segment: group.id, row: 0, streamHash: 0 }),
    }),
    arn: `${group.arn}:log-stream:${name}`,
    storedBytes: 0,
  };
}
