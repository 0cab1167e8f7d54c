// The bytes of an object, out of the one blob or the many that hold them.

import { Readable } from 'node:stream';
import type { Garbage } from '#storage/objects/garbage.ts';
import type { BlobReadable, ObjectStore } from '#storage/objects/objects.ts';
import type { ByteRange } from './range.ts';

/** A stretch of an object: a whole blob, or nothing where a part is empty. */
export interface Segment {
  blob?: string | undefined;
  size: number;
}

/** Up to here bytes are read at once instead of streamed. */
const SMALL_BYTES = 256 * 1024;

/** A blob was removed between the reading of its document and its opening: what the document said is out of date. */
export class BlobGoneError extends Error {}

/**
 * The bytes of a range of the segments together. Resolves once the first are there; throws BlobGoneError. A stream
 * stays whole even when the object is replaced while it is read.
 */
export async function readBytes(
  { objects, garbage }: { objects: ObjectStore; garbage: Garbage },
  segments: readonly Segment[],
  range: ByteRange,
): Promise<Uint8Array | Readable> {
  const pieces = piecesOf(segments, range);
  const [first] = pieces;
  if (!first) return new Uint8Array(0);
  if (pieces.length > 1) return readPieces(objects, garbage, pieces);
  if (first.isWhole && first.end <= SMALL_BYTES) {
    return objects.readAll(first.blob).catch((error) => {
      throw isGone(error) ? new BlobGoneError() : error;
    });
  }
  const stream = readPiece(objects, first);
  try {
    await stream.opened();
  } catch (error) {
    throw isGone(error) ? new BlobGoneError() : error;
  }
  return stream;
}

interface Piece {
  blob: string;
  isWhole: boolean;
  start: number;
  end: number;
}

function piecesOf(segments: readonly Segment[], { start, end }: ByteRange): Piece[] {
  const pieces: Piece[] = [];
  let offset = 0;
  for (const { blob, size } of segments) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, size);
    if (blob !== undefined && from < to) {
      pieces.push({ blob, isWhole: from === 0 && to === size, start: from, end: to });
    }
    offset += size;
  }
  return pieces;
}

/** An open file outlives its removal; blobs that are not open yet are held instead. */
async function readPieces(objects: ObjectStore, garbage: Garbage, pieces: readonly Piece[]): Promise<Readable> {
  const release = garbage.hold(pieces.map(({ blob }) => blob));
  const stream = Readable.from(chunksOf(objects, pieces), { objectMode: false, highWaterMark: SMALL_BYTES });
  stream.once('close', release);
  return opened(stream);
}

async function* chunksOf(objects: ObjectStore, pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield* readPiece(objects, piece);
}

function readPiece(objects: ObjectStore, { blob, isWhole, start, end }: Piece): BlobReadable {
  return isWhole ? objects.read(blob) : objects.read(blob, { start, end });
}

/** Waits for the first bytes, so that what cannot be opened fails while another answer is still possible. */
function opened(stream: Readable): Promise<Readable> {
  return new Promise((resolve, reject) => {
    const onReadable = () => {
      stream.off('error', onError);
      resolve(stream);
    };
    const onError = (error: Error) => {
      stream.off('readable', onReadable);
      reject(isGone(error) ? new BlobGoneError() : error);
    };
    stream.once('readable', onReadable);
    stream.once('error', onError);
  });
}

export function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
