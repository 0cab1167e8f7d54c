// Reading bodies: whole and bounded, unpacked; or as a stream, with aws-chunked framing taken off and hashes checked.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable, Transform } from 'node:stream';
import { gunzip } from 'node:zlib';
import { AwsError } from '#core/errors.ts';
import { AwsChunkedDecoder, type ChunkSigning } from './aws-chunked.ts';
import { SerializationError } from './serialization-error.ts';

const EMPTY = Buffer.alloc(0);

/**
 * Memory for large bodies, used again: fresh memory for each would make the collector run by the megabytes that pass, and cost
 * its pages. Only for bodies of which nothing is kept once they are decoded.
 */
export class BodyBuffers {
  readonly #free: Buffer[] = [];

  take(size: number): Buffer {
    for (let i = 0; i < this.#free.length; i++) if (this.#free[i]!.length >= size) return this.#free.splice(i, 1)[0]!;
    return Buffer.allocUnsafeSlow(Math.max(size, USUAL_LARGE_BODY));
  }

  give(body: Buffer): void {
    const whole = Buffer.from(body.buffer);
    if (whole.length === USUAL_LARGE_BODY && this.#free.length < MOST_FREE_BUFFERS) this.#free.push(whole);
  }
}

/** Up to this a body is put together from its chunks. */
const SMALL_BODY = 64 * 1024;
/** PutLogEvents with its escapes, and PutMetricData. */
const USUAL_LARGE_BODY = 2 * 1024 * 1024;
const MOST_FREE_BUFFERS = 8;

/** With `buffers`, a large body is in one of them: give it back. */
export async function readWholeBody(
  request: IncomingMessage,
  limitBytes: number,
  buffers?: BodyBuffers,
): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN);
  if (declared === 0) return EMPTY;
  if (declared > limitBytes) throw tooLarge(limitBytes);
  const chunks: Buffer[] = [];
  const buffer = declared > SMALL_BODY && declared <= USUAL_LARGE_BODY ? buffers?.take(declared) : undefined;
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > limitBytes) {
        request.removeAllListeners('data');
        reject(tooLarge(limitBytes));
      } else if (buffer) chunk.copy(buffer, length - chunk.length);
      else chunks.push(chunk);
    });
    request.on('end', resolve);
    request.on('error', reject);
    request.on('close', () => {
      if (!request.complete)
        reject(new AwsError('RequestAborted', 'The client closed the connection.', { status: 400 }));
    });
  });
  if (buffer) return buffer.subarray(0, length);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
}

export function unpack(
  body: Buffer,
  contentEncoding: string | undefined,
  limitBytes: number,
): Buffer | Promise<Buffer> {
  if (!contentEncoding || contentEncoding === 'identity' || contentEncoding === 'aws-chunked') return body;
  if (contentEncoding !== 'gzip' && contentEncoding !== 'x-gzip')
    throw new SerializationError(`Unsupported content encoding ${contentEncoding}`);
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: limitBytes }, (error, unpacked) => {
      if (!error) resolve(unpacked);
      else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') reject(tooLarge(limitBytes));
      else reject(new SerializationError('The request body is not valid gzip'));
    });
  });
}

export interface StreamedBody {
  stream: Readable;
  /** Decoded length where the client told it. */
  length: number | undefined;
}

/** Trailers reach `onTrailer` before the stream ends. */
export function streamBody(
  request: IncomingMessage,
  signing: ChunkSigning | undefined,
  onTrailer: (name: string, value: string) => void,
): StreamedBody {
  const hash = header(request, 'x-amz-content-sha256') ?? '';
  const isChunked =
    hash.startsWith('STREAMING-') || (header(request, 'content-encoding') ?? '').includes('aws-chunked');
  const length = numberOrUndefined(header(request, isChunked ? 'x-amz-decoded-content-length' : 'content-length'));
  if (isChunked) {
    const verifies = signing && hash.startsWith('STREAMING-AWS4-HMAC-SHA256');
    const decoder = new AwsChunkedDecoder({
      expectedBytes: length,
      signing: verifies ? signing : undefined,
      onTrailer,
    });
    return { stream: pipeline(request, decoder, ignore), length };
  }
  if (/^[0-9a-f]{64}$/.test(hash)) return { stream: pipeline(request, hashCheck(hash), ignore), length };
  return { stream: request, length };
}

function hashCheck(expected: string): Transform {
  const hash = createHash('sha256');
  return new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      const computed = hash.digest('hex');
      if (computed === expected) return done();
      done(
        new AwsError(
          'XAmzContentSHA256Mismatch',
          "The provided 'x-amz-content-sha256' header does not match what was computed.",
          {
            status: 400,
            fields: { ClientComputedContentSHA256: expected, S3ComputedContentSHA256: computed },
          },
        ),
      );
    },
  });
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

function numberOrUndefined(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** The reader of the stream sees its errors. */
function ignore(): void {}

function tooLarge(limitBytes: number): AwsError {
  return new AwsError('RequestEntityTooLarge', `Request size exceeded the limit of ${limitBytes} bytes.`, {
    status: 413,
  });
}
