// Payload format 2.0: from an HTTP request to the event, from the function's answer to an HTTP response.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads

import type { Identity } from '#wire/authenticator.ts';
import type { WebExchange } from '#wire/web-exchange.ts';

export interface EventContext {
  urlId: string;
  requestId: string;
  nowMs: number;
  traceHeader: string;
  /** The path as the function sees it. */
  rawPath: string;
  /** Who signed, where that is asked for. */
  identity?: Identity;
}

const TEXT = /^(text\/.*|application\/(.*\+)?(json|xml)|application\/javascript)$/;

/** The event of a request. */
export function eventOf(exchange: WebExchange, body: Buffer, context: EventContext): object {
  const { urlId, requestId, nowMs, traceHeader, rawPath, identity } = context;
  const { method, rawQuery, sourceIp, host } = exchange;
  const { cookie, authorization, ...received } = exchange.headers;
  const headers: Record<string, string> = {
    ...received,
    ...(identity || authorization === undefined ? {} : { authorization }),
    'x-amzn-trace-id': traceHeader,
    'x-forwarded-for': sourceIp,
    'x-forwarded-port': host.split(':')[1] ?? '80',
    'x-forwarded-proto': 'http',
  };
  const isText = TEXT.test((received['content-type'] ?? '').split(';')[0]!.trim().toLowerCase());
  const query = queryOf(rawQuery);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString: rawQuery,
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/) }),
    headers,
    ...(query ? { queryStringParameters: query } : {}),
    requestContext: {
      accountId: identity?.account ?? 'anonymous',
      apiId: urlId,
      ...(identity ? { authorizer: { iam: callerOf(identity) } } : {}),
      domainName: host.split(':')[0],
      domainPrefix: urlId,
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp, userAgent: received['user-agent'] ?? '' },
      requestId,
      routeKey: '$default',
      stage: '$default',
      time: clfTime(nowMs),
      timeEpoch: nowMs,
    },
    ...(body.length > 0 ? { body: body.toString(isText ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

function callerOf({ accessKeyId, account, principalArn }: Identity): object {
  return {
    accessKey: accessKeyId,
    accountId: account,
    callerId: principalArn.split('/')[1] ?? account,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn: principalArn,
    userId: principalArn.split('/')[1] ?? account,
  };
}

/** Repeated names are joined by commas. */
function queryOf(rawQuery: string): Record<string, string> | undefined {
  if (rawQuery === '') return undefined;
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    parameters[name] = name in parameters ? `${parameters[name]},${value}` : value;
  }
  return parameters;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `12/Mar/2020:19:03:58 +0000` */
function clfTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

export interface WebResponse {
  status: number;
  headers: Record<string, string | string[]>;
  body: string | Uint8Array;
}

/** Node refuses headers that would split the response. */
const BAD_HEADER = /[^\t\x20-\x7e\x80-\xff]/;
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** The connection's own, which the function has no say in. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set(['connection', 'content-length', 'transfer-encoding', 'date']);

/** The response that a function's answer asks for; undefined when it makes no sense as one. */
export function responseOf(payload: Uint8Array): WebResponse | undefined {
  const text = Buffer.from(payload).toString('utf8');
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof answer !== 'object' || answer === null || !('statusCode' in answer)) {
    const body = typeof answer === 'string' ? answer : withoutSpaces(text);
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
  const { body, isBase64Encoded } = answer as Record<string, unknown>;
  const head = headOf(answer as Record<string, unknown>);
  if (!head) return undefined;
  const content = body === undefined || body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return { ...head, body: isBase64Encoded === true ? Buffer.from(content, 'base64') : content };
}

/** Numbers stay as they were written. */
function withoutSpaces(json: string): string {
  return json.replace(/("[^"\\]*(?:\\.[^"\\]*)*")|\s+/g, '$1');
}

/** Status and headers of an answer, or of the prelude of a streamed one; undefined when they make no sense. */
export function headOf({
  statusCode = 200,
  headers,
  cookies,
}: Record<string, unknown>): Pick<WebResponse, 'status' | 'headers'> | undefined {
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) return undefined;
  const sent: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries((headers as Record<string, unknown> | null) ?? {})) {
    if (value === null || CONNECTION_HEADERS.has(name.toLowerCase())) continue;
    const line = String(value);
    if (!HEADER_NAME.test(name) || BAD_HEADER.test(line)) return undefined;
    sent[name.toLowerCase()] = line;
  }
  if (Array.isArray(cookies)) {
    if (cookies.some((cookie) => BAD_HEADER.test(String(cookie)))) return undefined;
    sent['set-cookie'] = cookies.map(String);
  }
  sent['content-type'] ??= 'application/json';
  return { status, headers: sent };
}
