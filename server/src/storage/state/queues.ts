// Queues in SQLite: messages in order of arrival, and an index in order of availability that claims walk.

import type { Connection } from './connection.ts';
import type { Session } from './session.ts';
import type { ClaimOptions, NewMessage, QueueCounts, QueuedMessage, QueueReader, QueueWriter } from './state.ts';

interface MessageRow {
  id: number;
  available_at: number;
  expires_at: number | null;
  receive_count: number;
  first_received_at: number | null;
  enqueued_at: number;
  attributes: string;
  body: string;
}

/** Expired messages that one claim clears out of its way before it settles for fewer than it was asked for. */
const EXPIRED_PER_CLAIM = 10_000;
const NO_ATTRIBUTES = '{}';

export class SqliteQueues implements QueueReader, QueueWriter {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async peek(queue: string, id: number): Promise<QueuedMessage | undefined> {
    const connection = this.#session.read();
    const queueId = findQueue(connection, queue);
    if (queueId === undefined) return undefined;
    const row = connection.get<MessageRow>('SELECT * FROM queue_messages WHERE id = ? AND queue_id = ?', id, queueId);
    return row && toMessage(queue, row);
  }

  async list(queue: string): Promise<Omit<QueuedMessage, 'body'>[]> {
    const connection = this.#session.read();
    const queueId = findQueue(connection, queue);
    if (queueId === undefined) return [];
    const rows = connection.all<MessageRow>(
      `SELECT id, available_at, expires_at, receive_count, first_received_at, enqueued_at, attributes, '' AS body
       FROM queue_messages WHERE queue_id = ? ORDER BY id`,
      queueId,
    );
    return rows.map((row) => {
      const { body: _, ...message } = toMessage(queue, row);
      return message;
    });
  }

  async counts(queue: string, nowMs: number): Promise<QueueCounts> {
    const connection = this.#session.read();
    const queueId = findQueue(connection, queue);
    if (queueId === undefined) return { visible: 0, inFlight: 0, delayed: 0 };
    const counts = connection.get<QueueCounts>(
      `SELECT count(*) FILTER (WHERE available_at <= ?2) AS visible,
              count(*) FILTER (WHERE available_at > ?2 AND receive_count > 0) AS inFlight,
              count(*) FILTER (WHERE available_at > ?2 AND receive_count = 0) AS delayed
       FROM queue_messages WHERE queue_id = ?1 AND (expires_at IS NULL OR expires_at > ?2)`,
      queueId,
      nowMs,
    )!;
    return { ...counts };
  }

  async nextAvailableAtMs(queue: string): Promise<number | undefined> {
    return this.#least('available_at', queue);
  }

  async oldestEnqueuedAtMs(queue: string): Promise<number | undefined> {
    return this.#least('enqueued_at', queue);
  }

