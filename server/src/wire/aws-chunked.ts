// aws-chunked bodies: signed or unsigned chunks, with or without a trailer of checksums.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and …/sigv4-streaming-trailers.html

import { createHmac } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { AwsError } from '#core/errors.ts';
import { type Signature, scopeOf, sha256Hex } from './sigv4.ts';

export interface ChunkSigning {
  signature: Signature;
  signingKey: Buffer;
}

/** Longest chunk header or trailer line. */
const LONGEST_LINE = 16 * 1024;
const LARGEST_CHUNK = 2 ** 31;
const MOST_TRAILERS = 32;
const EMPTY_HASH = sha256Hex('');

/**
 * Takes the framing off. `onTrailer` sees each trailer once the last chunk has passed; with `signing` every chunk's
 * signature is verified (its bytes leave only then). Errors destroy the stream with an AwsError.
 */
export class AwsChunkedDecoder extends Transform {
  #state: 'header' | 'data' | 'data-end' | 'trailer' | 'done' = 'header';
  #pending: Buffer = Buffer.alloc(0);
  #left = 0;
  #decodedBytes = 0;
  #chunk: Buffer[] = [];
  #chunkSignature = '';
  #previousSignature: string;
  #trailerLines: string[] = [];
  readonly #expectedBytes: number | undefined;
  readonly #signing: ChunkSigning | undefined;
  readonly #onTrailer: (name: string, value: string) => void;

  constructor(options: {
    expectedBytes: number | undefined;
    signing: ChunkSigning | undefined;
    onTrailer: (name: string, value: string) => void;
  }) {
    super();
    this.#expectedBytes = options.expectedBytes;
    this.#signing = options.signing;
    this.#onTrailer = options.onTrailer;
    this.#previousSignature = options.signing?.signature.signature ?? '';
  }

  override _transform(data: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#consume(data);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      if (this.#state === 'trailer' && this.#pending.length === 0) this.#finish();
      if (this.#state !== 'done') throw incompleteBody();
      if (this.#expectedBytes !== undefined && this.#decodedBytes !== this.#expectedBytes) throw incompleteBody();
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #consume(data: Buffer): void {
    let rest: Buffer = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    this.#pending = Buffer.alloc(0);
    while (rest.length > 0) {
      if (this.#state === 'data') {
        const part = rest.subarray(0, this.#left);
        rest = rest.subarray(part.length);
        this.#left -= part.length;
        this.#decodedBytes += part.length;
        if (this.#signing) this.#chunk.push(part);
        else this.push(part);
        if (this.#left === 0) this.#state = 'data-end';
        continue;
      }
      if (this.#state === 'done') throw malformed('data after the last chunk');
      const lineEnd = rest.indexOf('\n');
      if (lineEnd < 0) {
        if (rest.length > LONGEST_LINE) throw malformed('a line is too long');
        this.#pending = rest;
        return;
      }
      const line = rest.subarray(0, lineEnd).toString('latin1').replace(/\r$/, '');
      rest = rest.subarray(lineEnd + 1);
      this.#line(line);
    }
  }

  #line(line: string): void {
    switch (this.#state) {
      case 'header': {
        const parts = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
        if (!parts) throw malformed('a chunk header cannot be read');
        const size = Number.parseInt(parts[1]!, 16);
        if (size > LARGEST_CHUNK) throw malformed('a chunk is too large');
        this.#chunkSignature = parts[2] ?? '';
        if (size === 0) {
          this.#verifyChunk();
          this.#state = 'trailer';
        } else {
          this.#left = size;
          this.#state = 'data';
        }
        return;
      }
      case 'data-end':
        if (line !== '') throw malformed('a chunk does not end where it should');
        this.#verifyChunk();
        this.#state = 'header';
        return;
      case 'trailer':
        if (line === '') this.#finish();
        else if (this.#trailerLines.push(line) > MOST_TRAILERS) throw malformed('too many trailers');
        return;
    }
  }

  #verifyChunk(): void {
    if (!this.#signing) return;
    const data = Buffer.concat(this.#chunk);
    this.#chunk = [];
    const { signature, signingKey } = this.#signing;
    const text = [
      'AWS4-HMAC-SHA256-PAYLOAD',
      signature.timestamp,
      scopeOf(signature),
      this.#previousSignature,
      EMPTY_HASH,
      sha256Hex(data),
    ].join('\n');
    const expected = createHmac('sha256', signingKey).update(text).digest('hex');
    if (expected !== this.#chunkSignature) throw signatureMismatch();
    this.#previousSignature = expected;
    if (data.length > 0) this.push(data);
  }

  #finish(): void {
    const trailers = this.#trailerLines.map((line): [string, string] => {
      const at = line.indexOf(':');
      if (at < 0) throw malformed('a trailer cannot be read');
      return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()];
    });
    if (this.#signing && trailers.length > 0) this.#verifyTrailers(this.#signing, trailers);
    for (const [name, value] of trailers) this.#onTrailer(name, value);
    this.#state = 'done';
  }

  #verifyTrailers({ signature, signingKey }: ChunkSigning, trailers: [string, string][]): void {
    const given = trailers.find(([name]) => name === 'x-amz-trailer-signature')?.[1];
    const signed = trailers
      .filter(([name]) => name !== 'x-amz-trailer-signature')
      .map(([name, value]) => `${name}:${value}\n`);
    const text = [
      'AWS4-HMAC-SHA256-TRAILER',
      signature.timestamp,
      scopeOf(signature),
      this.#previousSignature,
      sha256Hex(signed.join('')),
    ].join('\n');
    if (createHmac('sha256', signingKey).update(text).digest('hex') !== given) throw signatureMismatch();
  }
}

function malformed(detail: string): AwsError {
  return new AwsError('IncompleteBody', `The request body is not valid aws-chunked content: ${detail}.`, {
    status: 400,
  });
}

function incompleteBody(): AwsError {
  return new AwsError(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
    { status: 400 },
  );
}

function signatureMismatch(): AwsError {
  return new AwsError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    { status: 403 },
  );
}
