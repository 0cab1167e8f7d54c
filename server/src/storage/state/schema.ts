// The tables of state.db. A change of these raises SCHEMA_VERSION and adds a migration.

import type { Connection } from './connection.ts';

const SCHEMA_VERSION = 1;

// Names of queues and of stream partitions are kept once, so that the rows and index entries of messages and
// records stay small. Keys are TEXT with the BINARY collation: SQLite compares them as UTF-8 bytes.
const SCHEMA = `
  CREATE TABLE documents (
    collection TEXT NOT NULL,
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    PRIMARY KEY (collection, account, region, key)
  ) WITHOUT ROWID, STRICT;

  CREATE TABLE sequences (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;

  CREATE TABLE queues (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE queue_messages (
    id                INTEGER PRIMARY KEY,
    queue_id          INTEGER NOT NULL,
    available_at      INTEGER NOT NULL,
    expires_at        INTEGER,
    receive_count     INTEGER NOT NULL,
    first_received_at INTEGER,
    enqueued_at       INTEGER NOT NULL,
    attributes        TEXT NOT NULL,
    body              TEXT NOT NULL
  ) STRICT;

  -- Beyond (queue_id, available_at, id) it carries what counting needs, so that counts never touch the rows.
  CREATE INDEX queue_messages_by_availability
    ON queue_messages (queue_id, available_at, id, receive_count, expires_at, enqueued_at);

  CREATE TABLE stream_partitions (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    stream        TEXT NOT NULL,
    partition     TEXT NOT NULL,
    -- The last sequence number that was trimmed away: numbering goes on from it when no record is left.
    trimmed_through INTEGER NOT NULL DEFAULT 0,
    UNIQUE (stream, partition)
  ) STRICT;

  CREATE TABLE stream_records (
    partition_id INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    appended_at  INTEGER NOT NULL,
    data         TEXT NOT NULL,
    PRIMARY KEY (partition_id, sequence)
  ) WITHOUT ROWID, STRICT;
`;

export function createSchema(connection: Connection): void {
  const version = connection.get<{ user_version: number }>('PRAGMA user_version')!.user_version;
  if (version === SCHEMA_VERSION) return;
  if (version > SCHEMA_VERSION) {
    throw new Error(`state.db has schema ${version}; this Brume knows schemas up to ${SCHEMA_VERSION}`);
  }
  connection.database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

/** Every table that `reset` empties. Sequences stay, since what they gave is never given twice. */
export const RESET_TABLES = ['documents', 'queue_messages', 'queues', 'stream_records', 'stream_partitions'] as const;
