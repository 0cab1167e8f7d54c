// Erases expired events: those older than their group's retention. They are not read from the moment they expire;
// this frees their space, once an hour.

import type { Clock, Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import { join, list, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import type { GroupDirectory } from './group-directory.ts';
import type { IngestionStatistics } from './ingestion-statistics.ts';
import { withObjects } from './large-objects.ts';
import type { LogGroup } from './log-group.ts';

const INTERVAL_MS = 60 * 60_000;
/** Groups in one statement. */
const LARGEST_BATCH = 200;

export interface RetentionOptions {
  telemetry: Telemetry;
  clock: Clock;
  log: Logger;
  groups: GroupDirectory;
  statistics: IngestionStatistics;
}

export class Retention {
  readonly #options: RetentionOptions;
  #timer: Timer | undefined;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, log } = this.#options;
    this.#timer = clock.at(clock.now() + INTERVAL_MS, async () => {
      this.start();
      try {
        await this.sweep();
      } catch (error) {
        log.error('expired log events could not be erased', { error });
      }
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Erases what has expired by now. */
  async sweep(): Promise<void> {
    const { groups, statistics, telemetry } = this.#options;
    await groups.load();
    const limited = [...groups.all()].filter(({ document }) => document.retentionInDays !== undefined);
    for (let i = 0; i < limited.length; i += LARGEST_BATCH) {
      const expired = await this.#withExpiredEvents(limited.slice(i, i + LARGEST_BATCH));
      if (expired.length === 0) continue;
      await telemetry.statement(sql`DELETE FROM log_events WHERE ${this.#whereExpired(expired)}`);
      for (const group of expired) await statistics.recount(group);
    }
  }

  async #withExpiredEvents(groups: readonly LogGroup[]): Promise<LogGroup[]> {
    const { rows } = await this.#options.telemetry.query<{ group_id: number }>(
      sql`SELECT DISTINCT group_id FROM log_events WHERE ${this.#whereExpired(groups)}`,
    );
    const ids = new Set(rows.map(({ group_id }) => group_id));
    return groups.filter(({ id }) => withObjects(id).some((each) => ids.has(each)));
  }

  #whereExpired(groups: readonly LogGroup[]): Sql {
    const nowMs = this.#options.clock.now();
    return join(
      groups.map(
        (group) => sql`(group_id IN ${list(withObjects(group.id))} AND timestamp < ${group.oldestKeptMs(nowMs)})`,
      ),
      ' OR ',
    );
  }
}
