// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html

import type { GetLogEventsRequest, GetLogEventsResponse } from '@aws-sdk/client-cloudwatch-logs';
import { type EventPosition, eventId, FIRST_POSITION, parseEventId } from '#engines/logs/event-position.ts';
import type { EventPage, EventRange } from '#engines/logs/event-reader.ts';
import { maskedMessage } from '#engines/logs/protected-events.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, EVENTS_LIMIT, LOG_STREAM_NAME, TIMESTAMP } from '../constraints.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { checkReference, requireReferredGroup, requireStream } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { invalidToken } from '../page-token.ts';

const DEFAULT_LIMIT = 10_000;

/** A place between events: `f/` reads on after it, `b/` back before it. */
interface Place {
  direction: 'f' | 'b';
  position: EventPosition;
}

export function getLogEvents(logs: Logs): Handler<GetLogEventsRequest, GetLogEventsResponse> {
  return async (input, context) => {
    const { logStreamName, startTime, endTime, nextToken, limit = DEFAULT_LIMIT, startFromHead = false } = input;
    checkReference(new Constraints(), input)
      .text('logStreamName', logStreamName, LOG_STREAM_NAME)
      .number('startTime', startTime, TIMESTAMP)
      .number('endTime', endTime, TIMESTAMP)
      .number('limit', limit, EVENTS_LIMIT)
      .check();
    const place = nextToken === undefined ? undefined : parseToken(nextToken);
    const group = await requireReferredGroup(logs, context, input);
    refuseInfrequentAccess(group, 'GetLogEvents');
    const stream = await requireStream(logs, group, logStreamName!);
    await logs.store.statistics.ready();
    const { firstEventMs = 0, lastEventMs = -1 } = stream;
    const range: EventRange = {
      group,
      streams: [stream.name],
      fromMs: Math.max(firstEventMs, startTime ?? 0),
      toMs: Math.min(lastEventMs + 1, endTime ?? Number.MAX_SAFE_INTEGER),
    };
    const page = await read(logs, range, place, startFromHead, limit, context.signal);
    return {
      events: page.events.map(({ timestamp, message, ingestion_time }) => ({
        timestamp,
        message: input.unmask ? message : maskedMessage(group, message, ingestion_time),
        ingestionTime: ingestion_time,
      })),
      ...tokens(page, place, nextToken),
    };
  };
}

async function read(
  { store }: Logs,
  range: EventRange,
  place: Place | undefined,
  startFromHead: boolean,
  limit: number,
  signal: AbortSignal,
): Promise<EventPage> {
  if (range.fromMs! >= range.toMs!) return { events: [], more: false };
  if (place?.direction === 'f') return store.events.forward(range, place.position, limit, signal);
  if (place || !startFromHead) return store.events.backward(range, place?.position, limit, signal);
  return store.events.forward(range, FIRST_POSITION, limit, signal);
}

/** At an end of the stream the token that led there comes back as it was. */
function tokens({ events }: EventPage, place: Place | undefined, given: string | undefined) {
  if (events.length > 0) {
    return { nextForwardToken: formatToken('f', events.at(-1)!), nextBackwardToken: formatToken('b', events[0]!) };
  }
  const position = place?.position ?? FIRST_POSITION;
  if (place?.direction === 'f') {
    // Back from behind this position includes the event at it.
    const behind = { ...position, streamHash: position.streamHash + 1 };
    return { nextForwardToken: given, nextBackwardToken: formatToken('b', behind) };
  }
  if (place) {
    const inFront = { ...position, streamHash: Math.max(0, position.streamHash - 1) };
    return { nextForwardToken: formatToken('f', inFront), nextBackwardToken: given };
  }
  return { nextForwardToken: formatToken('f', position), nextBackwardToken: formatToken('b', position) };
}

function formatToken(direction: 'f' | 'b', position: EventPosition): string {
  return `${direction}/${eventId(position)}/s`;
}

function parseToken(token: string): Place {
  const parts = /^([fb])\/(\d{56})\/s$/.exec(token);
  const position = parts ? parseEventId(parts[2]!) : undefined;
  if (!position) throw invalidToken();
  return { direction: parts![1] as 'f' | 'b', position };
}
