// The hottest path of all. A batch that nothing looks at goes from the bytes of the request to rows in one pass; else one pass
// over the events checks their order, their size and where the batch is cut.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html

import type { Entity, InputLogEvent, PutLogEventsRequest, PutLogEventsResponse } from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import { eventId } from '#engines/logs/event-position.ts';
import type { LogGroup } from '#engines/logs/log-group.ts';
import type { LogEventInput } from '#engines/logs/log-store.ts';
import type { Handler, RawHandler } from '#wire/service.ts';
import { type EntityFailure, entityFailure } from '../../entity.ts';
import { EVENT_OVERHEAD_BYTES, LARGEST_BATCH_BYTES, MOST_EVENTS } from '../batch-limits.ts';
import { Constraints, invalidParameter, LOG_GROUP_NAME, LOG_STREAM_NAME } from '../constraints.ts';
import { requireGroup, requireStream } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { PutLogEventsScanner } from '../put-log-events-scanner.ts';

const HOUR_MS = 3_600_000;
const LONGEST_SPAN_MS = 24 * HOUR_MS;
const OLDEST_AGE_MS = 14 * 24 * HOUR_MS;
const NEWEST_LEAD_MS = 2 * HOUR_MS;

const GROUP_NAME = /^[.\-_/#A-Za-z0-9]{1,512}$/;
const STREAM_NAME = /^[^:*]{1,512}$/;

export function putLogEvents(logs: Logs): Handler<PutLogEventsRequest, PutLogEventsResponse> {
  return async (input, context) => {
    const logGroupName = input.logGroupName!;
    const logStreamName = input.logStreamName!;
    const given = input.logEvents!;
    if (!GROUP_NAME.test(logGroupName) || !STREAM_NAME.test(logStreamName)) checkNames(logGroupName, logStreamName);
    if (input.entity) checkEntity(input.entity);
    const messageBytes = checkEvents(given);
    const group = await requireGroup(logs, context, logGroupName);
    const stream = await requireStream(logs, group, logStreamName);

    const nowMs = logs.clock.now();
    const oldestMs = nowMs - OLDEST_AGE_MS;
    const expiredMs = group.oldestKeptMs(nowMs);
    const accepted = acceptedRange(given, Math.max(oldestMs, expiredMs), nowMs + NEWEST_LEAD_MS);
    const rejected =
      accepted.count === given.length ? undefined : rejectedInfo(given, accepted.end, oldestMs, expiredMs);
    const refused = input.entity && rejectedEntityInfo(input.entity, group);
    if (accepted.count === 0) return { ...rejected, ...refused, nextSequenceToken: sequenceToken(nowMs, 0) };
    const events = (rejected ? given.slice(accepted.start, accepted.end) : given) as LogEventInput[];
    if (events.at(-1)!.timestamp - events[0]!.timestamp > LONGEST_SPAN_MS) {
      throw invalidParameter(
        'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
      );
    }
    const bytes = rejected ? bytesOf(events) : messageBytes;
    const entity = input.entity && !refused ? flattened(input.entity) : undefined;
    const rows = await logs.store.append(group, stream, events, bytes, entity);
    return { ...rejected, ...refused, nextSequenceToken: sequenceToken(nowMs, rows.segment) };
  };
}

/** Takes the batches of which all is well and that nothing looks at; the others, and every error, are for the handler. */
export function putRawLogEvents({ store, clock }: Logs): RawHandler {
  const scanner = new PutLogEventsScanner();
  return (body, context) => {
    const batch = scanner.scan(body);
    if (!batch) return undefined;
    const { logGroupName, logStreamName, count, messageBytes, firstMs, lastMs, rows } = batch;
    const group = store.groups.peek(context, logGroupName);
    const stream = group?.streams?.get(logStreamName);
    if (!group || !stream || stream.deleted || store.wantsLines(group, rows)) return undefined;
    const nowMs = clock.now();
    const isInTime =
      firstMs >= Math.max(nowMs - OLDEST_AGE_MS, group.oldestKeptMs(nowMs)) &&
      lastMs <= nowMs + NEWEST_LEAD_MS &&
      lastMs - firstMs <= LONGEST_SPAN_MS;
    const fits = count <= MOST_EVENTS && messageBytes + count * EVENT_OVERHEAD_BYTES <= LARGEST_BATCH_BYTES;
    if (!isInTime || !fits) return undefined;
    const encoded = { events: { length: count, rows, firstMs, lastMs }, messageBytes };
    return store
      .appendEncoded(group, stream, encoded)
      .then(({ segment }) => ({ nextSequenceToken: sequenceToken(nowMs, segment) }));
  };
}

/** The events are taken all the same. */
function rejectedEntityInfo({ keyAttributes: KeyAttributes, attributes: Attributes }: Entity, { document }: LogGroup) {
  const errorType: EntityFailure | 'UnsupportedLogGroupType' | undefined =
    document.logGroupClass === 'STANDARD' ? entityFailure({ KeyAttributes, Attributes }) : 'UnsupportedLogGroupType';
  return errorType && { rejectedEntityInfo: { errorType } };
}

/** As queries find it: `@entity.KeyAttributes.Type`. */
function flattened({ keyAttributes = {}, attributes = {} }: Entity): string {
  const under = (name: string, values: Record<string, string>) =>
    Object.entries(values).map(([key, value]) => [`${name}.${key}`, value]);
  return JSON.stringify(
    Object.fromEntries([...under('KeyAttributes', keyAttributes), ...under('Attributes', attributes)]),
  );
}

/** The message bytes of the batch. Throws for what makes AWS refuse it as a whole. */
function checkEvents(events: readonly InputLogEvent[]): number {
  const { length } = events;
  if (length === 0 || length > MOST_EVENTS) {
    // AWS would show all of them.
    const what =
      length === 0
        ? "Value '[]' at 'logEvents' failed to satisfy constraint: Member must have length greater than or equal to 1"
        : `Value at 'logEvents' failed to satisfy constraint: Member must have length less than or equal to ${MOST_EVENTS}`;
    throw invalidParameter(`1 validation error detected: ${what}`);
  }
  let previous = 0;
  let bytes = 0;
  let ordered = true;
  for (let i = 0; i < length; i++) {
    const { timestamp, message } = events[i] as LogEventInput;
    if (timestamp < previous) ordered = false;
    previous = timestamp;
    if (message === '' || timestamp < 0 || !Number.isSafeInteger(timestamp)) refuse(events);
    bytes += Buffer.byteLength(message);
  }
  const size = bytes + length * EVENT_OVERHEAD_BYTES;
  if (size > LARGEST_BATCH_BYTES) {
    throw invalidParameter(`Upload too large: ${size} bytes exceeds limit of ${LARGEST_BATCH_BYTES}`);
  }
  if (!ordered) {
    throw invalidParameter('Log events in a single PutLogEvents request must be in chronological order.');
  }
  return bytes;
}

function refuse(events: readonly InputLogEvent[]): never {
  const constraints = new Constraints();
  for (const [i, { timestamp, message }] of events.entries()) {
    const path = `logEvents.${i + 1}.member`;
    constraints.text(`${path}.message`, message, { min: 1 }).number(`${path}.timestamp`, timestamp, { min: 0 });
  }
  constraints.check();
  throw new AwsError('SerializationException', `NUMBER_VALUE can not be converted to a Long`, { status: 400 });
}

function checkNames(logGroupName: string, logStreamName: string): void {
  new Constraints()
    .text('logGroupName', logGroupName, LOG_GROUP_NAME)
    .text('logStreamName', logStreamName, LOG_STREAM_NAME)
    .check();
}

function checkEntity({ keyAttributes, attributes }: Entity): void {
  new Constraints()
    .map('entity.keyAttributes', keyAttributes, { min: 2, max: 4 }, { min: 1, max: 32 }, { min: 1, max: 512 })
    .map('entity.attributes', attributes, { max: 10 }, { min: 1, max: 256 }, { min: 1, max: 512 })
    .check();
}

/** The events are in order, so what is too old stands in front and what is too new at the end. */
function acceptedRange(events: readonly InputLogEvent[], oldestMs: number, newestMs: number) {
  let start = 0;
  let end = events.length;
  while (start < end && events[start]!.timestamp! < oldestMs) start++;
  while (end > start && events[end - 1]!.timestamp! > newestMs) end--;
  return { start, end, count: end - start };
}

function rejectedInfo(events: readonly InputLogEvent[], end: number, oldestMs: number, expiredMs: number) {
  const countBefore = (limitMs: number) => {
    let count = 0;
    while (count < end && events[count]!.timestamp! < limitMs) count++;
    return count;
  };
  const tooOld = countBefore(oldestMs);
  const expired = countBefore(expiredMs);
  return {
    rejectedLogEventsInfo: {
      ...(end < events.length && { tooNewLogEventStartIndex: end }),
      ...(tooOld > 0 && { tooOldLogEventEndIndex: tooOld }),
      ...(expired > 0 && { expiredLogEventEndIndex: expired }),
    },
  };
}

function bytesOf(events: readonly LogEventInput[]): number {
  let bytes = 0;
  for (const { message } of events) bytes += Buffer.byteLength(message);
  return bytes;
}

/** No longer needed, but still given; 56 digits as ever. */
function sequenceToken(timestamp: number, segment: number): string {
  return eventId({ timestamp, segment, row: 0, streamHash: 0 });
}
