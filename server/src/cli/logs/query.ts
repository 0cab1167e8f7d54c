// `brume logs query`: a Logs Insights query over log groups, with its progress while it scans.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CloudWatchLogsClient,
  GetQueryResultsCommand,
  type GetQueryResultsResponse,
  type QueryStatistics,
  type ResultField,
  StartQueryCommand,
  StopQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { formatCsvRow } from '#core/csv.ts';
import { paint } from './paint.ts';
import { formatTable } from './table.ts';
import { UsageError } from './usage-error.ts';

export interface QueryOptions {
  fromMs: number;
  toMs: number;
  language: 'CWLI' | 'PPL' | 'SQL';
  format: 'table' | 'csv' | 'json';
  limit?: number;
}

const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 500;
/** Of a table that goes into a pipe. */
const NO_TERMINAL_WIDTH = 100_000;

export async function query(
  client: CloudWatchLogsClient,
  groups: readonly string[],
  text: string,
  options: QueryOptions,
  signal: AbortSignal,
): Promise<number> {
  const reason = watchReasons(client);
  const queryId = await start(client, groups, text, options);
  const startMs = performance.now();
  const answer = await finished(client, queryId, signal);
  clearProgress();
  if (answer.status !== 'Complete') {
    const why = reason() === undefined ? '' : `: ${reason()}`;
    process.stderr.write(`The query ended as ${answer.status}${why}\n`);
    if (answer.status !== 'Cancelled' && answer.status !== 'Timeout') return 1;
  }
  const rows = [...(answer.results ?? []), ...(await furtherPages(client, queryId, answer.nextToken))];
  print(rows, options.format, text.includes('@ptr'));
  if (options.format === 'table') {
    process.stderr.write(`${summary(rows.length, answer.statistics, performance.now() - startMs)}\n`);
  }
  return answer.status === 'Complete' ? 0 : signal.aborted ? 130 : 1;
}

async function start(
  client: CloudWatchLogsClient,
  groups: readonly string[],
  text: string,
  { fromMs, toMs, language, limit }: QueryOptions,
): Promise<string> {
  try {
    const { queryId } = await client.send(
      new StartQueryCommand({
        queryString: text,
        queryLanguage: language,
        startTime: Math.floor(fromMs / 1000),
        endTime: Math.ceil(toMs / 1000),
        ...(groups.length > 0 && { logGroupIdentifiers: [...groups] }),
        ...(limit !== undefined && { limit }),
      }),
    );
    return queryId!;
  } catch (error) {
    if ((error as Error).name === 'MalformedQueryException')
      throw new UsageError(pointAtFault(text, error as Malformed));
    throw error;
  }
}

/** Why a query failed: AWS's API has no member for that, so Brume says it in a header. */
function watchReasons(client: CloudWatchLogsClient): () => string | undefined {
  let reason: string | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      reason = headers?.['x-brume-query-error'] ?? reason;
      return result;
    },
    { step: 'deserialize' },
  );
  return () => reason;
}

type Malformed = Error & {
  queryCompileError?: { message?: string; location?: { startCharOffset?: number; endCharOffset?: number } };
};

/** The line of the query with a mark under the fault. */
function pointAtFault(text: string, { message, queryCompileError }: Malformed): string {
  const start = queryCompileError?.location?.startCharOffset;
  const reason = queryCompileError?.message ?? message;
  if (start === undefined || start < 0 || start > text.length) return reason;
  const end = queryCompileError?.location?.endCharOffset ?? start;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const lineEnd = text.indexOf('\n', start);
  const line = text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd);
  const marks = '^'.repeat(Math.max(1, Math.min(end, lineStart + line.length) - start));
  return `${reason}\n\n  ${line}\n  ${' '.repeat(start - lineStart)}${marks}`;
}

async function finished(
  client: CloudWatchLogsClient,
  queryId: string,
  signal: AbortSignal,
): Promise<GetQueryResultsResponse> {
  let stopping: Promise<unknown> | undefined;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(LONGEST_POLL_MS, pollMs * 2)) {
    const answer = await client.send(new GetQueryResultsCommand({ queryId }));
    if (answer.status !== 'Running' && answer.status !== 'Scheduled') return answer;
    showProgress(answer);
    // Refused when it has just ended, which the next answer tells.
    if (signal.aborted) stopping ??= client.send(new StopQueryCommand({ queryId })).catch(() => {});
    await stopping;
    await sleep(pollMs, undefined, signal.aborted ? {} : { signal }).catch(() => {});
  }
}

async function furtherPages(
  client: CloudWatchLogsClient,
  queryId: string,
  firstToken: string | undefined,
): Promise<ResultField[][]> {
  const rows: ResultField[][] = [];
  let nextToken = firstToken;
  while (nextToken !== undefined) {
    const page = await client.send(new GetQueryResultsCommand({ queryId, nextToken }));
    for (const row of page.results ?? []) rows.push(row);
    nextToken = page.nextToken;
  }
  return rows;
}

function print(results: readonly ResultField[][], format: QueryOptions['format'], withPointers: boolean): void {
  const columns: string[] = [];
  for (const row of results) {
    for (const { field } of row) {
      if (!columns.includes(field!) && (withPointers || field !== '@ptr')) columns.push(field!);
    }
  }
  const values = results.map((row) => new Map(row.map(({ field, value }) => [field!, value ?? ''])));
  if (format === 'json') {
    for (const row of values) {
      const present = columns.filter((column) => row.has(column)).map((column) => [column, row.get(column)]);
      process.stdout.write(`${JSON.stringify(Object.fromEntries(present))}\n`);
    }
    return;
  }
  const rows = values.map((row) => columns.map((column) => row.get(column) ?? ''));
  if (columns.length === 0) return;
  if (format === 'csv') {
    for (const row of [columns, ...rows]) process.stdout.write(formatCsvRow(row));
    return;
  }
  const width = process.stdout.isTTY ? process.stdout.columns : NO_TERMINAL_WIDTH;
  const [header, rule, ...lines] = formatTable(columns, rows, width);
  process.stdout.write([paint('bold', header!), paint('dim', rule!), ...lines, ''].join('\n'));
}

function showProgress({ status, statistics }: GetQueryResultsResponse): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r${status}: ${scanned(statistics)}\x1b[K`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

function summary(rows: number, statistics: QueryStatistics | undefined, elapsedMs: number): string {
  const matched = (statistics?.recordsMatched ?? 0).toLocaleString('en');
  return `${rows.toLocaleString('en')} rows; ${matched} of ${scanned(statistics)} in ${(elapsedMs / 1000).toFixed(2)} s`;
}

function scanned({ recordsScanned = 0, bytesScanned = 0 }: QueryStatistics = {}): string {
  const size = bytesScanned < 1e6 ? `${(bytesScanned / 1e3).toFixed(1)} kB` : `${(bytesScanned / 1e6).toFixed(1)} MB`;
  return `${recordsScanned.toLocaleString('en')} events scanned (${size})`;
}
