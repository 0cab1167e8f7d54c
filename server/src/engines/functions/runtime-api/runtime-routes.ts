// The Runtime API over HTTP, for runtimes that do not speak over the connection they inherit: provided.*, official clients.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//
// A runtime is Started until it first asks for an event, Ready while it waits, Running with one, ResponseSent until it asks again.
// What it asks for twice it gets twice: an answer may have been lost with its connection.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { LARGEST_RESPONSE_BYTES, type RuntimeRequests } from '../runtime-connection.ts';
import { accepted, invalidRequestId, invalidTransition, notFound, readBody, tooLarge } from './answers.ts';

type State = 'Started' | 'InitError' | 'Ready' | 'Running' | 'ResponseSent';

interface Event {
  requestId: string;
  headers: Record<string, string>;
  payload: Uint8Array;
}

export const RUNTIME_PREFIX = '/2018-06-01/runtime/';
const INVOCATION = /^invocation\/([^/]+)\/(response|error)$/;

/** One runtime at this API. */
export class RuntimeRoutes {
  readonly #requests: RuntimeRequests;
  #state: State = 'Started';
  #waiting: ServerResponse | undefined;
  /** Given to the runtime, or about to be. */
  #event: Event | undefined;

  constructor(requests: RuntimeRequests) {
    this.#requests = requests;
  }

  /** The answer to `next`. Header values hold no line breaks. */
  sendEvent(headers: Record<string, string>, payload: Uint8Array): void {
    this.#event = { requestId: headers['Lambda-Runtime-Aws-Request-Id']!, headers, payload };
    this.#deliver();
  }

  async serve(request: IncomingMessage, response: ServerResponse, what: string): Promise<void> {
    const [, requestId, kind] = INVOCATION.exec(what) ?? [];
    if (request.method === 'GET' && what === 'invocation/next') return this.#next(response);
    // Nothing is restored here: a runtime that asks goes on at once.
    if (request.method === 'GET' && what === 'restore/next') {
      response.writeHead(200).end();
      return;
    }
    if (request.method !== 'POST') return notFound(response);
    if (what === 'init/error' || what === 'restore/error') return this.#initError(request, response);
    if (requestId === undefined) return notFound(response);
    if (kind === 'error') return this.#error(request, response, requestId);
    return this.#response(request, response, requestId);
  }

  #next(response: ServerResponse): void {
    if (this.#state === 'InitError') {
      invalidTransition(response, this.#state, 'Ready');
      return;
    }
    this.#waiting = response;
    response.once('close', () => {
      if (this.#waiting === response) this.#waiting = undefined;
    });
    if (this.#event) {
      this.#deliver();
      return;
    }
    if (this.#state === 'Ready') return;
    this.#state = 'Ready';
    this.#requests.next();
  }

  #deliver(): void {
    const response = this.#waiting;
    if (!response || !this.#event) return;
    const { headers, payload } = this.#event;
    this.#waiting = undefined;
    this.#state = 'Running';
    response.writeHead(200, {
      'Content-Type': 'application/json',
      ...encoded(headers),
      'Content-Length': payload.byteLength,
    });
    response.end(payload);
  }

  async #response(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    if (this.#refused(response, requestId, 'InvocationResponse')) return;
    if (request.headers['lambda-runtime-function-response-mode'] === 'streaming') {
      return this.#streamed(request, response, requestId);
    }
    const body = await readBody(request, LARGEST_RESPONSE_BYTES);
    if (!body || this.#refused(response, requestId, 'InvocationResponse')) return;
    this.#answered();
    if ('tooLarge' in body) {
      tooLarge(response);
      return this.#requests.responseTooLarge(requestId, body.tooLarge);
    }
    accepted(response);
    this.#requests.response(requestId, body);
  }

  async #streamed(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const contentType = request.headers['content-type'] ?? 'application/octet-stream';
    this.#answered();
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        await this.#requests.chunk(requestId, part, contentType);
      }
    } catch {
      const body = Buffer.from(JSON.stringify({ errorType: 'Runtime.TruncatedResponse', errorMessage: '' }));
      return this.#requests.streamed(requestId, { errorType: 'Runtime.TruncatedResponse', body });
    }
    const errorType = request.trailers['lambda-runtime-function-error-type'];
    accepted(response);
    if (errorType === undefined) return this.#requests.streamed(requestId);
    const encoded = request.trailers['lambda-runtime-function-error-body'] ?? '';
    this.#requests.streamed(requestId, { errorType, body: Buffer.from(encoded, 'base64') });
  }

  async #error(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    if (this.#refused(response, requestId, 'InvocationErrorResponse')) return;
    const body = await readBody(request, LARGEST_RESPONSE_BYTES);
    if (!body || this.#refused(response, requestId, 'InvocationErrorResponse')) return;
    this.#answered();
    if ('tooLarge' in body) {
      tooLarge(response);
      return this.#requests.responseTooLarge(requestId, body.tooLarge);
    }
    accepted(response);
    this.#requests.error(requestId, body, errorTypeOf(request));
  }

  async #initError(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, LARGEST_RESPONSE_BYTES);
    if (!body) return;
    if (this.#state !== 'Started') return invalidTransition(response, this.#state, 'InitError');
    this.#state = 'InitError';
    accepted(response);
    this.#requests.initError('tooLarge' in body ? Buffer.alloc(0) : body, errorTypeOf(request));
  }

  /** Whether it was answered already that nothing is due, or for another invocation. */
  #refused(response: ServerResponse, requestId: string, state: string): boolean {
    if (this.#state !== 'Running') invalidTransition(response, this.#state, state);
    else if (this.#event?.requestId !== requestId) invalidRequestId(response);
    else return false;
    return true;
  }

  #answered(): void {
    this.#state = 'ResponseSent';
    this.#event = undefined;
  }
}

/** Header values are bytes to HTTP: text beyond ASCII travels as UTF-8. */
function encoded(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
  );
}

/** As Lambda has it when the runtime names none. */
function errorTypeOf(request: IncomingMessage): string {
  return String(request.headers['lambda-runtime-function-error-type'] ?? 'Runtime.Unknown');
}
