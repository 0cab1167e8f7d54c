// A real telemetry store for the tests here: events go in, a query's result comes out as GetQueryResults shows it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#core/log.ts';
import {
  compileQuery,
  type LookupRows,
  type QueriedGroup,
  type QueryScope,
  type StatementRow,
} from '#engines/insights/compile/compile-query.ts';
import { parseQuery } from '#engines/insights/syntax/parser.ts';
import type { Query } from '#engines/insights/syntax/tree.ts';
import { openTelemetry } from '#storage/telemetry/chdb-telemetry.ts';
import type { QueryResult } from '#storage/telemetry/telemetry.ts';

export const NOON = Date.UTC(2026, 10, 23, 12);

export interface TestEvent {
  message: string;
  timestamp?: number;
  stream?: string;
}

export type TestOptions = Partial<
  Pick<QueryScope, 'startMs' | 'innerStartMs' | 'endMs' | 'limit' | 'maskMessage' | 'groupsOf'>
> & {
  groups?: QueriedGroup[];
  tables?: Record<string, LookupRows>;
};

export interface TestResult extends QueryResult<StatementRow> {
  /** One object a row, without the pointer. */
  found: Record<string, string>[];
  matched: { count: number; atLeast: boolean };
  sql: string;
}

export async function openTestStore() {
  const dir = await mkdtemp(join(tmpdir(), 'brume-insights-'));
  const telemetry = await openTelemetry({ dir, durable: false, log: createLogger('silent') });
  let lastGroup = 0;

  /** A new group with these events, a millisecond apart from noon on unless they say otherwise. */
  async function group(
    events: readonly (string | TestEvent)[],
    name = `group-${lastGroup + 1}`,
  ): Promise<QueriedGroup> {
    const id = ++lastGroup;
    const byStream = new Map<string, { timestamp: number; message: string }[]>();
    events.forEach((given, i) => {
      const event = typeof given === 'string' ? { message: given } : given;
      const { message, timestamp = NOON + i, stream = 'stream' } = event;
      const rows = byStream.get(stream) ?? [];
      rows.push({ timestamp, message });
      byStream.set(stream, rows);
    });
    for (const [stream, rows] of byStream) {
      await telemetry.appendLogEvents({ groupId: id, stream, ingestionTimeMs: NOON + 1000, events: rows });
    }
    return { id, name, account: '123456789012' };
  }

  async function run(
    query: string | Query,
    groups: readonly QueriedGroup[],
    options: TestOptions = {},
  ): Promise<TestResult> {
    const compiled = compileQuery(typeof query === 'string' ? parseQuery(query) : query, {
      groups,
      startMs: NOON - 86_400_000,
      endMs: NOON + 86_400_000,
      nowMs: NOON,
      pointer: ({ groupId, segment, row }) => `${groupId}/${segment}/${row}`,
      lookupTable: (name) => options.tables?.[name],
      ...options,
    });
    const first = await telemetry.query<StatementRow>(compiled.sql);
    const last = 'over' in compiled ? compiled.over(compiled.table(first.rows)) : compiled;
    const result = last === compiled ? first : await telemetry.query<StatementRow>(last.sql);
    const rows = last.rows(result.rows);
    const found = rows.map((row) => {
      const fields = last.columns.map((name, i) => [name, row[i]] as const);
      return Object.fromEntries(fields.filter(([name, value]) => value !== null && name !== '@ptr')) as Record<
        string,
        string
      >;
    });
    const matched = 'over' in compiled ? allEvents(first.rows) : compiled.matched(first.rows);
    return { ...first, found, matched, sql: compiled.sql.text };
  }

  async function close(): Promise<void> {
    await telemetry.close();
    await rm(dir, { recursive: true });
  }

  return { telemetry, group, run, close };
}

function allEvents(rows: readonly StatementRow[]) {
  return { count: Number(rows[0]?.all_events ?? 0), atLeast: false };
}
