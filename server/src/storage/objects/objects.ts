// Objects: immutable blobs (S3 bodies, function code). Embedded: files. An id names a blob once and for all;
// documents refer to ids, so a blob becomes visible only when the transaction that names it commits. What a crash
// leaves of a write that was not acknowledged may stay in `list()`: only blobs that a document names are whole.

import type { Readable, Writable } from 'node:stream';

export interface ObjectStore {
  /**
   * Streams `body` in, flat in memory, and resolves once it is durable. `onChunk` sees every chunk as it
   * passes (checksums); its throw discards the blob. With an `owner` (lower-case letters and digits) the id ends in
   * `-owner`, so that each service can tell its own blobs in `list()` and sweep those that no document names.
   */
  write(
    body: Readable | Uint8Array,
    onChunk?: (chunk: Uint8Array) => void,
    options?: { owner?: string },
  ): Promise<StoredObject>;
  /** Bytes [start, end) of a blob; the whole when no range is given. The stream fails with ENOENT when the id is unknown. */
  read(id: string, range?: { start: number; end: number }): BlobReadable;
  readAll(id: string): Promise<Uint8Array>;
  /** Joins blobs into a new one (multipart completion) without passing through the heap. */
  concat(ids: string[], options?: { owner?: string }): Promise<StoredObject>;
  /** Where the blob lies as a file, for what reads it in place (function code). */
  localPath(id: string): Promise<string>;
  /** Removing what is not there is no error. */
  remove(ids: string[]): Promise<void>;
  /** Every id with its age: for the sweep of blobs that no document names. */
  list(): AsyncIterable<{ id: string; modifiedAtMs: number }>;
  reset(): Promise<void>;
}

export interface BlobReadable extends Readable {
  /** Resolves once the blob is open (it then outlives its removal), rejects when it cannot be opened. */
  opened(): Promise<void>;
  /**
   * Instead of reading from it: writes all of it to `sink` and ends that, faster than a pipe. Rejects when the blob cannot
   * be read or the sink has gone. The stream is used up either way.
   */
  sendTo(sink: Writable): Promise<void>;
}

export interface StoredObject {
  id: string;
  size: number;
}
