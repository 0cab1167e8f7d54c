// What the commands pattern, diff and anomaly ask of the rows that their statement brought, and the answer: plain data on both
// sides, so that it can be computed in another thread.

import { type LogPattern, PatternMiner } from './log-patterns.ts';
import { PatternTimeline } from './pattern-anomalies.ts';
import { PatternComparison } from './pattern-diff.ts';

export type PatternQuestion =
  /** Rows: text, times. */
  | { kind: 'patterns' }
  /** Rows: text, times, and `before`, how often in the earlier period. */
  | { kind: 'differences' }
  /** Rows: text, time in milliseconds. */
  | { kind: 'anomalies'; startMs: number; endMs: number };

/** By the names of the result's fields; times in milliseconds. */
export type PatternRow = Record<string, string | number>;

export function answerPatterns(question: PatternQuestion, rows: readonly Record<string, unknown>[]): PatternRow[] {
  switch (question.kind) {
    case 'patterns':
      return patterns(rows as { text: string; times: number }[]);
    case 'differences':
      return differences(rows as { text: string; times: number; before: number }[]);
    case 'anomalies':
      return anomalies(question.startMs, question.endMs, rows as { text: string; time: number }[]);
  }
}

function patterns(rows: readonly { text: string; times: number }[]): PatternRow[] {
  const miner = new PatternMiner();
  for (const { text, times } of rows) miner.add(text, times);
  return miner.patterns().map(patternRow);
}

function differences(rows: readonly { text: string; times: number; before: number }[]): PatternRow[] {
  const comparison = new PatternComparison();
  for (const { text, times, before } of rows) {
    if (times > 0) comparison.addCurrent(text, times);
    if (before > 0) comparison.addPrevious(text, before);
  }
  return comparison.differences().map((difference) => ({
    ...patternRow(difference),
    '@previousSampleCount': difference.previousCount,
    '@differenceInCount': difference.difference,
    '@differenceDescription': difference.description,
  }));
}

function anomalies(startMs: number, endMs: number, rows: readonly { text: string; time: number }[]): PatternRow[] {
  const timeline = new PatternTimeline(startMs, endMs);
  for (const { text, time } of rows) timeline.add(text, time);
  return timeline.anomalies().map((found) => ({
    ...patternRow(found.pattern),
    '@anomalyType': found.kind,
    '@priority': found.priority,
    '@description': found.description,
    '@firstSeen': found.firstSeenMs,
    '@lastSeen': found.lastSeenMs,
  }));
}

function patternRow({ pattern, ratio, sampleCount, severityLabel }: LogPattern): PatternRow {
  return { '@pattern': pattern, '@ratio': ratio, '@sampleCount': sampleCount, '@severityLabel': severityLabel };
}
