// The response of a function URL whose function streams: the head goes with the first bytes, the rest as it comes.
// https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html

import type { ServerResponse } from 'node:http';
import { headOf } from './payload.ts';

/** What `HttpResponseStream.from` makes: a prelude of JSON, eight zero bytes, the body. */
const WITH_PRELUDE = 'application/vnd.awslambda.http-integration-response';
const PRELUDE_END = Buffer.alloc(8);
const LONGEST_PRELUDE_BYTES = 64 * 1024;

export class StreamedResponse {
  readonly #response: ServerResponse;
  readonly #requestId: string;
  #prelude: Buffer = Buffer.alloc(0);
  /** The prelude made no sense: what comes is dropped. */
  isInvalid = false;

  constructor(response: ServerResponse, requestId: string) {
    this.#response = response;
    this.#requestId = requestId;
  }

  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  /** The promise to wait for before more is given. */
  put(bytes: Buffer, contentType: string): Promise<void> | undefined {
    if (this.isInvalid) return undefined;
    if (this.hasBegun) return this.#write(bytes);
    if (contentType !== WITH_PRELUDE) {
      this.#begin(200, { 'content-type': contentType || 'application/octet-stream' });
      return this.#write(bytes);
    }
    this.#prelude = Buffer.concat([this.#prelude, bytes]);
    const end = this.#prelude.indexOf(PRELUDE_END);
    if (end < 0) {
      if (this.#prelude.length > LONGEST_PRELUDE_BYTES) this.isInvalid = true;
      return undefined;
    }
    const head = preludeOf(this.#prelude.toString('utf8', 0, end));
    if (!head) {
      this.isInvalid = true;
      return undefined;
    }
    this.#begin(head.status, head.headers);
    return this.#write(this.#prelude.subarray(end + PRELUDE_END.length));
  }

  /** After an error the client sees that the answer is cut short. */
  end(failed: boolean): void {
    if (failed) this.#response.destroy();
    else this.#response.end();
  }

  #begin(status: number, headers: Record<string, string | string[]>): void {
    this.#response.writeHead(status, { ...headers, 'x-amzn-requestid': this.#requestId });
    // The client may act on the head alone.
    this.#response.flushHeaders();
  }

  #write(bytes: Buffer): Promise<void> | undefined {
    const response = this.#response;
    if (bytes.length === 0 || response.destroyed || response.write(bytes)) return undefined;
    return new Promise((resolve) => {
      const proceed = () => {
        response.off('drain', proceed).off('close', proceed);
        resolve();
      };
      response.on('drain', proceed).on('close', proceed);
    });
  }
}

function preludeOf(text: string) {
  try {
    const prelude: unknown = JSON.parse(text);
    return typeof prelude === 'object' && prelude !== null ? headOf(prelude as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
