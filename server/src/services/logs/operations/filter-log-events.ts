// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html

import type { FilterLogEventsRequest, FilterLogEventsResponse } from '@aws-sdk/client-cloudwatch-logs';
import { eventId, FIRST_POSITION, parseEventId } from '#engines/logs/event-position.ts';
import { maskedMessage } from '#engines/logs/protected-events.ts';
import type { Handler } from '#wire/service.ts';
import {
  Constraints,
  EVENTS_LIMIT,
  FILTER_PATTERN,
  invalidParameter,
  LOG_STREAM_NAME,
  TIMESTAMP,
} from '../constraints.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { checkReference, requireReferredGroup, requireStream } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { invalidToken, openPageToken, pageToken } from '../page-token.ts';
import { parsePattern } from '../pattern.ts';

const DEFAULT_LIMIT = 10_000;

/** Always interleaved, as on AWS since 2019. A token is the position of the last event that was looked at. */
export function filterLogEvents(logs: Logs): Handler<FilterLogEventsRequest, FilterLogEventsResponse> {
  return async (input, context) => {
    const { logStreamNames, logStreamNamePrefix, startTime, endTime, filterPattern, limit = DEFAULT_LIMIT } = input;
    checkReference(new Constraints(), input)
      .list('logStreamNames', logStreamNames, { min: 1, max: 100 }, LOG_STREAM_NAME)
      .text('logStreamNamePrefix', logStreamNamePrefix, LOG_STREAM_NAME)
      .number('startTime', startTime, TIMESTAMP)
      .number('endTime', endTime, TIMESTAMP)
      .text('filterPattern', filterPattern, FILTER_PATTERN)
      .number('limit', limit, EVENTS_LIMIT)
      .check();
    if (logStreamNames && logStreamNamePrefix !== undefined) {
      throw invalidParameter('logStreamNames and logStreamNamePrefix are mutually exclusive parameters.');
    }
    const pattern = parsePattern(filterPattern, 'Invalid filter pattern');
    const after = input.nextToken === undefined ? FIRST_POSITION : openToken(input.nextToken);
    const group = await requireReferredGroup(logs, context, input);
    refuseInfrequentAccess(group, 'FilterLogEvents');
    for (const name of logStreamNames ?? []) await requireStream(logs, group, name);
    const { events, next } = await logs.store.events.filter(
      {
        group,
        ...(logStreamNames && { streams: logStreamNames }),
        ...(logStreamNamePrefix !== undefined && { streamPrefix: logStreamNamePrefix }),
        ...(startTime !== undefined && { fromMs: startTime }),
        // Unlike in GetLogEvents the end is included.
        ...(endTime !== undefined && { toMs: endTime + 1 }),
      },
      pattern,
      after,
      limit,
      context.signal,
    );
    return {
      events: events.map((event) => ({
        logStreamName: event.stream,
        timestamp: event.timestamp,
        message: input.unmask ? event.message : maskedMessage(group, event.message, event.ingestion_time),
        ingestionTime: event.ingestion_time,
        eventId: eventId(event),
      })),
      searchedLogStreams: [],
      ...(next && { nextToken: pageToken([eventId(next)]) }),
    };
  };
}

function openToken(token: string) {
  const position = parseEventId(openPageToken(token, ['string'])[0] as string);
  if (!position) throw invalidToken();
  return position;
}
