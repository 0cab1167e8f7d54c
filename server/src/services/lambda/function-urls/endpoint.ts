// Function URLs as they are called: `http://ID.lambda-url.REGION.localhost:PORT/…`, and where no DNS helps,
// `http://localhost:PORT/_brume/lambda-url/ID/…`. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html

import type { Caller } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Identity } from '#wire/authenticator.ts';
import type { WebExchange } from '#wire/web-exchange.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { POLICIES, policyKey } from '../documents.ts';
import { type FunctionReference, functionArn } from '../function-name.ts';
import { traced } from '../recursion.ts';
import { allows } from '../resource-policy.ts';
import { corsHeaders, isPreflight } from './cors.ts';
import { EVERYWHERE, FUNCTION_URLS, type FunctionUrlDocument, URL_OWNERS } from './documents.ts';
import { eventOf, responseOf, type WebResponse } from './payload.ts';
import { StreamedResponse } from './streamed-response.ts';

const HOST = /^([a-z0-9]{32})\.lambda-url\./;
const PATH = /^\/_brume\/lambda-url\/([a-z0-9]{32})(\/[^?]*)?/;
const LARGEST_REQUEST_BYTES = 6_291_456;
const ACTION = 'lambda:InvokeFunctionUrl';

/** Cheap: it is asked of every request. */
export function isFunctionUrl(host: string, url: string): boolean {
  return host.includes('.lambda-url.') || url.startsWith('/_brume/lambda-url/');
}

export async function serveFunctionUrl(dependencies: LambdaDependencies, exchange: WebExchange): Promise<void> {
  const byPath = PATH.exec(exchange.rawPath);
  const urlId = byPath?.[1] ?? HOST.exec(exchange.host)?.[1];
  const rawPath = byPath ? (byPath[2] ?? '/') : exchange.rawPath;
  const requestId = uuid();
  const found = urlId === undefined ? undefined : await find(dependencies, urlId);
  let response: WebResponse | 'streamed';
  if (!found) response = failure(403, 'AccessDeniedException', null);
  else {
    const beganMs = performance.now();
    response = await answer(dependencies, found, exchange, { requestId, rawPath }).catch(asResponse);
    const { cors } = found.url;
    if (cors && response !== 'streamed') {
      const preflight = isPreflight(exchange.method, exchange.headers);
      Object.assign(response.headers, corsHeaders(cors, exchange.headers, preflight));
    }
    const status = response === 'streamed' ? exchange.response.statusCode : response.status;
    record(dependencies, found.reference, status, performance.now() - beganMs);
  }
  if (response === 'streamed') return;
  exchange.send(response.status, { ...response.headers, 'x-amzn-requestid': requestId }, response.body);
}

interface FoundUrl {
  reference: FunctionReference;
  url: FunctionUrlDocument;
}

async function find({ state }: LambdaDependencies, urlId: string): Promise<FoundUrl | undefined> {
  const owner = await state.documents.get(URL_OWNERS, EVERYWHERE, urlId);
  if (!owner) return undefined;
  const scope = { account: owner.account, region: owner.region };
  const url = await state.documents.get(FUNCTION_URLS, scope, owner.key);
  if (url?.urlId !== urlId) return undefined;
  const [name, qualifier] = owner.key.split(':') as [string, string?];
  return { reference: { scope, name, ...(qualifier === undefined ? {} : { qualifier }) }, url };
}

