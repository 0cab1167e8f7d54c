// Erases the rows of deleted groups and streams and of expired events from the telemetry tables, in the background.
// What is to be erased is noted in the transaction that deletes, so a crash in between only delays it.

import type { Clock, Timer } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import type { Logger } from '#core/log.ts';
import { defineCollection, type StateStore, type Transaction } from '#storage/state/state.ts';
import { join, list, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import { withObjects } from './large-objects.ts';
import type { LogGroup } from './log-group.ts';

export interface Erasure {
  groupId: number;
  /** The whole group when absent. */
  stream?: string;
}

const ERASURES = defineCollection<Erasure>('logs.erasures');

/** Erasures in one statement. */
const LARGEST_BATCH = 500;
const RETRY_DELAY_MS = 30_000;

export interface EraserOptions {
  state: StateStore;
  telemetry: Telemetry;
  clock: Clock;
  log: Logger;
  /** The rows are gone; awaited before the note of it is removed. */
  onErased: (erasures: readonly Erasure[]) => Promise<void>;
}

export class Eraser {
  readonly #options: EraserOptions;
  #running: Promise<void> | undefined;
  #again = false;
  #waiting: Promise<void>[] = [];
  #retry: Timer | undefined;

  constructor(options: EraserOptions) {
    this.#options = options;
  }

  /** Notes what is to be erased; `run` after the commit. */
  async schedule(tx: Transaction, group: LogGroup, stream: string | undefined): Promise<void> {
    const erasure: Erasure = { groupId: group.id, ...(stream === undefined ? {} : { stream }) };
    await tx.documents.put(
      ERASURES,
      group.scope,
      stream === undefined ? `${group.id}` : group.streamKey(stream),
      erasure,
    );
  }

  async pending(): Promise<Erasure[]> {
    return (await this.#options.state.documents.scan(ERASURES)).map(({ value }) => value);
  }

  /** Nothing more is erased before `ready`: call it before the erasure that needs it is noted. */
  waitFor(ready: Promise<void>): void {
    this.#waiting.push(ready);
  }

  /** Starts erasing what is noted. */
  run(): void {
    this.#again = true;
    this.#running ??= this.#runAll();
  }

  /** Resolves when all that was noted before is erased. */
  async settled(): Promise<void> {
    this.run();
    await this.#running;
    if ((await this.pending()).length > 0) {
      throw new AwsError('ServiceUnavailableException', 'The service cannot complete the request.');
    }
  }

  async stop(): Promise<void> {
    this.#retry?.cancel();
    this.#again = false;
    await this.#running;
  }

  async #runAll(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await Promise.all(this.#waiting.splice(0));
        await this.#eraseAll();
      }
    } catch (error) {
      const { clock, log } = this.#options;
      log.error('deleted log events could not be erased; trying again', { error });
      this.#retry?.cancel();
      this.#retry = clock.at(clock.now() + RETRY_DELAY_MS, () => this.run());
    } finally {
      this.#running = undefined;
    }
  }

  async #eraseAll(): Promise<void> {
    const { state, telemetry, onErased } = this.#options;
    const stored = await state.documents.scan(ERASURES);
    for (let i = 0; i < stored.length; i += LARGEST_BATCH) {
      const batch = stored.slice(i, i + LARGEST_BATCH);
      const erasures = batch.map(({ value }) => value);
      await telemetry.statement(sql`DELETE FROM log_events WHERE ${whereErased(erasures)}`);
      await onErased(erasures);
      await state.transact(async (tx) => {
        for (const { account, region, key } of batch) await tx.documents.delete(ERASURES, { account, region }, key);
      });
    }
  }
}

function whereErased(erasures: readonly Erasure[]): Sql {
  const groups: number[] = [];
  const streams = new Map<number, string[]>();
  for (const { groupId, stream } of erasures) {
    if (stream === undefined) groups.push(groupId);
    else streams.set(groupId, [...(streams.get(groupId) ?? []), stream]);
  }
  return join(
    [
      ...(groups.length > 0 ? [sql`group_id IN ${list(groups.flatMap(withObjects))}`] : []),
      ...[...streams].map(
        ([groupId, names]) => sql`(group_id IN ${list(withObjects(groupId))} AND stream IN ${list(names)})`,
      ),
    ],
    ' OR ',
  );
}
