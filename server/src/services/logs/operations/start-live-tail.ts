// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html

import type {
  StartLiveTailRequest,
  StartLiveTailResponse,
  StartLiveTailResponseStream,
} from '@aws-sdk/client-cloudwatch-logs';
import { uuid } from '#core/ids.ts';
import { compileMatcher } from '#engines/filter-pattern/filter-pattern.ts';
import type { LiveTail, LiveTailUpdate } from '#engines/logs/live-tail.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import {
  Constraints,
  FILTER_PATTERN,
  invalidParameter,
  LOG_GROUP_IDENTIFIER,
  LOG_STREAM_NAME,
} from '../constraints.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { parsePattern } from '../pattern.ts';

export function startLiveTail(logs: Logs): Handler<StartLiveTailRequest, StartLiveTailResponse> {
  return async (input, context) => {
    const identifiers = input.logGroupIdentifiers!;
    const { logStreamNames, logStreamNamePrefixes, logEventFilterPattern } = input;
    new Constraints()
      .list(
        'logGroupIdentifiers',
        identifiers,
        { min: 1, max: 10 },
        { ...LOG_GROUP_IDENTIFIER, pattern: '[\\w#+=/:,.@\\-*]*' },
      )
      .list('logStreamNames', logStreamNames, { min: 1, max: 100 }, LOG_STREAM_NAME)
      .list('logStreamNamePrefixes', logStreamNamePrefixes, { min: 1, max: 100 }, LOG_STREAM_NAME)
      .text('logEventFilterPattern', logEventFilterPattern, FILTER_PATTERN)
      .check();
    const starred = identifiers.find((identifier) => identifier.endsWith('*'));
    if (starred !== undefined) throw invalidParameter(`The log group ARN must not end with an asterisk: ${starred}`);
    if (logStreamNames && logStreamNamePrefixes) {
      throw invalidParameter('logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.');
    }
    if ((logStreamNames ?? logStreamNamePrefixes) && identifiers.length > 1) {
      throw invalidParameter('Log streams can be specified only together with a single log group.');
    }
    const pattern = parsePattern(logEventFilterPattern, 'Invalid filter pattern', true);
    const groups = [];
    for (const identifier of new Set(identifiers)) {
      const group = await requireIdentifiedGroup(logs, context, identifier);
      refuseInfrequentAccess(group, 'StartLiveTail', 'InvalidOperationException');
      groups.push(group);
    }
    const tail = logs.store.openTail({
      groups,
      matches: compileMatcher(pattern),
      acceptsStream: streamFilter(logStreamNames, logStreamNamePrefixes),
    });
    return { responseStream: session(tail, input, context) };
  };
}

function streamFilter(names: string[] | undefined, prefixes: string[] | undefined): (stream: string) => boolean {
  if (names) return (stream) => names.includes(stream);
  if (prefixes) return (stream) => prefixes.some((prefix) => stream.startsWith(prefix));
  return () => true;
}

async function* session(
  tail: LiveTail,
  input: StartLiveTailRequest,
  context: RequestContext,
): AsyncGenerator<StartLiveTailResponseStream> {
  const { logGroupIdentifiers, logStreamNames, logStreamNamePrefixes, logEventFilterPattern = '' } = input;
  try {
    yield {
      sessionStart: {
        requestId: context.requestId,
        sessionId: uuid(),
        logGroupIdentifiers,
        logStreamNames: logStreamNames ?? [],
        logStreamNamePrefixes: logStreamNamePrefixes ?? [],
        logEventFilterPattern,
      },
    };
    for await (const update of tail.updates(context.signal)) yield { sessionUpdate: describe(update, context.account) };
    if (tail.timedOut) {
      const message = 'The Live Tail session has timed out: sessions last up to three hours.';
      yield { SessionTimeoutException: { message } as never };
    }
  } finally {
    tail.close();
  }
}

function describe({ events, sampled }: LiveTailUpdate, account: string) {
  return {
    sessionMetadata: { sampled },
    sessionResults: events.map(({ group, stream, message, timestamp, ingestionTimeMs }) => ({
      logStreamName: stream,
      logGroupIdentifier: `${account}:${group.name}`,
      message,
      timestamp,
      ingestionTime: ingestionTimeMs,
    })),
  };
}
