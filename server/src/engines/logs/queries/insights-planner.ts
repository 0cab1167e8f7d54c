// Plans queries with the compiler of Logs Insights: finds the groups and lookup tables that a query speaks of, and
// reads the rows of its statement.

import type {
  CompiledQuery,
  QueriedGroup,
  QueryOfTable,
  StatementRow,
} from '#engines/insights/compile/compile-query.ts';
import { UNIT_MS } from '#engines/insights/compile/datetime.ts';
import { QuerySyntaxError } from '#engines/insights/syntax/query-syntax-error.ts';
import type { Query, SourceCommand, Span, TimePoint } from '#engines/insights/syntax/tree.ts';
import type { PatternQuestion } from '#engines/log-patterns/pattern-question.ts';
import { type Sql, sql } from '#storage/telemetry/sql.ts';
import type { QueryResult, Telemetry } from '#storage/telemetry/telemetry.ts';
import { indexedFields } from '../field-indexes.ts';
import type { LogGroup, LogScope } from '../log-group.ts';
import { dataSourceOf, hasTag } from '../log-group-tags.ts';
import type { LogStore } from '../log-store.ts';
import type { PatternMining } from '../pattern-mining/pattern-mining.ts';
import type { LookupTable, LookupTableDirectory } from './lookup-table.ts';
import { maskedMessageSql } from './masked-messages.ts';
import type { QueryStatistics } from './query-document.ts';
import type { PreparedQuery, QueryPlanner, QueryText, RunOptions } from './query-planner.ts';
import type { QueryRows } from './query-results.ts';
import { recordPointer } from './record-pointer.ts';

/** A query that names no groups, neither beside its text nor in it. */
export class NoGroupsError extends Error {}

/** Groups that one SOURCE may select. */
const MOST_SOURCE_GROUPS = 10_000;
const PROGRESS_TIMEOUT_MS = 1_000;

export interface InsightsPlannerOptions {
  store: LogStore;
  telemetry: Telemetry;
  lookupTables: LookupTableDirectory;
  patternMining: PatternMining;
}

export class InsightsPlanner implements QueryPlanner {
  readonly #options: InsightsPlannerOptions;

  constructor(options: InsightsPlannerOptions) {
    this.#options = options;
  }

  async prepare(scope: LogScope, text: QueryText, named: readonly LogGroup[], nowMs: number): Promise<PreparedQuery> {
    // Loaded with the first query: a Brume that is asked none starts without it.
    const { compileQuery } = await import('#engines/insights/compile/compile-query.ts');
    const query = await parse(text);
    const all = await this.#options.store.groups.list(scope);
    const groups = query.source ? selectGroups(query.source, all, scope) : named;
    if (groups.length === 0 && !query.source) throw new NoGroupsError();
    const fromMs = timeOf(query.source?.from, nowMs) ?? text.fromMs;
    const toMs = timeOf(query.source?.to, nowMs) ?? text.toMs;
    if (await this.#endsBefore(groups, toMs, nowMs)) throw tooEarly(text);
    if (groups.some(({ document }) => document.logGroupClass === 'INFREQUENT_ACCESS')) refuseStandardOnly(query);
    const tables = await this.#lookupTables(scope, query);
    /** Those of subqueries come while it is compiled. */
    const read = new Set<LogGroup>();
    const queried = (group: LogGroup) => {
      read.add(group);
      return describe(group, nowMs);
    };
    const indexed = indexedGroups(groups, query);
    const compile = (startMs: number) =>
      compileQuery(query, {
        groups: indexed.map(([group, ingestedSinceMs]) => ({ ...queried(group), ingestedSinceMs })),
        startMs,
        innerStartMs: fromMs,
        endMs: toMs,
        nowMs,
        ...(text.limit !== undefined && { limit: text.limit }),
        pointer: recordPointer,
        maskMessage: (message, event) => maskedMessageSql(read, message, event),
        lookupTable: (name) => tables.get(name),
        groupsOf: (source) => selectGroups(source, all, scope).map(queried),
      });
    // What is wrong with the query shows before it is started.
    const whole = compile(fromMs);
    const run = ({ newest, ...options }: RunOptions) => {
      const compiled = newest === undefined ? whole : compile(toMs - Math.floor((toMs - fromMs) * newest));
      return this.#run(compiled, read.size, options);
    };
    return { groups, run };
  }

  async groupsNamed(scope: LogScope, names: readonly string[]): Promise<LogGroup[]> {
    const groups: LogGroup[] = [];
    for (const name of names) {
      const group = await this.#options.store.groups.find(scope, name);
      if (group) groups.push(group);
    }
    return groups;
  }

  async progress(token: string) {
    const { rows } = await this.#options.telemetry.query<{ rows_read: number; bytes_read: number }>(
      sql`
        SELECT read_rows AS rows_read, read_bytes AS bytes_read FROM system.processes
        WHERE position(query, ${token}) > 0 AND position(query, 'system.processes') = 0`,
      { timeoutMs: PROGRESS_TIMEOUT_MS },
    );
    const [running] = rows;
    return running && { recordsScanned: running.rows_read, bytesScanned: running.bytes_read };
  }

