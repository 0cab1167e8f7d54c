// Requests that are no operations of an AWS API: what a service serves under names of its own, such as function URLs.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticator, Identity } from './authenticator.ts';
import { readWholeBody } from './request-body.ts';
import { readSignature, sha256Hex } from './sigv4.ts';

/** What a service serves beside its operations. */
export interface WebSite {
  /** Whether a request is for it. Asked for every request: it has to be cheap. */
  claims(host: string, url: string, method: string): boolean;
  /** Answers the request. What it throws becomes a 500. */
  serve(exchange: WebExchange): Promise<void>;
}

export class WebExchange {
  readonly method: string;
  readonly host: string;
  /** Percent-encoded, without the query string. */
  readonly rawPath: string;
  readonly rawQuery: string;
  /** Lower case; repeated ones joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly sourceIp: string;
  readonly response: ServerResponse;
  readonly #request: IncomingMessage;
  readonly #authenticator: Authenticator;

  constructor(request: IncomingMessage, response: ServerResponse, authenticator: Authenticator) {
    this.#request = request;
    this.#authenticator = authenticator;
    this.response = response;
    this.method = request.method!;
    this.host = request.headers.host ?? '';
    const [path, ...query] = request.url!.split('?') as [string, ...string[]];
    this.rawPath = path;
    this.rawQuery = query.join('?');
    this.sourceIp = (request.socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
    }
    this.headers = headers;
  }

  /** Rejects with RequestEntityTooLargeException (413) beyond the limit. */
  readBody(limitBytes: number): Promise<Buffer> {
    return readWholeBody(this.#request, limitBytes);
  }

  /** Who signed the request; undefined when nobody did. Throws AwsError when the signature is wrong. */
  async identify(body: Buffer): Promise<Identity | undefined> {
    const query = new URLSearchParams(this.rawQuery);
    const signature = readSignature(this.#signedRequest(), query);
    if (!signature) return undefined;
    const declared = this.headers['x-amz-content-sha256'];
    const hash = signature.presigned
      ? (declared ?? sha256Hex(body))
      : declared === undefined || /^[0-9a-f]{64}$/.test(declared)
        ? sha256Hex(body)
        : declared;
    return this.#authenticator.authenticate(this.#signedRequest(), signature, false, () => hash);
  }

  /** The token of `Authorization: Bearer`. */
  get bearerToken(): string | undefined {
    return /^Bearer\s+(\S+)$/i.exec(this.headers.authorization ?? '')?.[1];
  }

  /**
   * Who signed the request or whose bearer token it carries, with the region that a signature names. Where no signature is
   * verified, also those that carry neither get in. Throws AwsError.
   */
  async authenticate(body: Buffer): Promise<Identity & { region?: string }> {
    const { bearerToken } = this;
    if (bearerToken !== undefined) return this.#authenticator.authenticateBearer(bearerToken);
    const identity = await this.identify(body);
    if (!identity) return this.#authenticator.authenticate(this.#signedRequest(), undefined, false, () => '');
    const region = readSignature(this.#signedRequest(), new URLSearchParams(this.rawQuery))?.region;
    return { ...identity, ...(region && { region }) };
  }

  #signedRequest() {
    return { method: this.method, rawPath: this.rawPath, rawQuery: this.rawQuery, headers: this.headers };
  }

  /** Answers with a whole body. */
  send(status: number, headers: Record<string, string | string[]>, body: string | Uint8Array): void {
    const hasBody = status !== 204 && status !== 304;
    const length = hasBody ? { 'content-length': Buffer.byteLength(body) } : {};
    this.response.writeHead(status, { ...headers, ...length });
    this.response.end(this.method === 'HEAD' || !hasBody ? undefined : body);
    // A body that nobody read to its end must not block the connection.
    if (!this.#request.complete) this.#request.unpipe().resume();
  }
}
