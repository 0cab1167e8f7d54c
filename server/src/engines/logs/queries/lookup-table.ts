// Lookup tables: CSV kept as it was uploaded, for the `lookup` command of queries.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Lookup.html

import { formatArn, parseArn } from '#core/arn.ts';
import type { Clock } from '#core/clock.ts';
import { CsvError, parseCsv } from '#core/csv.ts';
import { defineCollection, type StateStore } from '#storage/state/state.ts';
import type { LogScope } from '../log-group.ts';

export interface LookupTableDocument {
  name: string;
  description?: string;
  fields: string[];
  /** Without the header. */
  recordsCount: number;
  sizeBytes: number;
  createdAtMs: number;
  updatedAtMs: number;
  kmsKeyId?: string;
  tags: Record<string, string>;
}

export interface LookupTable {
  fields: string[];
  /** As many texts in each as there are fields. */
  rows: string[][];
}

export interface LookupTableChange {
  body: string;
  description?: string | undefined;
  /** Empty: no key any more. */
  kmsKeyId?: string | undefined;
}

/** What is wrong with a table's text. */
export class LookupTableError extends Error {}

/** Both keyed by the table's name; apart, so that a listing does not read the bodies. */
export const LOOKUP_TABLES = defineCollection<LookupTableDocument>('logs.lookup-tables');
const LOOKUP_TABLE_BODIES = defineCollection<{ text: string }>('logs.lookup-table-bodies');

export const LARGEST_LOOKUP_TABLE_BYTES = 10 * 1_048_576;
/** In an account and region. */
export const MOST_LOOKUP_TABLES = 100;

export class LookupTableDirectory {
  readonly #state: StateStore;
  readonly #clock: Clock;

  constructor(state: StateStore, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /** Throws LookupTableError. */
  async create(
    scope: LogScope,
    name: string,
    { body, description, kmsKeyId }: LookupTableChange,
    tags: Record<string, string>,
  ): Promise<LookupTableDocument | 'exists' | 'too many'> {
    const { fields, rows } = parseLookupTable(body);
    const nowMs = this.#clock.now();
    const document: LookupTableDocument = {
      name,
      ...(description !== undefined && { description }),
      ...(kmsKeyId && { kmsKeyId }),
      fields,
      recordsCount: rows.length,
      sizeBytes: Buffer.byteLength(body),
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      tags,
    };
    return this.#state.transact(async (tx) => {
      if (await tx.documents.get(LOOKUP_TABLES, scope, name)) return 'exists';
      const existing = await tx.documents.range(LOOKUP_TABLES, scope, { limit: MOST_LOOKUP_TABLES });
      if (existing.length === MOST_LOOKUP_TABLES) return 'too many';
      await tx.documents.put(LOOKUP_TABLES, scope, name, document);
      await tx.documents.put(LOOKUP_TABLE_BODIES, scope, name, { text: body });
      return document;
    });
  }

  /** Undefined when there is none of that name. Throws LookupTableError. */
  async update(scope: LogScope, name: string, change: LookupTableChange): Promise<LookupTableDocument | undefined> {
    const { fields, rows } = parseLookupTable(change.body);
    return this.#state.transact(async (tx) => {
      const current = await tx.documents.get(LOOKUP_TABLES, scope, name);
      if (!current) return undefined;
      const { kmsKeyId = current.kmsKeyId, description = current.description } = change;
      const { kmsKeyId: _, ...rest } = current;
      const document: LookupTableDocument = {
        ...rest,
        ...(description !== undefined && { description }),
        ...(kmsKeyId && { kmsKeyId }),
        fields,
        recordsCount: rows.length,
        sizeBytes: Buffer.byteLength(change.body),
        updatedAtMs: this.#clock.now(),
      };
      await tx.documents.put(LOOKUP_TABLES, scope, name, document);
      await tx.documents.put(LOOKUP_TABLE_BODIES, scope, name, { text: change.body });
      return document;
    });
  }

  delete(scope: LogScope, name: string): Promise<boolean> {
    return this.#state.transact(async (tx) => {
      await tx.documents.delete(LOOKUP_TABLE_BODIES, scope, name);
      return tx.documents.delete(LOOKUP_TABLES, scope, name);
    });
  }

  /** In the order of their names. */
  async list(scope: LogScope, prefix: string): Promise<LookupTableDocument[]> {
    return (await this.#state.documents.range(LOOKUP_TABLES, scope, { prefix })).map(({ value }) => value);
  }

  async read(scope: LogScope, name: string): Promise<{ document: LookupTableDocument; body: string } | undefined> {
    return this.#state.transact(async (tx) => {
      const document = await tx.documents.get(LOOKUP_TABLES, scope, name);
      const body = await tx.documents.get(LOOKUP_TABLE_BODIES, scope, name);
      return document && body ? { document, body: body.text } : undefined;
    });
  }

  /** What a query looks up in; undefined when there is no table of that name. */
  async open(scope: LogScope, name: string): Promise<LookupTable | undefined> {
    const body = await this.#state.documents.get(LOOKUP_TABLE_BODIES, scope, name);
    return body && parseLookupTable(body.text);
  }
}

export function lookupTableArn(scope: LogScope, name: string): string {
  return formatArn({ service: 'logs', ...scope, resource: `lookup-table:${name}` });
}

/** Undefined for what is not the ARN of a lookup table of this account and region. */
export function lookupTableNameOf(arn: string, scope: LogScope): string | undefined {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'logs' || parsed.account !== scope.account || parsed.region !== scope.region)
    return undefined;
  return /^lookup-table:(\w+)$/.exec(parsed.resource)?.[1];
}

function parseLookupTable(body: string): LookupTable {
  const [fields, ...rows] = parse(body);
  if (!fields) throw new LookupTableError('The table body has no header row.');
  const blank = fields.findIndex((field) => field.trim() === '');
  if (blank >= 0) throw new LookupTableError(`The header row has an empty name in column ${blank + 1}.`);
  const repeated = fields.find((field, i) => fields.indexOf(field) < i);
  if (repeated !== undefined) throw new LookupTableError(`The header row has the name '${repeated}' more than once.`);
  const uneven = rows.findIndex((row) => row.length !== fields.length);
  if (uneven >= 0) {
    const found = rows[uneven]!.length;
    throw new LookupTableError(`Row ${uneven + 1} has ${found} columns; the header row has ${fields.length}.`);
  }
  return { fields, rows };
}

function parse(body: string): string[][] {
  try {
    return parseCsv(body);
  } catch (error) {
    if (error instanceof CsvError) throw new LookupTableError(`Invalid CSV on line ${error.line}: ${error.message}.`);
    throw error;
  }
}
