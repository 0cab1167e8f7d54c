// REST bindings in the server's direction: labels, query string, headers and payload to input; output to them.
// https://smithy.io/2.0/spec/http-bindings.html

import type { Readable } from 'node:stream';
import { assert } from '#core/errors.ts';
import { decodeJson, decodeJsonBody, encodeJson, parseJson } from './json-codec.ts';
import { RESPONSE_HEADERS, RESPONSE_STATUS, type ServiceModel } from './service.ts';
import type { Member, OperationShape, Shape, StructureShape } from './shapes.ts';
import {
  decodeText,
  decodeXmlBody,
  element,
  encodeText,
  encodeXmlElement,
  encodeXmlMembers,
  escapeXml,
} from './xml-codec.ts';

export type RestProtocol = 'restJson1' | 'restXml';

export interface RestRequest {
  labels: Record<string, string>;
  query: URLSearchParams;
  headers: Readonly<Record<string, string | undefined>>;
  /** The whole body, or a stream where the operation's payload is streamed. */
  body: Buffer | Readable;
}

export interface RestResponse {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array | Readable | undefined;
  /** Set when the output is an event stream. */
  events?: { shape: StructureShape; values: AsyncIterable<Record<string, unknown>> };
}

const JSON_CODEC = { useJsonName: true };

/** The input member that is the whole body, if any. */
export function payloadMember(shape: StructureShape): Member | undefined {
  return shape.members.find((member) => member.traits.httpPayload);
}

export function streamsInput(operation: OperationShape): boolean {
  const payload = payloadMember(operation.input);
  return payload?.shape.kind === 'blob' && payload.shape.streaming;
}

export function decodeRestInput(
  operation: OperationShape,
  request: RestRequest,
  protocol: RestProtocol,
): Record<string, unknown> {
  const shape = operation.input;
  const payload = payloadMember(shape);
  const input = payload || !hasBodyMembers(shape) ? {} : decodeBodyMembers(shape, request.body as Buffer, protocol);
  for (const member of shape.members) {
    const value = decodeBound(member, request);
    if (value !== undefined) input[member.name] = value;
  }
  if (payload) {
    const value = decodePayload(payload, request.body, protocol);
    if (value !== undefined) input[payload.name] = value;
  }
  return input;
}

function decodeBodyMembers(shape: StructureShape, body: Buffer, protocol: RestProtocol): Record<string, unknown> {
  if (protocol === 'restJson1') return decodeJsonBody(shape, body, JSON_CODEC);
  return body.length === 0 ? {} : decodeXmlBody(shape, body);
}

function decodePayload(member: Member, body: Buffer | Readable, protocol: RestProtocol): unknown {
  const { shape } = member;
  if (shape.kind === 'blob') return body;
  assert(Buffer.isBuffer(body), 'only blobs are streamed');
  if (body.length === 0) return undefined;
  if (shape.kind === 'structure') return decodeBodyMembers(shape, body, protocol);
  if (shape.kind === 'string') return body.toString('utf8');
  return decodeJson(shape, parseJson(body), JSON_CODEC);
}

function decodeBound(member: Member, { labels, query, headers }: RestRequest): unknown {
  const { traits, shape } = member;
  if (traits.httpLabel) return labels[member.name] === undefined ? undefined : decodeText(shape, labels[member.name]!);
  if (traits.httpQuery !== undefined) {
    if (shape.kind === 'list') {
      const values = query.getAll(traits.httpQuery);
      return values.length === 0 ? undefined : values.map((value) => decodeText(shape.member.shape, value));
    }
    const value = query.get(traits.httpQuery);
    if (value === null || (value === '' && shape.kind !== 'string')) return undefined;
    return decodeText(shape, value);
  }
  if (traits.httpHeader !== undefined) {
    const value = headers[traits.httpHeader.toLowerCase()];
    if (value === undefined || (value === '' && shape.kind !== 'string')) return undefined;
    if (shape.kind === 'list') return splitHeader(value).map((item) => decodeText(shape.member.shape, item));
    return decodeText(shape, value);
  }
  if (traits.httpPrefixHeaders !== undefined) {
    const found: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (name.startsWith(traits.httpPrefixHeaders) && value !== undefined)
        found[name.slice(traits.httpPrefixHeaders.length)] = value;
    }
    return found;
  }
  if (traits.httpQueryParams) return Object.fromEntries(query);
  return undefined;
}

function splitHeader(text: string): string[] {
  const items: string[] = [];
  for (const [, quoted, plain] of text.matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)) {
    if (quoted !== undefined) items.push(quoted.replace(/\\(.)/g, '$1'));
    else if (plain!.trim() !== '') items.push(plain!.trim());
  }
  return items;
}

