// Queries of Logs Insights as AWS runs them: started, then asked about until they have ended. A query is compiled to
// one statement; while that runs long, the same query over the newest part of its time shows what it finds there.
// What was asked and how it went is kept in the state store; results are kept in memory, and computed again when
// they fell out of it or Brume was started anew.

import { once } from 'node:events';
import type { Clock } from '#core/clock.ts';
import { uuid } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import type { StateStore } from '#storage/state/state.ts';
import { TelemetryQueryError } from '#storage/telemetry/telemetry.ts';
import type { LogGroup, LogScope } from '../log-group.ts';
import { NOTHING_SCANNED, QUERIES, type QueryDocument, type QueryStatistics } from './query-document.ts';
import type { PreparedQuery, QueryPlanner, QueryText } from './query-planner.ts';
import { NO_ROWS, type QueryRows } from './query-results.ts';
import { ResultCache } from './result-cache.ts';

export interface NewQuery extends QueryText {
  /** The groups that the request names; none when the query's text selects them. */
  groups: readonly LogGroup[];
  userIdentity: string;
}

export interface QueryAnswer {
  query: QueryDocument;
  rows: QueryRows;
}

export interface QueryEngineOptions {
  state: StateStore;
  clock: Clock;
  log: Logger;
  planner: QueryPlanner;
}

/** AWS's quota for an account. */
export const MOST_CONCURRENT_QUERIES = 100;

export class TooManyQueriesError extends Error {}

/** Statements at once: the sessions that are left serve reads of events and metrics. */
const MOST_STATEMENTS = 2;
/** As on AWS. */
const TIMEOUT_MS = 60 * 60_000;
/** After so long without an end, parts of the result are shown. */
const FIRST_PART_MS = 1_500;
/** The newest parts of the time range that are searched for that, one after the other. */
const PARTS = [1 / 64, 1 / 16, 1 / 4];
/** Queries remembered in an account and region, and for how long. */
const MOST_REMEMBERED = 1_000;
const REMEMBERED_MS = 7 * 86_400_000;
/** How long the first answer waits for the end of a query, and each for its progress. */
const FIRST_ANSWER_PATIENCE_MS = 150;
const PROGRESS_PATIENCE_MS = 250;
const CLICKHOUSE_TIMEOUT_EXCEEDED = 159;

export class QueryEngine {
  readonly #options: QueryEngineOptions;
  readonly #results: ResultCache;
  /** All queries that are remembered, oldest first. */
  #queries = new Map<string, RememberedQuery>();
  #loading: Promise<void> | undefined;
  readonly #running = new Map<string, RunningQuery>();
  readonly #recomputing = new Map<string, Promise<QueryRows>>();
  #statements = 0;
  #showing = false;
  readonly #waiting: (() => void)[] = [];
  #stopped = false;

  constructor(options: QueryEngineOptions) {
    this.#options = options;
    this.#results = new ResultCache(options.clock);
  }

