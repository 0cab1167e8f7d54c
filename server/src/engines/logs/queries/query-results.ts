// What a query gives: rows of texts, held as compactly as they come.

import { formatCsvRow } from '#core/csv.ts';

export interface QueryRows {
  columns: readonly string[];
  /** Null for a field that a row does not have. */
  rows: readonly (readonly (string | null)[])[];
}

export interface ResultField {
  field: string;
  value: string;
}

export const NO_ROWS: QueryRows = { columns: [], rows: [] };

/** Rows as GetQueryResults shows them: without the fields that they do not have. */
export function resultFields({ columns, rows }: QueryRows, from = 0, to = rows.length): ResultField[][] {
  return rows.slice(from, to).map((row) => {
    const fields: ResultField[] = [];
    for (let i = 0; i < columns.length; i++) {
      const value = row[i];
      if (value !== null && value !== undefined) fields.push({ field: columns[i]!, value });
    }
    return fields;
  });
}

/** With a header and without pointers. */
export function resultsAsCsv({ columns, rows }: QueryRows): string {
  const kept = columns.flatMap((column, i) => (column === '@ptr' ? [] : [i]));
  const lines = [columns, ...rows].map((row) => formatCsvRow(kept.map((i) => row[i] ?? '')));
  return lines.join('');
}

/** About what the rows take up in memory. */
export function sizeOf({ rows }: QueryRows): number {
  let bytes = 0;
  for (const row of rows) {
    bytes += 16 + row.length * 8;
    for (const value of row) bytes += value === null ? 0 : 24 + value.length;
  }
  return bytes;
}
