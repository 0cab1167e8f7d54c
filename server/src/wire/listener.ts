// The HTTP listener: route, authenticate, decode, run the operation, encode. Only this room knows of statuses,
// headers and encodings.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline, Readable, type Writable } from 'node:stream';
import type { Caller, OperationCall } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';
import { s3HostId, s3RequestId, uuid } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import type { Authenticator, Identity } from './authenticator.ts';
import { BoundService } from './bound-service.ts';
import { refuseForeignPages } from './browser-guard.ts';
import { decodeCborBody, encodeCborBody } from './cbor-codec.ts';
import { encodeError } from './error-encoder.ts';
import { EVENT_STREAM_CONTENT_TYPE, encodeEvent, encodeInitialResponse, encodeStreamError } from './event-stream.ts';
import { decodeRestInput, encodeRestOutput, type RestResponse, streamsInput } from './http-bindings.ts';
import { decodeJsonBody, encodeJson, type JsonCodec } from './json-codec.ts';
import { decodeQueryInput } from './query-decoder.ts';
import { BodyBuffers, readWholeBody, streamBody, unpack } from './request-body.ts';
import { findOperation, type IncomingRequest, Services, UnroutableError } from './route.ts';
import { SerializationError } from './serialization-error.ts';
import { type ProtocolName, RESPONSE_HEADERS, type RequestContext, type Service } from './service.ts';
import type { OperationShape, StructureShape } from './shapes.ts';
import { readSignature, type Signature, sha256Hex } from './sigv4.ts';
import { WebExchange } from './web-exchange.ts';
import { element, encodeXmlMembers } from './xml-codec.ts';

