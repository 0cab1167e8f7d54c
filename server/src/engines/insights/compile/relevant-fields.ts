// relevantfields: which fields differ most between the events that meet a condition and those that do not. The statement brings
// sketches of each field on either side, so that what is kept grows neither with the events nor with their values.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-RelevantFields.html

import { join, list, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Command } from '../syntax/tree.ts';
import type { StatementRow, TableRow } from './compile-query.ts';
import { discoveredFields, presentOf } from './fields.ts';
import type { MadeTable } from './made-table.ts';
import type { Pipeline } from './pipeline.ts';
import { asText } from './values.ts';

const COLUMNS = {
  '@fieldName': 'text',
  '@relevanceScore': 'double',
  '@topRelevanceContributors': 'text',
  '@conditionalMedian': 'number',
  '@baselineMedian': 'number',
} as const;

/** Of the fields that there are, the first ones found. */
const MOST_FIELDS = 1_000;
/** Values of a field that are told apart, the most frequent ones, and how many a sketch follows to find them. */
const MOST_VALUES = 100;
const FOLLOWED_VALUES = 1_000;
const LONGEST_VALUE = 256;
const MOST_CONTRIBUTORS = 5;

export function relevantFields(pipeline: Pipeline, command: Extract<Command, { kind: 'relevantfields' }>): MadeTable {
  const meets = pipeline.compiler.condition(command.condition);
  // The field without a name is one of all events, and the first.
  const fields = sql`arrayPushFront(${fieldsOf(pipeline, command.fields)}, ('', ''))`;
  return {
    sql: sql`SELECT name, sum(countIf(name = '')) OVER () AS all_events,
        ${sketch(sql`meets`)} AS conditional, ${sketch(sql`NOT meets`)} AS baseline FROM (
      SELECT meets, field.1 AS name, leftUTF8(field.2, ${LONGEST_VALUE}) AS value,
        toFloat64OrNull(value) AS parsed, if(isFinite(parsed), parsed, NULL) AS number FROM (
        SELECT toUInt8(${meets}) AS meets, arrayJoin(${fields}) AS field FROM ${pipeline.from} ${pipeline.conditions()}))
      GROUP BY name SETTINGS max_rows_to_group_by = ${MOST_FIELDS}, group_by_overflow_mode = 'any'`,
    columns: COLUMNS,
    commands: 1,
    table: (rows) => ranked(rows as unknown as FieldRow[]),
  };
}

/** The array of the fields that an event has, with their values. */
function fieldsOf(pipeline: Pipeline, names: readonly string[]): Sql {
  const { shownEvent: event } = pipeline;
  const own = names.length > 0 ? names : [...pipeline.fields.keys(), ...(event ? ['@log', '@logStream'] : [])];
  const pairs = presentOf(own.map((name) => sql`(${name}, ${asText(pipeline.field(name))})`));
  if (names.length > 0 || !event) return pairs;
  const others = sql`arrayFilter(pair -> pair.1 NOT IN ${list(own)}, ${discoveredFields(event, pipeline.groups)})`;
  return sql`arrayConcat(${pairs}, ${others})`;
}

/** Where the distributions of numbers are compared: at each percent. */
const LEVELS = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
const MEDIAN = LEVELS.indexOf(0.5);

/** Of a field on one side: how many events have it, how many have a number, the most frequent values, and quantiles of the numbers. */
type Sketch = [
  count: number,
  numbers: number,
  values: { item: string; count: number; error: number }[],
  levels: number[],
];

interface FieldRow extends StatementRow {
  name: string;
  conditional: Sketch;
  baseline: Sketch;
}

function sketch(side: Sql): Sql {
  const levels = join(
    LEVELS.map((level) => sql`${level}`),
    ', ',
  );
  return sql`tuple(countIf(${side}), countIf(isNotNull(number) AND ${side}),
    approx_top_kIf(${MOST_VALUES}, ${FOLLOWED_VALUES})(value, ${side}), quantilesTDigestIf(${levels})(number, ${side}))`;
}

