// An HTTP/1.1 client that costs next to nothing: requests are bytes made beforehand, written to a kept-alive socket;
// of the answer only status, length and body are looked at. One request at a time a connection.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  status: number;
  /** Empty when the request asked to discard it. */
  body: Buffer;
  bodyBytes: number;
}

interface Pending {
  socket: Socket;
  resolve(answer: Answer): void;
  reject(error: Error): void;
  discard: boolean;
}

export class LightConnection {
  readonly #hostname: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #pending: Pending | undefined;
  #head: Buffer = Buffer.alloc(0);
  #answer: { status: number; expected: number; received: number; chunks: Buffer[]; chunked: boolean } | undefined;

  private constructor(endpoint: string) {
    const { hostname, port } = new URL(endpoint);
    this.#hostname = hostname;
    this.#port = Number(port);
  }

  static async open(endpoint: string): Promise<LightConnection> {
    const connection = new LightConnection(endpoint);
    connection.#socket = await connection.#connect();
    return connection;
  }

  /** Sends the whole of a request; several buffers spare the copy of a large body. */
  async send(request: Uint8Array | readonly Uint8Array[], discard = false): Promise<Answer> {
    // Some servers close after each answer (moto's does); Brume keeps the connection.
    this.#socket ??= await this.#connect();
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      this.#pending = { socket, resolve, reject, discard };
      socket.cork();
      for (const part of request instanceof Uint8Array ? [request] : request) socket.write(part);
      socket.uncork();
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #connect(): Promise<Socket> {
    const socket = connect(this.#port, this.#hostname);
    await once(socket, 'connect');
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    const fail = (error: Error) => {
      if (this.#socket === socket) this.#socket = undefined;
      if (this.#pending?.socket === socket) this.#pending.reject(error);
    };
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the server closed the connection')));
    return socket;
  }

  #take(chunk: Buffer): void {
    if (!this.#answer) {
      this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#head.toString('latin1', 0, end);
      const rest = this.#head.subarray(end + 4);
      this.#head = Buffer.alloc(0);
      const status = Number(head.slice(9, 12));
      if (status === 100) {
        if (rest.length > 0) this.#take(rest);
        return;
      }
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      if (/^HTTP\/1\.0|\r\nconnection: *close/i.test(head)) this.#socket = undefined;
      const chunked = /\r\ntransfer-encoding: *chunked/i.test(head);
      const expected = length === undefined ? (chunked ? Number.POSITIVE_INFINITY : 0) : Number(length);
      this.#answer = { status, expected, received: 0, chunks: [], chunked };
      chunk = rest;
    }
    const answer = this.#answer;
    answer.received += chunk.length;
    if (!this.#pending!.discard || answer.chunked) answer.chunks.push(chunk);
    const complete = answer.chunked
      ? chunk.subarray(-5).toString('latin1') === '0\r\n\r\n'
      : answer.received >= answer.expected;
    if (!complete) return;
    this.#answer = undefined;
    const pending = this.#pending!;
    this.#pending = undefined;
    const body = answer.chunks.length === 1 ? answer.chunks[0]! : Buffer.concat(answer.chunks);
    pending.resolve({
      status: answer.status,
      body: answer.chunked ? joinChunks(body) : body,
      bodyBytes: answer.received,
    });
  }
}

function joinChunks(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (!size) return Buffer.concat(parts);
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

/** The bytes of a request signed for `service` by account 000000000000 with a signature that nobody checks. */
export function requestHead(
  endpoint: string,
  method: string,
  path: string,
  service: string,
  headers: Record<string, string | number>,
): Buffer {
  const all = {
    Host: new URL(endpoint).host,
    Authorization: `AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
    'X-Amz-Date': '20260101T000000Z',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}

/** A whole request of an awsJson service. */
export function jsonRequest(endpoint: string, service: string, target: string, version: string, input: object): Buffer {
  const body = Buffer.from(JSON.stringify(input));
  const head = requestHead(endpoint, 'POST', '/', service, {
    'Content-Type': `application/x-amz-json-${version}`,
    'X-Amz-Target': target,
    'Content-Length': body.length,
  });
  return Buffer.concat([head, body]);
}
