// The server's end of the Lambda Runtime API: HTTP/1.1 on one connection to one runtime, parsed by hand because every
// invocation passes here twice. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//
// Answers leave in the order of the requests. A runtime that sends its result and asks for the next event in one write
// gets the acknowledgement together with that event: one write and one wake-up each way per invocation.

import type { Duplex } from 'node:stream';

/** What a runtime says. Bodies are whole. */
export interface RuntimeRequests {
  /** It waits for an event; `sendEvent` gives it one. */
  next(): void;
  response(requestId: string, body: Buffer): void;
  /** A response that is larger than allowed; its body was thrown away. */
  responseTooLarge(requestId: string, size: number): void;
  error(requestId: string, body: Buffer, errorType: string): void;
  /** A stretch of a response that comes as it is made, of the type that its head named; what follows waits for the promise. */
  chunk(requestId: string, bytes: Buffer, contentType: string): Promise<void> | undefined;
  /** The end of such a response; with the error that cut it short. */
  streamed(requestId: string, error?: { errorType: string; body: Buffer }): void;
  initError(body: Buffer, errorType: string): void;
  /** One that was started ahead of its function waits for it; `sendEvent` gives it the environment variables. */
  assignment?(body: Buffer): void;
  /** The process behind this connection ended, as a shell tells it; another one of the runtime says so. */
  exited?(status: number): void;
}

/** What a function may return: 6 MB and a little. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const LARGEST_RESPONSE_BYTES = 6_291_556;
const LONGEST_HEAD_BYTES = 64 * 1024;
const PREFIX = '/2018-06-01/runtime/';
const HEAD_END = Buffer.from('\r\n\r\n');
const NO_BYTES = Buffer.alloc(0);

interface Head {
  method: string;
  path: string;
  contentLength: number;
  errorType: string;
  /** The body comes in chunks, its end in trailers: a streamed response. */
  chunked: boolean;
  contentType: string;
}

interface Stream {
  requestId: string;
  contentType: string;
  /** What is still to come of the chunk at hand; 0 before its line end, undefined between chunks. */
  wanted: number | undefined;
}

export class RuntimeConnection {
  readonly #socket: Duplex;
  readonly #requests: RuntimeRequests;
  #input: Buffer = NO_BYTES;
  #head: Head | undefined;
  #body: Buffer = NO_BYTES;
  #bodyFilled = 0;
  /** Answers that wait for what else is due: at the end of the input at hand, or with the event that was asked for. */
  #due = '';
  #asked = false;
  #stream: Stream | undefined;

  constructor(socket: Duplex, requests: RuntimeRequests) {
    this.#socket = socket;
    this.#requests = requests;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // A runtime that died is noticed by its exit.
    socket.on('error', () => {});
  }

  /** The answer to `next`. Header values hold no line breaks. */
  sendEvent(headers: Record<string, string>, payload: Uint8Array): void {
    let head = `${this.#due}HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n`;
    this.#due = '';
    this.#asked = false;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    head += `Content-Length: ${payload.byteLength}\r\n\r\n`;
    this.#socket.write(Buffer.concat([Buffer.from(head), payload]));
  }