export interface ListenerOptions {
  services: readonly Service[];
  authenticator: Authenticator;
  log: Logger;
  /** Region of requests that carry none. */
  defaultRegion: string;
  /** Brume's own paths (`/_brume/…`); true when it answered. */
  admin: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface Listener {
  server: Server;
  services: Services;
  /** Runs an operation in process, with the checks that a request over HTTP gets. */
  call: OperationCall;
}

const DEFAULT_LARGEST_BODY_BYTES = 16 * 1024 * 1024;
/** A connection may idle as long between two requests as AWS's do, so clients rarely meet a closed one. */
const KEEP_ALIVE_MS = 75_000;
const SLOWEST_REQUEST_MS = 3_600_000;

export function createListener(options: ListenerOptions): Listener {
  const services = new Services(options.services.map((service) => new BoundService(service)));
  const sites = options.services.flatMap(({ web }) => (web ? [web] : []));
  const exchangeOptions = { ...options, bodyBuffers: new BodyBuffers() };
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: SLOWEST_REQUEST_MS,
    maxHeaderSize: 64 * 1024,
  });
  server.on('request', (request, response) => {
    if (request.url!.startsWith('/_brume/') && options.admin(request, response)) return;
    const site = sites.find((web) => web.claims(request.headers.host ?? '', request.url!, request.method!));
    if (site) {
      site.serve(new WebExchange(request, response, options.authenticator)).catch((error) => {
        options.log.error('a web request failed', { error });
        if (response.headersSent) response.destroy();
        else response.writeHead(500, { 'content-type': 'application/json' }).end('{"Message":"Internal Server Error"}');
      });
      return;
    }
    new Exchange(request, response, services, exchangeOptions).run().catch((error) => {
      options.log.error('a response could not be sent', { error });
      response.destroy();
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy();
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  const call: OperationCall = async (serviceName, operationName, input, caller, signal) => {
    const service = services.named(serviceName)!;
    const operation = findOperation(service, operationName, service.model.protocols[0]!);
    return (await service.run(
      operation,
      input as Record<string, unknown>,
      inProcessContext(serviceName, operationName, caller, server, signal),
    )) as never;
  };
  return { server, services, call };
}

const NEVER_ABORTED = new AbortController().signal;

function inProcessContext(
  service: string,
  operation: string,
  caller: Caller,
  server: Server,
  signal: AbortSignal = NEVER_ABORTED,
): RequestContext {
  const address = server.address();
  return {
    ...caller,
    service,
    operation,
    signal,
    endpoint: typeof address === 'object' && address ? `http://localhost:${address.port}` : 'http://localhost',
    sourceIp: '127.0.0.1',
    userAgent: 'brume',
    headers: caller.traceHeader === undefined ? {} : { 'x-amzn-trace-id': caller.traceHeader },
  };
}

interface ExchangeOptions extends ListenerOptions {
  bodyBuffers: BodyBuffers;
}

class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #services: Services;
  readonly #options: ExchangeOptions;
  #protocol: ProtocolName = 'restXml';
  #service: BoundService | undefined;
  #requestId = '';
  #hostId = '';
  #abort: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, services: Services, options: ExchangeOptions) {
    this.#request = request;
    this.#response = response;
    this.#services = services;
    this.#options = options;
  }

  async run(): Promise<void> {
    try {
      await this.#answer();
    } catch (error) {
      this.#fail(error);
    } finally {
      // A body that nobody read to its end must not block the connection.
      if (!this.#request.complete) this.#request.unpipe().resume();
    }
  }

  async #answer(): Promise<void> {
    const incoming = readRequestLine(this.#request);
    const signature = this.#readSignature(incoming);
    const route = this.#services.route(incoming, signature);
    this.#service = route.service;
    this.#protocol = route.protocol;
    if (!this.#options.authenticator.verifies) refuseForeignPages(incoming.headers);
    const streams = route.protocol === 'restXml' && route.operation !== undefined && streamsInput(route.operation);
    const limit = route.service.model.largestBodyBytes ?? DEFAULT_LARGEST_BODY_BYTES;
    const isJson = route.protocol === 'awsJson1_0' || route.protocol === 'awsJson1_1';
    const raw = streams
      ? undefined
      : await readWholeBody(this.#request, limit, isJson ? this.#options.bodyBuffers : undefined);

    const identity = await this.#options.authenticator.authenticate(
      { method: incoming.method, rawPath: incoming.rawPath, rawQuery: incoming.rawQuery, headers: incoming.headers },
      signature,
      route.service.name === 's3',
      () => payloadHash(incoming, signature, raw),
    );
    if (raw && route.service.name === 's3') checkContentHash(incoming, raw);
    const body = raw && (await unpack(raw, streams ? undefined : contentEncodingOf(incoming, route.protocol), limit));

    let operation = route.operation;
    let input: Record<string, unknown>;
    let isComplete = false;
    if (route.protocol === 'awsQuery') {
      const parameters = body!.length > 0 ? new URLSearchParams(body!.toString('utf8')) : incoming.query;
      const service = signature
        ? route.service
        : (this.#services.byQueryVersion(parameters.get('Version') ?? '') ?? route.service);
      this.#service = service;
      operation = findOperation(service, parameters.get('Action') ?? '', 'awsQuery');
      if (operation.input.memberByName.has('QueueUrl') && !parameters.has('QueueUrl') && incoming.rawPath.length > 1) {
        parameters.set('QueueUrl', incoming.rawPath);
      }
      input = decodeQueryInput(operation.input, parameters);
    } else if (body && isJson) {
      const rawHandler = route.service.service.rawOperations?.[operation!.name];
      const answering = rawHandler?.(body, this.#context(identity, signature, incoming, operation!.name));
      const codec: JsonCodec = { useJsonName: false };
      input = answering ? {} : decodeJsonBody(operation!.input, body, codec);
      isComplete = codec.incomplete !== true;
      // Nothing refers to its bytes any more.
      this.#options.bodyBuffers.give(raw!);
      if (answering) return this.#succeed(operation!, (await answering) as Record<string, unknown>);
    } else if (body && route.protocol === 'rpcV2Cbor') {
      input = decodeCborBody(operation!.input, body);
    } else {
      input = this.#decodeRest(operation!, route.labels, incoming, body, identity, signature);
    }

    const context = this.#context(identity, signature, incoming, operation!.name);
    const output = (await this.#service.run(operation!, input, context, isComplete)) as Record<string, unknown>;
    await this.#succeed(operation!, output);
  }

  #readSignature(incoming: IncomingRequest): Signature | undefined {
    try {
      return readSignature(incoming, incoming.query);
    } catch (error) {
      // The error must still be written in the protocol that the client speaks.
      const route = this.#services.route(incoming, undefined);
      this.#service = route.service;
      this.#protocol = route.protocol;
      throw error;
    }
  }

  #decodeRest(
    operation: OperationShape,
    labels: Record<string, string>,
    incoming: IncomingRequest,
    body: Buffer | undefined,
    identity: Identity & { signingKey?: Buffer },
    signature: Signature | undefined,
  ): Record<string, unknown> {
    const protocol = this.#protocol as 'restJson1' | 'restXml';
    if (body)
      return decodeRestInput(operation, { labels, query: incoming.query, headers: incoming.headers, body }, protocol);
    const byHeader = new Map(
      operation.input.members.flatMap((m) =>
        m.traits.httpHeader ? [[m.traits.httpHeader.toLowerCase(), m.name]] : [],
      ),
    );
    const signing = signature && identity.signingKey ? { signature, signingKey: identity.signingKey } : undefined;
    const { stream, length } = streamBody(this.#request, signing, (name, value) => {
      const member = byHeader.get(name);
      if (member) input[member] = value;
    });
    const headers = {
      ...incoming.headers,
      'content-encoding': withoutAwsChunked(incoming.headers['content-encoding']),
    };
    const input = decodeRestInput(operation, { labels, query: incoming.query, headers, body: stream }, protocol);
    input.ContentLength = length;
    return input;
  }

  #context(
    identity: Identity,
    signature: Signature | undefined,
    incoming: IncomingRequest,
    operation: string,
  ): RequestContext {
    const exchange = this;
    const { headers } = incoming;
    return {
      account: identity.account,
      accessKeyId: identity.accessKeyId,
      principalArn: identity.principalArn,
      region: signature?.region || this.#options.defaultRegion,
      requestId: this.#ids().requestId,
      service: this.#service!.name,
      operation,
      get signal() {
        return exchange.#signal();
      },
      endpoint: `http://${headers.host ?? `localhost:${this.#request.socket.localPort}`}`,
      sourceIp: (this.#request.socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, ''),
      userAgent: headers['user-agent'] ?? '',
      headers,
    };
  }

  #signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController();
      this.#response.on('close', () => {
        if (!this.#response.writableFinished)
          abort.abort(new AwsError('RequestAborted', 'The client closed the connection.'));
      });
      this.#abort = abort;
    }
    return this.#abort.signal;
  }

  #ids(): { requestId: string; hostId: string } {
    if (this.#requestId === '') {
      const isS3 = this.#service?.name === 's3';
      this.#requestId = isS3 ? s3RequestId() : uuid();
      if (isS3) this.#hostId = s3HostId(this.#requestId);
    }
    return { requestId: this.#requestId, hostId: this.#hostId };
  }

  async #succeed(
    operation: OperationShape,
    output: Record<string, unknown> & { [RESPONSE_HEADERS]?: Record<string, string> },
  ): Promise<void> {
    const shape = operation.output;
    const added = output[RESPONSE_HEADERS];
    switch (this.#protocol) {
      case 'awsJson1_0':
      case 'awsJson1_1': {
        const stream = shape.members.find((member) => member.shape.kind === 'structure' && member.shape.isEventStream);
        if (stream) {
          const first = encodeInitialResponse(
            encodeJson(shape, output, { useJsonName: false }, (member) => member === stream),
          );
          return this.#sendEvents(stream.shape as StructureShape, output[stream.name] as never, 'json', first);
        }
        const contentType =
          this.#protocol === 'awsJson1_0' ? 'application/x-amz-json-1.0' : 'application/x-amz-json-1.1';
        // Operations without an output answer with an empty body, as AWS does.
        const isUnit = shape.name === 'Unit';
        return this.#send(
          200,
          { 'content-type': contentType, ...added },
          isUnit ? '' : JSON.stringify(encodeJson(shape, output, { useJsonName: false })),
        );
      }
      case 'rpcV2Cbor':
        return this.#send(
          200,
          { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor', ...added },
          encodeCborBody(shape, output),
        );
      case 'awsQuery': {
        const { requestId } = this.#ids();
        const result = shape.name === 'Unit' ? '' : element(`${operation.name}Result`, encodeXmlMembers(shape, output));
        const metadata = element('ResponseMetadata', element('RequestId', requestId));
        const namespace = this.#service!.model.xmlNamespace ? ` xmlns="${this.#service!.model.xmlNamespace}"` : '';
        return this.#send(
          200,
          { 'content-type': 'text/xml', ...added },
          `${element(`${operation.name}Response`, result + metadata, namespace)}\n`,
        );
      }
      default: {
        const response = encodeRestOutput(operation, output, this.#service!.model, this.#protocol);
        if (response.events)
          return this.#sendEvents(
            response.events.shape,
            response.events.values,
            this.#protocol === 'restXml' ? 'xml' : 'json',
            undefined,
            response.headers,
          );
        return this.#sendRest(response);
      }
    }
  }

  #sendRest({ status, headers, body }: RestResponse): void {
    if (body instanceof Readable) {
      if (this.#request.method === 'HEAD') {
        body.destroy();
        this.#send(status, headers, '');
        return;
      }
      this.#response.writeHead(status, { ...headers, ...this.#idHeaders() });
      this.#sendStream(body);
      return;
    }
    this.#send(status, headers, body ?? '');
  }

  /** An error now can only cut the answer short: the client sees that Content-Length was not reached. */
  #sendStream(body: Readable & { sendTo?(sink: Writable): Promise<void> }): void {
    const response = this.#response;
    const onError = (error: unknown) => {
      // The client closed the connection; or a body failed, and the connection goes with it.
      if (response.destroyed) return;
      response.destroy();
      this.#options.log.warn('a body could not be sent to its end', { error, requestId: this.#requestId });
    };
    if (body.sendTo) body.sendTo(response).catch(onError);
    else pipeline(body, response, (error) => error && onError(error));
  }

  #send(status: number, headers: Record<string, string>, body: string | Uint8Array): void {
    const isHead = this.#request.method === 'HEAD';
    const hasNoBody = status === 204 || status === 304;
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    const lengthHeader =
      hasNoBody || (isHead && headers['content-length'] !== undefined) ? {} : { 'content-length': String(length) };
    this.#response.writeHead(status, { ...headers, ...lengthHeader, ...this.#idHeaders() });
    this.#response.end(isHead || hasNoBody ? undefined : body);
  }

  async #sendEvents(
    union: StructureShape,
    events: AsyncIterable<Record<string, unknown>>,
    format: 'json' | 'xml',
    first?: Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<void> {
    const response = this.#response;
    response.writeHead(200, { ...headers, 'content-type': EVENT_STREAM_CONTENT_TYPE, ...this.#idHeaders() });
    response.flushHeaders();
    if (first) response.write(first);
    const signal = this.#signal();
    try {
      for await (const event of events) {
        if (signal.aborted) break;
        if (!response.write(encodeEvent(union, event, format))) await drained(response, signal);
      }
    } catch (error) {
      if (!signal.aborted) {
        if (!(error instanceof AwsError)) this.#options.log.error('an event stream failed', { error });
        response.write(encodeStreamError(error));
      }
    }
    response.end();
  }

  #idHeaders(): Record<string, string> {
    const { requestId, hostId } = this.#ids();
    if (this.#service?.name === 's3')
      return { 'x-amz-request-id': requestId, 'x-amz-id-2': hostId, server: 'AmazonS3' };
    return { 'x-amzn-requestid': requestId };
  }

  #fail(cause: unknown): void {
    if (cause instanceof UnroutableError) {
      this.#protocol = cause.protocol;
      this.#service = cause.service;
    }
    const error = this.#asAwsError(cause);
    if (this.#response.headersSent || this.#response.destroyed) return void this.#response.destroy();
    const { requestId, hostId } = this.#ids();
    const encoded = encodeError(error, this.#protocol, this.#service, requestId, hostId);
    if (!this.#request.complete && encoded.status === 413) encoded.headers.connection = 'close';
    this.#send(encoded.status, encoded.headers, encoded.body);
  }

  #asAwsError(cause: unknown): AwsError {
    if (cause instanceof AwsError) return cause;
    if (cause instanceof SerializationError) return malformedInput(this.#protocol, this.#service, cause);
    this.#options.log.error('an operation failed', {
      error: cause,
      service: this.#service?.name,
      requestId: this.#ids().requestId,
    });
    return this.#service?.name === 's3'
      ? new AwsError('InternalError', 'We encountered an internal error. Please try again.', { status: 500 })
      : new AwsError(
          'InternalFailure',
          'The request processing has failed because of an unknown error, exception or failure.',
          { status: 500 },
        );
  }
}

function malformedInput(
  protocol: ProtocolName,
  service: BoundService | undefined,
  { message }: SerializationError,
): AwsError {
  if (protocol === 'restXml') {
    return new AwsError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
      { status: 400 },
    );
  }
  if (protocol === 'awsQuery') return new AwsError('MalformedInput', message, { status: 400 });
  if (protocol === 'restJson1' && service?.findError('InvalidRequestContentException')) {
    return new AwsError('InvalidRequestContentException', message);
  }
  return new AwsError('SerializationException', message, { status: 400 });
}

