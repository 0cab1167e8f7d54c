// ClickHouse's JSONCompact, the most compact of its JSON formats and one that tells what was read, as row objects.

import type { QueryResult } from './telemetry.ts';

interface JsonCompact {
  meta: { name: string; type: string }[];
  data: unknown[][];
  statistics: { rows_read: number; bytes_read: number };
}

export function parseResult<Row>(bytes: Buffer): QueryResult<Row> {
  const { meta, data, statistics } = JSON.parse(bytes.toString()) as JsonCompact;
  const names = meta.map(({ name }) => name);
  // fromEntries for a name that an assignment would not make a member; it is several times slower.
  const toRow = names.includes('__proto__')
    ? (values: unknown[]) => Object.fromEntries(names.map((name, i) => [name, values[i]]))
    : (values: unknown[]) => {
        const row: Record<string, unknown> = {};
        for (let i = 0; i < names.length; i++) row[names[i]!] = values[i];
        return row;
      };
  return { rows: data.map(toRow) as Row[], rowsRead: statistics.rows_read, bytesRead: statistics.bytes_read };
}
