// The write-ahead log of one table: segment files of frames. Appends encode at once into a buffer; all that
// came while the disk was busy goes out in one write and one fdatasync and is then acknowledged. A closed
// segment is read by ClickHouse as it lies and then deleted: a segment file that exists is one whose rows may
// be missing from the table. Decision 0002 says why it is built so.

import { close, constants, fdatasync, ftruncate, open as openFile, type PathLike, write } from 'node:fs';
import { open, readdir, readFile, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from '#core/log.ts';
import { RowBinaryBuffer } from './row-binary.ts';
import type { SegmentNumbers } from './segment-numbers.ts';
import { encodeFrame, type FrameEncoder, findValidPrefix, type TelemetryTable } from './tables.ts';
import type { AppendedRows } from './telemetry.ts';

/**
 * Where the system has it, each write is its own fdatasync: one trip to the thread pool instead of two, a quarter
 * less CPU. Not on macOS, whose O_DSYNC leaves the drive's cache alone, unlike libuv's fdatasync.
 */
const SYNCED_WRITES = process.platform === 'linux' ? constants.O_DSYNC : 0;
/** One that fills while another is written, and as many for a segment that closes meanwhile. */
const MAX_SPARE_BUFFERS = 4;

export interface SegmentLogOptions {
  dir: string;
  durable: boolean;
  numbers: SegmentNumbers;
  log: Logger;
}

/** A segment that takes no more rows. */
export interface ClosedSegment {
  number: number;
  path: string;
  rows: number;
  bytes: number;
  /** The file may go on after `bytes`, because a failed write could not be cut off. */
  tornEnd: boolean;
}

/** Segment files of one table in `dir`, named TABLE-NUMBER.segment, or TABLE-NUMBER.FORM.segment where the form of frames has changed. */
export class SegmentLog<Batch> {
  readonly table: TelemetryTable<Batch>;
  readonly #options: SegmentLogOptions;
  readonly #spareBuffers: RowBinaryBuffer[] = [];
  #open: OpenSegment<Batch> | undefined;

  constructor(table: TelemetryTable<Batch>, options: SegmentLogOptions) {
    this.table = table;
    this.#options = options;
  }

  /** Bytes in the open segment, written or not; 0 when there is none. */
  get openBytes(): number {
    return this.#open?.bytes ?? 0;
  }

  /** Whether the open segment should take no more: it is full, or a write of it failed. */
  mustRotate(maxBytes: number): boolean {
    return this.#open !== undefined && (this.#open.bytes >= maxBytes || this.#open.failed);
  }

  /** Encodes now; resolves once durable. Rejects when the batch cannot be encoded. */
  append(batch: Batch): Promise<AppendedRows> {
    this.#open ??= new OpenSegment(this.table, this.#options.numbers.next(), this.#options, this.#spareBuffers);
    return this.#open.append(batch);
  }

  /** Closes the open segment: what comes from now on goes into the next. Resolves once its last row is on disk. */
  async rotate(): Promise<ClosedSegment | undefined> {
    const segment = this.#open;
    this.#open = undefined;
    const closed = await segment?.finish();
    // Under load they are kept, however large; when nothing comes any more their memory goes.
    if (!this.#open) this.#spareBuffers.length = 0;
    return closed && closed.rows > 0 ? closed : undefined;
  }

  /** The segments that an earlier process left, oldest first, each cut back to its valid prefix. */
  async recover(): Promise<ClosedSegment[]> {
    const { dir, log } = this.#options;
    const segments: ClosedSegment[] = [];
    for (const name of await readdir(dir)) {
      const number = segmentNumber(this.table.name, name);
      if (number === undefined) continue;
      const path = join(dir, name);
      const bytes = await readFile(path);
      const valid = findValidPrefix(bytes, number);
      if (valid.bytes < bytes.length) {
        log.warn('cut the torn end of a telemetry segment', {
          segment: name,
          rowsKept: valid.rows,
          bytesKept: valid.bytes,
          bytesCut: bytes.length - valid.bytes,
        });
        await truncateDurably(path, valid.bytes);
      }
      if (valid.rows === 0) await unlink(path);
      else segments.push({ number, path, ...valid, tornEnd: false });
    }
    return segments.sort((a, b) => a.number - b.number);
  }
}

/** The number in a segment's file name, or undefined when the file is not a segment of this table. */
export function segmentNumber(table: string, fileName: string): number | undefined {
  const match = /^(\w+)-(\d+)(?:\.\d+)?\.segment$/.exec(fileName);
  return match && match[1] === table ? Number(match[2]) : undefined;
}

export async function syncDirectory(dir: PathLike): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function truncateDurably(path: string, length: number): Promise<void> {
  await truncate(path, length);
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

interface Waiting {
  rows: AppendedRows;
  resolve(rows: AppendedRows): void;
  reject(error: unknown): void;
}

class OpenSegment<Batch> {
  readonly number: number;
  bytes = 0;
  readonly #table: TelemetryTable<Batch>;
  readonly #encode: FrameEncoder<Batch>;
  readonly #options: SegmentLogOptions;
  readonly #path: string;
  readonly #spareBuffers: RowBinaryBuffer[];
  #buffer: RowBinaryBuffer;
  #waiting: Waiting[] = [];
  #rows = 0;
  /** What is on disk and acknowledged. */
  #committed = { bytes: 0, rows: 0 };
  /** Why a write failed: the file ends at `#committed` and takes nothing more. */
  #failure: unknown;
  #tornEnd = false;
  #file: number | undefined;
  #writing: Promise<void> | undefined;

  constructor(
    table: TelemetryTable<Batch>,
    number: number,
    options: SegmentLogOptions,
    spareBuffers: RowBinaryBuffer[],
  ) {
    this.#table = table;
    this.#encode = table.encoder();
    this.number = number;
    this.#options = options;
    this.#path = join(options.dir, `${table.name}-${number}${table.segmentSuffix}`);
    this.#spareBuffers = spareBuffers;
    this.#buffer = spareBuffers.pop() ?? new RowBinaryBuffer();
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  append(batch: Batch): Promise<AppendedRows> {
    const before = this.#buffer.length;
    const segment = this.number;
    const rowCount = this.#table.rowCount(batch);
    const firstRow = encodeFrame(this.#buffer, { segment, firstRow: this.#rows, rowCount }, this.#encode, batch);
    this.bytes += this.#buffer.length - before;
    this.#rows += rowCount;
    this.#writing ??= this.#writeAll();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows: { segment, firstRow }, resolve, reject });
    });
  }

  async finish(): Promise<ClosedSegment> {
    await this.#writing;
    // All that counts is written and synced by now.
    if (this.#file !== undefined) close(this.#file, () => {});
    if (this.#file !== undefined && this.#committed.rows === 0) await unlink(this.#path).catch(() => {});
    this.#spare(this.#buffer);
    return { number: this.number, path: this.#path, ...this.#committed, tornEnd: this.#tornEnd };
  }

  /** Writes groups until none waits. Starts one microtask late, so appends of the same tick share a group. */
  async #writeAll(): Promise<void> {
    await undefined;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      const buffer = this.#buffer;
      this.#waiting = [];
      this.#buffer = this.#spareBuffers.pop() ?? new RowBinaryBuffer();
      const rows = this.#rows;
      try {
        if (this.failed) throw this.#failure;
        await this.#write(buffer);
        this.#committed = { bytes: this.#committed.bytes + buffer.length, rows };
        for (const { rows, resolve } of group) resolve(rows);
      } catch (error) {
        await this.#giveUp(error);
        for (const { reject } of group) reject(error);
      }
      this.#spare(buffer);
    }
    this.#writing = undefined;
  }

  #spare(buffer: RowBinaryBuffer): void {
    buffer.reset();
    if (this.#spareBuffers.length < MAX_SPARE_BUFFERS) this.#spareBuffers.push(buffer);
  }

  async #write(buffer: RowBinaryBuffer): Promise<void> {
    const { dir, durable } = this.#options;
    const created = this.#file === undefined;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (durable ? SYNCED_WRITES : 0);
    this.#file ??= await promisify(openFile)(this.#path, flags);
    let position = this.#committed.bytes;
    for (let offset = 0; offset < buffer.length; ) {
      const written = await writeSome(this.#file, buffer.bytes, offset, buffer.length - offset, position);
      offset += written;
      position += written;
    }
    if (!durable) return;
    if (!SYNCED_WRITES) await promisify(fdatasync)(this.#file);
    if (created) await syncDirectory(dir);
  }

  /** After a failed write nothing is known of the file's end, so the segment ends where it was last durable. */
  async #giveUp(error: unknown): Promise<void> {
    if (this.failed) return;
    this.#failure = error;
    this.#options.log.error('a telemetry segment could not be written', { segment: this.#path, error });
    try {
      if (this.#file !== undefined) await promisify(ftruncate)(this.#file, this.#committed.bytes);
    } catch (truncateError) {
      this.#tornEnd = true;
      this.#options.log.error('a failed telemetry segment could not be cut back', {
        segment: this.#path,
        error: truncateError,
      });
    }
  }
}

/** Bytes written; fs.write by hand, because FileHandle costs a tenth more CPU. */
function writeSome(file: number, bytes: Buffer, offset: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, bytes, offset, length, position, (error, written) => (error ? reject(error) : resolve(written)));
  });
}
