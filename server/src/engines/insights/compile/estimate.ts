// estimate: how much a query would scan, without running it.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Estimate.html

import { join, sql } from '#storage/telemetry/sql.ts';
import type { CompiledQuery } from './compile-query.ts';
import { type EventSource, eventConditions } from './pipeline.ts';

/** How many bytes of messages lie in what a query reads: their sizes are a column of their own, so none is read. */
export function estimate(sources: readonly EventSource[]): CompiledQuery {
  const each = sources.map((source) => {
    const conditions = join(eventConditions(source), ' AND ');
    return sql`SELECT sum(message.size) AS bytes FROM log_events WHERE ${conditions}`;
  });
  return {
    sql: sql`SELECT sum(bytes) AS bytes FROM (${join(each, ' UNION ALL ')})`,
    columns: ['@estimatedBytesScanned'],
    rows: (rows) => rows.map(({ bytes }) => [String(bytes)]),
    matched: () => ({ count: 0, atLeast: false }),
  };
}
