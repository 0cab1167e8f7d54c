// lookup and cidrlookup: fields from the rows of a lookup table, which stand in the statement.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Lookup.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Cidrlookup.html

import { isIPv4, isIPv6 } from 'node:net';
import { array, join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Command, Item, Span } from '../syntax/tree.ts';
import type { LookupRows } from './compile-query.ts';
import { fault } from './expressions.ts';
import type { Pipeline } from './pipeline.ts';
import { asText, isPresent, text } from './values.ts';

type Of<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

export function lookup(pipeline: Pipeline, command: Of<'lookup'>): void {
  const { table, keys, outputs } = command;
  const found = tableOf(pipeline, table, command);
  const keyColumns = keys.map(({ column }) => columnIndex(found, table, column, command));
  /** The first row with a key counts. */
  const rows = new Map<string, readonly string[]>();
  for (const row of found.rows) {
    const key = keyColumns.map((index) => row[index] ?? '').join('\u0001');
    if (!rows.has(key)) rows.set(key, row);
  }
  if (rows.size === 0) rows.set('\u0001\u0001', []);
  const parts = keys.map(({ field }) => asText(pipeline.compiler.value(field)));
  const key =
    parts.length === 1
      ? parts[0]!
      : sql`concat(${join(
          parts.flatMap((part, i) => (i === 0 ? [part] : [sql`'\\x01'`, part])),
          ', ',
        )})`;
  const row = sql`transform(ifNull(${key}, ''), ${array([...rows.keys()])}, range(1, ${rows.size + 1}), 0)`;
  for (const { name, index } of outputColumns(found, table, outputs, command)) {
    pipeline.fields.set(name, text(cellOf([...rows.values()], index, row)));
  }
  pipeline.settle();
}

export function cidrLookup(pipeline: Pipeline, command: Of<'cidrlookup'>): void {
  const { table, field, column, outputs, onlyMissing } = command;
  const found = tableOf(pipeline, table, command);
  const ranges = column === undefined ? rangesColumn(found) : columnIndex(found, table, column, command);
  // Of ranges within each other the smallest counts.
  const rows = found.rows
    .map((cells) => ({ cells, range: asRange(cells[ranges] ?? '') }))
    .filter(({ range }) => range !== undefined)
    .sort((a, b) => prefixLength(b.range!) - prefixLength(a.range!));
  const address = asText(pipeline.compiler.value(field));
  const valid = sql`ifNull(isIPv4String(${address}) OR isIPv6String(${address}), 0)`;
  const safe = sql`if(${valid}, assumeNotNull(${address}), '0.0.0.0')`;
  const each = array(rows.map(({ range }) => range!));
  const first = sql`arrayFirstIndex(x -> isIPAddressInRange(${safe}, x), ${each})`;
  const row = rows.length === 0 ? sql`0` : sql`if(${valid}, ${first}, 0)`;
  const cells = rows.length === 0 ? [[]] : rows.map((each) => each.cells);
  for (const { name, index } of outputColumns(found, table, outputs, command)) {
    const value = cellOf(cells, index, row);
    const before = pipeline.field(name);
    const kept = sql`if(${isPresent(before)} AND ${asText(before)} != '', ${asText(before)}, coalesce(${value}, ${asText(before)}))`;
    pipeline.fields.set(name, text(onlyMissing ? kept : value));
  }
  pipeline.settle();
}

function tableOf(pipeline: Pipeline, table: string, at: Span): LookupRows {
  const found = pipeline.scope.lookupTable?.(table);
  if (!found) throw fault(`There is no lookup table ${table}`, at);
  return found;
}

function columnIndex({ columns }: LookupRows, table: string, name: string, at: Span): number {
  const index = columns.indexOf(name);
  if (index < 0) throw fault(`The lookup table ${table} has no column ${name}`, at);
  return index;
}

function outputColumns(found: LookupRows, table: string, outputs: readonly Item[], at: Span) {
  return outputs.map(({ expression, name }) => {
    if (expression.kind !== 'field') throw fault('lookup gives columns of its table', expression);
    return { name, index: columnIndex(found, table, expression.name, at) };
  });
}

/** Of the row of this number, counted from 1; missing at 0. */
function cellOf(rows: readonly (readonly string[])[], index: number, row: Sql): Sql {
  return sql`if(${row} = 0, NULL, ${array(rows.map((cells) => cells[index] ?? ''))}[${row}])`;
}

/** The column that has most ranges in it. */
function rangesColumn({ columns, rows }: LookupRows): number {
  const counts = columns.map((_, i) => rows.filter((cells) => asRange(cells[i] ?? '')?.includes('/')).length);
  return counts.indexOf(Math.max(...counts, 0));
}

const RANGE =
  /^(?:(?:\d{1,3}\.){3}\d{1,3}(?:\/(?:[12]?\d|3[0-2]))?|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:\/(?:\d{1,2}|1[01]\d|12[0-8]))?)$/;

/** A single address is a range of one. */
function asRange(cell: string): string | undefined {
  const text = cell.trim();
  if (!RANGE.test(text)) return undefined;
  const [address, length] = text.split('/') as [string, string?];
  if (!(address.includes(':') ? isIPv6(address) : isIPv4(address))) return undefined;
  return length === undefined ? `${address}/${address.includes(':') ? 128 : 32}` : text;
}

function prefixLength(range: string): number {
  return Number(range.slice(range.indexOf('/') + 1));
}