  /** Resolves once the query is on record; throws QuerySyntaxError, TooManyQueriesError. */
  async start(scope: LogScope, { groups: named, userIdentity, ...text }: NewQuery): Promise<QueryDocument> {
    await this.#load();
    const { clock, planner, state } = this.#options;
    const prepared = await planner.prepare(scope, text, named, clock.now());
    const concurrent = [...this.#running.values()].filter(({ scope: { account } }) => account === scope.account);
    if (concurrent.length >= MOST_CONCURRENT_QUERIES) {
      throw new TooManyQueriesError(`Account maximum query concurrency limit of [${MOST_CONCURRENT_QUERIES}] reached.`);
    }
    const document: QueryDocument = {
      ...text,
      id: uuid(),
      logGroupNames: prepared.groups.map(({ name }) => name),
      status: 'Scheduled',
      createdAtMs: clock.now(),
      userIdentity,
      statistics: NOTHING_SCANNED,
    };
    const running: RunningQuery = {
      scope: { account: scope.account, region: scope.region },
      abort: new AbortController(),
      ended: Promise.resolve(document),
      part: NO_ROWS,
      token: document.id,
      asked: false,
    };
    this.#running.set(document.id, running);
    const remembered: RememberedQuery = { scope: running.scope, document };
    this.#queries.set(document.id, remembered);
    try {
      await state.transact((tx) => tx.documents.put(QUERIES, scope, document.id, document));
    } catch (error) {
      this.#running.delete(document.id);
      this.#queries.delete(document.id);
      throw error;
    }
    running.ended = this.#run(remembered, running, prepared);
    void this.#forgetOld(running.scope);
    return document;
  }

  /** Undefined when there is no such query. While it runs, what was found so far. */
  async results(scope: LogScope, id: string): Promise<QueryAnswer | undefined> {
    const remembered = await this.#find(scope, id);
    if (!remembered) return undefined;
    const running = this.#running.get(id);
    if (running) {
      // Most queries end in that time: whoever asks once a second has the answer at the first call.
      if (!running.asked) await Promise.race([running.ended, passed(FIRST_ANSWER_PATIENCE_MS)]);
      running.asked = true;
      const query = await this.#withProgress(remembered, running);
      // It may have ended while its progress was asked for.
      if (query.status === 'Scheduled' || query.status === 'Running') return { query, rows: running.part };
    }
    const { document: query } = remembered;
    const kept = this.#results.get(id);
    if (kept || query.status !== 'Complete') return { query, rows: kept ?? NO_ROWS };
    // Those who ask at the same time share the work.
    let again = this.#recomputing.get(id);
    if (!again) {
      again = this.#recompute(remembered).finally(() => this.#recomputing.delete(id));
      this.#recomputing.set(id, again);
    }
    return { query, rows: await again };
  }

  /** Undefined when there is no such query; false when it was not running. */
  async stop(scope: LogScope, id: string): Promise<boolean | undefined> {
    const remembered = await this.#find(scope, id);
    if (!remembered) return undefined;
    const running = this.#running.get(id);
    if (!running) return false;
    running.abort.abort(new Cancelled());
    await running.ended;
    return remembered.document.status === 'Cancelled';
  }

  /** Resolves when the query has ended. */
  async ended(id: string): Promise<void> {
    await this.#running.get(id)?.ended;
  }

  async find(scope: LogScope, id: string): Promise<QueryDocument | undefined> {
    return (await this.#find(scope, id))?.document;
  }

  /** Newest first. */
  async list(scope: LogScope): Promise<QueryDocument[]> {
    await this.#load();
    return [...this.#queries.values()]
      .filter((query) => isOf(query.scope, scope))
      .map(({ document }) => document)
      .reverse();
  }

  /** Cuts short what runs; the next start calls it failed. */
  async end(): Promise<void> {
    this.#stopped = true;
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort(new Stopped());
    await Promise.all(running.map(({ ended }) => ended));
  }

  /** Forgets what is in memory after the stores were emptied. */
  reset(): void {
    for (const { abort } of this.#running.values()) abort.abort(new Stopped());
    this.#queries = new Map();
    this.#loading = undefined;
    this.#results.clear();
  }

  async #run(remembered: RememberedQuery, running: RunningQuery, prepared: PreparedQuery): Promise<QueryDocument> {
    const { signal } = running.abort;
    try {
      await this.#takeTurn(signal);
    } catch (error) {
      return this.#end(remembered, outcomeOf(error));
    }
    try {
      change(remembered, { status: 'Running' });
      const work = prepared.run({ signal, timeoutMs: TIMEOUT_MS, token: running.token });
      void this.#showParts(remembered, running, prepared, work);
      const { rows, statistics } = await work;
      this.#results.put(remembered.document.id, rows);
      return await this.#end(remembered, { status: 'Complete', statistics });
    } catch (error) {
      const outcome = outcomeOf(signal.aborted ? signal.reason : error);
      if (outcome.status === 'Failed') {
        this.#options.log.warn('a query failed', { queryId: remembered.document.id, error: (error as Error).message });
      }
      if (outcome.status === 'Cancelled' || outcome.status === 'Timeout') {
        this.#results.put(remembered.document.id, running.part);
      }
      return await this.#end(remembered, outcome);
    } finally {
      this.#giveTurn();
    }
  }

  /** Runs the query over growing parts of its time until the whole has ended. */
  async #showParts(
    remembered: RememberedQuery,
    running: RunningQuery,
    prepared: PreparedQuery,
    whole: Promise<unknown>,
  ): Promise<void> {
    const over = new AbortController();
    let showing = false;
    const finish = () => over.abort();
    whole.then(finish, finish);
    try {
      // One query shows its parts at a time, so that two long ones do not take all sessions.
      do await this.#options.clock.sleep(FIRST_PART_MS, over.signal);
      while (this.#showing);
      this.#showing = showing = true;
      for (const share of PARTS) {
        const { rows, statistics } = await prepared.run({ signal: over.signal, timeoutMs: TIMEOUT_MS, newest: share });
        if (over.signal.aborted) return;
        running.part = rows;
        change(remembered, { statistics: leastScanned(statistics, remembered.document.statistics) });
      }
    } catch {
      // The whole has ended, or will fail in the same way.
    } finally {
      if (showing) this.#showing = false;
    }
  }

  async #end(remembered: RememberedQuery, outcome: Outcome): Promise<QueryDocument> {
    const { state, clock, log } = this.#options;
    const { scope } = remembered;
    const document = change(remembered, { ...outcome, endedAtMs: clock.now() });
    this.#running.delete(document.id);
    // A query that Brume's end cut short stays as it was on disk: the next start finds it and calls it failed.
    if (this.#stopped || !this.#queries.has(document.id)) return document;
    try {
      await state.transact((tx) => tx.documents.put(QUERIES, scope, document.id, document));
    } catch (error) {
      log.error('the end of a query could not be written down', { error });
    }
    return document;
  }

  /** Nothing, when the groups or the lookup tables that it read are gone. */
  async #recompute({ scope, document }: RememberedQuery): Promise<QueryRows> {
    const { planner, log } = this.#options;
    const abort = new AbortController();
    await this.#takeTurn(abort.signal);
    try {
      const groups = await planner.groupsNamed(scope, document.logGroupNames);
      const prepared = await planner.prepare(scope, document, groups, document.createdAtMs);
      const { rows } = await prepared.run({ signal: abort.signal, timeoutMs: TIMEOUT_MS });
      this.#results.put(document.id, rows);
      return rows;
    } catch (error) {
      if (error instanceof TelemetryQueryError) throw error;
      log.info('the result of an old query cannot be had again', { queryId: document.id, error });
      return NO_ROWS;
    } finally {
      this.#giveTurn();
    }
  }

  async #withProgress(remembered: RememberedQuery, running: RunningQuery): Promise<QueryDocument> {
    if (remembered.document.status !== 'Running') return remembered.document;
    // Those who ask at the same time share the answer, and nobody waits long for an engine that has much to do.
    running.asking ??= this.#options.planner.progress(running.token).finally(() => {
      running.asking = undefined;
    });
    const scanned = await Promise.race([running.asking, passed(PROGRESS_PATIENCE_MS)]).catch(() => undefined);
    const { status, statistics } = remembered.document;
    if (!scanned || status !== 'Running') return remembered.document;
    return change(remembered, { statistics: leastScanned(statistics, { ...statistics, ...scanned }) });
  }

  async #find(scope: LogScope, id: string): Promise<RememberedQuery | undefined> {
    await this.#load();
    const found = this.#queries.get(id);
    return found && isOf(found.scope, scope) ? found : undefined;
  }

  #takeTurn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#statements < MOST_STATEMENTS) {
      this.#statements++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(begin);
    });
  }

  #giveTurn(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#statements--;
  }

  async #load(): Promise<void> {
    this.#loading ??= this.#read();
    await this.#loading;
  }

  async #read(): Promise<void> {
    const { state, clock } = this.#options;
    const stored = await state.documents.scan(QUERIES);
    stored.sort((a, b) => a.value.createdAtMs - b.value.createdAtMs);
    const broken: RememberedQuery[] = [];
    for (const { account, region, value } of stored) {
      const remembered: RememberedQuery = { scope: { account, region }, document: value };
      this.#queries.set(value.id, remembered);
      if (value.status !== 'Scheduled' && value.status !== 'Running') continue;
      change(remembered, { status: 'Failed', error: 'Brume was stopped while the query ran.', endedAtMs: clock.now() });
      broken.push(remembered);
    }
    if (broken.length === 0) return;
    await state.transact(async (tx) => {
      for (const { scope, document } of broken) await tx.documents.put(QUERIES, scope, document.id, document);
    });
  }

  async #forgetOld(scope: LogScope): Promise<void> {
    const { state, clock, log } = this.#options;
    const oldestMs = clock.now() - REMEMBERED_MS;
    const ofScope = [...this.#queries.values()].filter((query) => isOf(query.scope, scope));
    const forgotten = ofScope
      .slice(0, Math.max(0, ofScope.length - MOST_REMEMBERED))
      .concat(ofScope.slice(-MOST_REMEMBERED).filter(({ document }) => document.createdAtMs < oldestMs))
      .filter(({ document }) => !this.#running.has(document.id));
    if (forgotten.length === 0) return;
    for (const { document } of forgotten) {
      this.#queries.delete(document.id);
      this.#results.delete(document.id);
    }
    try {
      await state.transact(async (tx) => {
        for (const { document } of forgotten) await tx.documents.delete(QUERIES, scope, document.id);
      });
    } catch (error) {
      log.warn('old queries could not be forgotten', { error });
    }
  }
}

