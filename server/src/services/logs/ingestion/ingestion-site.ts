// The HTTP endpoints that take logs without an SDK: POST /services/collector/event, /ingest/bulk, /ingest/json and /v1/logs
// (OpenTelemetry), signed or with a bearer token. Each body becomes one PutLogEvents, and one of OpenTelemetry as many as it needs.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_HTTP_Endpoints.html

import type { PutLogEventsRequest, PutLogEventsResponse } from '@aws-sdk/client-cloudwatch-logs';
import type { Caller, OperationCall } from '#core/caller.ts';
import type { Clock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import type { LogEventInput, LogStore } from '#engines/logs/log-store.ts';
import { unpack } from '#wire/request-body.ts';
import type { WebExchange, WebSite } from '#wire/web-exchange.ts';
import { EVENT_OVERHEAD_BYTES, LARGEST_BATCH_BYTES } from '../batch-limits.ts';
import { invalidParameter } from '../constraints.ts';
import { requireGroup, requireStream } from '../log-group-reference.ts';
import { readHlc, readJsonLines, readStructuredJson } from './json-formats.ts';
import { cutRecord, truncatablePaths } from './large-records.ts';
import { type LogsRequest, readLogsRequest } from './otlp.ts';
import { decodeLogsRequest, encodeLogsResponse } from './otlp-protobuf.ts';
import type { ReceivedEvents } from './received-events.ts';

export interface IngestionDependencies {
  logs: LogStore;
  clock: Clock;
  call: OperationCall;
  log: Logger;
  config: { region: string };
}

interface Endpoint {
  contentTypes: readonly string[];
  read(body: Buffer, contentType: string, nowMs: number): ReceivedEvents;
  /** Whether the group and the stream may stand in the query string. */
  takesQuery: boolean;
  /** Whether the answer tells how much was left out. */
  tellsRejected: boolean;
  largestBodyBytes: number;
  /** Whether a body may be more than one batch, and a record more than one event. */
  splits?: true;
}

/** A batch is 1 MiB of messages at most; JSON around them may double it. */
const LARGEST_BODY_BYTES = 4 * 1024 * 1024;
const JSON_TYPE = 'application/json';
const PROTOBUF = 'application/x-protobuf';
const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/services/collector/event': {
    contentTypes: [JSON_TYPE],
    read: (body, _, nowMs) => readHlc(body.toString('utf8'), nowMs),
    takesQuery: true,
    tellsRejected: false,
    largestBodyBytes: LARGEST_BODY_BYTES,
  },
  '/ingest/bulk': {
    contentTypes: [JSON_TYPE, 'application/x-ndjson'],
    read: (body, _, nowMs) => readJsonLines(body.toString('utf8'), nowMs),
    takesQuery: true,
    tellsRejected: true,
    largestBodyBytes: LARGEST_BODY_BYTES,
  },
  '/ingest/json': {
    contentTypes: [JSON_TYPE],
    read: (body, _, nowMs) => readStructuredJson(body.toString('utf8'), nowMs),
    takesQuery: true,
    tellsRejected: true,
    largestBodyBytes: LARGEST_BODY_BYTES,
  },
  '/v1/logs': {
    contentTypes: [JSON_TYPE, PROTOBUF],
    read: (body, type, nowMs) => readLogsRequest(type === PROTOBUF ? decodeLogsRequest(body) : parse(body), nowMs),
    takesQuery: false,
    tellsRejected: true,
    largestBodyBytes: 20 * 1024 * 1024,
    splits: true,
  },
};

const LARGEST_EVENT_BYTES = LARGEST_BATCH_BYTES - EVENT_OVERHEAD_BYTES;
/** `POST /ingest/json?uploads` begins an upload to S3's bucket `ingest`. */
const OWN_QUERY = /^$|(^|&)(logGroup|logStream|entityName|entityEnvironment)=/;

export function createIngestionSite(dependencies: IngestionDependencies): WebSite {
  return {
    claims(host, url, method) {
      // A function behind a URL may have the same paths.
      if (method !== 'POST' || host.includes('.lambda-url.')) return false;
      const at = url.indexOf('?');
      const path = at < 0 ? url : url.slice(0, at);
      return Object.hasOwn(ENDPOINTS, path) && OWN_QUERY.test(at < 0 ? '' : url.slice(at + 1));
    },
    serve: (exchange) => serve(dependencies, exchange),
  };
}