  async #run(
    compiled: CompiledQuery | QueryOfTable,
    logGroupsScanned: number,
    { signal, timeoutMs, token }: RunOptions,
  ): Promise<{ rows: QueryRows; statistics: QueryStatistics }> {
    const statement = token === undefined ? compiled.sql : withToken(compiled.sql, token);
    const { telemetry } = this.#options;
    const { columns, rows, matched, rowsRead, bytesRead } =
      'over' in compiled
        ? await this.#runOverTable(compiled, statement, { signal, timeoutMs })
        : read(compiled, await telemetry.query(statement, { signal, timeoutMs }));
    const statistics: QueryStatistics = {
      recordsMatched: matched,
      // ClickHouse counts without reading where it can.
      recordsScanned: Math.max(rowsRead, matched),
      bytesScanned: bytesRead,
      logGroupsScanned,
      resultCount: rows.length,
    };
    return { rows: { columns, rows }, statistics };
  }

  async #runOverTable(
    { patterns: question, table, over }: QueryOfTable,
    statement: Sql,
    options: { signal: AbortSignal; timeoutMs: number },
  ): Promise<ReadRows> {
    const { telemetry, patternMining } = this.#options;
    const mine = async (asked: PatternQuestion) => {
      const result = await telemetry.queryBytes(statement, options);
      return patternMining.run({ kind: 'query', question: asked, result }, options.signal);
    };
    const make = async () => {
      const { rows, rowsRead, bytesRead } = await telemetry.query<StatementRow>(statement, options);
      return { rows: table(rows), events: Number(rows[0]?.all_events ?? 0), rowsRead, bytesRead };
    };
    const { rows, events, ...scanned } = question ? await mine(question) : await make();
    const rest = over(rows);
    return { ...read(rest, await telemetry.query(rest.sql, options)), ...scanned, matched: events };
  }

  /** Whether a time is before all that the groups keep. They may have events from before they were made, put late. */
  async #endsBefore(groups: readonly LogGroup[], toMs: number, nowMs: number): Promise<boolean> {
    for (const group of groups) {
      if (toMs < group.oldestKeptMs(nowMs)) continue;
      if (toMs >= group.document.createdAtMs) return false;
      const streams = await this.#options.store.groups.streams(group);
      // It is not known of a stream at once after a crash.
      for (const { firstEventMs = 0 } of streams.values()) if (firstEventMs <= toMs) return false;
    }
    return groups.length > 0;
  }

  /** Of all that the query names, those that there are. */
  async #lookupTables(scope: LogScope, query: Query): Promise<Map<string, LookupTable & { columns: string[] }>> {
    const found = new Map<string, LookupTable & { columns: string[] }>();
    for (const name of lookupNames(query)) {
      const table = await this.#options.lookupTables.open(scope, name);
      if (table) found.set(name, { ...table, columns: table.fields });
    }
    return found;
  }
}

interface ReadRows {
  columns: readonly string[];
  rows: QueryRows['rows'];
  matched: number;
  rowsRead: number;
  bytesRead: number;
}

function read(compiled: CompiledQuery, result: QueryResult<Record<string, unknown>>): ReadRows {
  const { rowsRead, bytesRead } = result;
  const { columns } = compiled;
  return {
    columns,
    rows: compiled.rows(result.rows),
    matched: compiled.matched(result.rows).count,
    rowsRead,
    bytesRead,
  };
}

async function parse({ queryString, queryLanguage }: QueryText): Promise<Query> {
  switch (queryLanguage) {
    case 'CWLI':
      return (await import('#engines/insights/syntax/parser.ts')).parseQuery(queryString);
    case 'PPL':
      return (await import('#engines/insights/ppl/parse-ppl.ts')).parsePpl(queryString);
    case 'SQL':
      return (await import('#engines/insights/sql-language/parse-sql.ts')).parseSql(queryString);
  }
}