function isBound({ traits }: Member): boolean {
  return Boolean(
    traits.httpLabel ||
      traits.httpQuery !== undefined ||
      traits.httpHeader !== undefined ||
      traits.httpPrefixHeaders !== undefined ||
      traits.httpQueryParams ||
      traits.httpPayload ||
      traits.httpResponseCode,
  );
}

function hasBodyMembers(shape: StructureShape): boolean {
  return shape.members.some((member) => !isBound(member));
}

export function encodeRestOutput(
  operation: OperationShape,
  output: Record<string, unknown> & { [RESPONSE_HEADERS]?: Record<string, string>; [RESPONSE_STATUS]?: number },
  model: ServiceModel,
  protocol: RestProtocol,
): RestResponse {
  const shape = operation.output;
  const headers = encodeHeaders(shape, output);
  let status = operation.traits.http![2];
  for (const member of shape.members) {
    if (member.traits.httpResponseCode && typeof output[member.name] === 'number')
      status = output[member.name] as number;
  }
  const response: RestResponse = { status, headers, body: undefined };
  const payload = payloadMember(shape);
  if (payload) encodePayload(payload, output[payload.name], model, protocol, response);
  else if (hasBodyMembers(shape)) {
    headers['content-type'] = protocol === 'restJson1' ? 'application/json' : 'application/xml';
    response.body =
      protocol === 'restJson1'
        ? JSON.stringify(encodeJson(shape, output, JSON_CODEC, isBound))
        : xmlDocument(shape, output, model);
  }
  Object.assign(headers, output[RESPONSE_HEADERS]);
  response.status = output[RESPONSE_STATUS] ?? status;
  return response;
}

export function encodeHeaders(shape: StructureShape, output: Record<string, unknown>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { name, traits, shape: memberShape } of shape.members) {
    const value = output[name];
    if (value === undefined || value === null) continue;
    if (traits.httpHeader !== undefined) headers[traits.httpHeader.toLowerCase()] = encodeHeader(memberShape, value);
    else if (traits.httpPrefixHeaders !== undefined) {
      for (const [key, item] of Object.entries(value))
        headers[(traits.httpPrefixHeaders + key).toLowerCase()] = headerSafe(String(item));
    }
  }
  return headers;
}

function encodeHeader(shape: Shape, value: any): string {
  if (shape.kind === 'list') return value.map((item: unknown) => encodeHeader(shape.member.shape, item)).join(', ');
  return headerSafe(encodeText(shape, value, 'httpDate'));
}

/** Node refuses header bytes that would split the response; AWS never sends them either. */
function headerSafe(text: string): string {
  const clean = text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, ' ');
  return Buffer.from(clean, 'utf8').toString('latin1');
}

function encodePayload(
  member: Member,
  value: any,
  model: ServiceModel,
  protocol: RestProtocol,
  response: RestResponse,
): void {
  const { shape } = member;
  if (shape.kind === 'structure' && shape.isEventStream) {
    response.headers['content-type'] = 'application/vnd.amazon.eventstream';
    response.events = { shape, values: value };
    return;
  }
  if (shape.kind === 'blob') {
    if (protocol === 'restJson1') response.headers['content-type'] ??= 'application/octet-stream';
    response.body = value ?? '';
    return;
  }
  if (value === undefined || value === null) return;
  if (shape.kind === 'string') {
    response.headers['content-type'] ??= 'text/plain';
    response.body = value;
    return;
  }
  response.headers['content-type'] = protocol === 'restJson1' ? 'application/json' : 'application/xml';
  if (protocol === 'restJson1') response.body = JSON.stringify(encodeJson(shape, value, JSON_CODEC));
  else {
    const name =
      member.traits.xmlName ?? (shape.kind === 'structure' ? (shape.traits.xmlName ?? shape.name) : member.name);
    response.body =
      XML_DECLARATION + encodeXmlElement(name, shape, value, { xmlNamespace: ['', model.xmlNamespace ?? ''] });
  }
}

const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

function xmlDocument(shape: StructureShape, output: Record<string, unknown>, model: ServiceModel): string {
  const root = shape.traits.xmlName ?? shape.name;
  const namespace = model.xmlNamespace ? ` xmlns="${model.xmlNamespace}"` : '';
  // GetBucketLocation alone answers with a root that holds text instead of members (s3UnwrappedXmlOutput).
  const unwrapped =
    shape.members.length === 1 && shape.members[0]!.name === root && shape.members[0]!.shape.kind === 'string';
  const content = unwrapped ? escapeXml(String(output[root] ?? '')) : encodeXmlMembers(shape, output, isBound);
  return XML_DECLARATION + element(root, content, namespace);
}