/** The most relevant field first. */
function ranked(rows: readonly FieldRow[]): TableRow[] {
  const all = rows.find(({ name }) => name === '');
  // Without events on either side there is nothing to compare.
  if (!all || all.conditional[0] === 0 || all.baseline[0] === 0) return [];
  const found = rows.filter((row) => row !== all).map((row) => relevance(row, all));
  return found
    .sort((a, b) => b.score - a.score || (a.row['@fieldName']! < b.row['@fieldName']! ? -1 : 1))
    .map(({ row }) => row);
}

function relevance({ name, conditional, baseline }: FieldRow, all: FieldRow): { score: number; row: TableRow } {
  const shares = [conditional[0] / all.conditional[0], baseline[0] / all.baseline[0]] as const;
  const areNumbers = [conditional, baseline].every(([count, numbers]) => count === numbers);
  if (areNumbers) {
    const score = rounded(distance(conditional[3], baseline[3], shares));
    const medians = { '@conditionalMedian': median(conditional), '@baselineMedian': median(baseline) };
    return { score, row: { '@fieldName': name, '@relevanceScore': score, ...medians } };
  }
  const { score, contributors } = shift(conditional, baseline, shares, all);
  const top = JSON.stringify(contributors);
  return { score, row: { '@fieldName': name, '@relevanceScore': score, '@topRelevanceContributors': top } };
}

function median([, numbers, , levels]: Sketch): number | null {
  return numbers === 0 ? null : levels[MEDIAN]!;
}

/** Of two distributions of numbers, by Kolmogorov and Smirnov: the largest difference of their shares below any number. */
function distance(a: readonly number[], b: readonly number[], [shareOfA, shareOfB]: readonly [number, number]): number {
  const below = (levels: readonly number[], share: number, limit: number) =>
    // Events without the field lie below all.
    1 - share + (share * levels.filter((level) => level <= limit).length) / levels.length;
  const limits = [...a, ...b, Number.NEGATIVE_INFINITY];
  return Math.max(...limits.map((limit) => Math.abs(below(a, shareOfA, limit) - below(b, shareOfB, limit))));
}

/**
 * Of two distributions of texts: half the sum of how much the share of each value differs (the total variation distance). What
 * occurs once, as ids do, counts as one value: by itself it tells nothing.
 */
function shift(
  conditional: Sketch,
  baseline: Sketch,
  [conditionalShare, baselineShare]: readonly [number, number],
  all: FieldRow,
) {
  const counts = new Map<string, [number, number]>();
  for (const [side, [, , values]] of [conditional, baseline].entries()) {
    for (const { item, count, error } of values) {
      const both = counts.get(item) ?? [0, 0];
      both[side] = count - error;
      counts.set(item, both);
    }
  }
  const told = [...counts]
    .filter(([, [a, b]]) => a + b > 1)
    .map(([value, [a, b]]) => ({ value, conditional: a / all.conditional[0], baseline: b / all.baseline[0] }));
  const toldOf = (side: 'conditional' | 'baseline') => told.reduce((sum, value) => sum + value[side], 0);
  const other = Math.abs(conditionalShare - toldOf('conditional') - (baselineShare - toldOf('baseline')));
  const missing = Math.abs(conditionalShare - baselineShare);
  const shifted = told
    .map((value) => ({ ...value, by: Math.abs(value.conditional - value.baseline) }))
    .sort((a, b) => b.by - a.by || (a.value < b.value ? -1 : 1));
  const contributors = shifted
    .filter(({ by }) => rounded(by) > 0)
    .slice(0, MOST_CONTRIBUTORS)
    .map(({ value, conditional: a, baseline: b }) => ({ value, conditional: rounded(a), baseline: rounded(b) }));
  const total = shifted.reduce((sum, { by }) => sum + by, other + missing);
  return { score: Math.min(1, rounded(total / 2)), contributors };
}

/** To four decimals. */
function rounded(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