function describe(group: LogGroup, nowMs: number): QueriedGroup {
  return {
    id: group.id,
    name: group.name,
    account: group.scope.account,
    oldestKeptMs: group.oldestKeptMs(nowMs),
    hiddenStreams: [...group.streamsBeingErased],
    ...(group.document.hasTransformed && { hasTransformed: true }),
  };
}

/** The groups that filterIndex leaves, and since when the fields that it names are indexed: 0 without filterIndex. */
function indexedGroups(groups: readonly LogGroup[], { commands }: Query): [LogGroup, number][] {
  const names = commands.flatMap((command) => (command.kind === 'filterIndex' ? fieldNames(command.condition) : []));
  return groups.flatMap((group): [LogGroup, number][] => {
    if (names.length === 0) return [[group, 0]];
    const indexes = indexedFields(group);
    const since = names.map((name) => indexes.get(name)?.sinceMs);
    return since.every((ms) => ms !== undefined) ? [[group, Math.max(...since)]] : [];
  });
}

function fieldNames(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { kind, name } = node as { kind?: unknown; name?: unknown };
  if (kind === 'field' && typeof name === 'string') return [name];
  return Object.values(node).flatMap(fieldNames);
}

/** A comment does no harm, and tells the statement from others while it runs. */
function withToken(statement: Sql, token: string): Sql {
  return sql`/* ${token} */ ${statement}`;
}

function selectGroups(source: SourceCommand, all: readonly LogGroup[], { account, region }: LogScope): LogGroup[] {
  const { groups: given, namePrefixes, class: logGroupClass = 'STANDARD', accountIds, tags, dataSources } = source;
  if (accountIds.length > 0 && !accountIds.includes(account)) return [];
  const arnStart = `:logs:${region}:${account}:log-group:`;
  const names = new Set(
    given.map((name) => (name.includes(arnStart) ? name.split(arnStart)[1]!.replace(/:\*$/, '') : name)),
  );
  const isSelected = (group: LogGroup) => {
    const { name, document } = group;
    if (names.size > 0 && !(dataSources && names.has(name))) return names.has(name);
    if (document.logGroupClass !== logGroupClass) return false;
    if (namePrefixes.length > 0 && !namePrefixes.some((prefix) => name.startsWith(prefix))) return false;
    if (tags && !tags.every((tag) => hasTag(group, tag))) return false;
    const dataSource = dataSources && dataSourceOf(group);
    return !dataSources || (dataSource !== undefined && dataSources.includes(`${dataSource.name}.${dataSource.type}`));
  };
  const selected = all.filter(isSelected);
  if (selected.length <= MOST_SOURCE_GROUPS) return selected;
  const message = `SOURCE selects more than ${MOST_SOURCE_GROUPS} log groups: select them in another way, and fewer`;
  throw new QuerySyntaxError(message, source.start, source.end);
}

/** Milliseconds since the epoch. */
function timeOf(point: TimePoint | undefined, nowMs: number): number | undefined {
  if (!point) return undefined;
  return point.kind === 'epoch' ? point.ms : nowMs - point.count * UNIT_MS[point.unit];
}

/** In AWS's words. */
function tooEarly({ queryString: { length } }: QueryText): QuerySyntaxError {
  const message =
    "Query's end date and time is either before the log groups creation time or exceeds the log groups log retention settings";
  return new QuerySyntaxError(`${message} ([0,${length}])`, 0, length);
}

/** What log groups of the class INFREQUENT_ACCESS do not support. */
const STANDARD_ONLY: ReadonlySet<unknown> = new Set(['pattern', 'diff', 'filterIndex', 'unmask']);

function refuseStandardOnly(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const { kind, name, start, end } = node as { kind?: unknown; name?: unknown } & Span;
  const command = kind === 'call' ? name : kind;
  if (STANDARD_ONLY.has(command)) {
    throw new QuerySyntaxError(`${command} is not supported for log groups of the Infrequent Access class`, start, end);
  }
  for (const child of Object.values(node)) refuseStandardOnly(child);
}

/** Of the query and of the queries inside it. */
function lookupNames(node: unknown, found = new Set<string>()): Set<string> {
  if (typeof node !== 'object' || node === null) return found;
  const { kind, table } = node as { kind?: unknown; table?: unknown };
  if ((kind === 'lookup' || kind === 'cidrlookup') && typeof table === 'string') found.add(table);
  for (const child of Object.values(node)) lookupNames(child, found);
  return found;
}
