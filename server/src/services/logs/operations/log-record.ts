// One event whole, and which fields the events of a group have.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogRecord.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogGroupFields.html

import type {
  GetLogGroupFieldsRequest,
  GetLogGroupFieldsResponse,
  GetLogRecordRequest,
  GetLogRecordResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import { eventId } from '#engines/logs/event-position.ts';
import { maskedMessage } from '#engines/logs/protected-events.ts';
import { discoverFields } from '#engines/logs/queries/discovered-fields.ts';
import { parseRecordPointer } from '#engines/logs/queries/record-pointer.ts';
import { isTransformed } from '#engines/logs/transformed-events.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, TIMESTAMP } from '../constraints.ts';
import { checkReference, requireReferredGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

const MINUTE_MS = 60_000;
/** Around the given time, and before now without one. */
const AROUND_MS = 8 * MINUTE_MS;
const LATELY_MS = 15 * MINUTE_MS;
/** Events looked at: the newest. */
const SAMPLE_EVENTS = 1_000;
/** A time in seconds beyond this would lie in the sixth millennium: it is one in milliseconds. */
const FEWEST_MILLISECONDS = 1e11;
const SYSTEM_FIELDS = ['@ingestionTime', '@log', '@logStream', '@message', '@timestamp'];

export function getLogRecord({ store }: Logs): Handler<GetLogRecordRequest, GetLogRecordResponse> {
  return async ({ logRecordPointer, unmask }, context) => {
    const pointer = parseRecordPointer(logRecordPointer!);
    if (!pointer) throw invalidParameter('The specified log record pointer is invalid.');
    await store.groups.load();
    const group = store.groups.findById(pointer.groupId);
    const isOwn = group?.scope.account === context.account && group.scope.region === context.region;
    const before = { ...pointer, streamHash: pointer.streamHash + 1 };
    const range = { fromMs: pointer.timestamp, toMs: pointer.timestamp + 1, withTransformed: true };
    const { events } = isOwn
      ? await store.events.backward({ group, ...range }, before, 1, context.signal)
      : { events: [] };
    const event = events[0];
    if (!group || !event || eventId(event) !== eventId(pointer)) {
      throw new AwsError('ResourceNotFoundException', 'The specified log record does not exist.');
    }
    const shown = (text: string) => (unmask ? text : maskedMessage(group, text, event.ingestion_time));
    const message = shown(event.message);
    const document = isTransformed(event.transformed) ? shown(event.transformed) : message;
    return {
      logRecord: {
        ...Object.fromEntries(discoverFields(document, group.name)),
        '@ingestionTime': String(event.ingestion_time),
        '@log': `${context.account}:${group.name}`,
        '@logStream': event.stream,
        '@message': message,
        '@timestamp': String(event.timestamp),
      },
    };
  };
}

export function getLogGroupFields(logs: Logs): Handler<GetLogGroupFieldsRequest, GetLogGroupFieldsResponse> {
  return async (input, context) => {
    checkReference(new Constraints(), input).number('time', input.time, TIMESTAMP).check();
    const group = await requireReferredGroup(logs, context, input);
    const { time } = input;
    const middleMs = time === undefined || time >= FEWEST_MILLISECONDS ? time : time * 1000;
    const nowMs = logs.clock.now();
    const range =
      middleMs === undefined
        ? { fromMs: nowMs - LATELY_MS }
        : { fromMs: Math.max(0, middleMs - AROUND_MS), toMs: middleMs + AROUND_MS };
    const sample = { group, ...range, withTransformed: true };
    const { events } = await logs.store.events.backward(sample, undefined, SAMPLE_EVENTS, context.signal);
    const counts = new Map<string, number>();
    for (const { message, transformed } of events) {
      const document = isTransformed(transformed) ? transformed : message;
      for (const name of [...SYSTEM_FIELDS, ...discoverFields(document, group.name).keys()]) {
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    const fields = [...counts].map(([name, count]) => ({ name, percent: Math.round((count / events.length) * 100) }));
    return {
      logGroupFields: fields.sort((a, b) => b.percent - a.percent || (a.name < b.name ? -1 : 1)),
    };
  };
}
