// Takes in the body of an upload: streamed into a blob, hashed as it passes, compared with what the client announced.

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import {
  type ChecksumAlgorithm,
  createHasher,
  givenChecksum,
  isBase64Of,
  parseAlgorithm,
} from './checksums/checksum.ts';
import { entityTooLarge, invalidRequest } from './errors.ts';
import { BLOB_OWNER, type S3 } from './s3.ts';

/** Of a single PUT and of a part. */
export const MAX_UPLOAD_BYTES = 5 * 1024 ** 3;
/** Bodies up to here are gathered and written in one go. */
const SMALL_BYTES = 64 * 1024;

/** The members that PutObject and UploadPart have in common. */
export interface BodyInput {
  Body?: unknown;
  ContentLength?: number | undefined;
  ContentMD5?: string | undefined;
  ChecksumAlgorithm?: string | undefined;
}

export interface ReceivedBody {
  /** Absent when the body is empty. */
  blob?: string;
  size: number;
  /** Hex. */
  md5: string;
  /** Base64, by the algorithm that was asked for. */
  checksum: string;
  /** What the client sent along, verified. */
  given?: { algorithm: ChecksumAlgorithm; value: string };
}

/**
 * The algorithm that the client announces, by a header, by a trailer to come, or (in process) by name alone; undefined
 * when it announces none. Throws InvalidRequest for what contradicts itself.
 */
export function announcedAlgorithm(input: BodyInput, context: RequestContext): ChecksumAlgorithm | undefined {
  const given = givenChecksum(input)?.algorithm;
  const trailer = trailerAlgorithm(context.headers['x-amz-trailer']);
  if (given && trailer && given !== trailer) {
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  }
  const named = input.ChecksumAlgorithm === undefined ? undefined : parseAlgorithm(input.ChecksumAlgorithm);
  const announced = given ?? trailer;
  if (named && !announced && Object.keys(context.headers).length > 0) {
    throw invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  if (named && announced && named !== announced) {
    throw invalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.');
  }
  return announced ?? named;
}

/**
 * Streams the body of `input` into a blob, computes its checksum by `algorithm` and verifies the one that the client
 * announced. Throws BadDigest, InvalidDigest, EntityTooLarge, MissingContentLength, and what wire/ found wrong with
 * the stream; then nothing is left of it.
 */
export async function receiveBody(
  s3: S3,
  input: BodyInput,
  context: RequestContext,
  algorithm: ChecksumAlgorithm,
  announced: ChecksumAlgorithm = algorithm,
): Promise<ReceivedBody> {
  checkLength(input, context);
  const expectedMd5 = acceptContentMd5(input.ContentMD5);
  const md5 = createHash('md5');
  const hasher = createHasher(algorithm);
  const verifier = announced === algorithm ? undefined : createHasher(announced);
  let size = 0;
  const body = await received(input, (chunk) => {
    size += chunk.length;
    if (size > MAX_UPLOAD_BYTES) throw entityTooLarge(size, MAX_UPLOAD_BYTES);
    md5.update(chunk);
    hasher.update(chunk);
    verifier?.update(chunk);
  });
  const blob = await body.store(s3);
  try {
    const digest = md5.digest();
    if (expectedMd5 && !expectedMd5.equals(digest)) throw badMd5(expectedMd5, digest);
    const checksum = hasher.digest().toString('base64');
    const expected = verifier ? verifier.digest().toString('base64') : checksum;
    // Trailers have become members only now that the stream has ended.
    const given = givenChecksum(input);
    const isTrailerMissing = !given && trailerAlgorithm(context.headers['x-amz-trailer']) !== undefined;
    if (isTrailerMissing || (given && given.algorithm !== announced)) throw malformedTrailer();
    if (given && given.value !== expected) throw badChecksum(announced);
    return {
      ...(blob === undefined ? {} : { blob }),
      size,
      md5: digest.toString('hex'),
      checksum,
      ...(given ? { given } : {}),
    };
  } catch (error) {
    await s3.garbage.discard(blob);
    throw error;
  }
}

interface Body {
  /** Resolves with the id of the blob once it is durable. */
  store(s3: S3): Promise<string | undefined>;
}

async function received({ Body, ContentLength }: BodyInput, onChunk: (chunk: Uint8Array) => void): Promise<Body> {
  if (Body instanceof Readable) {
    if (ContentLength !== undefined && ContentLength <= SMALL_BYTES) {
      return inMemory(await gathered(Body), onChunk);
    }
    return streamed(Body, onChunk);
  }
  if (Body === undefined || Body === null) return inMemory(new Uint8Array(0), onChunk);
  if (typeof Body === 'string') return inMemory(Buffer.from(Body), onChunk);
  if (Body instanceof Uint8Array) return inMemory(Body, onChunk);
  return streamed(Readable.from(Body as AsyncIterable<Uint8Array>, { objectMode: false }), onChunk);
}

function inMemory(bytes: Uint8Array, onChunk: (chunk: Uint8Array) => void): Body {
  onChunk(bytes);
  return {
    async store({ objects }) {
      if (bytes.length === 0) return undefined;
      return (await objects.write(bytes, undefined, { owner: BLOB_OWNER })).id;
    },
  };
}

function streamed(stream: Readable, onChunk: (chunk: Uint8Array) => void): Body {
  return {
    async store({ objects }) {
      try {
        const { id, size } = await objects.write(stream, onChunk, { owner: BLOB_OWNER });
        if (size > 0) return id;
        await objects.remove([id]);
        return undefined;
      } catch (error) {
        throw stream.errored === error ? interrupted(error) : error;
      }
    },
  };
}

async function gathered(stream: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) chunks.push(chunk);
  } catch (error) {
    throw interrupted(error);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** What wire/ found wrong stays; a broken connection is the client's affair, not a fault of Brume. */
function interrupted(error: unknown): unknown {
  if (error instanceof AwsError) return error;
  return new AwsError(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
    { status: 400, cause: error },
  );
}

function checkLength({ Body, ContentLength }: BodyInput, context: RequestContext): void {
  if (ContentLength !== undefined && ContentLength > MAX_UPLOAD_BYTES) {
    throw entityTooLarge(ContentLength, MAX_UPLOAD_BYTES);
  }
  const isOverHttp = Object.keys(context.headers).length > 0;
  if (isOverHttp && ContentLength === undefined && Body instanceof Readable) {
    throw new AwsError('MissingContentLength', 'You must provide the Content-Length HTTP header.', { status: 411 });
  }
}

function acceptContentMd5(given: string | undefined): Buffer | undefined {
  if (given === undefined) return undefined;
  if (!isBase64Of(given, 16)) {
    throw new AwsError('InvalidDigest', 'The Content-MD5 you specified was invalid.', {
      status: 400,
      fields: { 'Content-MD5': given },
    });
  }
  return Buffer.from(given, 'base64');
}

function trailerAlgorithm(trailers: string | undefined): ChecksumAlgorithm | undefined {
  const name = /x-amz-checksum-([a-z0-9]+)/i.exec(trailers ?? '')?.[1];
  return name === undefined ? undefined : parseAlgorithm(name);
}

function badMd5(expected: Buffer, calculated: Buffer): AwsError {
  return new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
    status: 400,
    fields: { ExpectedDigest: expected.toString('base64'), CalculatedDigest: calculated.toString('base64') },
  });
}

export function badChecksum(algorithm: ChecksumAlgorithm): AwsError {
  return new AwsError('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`, {
    status: 400,
  });
}

function malformedTrailer(): AwsError {
  return new AwsError(
    'MalformedTrailerError',
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
    { status: 400 },
  );
}
