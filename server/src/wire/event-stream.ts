// Event streams of answers (application/vnd.amazon.eventstream).
// https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html has the framing; the codec is the SDK's own.

import { EventStreamCodec } from '@smithy/core/event-streams';
import { AwsError } from '#core/errors.ts';
import { encodeJson } from './json-codec.ts';
import type { StructureShape } from './shapes.ts';
import { encodeXmlElement } from './xml-codec.ts';

export const EVENT_STREAM_CONTENT_TYPE = 'application/vnd.amazon.eventstream';

const codec = new EventStreamCodec(
  (bytes: Uint8Array | string) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text: string) => Buffer.from(text, 'utf8'),
);

/** The first message of an RPC protocol's stream carries the output's other members. */
export function encodeInitialResponse(output: unknown): Uint8Array {
  return message(
    { ':message-type': 'event', ':event-type': 'initial-response', ':content-type': 'application/x-amz-json-1.1' },
    JSON.stringify(output),
  );
}

/** One value of the union, `{sessionUpdate: {…}}`. */
export function encodeEvent(union: StructureShape, value: Record<string, any>, format: 'json' | 'xml'): Uint8Array {
  const member = union.members.find(({ name }) => value[name] !== undefined);
  if (member?.shape.kind !== 'structure') throw new Error(`BUG: not an event of ${union.name}: ${Object.keys(value)}`);
  const event = value[member.name];
  const headers: Record<string, string> = { ':message-type': 'event', ':event-type': member.name };
  if (member.shape.traits.error) {
    headers[':message-type'] = 'exception';
    headers[':exception-type'] = member.name;
    delete headers[':event-type'];
  }
  const payload = member.shape.members.find(({ traits }) => traits.eventPayload);
  if (payload?.shape.kind === 'blob') {
    headers[':content-type'] = 'application/octet-stream';
    return message(headers, event[payload.name] ?? '');
  }
  const { shape, value: content } =
    payload?.shape.kind === 'structure'
      ? { shape: payload.shape, value: event[payload.name] ?? {} }
      : { shape: member.shape, value: event };
  if (format === 'xml') {
    headers[':content-type'] = 'text/xml';
    return message(headers, encodeXmlElement(shape.name, shape, content));
  }
  headers[':content-type'] = 'application/json';
  return message(headers, JSON.stringify(encodeJson(shape, content, { useJsonName: false })));
}

/** An error in the middle of a stream. */
export function encodeStreamError(error: unknown): Uint8Array {
  const code = error instanceof AwsError ? error.code : 'InternalFailure';
  const text =
    error instanceof AwsError ? error.message : 'The request processing has failed because of an internal error.';
  return message(
    { ':message-type': 'exception', ':exception-type': code, ':content-type': 'application/json' },
    JSON.stringify({ message: text }),
  );
}

function message(headers: Record<string, string>, body: string | Uint8Array): Uint8Array {
  return codec.encode({
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }]),
    ) as any,
    body: typeof body === 'string' ? Buffer.from(body, 'utf8') : body,
  });
}
