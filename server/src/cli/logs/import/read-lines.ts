// The lines of a file, plain or compressed (gzip, zstd: told by their first bytes, not by the name).

import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { UsageError } from '../usage-error.ts';
import { isJsonList, JsonListSplitter } from './json-list.ts';

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const CHUNK_BYTES = 256 * 1024;
/** UTF-16 units; a longer line is given in pieces, each of which fits into an event (3 bytes of UTF-8 for a unit). */
const LONGEST_LINE = 340_000;

/**
 * Batches of lines without their ends; with `splitsLists` the objects of a file that is one JSON list. `onBytes` is told how
 * many bytes of the file were read, as it goes.
 */
export async function* readLines(
  path: string,
  splitsLists: boolean,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string[]> {
  const source = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let list: JsonListSplitter | undefined;
  let isFirst = true;
  for await (const chunk of decompressed(source, path === '-' ? 'Standard input' : path, onBytes)) {
    const text = decoder.write(chunk as Buffer);
    if (isFirst && splitsLists && isJsonList(text)) list = new JsonListSplitter();
    isFirst = false;
    if (list) {
      const objects = list.push(text);
      if (objects.length > 0) yield objects.flatMap(pieces);
      continue;
    }
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    if (rest.length > LONGEST_LINE) {
      lines.push(rest);
      rest = '';
    }
    yield lines.flatMap(pieces);
  }
  list?.finish();
  rest += decoder.end();
  if (rest !== '') yield pieces(rest);
}

/** The bytes of a source, unpacked where its first ones say that it is packed. */
async function* decompressed(
  source: Readable,
  name: string,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  let first = Buffer.alloc(0);
  while (first.length < ZSTD.length) {
    const { value, done } = await chunks.next();
    if (done) break;
    onBytes(value.length);
    first = Buffer.concat([first, value]);
  }
  const whole = async function* () {
    yield first;
    for (;;) {
      const { value, done } = await chunks.next();
      if (done) return;
      onBytes(value.length);
      yield value;
    }
  };
  const begins = (magic: readonly number[]) => magic.every((byte, i) => first[i] === byte);
  if (!begins(GZIP) && !begins(ZSTD)) {
    yield* whole();
    return;
  }
  const decompress = begins(GZIP) ? createGunzip() : createZstdDecompress();
  const piped = pipeline(whole, decompress);
  // What fails surfaces in the loop below, and here again.
  piped.catch(() => {});
  try {
    yield* decompress;
    await piped;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('Z')) throw error;
    throw new UsageError(`${name} cannot be unpacked to its end (${message}): it is cut off or damaged.`);
  }
}

function pieces(line: string): string[] {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text.length <= LONGEST_LINE) return [text];
  const count = Math.ceil(text.length / LONGEST_LINE);
  return Array.from({ length: count }, (_, i) => text.slice(i * LONGEST_LINE, (i + 1) * LONGEST_LINE));
}