  #receive(chunk: Buffer): void {
    let input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    while (input.length > 0) {
      if (this.#stream) {
        const rest = this.#readChunk(this.#stream, input);
        if (!rest) break;
        input = rest;
        continue;
      }
      if (!this.#head) {
        const end = input.indexOf(HEAD_END);
        if (end < 0) {
          if (input.length > LONGEST_HEAD_BYTES) input = this.#refuse('431 Request Header Fields Too Large');
          break;
        }
        const head = parseHead(input.toString('latin1', 0, end));
        if (!head) {
          input = this.#refuse('400 Bad Request');
          break;
        }
        input = input.subarray(end + HEAD_END.length);
        if (head.chunked) {
          const requestId = /^invocation\/([^/]+)\/response$/.exec(head.path.slice(PREFIX.length))?.[1];
          if (head.method !== 'POST' || requestId === undefined) {
            input = this.#refuse('400 Bad Request');
            break;
          }
          this.#stream = { requestId, contentType: head.contentType, wanted: undefined };
          continue;
        }
        this.#head = head;
        this.#bodyFilled = 0;
        this.#body = head.contentLength <= LARGEST_RESPONSE_BYTES ? Buffer.allocUnsafe(head.contentLength) : NO_BYTES;
      }
      const wanted = this.#head.contentLength - this.#bodyFilled;
      const part = input.length > wanted ? input.subarray(0, wanted) : input;
      if (this.#body.length > 0) part.copy(this.#body, this.#bodyFilled);
      this.#bodyFilled += part.length;
      input = input.subarray(part.length);
      if (this.#bodyFilled < this.#head.contentLength) break;
      const head = this.#head;
      this.#head = undefined;
      this.#dispatch(head, this.#body);
    }
    this.#input = input;
    if (this.#due === '' || this.#asked) return;
    this.#socket.write(this.#due);
    this.#due = '';
  }

  /** What is left after one chunk, or a part of one; undefined when more has to come, or to be waited for. */
  #readChunk(stream: Stream, input: Buffer): Buffer | undefined {
    if (stream.wanted === undefined) {
      const end = input.indexOf('\r\n');
      if (end < 0) return undefined;
      const size = Number.parseInt(input.toString('latin1', 0, end), 16);
      if (!(size >= 0)) return this.#refuse('400 Bad Request');
      if (size > 0) {
        stream.wanted = size;
        return input.subarray(end + 2);
      }
      // Trailers, if any, end with an empty line.
      const trailersEnd = input.indexOf('\r\n\r\n', end);
      if (trailersEnd < 0) return undefined;
      this.#endStream(stream.requestId, input.toString('latin1', end + 2, trailersEnd));
      return input.subarray(trailersEnd + 4);
    }
    if (stream.wanted > 0) {
      const part = input.subarray(0, stream.wanted);
      stream.wanted -= part.length;
      const handled = this.#requests.chunk(stream.requestId, Buffer.from(part), stream.contentType);
      if (handled) {
        this.#socket.pause();
        handled.finally(() => this.#socket.resume());
      }
      return input.subarray(part.length);
    }
    if (input.length < 2) return undefined;
    stream.wanted = undefined;
    return input.subarray(2);
  }

  #endStream(requestId: string, trailers: string): void {
    this.#stream = undefined;
    this.#due += ACCEPTED;
    const fields = new Map(
      trailers.split('\r\n').map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
    );
    const errorType = fields.get('lambda-runtime-function-error-type');
    if (errorType === undefined) this.#requests.streamed(requestId);
    else {
      const body = Buffer.from(fields.get('lambda-runtime-function-error-body') ?? '', 'base64');
      this.#requests.streamed(requestId, { errorType, body });
    }
  }

  #dispatch(head: Head, body: Buffer): void {
    const what = head.path.startsWith(PREFIX) ? head.path.slice(PREFIX.length) : '';
    const [, requestId, kind] = /^invocation\/([^/]+)\/(response|error)$/.exec(what) ?? [];
    if (head.method === 'GET' && what === 'invocation/next') {
      this.#asked = true;
      this.#requests.next();
    } else if (head.method === 'POST' && what === 'assignment' && this.#requests.assignment) {
      this.#asked = true;
      this.#requests.assignment(body);
    } else if (head.method === 'POST' && what === 'exited' && this.#requests.exited) {
      this.#requests.exited(Number(body.toString('latin1')));
    } else if (head.method === 'POST' && what === 'init/error') {
      this.#due += ACCEPTED;
      this.#requests.initError(body, head.errorType);
    } else if (head.method !== 'POST' || requestId === undefined) {
      this.#due += status('404 Not Found');
    } else if (head.contentLength > LARGEST_RESPONSE_BYTES) {
      this.#due += status('413 Payload Too Large');
      this.#requests.responseTooLarge(requestId, head.contentLength);
    } else {
      this.#due += ACCEPTED;
      if (kind === 'response') this.#requests.response(requestId, body);
      else this.#requests.error(requestId, body, head.errorType);
    }
  }

  /** Nothing that follows could be understood. */
  #refuse(answer: string): Buffer {
    this.#socket.end(status(answer));
    return NO_BYTES;
  }
}

const ACCEPTED = status('202 Accepted');

function status(line: string): string {
  return `HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`;
}

function parseHead(text: string): Head | undefined {
  const lines = text.split('\r\n');
  const [method, path, version] = lines[0]!.split(' ');
  if (!method || !path || !version?.startsWith('HTTP/1.')) return undefined;
  let contentLength = 0;
  let errorType = '';
  let chunked = false;
  let contentType = '';
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index]!;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'content-length') contentLength = Number(value);
    else if (name === 'lambda-runtime-function-error-type') errorType = value;
    else if (name === 'content-type') contentType = value;
    else if (name === 'transfer-encoding') {
      if (value.toLowerCase() !== 'chunked') return undefined;
      chunked = true;
    }
  }
  if (!Number.isSafeInteger(contentLength) || contentLength < 0) return undefined;
  return { method, path, contentLength, errorType, chunked, contentType };
}
