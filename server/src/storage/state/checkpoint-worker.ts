// The thread that copies the WAL into state.db, so that neither the copying nor its fsyncs hold up the event loop.
// SQLite syncs the WAL before it copies and the database after it; only then may the WAL start over.

import { parentPort, workerData } from 'node:worker_threads';
import type { CheckpointAnswer, CheckpointWorkerData } from './checkpointer.ts';
import { Connection } from './connection.ts';

const CACHE_KIB = 1024;

const { path, durable } = workerData as CheckpointWorkerData;
const connection = new Connection(path, { cacheKiB: CACHE_KIB });
connection.database.exec(`PRAGMA synchronous = ${durable ? 'NORMAL' : 'OFF'}`);

parentPort!.on('message', () => parentPort!.postMessage(checkpoint()));

function checkpoint(): CheckpointAnswer {
  try {
    const { log, checkpointed } = connection.get<{ log: number; checkpointed: number }>(
      'PRAGMA wal_checkpoint(PASSIVE)',
    )!;
    return { remaining: log - checkpointed };
  } catch (error) {
    return { error: String(error) };
  }
}
