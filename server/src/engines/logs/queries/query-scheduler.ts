// Runs scheduled queries at their times, notes how it went and hands the results to the destinations. A time that
// passed while Brume was down is not made up for, as a cron does not.

import type { Clock, Timer } from '#core/clock.ts';
import { uuid } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import { QuerySyntaxError } from '#engines/insights/syntax/query-syntax-error.ts';
import { nextCronTime, parseCron } from '#engines/schedule/cron.ts';
import type { StateStore } from '#storage/state/state.ts';
import type { LogScope } from '../log-group.ts';
import type { QueryAnswer, QueryEngine } from './query-engine.ts';
import {
  type DestinationOutcome,
  type ExecutionStatus,
  runKey,
  SCHEDULED_QUERIES,
  SCHEDULED_RUNS,
  type ScheduledQueryDocument,
  type ScheduledRun,
  scheduledQueryIdOf,
} from './scheduled-query.ts';

export type ScheduledQueryDefinition = Omit<
  ScheduledQueryDocument,
  'id' | 'createdAtMs' | 'updatedAtMs' | 'lastTriggeredMs' | 'lastExecutionStatus'
>;

export interface QuerySchedulerOptions {
  state: StateStore;
  clock: Clock;
  log: Logger;
  queries: QueryEngine;
  /** Starts the query of a run; gives the id. Throws as StartQuery does. */
  startRun(scope: LogScope, query: ScheduledQueryDocument, fromMs: number, toMs: number): Promise<string>;
  /** Writes the result to every destination of the query. */
  deliver(
    scope: LogScope,
    query: ScheduledQueryDocument,
    triggeredAtMs: number,
    answer: QueryAnswer,
  ): Promise<DestinationOutcome[]>;
}

/** In an account and region. */
export const MOST_SCHEDULED_QUERIES = 1_000;
/** Of one query. */
const MOST_RUNS_KEPT = 1_000;
/** Where a run's time range begins when the query does not say. */
const DEFAULT_START_OFFSET_S = 3_600;