async function serve(dependencies: IngestionDependencies, exchange: WebExchange): Promise<void> {
  const requestId = uuid();
  const ids = { 'x-amzn-requestid': requestId };
  const endpoint = ENDPOINTS[exchange.rawPath]!;
  const contentType = (exchange.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  try {
    const rejected = await take(dependencies, exchange, { endpoint, contentType, requestId });
    const message = `${rejected} of the log records could not be taken`;
    const partial = endpoint.tellsRejected && rejected > 0 ? { rejected, message } : undefined;
    if (contentType === PROTOBUF) {
      exchange.send(200, { ...ids, 'content-type': PROTOBUF }, encodeLogsResponse(partial));
      return;
    }
    const answer = partial ? { partialSuccess: { rejectedLogRecords: rejected, errorMessage: message } } : {};
    exchange.send(200, { ...ids, 'content-type': JSON_TYPE }, JSON.stringify(answer));
  } catch (error) {
    const isKnown = error instanceof AwsError;
    if (!isKnown) dependencies.log.error('log events could not be taken', { error });
    const { code, message } = isKnown ? error : { code: 'InternalFailure', message: 'Internal Server Error' };
    const headers = { ...ids, 'content-type': JSON_TYPE, 'x-amzn-errortype': code };
    exchange.send(isKnown ? statusOf(error) : 500, headers, JSON.stringify({ __type: code, message }));
  }
}

/** How many events were left out. */
async function take(
  { logs, clock, call, config }: IngestionDependencies,
  exchange: WebExchange,
  { endpoint, contentType, requestId }: { endpoint: Endpoint; contentType: string; requestId: string },
): Promise<number> {
  const packed = await exchange.readBody(endpoint.largestBodyBytes);
  const { bearerToken } = exchange;
  const caller = { ...(await callerOf(exchange, packed, config.region)), requestId };
  const { logGroupName, logStreamName } = addressOf(exchange, endpoint);
  const group = await logs.groups.find(caller, logGroupName);
  if (group && bearerToken !== undefined && !group.document.bearerTokenAuthentication) {
    const message = 'Bearer token authentication is not enabled for the log group.';
    throw new AwsError('AccessDeniedException', message, { status: 401 });
  }
  if (!endpoint.contentTypes.includes(contentType)) {
    throw invalidParameter(`The Content-Type must be ${endpoint.contentTypes.join(' or ')}.`);
  }
  const body = await unpack(packed, exchange.headers['content-encoding'], endpoint.largestBodyBytes);
  const { events, skipped } = endpoint.read(body, contentType, clock.now());
  const logEvents = events.filter(({ message }) => message !== '').sort((a, b) => a.timestamp - b.timestamp);
  const empty = events.length - logEvents.length;
  if (logEvents.length === 0) {
    await call('logs', 'DescribeLogStreams', { logGroupName, logStreamNamePrefix: logStreamName, limit: 1 }, caller);
    return skipped + empty;
  }
  if (endpoint.splits) {
    const paths = truncatablePaths(exchange.headers['x-aws-truncatable-fields']);
    await cutLarge(logs, caller, { logGroupName, logStreamName }, logEvents, paths);
  }
  let rejected = skipped + empty;
  for (const batch of endpoint.splits ? batchesOf(logEvents) : [logEvents]) {
    const { rejectedLogEventsInfo: info } = await call<PutLogEventsRequest, PutLogEventsResponse>(
      'logs',
      'PutLogEvents',
      { logGroupName, logStreamName, logEvents: batch },
      caller,
    );
    rejected += Math.max(info?.tooOldLogEventEndIndex ?? 0, info?.expiredLogEventEndIndex ?? 0);
    rejected += batch.length - (info?.tooNewLogEventStartIndex ?? batch.length);
  }
  return rejected;
}

/** Records that are larger than an event become one with pointers to the rests of their fields. */
async function cutLarge(
  store: LogStore,
  caller: Omit<Caller, 'requestId'>,
  { logGroupName, logStreamName }: { logGroupName: string; logStreamName: string },
  events: LogEventInput[],
  paths: readonly string[] | undefined,
): Promise<void> {
  for (const event of events) {
    if (Buffer.byteLength(event.message) <= LARGEST_EVENT_BYTES) continue;
    const group = await requireGroup({ store }, caller, logGroupName);
    const stream = await requireStream({ store }, group, logStreamName);
    const { document, rests } = cutRecord(JSON.parse(event.message), LARGEST_EVENT_BYTES, paths);
    const texts = rests.map(({ text }) => text);
    const pointers = await store.largeObjects.put(group, stream, event.timestamp, texts);
    const named = Object.fromEntries(rests.map(({ name }, i) => [name, pointers[i]]));
    event.message = JSON.stringify({ ...document, ...named });
  }
}

/** Each as large as PutLogEvents takes it. */
function batchesOf(events: readonly LogEventInput[]): LogEventInput[][] {
  const batches: LogEventInput[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const event of events) {
    const size = Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES;
    if (bytes + size > LARGEST_BATCH_BYTES) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)!.push(event);
    bytes += size;
  }
  return batches;
}

async function callerOf(
  exchange: WebExchange,
  body: Buffer,
  defaultRegion: string,
): Promise<Omit<Caller, 'requestId'>> {
  const identity = await exchange.authenticate(body).catch((error) => {
    throw error instanceof AwsError ? new AwsError(error.code, error.message, { status: 401 }) : error;
  });
  return { ...identity, region: identity.region ?? regionOf(exchange.host) ?? defaultRegion };
}

/** `logs.eu-west-1.localhost`: a bearer token, unlike a signature, names no region. */
function regionOf(host: string): string | undefined {
  return /^logs\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(host)?.[1];
}

function addressOf({ headers, rawQuery }: WebExchange, { takesQuery }: Endpoint) {
  const query = new URLSearchParams(takesQuery ? rawQuery : '');
  const one = (header: string, parameter: string) => {
    const ofHeader = headers[header];
    const ofQuery = query.get(parameter) ?? undefined;
    if (ofHeader !== undefined && ofQuery !== undefined) {
      throw invalidParameter(`Specify either the header ${header} or the query parameter ${parameter}, not both.`);
    }
    const name = ofHeader ?? ofQuery;
    if (name) return name;
    throw invalidParameter(
      `The header ${header}${takesQuery ? ` or the query parameter ${parameter}` : ''} is required.`,
    );
  };
  return {
    logGroupName: one('x-aws-log-group', 'logGroup'),
    logStreamName: one('x-aws-log-stream', 'logStream'),
  };
}

function parse(body: Buffer): LogsRequest {
  try {
    const request: unknown = JSON.parse(body.toString('utf8'));
    if (typeof request === 'object' && request !== null) return request;
  } catch (error) {
    throw invalidParameter(`The request body is not valid JSON: ${(error as Error).message}`);
  }
  throw invalidParameter('The request body must be a JSON object.');
}

function statusOf({ code, status }: AwsError): number {
  return status ?? (code === 'ResourceNotFoundException' ? 404 : 400);
}