  #least(column: 'available_at' | 'enqueued_at', queue: string): number | undefined {
    const connection = this.#session.read();
    const queueId = findQueue(connection, queue);
    if (queueId === undefined) return undefined;
    const sql = `SELECT min(${column}) AS least FROM queue_messages WHERE queue_id = ?`;
    return connection.get<{ least: number | null }>(sql, queueId)!.least ?? undefined;
  }

  async send(queue: string, messages: NewMessage[], nowMs: number): Promise<number[]> {
    if (messages.length === 0) return [];
    const connection = this.#session.write();
    const queueId = findQueue(connection, queue) ?? addQueue(connection, queue);
    this.#session.noteQueue(queue);
    return messages.map((message) => {
      const id = this.#session.messageIds.next(connection);
      connection.run(
        `INSERT INTO queue_messages
           (id, queue_id, available_at, expires_at, receive_count, enqueued_at, attributes, body)
         VALUES (?, ?, ?, ?, 0, ?, ?, ?)`,
        id,
        queueId,
        message.availableAtMs ?? nowMs,
        message.expiresAtMs ?? null,
        nowMs,
        message.attributes ? JSON.stringify(message.attributes) : NO_ATTRIBUTES,
        message.body,
      );
      return id;
    });
  }

  async claim(queue: string, { limit, nowMs, visibilityMs }: ClaimOptions): Promise<QueuedMessage[]> {
    const queueId = findQueue(this.#session.read(), queue);
    if (queueId === undefined) return [];
    return this.#claimableIds(queueId, limit, nowMs).map((id) => this.#claim(queue, id, nowMs, visibilityMs));
  }

  async claimMessage(
    queue: string,
    id: number,
    { nowMs, visibilityMs }: Omit<ClaimOptions, 'limit'>,
  ): Promise<QueuedMessage | undefined> {
    const connection = this.#session.read();
    const queueId = findQueue(connection, queue);
    const found =
      queueId !== undefined &&
      connection.get(
        'SELECT 1 FROM queue_messages WHERE id = ? AND queue_id = ? AND (expires_at IS NULL OR expires_at > ?)',
        id,
        queueId,
        nowMs,
      );
    return found ? this.#claim(queue, id, nowMs, visibilityMs) : undefined;
  }

  #claim(queue: string, id: number, nowMs: number, visibilityMs: number): QueuedMessage {
    const row = this.#session.write().get<MessageRow>(
      `UPDATE queue_messages SET available_at = ?, receive_count = receive_count + 1,
              first_received_at = coalesce(first_received_at, ?)
       WHERE id = ? RETURNING *`,
      nowMs + visibilityMs,
      nowMs,
      id,
    )!;
    return toMessage(queue, row);
  }

  /** The oldest available that have not expired; the expired ones before them are deleted on the way. */
  #claimableIds(queueId: number, limit: number, nowMs: number): number[] {
    let expired = 0;
    for (;;) {
      const rows = this.#session.read().all<{ id: number; expires_at: number | null }>(
        `SELECT id, expires_at FROM queue_messages WHERE queue_id = ? AND available_at <= ?
           ORDER BY available_at, id LIMIT ?`,
        queueId,
        nowMs,
        limit,
      );
      const live = rows.filter((row) => row.expires_at === null || row.expires_at > nowMs);
      if (live.length === rows.length || expired >= EXPIRED_PER_CLAIM) return live.map((row) => row.id);
      for (const row of rows) {
        if (!live.includes(row)) this.#session.change('DELETE FROM queue_messages WHERE id = ?', row.id);
      }
      expired += rows.length - live.length;
    }
  }

  async setAvailableAt(queue: string, id: number, availableAtMs: number): Promise<boolean> {
    return this.#changeMessage(queue, 'UPDATE queue_messages SET available_at = ?', availableAtMs, id, true);
  }

  async setAttributes(queue: string, id: number, attributes: Record<string, unknown>): Promise<boolean> {
    return this.#changeMessage(
      queue,
      'UPDATE queue_messages SET attributes = ?',
      JSON.stringify(attributes),
      id,
      false,
    );
  }

  #changeMessage(queue: string, update: string, value: string | number, id: number, makesAvailable: boolean): boolean {
    const queueId = findQueue(this.#session.read(), queue);
    if (queueId === undefined) return false;
    const found = this.#session.change(`${update} WHERE id = ? AND queue_id = ?`, value, id, queueId) > 0;
    if (found && makesAvailable) this.#session.noteQueue(queue);
    return found;
  }

  async deleteMessage(queue: string, id: number): Promise<boolean> {
    const queueId = findQueue(this.#session.read(), queue);
    if (queueId === undefined) return false;
    return this.#session.change('DELETE FROM queue_messages WHERE id = ? AND queue_id = ?', id, queueId) > 0;
  }

  async move(queue: string, id: number, toQueue: string, nowMs: number): Promise<number | undefined> {
    const queueId = findQueue(this.#session.read(), queue);
    if (queueId === undefined) return undefined;
    const find = 'SELECT 1 FROM queue_messages WHERE id = ? AND queue_id = ?';
    if (!this.#session.read().get(find, id, queueId)) return undefined;
    const connection = this.#session.write();
    const newId = this.#session.messageIds.next(connection);
    connection.run(
      `UPDATE queue_messages SET id = ?, queue_id = ?, available_at = ?, receive_count = 0, first_received_at = NULL
       WHERE id = ?`,
      newId,
      findQueue(connection, toQueue) ?? addQueue(connection, toQueue),
      nowMs,
      id,
    );
    this.#session.noteQueue(toQueue);
    return newId;
  }

  async purge(queue: string): Promise<number> {
    const queueId = findQueue(this.#session.read(), queue);
    if (queueId === undefined) return 0;
    const purged = this.#session.change('DELETE FROM queue_messages WHERE queue_id = ?', queueId);
    this.#session.change('DELETE FROM queues WHERE id = ?', queueId);
    return purged;
  }

  async setRetention(queue: string, retentionMs: number): Promise<void> {
    const queueId = findQueue(this.#session.read(), queue);
    if (queueId === undefined) return;
    this.#session.change(
      'UPDATE queue_messages SET expires_at = enqueued_at + ? WHERE queue_id = ?',
      retentionMs,
      queueId,
    );
  }

  async expire(queue: string, nowMs: number): Promise<number> {
    const queueId = findQueue(this.#session.read(), queue);
    if (queueId === undefined) return 0;
    return this.#session.change('DELETE FROM queue_messages WHERE queue_id = ? AND expires_at <= ?', queueId, nowMs);
  }
}

function findQueue(connection: Connection, name: string): number | undefined {
  return connection.get<{ id: number }>('SELECT id FROM queues WHERE name = ?', name)?.id;
}

function addQueue(connection: Connection, name: string): number {
  return connection.get<{ id: number }>('INSERT INTO queues (name) VALUES (?) RETURNING id', name)!.id;
}

function toMessage(queue: string, row: MessageRow): QueuedMessage {
  return {
    id: row.id,
    queue,
    body: row.body,
    attributes: row.attributes === NO_ATTRIBUTES ? {} : JSON.parse(row.attributes),
    enqueuedAtMs: row.enqueued_at,
    availableAtMs: row.available_at,
    expiresAtMs: row.expires_at ?? undefined,
    receiveCount: row.receive_count,
    firstReceivedAtMs: row.first_received_at ?? undefined,
  };
}
