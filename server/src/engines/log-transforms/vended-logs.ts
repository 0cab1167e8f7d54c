// The built-in parsers of logs that AWS services send. All read the whole message.

import { define, isObject, type JsonObject } from './key-path.ts';
import { parseJson } from './parsers.ts';
import { TransformError } from './transform-error.ts';
import type { TransformedEvent } from './transformer.ts';

const CLOUDFRONT =
  'date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) ' +
  'x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher ' +
  'x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte ' +
  'x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end';
const ROUTE53 =
  'version queryTimestamp hostZoneId queryName queryType responseCode protocol edgeLocation resolverIp ednsClientSubnet';
const VPC =
  'version accountId interfaceId srcAddr dstAddr srcPort dstPort protocol packets bytes start end action logStatus';
const POSTGRES =
  /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [A-Za-z0-9+-]+):([^:]*):([^@:]*)@([^:]*):\[(\d+)\]:([A-Z0-9]+):/;
/** Digits that stay text. */
const TEXTS = new Set(['accountId', 'date', 'time', 'c-ip', 'srcAddr', 'dstAddr', 'x-edge-request-id']);

export function parseCloudfront({ root, message }: TransformedEvent): void {
  columns(root, message, CLOUDFRONT, true);
}

export function parseRoute53({ root, message }: TransformedEvent): void {
  columns(root, message, ROUTE53, true);
}

export function parseVpc({ root, message }: TransformedEvent): void {
  columns(root, message, VPC, true);
}

export function parsePostgres({ root, message }: TransformedEvent): void {
  const fields = POSTGRES.exec(message);
  if (!fields) throw new TransformError('not a PostgreSQL log line');
  const names = ['logTime', 'srcIp', 'userName', 'dbName', 'processId', 'logLevel'];
  for (const [i, name] of names.entries()) root[name] = fields[i + 1];
}

/** `[{name, value}]` of headers and labels become `{name: value}`. */
export function parseWaf({ root, message }: TransformedEvent): void {
  const parsed = parseJson(message);
  if (!isObject(parsed)) throw new TransformError('not a WAF log');
  for (const [key, value] of Object.entries(parsed)) define(root, key, value);
  if (isObject(root.httpRequest) && Array.isArray(root.httpRequest.headers)) {
    root.httpRequest.headers = namedValues(root.httpRequest.headers);
  }
  if (Array.isArray(root.labels)) root.labels = namedValues(root.labels);
}

/** A label has a name only: AWS shows `{"name": "value"}` of it as `{"name": "value"}`. */
function namedValues(list: readonly unknown[]): JsonObject {
  const values: JsonObject = {};
  for (const item of list) {
    if (!isObject(item)) continue;
    if (typeof item.name === 'string' && 'value' in item) define(values, item.name, item.value);
    else for (const [key, value] of Object.entries(item)) define(values, key, value);
  }
  return values;
}

function columns(root: JsonObject, message: string, names: string, decode: boolean): void {
  const values = message.trim().split(/\s+/);
  const fields = names.split(' ');
  if (values.length !== fields.length)
    throw new TransformError(`expected ${fields.length} fields, found ${values.length}`);
  for (const [i, name] of fields.entries()) {
    const value = values[i]!;
    root[name] = !TEXTS.has(name) && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : decode ? decoded(value) : value;
  }
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