async function answer(
  dependencies: LambdaDependencies,
  { reference, url }: FoundUrl,
  exchange: WebExchange,
  { requestId, rawPath }: { requestId: string; rawPath: string },
): Promise<WebResponse | 'streamed'> {
  const { table, activation, invoker, clock } = dependencies;
  if (url.cors && isPreflight(exchange.method, exchange.headers)) return { status: 200, headers: {}, body: '' };
  const body = await exchange.readBody(LARGEST_REQUEST_BYTES);
  const identity = url.authType === 'AWS_IAM' ? await exchange.identify(body) : undefined;
  await authorize(dependencies, reference, url, identity, requestId);
  await activation.settled(reference);
  const target = await table.route(reference, Math.random);
  const { traceHeader } = traced(exchange.headers['x-amzn-trace-id'], functionArn(reference), clock.now());
  const event = eventOf(exchange, body, {
    urlId: url.urlId,
    requestId,
    nowMs: clock.now(),
    traceHeader,
    rawPath,
    ...(identity ? { identity } : {}),
  });
  const streamed =
    url.invokeMode === 'RESPONSE_STREAM' ? new StreamedResponse(exchange.response, requestId) : undefined;
  if (streamed && url.cors) {
    for (const [name, value] of Object.entries(corsHeaders(url.cors, exchange.headers, false))) {
      exchange.response.setHeader(name, value);
    }
  }
  const result = await invoker.run(reference, target, {
    requestId,
    payload: Buffer.from(JSON.stringify(event)),
    traceHeader,
    ...(streamed ? { onChunk: (bytes: Buffer, contentType: string) => streamed.put(bytes, contentType) } : {}),
  });
  if (streamed?.hasBegun) {
    streamed.end(result.functionError !== undefined);
    return 'streamed';
  }
  if (streamed?.isInvalid)
    return { ...failure(502, 'InternalServerErrorException', null), body: 'Internal Server Error' };
  const response = result.functionError === undefined ? responseOf(result.payload) : undefined;
  return response ?? { ...failure(502, 'InternalServerErrorException', null), body: 'Internal Server Error' };
}

/** The account's own callers need no policy, all others do; without a signature, nobody gets in where AWS_IAM is asked for. */
async function authorize(
  { state }: LambdaDependencies,
  reference: FunctionReference,
  url: FunctionUrlDocument,
  identity: Identity | undefined,
  requestId: string,
): Promise<void> {
  if (identity?.account === reference.scope.account) return;
  const policy = await state.documents.get(POLICIES, reference.scope, policyKey(reference));
  const anonymous = { account: '', accessKeyId: '', principalArn: '' };
  const caller: Caller = { ...(identity ?? anonymous), region: reference.scope.region, requestId };
  const conditions = { 'lambda:FunctionUrlAuthType': url.authType, 'lambda:InvokedViaFunctionUrl': 'true' };
  const mayEnter = identity !== undefined || url.authType === 'NONE';
  if (mayEnter && policy && allows(policy.statements, ACTION, caller, conditions)) return;
  throw new AwsError('AccessDeniedException', 'Forbidden', { status: 403 });
}

function asResponse(error: unknown): WebResponse {
  if (!(error instanceof AwsError)) throw error;
  const statuses: Record<string, number> = { TooManyRequestsException: 429, ResourceNotFoundException: 404 };
  return failure(error.status ?? statuses[error.code] ?? 502, error.code, error.message);
}

function failure(status: number, type: string, message: string | null): WebResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': type },
    body: JSON.stringify({ Message: message }),
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html */
function record(
  { meter }: LambdaDependencies,
  { scope, name, qualifier }: FunctionReference,
  status: number,
  latencyMs: number,
): void {
  const Resource = qualifier === undefined ? name : `${name}:${qualifier}`;
  const dimensions: Record<string, string>[] = [{ FunctionName: name }, { FunctionName: name, Resource }];
  const tell = (metricName: string, value: number, unit: string) =>
    meter.record(scope, { namespace: 'AWS/Lambda', metricName, dimensions, value, unit });
  tell('UrlRequestCount', 1, 'Count');
  tell('UrlRequestLatency', latencyMs, 'Milliseconds');
  tell('Url4xxCount', status >= 400 && status < 500 ? 1 : 0, 'Count');
  tell('Url5xxCount', status >= 500 ? 1 : 0, 'Count');
}
