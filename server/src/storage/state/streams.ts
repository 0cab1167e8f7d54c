// Streams in SQLite: records clustered by (partition, sequence).

import type { Connection } from './connection.ts';
import type { Session } from './session.ts';
import type { StreamReader, StreamRecord, StreamWriter } from './state.ts';

interface Partition {
  id: number;
  trimmedThrough: number;
}

export class SqliteStreams implements StreamReader, StreamWriter {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async read(stream: string, partition: string, afterSequence: number, limit: number): Promise<StreamRecord[]> {
    const connection = this.#session.read();
    const found = findPartition(connection, stream, partition);
    if (!found) return [];
    const records = connection.all<StreamRecord>(
      `SELECT sequence, appended_at AS appendedAtMs, data FROM stream_records
       WHERE partition_id = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
      found.id,
      afterSequence,
      limit,
    );
    return records.map((record) => ({ ...record }));
  }

  async lastSequence(stream: string, partition: string): Promise<number> {
    const connection = this.#session.read();
    const found = findPartition(connection, stream, partition);
    return found ? lastSequence(connection, found) : 0;
  }

  async append(stream: string, partition: string, data: string[], nowMs: number): Promise<number[]> {
    if (data.length === 0) return [];
    const connection = this.#session.write();
    const found = findPartition(connection, stream, partition) ?? addPartition(connection, stream, partition);
    let sequence = lastSequence(connection, found);
    this.#session.noteStream(stream);
    return data.map((record) => {
      sequence++;
      connection.run(
        'INSERT INTO stream_records (partition_id, sequence, appended_at, data) VALUES (?, ?, ?, ?)',
        found.id,
        sequence,
        nowMs,
        record,
      );
      return sequence;
    });
  }

  async trim(stream: string, beforeMs: number): Promise<number> {
    let trimmed = 0;
    for (const partition of partitionsOf(this.#session.read(), stream)) {
      trimmed += this.#trimPartition(partition, beforeMs);
    }
    return trimmed;
  }

  /** From the oldest on up to the first record to keep, so that what is left has no gaps. */
  #trimPartition(partition: Partition, beforeMs: number): number {
    const connection = this.#session.read();
    const firstKept = connection.get<{ sequence: number }>(
      'SELECT sequence FROM stream_records WHERE partition_id = ? AND appended_at >= ? ORDER BY sequence LIMIT 1',
      partition.id,
      beforeMs,
    )?.sequence;
    const through = firstKept === undefined ? lastSequence(connection, partition) : firstKept - 1;
    if (through <= partition.trimmedThrough) return 0;
    this.#session.change('UPDATE stream_partitions SET trimmed_through = ? WHERE id = ?', through, partition.id);
    return this.#session.change(
      'DELETE FROM stream_records WHERE partition_id = ? AND sequence <= ?',
      partition.id,
      through,
    );
  }

  async deleteStream(stream: string): Promise<void> {
    for (const partition of partitionsOf(this.#session.read(), stream)) {
      this.#session.change('DELETE FROM stream_records WHERE partition_id = ?', partition.id);
      this.#session.change('DELETE FROM stream_partitions WHERE id = ?', partition.id);
    }
  }
}

const PARTITION = 'SELECT id, trimmed_through AS trimmedThrough FROM stream_partitions';

function partitionsOf(connection: Connection, stream: string): Partition[] {
  return connection.all<Partition>(`${PARTITION} WHERE stream = ? ORDER BY partition`, stream);
}

function findPartition(connection: Connection, stream: string, partition: string): Partition | undefined {
  return connection.get<Partition>(`${PARTITION} WHERE stream = ? AND partition = ?`, stream, partition);
}

function addPartition(connection: Connection, stream: string, partition: string): Partition {
  return connection.get<Partition>(
    'INSERT INTO stream_partitions (stream, partition) VALUES (?, ?) RETURNING id, trimmed_through AS trimmedThrough',
    stream,
    partition,
  )!;
}

function lastSequence(connection: Connection, partition: Partition): number {
  const last = connection.get<{ last: number | null }>(
    'SELECT max(sequence) AS last FROM stream_records WHERE partition_id = ?',
    partition.id,
  )!.last;
  return last ?? partition.trimmedThrough;
}