function readRequestLine(request: IncomingMessage): IncomingRequest {
  const url = request.url!;
  const at = url.indexOf('?');
  const rawQuery = at < 0 ? '' : url.slice(at + 1);
  const headers: Record<string, string | undefined> = {};
  for (const name in request.headers) {
    const value = request.headers[name];
    headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return {
    method: request.method!,
    rawPath: at < 0 ? url : url.slice(0, at),
    rawQuery,
    query: rawQuery === '' ? new URLSearchParams() : new URLSearchParams(rawQuery),
    headers,
  };
}

function contentEncodingOf({ headers }: IncomingRequest, protocol: ProtocolName): string | undefined {
  // For S3 documents the encoding is the object's affair, and no S3 request body of ours is packed.
  return protocol === 'restXml' ? undefined : headers['content-encoding'];
}

function withoutAwsChunked(encoding: string | undefined): string | undefined {
  const rest = encoding
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== 'aws-chunked')
    .join(',');
  return rest === '' ? undefined : rest;
}

function payloadHash(incoming: IncomingRequest, signature: Signature | undefined, raw: Buffer | undefined): string {
  const declared = incoming.headers['x-amz-content-sha256'];
  if (signature?.presigned) return declared ?? 'UNSIGNED-PAYLOAD';
  if (raw === undefined) return declared ?? 'UNSIGNED-PAYLOAD';
  if (declared !== undefined && !/^[0-9a-f]{64}$/.test(declared)) return declared;
  return sha256Hex(raw);
}

function checkContentHash({ headers }: IncomingRequest, raw: Buffer): void {
  const declared = headers['x-amz-content-sha256'];
  if (declared === undefined || !/^[0-9a-f]{64}$/.test(declared)) return;
  const computed = sha256Hex(raw);
  if (computed === declared) return;
  throw new AwsError(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
    {
      status: 400,
      fields: { ClientComputedContentSHA256: declared, S3ComputedContentSHA256: computed },
    },
  );
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
