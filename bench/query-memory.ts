// A statistics query with very many groups: it must end, in an answer (what does not fit in memory goes to the disk) or in a clear
// error, and the engine must go on. The rows are made by ClickHouse itself, one group each.
//   GROUPS=100000000 npm run bench -- query-memory        or        node bench/query-memory.ts --groups 100000000

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../server/src/core/log.ts';
import { compileQuery } from '../server/src/engines/insights/compile/compile-query.ts';
import { parseQuery } from '../server/src/engines/insights/syntax/parser.ts';
import { openTelemetry } from '../server/src/storage/telemetry/chdb-telemetry.ts';
import { sql } from '../server/src/storage/telemetry/sql.ts';
import { CORPUS_START } from './log-corpus.ts';

const DEFAULT_GROUPS = 5_000_000;
const ROWS_PER_INSERT = 5_000_000;
/** As Insights has it. */
const QUERY_TIMEOUT_MS = 60 * 60_000;
const GROUP = { id: 1, name: 'bench', account: '000000000000' };
const QUERIES = [
  'stats count(*) by x',
  'stats count(*) as n by x | sort n desc | limit 20',
  'stats count_distinct(x) as n',
  'stats count(*) as n, max(@message), pct(x, 99) by x | sort n desc | limit 20',
];

export async function run(report: (line: string) => void): Promise<void> {
  const groups = groupsAskedFor();
  const dir = await mkdtemp(join(tmpdir(), 'brume-bench-'));
  const telemetry = await openTelemetry({ dir, durable: false, log: createLogger('warn') });
  try {
    for (let from = 0; from < groups; from += ROWS_PER_INSERT) {
      const rows = Math.min(ROWS_PER_INSERT, groups - from);
      await telemetry.statement(sql`
        INSERT INTO log_events (group_id, stream, timestamp, ingestion_time, message, segment, row)
        SELECT ${GROUP.id}, 's', ${CORPUS_START} + intDiv(number, 1000), ${CORPUS_START}, concat('{"x":"', hex(number), '"}'), 1, number
        FROM numbers(${from}, ${rows})`);
    }
    report(`${groups} groups, engine ${memoryMb(telemetry.enginePid)}`);
    for (const query of QUERIES) {
      const compiled = compileQuery(parseQuery(query), {
        groups: [GROUP],
        startMs: 0,
        endMs: CORPUS_START + groups,
        nowMs: CORPUS_START + groups,
        pointer: ({ segment, row }) => `${segment}/${row}`,
      });
      const began = performance.now();
      const outcome = await telemetry.query(compiled.sql, { timeoutMs: QUERY_TIMEOUT_MS }).then(
        ({ rows }) => `${rows.length} rows`,
        (error: Error) => `refused: ${error.message.slice(0, 200)}`,
      );
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const { restarts } = telemetry.status();
      if (restarts > 0) throw new Error(`the engine died of: ${query}`);
      report(`${query.padEnd(80)} ${seconds.padStart(7)} s, engine ${memoryMb(telemetry.enginePid)}; ${outcome}`);
    }
    const after = await telemetry.query<{ n: number }>(sql`SELECT count() AS n FROM log_events WHERE segment = 1`);
    if (after.rows[0]!.n !== groups) throw new Error(`${after.rows[0]!.n} rows afterwards`);
  } finally {
    await telemetry.close();
    await rm(dir, { recursive: true });
  }
}

function groupsAskedFor(): number {
  const given = process.argv.indexOf('--groups');
  const groups = Number(given >= 0 ? process.argv[given + 1] : (process.env.GROUPS ?? DEFAULT_GROUPS));
  if (!Number.isSafeInteger(groups) || groups < 1) throw new Error('--groups takes a number of groups');
  return groups;
}

/** The most that the process ever held; where there is a /proc. */
function memoryMb(pid: number | undefined): string {
  try {
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return `${Math.round(Number(peak) / 1024)} MB at most`;
  } catch {
    return 'memory unknown';
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) await run(console.log);