export class QueryScheduler {
  readonly #options: QuerySchedulerOptions;
  /** By the query's id. */
  readonly #timers = new Map<string, Timer>();
  readonly #runs = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: QuerySchedulerOptions) {
    this.#options = options;
  }

  async create(
    scope: LogScope,
    definition: ScheduledQueryDefinition,
  ): Promise<ScheduledQueryDocument | 'exists' | 'too many'> {
    const { state, clock } = this.#options;
    const nowMs = clock.now();
    const document: ScheduledQueryDocument = { ...definition, id: uuid(), createdAtMs: nowMs, updatedAtMs: nowMs };
    const created = await state.transact(async (tx) => {
      const existing = await tx.documents.range(SCHEDULED_QUERIES, scope);
      if (existing.some(({ value }) => value.name === document.name)) return 'exists';
      if (existing.length >= MOST_SCHEDULED_QUERIES) return 'too many';
      await tx.documents.put(SCHEDULED_QUERIES, scope, document.id, document);
      return document;
    });
    if (typeof created === 'object') this.#arm(scope, created);
    return created;
  }

  /** By name or ARN. */
  async find(scope: LogScope, identifier: string): Promise<ScheduledQueryDocument | undefined> {
    if (!identifier.startsWith('arn:')) return (await this.list(scope)).find(({ name }) => name === identifier);
    const id = scheduledQueryIdOf(identifier, scope);
    return id === undefined ? undefined : this.#options.state.documents.get(SCHEDULED_QUERIES, scope, id);
  }

  /** In the order of their names. */
  async list(scope: LogScope): Promise<ScheduledQueryDocument[]> {
    const stored = await this.#options.state.documents.range(SCHEDULED_QUERIES, scope);
    return stored.map(({ value }) => value).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** All of the definition is replaced. Undefined when the query is gone. */
  async update(
    scope: LogScope,
    { id, name }: ScheduledQueryDocument,
    definition: Omit<ScheduledQueryDefinition, 'name' | 'tags'>,
  ): Promise<ScheduledQueryDocument | undefined> {
    const { clock } = this.#options;
    const updated = await this.#change(scope, id, ({ createdAtMs, lastTriggeredMs, lastExecutionStatus, tags }) => ({
      ...definition,
      id,
      name,
      tags,
      createdAtMs,
      updatedAtMs: clock.now(),
      ...(lastTriggeredMs !== undefined && { lastTriggeredMs }),
      ...(lastExecutionStatus !== undefined && { lastExecutionStatus }),
    }));
    if (updated) this.#arm(scope, updated);
    return updated;
  }

  async delete(scope: LogScope, { id }: ScheduledQueryDocument): Promise<void> {
    this.#disarm(id);
    await this.#options.state.transact(async (tx) => {
      await tx.documents.delete(SCHEDULED_QUERIES, scope, id);
      await tx.documents.deleteRange(SCHEDULED_RUNS, scope, { prefix: `${id}/` });
    });
  }

  /** Newest first. */
  async runs(scope: LogScope, id: string): Promise<ScheduledRun[]> {
    const prefix = `${id}/`;
    return (await this.#options.state.documents.range(SCHEDULED_RUNS, scope, { prefix, reverse: true })).map(
      ({ value }) => value,
    );
  }

  async start(): Promise<void> {
    this.#stopped = false;
    const { state } = this.#options;
    const runs = await state.documents.scan(SCHEDULED_RUNS);
    for (const { account, region, value: query } of await state.documents.scan(SCHEDULED_QUERIES)) {
      const scope = { account, region };
      for (const { key, value: run } of runs) {
        if (run.status !== 'Running' || !key.startsWith(`${query.id}/`)) continue;
        await this.#note(scope, query, { ...run, status: 'Failed', error: 'Brume was stopped while the query ran.' });
      }
      this.#arm(scope, query);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.reset();
    await Promise.all(this.#runs);
  }

  reset(): void {
    for (const id of [...this.#timers.keys()]) this.#disarm(id);
  }

  #arm(scope: LogScope, query: ScheduledQueryDocument): void {
    this.#disarm(query.id);
    if (query.state === 'DISABLED' || this.#stopped) return;
    const { clock } = this.#options;
    const afterMs = Math.max(clock.now(), (query.scheduleStartMs ?? 0) - 1);
    const nextMs = nextCronTime(parseCron(query.scheduleExpression), afterMs, query.timezone);
    if (nextMs === undefined || (query.scheduleEndMs !== undefined && nextMs > query.scheduleEndMs)) return;
    const { account, region } = scope;
    this.#timers.set(
      query.id,
      clock.at(nextMs, () => this.#fire({ account, region }, query.id)),
    );
  }

  #disarm(id: string): void {
    this.#timers.get(id)?.cancel();
    this.#timers.delete(id);
  }

  async #fire(scope: LogScope, id: string): Promise<void> {
    const { clock, log } = this.#options;
    const run = (async () => {
      try {
        const query = await this.#options.state.documents.get(SCHEDULED_QUERIES, scope, id);
        if (!query) return;
        this.#arm(scope, query);
        await this.#run(scope, query, clock.now());
      } catch (error) {
        log.error('a scheduled query could not be run', { id, error });
      }
    })();
    this.#runs.add(run);
    await run.finally(() => this.#runs.delete(run));
  }

  async #run(scope: LogScope, query: ScheduledQueryDocument, triggeredAtMs: number): Promise<void> {
    const { queries } = this.#options;
    const { startTimeOffset = DEFAULT_START_OFFSET_S, endTimeOffset = 0 } = query;
    let run: ScheduledRun = { triggeredAtMs, status: 'Running', destinations: [] };
    try {
      const fromMs = triggeredAtMs - startTimeOffset * 1000;
      const queryId = await this.#options.startRun(scope, query, fromMs, triggeredAtMs - endTimeOffset * 1000);
      run = { ...run, queryId };
    } catch (error) {
      const status = error instanceof QuerySyntaxError ? 'InvalidQuery' : 'Failed';
      await this.#note(scope, query, { ...run, status, error: (error as Error).message });
      return;
    }
    await this.#note(scope, query, run);
    await queries.ended(run.queryId!);
    const answer = await queries.results(scope, run.queryId!);
    if (this.#stopped || !answer) return;
    const { status, error } = answer.query;
    run = { ...run, status: executionStatus(status), ...(error !== undefined && { error }) };
    if (status === 'Complete') {
      run.destinations = await this.#options.deliver(scope, query, triggeredAtMs, answer);
    }
    await this.#note(scope, query, run);
  }

  async #note(scope: LogScope, { id }: ScheduledQueryDocument, run: ScheduledRun): Promise<void> {
    await this.#options.state.transact(async (tx) => {
      const current = await tx.documents.get(SCHEDULED_QUERIES, scope, id);
      if (!current) return;
      const { triggeredAtMs: lastTriggeredMs, status: lastExecutionStatus } = run;
      await tx.documents.put(SCHEDULED_QUERIES, scope, id, { ...current, lastTriggeredMs, lastExecutionStatus });
      await tx.documents.put(SCHEDULED_RUNS, scope, runKey(id, run.triggeredAtMs), run);
      const runs = await tx.documents.range(SCHEDULED_RUNS, scope, { prefix: `${id}/`, limit: MOST_RUNS_KEPT + 1 });
      for (const { key } of runs.slice(0, Math.max(0, runs.length - MOST_RUNS_KEPT))) {
        await tx.documents.delete(SCHEDULED_RUNS, scope, key);
      }
    });
  }

  async #change(
    scope: LogScope,
    id: string,
    change: (current: ScheduledQueryDocument) => ScheduledQueryDocument,
  ): Promise<ScheduledQueryDocument | undefined> {
    return this.#options.state.transact(async (tx) => {
      const current = await tx.documents.get(SCHEDULED_QUERIES, scope, id);
      if (!current) return undefined;
      const next = change(current);
      await tx.documents.put(SCHEDULED_QUERIES, scope, id, next);
      return next;
    });
  }
}

function executionStatus(status: QueryAnswer['query']['status']): ExecutionStatus {
  if (status === 'Complete' || status === 'Timeout') return status;
  return 'Failed';
}
