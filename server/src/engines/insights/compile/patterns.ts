// pattern, and diff and anomaly after it: the statement brings messages (one of all that are the same beside what is variable,
// with how many there are), and the pattern miner makes the result's rows of them.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Pattern.html

import { LONGEST_TEXT } from '#engines/log-patterns/log-patterns.ts';
import { answerPatterns, type PatternQuestion } from '#engines/log-patterns/pattern-question.ts';
import { type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Command } from '../syntax/tree.ts';
import { UNIT_MS } from './datetime.ts';
import { fault } from './expressions.ts';
import type { MadeTable } from './made-table.ts';
import type { Pipeline } from './pipeline.ts';
import { asText } from './values.ts';

/** Messages of different shape that one query looks at, the most frequent ones. */
const MOST_SHAPES = 100_000;
/** Messages that `anomaly` looks at. */
const MOST_MESSAGES = 200_000;
/** Of the messages of one query: what is mined stays small beside the memory of a server. */
const MOST_TEXT_BYTES = 64 * 1024 * 1024;

const PATTERN_COLUMNS = {
  '@pattern': 'text',
  '@ratio': 'number',
  '@sampleCount': 'number',
  '@severityLabel': 'text',
} as const;
const DIFF_COLUMNS = {
  ...PATTERN_COLUMNS,
  '@previousSampleCount': 'number',
  '@differenceInCount': 'number',
  '@differenceDescription': 'text',
} as const;
const ANOMALY_COLUMNS = {
  ...PATTERN_COLUMNS,
  '@anomalyType': 'text',
  '@priority': 'text',
  '@description': 'text',
  '@firstSeen': 'time',
  '@lastSeen': 'time',
} as const;

export type PatternCommand = Extract<Command, { kind: 'pattern' | 'logcompare' }>;
type Comparison = Extract<Command, { kind: 'diff' | 'logcompare' }>;

/** The pipeline is what stands before the command; `next` is the one after it. */
export function compilePatterns(pipeline: Pipeline, first: PatternCommand, next: Command | undefined): MadeTable {
  const text = asText(first.kind === 'pattern' ? pipeline.compiler.value(first.input) : pipeline.field('@message'));
  if (first.kind === 'logcompare') return minedTable(differences(pipeline, text, first), 1);
  switch (next?.kind) {
    case 'diff':
      return minedTable(differences(pipeline, text, next), 2);
    case 'anomaly':
      return minedTable(anomalies(pipeline, text), 2);
    default:
      return minedTable(patterns(pipeline, text), 1);
  }
}

function minedTable({ question, ...mined }: Mined, commands: number): MadeTable {
  return { ...mined, commands, patterns: question, table: (rows) => answerPatterns(question, rows) };
}

interface Mined {
  sql: Sql;
  columns: MadeTable['columns'];
  question: PatternQuestion;
}

function patterns(pipeline: Pipeline, text: Sql): Mined {
  return {
    sql: shapes(pipeline, text, sql`count() AS times`),
    columns: PATTERN_COLUMNS,
    question: { kind: 'patterns' },
  };
}

function differences(pipeline: Pipeline, text: Sql, command: Comparison): Mined {
  const { source, event } = pipeline;
  if (!source || !event) throw fault(`${command.kind} needs the events of its log groups`, command);
  const { startMs, endMs } = source;
  const before = earlierPeriod(startMs, endMs, command);
  pipeline.source = { ...source, startMs: Math.min(startMs, before.startMs) };
  const isCurrent = sql`${event.timestamp} >= ${startMs}`;
  const isPrevious = sql`(${event.timestamp} >= ${before.startMs} AND ${event.timestamp} <= ${before.endMs})`;
  pipeline.where.push(sql`${isCurrent} OR ${isPrevious}`);
  return {
    sql: shapes(pipeline, text, sql`countIf(${isCurrent}) AS times, countIf(${isPrevious}) AS before`),
    columns: DIFF_COLUMNS,
    question: { kind: 'differences' },
  };
}

function anomalies(pipeline: Pipeline, text: Sql): Mined {
  const { startMs, endMs } = pipeline.scope;
  const timestamp = pipeline.event?.timestamp ?? sql`${startMs}`;
  return {
    sql: bounded(
      sql`SELECT *, count() OVER () AS all_events, ${textSoFar(sql``)} FROM (
        SELECT ${beginning(sql`message_text`)} AS text, time FROM (
          SELECT ${text} AS message_text, ${timestamp} AS time FROM ${pipeline.from} ${pipeline.conditions()})
        WHERE isNotNull(message_text) LIMIT ${MOST_MESSAGES})`,
    ),
    columns: ANOMALY_COLUMNS,
    question: { kind: 'anomalies', startMs, endMs },
  };
}

/**
 * What stands for most of what the miner takes as variable: of messages that are the same beside it, one is brought. That leaves
 * hundreds of a million.
 */
const VARIABLE_PARTS = '[A-Za-z_-]*[0-9][A-Za-z0-9_.-]*';

/** One message for all that differ in variable parts only. */
function shapes(pipeline: Pipeline, text: Sql, counts: Sql): Sql {
  return bounded(sql`SELECT *, sum(times) OVER () AS all_events, ${textSoFar(sql`ORDER BY times DESC`)} FROM (
    SELECT ${beginning(sql`any(message_text)`)} AS text, ${counts} FROM (
      SELECT ${text} AS message_text, ${columnsFor(pipeline)} FROM ${pipeline.from} ${pipeline.conditions()})
    WHERE isNotNull(message_text) GROUP BY replaceRegexpAll(assumeNotNull(message_text), ${VARIABLE_PARTS}, '0')
    ORDER BY times DESC LIMIT ${MOST_SHAPES})`);
}

/** What the miner looks at. */
function beginning(text: Sql): Sql {
  return sql`leftUTF8(assumeNotNull(${text}), ${LONGEST_TEXT})`;
}

function textSoFar(order: Sql): Sql {
  return sql`sum(length(text)) OVER (${order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS text_so_far`;
}

function bounded(messages: Sql): Sql {
  return sql`SELECT * EXCEPT text_so_far FROM (${messages}) WHERE text_so_far <= ${MOST_TEXT_BYTES}`;
}

function columnsFor({ event }: Pipeline): Sql {
  return event ? sql`${event.timestamp}` : sql`0`;
}

function earlierPeriod(startMs: number, endMs: number, command: Comparison) {
  const shifted = (ms: number) => ({ startMs: startMs - ms, endMs: endMs - ms });
  const monthBefore = (ms: number) => {
    const date = new Date(ms);
    date.setUTCMonth(date.getUTCMonth() - 1);
    return date.getTime();
  };
  if (command.kind === 'logcompare') return shifted(command.shift.count * UNIT_MS[command.shift.unit]);
  switch (command.period?.toLowerCase()) {
    case undefined:
      return shifted(endMs - startMs + 1);
    case 'previousday':
      return shifted(86_400_000);
    case 'previousweek':
      return shifted(7 * 86_400_000);
    case 'previousmonth':
      return { startMs: monthBefore(startMs), endMs: monthBefore(endMs) };
    default:
      throw fault('diff takes previousDay, previousWeek or previousMonth', command);
  }
}