interface RememberedQuery {
  scope: LogScope;
  document: QueryDocument;
}

interface RunningQuery {
  scope: LogScope;
  abort: AbortController;
  ended: Promise<QueryDocument>;
  /** What was found in the newest part of the time. */
  part: QueryRows;
  /** Finds its statement in the engine. */
  token: string;
  /** Somebody has asked for its results. */
  asked: boolean;
  asking?: ReturnType<QueryPlanner['progress']> | undefined;
}

interface Outcome {
  status: QueryDocument['status'];
  statistics?: QueryStatistics;
  error?: string;
}

/** StopQuery. */
class Cancelled extends Error {}
/** The end of Brume, or of all its data. */
class Stopped extends Error {}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof Cancelled) return { status: 'Cancelled' };
  if (error instanceof Stopped) return { status: 'Failed', error: 'Brume was stopped while the query ran.' };
  const { message } = error as Error;
  const timeout = error instanceof TelemetryQueryError && error.clickhouseCode === CLICKHOUSE_TIMEOUT_EXCEEDED;
  return { status: timeout ? 'Timeout' : 'Failed', error: message };
}

function change(remembered: RememberedQuery, changes: Partial<QueryDocument>): QueryDocument {
  remembered.document = { ...remembered.document, ...changes };
  return remembered.document;
}

async function passed(ms: number): Promise<undefined> {
  await once(AbortSignal.timeout(ms), 'abort');
}

/** What was scanned never shrinks while a query runs. */
function leastScanned(found: QueryStatistics, before: QueryStatistics): QueryStatistics {
  return {
    ...found,
    recordsScanned: Math.max(found.recordsScanned, before.recordsScanned),
    bytesScanned: Math.max(found.bytesScanned, before.bytesScanned),
  };
}

function isOf(a: LogScope, b: LogScope): boolean {
  return a.account === b.account && a.region === b.region;
}
